"""Small attachments that unpack to more than a host has: refused within a minute, and the next message flows (Đ4.2)."""

import bz2
import gzip
import io
import itertools
import lzma
import zipfile
import zlib

import pytest

from tests import journal
from tests.containers import PAYLOAD, tarred, together, zipped
from tests.lab import Lab, Sample, message
from tests.mail.hostile import STRANGER, differing, lasting_answers

pytestmark = [
    pytest.mark.dieu4,
    pytest.mark.dieu10,
    pytest.mark.usefixtures("daemons_stay"),
    pytest.mark.provokes(journal.BAD_CLIENTS, journal.BOMBS),
]

MEGABYTE = 1 << 20
BEYOND = 420
"""Megabytes: more than the scanner unpacks of one message."""


def gzipped(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(MEGABYTE)
    return b"".join(packer.compress(block) for _ in range(megabytes)) + packer.flush()


def zips_in_zips() -> bytes:
    """As 42.zip: what lies in each zip is a zip, and in each of the last more than the scanner takes all in all.

    No two are alike: what the scanner has seen once it does not unpack again.
    """
    leaves = [zipped(bytes(4 * MEGABYTE) + b"%d" % number, "0.dll") for number in range(BEYOND // 4)]
    middle = [zipped(together(*some), "lib.zip") for some in itertools.batched(leaves, 8, strict=False)]
    return zipped(together(*middle), "book.zip")


def many_files(count: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for number in range(count):
            archive.writestr(str(number), b"")
        archive.writestr("e.com", PAYLOAD)
    return buffer.getvalue()


def deep(levels: int) -> bytes:
    content = zipped(PAYLOAD)
    for number in range(levels):
        content = (gzip.compress, zipped, tarred, bz2.compress)[number % 4](content)
    return content


@pytest.fixture(scope="module")
def bombs() -> dict[str, bytes]:
    large = gzipped(BEYOND)
    return {
        "zips in zips": zips_in_zips(),
        "gz": large,
        "gz in gz": gzip.compress(large),
        "gz in zip, twice": together(large, large),
        "gz in bz2": bz2.compress(large),
        "xz": lzma.compress(bytes(BEYOND * MEGABYTE), preset=0),
        "many files, a virus behind them": many_files(3_000),
        "many layers, a virus within them": deep(30),
    }


def test_no_archive_unpacks_beyond_all_bounds(lab: Lab, recipient: Sample, bombs: dict[str, bytes]) -> None:
    assert max(len(content) for content in bombs.values()) < 3 * MEGABYTE
    contents = {}
    for name, content in bombs.items():
        mail = message(STRANGER, recipient.address)
        mail.add_attachment(content, maintype="application", subtype="octet-stream", filename="a.zip")
        contents[name] = mail.as_bytes().replace(b"\n", b"\r\n")
    refusals = ("khong quet virus duoc", "Thu co virus")
    assert differing(lasting_answers(lab, recipient, contents), "554", *refusals) == {}
