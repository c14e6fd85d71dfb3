"""From outside nobody writes as somebody else (Đ4.6): one valid author, no name of ours, no verdict left open."""

import smtplib
import uuid
from email.message import EmailMessage
from email.utils import formatdate
from functools import partial

import pytest

from tests.foreign import AN, Foreign
from tests.lab import Lab, Sample, at_once, message

pytestmark = pytest.mark.dieu4

STRANGER = "nguoi.gui@client.example"
"""Of a domain with an address and nothing else: no SPF, no DMARC, and the outer machine's own."""

BELOW = ".".join(["a" * 60] * 4)


def bring(
    lab: Lab, official: Sample, content: bytes | None, *, helo: str = "client.example", sender: str = STRANGER
) -> tuple[int, str]:
    """What a stranger's server is answered: at the first command that is refused, else at the end of the message."""
    with smtplib.SMTP(timeout=30) as client:
        client.connect(lab.address("mx"), 25)
        client.ehlo(helo)
        code, text = client.mail(sender)
        if code == 250:
            code, text = client.rcpt(official.address)
        if code == 250 and content is not None:
            code, text = client.data(content)
    return code, text.decode("ascii")


def letter(official: Sample, *author: str, subject: str = "", extra: str = "") -> bytes:
    """A letter with these From fields, written as given."""
    fields = "".join(f"{field}\r\n" for field in author)
    return (
        f"{fields}{extra}To: <{official.address}>\r\nSubject: {subject or uuid.uuid4().hex}\r\n"
        f"Date: {formatdate(localtime=True)}\r\nMessage-ID: <{uuid.uuid4().hex}@client.example>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nKính gửi đồng chí.\r\n"
    ).encode()


# --- the author ---

NO_AUTHOR = {
    "none": [],
    "only_a_sender": ["Sender: <giamdoc@{ours}>"],
    "empty": ["From: "],
    "null": ["From: <>"],
    "bare_local_part": ["From: giamdoc"],
    "bare_local_part_with_name": ["From: Giam doc <giamdoc>"],
    "two_fields": [f"From: <{STRANGER}>", "From: <giamdoc@{ours}>"],
    "two_fields_one_with_a_space": [f"From: <{STRANGER}>", "From : <giamdoc@{ours}>"],
    "two_addresses": [f"From: <giamdoc@{{ours}}>, <{STRANGER}>"],
    "two_addresses_one_bare": [f"From: giamdoc, <{STRANGER}>"],
    "address_before_address": [f"From: giamdoc@{{ours}} <{STRANGER}>"],
    "group": ["From: So: <giamdoc@{ours}>;"],
    "empty_group": ["From: So:;"],
    "group_of_strangers": [f"From: So: <{STRANGER}>;"],
    "semicolon": ["From: <giamdoc@{ours}>;"],
    "semicolon_bare": ["From: giamdoc@{ours};"],
    "fold_in_domain": ["From: <giamdoc@hanam.\r\n gov.vn>"],
    "fold_at_the_sign": ["From: <giamdoc@\r\n {ours}>"],
    "space_in_domain": ["From: <giamdoc@hanam .gov.vn>"],
    "space_after_domain": ["From: <giamdoc@{ours} >"],
    "tab_in_domain": ["From: <giamdoc@hanam.\tgov.vn>"],
    "comment_in_domain": ["From: <giamdoc@hanam.gov.(x)vn>"],
    "route": [f"From: <@client.example:{STRANGER}>"],
    "two_dots": ["From: <giamdoc@hanam..gov.vn>"],
    "dot_at_end": ["From: <giamdoc@{ours}.>"],
    "dot_at_start": ["From: <giamdoc@.{ours}>"],
    "two_signs": [f"From: <giamdoc@{{ours}}@{STRANGER}>"],
    "literal": ["From: <giamdoc@[192.0.2.1]>"],
    "one_label": ["From: <giamdoc@localhost>"],
    "label_of_64": [f"From: <giamdoc@{'a' * 64}.{{ours}}>"],
    "name_of_247": [f"From: <giamdoc@{BELOW[: 246 - 12]}.{{ours}}>"],
    "control_character": ["From: Giam doc\x01 <giamdoc@{ours}>"],
    "open_quote": [f'From: "Giam doc <{STRANGER}>'],
    "quote_closed_after_the_end": [f'From: "Giam doc <{STRANGER}>\\"'],
    "address_before_another_of_the_same_domain": [f"From: giamdoc@client.example <{STRANGER}>"],
    "address_and_words_before_it": [f"From: {STRANGER} thay <{STRANGER}>"],
    "address_in_brackets_before_it": [f"From: [giamdoc@{{ours}}] <{STRANGER}>"],
    "list_in_brackets": [f"From: [giamdoc, van thu] <{STRANGER}>"],
    "list_in_an_encoded_word": [f"From: =?utf-8?q?a,giamdoc@{{ours}},?= <{STRANGER}>"],
    "address_in_an_encoded_word": [f"From: =?utf-8?q?<giamdoc@{{ours}}>?= <{STRANGER}>"],
    "address_in_a_quoted_local_part": ['From: "giamdoc@{ours}"@client.example'],
    "huge_display_name": [f"From: {'Giam doc ' * 13000}<giamdoc@{{ours}}>"],
    "huge_folded_display_name": [f"From: {'Giam doc\r\n ' * 8000}<giamdoc@{{ours}}>"],
}


@pytest.mark.parametrize("author", NO_AUTHOR.values(), ids=NO_AUTHOR)
def test_mail_without_exactly_one_valid_author_is_refused(lab: Lab, official: Sample, author: list[str]) -> None:
    ours = lab.variables["mail_domain"]
    content = letter(official, *(field.replace("{ours}", ours) for field in author))
    # With and without an envelope sender.
    answers = at_once(lambda: bring(lab, official, content), lambda: bring(lab, official, content, sender=""))
    for code, text in answers:
        assert code == 554, (code, text)
        assert "dung mot dia chi" in text


def test_every_usual_way_to_write_one_author_is_taken(lab: Lab, official: Sample) -> None:
    authors = [
        STRANGER,
        f"<{STRANGER}>",
        f"Nguyen Van An <{STRANGER}>",
        f'"Sở TTTT, tỉnh Hà Nam" <{STRANGER}>',
        f'"Phòng \\"Một cửa\\"" <{STRANGER}>',
        f"Nguyễn Văn An <{STRANGER}>",
        f"=?utf-8?q?S=E1=BB=9F_TTTT?= =?utf-8?b?SMOgIE5hbQ==?= <{STRANGER}>",
        f"Van phong (UBND) <{STRANGER}>",
        f"{STRANGER} (Van phong)",
        f"Nguyen V. An\r\n <{STRANGER}>",
        f"TT.HU Kim Bang <{STRANGER}>",
        f"<van_phong+1@{BELOW[:200]}.client.example>",
        "Văn thư <văn.thư@tỉnh.client.example>",
        "MAILER-DAEMON@client.example (Mail Delivery System)",
        # Web forms write the address as the name.
        f"{STRANGER} <{STRANGER}>",
        f"Nguoi.Gui@Client.example (Van phong) <{STRANGER}>",
        f"[Thông báo] Kho bạc <{STRANGER}>",
        f"Kho bac [KBNN]\r\n <{STRANGER}>",
        # Encoded words in which a program left signs as they are.
        f"=?utf-8?Q?S=E1=BB=9F_TTTT,_t=E1=BB=89nh?= <{STRANGER}>",
        f"=?utf-8?Q?S=E1=BB=9F:_vanthu@so?= <{STRANGER}>",
        '"van thu"@client.example',
        'Van thu <"van thu"@client.example>',
        # Servers that send on for others put both addresses into one.
        f"Van thu <{'a' * 100}@client.example>",
        "<an@пример.client.example>",
        "<an@xn--tnh-dlz.client.example>",
    ]
    subjects = [uuid.uuid4().hex for _ in authors]
    for author, subject in zip(authors, subjects, strict=True):
        code, text = bring(lab, official, letter(official, f"From: {author}", subject=subject))
        assert code == 250, (author, code, text)
    for subject in subjects:
        lab.wait_for_message(official, subject)


# --- our own names ---


def test_our_domain_as_envelope_sender_is_refused_from_outside(lab: Lab, official: Sample) -> None:
    ours = lab.variables["mail_domain"]
    content = letter(official, f"From: <{STRANGER}>")
    for sender in (official.address, f"khong.co@{ours}", f"a@may.{ours}", f"a@{ours.upper()}"):
        code, text = bring(lab, official, content, sender=sender)
        assert code == 550, (sender, code, text)
        assert "ten mien cua chung toi" in text


def test_our_names_as_helo_are_refused_from_outside(lab: Lab, official: Sample) -> None:
    ours = lab.variables["mail_domain"]
    for helo in (ours, f"mx.{ours}", f"MAIL.{ours.upper()}", f"khong-co.{ours}", f"[{lab.address('mx')}]"):
        code, text = bring(lab, official, None, helo=helo)
        assert code == 550, (helo, code, text)


OURS_FORGED = {
    "from": ["From: <giamdoc@{ours}>"],
    "from_of_a_domain_below": ["From: <giamdoc@so.{ours}>"],
    "from_in_capitals": ["From: <GIAMDOC@HANAM.GOV.VN>"],
    "sender": [f"From: <{STRANGER}>", "Sender: <giamdoc@{ours}>"],
    "sender_of_a_domain_below": [f"From: <{STRANGER}>", "Sender: Giam doc <giamdoc@so.{ours}>"],
    "second_sender": [f"From: <{STRANGER}>", f"Sender: <{STRANGER}>", "Sender: <giamdoc@{ours}>"],
    "sender_in_a_group": [f"From: <{STRANGER}>", f"Sender: So: <giamdoc@{{ours}}>, <{STRANGER}>;"],
    "sender_folded": [f"From: <{STRANGER}>", "Sender: <giamdoc@hanam.\r\n gov.vn>"],
}


@pytest.mark.parametrize("author", OURS_FORGED.values(), ids=OURS_FORGED)
def test_our_domain_in_from_or_sender_is_refused_without_our_signature(
    lab: Lab, official: Sample, author: list[str]
) -> None:
    ours = lab.variables["mail_domain"]
    content = letter(official, *(field.replace("{ours}", ours) for field in author))
    for code, text in at_once(lambda: bring(lab, official, content), lambda: bring(lab, official, content, sender="")):
        assert (code, "mao danh" in text) == (554, True), (code, text)


# Shown as our domain, or turned into it by the reader's program.
SHOWN_AS_OURS = {
    "soft_hyphen": "ha\u00adnam.gov.vn",
    "zero_width_space": "ha\u200bnam.gov.vn",
    "grapheme_joiner": "hanam.\u034fgov.vn",
    "variation_selector": "hanam.gov.vn\ufe0f",
    "full_width": "\uff48\uff41\uff4e\uff41\uff4d.gov.vn",
    "full_width_dot": "so\uff0ehanam.gov.vn",
    "ideographic_dot": "hanam.gov\u3002vn",
    "half_width_dot": "hanam.gov\uff61vn",
    "cyrillic": "h\u0430nam.gov.vn",
    "cyrillic_in_capitals": "H\u0410NAM.GOV.VN",
    "cyrillic_above": "so.hanam.g\u043ev.vn",
    "greek": "hanam.g\u03bfv.vn",
    "armenian_label": "hanam.\u0581\u0585\u0475.vn",
    "phonetic": "h\u0251nam.gov.vn",
    "not_composed": "hana\u0302m.gov.vn",
    "below": "so.h\u0430nam.gov.vn",
    "in_punycode": "xn--hnam-53d.gov.vn",
    "below_in_punycode": "so.xn--hnam-53d.gov.vn",
    "latin_1": "ha\udcadnam.gov.vn",
}


def test_domain_that_is_shown_as_ours_is_refused_in_from_and_sender(lab: Lab, official: Sample) -> None:
    def answer(*author: str) -> tuple[int, str]:
        head = "".join(f"{field}\r\n" for field in author).encode("utf-8", "surrogateescape")
        return bring(lab, official, head + letter(official))

    assert lab.variables["mail_domain"] == "hanam.gov.vn"
    taken: dict[str, tuple[int, str]] = {}
    for name, domain in SHOWN_AS_OURS.items():
        shown = f"<giamdoc@{domain}>"
        found = at_once(
            partial(answer, f"From: {shown}"),
            partial(answer, f"From: <{STRANGER}>", f"Sender: {shown}"),
        )
        taken |= {f"{name} {number}": reply for number, reply in enumerate(found) if reply[0] != 554}
    assert taken == {}


def test_mail_of_ours_that_a_list_outside_sends_on_unchanged_is_taken(
    lab: Lab, official: Sample, colleague: Sample
) -> None:
    """Our own signature says who wrote it, whatever way it came."""
    foreign = Foreign(lab)
    mail = message(official.address, AN)
    with lab.submission(official.address, official.password) as client:
        client.send_message(mail)
    sent: EmailMessage = foreign.wait_for(AN, mail["Subject"])
    subject = str(mail["Subject"])
    head, _, body = sent.as_bytes().partition(b"\n\n")
    kept = head[head.index(b"DKIM-Signature:") :]
    foreign.send(kept + b"\n\n" + body, AN, colleague.address)
    lab.wait_for_message(colleague, subject)


# --- verdicts that cannot be found ---


def test_helo_longer_than_a_name_may_be_is_refused(lab: Lab, official: Sample) -> None:
    for helo in (f"{BELOW[: 254 - 14]}.ngoai.example", f"{BELOW}.{BELOW}.ngoai.example", f"{'a' * 64}.ngoai.example"):
        code, text = bring(lab, official, letter(official, f"From: <{AN}>"), helo=helo, sender="")
        assert code == 501, (len(helo), code, text)


@pytest.mark.parametrize("length", [253, 246, 200])
def test_helo_as_long_as_a_name_may_be_hides_no_forgery(lab: Lab, official: Sample, length: int) -> None:
    helo = f"{BELOW[: length - 14].rstrip('.')}.ngoai.example"
    code, text = bring(lab, official, letter(official, f"From: <{AN}>"), helo=helo, sender="")
    assert (code, "Thu mao danh" in text) == (554, True), (code, text)


def test_envelope_sender_longer_than_a_name_may_be_hides_no_forgery(lab: Lab, official: Sample) -> None:
    content = letter(official, f"From: <{AN}>")
    for length in (254, 253, 247, 240):
        sender = f"a@{BELOW[: length - 14].rstrip('.')}.ngoai.example"
        code, text = bring(lab, official, content, sender=sender)
        assert 400 <= code < 600, (length, code, text)


@pytest.mark.parametrize("selector", ["a" * 64, "s..s", BELOW, "khongco"])
def test_signature_that_nobody_can_look_up_hides_no_forgery(lab: Lab, official: Sample, selector: str) -> None:
    signature = (
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=ngoai.example;\r\n s={selector};\r\n"
        " h=from:to; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n b=YWJj"
    )
    code, text = bring(lab, official, letter(official, signature, f"From: <{AN}>"), sender="")
    assert 400 <= code < 600, (code, text)


@pytest.mark.parametrize("author", ["an@bogus.example", "an@so.bogus.example"])
def test_what_dns_cannot_say_now_is_asked_again_later(lab: Lab, official: Sample, author: str) -> None:
    """The signatures of bogus.example are false, so a resolver answers SERVFAIL to every question."""
    content = letter(official, f"From: <{author}>")
    for code, text in at_once(lambda: bring(lab, official, content), lambda: bring(lab, official, content, sender="")):
        assert (code, "Chua kiem tra duoc" in text) == (451, True), (code, text)
