"""ZIPs that describe a file twice and not alike, and honest ones that look like them.

Of the former, programs of receivers unpack a virus that the scanner passes over.
"""

import io
import os
import struct
import zipfile

from tests.containers import PAYLOAD, Pipe, relabelled, tarred, zipped

HARMLESS = b"Kinh gui quy co quan.\n" * 40
PROGRAM = b"MZ" + bytes(5000)
PICTURE = b"\xff\xd8\xff\xe0" + bytes(5000)


def streamed(content: bytes, name: str = "e.com") -> bytes:
    """As LibreOffice and the Finder write it: the sizes stand behind the content and in the directory alone."""
    buffer = Pipe()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def at_end(archive: bytes, changes: dict[int, bytes]) -> bytes:
    """A zip with other bytes at these places of its end."""
    data, start = bytearray(archive), archive.rindex(b"PK\x05\x06")
    for at, value in changes.items():
        data[start + at : start + at + len(value)] = value
    return bytes(data)


def with_comment(archive: bytes, comment: bytes) -> bytes:
    return at_end(archive, {20: struct.pack("<H", len(comment))}) + comment


def behind(before: bytes, archive: bytes) -> bytes:
    """Behind other content, and the places of its parts counted from the whole's start, as `zip -A` writes them."""
    data, start, end = bytearray(before + archive), archive.index(b"PK\x01\x02"), archive.rindex(b"PK\x05\x06")
    for at in (start + 42, end + 16):
        (place,) = struct.unpack_from("<I", archive, at)
        struct.pack_into("<I", data, len(before) + at, place + len(before))
    return bytes(data)


def winmail(content: bytes) -> bytes:
    """An attachment as Outlook sends it to strangers (TNEF)."""

    def attribute(number: int, value: bytes) -> bytes:
        return struct.pack("<BII", 2, number, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)

    return (
        struct.pack("<IH", 0x223E9F78, 1)
        + attribute(0x00069002, bytes(14))
        + attribute(0x00018010, b"a.docx\0")
        + attribute(0x0006800F, content)
        + attribute(0x00068012, bytes(14))
    )


def ole2(content: bytes) -> bytes:
    """A document in a document: an OLE2 file with the one in a stream `Package`, whose sectors follow each other."""

    def entry(name: str, kind: int, child: int, sector: int, size: int) -> bytes:
        text = (name + "\0").encode("utf-16-le")
        return (
            text.ljust(64, b"\0")
            + struct.pack("<HBBiii", len(text), kind, 1, -1, -1, child)
            + bytes(36)
            + struct.pack("<iQ", sector, size)
        )

    sectors = -(-len(content) // 512)
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
    head += struct.pack("<iiiiiiii", 1, 1, 0, 4096, -2, 0, -2, 0) + struct.pack("<109i", 0, *[-1] * 108)
    chain = [*range(3, 2 + sectors), -2]
    table = struct.pack("<128i", -3, -2, *chain, *[-1] * (126 - sectors))
    folder = entry("Root Entry", 5, 1, -2, 0) + entry("Package", 2, -1, 2, len(content)) + bytes(256)
    return head + table + folder + content.ljust(512 * sectors, b"\0")


def several(content: bytes, archive: io.BytesIO) -> bytes:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(20):
            file.writestr(f"{number}.txt", b"a" * number)
        file.writestr("thư mục/", b"")
        file.writestr("e.com", content)
    return archive.getvalue()


_ZIP, _STREAM = zipped(PAYLOAD), streamed(PAYLOAD)
_DIRECTORY, _END = _ZIP.index(b"PK\x01\x02"), _ZIP.index(b"PK\x05\x06")

# The scanner passes over all of these, and of each some program for everybody unpacks the virus.
CONTRADICTIONS = {
    "no sizes in the head": relabelled(_ZIP, {18: bytes(8)}),
    "packed size 5 in the head": relabelled(_ZIP, {18: b"\x05\0\0\0"}),
    "another method in the head": relabelled(_ZIP, {8: b"\x0c"}),
    "another method in the directory": relabelled(zipped(PAYLOAD, method=0), {8: b"\x08"}),
    "a longer name in the directory": relabelled(_ZIP, {}, {29: b"\x01"}),
    "no end": _ZIP[:_END],
    "no directory": _ZIP[:_DIRECTORY],
    "directory elsewhere": at_end(_ZIP, {16: b"\xff\xff\xff\xff"}),
    "behind another zip": zipped(HARMLESS, "a.txt") + _ZIP,
    "in another's comment": with_comment(zipped(HARMLESS, "a.txt"), _ZIP),
    "stream behind text": b"Kinh gui\n" + _STREAM,
    "stream behind a program": PROGRAM + _STREAM,
    "stream behind a program that counts": behind(PROGRAM, _STREAM),
    "stream behind a picture": PICTURE + _STREAM,
    "stream between other content": PICTURE + _STREAM + bytes(100),
    "zip behind a tar": tarred(HARMLESS) + _ZIP,
    "stream behind a tar": tarred(HARMLESS) + _STREAM,
}


def honest(content: bytes) -> dict[str, bytes]:
    """What the scanner unpacks, as honest programs write it; with contents that fill some sectors of an OLE2 file."""
    large = streamed(content + os.urandom(5000))
    return {
        "zip": zipped(content),
        "stream": streamed(content),
        "several": several(content, io.BytesIO()),
        "several in a stream": several(content, Pipe()),
        "comment": with_comment(zipped(content), "Ghi chú".encode()),
        "something behind": zipped(content) + bytes(40),
        "zip in zip": zipped(several(content, Pipe()), "a.zip", zipfile.ZIP_STORED),
        "zip behind a program": PROGRAM + zipped(content),
        "stream in a tar": tarred(streamed(content)),
        "stream in an ole2 file": ole2(large),
        "stream in a winmail.dat": winmail(large),
    }
