"""A mailbox's room (Đ8.1): shown to its owner, refused to senders at once, never bounced later."""

import imaplib
import smtplib

import pytest

from tests import journal
from tests.foreign import AN
from tests.lab import Lab, Sample, message, wait_for

pytestmark = pytest.mark.dieu8

MEBIBYTE = 2**20
SMALL = 20 * MEBIBYTE


def _set_quota(lab: Lab, mailbox: str, size: int) -> None:
    lab.sql(f"UPDATE mail.mailbox SET quota_bytes = {size} WHERE id = '{mailbox}'")
    lab.run("mailstore", "doveadm auth cache flush")


@pytest.fixture
def small_mailbox(lab: Lab, person: Sample) -> Sample:
    """A person's mailbox with little room and a message that nearly fills it."""
    lab.run("mailstore", f"doveadm mailbox create -u {person.mailbox} Thu")
    _set_quota(lab, person.mailbox, SMALL)
    fill = f"(printf 'Subject: day\\n\\n'; head -c {SMALL - MEBIBYTE} /dev/zero | tr '\\0' x | fold -w 76)"
    lab.run("mailstore", f"{fill} | doveadm save -u {person.mailbox} -m Thu")
    return person


def _refused(client: smtplib.SMTP, sender: str, recipient: str, size: int | None) -> tuple[int, str]:
    """Offer a message; the refusing reply, from RCPT or from the end of the data."""
    options = [f"SIZE={size}"] if size else []
    client.mail(sender, options)
    code, text = client.rcpt(recipient)
    if code >= 400:
        client.rset()
        return code, text.decode()
    mail = message(sender, recipient, text="x" * 70 + "\n")
    mail.add_attachment(b"x" * (15 * MEBIBYTE), maintype="application", subtype="octet-stream", filename="to.bin")
    code, text = client.data(mail.as_bytes())
    return code, text.decode()


@pytest.mark.proof("Dung lượng hộp thư xem được bằng IMAP / a quota seen by IMAP")
def test_owner_sees_his_quota(lab: Lab, small_mailbox: Sample) -> None:
    with lab.imap(small_mailbox.address, small_mailbox.password) as client:
        _, (_, (usage,)) = client.getquotaroot("INBOX")
    used, limit = (int(number) for number in usage.decode().rstrip(")").split("STORAGE ")[1].split())
    assert limit * 1024 == SMALL
    assert SMALL - 2 * MEBIBYTE < used * 1024 <= SMALL + MEBIBYTE


@pytest.mark.neighbours
@pytest.mark.proof("Thư lớn hơn chỗ trống bị từ chối ngay / a message that does not fit is refused at once")
def test_too_large_message_is_refused_by_its_declared_size(lab: Lab, sender: Sample, small_mailbox: Sample) -> None:
    with lab.submission(sender.address, sender.password) as client:
        code, text = _refused(client, sender.address, small_mailbox.address, 15 * MEBIBYTE)
    assert code == 552
    assert "Hop thu da day" in text
    assert text.isascii()


@pytest.mark.neighbours
def test_size_that_was_not_declared_is_found_out_at_the_end(lab: Lab, sender: Sample, small_mailbox: Sample) -> None:
    with lab.submission(sender.address, sender.password) as client:
        code, text = _refused(client, sender.address, small_mailbox.address, None)
    assert code == 552
    assert "Hop thu da day" in text


@pytest.mark.neighbours
def test_the_outside_is_told_the_same(lab: Lab, small_mailbox: Sample) -> None:
    with lab.smtp() as client:
        code, text = _refused(client, AN, small_mailbox.address, 15 * MEBIBYTE)
    assert code == 552
    assert "Hop thu da day" in text


@pytest.mark.neighbours
def test_small_message_still_arrives(lab: Lab, sender: Sample, small_mailbox: Sample) -> None:
    mail = message(sender.address, small_mailbox.address)
    with lab.submission(sender.address, sender.password) as client:
        client.send_message(mail)
    lab.wait_for_message(small_mailbox, mail["Subject"])


@pytest.mark.parametrize("sizes", [(15,), (0, 15), (15, 0), (0, 0, 15)], ids=str)
def test_what_an_append_refuses_is_not_stored(lab: Lab, small_mailbox: Sample, sizes: tuple[int, ...]) -> None:
    """MiB: one message, or several in one command (RFC 3502), to which one answer is given."""
    mails = [b"Subject: append\r\n\r\n" + (b"x" * 70 + b"\r\n") * (1 + size * MEBIBYTE // 72) for size in sizes]
    with lab.imap(small_mailbox.address, small_mailbox.password) as client:
        before = _messages(client)
        assert _appended(client, [b"Subject: append\r\n\r\nx\r\n"]).startswith(b"OK")
        assert _appended(client, mails).startswith(b"NO [OVERQUOTA]")
        assert _messages(client) == before + 1
    with lab.imap(small_mailbox.address, small_mailbox.password) as client:
        assert _messages(client) == before + 1
    stored = lab.run("mailstore", f"doveadm search -u {small_mailbox.mailbox} mailbox INBOX subject append")
    assert len(stored.splitlines()) == 1


def _messages(client: imaplib.IMAP4) -> int:
    return int((client.select("INBOX")[1][0] or b"0").decode())


def _appended(client: imaplib.IMAP4, mails: list[bytes]) -> bytes:
    """The server's answer to one APPEND of all of them."""
    parts = (b" {%d+}\r\n%s" % (len(mail), mail) for mail in mails)
    client.send(b"many APPEND INBOX" + b"".join(parts) + b"\r\n")
    while not (line := client.readline()).startswith(b"many "):
        assert line, "the server hung up"
    return line.removeprefix(b"many ")


@pytest.mark.neighbours
def test_message_for_two_comes_to_the_one_with_room_and_waits_for_the_other(
    lab: Lab, sender: Sample, small_mailbox: Sample
) -> None:
    """With several recipients and no declared size nobody can be refused; then nothing may be lost."""
    other = sender
    mail = message(sender.address, other.address)
    mail.add_attachment(b"x" * (12 * MEBIBYTE), maintype="application", subtype="octet-stream", filename="to.bin")

    def taken() -> bool:
        """A machine that is busy with much else looks at so many octets too slowly: 451."""
        with lab.submission(sender.address, sender.password) as client:
            client.mail(sender.address)
            for recipient in (other.address, small_mailbox.address):
                assert client.rcpt(recipient)[0] == 250
            code, text = client.data(mail.as_bytes())
        assert code in {250, 451}, text
        return code == 250

    wait_for(taken, "a message of 12 MiB at the submission")
    lab.wait_for_message(other, mail["Subject"])

    def waiting() -> bool:
        return "452 4.2.2" in lab.run("mx", "postqueue -p")

    wait_for(waiting, "the deferred copy in the queue")
    lab.run("mailstore", f"doveadm expunge -u {small_mailbox.mailbox} mailbox Thu all")
    lab.run("mx", "postqueue -f")
    lab.wait_for_message(small_mailbox, mail["Subject"])


@pytest.mark.neighbours
@pytest.mark.provokes(journal.DOVECOT_AWAY)
def test_nobody_to_ask_for_room_means_try_later(lab: Lab, sender: Sample, person: Sample) -> None:
    """Mail that was taken without asking might have to be sent back; mail to elsewhere is not concerned."""
    elsewhere = lab.host("mx") not in lab.groups["mailstore"]
    with (
        lab.submission(sender.address, sender.password) as client,
        lab.stopped("mx", "hanam-tunnel" if elsewhere else "dovecot"),
    ):
        client.mail(sender.address)
        code, text = client.rcpt(person.address)
        assert code == 451
        assert b"Tam thoi chua kiem tra duoc hop thu" in text
        assert client.rcpt("an@ngoai.example")[0] == 250
