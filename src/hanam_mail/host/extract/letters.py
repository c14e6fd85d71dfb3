"""Messages that are attached to messages (.eml): subject, people, text, and what is attached to them in turn."""

import email
import email.policy
from collections.abc import Callable
from email.header import decode_header
from email.message import Message

from hanam_mail.host.extract import plain, web_page
from hanam_mail.host.extract.work import End, Refused, Work

_FIELDS = ("Subject", "From", "To", "Cc")
_PARTS = 500
# Characters of a field that are looked at. The library reads parameters in a time that grows with the square of it.
_PEOPLE, _OTHERS = 64 * 1024, 4096


class _Short(email.policy.Compat32):
    """Fields as they stand, and no longer than the above. The library's other policies take a minute for a long To."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[: _PEOPLE if name.title() in _FIELDS else _OTHERS]


def read(data: bytes, work: Work, attached: Callable[[bytes], None]) -> None:
    """`attached` reads what is neither text nor a page. Raises Refused beyond so many parts in each other."""
    try:
        message = email.message_from_bytes(data, policy=_Short())
        for number, part in enumerate(message.walk()):
            work.count()
            if number > _PARTS:
                raise Refused(End.LIMIT, "parts")
            _part(part, work, attached)
    except RecursionError as error:
        raise Refused(End.LIMIT, "depth") from error


def _part(part: Message, work: Work, attached: Callable[[bytes], None]) -> None:
    for name, value in part.raw_items():
        if name.title() in _FIELDS:
            if len(value) >= _PEOPLE:
                work.missed.add("field")
            work.add(f"{_decoded(str(value), work)}\n")
    try:
        if name := part.get_filename(""):
            work.add(f"{_decoded(name, work)}\n")
    except (ValueError, LookupError, AttributeError):
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


def _decoded(value: str, work: Work) -> str:
    """A field's text, encoded words read (RFC 2047) and octets as UTF-8; of one that nobody can read, as it stands."""
    plain_text = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    pieces = []
    try:
        for piece, charset in decode_header(plain_text):
            pieces.append(piece if isinstance(piece, str) else piece.decode(charset or "raw_unicode_escape", "replace"))
    except (ValueError, LookupError):
        work.missed.add("field")
        pieces = [plain_text]
    return " ".join("".join(pieces).split())
