"""A letter as the webmail saved it, and as it leaves: whose it is, for whom, without blind copies, of today."""

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from hanam_mail.host.quarantine.letter import lines_of_fields

# Neither a bracket nor a line's end gets into a command.
_ADDRESS = re.compile(r"[^\s<>\x00-\x1f\x7f@\"(),;:\\]{1,256}@[^\s<>\x00-\x1f\x7f@\"(),;:\\\[\]]{1,255}")
_RECEIVERS = ("to", "cc", "bcc")
# As many as Postfix takes of one message.
MOST = 1000


# As the webmail writes it, and as IMAP searches for it.
_MESSAGE_ID = re.compile(r"[ -~]*")


class NoLetterError(Exception):
    """What lies there cannot be sent; perhaps with words that its writer is told."""


@dataclass(frozen=True)
class ScheduledLetter:
    """`kept` is for its writer's folder, with its blind copies; `sent` is what receivers get."""

    sender: str
    recipients: tuple[str, ...]
    message_id: str
    kept: bytes
    sent: bytes
    utf8: bool
    eight_bits: bool


def read(octets: bytes, now: datetime) -> ScheduledLetter:
    """NoLetterError when nobody can tell from whom it is and for whom."""
    try:
        return _read(octets, now)
    except NoLetterError:
        raise
    except Exception as error:
        # The parser has faults of its own, of kinds that it names nowhere.
        raise NoLetterError("phần đầu thư không đọc được") from error


def _read(octets: bytes, now: datetime) -> ScheduledLetter:
    head, empty, body = octets.partition(b"\r\n\r\n")
    if not empty:
        raise NoLetterError
    fields = list(_fields(head + b"\r\n"))
    parsed = email.message_from_bytes(head + b"\r\n\r\n", policy=email.policy.default)
    authors = _addresses(parsed, "from")
    recipients = tuple(dict.fromkeys(address for name in _RECEIVERS for address in _addresses(parsed, name)))
    if len(authors) != 1 or not 0 < len(recipients) <= MOST:
        raise NoLetterError
    message_id = str(parsed.get("message-id", "")).strip()
    if not _MESSAGE_ID.fullmatch(message_id):
        raise NoLetterError("mã thư (Message-ID) có ký tự không hợp lệ")
    date = b"Date: " + format_datetime(now).encode() + b"\r\n"
    kept = [date, *(lines for name, lines in fields if name != b"date")]
    sent = [date, *(lines for name, lines in fields if name not in (b"date", b"bcc"))]
    return ScheduledLetter(
        sender=authors[0],
        recipients=recipients,
        message_id=message_id,
        kept=b"".join(kept) + b"\r\n" + body,
        sent=b"".join(sent) + b"\r\n" + body,
        utf8=not head.isascii() or not all(address.isascii() for address in (*authors, *recipients)),
        eight_bits=not body.isascii(),
    )


def _fields(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    for lines in lines_of_fields(head):
        yield lines.partition(b":")[0].strip().lower(), lines


def _addresses(parsed: email.message.EmailMessage, name: str) -> list[str]:
    found = []
    for field in parsed.get_all(name, []):
        for address in field.addresses:
            # The parser keeps UTF-8 as it came, octet by octet.
            plain = address.addr_spec.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            # One that is none keeps the whole letter: who was meant by it would miss it unheard.
            if not _ADDRESS.fullmatch(plain) or "\ufffd" in plain:
                raise NoLetterError
            found.append(plain)
    return found
