"""Mail of our people with a secrecy mark is held, wherever it goes; what nobody could look at waits (Đ3.3)."""

import email
import smtplib
import time
import uuid
from email.message import EmailMessage, Message
from typing import Any

import pytest

from tests import documents, journal
from tests.lab import Lab, Sample, message, wait_for
from tests.mail import test_quarantine as quarantine
from tests.mail.test_scores import ask
from tests.mail.test_signatures import STRANGER, bring

pytestmark = [pytest.mark.dieu3, pytest.mark.provokes(journal.SECRECY_AWAY)]

SECRECY, EXTRACT = ("hanam-secrecy.socket", "hanam-secrecy.service"), ("hanam-extract.socket", "hanam-extract.service")
HOLD, UNREAD = "X-Hanam-Hold", "X-Hanam-Unread"


def letter(
    sender: str, recipient: str, *attached: tuple[str, bytes], text: str = "Kính gửi đồng chí.\n"
) -> EmailMessage:
    mail = message(sender, recipient, text=text)
    for name, octets in attached:
        mail.add_attachment(octets, maintype="application", subtype="octet-stream", filename=name)
    return mail


def hand_in(lab: Lab, sender: Sample, mail: EmailMessage) -> tuple[int, str]:
    """What the submission answers."""
    with lab.submission(sender.address, sender.password) as client:
        try:
            client.send_message(mail)
        except smtplib.SMTPDataError as refusal:
            assert isinstance(refusal.smtp_error, bytes)
            return refusal.smtp_code, refusal.smtp_error.decode()
    return 250, ""


def said(lab: Lab, mail: EmailMessage, **head: str) -> dict[str, Any]:
    """The fields that the filter adds to a message, and those that it takes away."""
    envelope = {"From": str(mail["From"]), "Rcpt": str(mail["To"]), "Helo": "mx.client.example", "IP": "198.18.0.5"}
    (answer,) = ask(lab, [(envelope | head, mail.as_bytes())])
    milter = answer.get("milter", {})
    return {
        "added": {
            name: _value(value) for name, value in milter.get("add_headers", {}).items() if name in (HOLD, UNREAD)
        },
        "removed": [name for name in milter.get("remove_headers", {}) if name in (HOLD, UNREAD)],
        "symbols": sorted(name for name in answer["symbols"] if name.startswith("SECRECY_")),
    }


def _value(value: Any) -> str:
    return str(value["value"] if isinstance(value, dict) else value)


def arrived(lab: Lab, recipient: Sample, mail: EmailMessage) -> Message:
    return email.message_from_bytes(lab.wait_for_message(recipient, mail["Subject"]))


MARKED: dict[str, tuple[dict[str, Any], str]] = {
    "subject": ({"subject": "[MẬT] Kế hoạch"}, "MAT in subject"),
    "body": ({"text": "TỐI MẬT\n\nKính gửi\n"}, "TOI MAT in body"),
    "document": ({"attached": ("a.docx", documents.docx("Nội dung"))}, "TUYET MAT in attachment 1"),
    "pdf": ({"attached": ("a.pdf", documents.pdf("MẬT", "Nội dung"))}, "MAT in attachment 1"),
    "name": ({"attached": ("TUYET MAT - to trinh.bin", b"\xff\xd8\xff")}, "TUYET MAT in name of attachment 1"),
}


@pytest.mark.neighbours
@pytest.mark.parametrize("to", ["inside", "outside"])
@pytest.mark.parametrize("kind", MARKED)
def test_a_mark_in_a_signed_in_persons_mail_is_told_by_a_field(
    lab: Lab, sender: Sample, recipient: Sample, kind: str, to: str
) -> None:
    given, found = MARKED[kind]
    to_whom = recipient.address if to == "inside" else STRANGER
    attached = [given["attached"]] if "attached" in given else []
    mail = letter(sender.address, to_whom, *attached, text=str(given.get("text", "Kính gửi\n")))
    if "subject" in given:
        mail.replace_header("Subject", given["subject"])
    answer = said(lab, mail, User=sender.mailbox)
    told = f"secrecy login={sender.mailbox} {found}"
    assert answer == {"added": {HOLD: told}, "removed": [], "symbols": ["SECRECY_MARK"]}


@pytest.mark.neighbours
def test_a_letter_with_a_mark_reaches_nobody_and_its_sender_is_told_why(
    lab: Lab, sender: Sample, recipient: Sample
) -> None:
    mark = uuid.uuid4().hex[:12]
    mail = letter(sender.address, recipient.address)
    mail.replace_header("Subject", f"[MẬT] Kế hoạch {mark}")
    assert hand_in(lab, sender, mail) == (250, "")
    found = quarantine.held(lab, str(mail["Subject"]))
    number = found["id"]
    assert (found["kind"], found["login"]) == ("secrecy", sender.address)
    assert quarantine.states(lab, number) == {recipient.address: "held"}

    lab.send_notices()
    notice = email.message_from_bytes(lab.wait_for_message(sender, found["arrived_at"][11:16]))
    octets = notice.get_payload(decode=True)
    assert isinstance(octets, bytes)
    text = " ".join(octets.decode().split())
    assert f"(thư bị giữ số {number}), tới: {recipient.address}, đã bị hệ thống giữ lại" in text
    assert "Lý do: thư hoặc tệp đính kèm có dấu hiệu mang dấu chỉ độ mật" in text
    assert mark not in text

    quarantine.ask(lab, "drop", str(number), "--reason", "thử")
    assert quarantine.states(lab, number) == {recipient.address: "dropped"}
    assert quarantine.inbox(lab, recipient, mark) == []


def test_mail_without_one_arrives_without_a_word(lab: Lab, sender: Sample, recipient: Sample) -> None:
    mail = letter(
        sender.address, recipient.address, ("HỒ SƠ BẢO MẬT.odt", documents.odt("MẬT ĐỘ")), text="MẶT TRẬN, MẬT KHẨU\n"
    )
    mail[HOLD] = "secrecy TOI MAT in body"
    mail[UNREAD] = "attachment 1: encrypted"
    assert hand_in(lab, sender, mail) == (250, "")
    found = arrived(lab, recipient, mail)
    assert (found[HOLD], found[UNREAD]) == (None, None)


def test_mail_from_outside_is_not_looked_at_and_says_nothing_for_us(lab: Lab, official: Sample) -> None:
    mail = letter(STRANGER, official.address, text="TUYỆT MẬT\n")
    mail[HOLD] = "secrecy TOI MAT in body"
    assert bring(lab, official, mail.as_bytes()) == (250, "")
    assert arrived(lab, official, mail)[HOLD] is None
    assert said(lab, mail) == {"added": {}, "removed": [HOLD], "symbols": []}


def test_what_was_let_go_is_not_looked_at_again(lab: Lab, sender: Sample, recipient: Sample) -> None:
    mail = letter(sender.address, recipient.address, text="TUYỆT MẬT\n")
    own = {"IP": "127.0.0.1"}
    assert said(lab, mail, **own)["symbols"] == ["SECRECY_MARK"]
    assert said(lab, mail, **own, **{"MTA-Name": "RELEASED"}) == {"added": {}, "removed": [], "symbols": []}


def test_what_nobody_can_read_is_noted(lab: Lab, sender: Sample, recipient: Sample) -> None:
    locked = documents.doc("MẬT", encrypted=True)
    mail = letter(sender.address, recipient.address, ("a.doc", locked), ("b.jpg", b"\xff\xd8\xff\xe0" * 99))
    answer = said(lab, mail, User=sender.mailbox)
    assert answer == {"added": {UNREAD: "attachment 1: encrypted"}, "removed": [], "symbols": ["SECRECY_UNREAD"]}


@pytest.mark.neighbours
def test_without_the_service_our_peoples_mail_waits_and_no_other(
    lab: Lab, sender: Sample, recipient: Sample, official: Sample
) -> None:
    mail = letter(sender.address, recipient.address)
    theirs = letter(STRANGER, official.address)
    with lab.stopped("filter", *SECRECY):
        code, text = hand_in(lab, sender, mail)
        assert (code, "Bo loc thu dang co loi" in text) == (451, True), text
        assert bring(lab, official, theirs.as_bytes()) == (250, "")
        arrived(lab, official, theirs)
    assert hand_in(lab, sender, mail) == (250, "")
    arrived(lab, recipient, mail)


def test_without_the_reader_of_documents_mail_with_documents_waits(lab: Lab, sender: Sample, recipient: Sample) -> None:
    attached = ("a.odt", documents.odt("Kính gửi"))
    mail = letter(sender.address, recipient.address, attached)
    with lab.stopped("filter", *EXTRACT):
        assert hand_in(lab, sender, mail)[0] == 451
        plain = letter(sender.address, recipient.address)
        assert hand_in(lab, sender, plain) == (250, "")
    wait_for(lambda: hand_in(lab, sender, mail) == (250, ""), "the reader of documents")
    arrived(lab, recipient, mail)


@pytest.mark.bound
def test_a_service_that_hangs_means_later_and_in_time(lab: Lab, sender: Sample, recipient: Sample) -> None:
    mail = letter(sender.address, recipient.address)
    mail.replace_header("Subject", uuid.uuid4().hex)
    lab.run("filter", f"systemctl kill --signal=STOP {SECRECY[1]}")
    began = time.monotonic()
    try:
        code, text = hand_in(lab, sender, mail)
        assert (code, time.monotonic() - began < 30) == (451, True), text
    finally:
        lab.run("filter", f"systemctl kill --signal=CONT {SECRECY[1]}")
    wait_for(lambda: hand_in(lab, sender, mail) == (250, ""), "the service")
