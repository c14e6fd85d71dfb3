"""A letter that brings a report: who our filter says it is from, and the report in it.

The filter writes the mark (role rspamd, report_mail.lua), and Postfix takes away what strangers write under its name.
"""

import email
import email.policy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Any

from hanam_mail.host.extract.work import End, Refused, Work
from hanam_mail.host.reports import incoming_dmarc, incoming_tls, incoming_unpack

MARK = "X-Hanam-Report-From"
"""The author's domain, whether it sent the letter (PROVEN), and the domains whose signatures hold."""
PROVEN = "proven"
# The filter takes no more of either.
_HEAD, _PARTS = 2**20, 1000
_MARKS = re.compile(rb"^" + MARK.encode() + rb"[ \t]*:(.*(?:\n[ \t].*)*)", re.I | re.M)
_BODIES = ("text/plain", "text/html")
_PIECE = 65536


@dataclass(frozen=True)
class ReportSender:
    """The domain in From; whether SPF or DKIM prove it; the domains whose signatures hold."""

    domain: str
    proven: bool
    signers: tuple[str, ...] = ()

    @property
    def signed(self) -> bool:
        """By the domain itself, or one above or below it (RFC 8460, section 3)."""
        return any(
            f".{self.domain}".endswith(f".{each}") or f".{each}".endswith(f".{self.domain}") for each in self.signers
        )


def sender(content: bytes) -> ReportSender | None:
    """Whom the filter names; None where it says nothing, or two things stand there."""
    # The head ends where Postfix saw it end: it writes an empty line there.
    head = re.split(rb"\r?\n\r?\n", content[:_HEAD], maxsplit=1)[0].replace(b"\r\n", b"\n")
    marks = _MARKS.findall(head)
    if len(marks) != 1:
        return None
    domain, state, *signers = [*marks[0].decode("ascii", "replace").lower().split(), "", ""][:12]
    if not domain or not state:
        return None
    return ReportSender(domain, state == PROVEN, tuple(filter(None, signers)))


def read(content: bytes, work: Work) -> dict[str, Any]:
    """The report in it, as its module gives it. Raises Refused."""
    found: Refused | None = None
    for octets in _attached(content):
        report = incoming_unpack.whole(octets, work)
        begins = report[:1024].removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        if begins == b"{":
            return incoming_tls.read(report)
        if begins == b"<" or report[:2] in (b"\xff\xfe", b"\xfe\xff"):
            pieces = (report[at : at + _PIECE] for at in range(0, len(report), _PIECE))
            return incoming_dmarc.read(pieces, work)
        found = found or Refused(End.UNKNOWN, "not a report")
    raise found or Refused(End.UNKNOWN, "nothing attached")


def _attached(content: bytes) -> Iterator[bytes]:
    """What is attached, and a body that is no text for people."""
    message = email.message_from_bytes(content, policy=email.policy.compat32)
    for number, part in enumerate(message.walk()):
        if number > _PARTS:
            raise Refused(End.LIMIT, "parts")
        if not part.is_multipart() and not _is_body(part) and (octets := _octets(part)):
            yield octets


def _is_body(part: Message) -> bool:
    return part.get_content_type() in _BODIES and part.get_filename() is None


def _octets(part: Message) -> bytes:
    octets = part.get_payload(decode=True)
    return octets if isinstance(octets, bytes) else b""


def as_text(report: dict[str, Any]) -> bytes:
    """For the pipe: JSON that has no signs beyond ASCII."""
    return json.dumps(report, ensure_ascii=True, allow_nan=False).encode("ascii")
