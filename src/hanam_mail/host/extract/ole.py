"""Compound files (OLE2), as Office before 2007 wrote them: the names and octets of their streams ([MS-CFB]).

Chains of sectors are followed once each, so that one which leads back into itself ends.
"""

import struct
from dataclasses import dataclass

from hanam_mail.host.extract.work import End, Refused, Work

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LAST, _MOST_ENTRIES = 0xFFFFFFFA, 10_000
_SUMMARY, _DOCUMENT_SUMMARY = "\x05SummaryInformation", "\x05DocumentSummaryInformation"
# Title, subject, author, keywords, comments, last author ([MS-OLEPS] 2.25); category, manager, company.
_PROPERTIES = {_SUMMARY: {2, 3, 4, 5, 6, 8}, _DOCUMENT_SUMMARY: {2, 14, 15}}
_STRING, _WIDE_STRING, _CODEPAGE = 0x1E, 0x1F, 1


@dataclass(slots=True)
class _Entry:
    kind: int
    start: int
    size: int


class Compound:
    """Raises Refused when it is none, or beyond what such a file has."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        try:
            self._open()
        except (struct.error, IndexError) as error:
            raise Refused(End.BROKEN, "ole") from error

    def names(self) -> set[str]:
        """Of all streams, without the storages that they lie in."""
        return {name for name, entry in self._entries.items() if entry.kind == 2}

    def stream(self, name: str) -> bytes:
        """The octets of a stream; none where there is no such one."""
        entry = self._entries.get(name)
        if entry is None or entry.kind != 2:
            return b""
        if entry.size < self._cutoff:
            return self._chain(entry.start, self._mini_table, self._mini, 64)[: entry.size]
        return self._chain(entry.start, self._table, None, self._size)[: entry.size]

    def _open(self) -> None:
        head = self._data[:512]
        shift, _mini_shift = struct.unpack_from("<HH", head, 30)
        if shift not in (9, 12):
            raise Refused(End.BROKEN, "ole")
        self._size = 1 << shift
        (tables, first, _, self._cutoff, mini_first, _, more, _) = struct.unpack_from("<IIIIIIII", head, 44)
        sectors = [number for number in struct.unpack_from("<109I", head, 76) if number < _LAST]
        seen: set[int] = set()
        while more < _LAST and more not in seen:
            seen.add(more)
            numbers = struct.unpack(f"<{self._size // 4}I", self._sector(more))
            sectors += [number for number in numbers[:-1] if number < _LAST]
            more = numbers[-1]
        if tables > len(self._data) // self._size + 1:
            raise Refused(End.BROKEN, "ole")
        table = b"".join(self._sector(number) for number in dict.fromkeys(sectors))
        self._table = struct.unpack(f"<{len(table) // 4}I", table)
        self._entries = self._folder(self._chain(first, self._table, None, self._size))
        mini = self._chain(mini_first, self._table, None, self._size)
        self._mini_table = struct.unpack(f"<{len(mini) // 4}I", mini)
        root = next((entry for entry in self._entries.values() if entry.kind == 5), None)
        self._mini = self._chain(root.start, self._table, None, self._size) if root else b""

    def _folder(self, octets: bytes) -> dict[str, _Entry]:
        found: dict[str, _Entry] = {}
        for at in range(0, min(len(octets), 128 * _MOST_ENTRIES) - 127, 128):
            size, kind = struct.unpack_from("<HB", octets, at + 64)
            start, length = struct.unpack_from("<II", octets, at + 116)
            name = octets[at : at + max(0, min(size, 64) - 2)].decode("utf-16-le", "replace")
            if kind in (2, 5) and name not in found:
                found[name] = _Entry(kind, start, length)
        return found

    def _sector(self, number: int) -> bytes:
        octets = self._data[(number + 1) * self._size : (number + 2) * self._size]
        # The last one of a file may be short.
        return octets.ljust(self._size, b"\0") if octets else b"\xff" * self._size

    def _chain(self, start: int, table: tuple[int, ...], source: bytes | None, size: int) -> bytes:
        pieces, seen = [], set[int]()
        while start < len(table) and start not in seen:
            seen.add(start)
            pieces.append(self._sector(start) if source is None else source[start * size : (start + 1) * size])
            start = table[start]
        return b"".join(pieces)


def add_properties(compound: Compound, work: Work) -> None:
    """Title, author and the like, which stand in streams of their own ([MS-OLEPS])."""
    for stream, wanted in _PROPERTIES.items():
        try:
            _add_set(compound.stream(stream), wanted, work)
        except (struct.error, UnicodeError, LookupError):
            work.missed.add("properties")


def _add_set(octets: bytes, wanted: set[int], work: Work) -> None:
    if len(octets) < 48:
        return
    (base,) = struct.unpack_from("<I", octets, 44)
    _, number = struct.unpack_from("<II", octets, base)
    codec, texts = "cp1252", list[tuple[int, bytes]]()
    for each in range(min(number, 100)):
        key, at = struct.unpack_from("<II", octets, base + 8 + 8 * each)
        (kind,) = struct.unpack_from("<I", octets, base + at)
        if key == _CODEPAGE:
            (page,) = struct.unpack_from("<H", octets, base + at + 4)
            codec = {65001: "utf-8", 1200: "utf-16-le"}.get(page, f"cp{page}")
        elif key in wanted and kind in (_STRING, _WIDE_STRING):
            (size,) = struct.unpack_from("<I", octets, base + at + 4)
            width = 2 if kind == _WIDE_STRING else 1
            texts.append((kind, octets[base + at + 8 : base + at + 8 + min(size * width, 4000)]))
    for kind, raw in texts:
        text = raw.decode("utf-16-le" if kind == _WIDE_STRING else codec, "replace")
        work.add_property(text.split("\0")[0])
