"""A message's parts, each once, in one pass over its octets (RFC 2045, 2046): what every part says and brings.

A reader that takes a malformed message otherwise sees the same text here: what stands before and behind parts is a text
as well. Messages that are attached are taken apart too. Nothing is copied but heads and what is decoded: parts are
places in the message.
"""

import binascii
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from hanam_mail.host.secrecy.fields import HeadFields, base64

# Parts and how deep they lie in each other. The filter refuses what has more (mime_structure.lua).
MOST_PARTS, MOST_LEVELS = 4000, 110
# Octets of a head that are read; the filter refuses a longer one of a message.
MOST_HEAD = 2**20
# Octets behind a boundary in which its line ends.
_LONGEST_TAIL = 1000
MESSAGES = frozenset(("message/rfc822", "message/global", "message/news"))
_BEGIN = re.compile(rb"(?:^|\n)begin[ \t]+[0-7]{3,4}[ \t]+([^\r\n]{1,255})\r?\n")
_HEAD_ENDS = re.compile(rb"\n\r?\n")
_STEP = 64 * 1024


class TooManyParts(Exception):
    """More parts than a message may have."""


class Late(Exception):
    """The time for the message is over."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a part says of itself, and its content, decoded: b"" of one that only holds others.

    `messages` counts those that it lies in: 0 is the message itself. `begins` says whether it is a message, `related`
    whether it is one of those that make up a page (RFC 2387).
    """

    fields: HeadFields
    content: bytes
    messages: int
    begins: bool
    related: bool


@dataclass(frozen=True, slots=True)
class _Piece:
    """Octets from `begin` to `end`, which are a part; `has_head` unless they are the text around others."""

    octets: bytes
    begin: int
    end: int
    level: int = 0
    messages: int = 0
    begins: bool = False
    has_head: bool = True
    related: bool = False


def parts(
    message: bytes,
    most: Callable[[HeadFields], int | None] = lambda _: None,
    *,
    unpack: bool = True,
    until: float = math.inf,
) -> Iterator[Part]:
    """All of them in the order of the message, containers before what is in them. Raises TooManyParts, and Late
    behind the moment `until` (monotonic).

    `most`: so many octets of a part, as they came, are decoded; None for all. Without `unpack` attached messages are
    not looked into, and nothing is decoded to look for parts in it.
    """
    number = 0
    waiting = [_Piece(message, 0, len(message), begins=True)]
    while waiting:
        if time.monotonic() > until:
            raise Late
        piece = waiting.pop()
        number += 1
        if number > MOST_PARTS or piece.level > MOST_LEVELS:
            raise TooManyParts
        fields, begin = _head(piece)
        within = _within(fields, piece, begin, unpack=unpack, until=until)
        content = b"" if within else _content(fields, piece, begin, most(fields))
        yield Part(fields, content, piece.messages, piece.begins, piece.related)
        waiting += reversed(within)


def _head(piece: _Piece) -> tuple[HeadFields, int]:
    """Its fields, and where its body begins. A head that does not end is one as far as it goes, and a body too."""
    octets, begin, end = piece.octets, piece.begin, piece.end
    if not piece.has_head:
        return HeadFields(b""), begin
    for line in (b"\n", b"\r\n"):
        if octets.startswith(line, begin, end):
            return HeadFields(b""), begin + len(line)
    limit = min(end, begin + MOST_HEAD)
    found = _HEAD_ENDS.search(octets, begin, limit)
    return HeadFields(octets[begin : found.start() if found else limit]), found.end() if found else begin


def _content(fields: HeadFields, piece: _Piece, begin: int, most: int | None) -> bytes:
    end = piece.end if most is None else min(piece.end, begin + most)
    return _decoded(fields.encoding, piece.octets[begin:end])


def _within(fields: HeadFields, piece: _Piece, begin: int, *, unpack: bool, until: float) -> list[_Piece]:
    """The parts in one; none of one that holds content itself."""
    is_packed = unpack and fields.encoding in _DECODERS
    if fields.kind in MESSAGES:
        octets = _content(fields, piece, begin, None) if is_packed else piece.octets
        span = (0, len(octets)) if is_packed else (begin, piece.end)
        return [_Piece(octets, *span, piece.level + 1, piece.messages + 1, begins=True)] if unpack else []
    if not fields.kind.startswith("multipart/") or not (boundary := fields.parameter("boundary")):
        return []
    line = b"--" + boundary.encode("utf-8", "surrogateescape")
    octets, end = piece.octets, piece.end
    found = list(_lines(octets, begin, end, line, until))
    if not found and is_packed:
        octets = _content(fields, piece, begin, None)
        begin, end = 0, len(octets)
        found = list(_lines(octets, begin, end, line, until))
    if not found:
        return []
    spans = list(zip((behind for _, behind, _ in found), [at for at, _, _ in found[1:]] + [end], strict=True))
    # Behind the last line stands no part but text, if there is anything.
    texts = [(begin, found[0][0])] + ([spans.pop()] if found[-1][2] else [])
    related = fields.kind == "multipart/related"
    level, messages = piece.level + 1, piece.messages
    return [_Piece(octets, *span, level, messages, related=related) for span in spans] + [
        _Piece(octets, *span, level, messages, has_head=False) for span in texts if not _is_blank(octets, *span)
    ]


def _is_blank(octets: bytes, begin: int, end: int) -> bool:
    return not any(octets[at : min(at + _STEP, end)].strip() for at in range(begin, end, _STEP))


def _lines(octets: bytes, begin: int, end: int, line: bytes, until: float) -> Iterator[tuple[int, int, bool]]:
    """Each line that parts, its begin and end, and whether it is one that ends all. Raises TooManyParts and Late."""
    number, looked = 0, 0
    at = begin if octets.startswith(line, begin, end) else octets.find(b"\n" + line, begin, end) + 1 or -1
    while at >= 0:
        looked += 1
        if looked % 1000 == 0 and time.monotonic() > until:
            raise Late
        behind = at + len(line)
        limit = min(end, behind + _LONGEST_TAIL)
        line_end = octets.find(b"\n", behind, limit)
        tail = octets[behind : line_end if line_end >= 0 else limit].strip()
        following = behind
        if tail in (b"", b"--"):
            following = line_end if line_end >= 0 else limit
            number += 1
            if number > MOST_PARTS:
                raise TooManyParts
            yield at, following + (line_end >= 0), bool(tail)
        at = octets.find(b"\n" + line, following, end) + 1 or -1


_DECODERS: Mapping[str, Callable[[bytes], bytes]] = {"base64": base64, "quoted-printable": binascii.a2b_qp}


def _decoded(encoding: str, body: bytes) -> bytes:
    decoder = _DECODERS.get(encoding)
    return decoder(body) if decoder else body


def uuencoded(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Files that old programs write into a text, by name."""
    for found in _BEGIN.finditer(text):
        octets, at = bytearray(), found.end()
        while (end := text.find(b"\n", at, at + 200)) >= 0:
            line, at = text[at:end].rstrip(b"\r"), end + 1
            if not line or line == b"end" or line.startswith(b"`"):
                break
            try:
                octets += binascii.a2b_uu(line)
            except binascii.Error:
                break
        if octets:
            yield found[1].decode("utf-8", "replace"), bytes(octets)
