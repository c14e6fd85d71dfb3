"""A message in the two forms in which others sign it (RFC 6376, section 3.4), each made once, in one pass."""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property

_NEXT_FIELD = re.compile(rb"\r\n(?![ \t])")
_BLANKS = re.compile(rb"[ \t]+")
_LINE_END = b"\r\n"
_STEP = _LINE_END * 4096
# Octets and lines of a head. The filter and others read no more of one either, and each field takes memory of its own.
MOST_HEAD = 2**20
MOST_LINES = 10_000


class HeadTooLong(ValueError):
    """The head of a message has more octets or lines than any honest one."""


@dataclass(frozen=True, slots=True)
class Field:
    """A header field as it came, without the line end behind it."""

    raw: bytes

    @property
    def name(self) -> str:
        """In small letters."""
        return self.raw.partition(b":")[0].rstrip(b" \t").decode("latin-1").lower()

    @property
    def value(self) -> str:
        """What stands behind the colon, folded as it is; octets that are no UTF-8 are kept."""
        return self.raw.partition(b":")[2].decode("utf-8", "surrogateescape")

    @property
    def relaxed(self) -> bytes:
        """In the form "relaxed", without a line end."""
        return relaxed(self.raw)


def relaxed(raw: bytes) -> bytes:
    """A header field in the form "relaxed" (section 3.4.2), without a line end."""
    name, _, value = raw.partition(b":")
    return name.rstrip(b" \t").lower() + b":" + _BLANKS.sub(b" ", value.replace(_LINE_END, b"")).strip(b" \t")


class Letter:
    """A whole message, of any line ends; HeadTooLong before any of it is taken apart."""

    def __init__(self, content: bytes) -> None:
        _measure_head(content)
        # Filters hand over the lines of a folded field with a line feed alone.
        content = content.replace(_LINE_END, b"\n").replace(b"\n", _LINE_END)
        if content.startswith(_LINE_END):
            head, self._body = b"", content[2:]
        else:
            head, _, self._body = content.partition(_LINE_END * 2)
        self._head = head.removesuffix(_LINE_END)
        self._hashes: dict[tuple[str, int | None], tuple[bytes, bool]] = {}

    @cached_property
    def by_name(self) -> dict[str, list[Field]]:
        """Name in small letters -> its fields, from the first to the last."""
        found: dict[str, list[Field]] = {}
        for raw in _NEXT_FIELD.split(self._head):
            if b":" in raw:
                each = Field(raw)
                found.setdefault(each.name, []).append(each)
        return found

    def body_hash(self, form: str, length: int | None) -> tuple[bytes, bool]:
        """SHA-256 of the body in that form, cut at `length` octets; and whether that is all of it."""
        key = form, length
        if key not in self._hashes:
            body = self._relaxed_body if form == "relaxed" else self._simple_body
            whole = length is None or length >= len(body)
            digest = hashlib.sha256(body if whole else memoryview(body)[:length])
            # More than there is cannot have been signed.
            self._hashes[key] = digest.digest(), whole and (length is None or length == len(body))
        return self._hashes[key]

    @cached_property
    def _simple_body(self) -> bytes:
        return _one_line_end(self._body) or _LINE_END

    @cached_property
    def _relaxed_body(self) -> bytes:
        # A regular expression needs ten times as long, and nothing else of this process runs meanwhile. Each round
        # halves the longest run.
        body = self._body.replace(b"\t", b" ")
        while b"  " in body:
            body = body.replace(b"  ", b" ")
        body = body.replace(b" " + _LINE_END, _LINE_END)
        return _one_line_end(body.removesuffix(b" "))


def _measure_head(content: bytes) -> None:
    """HeadTooLong unless its empty line comes soon; looks at no more than that."""
    if content.startswith((b"\n", _LINE_END)):
        return
    ends = [content.find(line, 0, MOST_HEAD) for line in (b"\n\n", b"\n\r\n")]
    end = min((each for each in ends if each >= 0), default=len(content))
    if end > MOST_HEAD or content.count(b"\n", 0, end) >= MOST_LINES:
        raise HeadTooLong("the head of the message is too long")


def _one_line_end(body: bytes) -> bytes:
    """Without empty lines at its end; nothing of a body that has no others."""
    end = len(body)
    for step in (_STEP, _LINE_END):
        while body.endswith(step, 0, end):
            end -= len(step)
    return body[:end] + _LINE_END if end else b""
