"""Why a letter did not leave is told to its writer in Vietnamese, with accents, whatever a server or Python says."""

import imaplib
import re
import smtplib

import pytest

from hanam_mail.alphabet import without_accents
from hanam_mail.host.scheduled import refusals

TO = "binh@hanam.gov.vn"
REPLIES = [
    (550, f"5.2.1 <{TO}>: Recipient address rejected: Hop thu da bi thu hoi / Mailbox has been closed. Ho tro / help",
     TO, f"{TO}: Hộp thư đã bị thu hồi (mã 550 5.2.1)"),
    (552, f"5.2.2 <{TO}>: Recipient address rejected: Mailbox is full / Hop thu da day", TO,
     f"{TO}: Hộp thư đã đầy (mã 552 5.2.2)"),
    (554, "5.7.1 Thu co virus, bi tu choi / Message refused, it carries a virus", "",
     "Thư có virus, bị từ chối (mã 554 5.7.1)"),
    (552, "5.3.4 Message size exceeds limit / thu qua lon, tong dung luong tep dinh kem toi da 9 MB. Ho tro", "",
     "Thư quá lớn, tổng dung lượng tệp đính kèm tối đa 9 MB (mã 552 5.3.4)"),
    # By the code alone.
    (550, f"5.1.1 <{TO}>: Recipient address rejected: User unknown in virtual mailbox table", TO,
     f"Không có địa chỉ {TO}. Hãy kiểm tra lại từng chữ (mã 550 5.1.1)"),
    (550, "5.1.1 unknown", "", "Không có địa chỉ người nhận. Hãy kiểm tra lại từng chữ (mã 550 5.1.1)"),
    # What is put off the service tries again: nobody is asked to.
    (450, f"4.7.1 <{TO}>: Recipient address rejected: Da gui qua nhieu thu hoac nguoi nhan trong mot ngay, xin gui lai"
     " ngay mai / Too many messages or recipients within a day, try again tomorrow", TO,
     f"{TO}: Đã gửi quá nhiều thư hoặc người nhận trong một ngày (mã 450 4.7.1)"),
    (450, "4.7.1 Error: too many connections / qua nhieu lan trong mot luc, xin thu lai sau it phut", "",
     "Quá nhiều lần trong một lúc (mã 450 4.7.1)"),
    (450, f"4.1.1 <{TO}>: Recipient address rejected: unverified address", TO,
     f"Chưa kiểm tra được địa chỉ {TO} (mã 450 4.1.1)"),
    # In no table.
    (554, "5.7.1 Service unavailable", "", f"{refusals.NEVER} (mã 554 5.7.1)"),
    (550, "no", TO, f"{TO}: {refusals.NEVER} (mã 550)"),
    (451, "4.3.0 Temporary lookup failure", "", f"{refusals.LATER} (mã 451 4.3.0)"),
    (-1, "", TO, refusals.LOST),
]  # fmt: skip
ERRORS = [
    (OSError(111, "Connection refused"), refusals.LOST),
    (TimeoutError("timed out"), refusals.SILENT),
    (smtplib.SMTPServerDisconnected("Connection unexpectedly closed"), refusals.LOST),
    (smtplib.SMTPAuthenticationError(535, b"5.7.8 authentication failed"), f"{refusals.SIGN_IN} (mã 535 5.7.8)"),
    (smtplib.SMTPConnectError(554, b"Transaction failed"), f"{refusals.SIGN_IN} (mã 554)"),
    (smtplib.SMTPConnectError(421, b"4.7.0 Error: too many connections / qua nhieu lan trong mot luc, xin thu lai"
     b" sau it phut"), "Quá nhiều lần trong một lúc (mã 421 4.7.0)"),
    (smtplib.SMTPNotSupportedError("SMTP AUTH extension not supported by server."), refusals.SIGN_IN),
    (imaplib.IMAP4.abort("socket error: EOF"), refusals.LOST),
    (imaplib.IMAP4.error("b'[AUTHENTICATIONFAILED] Authentication failed.'"), refusals.FOLDER),
    (imaplib.IMAP4.error("MOVE: [b'[OVERQUOTA] Mailbox is full / Hop thu da day (0.1 secs).']"), "Hộp thư đã đầy"),
]  # fmt: skip
# What no sentence for officials holds: English, or a server's Vietnamese without accents.
FOREIGN = re.compile(r"reject|refus|clos|unknown|failed|error|timed|Errno|Hop thu|khong", re.IGNORECASE)


@pytest.mark.parametrize(("code", "said", "to", "told"), REPLIES)
def test_a_reply_is_told_in_words_of_offices_once(code: int, said: str, to: str, told: str) -> None:
    assert refusals.of_reply(code, said, to) == told
    assert not FOREIGN.search(told)


@pytest.mark.parametrize(("error", "told"), ERRORS)
def test_what_ends_the_talk_is_told_so_too(error: Exception, told: str) -> None:
    assert refusals.of_error(error) == told
    assert not FOREIGN.search(told)


def test_each_sentence_is_found_in_the_reply_of_which_it_is_made() -> None:
    for sentence in refusals.table()["sentences"]:
        told = refusals.of_reply(554, f"5.7.1 {without_accents(sentence)} / Something in English")
        assert told == f"{sentence} (mã 554 5.7.1)"


def test_nobody_is_asked_to_send_again_what_the_service_tries_again() -> None:
    for sentence in refusals.table()["sentences"]:
        told = refusals.of_reply(450, f"4.7.1 {without_accents(sentence)} / Something in English")
        assert "xin gửi lại" not in told and "xin thử lại" not in told
