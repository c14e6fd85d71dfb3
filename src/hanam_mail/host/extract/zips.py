"""Zips: what is in one, unpacked in pieces, within the limits of the work."""

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hanam_mail.host.extract.work import End, Refused, Work

_CHUNK = 256 * 1024
# Given to be unpacked at once: what is not wanted of it is copied.
_PACKED = 16 * 1024
# A part that is larger than the one and packed tighter than the other says nothing that a reader needs: deflate reaches
# 1032, sheets of equal rows 200.
_TIGHT_OCTETS, _TIGHT = 16 * 2**20, 300
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_HEAD, _MOST_HEADS = b"PK\x03\x04", 10_000

_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError, KeyError)


def begins(data: bytes) -> bool:
    """Whether the octets begin as a zip does, also an empty one."""
    return data.startswith((_HEAD, b"PK\x05\x06", b"PK\x07\x08PK\x03\x04"))


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except RecursionError:
        raise
    except _FAULTS as error:
        if "encrypted" in str(error) or "password" in str(error):
            raise Refused(End.ENCRYPTED) from error
        raise Refused(End.BROKEN, "zip") from error


def names(data: bytes) -> set[str]:
    """The names in it; of one whose end is missing, those that its parts bear."""
    with _faults():
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                return set(archive.namelist())
        except zipfile.BadZipFile:
            found = {name for name, _ in _heads(data)}
            if not found:
                raise
            return found


def _heads(data: bytes) -> Iterator[tuple[str, int]]:
    """Name and place of each local head, where the directory is missing: the index of search gives long files cut."""
    for number, found in enumerate(re.finditer(re.escape(_HEAD), data)):
        head = data[found.start() : found.start() + 30]
        if number > _MOST_HEADS or len(head) < 30:
            return
        method, size = int.from_bytes(head[8:10], "little"), int.from_bytes(head[26:28], "little")
        name = data[found.start() + 30 : found.start() + 30 + size].decode("utf-8", "replace")
        # Others are octets of something else that look alike.
        if method in _METHODS and 0 < size < 256 and name.isprintable() and "\ufffd" not in name:
            yield name, found.start()


class Parts:
    """A zip's parts by name, in its order."""

    def __init__(self, data: bytes, work: Work) -> None:
        self._data, self._work = data, work
        self.cut = False
        with _faults():
            try:
                self._archive: zipfile.ZipFile | None = zipfile.ZipFile(io.BytesIO(data))
                infos = [info for info in self._archive.infolist() if not info.is_dir()]
                self._infos = {info.filename: info for info in infos}
                if len(self._infos) < len(infos):
                    # Of two parts of one name programs read this one or that.
                    work.missed.add("names")
                self._places: dict[str, int] = {}
            except zipfile.BadZipFile:
                self._archive, self._infos, self._places = None, {}, dict(_heads(data))
                if not self._places:
                    raise
                self.cut = True
                work.missed.add("cut off")
        work.count(len(self._infos) + len(self._places))

    def names(self) -> list[str]:
        """In the zip's order."""
        return [*self._infos, *self._places]

    def matching(self, pattern: str) -> list[str]:
        """Names that match as a whole, numbers in them in their order: slide2 before slide10."""
        found = [name for name in self.names() if re.fullmatch(pattern, name, re.I)]
        return sorted(
            found, key=lambda name: [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]
        )

    def is_encrypted(self, name: str) -> bool:
        """Whether the part asks for a password."""
        return name in self._infos and bool(self._infos[name].flag_bits & 1)

    def chunks(self, name: str) -> Iterator[bytes]:
        """The part, unpacked, in pieces. Raises Refused."""
        # When all is spent, no part of many begins.
        self._work.unpack(0)
        if name in self._places:
            yield from self._salvaged(self._places[name])
            return
        if (info := self._infos.get(name)) is None or self._archive is None:
            return
        if info.compress_type not in _METHODS:
            raise Refused(End.UNKNOWN, "compression")
        if info.file_size > _TIGHT_OCTETS and info.file_size > _TIGHT * max(info.compress_size, 1):
            raise Refused(End.LIMIT, "ratio")
        with _faults(), self._archive.open(info) as stream:
            while chunk := stream.read(_CHUNK):
                self._work.unpack(len(chunk))
                yield chunk

    def whole(self, name: str) -> bytes:
        """The part in one."""
        return b"".join(self.chunks(name))

    def each(self, pattern: str, read: Callable[[Iterator[bytes]], None], *, body: bool = False) -> None:
        """Give the pieces of every part of such a name to the reader. One of a zip that was cut off may end early.

        A part that cannot be read is missed, and hides no other: programs do not look at what nothing refers to. Raises
        Refused when it is the body, and no part of that could be read.
        """
        first: Refused | None = None
        whole = 0
        for name in self.matching(pattern):
            try:
                read(self.chunks(name))
                whole += 1
            except MemoryError:
                self._work.missed.add(End.LIMIT)
                first = first or Refused(End.LIMIT, "memory")
            except Refused as refused:
                if not (self.cut and refused.end is End.BROKEN):
                    self._work.missed.add(refused.end)
                    first = first or refused
        if body and first and not whole:
            raise first

    def _salvaged(self, at: int) -> Iterator[bytes]:
        """A part of which only its own head tells, as far as it goes."""
        head = self._data[at : at + 30]
        method = int.from_bytes(head[8:10], "little")
        begin = at + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
        if method != zipfile.ZIP_DEFLATED or head[6] & 1:
            return
        inflate = zlib.decompressobj(-15)
        while not inflate.eof and begin < len(self._data):
            packed = self._data[begin : begin + _PACKED]
            begin += len(packed)
            came = 0
            while packed and not inflate.eof:
                try:
                    chunk = inflate.decompress(packed, _CHUNK)
                except zlib.error:
                    return
                packed = inflate.unconsumed_tail
                came += len(chunk)
                self._work.unpack(len(chunk))
                if chunk:
                    yield chunk
            # So much of nothing is no part of a document.
            if not came:
                return
