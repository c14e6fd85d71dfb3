"""Ports 25, 465 and 587: who may send what to whom (Đ4.6, Đ7, Đ8.1)."""

import email
import email.message
import email.utils
import re
import smtplib
from functools import partial

import pytest

from tests import journal
from tests.foreign import AN
from tests.lab import Lab, Sample, at_once, message, wait_for


def _refusal(client: smtplib.SMTP, sender: str, recipient: str) -> tuple[int, str]:
    """The reply to the command that refuses, MAIL or RCPT; the session is reset and can go on."""
    try:
        for code, text in (client.mail(sender), client.rcpt(recipient)):
            if code >= 400:
                return code, text.decode()
    finally:
        client.rset()
    raise AssertionError(f"mail from {sender!r} to {recipient!r} was not refused")


@pytest.mark.neighbours
@pytest.mark.parametrize("implicit_tls", [True, False], ids=["465", "587"])
@pytest.mark.proof("Gửi thư qua cổng {} / submission on {}")
def test_official_signs_in_and_sends(lab: Lab, sender: Sample, recipient: Sample, implicit_tls: bool) -> None:
    mail = message(sender.address, recipient.address)
    with lab.submission(sender.address, sender.password, implicit_tls=implicit_tls) as client:
        client.send_message(mail)
    lab.wait_for_message(recipient, mail["Subject"])


def test_official_signs_in_without_the_domain(lab: Lab, sender: Sample) -> None:
    with lab.submission(sender.address.split("@")[0], sender.password) as client:
        assert client.noop()[0] == 250


def test_587_offers_no_sign_in_before_tls(lab: Lab) -> None:
    with lab.smtp("submission", 587) as client:
        assert not client.has_extn("auth")
        assert client.mail("a@hanam.gov.vn")[0] == 530


@pytest.mark.dieu4
def test_25_takes_no_sign_in_at_all(lab: Lab) -> None:
    with lab.smtp() as client:
        assert not client.has_extn("auth")
        assert client.docmd("AUTH", "PLAIN")[0] == 503


@pytest.mark.neighbours
@pytest.mark.dieu4
def test_25_neither_relays_nor_tells_who_exists(lab: Lab, recipient: Sample) -> None:
    with lab.smtp() as client:
        assert _refusal(client, AN, "somebody@bo.gov.vn")[0] == 554
        assert client.docmd("VRFY", recipient.address)[0] == 502


@pytest.mark.neighbours
@pytest.mark.dieu4
@pytest.mark.parametrize("implicit_tls", [True, False], ids=["465", "587"])
@pytest.mark.provokes(journal.REFUSED_SIGN_IN)
def test_wrong_password_is_refused(lab: Lab, sender: Sample, implicit_tls: bool) -> None:
    with pytest.raises(smtplib.SMTPAuthenticationError) as refusal:
        lab.submission(sender.address, sender.password + "x", implicit_tls=implicit_tls)
    assert refusal.value.smtp_code == 535


@pytest.mark.neighbours
@pytest.mark.dieu4
@pytest.mark.provokes(journal.REFUSED_SIGN_IN)
def test_official_sends_only_as_himself(lab: Lab, sender: Sample, recipient: Sample) -> None:
    def refused(other: str) -> int:
        with lab.submission(sender.address, sender.password) as client:
            return _refusal(client, other, recipient.address)[0]

    others = (recipient.address, "khong.co.ai@hanam.gov.vn", "somebody@bo.gov.vn", "")
    assert at_once(*(partial(refused, other) for other in others)) == [553, 553, 553, 554]


@pytest.mark.dieu4
@pytest.mark.parametrize(
    "forged",
    [
        "From: {other}",
        "From: Chu tich <{other}>",
        "From: {own}, {other}",
        "From: Lanh dao\r\n <{other}>",
        "From: {own}\r\nFrom: {other}",
        "From: Khong co dia chi",
    ],
)
def test_dieu4_6_the_from_field_is_the_logins_own(lab: Lab, sender: Sample, recipient: Sample, forged: str) -> None:
    head = forged.format(own=sender.address, other=recipient.address)
    with lab.submission(sender.address, sender.password) as client:
        with pytest.raises(smtplib.SMTPDataError) as refusal:
            client.sendmail(sender.address, recipient.address, f"{head}\r\nSubject: x\r\n\r\nx\r\n")
        assert refusal.value.smtp_code == 554
        own = f'From: "Tên, có dấu" <{sender.address.upper()}>\r\nSubject: x\r\n\r\nx\r\n'
        assert client.sendmail(sender.address, recipient.address, own.encode()) == {}


@pytest.mark.dieu4
def test_what_only_mail_systems_write_is_taken_out_and_what_is_missing_is_added(
    lab: Lab, sender: Sample, recipient: Sample
) -> None:
    subject = str(message(sender.address, recipient.address)["Subject"])
    other = recipient.address
    forged = (
        f"Subject: {subject}\r\nAuthentication-Results: mx.hanam.gov.vn; dkim=pass header.d=chinhphu.vn\r\n"
        "authentication-results : mx.hanam.gov.vn;\r\n dmarc=pass\r\nARC-Seal: i=1; cv=none\r\n"
        "X-Hanam-Attachment: macros\r\nX-Spam: Yes\r\nX-Spamd-Result: default: True\r\n"
        f"Sender: {other}\r\nResent-From: {other}\r\nResent-Sender: {other}\r\nDelivered-To: {other}\r\n"
        "MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n"
        f"From: {other}\r\nSender: {other}\r\nX-Spam: Yes\r\nSubject: thu gui kem\r\n\r\nx\r\n"
    )
    with lab.submission(sender.address, sender.password) as client:
        client.sendmail(sender.address, recipient.address, forged)
    head = email.message_from_bytes(lab.wait_for_message(recipient, subject))
    assert email.utils.parseaddr(head["From"])[1] == sender.address
    assert email.utils.parsedate_to_datetime(head["Date"])
    assert head["Message-ID"].endswith("hanam.gov.vn>")
    taken = ("Authentication-Results", "ARC-Seal", "X-Hanam-Attachment", "X-Spam", "X-Spamd-Result", "Sender")
    assert [name for name in (*taken, "Resent-From", "Resent-Sender") if name in head] == []
    assert head.get_all("Delivered-To") == [recipient.address]
    attached = head.get_payload(0)
    assert isinstance(attached, email.message.Message)
    assert (attached["Sender"], attached["X-Spam"]) == (other, "Yes"), "a message sent along is as it was"
    signature = head["DKIM-Signature"].replace(" ", "").lower()
    assert {"from", "date", "message-id"} <= set(re.search(r"h=([^;]*)", signature)[1].split(":"))  # type: ignore[index]


@pytest.mark.neighbours
def test_unknown_recipient_is_refused_at_once_and_in_ascii(lab: Lab, sender: Sample) -> None:
    with lab.submission(sender.address, sender.password) as client:
        code, text = _refusal(client, sender.address, "khong.co.ai@hanam.gov.vn")
    assert code == 550
    assert text.isascii()
    assert "hotro@hanam.gov.vn" in text
    with lab.smtp() as client:
        assert _refusal(client, AN, "khong.co.ai@hanam.gov.vn")[0] == 550


@pytest.mark.neighbours
@pytest.mark.dieu8
def test_message_above_the_limit_is_refused_before_it_is_sent(lab: Lab, sender: Sample) -> None:
    limit = lab.variables["regulation_message_limit_bytes"]
    with lab.submission(sender.address, sender.password) as client:
        assert client.esmtp_features["size"] == str(limit)
        code, text = client.docmd("MAIL", f"FROM:<{sender.address}> SIZE={limit + 1}")
    assert code == 552, text


@pytest.mark.dieu8
def test_incoming_limit_is_its_own(lab: Lab) -> None:
    limit = lab.variables["regulation_incoming_message_limit_bytes"]
    with lab.smtp() as client:
        assert client.esmtp_features["size"] == str(limit)
        assert client.docmd("MAIL", f"FROM:<{AN}> SIZE={limit + 1}")[0] == 552
        assert client.docmd("MAIL", f"FROM:<{AN}> SIZE={limit}")[0] == 250


@pytest.mark.neighbours
@pytest.mark.dieu10
@pytest.mark.provokes(journal.DATABASE_AWAY)
def test_database_that_is_down_means_try_later(lab: Lab, sender: Sample, recipient: Sample) -> None:
    open_session, incoming = lab.submission(sender.address, sender.password), lab.smtp()
    with open_session, incoming, lab.stopped("accounts", "postgresql@17-main"):
        for session, author in ((incoming, AN), (open_session, sender.address)):
            code, text = _refusal(session, author, recipient.address)
            assert 400 <= code < 500
            assert "xin thu lai sau" in text
        with pytest.raises(smtplib.SMTPConnectError) as refusal:
            lab.submission(sender.address, sender.password)
        assert 400 <= refusal.value.smtp_code < 500
        greeting, _ = smtplib.SMTP(timeout=30).connect(lab.address("submission"), 587)
        assert 400 <= greeting < 500

    # Postfix leaves the database alone for seconds after each failure.
    def sent() -> bool:
        try:
            with lab.submission(sender.address, sender.password) as client:
                client.send_message(message(sender.address, recipient.address))
        except smtplib.SMTPException:
            return False
        return True

    wait_for(sent, "a message taken after the database came back")
