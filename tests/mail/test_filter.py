"""Nothing passes unscanned (Đ4.2, Đ4.3, Đ10.6): viruses and spam are refused, and without a scanner mail waits."""

import base64
import email
import io
import os
import smtplib
import socket
import tarfile
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from email.message import EmailMessage
from functools import partial

import pytest

from tests import journal
from tests.lab import Lab, Sample, at_once, message, wait_for

pytestmark = [pytest.mark.dieu4, pytest.mark.dieu10, pytest.mark.provokes(journal.FILTER_AWAY)]

# Written apart, so that no scanner of a developer's machine takes this file for the test virus itself.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS" + b"-TEST-FILE!$H+H*"
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*" + "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"

# A domain with an address and nothing else: no SPF, no DMARC, and the outer machine's own.
STRANGER = "nguoi.gui@client.example"

CLAMD = ("clamav-daemon.socket", "clamav-daemon.service")


# --- messages ---


def zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def encrypted_zip(name: str, content: bytes) -> bytes:
    """A zip whose entry says that a password closes it."""
    data = bytearray(zipped(name, content))
    central = data.index(b"PK\x01\x02")
    data[6] |= 1
    data[central + 8] |= 1
    return bytes(data)


def tarred(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def with_attachment(mail: EmailMessage, name: str, content: bytes) -> EmailMessage:
    mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return mail


def plain(mail: EmailMessage) -> bytes:
    mail.set_content(EICAR.decode(), cte="7bit")
    return mail.as_bytes()


def in_base64_text(mail: EmailMessage) -> bytes:
    mail.set_content(EICAR.decode(), cte="base64")
    return mail.as_bytes()


def attached(mail: EmailMessage) -> bytes:
    return with_attachment(mail, "công văn.doc", EICAR).as_bytes()


def in_zip(mail: EmailMessage) -> bytes:
    return with_attachment(mail, "hồ sơ.zip", zipped("e.com", EICAR)).as_bytes()


def in_nested_zip(mail: EmailMessage) -> bytes:
    inner = zipped("a.zip", zipped("e.com", EICAR))
    return with_attachment(mail, "hồ sơ.zip", zipped("b.zip", inner)).as_bytes()


def in_tar_in_zip(mail: EmailMessage) -> bytes:
    return with_attachment(mail, "hồ sơ.zip", zipped("a.tgz", tarred("e.com", EICAR))).as_bytes()


def in_forwarded_message(mail: EmailMessage) -> bytes:
    inner = message(STRANGER, STRANGER)
    mail.add_attachment(with_attachment(inner, "e.zip", zipped("e.com", EICAR)))
    return mail.as_bytes()


def behind_an_unknown_header(mail: EmailMessage) -> bytes:
    """ClamAV knows a mail by its first header line; one of the sender's choice must not hide the rest."""
    return b"La: khong co trong chuan nao\n" + attached(mail)


def with_a_false_length_of_line(mail: EmailMessage) -> bytes:
    """base64 in lines far longer than allowed."""
    whole = attached(mail)
    encoded = base64.b64encode(EICAR)
    broken = whole.replace(encoded[:76] + b"\n" + encoded[76:], encoded)
    assert encoded in broken
    return broken


VIRUSES: list[Callable[[EmailMessage], bytes]] = [
    plain,
    in_base64_text,
    attached,
    in_zip,
    in_nested_zip,
    in_tar_in_zip,
    in_forwarded_message,
    behind_an_unknown_header,
    with_a_false_length_of_line,
]


# --- doors ---


def submit(lab: Lab, sender: Sample, recipient: str, content: bytes) -> None:
    """Through the door of our own people; raises what the server answers."""
    with lab.submission(sender.address, sender.password) as client:
        client.sendmail(sender.address, [recipient], content)


def bring(lab: Lab, recipient: str, content: bytes, sender: str = STRANGER) -> None:
    """Through the door of the world, as a stranger's server does."""
    with lab.smtp() as client:
        client.sendmail(sender, [recipient], content)


def refusal(deliver: Callable[[], None]) -> tuple[int, str]:
    """Code and text with which a message was not taken, at its end or, while no filter answers, before it."""
    with pytest.raises(smtplib.SMTPResponseException) as caught:
        deliver()
    answer = caught.value.smtp_error
    text = answer.decode("ascii") if isinstance(answer, bytes) else answer
    return caught.value.smtp_code, text


# --- viruses ---


@pytest.mark.parametrize(
    "hide",
    [pytest.param(plain, marks=pytest.mark.proof("Virus (EICAR) bị từ chối / a virus refused")), *VIRUSES[1:]],
    ids=lambda hide: hide.__name__,
)
def test_virus_of_an_official_is_refused(
    lab: Lab, official: Sample, colleague: Sample, hide: Callable[[EmailMessage], bytes]
) -> None:
    """Đ4.2, Đ10.6."""
    content = hide(message(official.address, colleague.address))
    code, text = refusal(lambda: submit(lab, official, colleague.address, content))
    assert code == 554
    assert "Thu co virus" in text
    assert "it carries a virus" in text


@pytest.mark.parametrize("hide", VIRUSES, ids=lambda hide: hide.__name__)
def test_virus_from_outside_is_refused(lab: Lab, official: Sample, hide: Callable[[EmailMessage], bytes]) -> None:
    """Đ4.2, Đ10.6."""
    content = hide(message(STRANGER, official.address))
    code, text = refusal(lambda: bring(lab, official.address, content))
    assert code == 554
    assert "Thu co virus" in text


@pytest.mark.neighbours
def test_virus_of_a_program_on_our_own_host_is_not_delivered(lab: Lab, official: Sample, colleague: Sample) -> None:
    """By `sendmail`, where no client is there to be told: its sender hears of it by mail, without the virus."""
    mail = with_attachment(message(official.address, colleague.address), "e.com", EICAR)
    command = f"/usr/sbin/sendmail -i -f {official.address} {colleague.address}"
    lab.run("submission", f"base64 -d <<'MAIL' | {command}\n{base64.b64encode(mail.as_bytes()).decode()}\nMAIL")
    notice = lab.wait_for_message(official, "Undelivered mail")
    assert b"Thu co virus" in notice
    assert base64.b64encode(EICAR) not in notice.replace(b"\r\n", b"")
    everywhere = f"doveadm search -u {colleague.mailbox} mailbox '*' all"
    assert not lab.run("mailstore", everywhere).strip()
    assert colleague.address not in lab.run("submission", "postqueue -j")


# The scanner has its seconds for the largest message, of a machine that does nothing else.
@pytest.mark.bound
@pytest.mark.neighbours
@pytest.mark.dieu8
def test_virus_beside_full_size_attachments_is_refused(lab: Lab, official: Sample, colleague: Sample) -> None:
    mail = message(official.address, colleague.address)
    virus = zipped("e.com", EICAR)
    with_attachment(mail, "lớn.bin", os.urandom(lab.variables["regulation_attachment_limit_bytes"] - len(virus)))
    content = with_attachment(mail, "e.zip", virus).as_bytes()
    code, text = refusal(lambda: submit(lab, official, colleague.address, content))
    assert (code, "Thu co virus" in text) == (554, True), text


# The scanner has its seconds for the largest message, of a machine that does nothing else.
@pytest.mark.bound
@pytest.mark.neighbours
@pytest.mark.dieu8
def test_virus_at_the_end_of_the_largest_incoming_message_is_refused(lab: Lab, official: Sample) -> None:
    mail = message(STRANGER, official.address)
    room = lab.variables["regulation_incoming_message_limit_bytes"] - 65536
    # 57 bytes become a line of 76 characters and its end.
    with_attachment(mail, "lớn.bin", os.urandom(room // 78 * 57))
    content = in_zip(mail)
    code, text = refusal(lambda: bring(lab, official.address, content))
    assert (code, "Thu co virus" in text) == (554, True), text


def test_archive_closed_by_a_password_is_refused_and_says_why(lab: Lab, official: Sample) -> None:
    mail = with_attachment(message(STRANGER, official.address), "mật.zip", encrypted_zip("a.txt", b"x" * 500))
    code, text = refusal(lambda: bring(lab, official.address, mail.as_bytes()))
    assert (code, "dat mat khau" in text) == (554, True)


def test_archive_that_unpacks_beyond_all_bounds_is_refused(lab: Lab, official: Sample) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x", "w") as entry:
        for _ in range(500):
            entry.write(bytes(1 << 20))
    mail = with_attachment(message(STRANGER, official.address), "bom.zip", buffer.getvalue())
    code, text = refusal(lambda: bring(lab, official.address, mail.as_bytes()))
    assert (code, "khong quet virus duoc" in text) == (554, True)


# --- sizes ---


@pytest.mark.bound
@pytest.mark.neighbours
@pytest.mark.dieu8
@pytest.mark.parametrize("parts", [1, 3])
def test_attachments_of_an_official_may_have_their_full_size_and_not_a_byte_more(
    lab: Lab, official: Sample, colleague: Sample, parts: int
) -> None:
    limit = lab.variables["regulation_attachment_limit_bytes"]

    def with_attachments(total: int) -> EmailMessage:
        mail = message(official.address, colleague.address)
        # The letter itself counts in none of its forms.
        mail.add_alternative("<p>Kính gửi đồng chí.</p>", subtype="html")
        for _ in range(parts - 1):
            with_attachment(mail, "phụ lục.bin", os.urandom(limit // parts))
        return with_attachment(mail, "báo cáo.bin", os.urandom(total - (parts - 1) * (limit // parts)))

    larger = with_attachments(limit + 1)
    code, text = refusal(lambda: submit(lab, official, colleague.address, larger.as_bytes()))
    assert (code, "vuot qua 20 MB" in text) == (554, True)
    full = with_attachments(limit)
    submit(lab, official, colleague.address, full.as_bytes())
    lab.wait_for_message(colleague, str(full["Subject"]))


@pytest.mark.bound
@pytest.mark.neighbours
@pytest.mark.dieu8
def test_attachments_from_outside_may_be_larger_than_ours(lab: Lab, official: Sample) -> None:
    """Other systems have limits of their own: a quarter more than our people may send comes in whole."""
    attached = os.urandom(lab.variables["regulation_attachment_limit_bytes"] * 5 // 4)
    mail = with_attachment(message(STRANGER, official.address), "báo cáo.bin", attached)
    bring(lab, official.address, mail.as_bytes())
    arrived = email.message_from_bytes(lab.wait_for_message(official, str(mail["Subject"])))
    assert arrived.get_payload(1).get_payload(decode=True) == attached  # type: ignore[union-attr]


# --- a scanner that is not there ---


@contextmanager
def stopped(lab: Lab) -> Iterator[None]:
    with lab.stopped("filter", *CLAMD):
        yield


@contextmanager
def hung(lab: Lab) -> Iterator[None]:
    lab.run("filter", "systemctl kill --signal=STOP clamav-daemon.service")
    try:
        yield
    finally:
        lab.run("filter", "systemctl kill --signal=CONT clamav-daemon.service")


@contextmanager
def out_of_disk(lab: Lab) -> Iterator[None]:
    """It cannot write the message down to look at it, and answers with an error of its own."""
    folder = "/run/systemd/system/clamav-daemon.service.d"
    lab.run(
        "filter",
        f"mkdir -p {folder} && printf '[Service]\\nReadOnlyPaths=/var/tmp\\n' > {folder}/test.conf"
        " && systemctl daemon-reload && systemctl restart clamav-daemon.service",
    )
    try:
        yield
    finally:
        lab.run(
            "filter", f"rm {folder}/test.conf && systemctl daemon-reload && systemctl restart clamav-daemon.service"
        )


@contextmanager
def without_filter(lab: Lab) -> Iterator[None]:
    with lab.stopped("filter", "rspamd.service"):
        yield


@pytest.mark.parametrize("trouble", [stopped, hung, out_of_disk, without_filter], ids=lambda trouble: trouble.__name__)
def test_without_a_scanner_mail_waits_and_arrives_afterwards(
    lab: Lab, official: Sample, colleague: Sample, trouble: Callable[[Lab], AbstractContextManager[None]]
) -> None:
    """Đ4.2: what nobody looked at reaches nobody."""
    ours = message(official.address, colleague.address)
    foreign = message(STRANGER, colleague.address)
    with trouble(lab):
        for deliver in (
            lambda: submit(lab, official, colleague.address, ours.as_bytes()),
            lambda: bring(lab, colleague.address, foreign.as_bytes()),
        ):
            code, text = refusal(deliver)
            assert 400 <= code < 500, (code, text)
            if trouble is not without_filter:
                assert "Chua quet duoc virus" in text
    submit(lab, official, colleague.address, ours.as_bytes())
    lab.wait_for_message(colleague, str(ours["Subject"]))


@pytest.mark.bound
@pytest.mark.neighbours
def test_a_filter_that_hangs_is_told_at_connect_and_soon(lab: Lab) -> None:
    """Not at STARTTLS or sign-in, where programs would take it for a wrong password."""

    def greeting(port: int, tls: bool) -> bytes:
        with socket.create_connection((lab.address("submission"), port), timeout=15) as plain:
            if not tls:
                return plain.makefile("rb").readline()
            with lab.ssl_context.wrap_socket(plain, server_hostname=f"smtp.{lab.variables['mail_domain']}") as secure:
                return secure.makefile("rb").readline()

    lab.run("filter", "systemctl kill --signal=STOP rspamd.service")
    try:
        answers = at_once(partial(greeting, 465, True), partial(greeting, 587, False), partial(greeting, 25, False))
    finally:
        lab.run("filter", "systemctl kill --signal=CONT rspamd.service")
    assert [answer[:4] for answer in answers] == [b"421 "] * 3


# --- spam ---


@pytest.mark.neighbours
@pytest.mark.dieu12
@pytest.mark.proof("Thư rác (GTUBE) bị từ chối / spam refused")
def test_spam_of_an_official_is_refused(lab: Lab, official: Sample, colleague: Sample) -> None:
    """Đ4.3."""
    mail = message(official.address, colleague.address, text=f"{GTUBE}\n")
    code, text = refusal(lambda: submit(lab, official, colleague.address, mail.as_bytes()))
    assert (code, "thu rac" in text) == (554, True)


@pytest.mark.neighbours
def test_spam_from_outside_is_refused(lab: Lab, official: Sample) -> None:
    """Đ10.6."""
    mail = message(STRANGER, official.address, text=f"{GTUBE}\n")
    code, text = refusal(lambda: bring(lab, official.address, mail.as_bytes()))
    assert (code, "thu rac" in text) == (554, True)


@pytest.mark.neighbours
def test_what_is_most_surely_spam_is_held_for_its_receiver(lab: Lab, official: Sample) -> None:
    # By its links and names: the filter has learnt no word of the text.
    text = f"Lorem ipsum dolor sit amet: http://198.51.100.7/x?{official.address} https://bit.ly/x\n"
    mail = message(STRANGER, official.address, text=text)
    for header in ("Message-ID", "Date", "To", "From"):
        del mail[header]
    mail["From"] = f'"{official.address}" <{STRANGER}>'
    mail["Reply-To"] = "khac@khongky.example"
    bring(lab, official.address, mail.as_bytes())
    kind = f"select kind from mail.held_message where subject = '{mail['Subject']}'"
    wait_for(lambda: lab.sql(kind) == "spam", "the message among those that are held")


def test_vietnamese_official_letter_from_outside_is_not_taken_for_spam(lab: Lab, official: Sample) -> None:
    text = (
        "Kính gửi: Sở Thông tin và Truyền thông tỉnh Hà Nam.\n\nThực hiện Quyết định số 27/2023/QĐ-UBND ngày 06/7/2023"
        " của Ủy ban nhân dân tỉnh, đề nghị quý cơ quan cử cán bộ tham dự hội nghị.\n\nTrân trọng.\n"
    )
    mail = message(STRANGER, official.address, text=text)
    bring(lab, official.address, mail.as_bytes())
    arrived = lab.wait_for_message(official, str(mail["Subject"]))
    assert b"\nX-Spam:" not in arrived


# --- who we are ---


@pytest.mark.neighbours
def test_mail_of_an_official_is_signed(lab: Lab, official: Sample, colleague: Sample) -> None:
    mail = message(official.address, colleague.address)
    submit(lab, official, colleague.address, mail.as_bytes())
    arrived = lab.wait_for_message(colleague, str(mail["Subject"]))
    header = arrived.split(b"\r\n\r\n")[0].replace(b"\r\n\t", b" ").decode()
    signatures = [line for line in header.splitlines() if line.startswith("DKIM-Signature:")]
    assert all(f"d={lab.variables['mail_domain']};" in signature for signature in signatures)
    for selector in lab.variables["vault_dkim_keys"]:
        assert len([signature for signature in signatures if f"s={selector};" in signature]) == 1


@pytest.mark.neighbours
def test_mail_from_outside_that_claims_to_be_ours_is_refused(lab: Lab, official: Sample, colleague: Sample) -> None:
    """Not even with our domain in From: our own DMARC policy refuses that."""
    mail = message(official.address, colleague.address)
    code, text = refusal(lambda: bring(lab, colleague.address, mail.as_bytes(), sender=STRANGER))
    assert (code, "Thu mao danh" in text) == (554, True)


# --- what others' mailboxes send on ---


def test_mail_that_a_private_mailbox_forwards_in_is_marked(lab: Lab, official: Sample) -> None:
    """Đ4.5. By which fields it is known, and what proves nothing: tests/filter_forwarded.py."""
    own = official.address
    marked = {"X-Forwarded-For": f"rieng@gmail.example {own}", "Delivered-To": "rieng@gmail.example"}
    plain = {"Delivered-To": "vanthu@bo.gov.vn", "X-Hanam-Forwarded": "gia@gmail.example"}
    origins: dict[str, str | None] = {}
    for fields, expected in ((marked, "rieng@"), (plain, None)):
        for name, value in fields.items():
            mail = message(STRANGER, own)
            mail[name] = value
            bring(lab, own, mail.as_bytes())
            origins[str(mail["Subject"])] = expected
    for subject, origin in origins.items():
        head = email.message_from_bytes(lab.wait_for_message(official, subject))
        assert (head["X-Hanam-Forwarded"] or "").startswith(origin or ""), head.items()
        assert (head["X-Hanam-Forwarded"] is None) == (origin is None), head.items()


# --- what is written down ---


def test_log_names_the_verdict_and_nothing_of_the_content(lab: Lab, official: Sample, colleague: Sample) -> None:
    secret = f"noidung{uuid.uuid4().hex}"
    mail = message(official.address, colleague.address, subject=secret, text=f"{secret}\n")
    with_attachment(mail, f"{secret}.txt", secret.encode())
    submit(lab, official, colleague.address, mail.as_bytes())
    identity = str(mail["Message-ID"]).strip("<>")
    lines = wait_for(
        lambda: lab.run("filter", f"journalctl -u rspamd --since -2min -o cat | grep -F {identity} | cat"),
        "the filter's line about the message",
    )
    assert "no action" in lines
    assert secret not in lab.run("filter", "journalctl --sync; journalctl -u rspamd --since -2min -o cat")
