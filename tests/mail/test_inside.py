"""Mail between two officials, from one program to the other (Đ3.2, Đ3.4, Đ10.2)."""

import email
import email.policy
import uuid
from email.message import EmailMessage

import pytest

from tests import journal
from tests.lab import Lab, Sample, message, wait_for

pytestmark = pytest.mark.neighbours


def _send(lab: Lab, sender: Sample, mail: EmailMessage) -> None:
    with lab.submission(sender.address, sender.password) as client:
        client.send_message(mail)


@pytest.mark.proof("Thư nội bộ đến nội bộ / inside to inside")
def test_message_from_one_official_reaches_the_other(lab: Lab, sender: Sample, recipient: Sample) -> None:
    mail = message(sender.address, recipient.address)
    _send(lab, sender, mail)
    received = email.message_from_bytes(lab.wait_for_message(recipient, mail["Subject"]), policy=email.policy.default)
    assert received["Message-ID"] == mail["Message-ID"]
    assert received.get_content().strip() == "Kính gửi đồng chí."


def test_attachment_with_vietnamese_name_arrives_byte_for_byte(lab: Lab, sender: Sample, recipient: Sample) -> None:
    content = "Báo cáo quý Ⅳ — số liệu".encode() + bytes(range(256)) * 64
    mail = message(sender.address, recipient.address)
    mail.add_attachment(
        content, maintype="application", subtype="octet-stream", filename="Báo cáo quý 4 (dự thảo).docx"
    )
    _send(lab, sender, mail)
    received = email.message_from_bytes(lab.wait_for_message(recipient, mail["Subject"]), policy=email.policy.default)
    (attachment,) = received.iter_attachments()
    assert attachment.get_filename() == "Báo cáo quý 4 (dự thảo).docx"
    assert attachment.get_payload(decode=True) == content


def test_header_in_plain_utf8_is_carried_and_not_sent_back(lab: Lab, sender: Sample, recipient: Sample) -> None:
    mark = uuid.uuid4().hex
    raw = (
        f"From: {sender.name} <{sender.address}>\r\nTo: <{recipient.address}>\r\n"
        f"Subject: Công văn số {mark}\r\n"
        f"X-Mark: {mark}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\nĐề nghị các đơn vị báo cáo.\r\n"
    ).encode()
    with lab.submission(sender.address, sender.password) as client:
        client.sendmail(sender.address, [recipient.address], raw, mail_options=["SMTPUTF8", "BODY=8BITMIME"])

    def arrived() -> bytes | None:
        with lab.imap(recipient.address, recipient.password) as reader:
            reader.select("INBOX", readonly=True)
            _, found = reader.search(None, "HEADER", "X-Mark", mark)
            if not found[0]:
                return None
            _, parts = reader.fetch(found[0].split()[-1].decode(), "(BODY.PEEK[])")
            return parts[0][1]  # type: ignore[index, return-value]

    received = wait_for(arrived, f"message with the mark {mark}")
    assert f"Subject: Công văn số {mark}\r\n".encode() in received
    body = email.message_from_bytes(received, policy=email.policy.default).get_content()
    assert body == "Đề nghị các đơn vị báo cáo.\r\n"


def test_received_line_does_not_tell_where_the_sender_sat(lab: Lab, sender: Sample, recipient: Sample) -> None:
    mail = message(sender.address, recipient.address)
    _send(lab, sender, mail)
    received = email.message_from_bytes(lab.wait_for_message(recipient, mail["Subject"]))
    handed_over = received.get_all("Received")[-1]
    own_address = lab.run("submission", "echo $SSH_CLIENT").split()
    assert "client address withheld" in handed_over
    assert "client.example" not in handed_over
    assert not own_address or own_address[0] not in handed_over


def test_mail_for_the_postmaster_reaches_the_operator(lab: Lab, sender: Sample) -> None:
    # The operator's mailbox is an agency's, without a password of its own, so it is looked at on the host.
    operator = lab.run(
        "mailstore", "postconf -h virtual_alias_maps >/dev/null; doveadm user -f user stttt@hanam.gov.vn"
    ).strip()
    mail = message(sender.address, f"postmaster@{lab.variables['mail_domain']}")
    _send(lab, sender, mail)

    def found() -> str | None:
        return (
            lab.run(
                "mailstore",
                f"doveadm search -u {operator} mailbox INBOX header Message-ID '{mail['Message-ID']}'",
            ).strip()
            or None
        )

    wait_for(found, "the postmaster's message in the operator's mailbox")


@pytest.mark.provokes(journal.DOVECOT_AWAY, journal.DATABASE_AWAY)
def test_accepted_message_survives_a_stopped_mail_store_and_database(
    lab: Lab, sender: Sample, recipient: Sample
) -> None:
    mail = message(sender.address, recipient.address)
    with lab.stopped("mailstore", "dovecot"):
        # Handed in on the host itself: over SMTP nothing is taken while nobody can say whether there is room.
        lab.run("mx", f"sendmail -f {sender.address} {recipient.address} <<'EOF'\n{mail.as_string()}\nEOF")
        wait_for(lambda: recipient.address in lab.run("mx", "postqueue -p"), "the message in the queue")
        with lab.stopped("accounts", "postgresql@17-main"):
            lab.run("mx", "postqueue -f")
    lab.wait_for_agents()
    lab.wait_for_message(recipient, mail["Subject"], put_off=True)
