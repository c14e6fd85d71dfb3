"""What a report is packed in: gzip, zip, one in the other, or nothing. The octets tell, not what the sender says."""

import zlib

from hanam_mail.host.extract import zips
from hanam_mail.host.extract.work import End, Refused, Work
from hanam_mail.host.reports.incoming_words import broken

_GZIP = b"\x1f\x8b"
_CHUNK, _PACKED = 256 * 1024, 16 * 1024
# Deflate reaches 1032; a report of equal records 200.
_TIGHT_OCTETS, _TIGHT = 8 * 2**20, 300
# Files that were put behind each other. One report is one file.
_MEMBERS = 16


def whole(octets: bytes, work: Work) -> bytes:
    """The report itself, within the limits of the work. Raises Refused."""
    if octets.startswith(_GZIP):
        with work.deeper():
            return whole(_gunzipped(octets, work), work)
    if zips.begins(octets):
        with work.deeper():
            return whole(_unzipped(octets, work), work)
    return octets


def _gunzipped(octets: bytes, work: Work) -> bytes:
    """All members; what comes behind them and is none says nothing, as gzip(1) has it."""
    pieces, size, members = list[bytes](), 0, 0
    rest, packed = memoryview(octets), 0
    while rest[:2] == _GZIP:
        members += 1
        if members > _MEMBERS:
            raise Refused(End.LIMIT, "members")
        inflate = zlib.decompressobj(31)
        while not inflate.eof:
            given = bytes(rest[:_PACKED])
            if not given:
                raise broken("gzip ends early")
            rest, packed = rest[_PACKED:], packed + len(given)
            while given and not inflate.eof:
                try:
                    piece = inflate.decompress(given, _CHUNK)
                except zlib.error as error:
                    raise broken("gzip") from error
                given = inflate.unconsumed_tail
                size += len(piece)
                work.unpack(len(piece))
                if size > _TIGHT_OCTETS and size > _TIGHT * packed:
                    raise Refused(End.LIMIT, "ratio")
                pieces.append(piece)
        # What was given of the next member goes back.
        at = len(octets) - len(rest) - len(inflate.unused_data)
        rest, packed = memoryview(octets)[at:], packed - len(inflate.unused_data)
    return b"".join(pieces)


def _unzipped(octets: bytes, work: Work) -> bytes:
    """The one file in it; of several nobody could say which is the report."""
    parts = zips.Parts(octets, work)
    names = [name for name in parts.names() if not name.startswith("__MACOSX/")]
    if parts.cut:
        raise broken("zip")
    if len(names) != 1 or work.missed:
        raise broken("zip of other than one file")
    if parts.is_encrypted(names[0]):
        raise Refused(End.ENCRYPTED)
    return parts.whole(names[0])
