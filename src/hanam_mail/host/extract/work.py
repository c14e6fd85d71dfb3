"""One document's reading: what it may cost, what was found in it, and how it ended."""

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from hanam_mail.regulation import legacy_encodings

# Lines that are looked at for TCVN3 and VNI, and the longest of them: who writes that writes lines of it.
_LINES, _LINE = 4000, 2000


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
            self._room -= len(line)
            self._properties[line] = None
            if self._room < 0:
                raise Full

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
        """What was found, in UTF-8: NFC, lines of TCVN3 and VNI in Unicode, without control characters."""
        whole = "".join(self._pieces)
        self._pieces.clear()
        lines = [*_in_unicode(whole.splitlines()), *_in_unicode([*self._properties])]
        text = _CONTROLS.sub(" ", unicodedata.normalize("NFC", "\n".join(line.rstrip() for line in lines)))
        octets = text.strip().encode("utf-8", "ignore")
        # Letters of TCVN3 are longer in Unicode.
        return octets[: self.limits.text].decode("utf-8", "ignore").encode() + b"\n" if octets else b""


_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def _in_unicode(lines: list[str]) -> list[str]:
    """The lines, those in a legacy encoding converted. Lines of one document share one (recognise_all)."""
    asked = [number for number, line in enumerate(lines) if not line.isascii() and len(line) <= _LINE]
    maybe = [number for number in asked if max(lines[number]) <= "\u00ff"][:_LINES]
    texts = [lines[number] for number in maybe]
    # Beside letters that only Unicode has, a line must speak for itself.
    one_by_one = any(char > "\u00ff" and char.isalpha() for number in asked for char in lines[number])
    judged = map(legacy_encodings.recognise, texts) if one_by_one else legacy_encodings.recognise_all(texts)
    for number, found in zip(maybe, judged, strict=True):
        if found:
            lines[number] = found.text
    return lines
