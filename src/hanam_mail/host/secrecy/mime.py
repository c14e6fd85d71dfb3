"""A message's parts, each once, in one pass over its octets (RFC 2045, 2046): what every part says and brings.

A reader that takes a malformed message otherwise sees the same text here: what stands before and behind parts is a text
as well. Messages that are attached are taken apart too.
"""

import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hanam_mail.host.secrecy.fields import Fields, base64

# Parts and how deep they lie in each other. The filter refuses what has more (mime_structure.lua).
MOST_PARTS, MOST_LEVELS = 4000, 110
# Octets of a head that are read; the filter refuses a longer one of a message.
MOST_HEAD = 2**20
MESSAGES = frozenset(("message/rfc822", "message/global", "message/news"))
_BEGIN = re.compile(rb"(?:^|\n)begin[ \t]+[0-7]{3,4}[ \t]+([^\r\n]{1,255})\r?\n")


class TooMany(Exception):
    """More parts than a message may have."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a part says of itself, and its content, decoded: b"" of one that only holds others.

    `messages` counts those that it lies in: 0 is the message itself. `begins` says whether it is a message.
    """

    fields: Fields
    content: bytes
    messages: int
    begins: bool


def parts(message: bytes, most: Callable[[Fields], int | None] = lambda _: None) -> Iterator[Part]:
    """All of them in the order of the message, containers before what is in them. Raises TooMany.

    `most`: so many octets of a part, as they came, are decoded; None for all.
    """
    number = 0
    # Octets, how deep they lie, in how many messages, and whether they are one.
    waiting = [(message, 0, 0, True)]
    while waiting:
        octets, level, messages, begins = waiting.pop()
        number += 1
        if number > MOST_PARTS or level > MOST_LEVELS:
            raise TooMany
        head, body = _halves(octets)
        fields = Fields(head[:MOST_HEAD])
        within = _within(fields, body)
        yield Part(fields, b"" if within else _decoded(fields.encoding, body[: most(fields)]), messages, begins)
        waiting += [(piece, level + 1, messages + whole, whole) for piece, whole in reversed(within)]


def _halves(octets: bytes) -> tuple[bytes, bytes]:
    """Head and body. A head that does not end is one as far as it goes, and a body too."""
    if octets.startswith((b"\n", b"\r\n")):
        return b"", octets[octets.index(b"\n") + 1 :]
    ends = [(at, len(end)) for end in (b"\n\n", b"\n\r\n") if (at := octets.find(end)) >= 0]
    if not ends:
        return octets[:MOST_HEAD], octets
    at, size = min(ends)
    return octets[:at], octets[at + size :]


def _within(fields: Fields, body: bytes) -> list[tuple[bytes, bool]]:
    """The parts in one, and whether each is a message; none of one that holds content itself."""
    if fields.kind in MESSAGES:
        return [(_decoded(fields.encoding, body), True)]
    if not fields.kind.startswith("multipart/") or not (boundary := fields.parameter("boundary")):
        return []
    line = b"--" + boundary.encode("utf-8", "surrogateescape")
    found = list(_lines(body, line))
    if not found:
        body = _decoded(fields.encoding, body)
        found = list(_lines(body, line))
    if not found:
        return []
    ends = [begin for begin, _, _ in found[1:]] + [len(body)]
    pieces = [body[end:following] for (_, end, _), following in zip(found, ends, strict=True)]
    # Behind the last line stands no part but text, if there is anything.
    texts = [body[: found[0][0]]] + ([pieces.pop()] if found[-1][2] else [])
    return [(piece, False) for piece in pieces] + [(b"\n" + text, False) for text in texts if text.strip()]


def _lines(body: bytes, line: bytes) -> Iterator[tuple[int, int, bool]]:
    """Each line that parts, its begin and end, and whether it is one that ends all. Raises TooMany."""
    at, number = 0, 0
    while (begin := body.find(line, at)) >= 0:
        at = begin + len(line)
        if begin and body[begin - 1 : begin] != b"\n":
            continue
        end = body.find(b"\n", at, at + 1000)
        tail = body[at : end if end >= 0 else at + 1000]
        if tail.strip() in (b"", b"--"):
            at = end + 1 if end >= 0 else len(body)
            number += 1
            if number > MOST_PARTS:
                raise TooMany
            yield begin, at, bool(tail.strip())


def _decoded(encoding: str, body: bytes) -> bytes:
    if encoding == "base64":
        return base64(body)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    return body


def uuencoded(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Files that old programs write into a text, by name."""
    for found in _BEGIN.finditer(text):
        octets, at = list[bytes](), found.end()
        while (end := text.find(b"\n", at, at + 200)) >= 0:
            line, at = text[at:end].rstrip(b"\r"), end + 1
            if not line or line == b"end" or line.startswith(b"`"):
                break
            try:
                octets.append(binascii.a2b_uu(line))
            except binascii.Error:
                break
        if octets:
            yield found[1].decode("utf-8", "replace"), b"".join(octets)
