"""Why a letter did not leave, in the words of offices: servers reply in ASCII (unaccented Vietnamese, and English).

refusals.json is the webmail's too, which tells what is refused while its writer looks on (hanam_refusals.php). Here
nobody looks on, and the service tries again by itself what was put off: who read "send it again" would send it twice.
"""

import imaplib
import json
import re
import smtplib
from functools import cache
from importlib import resources
from typing import TypedDict

from hanam_mail.alphabet import without_accents

LATER = "máy chủ thư tạm thời chưa nhận"
# It follows that the server does not take the letter (mail.scheduled_text).
NEVER = "không rõ lý do"
LOST = "không kết nối được với máy chủ thư, hoặc kết nối bị ngắt"
SILENT = "máy chủ thư không trả lời"
SIGN_IN = "chưa đăng nhập được vào máy chủ thư"
FOLDER = "máy chủ thư chưa mở hoặc chưa chuyển được thư"
_NUMBER = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
_AGAIN = re.compile(r"(?:, xin|\. Hãy) (?:gửi|thử) lại[^,.]*$")


class RefusalTable(TypedDict):
    """Our own replies with their accents; and, the first that fits, what to say of others by the code of RFC 3463."""

    sentences: list[str]
    codes: list[tuple[str, str]]


@cache
def table() -> RefusalTable:
    """What refusals.json holds; "$to" in a sentence is the recipient that was refused."""
    held: RefusalTable = json.loads((resources.files(__package__) / "refusals.json").read_text("utf-8"))
    return held


def of_reply(code: int, said: str, to: str = "") -> str:
    """A reply that refuses a letter, or its recipient `to`, or puts it off."""
    if code < 0:
        return LOST
    return _sentence(code, said, NEVER if code // 100 == 5 else LATER, to)


def of_error(error: Exception) -> str:
    """What ended the talk with a server before it came to a reply of that kind."""
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        said = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        # As all that the service meets before the letter itself, it is tried again.
        return _sentence(error.smtp_code, said, SIGN_IN)
    if isinstance(error, TimeoutError):
        return SILENT
    if isinstance(error, smtplib.SMTPException) and not isinstance(error, smtplib.SMTPServerDisconnected):
        return SIGN_IN
    if isinstance(error, imaplib.IMAP4.error) and not isinstance(error, imaplib.IMAP4.abort):
        return _ours(str(error)) or FOLDER
    return LOST


def _sentence(code: int, said: str, general: str, to: str = "") -> str:
    sentence = (_ours(said) or _by_code(said) or general).removesuffix(".")
    if code // 100 == 4:
        sentence = _AGAIN.sub("", sentence)
    if "$to" in sentence:
        sentence = sentence.replace("$to", to or "người nhận")
    elif to:
        sentence = f"{to}: {sentence}"
    number = _NUMBER.search(said)
    return f"{sentence} (mã {code}{f' {number[0]}' if number else ''})"


def _ours(said: str) -> str | None:
    # The longest first: one sentence may begin another. A limit that follows it is the policy's to say.
    for sentence in sorted(table()["sentences"], key=len, reverse=True):
        found = re.search(rf"{re.escape(without_accents(sentence))}( \d+ MB)?", said, re.IGNORECASE)
        if found:
            return sentence + (found[1] or "")
    return None


def _by_code(said: str) -> str | None:
    return next((sentence for code, sentence in table()["codes"] if re.search(rf"\b{code}\b", said)), None)
