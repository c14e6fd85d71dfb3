"""One document's reading: what it may cost, what was found in it, and how it ended."""

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import zip_longest

from hanam_mail.regulation import legacy_encodings

# Characters that are looked at for TCVN3 and VNI, in pieces so long; the longest property.
_JUDGED, _LINE = 1_000_000, 2000


class End(StrEnum):
    """How a reading ended, as the answer's header X-Extract says it; what follows it there is the reason."""

    WHOLE = "whole"
    PARTIAL = "partial"
    CUT = "cut"
    ENCRYPTED = "encrypted"
    BROKEN = "broken"
    LIMIT = "limit"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one document may cost. Octets, seconds and counts, of it with all that is in it."""

    octets: int = 32 * 2**20
    text: int = 2 * 2**20
    seconds: float = 20
    processor: int = 10
    memory: int = 384 * 2**20
    unpacked: int = 128 * 2**20
    parts: int = 5000
    depth: int = 3


class Refused(Exception):
    """A document of which no text is given: an end and, in ASCII, its reason."""

    def __init__(self, end: End, reason: str = "") -> None:
        super().__init__(end, reason)
        self.end, self.reason = end, reason


class Full(Exception):
    """There is as much text as is given."""


@dataclass(slots=True)
class Work:
    """A reading under way. `unpacked`, `parts` and `depth` go down to nothing; so does the room for text."""

    limits: Limits
    missed: set[str] = field(default_factory=set)
    _pieces: list[str] = field(default_factory=list)
    _properties: dict[str, None] = field(default_factory=dict)
    _text: bytes = b""
    _room: int = 0
    _gap: int = 2
    _unpacked: int = 0
    _parts: int = 0
    _depth: int = 0

    def __post_init__(self) -> None:
        self._room, self._unpacked = self.limits.text, self.limits.unpacked
        self._parts, self._depth = self.limits.parts, self.limits.depth

    def add(self, text: str) -> None:
        """More text. Raises Full when it does not fit; what fits is kept."""
        if text.isspace():
            # A million empty paragraphs leave room for what comes behind them: one space, or one new line, is enough.
            gap = 2 if "\n" in text else 1
            if gap <= self._gap:
                return
            self._gap, text = gap, "\n" if gap == 2 else text[:1]
        else:
            self._gap = 0
        # A surrogate is no character; what a document says of one is no text.
        octets = text.encode("utf-8", "ignore")
        self._room -= len(octets)
        if self._room < 0:
            self._pieces.append(octets[: self._room].decode("utf-8", "ignore"))
            raise Full
        self._pieces.append(octets.decode("utf-8"))

    def add_property(self, text: str | None) -> None:
        """Title, subject, keywords, comments, author: a line of its own behind the text, once."""
        if text and (line := " ".join(text.split())[:_LINE]):
            if line in self._properties:
                return
            self._room -= len(line.encode("utf-8", "ignore")) + 1
            if self._room < 0:
                raise Full
            self._properties[line] = None

    def unpack(self, octets: int) -> None:
        """So many octets more came out of what was compressed."""
        self._unpacked -= octets
        if self._unpacked < 0:
            raise Refused(End.LIMIT, "unpacked")

    def count(self, parts: int = 1) -> None:
        """So many more parts of containers."""
        self._parts -= parts
        if self._parts < 0:
            raise Refused(End.LIMIT, "parts")

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """Into a document that lies in another."""
        if self._depth == 0:
            raise Refused(End.LIMIT, "depth")
        self._depth -= 1
        try:
            yield
        finally:
            self._depth += 1

    def text(self) -> bytes:
        """What was found, in UTF-8, after `settle`."""
        return self._text

    def settle(self) -> bool:
        """Make the text: NFC, TCVN3 and VNI in Unicode, without control characters. Whether it had to be cut."""
        whole = "".join(self._pieces)
        self._pieces.clear()
        lines, judged = _in_unicode(whole.splitlines())
        if not judged:
            self.missed.add("encoding")
        properties, judged = _in_unicode([*self._properties])
        body, behind = _octets(lines), _octets(properties)
        # Letters of TCVN3 are longer in Unicode. What is cut is the text, not what the document says of itself.
        most = self.limits.text - len(behind)
        kept = body[: max(0, most)].decode("utf-8", "ignore").encode().rstrip()
        octets = b"\n".join(part for part in (kept, behind[: self.limits.text]) if part)
        self._text = octets + b"\n" if octets else b""
        return len(body) > most


_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def _octets(lines: list[str]) -> bytes:
    text = unicodedata.normalize("NFC", "\n".join(line.rstrip() for line in lines))
    return _CONTROLS.sub(" ", text).strip().encode("utf-8", "ignore")


def _in_unicode(lines: list[str]) -> tuple[list[str], bool]:
    """The lines, those in a legacy encoding converted; whether all were looked at that may be in one.

    Lines of one document share one (recognise_all).
    """
    asked = [number for number, line in enumerate(lines) if not line.isascii()]
    # Beside letters that only Unicode has, a line must speak for itself.
    one_by_one = any(char > "\u00ff" and char.isalpha() for number in asked for char in lines[number])
    maybe = [number for number in asked if max(lines[number]) <= "\u00ff"]
    pieces = [(number, piece) for number in maybe for piece in _pieces(lines[number])]
    texts, left = list[str](), _JUDGED
    for _, piece in pieces:
        left -= len(piece)
        if left < 0:
            break
        texts.append(piece)
    judged = map(legacy_encodings.recognise, texts) if one_by_one else legacy_encodings.recognise_all(texts)
    converted: dict[int, list[str]] = {}
    for (number, piece), found in zip_longest(pieces, judged):
        converted.setdefault(number, []).append(found.text if found else piece)
    for number, parts in converted.items():
        lines[number] = " ".join(parts)
    return lines, left >= 0


def _pieces(line: str) -> list[str]:
    """A long line in pieces, parted at spaces where there are any."""
    if len(line) <= _LINE:
        return [line]
    found, at = list[str](), 0
    while at < len(line):
        end = at + _LINE
        if end < len(line):
            end = max(line.rfind(" ", at, end), line.rfind("\t", at, end)) if " " in line[at + 1 : end] else end
        found.append(line[at:end])
        at = end + (line[end : end + 1].isspace())
    return found
