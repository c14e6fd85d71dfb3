"""Which signatures count, in mail from outside and in ours (RFC 6376, 8301, 8617): strong ones, as their keys allow."""

import email
import email.policy
import smtplib
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate

import pytest

from tests import journal
from tests.foreign import AN, UNSIGNED, Foreign
from tests.lab import Lab, Sample
from tests.mail.test_scores import verdicts
from tests.official_mail import Client
from tests.signing import Key, arc, dkim
from tests.world_names import ZONE, published

pytestmark = [pytest.mark.dieu4, pytest.mark.provokes(journal.ZONES)]


STRANGER = "nguoi.gui@client.example"

# Selector -> length and record of its key. The domain's DMARC record asks to refuse what it has not signed.
KEYS: dict[str, tuple[int, str]] = {
    "good": (2048, "v=DKIM1; k=rsa;"),
    "shortest": (1024, "k=rsa; h=sha1:sha256; s=email:*;"),
    "strict": (2048, "v=DKIM1; t=s;"),
    "weak": (1016, "v=DKIM1; k=rsa;"),
    "broken": (512, "v=DKIM1; k=rsa;"),
    "testing": (2048, "v=DKIM1; t=y:s;"),
    "service": (2048, "v=DKIM1; s=tlsrpt;"),
    "hash": (2048, "v=DKIM1; h=sha1;"),
    "version": (2048, "v=DKIM2;"),
    "blanks": (2048, f"v=DKIM1; k=rsa; n=a{' ' * 1000}a;"),
    "hostile": (2048, f"v=DKIM1; k=rsa; n{' ' * 1000}a;"),
}


@pytest.fixture(scope="module")
def keys(lab: Lab) -> Iterator[dict[str, Key]]:
    """Keys in the lab's DNS, below a domain that no resolver has asked about yet."""
    domain = f"k{uuid.uuid4().hex[:8]}.{ZONE}"
    keys = {name: Key(domain, name, bits, record) for name, (bits, record) in KEYS.items()}
    lines = [f'_dmarc.{domain}. 30 IN TXT "v=DMARC1; p=reject"', f"{domain}. 30 IN MX 10 mx.{ZONE}."]
    lines += [key.zone_line for key in keys.values()]
    # Names below bogus.example, whose own signatures are false: a resolver answers SERVFAIL.
    for policy in ("reject", "none"):
        lines += [
            f'_dmarc.{policy}.{domain}. 30 IN TXT "v=DMARC1; p={policy}"',
            f"later._domainkey.{policy}.{domain}. 30 IN CNAME later.bogus.example.",
            f"{policy}.{domain}. 30 IN MX 10 mx.{ZONE}.",
            f'{policy}.{domain}. 30 IN TXT "v=spf1 include:bogus.example -all"',
        ]
    # As domains wrote it that were trying DMARC out; RFC 9989 knows it no more.
    for policy in ("reject", "quarantine"):
        lines += [
            f'_dmarc.part-{policy}.{domain}. 30 IN TXT "v=DMARC1; p={policy}; pct=0"',
            f"part-{policy}.{domain}. 30 IN MX 10 mx.{ZONE}.",
        ]
    with published(lab, lines):
        yield keys


def letter(official: Sample, author: str, subject: str) -> bytes:
    return (
        f"From: <{author}>\r\nTo: <{official.address}>\r\nSubject: {subject}\r\n"
        f"Date: {formatdate(localtime=True)}\r\nMessage-ID: <{uuid.uuid4().hex}@{ZONE}>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nKính gửi đồng chí.\r\n"
    ).encode()


def bring(lab: Lab, official: Sample, content: bytes, sender: str = STRANGER) -> tuple[int, str]:
    with lab.smtp() as client:
        try:
            client.sendmail(sender, [official.address], content)
        except smtplib.SMTPDataError as refusal:
            assert isinstance(refusal.smtp_error, bytes)
            return refusal.smtp_code, refusal.smtp_error.decode()
    return 250, ""


# --- from outside ---


@pytest.mark.parametrize(
    ("name", "tags"),
    [("good", ""), ("shortest", ""), ("strict", " i=@{d};"), ("good", " i=a@so.{d};"), ("blanks", "")],
)
def test_signature_that_its_key_allows_counts(
    lab: Lab, official: Sample, keys: dict[str, Key], name: str, tags: str
) -> None:
    key, subject = keys[name], uuid.uuid4().hex
    content = letter(official, f"an@{key.domain}", subject)
    assert bring(lab, official, dkim(key, content, tags=tags.replace("{d}", key.domain))) == (250, "")
    arrived = lab.wait_for_message(official, subject)
    assert b"dkim=pass" in arrived


@pytest.mark.parametrize(
    ("name", "algorithm", "tags"),
    [
        ("weak", "rsa-sha256", ""),
        ("broken", "rsa-sha256", ""),
        ("good", "rsa-sha1", ""),
        ("good", "rsa-sha256", " i=a@khac.example;"),
        ("good", "rsa-sha256", " i=a@x{d};"),
        ("good", "rsa-sha256", " i=khac.example;"),
        ("strict", "rsa-sha256", " i=a@so.{d};"),
        ("testing", "rsa-sha256", ""),
        ("service", "rsa-sha256", ""),
        ("hash", "rsa-sha256", ""),
        ("version", "rsa-sha256", ""),
        ("good", "rsa-sha256", " d={d};"),
    ],
)
def test_signature_that_is_weak_or_not_allowed_counts_as_none(
    lab: Lab, official: Sample, keys: dict[str, Key], name: str, algorithm: str, tags: str
) -> None:
    key = keys[name]
    content = letter(official, f"an@{key.domain}", uuid.uuid4().hex)
    signed = dkim(key, content, algorithm=algorithm, tags=tags.replace("{d}", key.domain))
    code, text = bring(lab, official, signed)
    assert (code, "Thu mao danh" in text) == (554, True), (code, text)


@pytest.mark.bound
def test_key_record_keeps_the_filter_busy_with_no_octets(lab: Lab, official: Sample, keys: dict[str, Key]) -> None:
    content = letter(official, f"an@{keys['hostile'].domain}", uuid.uuid4().hex)
    began = time.monotonic()
    code, text = bring(lab, official, dkim(keys["hostile"], content))
    assert code in (250, 554) and time.monotonic() - began < 10, (code, text)


def test_weak_signature_is_no_reason_to_refuse_and_spoils_no_good_one(
    lab: Lab, official: Sample, keys: dict[str, Key]
) -> None:
    author, subject = f"an@{keys['good'].domain}", uuid.uuid4().hex
    content = dkim(keys["weak"], dkim(keys["good"], letter(official, author, subject)))
    assert bring(lab, official, content) == (250, "")
    arrived = email.message_from_bytes(lab.wait_for_message(official, subject), policy=email.policy.default)
    verdicts = "".join(arrived["Authentication-Results"].split())
    assert f"dkim=passheader.d={keys['good'].domain}header.s=good" in verdicts
    assert f'dkim=none("keytooshort")header.d={keys["weak"].domain}header.s=weak' in verdicts
    assert "dmarc=pass" in verdicts
    subject = uuid.uuid4().hex
    assert bring(lab, official, dkim(keys["weak"], letter(official, STRANGER, subject))) == (250, "")
    assert b"dkim=pass" not in lab.wait_for_message(official, subject)


@pytest.mark.parametrize(("policy", "code"), [("reject", 451), ("none", 250)])
def test_key_or_sender_list_that_dns_cannot_give_now_is_waited_for_where_it_decides(
    lab: Lab, official: Sample, keys: dict[str, Key], policy: str, code: int
) -> None:
    domain = f"{policy}.{keys['good'].domain}"
    author = f"an@{domain}"
    signed = dkim(replace(keys["good"], domain=domain, selector="later"), letter(official, author, uuid.uuid4().hex))
    answers = [
        bring(lab, official, signed),
        bring(lab, official, letter(official, author, uuid.uuid4().hex), sender=author),
    ]
    assert [answer[0] for answer in answers] == [code, code], answers


@pytest.mark.parametrize(
    ("name", "algorithm", "verdict"),
    [
        ("good", "rsa-sha256", True),
        ("weak", "rsa-sha256", False),
        ("good", "rsa-sha1", False),
        ("service", "rsa-sha256", False),
        ("hash", "rsa-sha256", False),
    ],
)
def test_chain_of_arc_counts_when_its_keys_allow_it(
    lab: Lab, official: Sample, keys: dict[str, Key], name: str, algorithm: str, verdict: bool
) -> None:
    subject = uuid.uuid4().hex
    content = arc(keys[name], letter(official, STRANGER, subject), algorithm=algorithm)
    assert bring(lab, official, content) == (250, "")
    arrived = lab.wait_for_message(official, subject)
    assert (b"arc=pass" in arrived) == verdict
    assert (b"cv=pass" in arrived) == verdict


def test_whoever_seals_his_own_mail_gains_nothing_by_it(lab: Lab, official: Sample, keys: dict[str, Key]) -> None:
    plain = letter(official, STRANGER, uuid.uuid4().hex)
    answers = verdicts(lab, (("plain", Client(), plain), ("sealed", Client(), arc(keys["good"], plain))))
    assert "ARC_ALLOW" in answers["sealed"]["symbols"]
    assert answers["sealed"]["score"] >= answers["plain"]["score"]


def test_policy_of_a_domain_holds_for_all_of_its_mail_whatever_part_it_names(
    lab: Lab, official: Sample, keys: dict[str, Key]
) -> None:
    author = f"an@part-reject.{keys['good'].domain}"
    code, text = bring(lab, official, letter(official, author, uuid.uuid4().hex))
    assert (code, "Thu mao danh" in text) == (554, True), (code, text)
    subject = uuid.uuid4().hex
    author = f"an@part-quarantine.{keys['good'].domain}"
    assert bring(lab, official, letter(official, author, subject)) == (250, "")
    lab.wait_for_message(official, subject, folder="Junk")


# --- ours ---

# What the people's programs may write, and the judge, the foreign server's opendkim, must find well signed.
SIGNED_BODIES = [b"", b"\r\n", b"\r\n\r\n", b"a\r\n \r\n\t \r\n", b" \r\nb  c \r\n", b"\r\n\r\nd", b"e\rf\r\n"]
BLANK_BODIES = [b" \r\n", b"  \t \r\n", b" \r\n \r\n", b"\t", b"\x0c\r\n", b"a\r\n\x0c\r\n", b" \r\n" * 20000]
TWICE = ["To: <{x}>", "Cc: <{x}>\r\nCC: <{x}>", "Subject: hai", "SUBJECT: hai", "Subject : hai", "Message-ID: <a@{x}>"]
TWICE += ["Date: {now}", "Reply-To: <{x}>\r\nreply-to: <{x}>", "MIME-Version: 1.0"]


def ours(sender: Sample, subject: str, body: bytes, extra: str = "") -> bytes:
    head = letter(sender, sender.address, subject).partition(b"\r\n\r\n")[0]
    head = head.replace(f"To: <{sender.address}>".encode(), f"To: <{AN}>".encode())
    extra = extra.replace("{x}", AN).replace("{now}", formatdate(localtime=True))
    return head + b"\r\n" + extra.encode() + (b"\r\n" if extra else b"") + b"\r\n" + body


def submit(lab: Lab, sender: Sample, content: bytes, recipient: str = AN) -> tuple[int, str]:
    with lab.submission(sender.address, sender.password) as client:
        try:
            client.sendmail(sender.address, [recipient], content)
        except smtplib.SMTPDataError as refusal:
            assert isinstance(refusal.smtp_error, bytes)
            return refusal.smtp_code, refusal.smtp_error.decode()
    return 250, ""


def test_another_program_verifies_our_signature_whatever_white_space_a_body_has(lab: Lab, official: Sample) -> None:
    foreign = Foreign(lab)
    subjects = {uuid.uuid4().hex: body for body in SIGNED_BODIES}
    for subject, body in subjects.items():
        assert submit(lab, official, ours(official, subject, body)) == (250, "")
    for subject, body in subjects.items():
        assert "dkim=pass" in foreign.wait_for(AN, subject)["Authentication-Results"], body


@pytest.mark.parametrize("body", BLANK_BODIES, ids=range(len(BLANK_BODIES)))
def test_body_that_cannot_be_signed_is_refused_at_submission(lab: Lab, official: Sample, body: bytes) -> None:
    code, text = submit(lab, official, ours(official, uuid.uuid4().hex, body))
    assert (code, "chi co khoang trang" in text) == (554, True), (code, text)


@pytest.mark.parametrize("extra", TWICE)
def test_field_that_stands_twice_is_refused_at_submission_and_named(lab: Lab, official: Sample, extra: str) -> None:
    code, text = submit(lab, official, ours(official, uuid.uuid4().hex, b"a\r\n", extra))
    assert (code, "co hai lan" in text) == (554, True), (code, text)
    assert f": {extra.split(':')[0].strip().lower()} " in text


LONG = "Kính gửi " * 300
# Lines beyond the 998 octets that a mail server may break (RFC 5321, 4.5.3.1.6), as programs and scripts write them.
LONG_LINES = {
    "8bit": ("Content-Transfer-Encoding: 8bit", LONG),
    "8bit html": ("Content-Transfer-Encoding: 8bit", f"<p>{LONG}</p>" * 20),
    "binary": ("Content-Transfer-Encoding: binary", LONG),
    "undeclared": ("", LONG),
    "7bit": ("", "<p>Kinh gui</p>" * 200),
    "base64": ("Content-Transfer-Encoding: base64", "S8OtbmggZ+G7rWkK" * 200),
    "quoted-printable": ("Content-Transfer-Encoding: quoted-printable", "K=C3=ADnh " * 200),
    "field": ("X-Cong-Van: " + "a" * 2000, "a"),
    "field of words": ("References:" + f" <a@{ZONE}>" * 200, "a"),
}


def test_our_signature_outlives_lines_of_any_length(lab: Lab, official: Sample) -> None:
    foreign = Foreign(lab)
    subjects = {uuid.uuid4().hex: name for name in LONG_LINES}
    for subject, name in subjects.items():
        field, text = LONG_LINES[name]
        assert submit(lab, official, ours(official, subject, f"{text}\r\n".encode(), field)) == (250, ""), name
    results = {name: foreign.wait_for(AN, subject)["Authentication-Results"] for subject, name in subjects.items()}
    assert {name: result for name, result in results.items() if "dkim=pass" not in result} == {}


def test_our_signature_outlives_a_server_that_takes_seven_bits(lab: Lab, official: Sample) -> None:
    foreign, subject = Foreign(lab), uuid.uuid4().hex
    content = ours(official, subject, "Kính gửi\r\n".encode(), "Content-Transfer-Encoding: 8bit")
    with foreign.without("8bitmime, smtputf8"):
        # Its server is reached by an address of its own: no connection is kept open from before.
        assert submit(lab, official, content.replace(AN.encode(), UNSIGNED.encode()), UNSIGNED) == (250, "")
        arrived = foreign.wait_for(UNSIGNED, subject)
    assert "dkim=pass" in arrived["Authentication-Results"]
    assert arrived.get_content() == "Kính gửi\n"


def test_mail_from_outside_arrives_octet_by_octet_however_long_its_lines_are(lab: Lab, official: Sample) -> None:
    """What its author signed, for the mail server or for the reader's program, must verify in the mailbox too."""
    subject = uuid.uuid4().hex
    content = letter(official, STRANGER, subject) + LONG.encode() + b"\r\n" + b"a" * 5000 + b"\r\n"
    assert bring(lab, official, content) == (250, "")
    body = content.partition(b"\r\n\r\n")[2]
    assert lab.wait_for_message(official, subject).partition(b"\r\n\r\n")[2] == body
