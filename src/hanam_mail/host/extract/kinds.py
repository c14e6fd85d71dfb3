"""What kind of file octets are: by what they are, never by what their sender calls them."""

import re
from enum import StrEnum, auto

from hanam_mail.host.extract import ole, zips


class Kind(StrEnum):
    """Kinds that there is a reader for."""

    OOXML = auto()
    ODF = auto()
    FLAT_ODF = auto()
    ZIP = auto()
    WORD = auto()
    EXCEL = auto()
    POWERPOINT = auto()
    ENCRYPTED_OFFICE = auto()
    PDF = auto()
    RTF = auto()
    HTML = auto()
    MAIL = auto()
    XML = auto()
    TEXT = auto()


# A PDF may have so much before its first line, and writers do.
_HEAD = 1024
_HTML = re.compile(rb"<(!doctype\s+html|html|head|body|meta|title|table|div|p|span)\b", re.I)
_XML = re.compile(rb"\s*<(\?xml|[A-Za-z][\w.-]*(:[\w.-]+)?[\s>])")
_FIELD = re.compile(rb"([!-9;-~]+):[ \t]")
_OF_MAIL = {b"received", b"from", b"message-id", b"mime-version", b"delivered-to", b"return-path", b"subject"}
_FLAT = re.compile(rb"<office:document[\s>]")
# What has a sign of its own and no text that we read: pictures, sounds, films, fonts; and what others may lie in: an
# archive that unpacks itself is a program.
_SHOWN = (
    b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF", b"OggS", b"ID3", b"\xff\xfb", b"\0\0\1\0",
    b"wOFF",
)  # fmt: skip
_ARCHIVES = (b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"\x7fELF", b"MZ")
_OTHERS = (*_ARCHIVES, b"%!PS")
_TNEF, _TAR = b"\x78\x9f\x3e\x22", b"ustar"


def is_shown_or_heard(data: bytes) -> bool:
    """Whether it is a picture, a sound, a film or the like by its first octets: without any text.

    Not with a PDF behind them, which readers open all the same; nor with the two letters of BMP alone, which begin
    words as well: a size and a place of the picture follow them.
    """
    if b"%PDF-" in data[:_HEAD]:
        return False
    if data.startswith(b"BM"):
        return data[6:10] == bytes(4) and len(data) > 26
    return data.startswith(_SHOWN) or data[4:8] == b"ftyp"


def holds_others(data: bytes) -> bool:
    """Whether documents may lie in it, though nobody here opens it: archives, programs, TNEF, compound files."""
    return data.startswith((*_ARCHIVES, _TNEF, ole.MAGIC)) or zips.begins(data) or data[257:262] == _TAR


def kind(data: bytes) -> Kind | None:
    """The kind, None of what nobody here reads. Raises Refused of a container that is broken or beyond the limits."""
    head = data[:_HEAD]
    if zips.begins(data):
        return _of_zip(data)
    if data.startswith(ole.MAGIC):
        return _of_ole(data)
    if b"%PDF-" in head:
        return Kind.PDF
    if head.lstrip().startswith(b"{\\rtf"):
        return Kind.RTF
    if data.startswith(_OTHERS) or is_shown_or_heard(data):
        return None
    return _of_text(data)


def _of_zip(data: bytes) -> Kind:
    names = zips.names(data)
    if "content.xml" in names and ("mimetype" in names or "META-INF/manifest.xml" in names):
        return Kind.ODF
    if any(name.startswith(("word/", "xl/", "ppt/", "visio/")) for name in names):
        return Kind.OOXML
    return Kind.ZIP


def _of_ole(data: bytes) -> Kind | None:
    streams = ole.Compound(data).names()
    if "EncryptedPackage" in streams:
        return Kind.ENCRYPTED_OFFICE
    for name, found in (
        ("WordDocument", Kind.WORD),
        ("Workbook", Kind.EXCEL),
        ("Book", Kind.EXCEL),
        ("PowerPoint Document", Kind.POWERPOINT),
    ):
        if name in streams:
            return found
    return None


def _of_text(data: bytes) -> Kind | None:
    """Of what may be text: its first octets decide, and that no line of it has octets that no text has."""
    head = data[: 16 * _HEAD]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Kind.TEXT
    plain = head.removeprefix(b"\xef\xbb\xbf")
    if not plain or any(octet < 9 or 13 < octet < 27 for octet in plain):
        return None
    if _HTML.match(_behind_comments(plain)):
        return Kind.HTML
    if _XML.match(plain):
        if _FLAT.search(plain):
            return Kind.FLAT_ODF
        return Kind.HTML if b"<html" in plain.lower() else Kind.XML
    return Kind.MAIL if _begins_as_mail(plain[: 4 * _HEAD]) and _has_headers(plain) else Kind.TEXT


def _behind_comments(head: bytes) -> bytes:
    """What stands behind space and comments of HTML, each octet looked at once."""
    at, comment = 0, b"<!--"
    while True:
        at = len(head) - len(head[at:].lstrip())
        if not head.startswith(comment, at):
            return head[at:]
        if (end := head.find(b"-->", at + len(comment))) < 0:
            return b""
        at = end + 3


def _begins_as_mail(head: bytes) -> bool:
    """Whether nothing but fields stands before one that only mail has. Line by line, each looked at once."""
    if head.startswith(b"From "):
        return True
    for number, line in enumerate(head.split(b"\n")):
        if number and line.startswith((b" ", b"\t")):
            continue
        found = _FIELD.match(line)
        if found is None:
            return False
        if found[1].lower() in _OF_MAIL:
            return True
    return False


def _has_headers(head: bytes) -> bool:
    """Two fields of a message at least: a note that begins with "Subject:" is a note."""
    lines = head.split(b"\n\n")[0].split(b"\r\n\r\n")[0]
    known = rb"^(Received|From|To|Date|Message-ID|MIME-Version|Content-Type|Subject|Return-Path|Delivered-To):"
    return len(re.findall(known, lines, re.I | re.M)) > 1
