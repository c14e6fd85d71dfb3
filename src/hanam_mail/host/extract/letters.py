"""Messages that are attached to messages (.eml): subject, people, text, and what is attached to them in turn."""

import email
import email.policy
from collections.abc import Callable
from email.message import EmailMessage, Message

from hanam_mail.host.extract import plain, web_page
from hanam_mail.host.extract.work import End, Refused, Work

_FIELDS = ("Subject", "From", "To", "Cc")
_PARTS = 500


def read(data: bytes, work: Work, attached: Callable[[bytes], None]) -> None:
    """`attached` reads what is neither text nor a page. Raises Refused beyond so many parts in each other."""
    try:
        message = email.message_from_bytes(data, policy=email.policy.default)
        for number, part in enumerate(message.walk()):
            work.count()
            if number > _PARTS:
                raise Refused(End.LIMIT, "parts")
            _part(part, work, attached)
    except RecursionError as error:
        raise Refused(End.LIMIT, "depth") from error


def _part(part: Message, work: Work, attached: Callable[[bytes], None]) -> None:
    if isinstance(part, EmailMessage):
        for name in _FIELDS:
            if name in part:
                work.add(f"{_value(part, name)}\n")
        try:
            work.add(f"{part.get_filename('')}\n" if part.get_filename() else "")
        except (ValueError, LookupError, IndexError, AttributeError):
            work.missed.add("name")
    if part.is_multipart():
        return
    try:
        octets = part.get_payload(decode=True)
    except (ValueError, LookupError):
        octets = None
    if not isinstance(octets, bytes) or not octets:
        return
    kind, charset = part.get_content_type(), str(part.get_param("charset") or "")
    if kind == "text/plain":
        work.add(plain.decoded(octets, charset) + "\n")
    elif kind == "text/html":
        web_page.add(plain.decoded(octets, charset), work)
    else:
        attached(octets)


def _value(part: EmailMessage, name: str) -> str:
    """A field's text; of one that the library cannot read, as it stands."""
    try:
        return " ".join(str(part[name]).split())
    except Exception:  # noqa: BLE001,RUF100 (parsers of header fields raise whatever comes up in what a stranger wrote)
        return ""
