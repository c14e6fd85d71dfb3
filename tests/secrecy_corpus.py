"""Letters with and without secrecy marks, as tests/data/secrecy writes them down, made into messages with documents.

A letter has `is` (a name for people), `subject`, `text`, `html`, `attached`, and how it is written: `nfd`, `form`
(tcvn3, vni), `charset`, or `raw` (a message as it stands). A document is one of docx, xlsx, pdf, odt, ods, rtf, doc,
xls, pptx, html, txt, zip, eml, jpeg, encrypted; with `name`, and `title`, `header`, `form` where the kind has one. A
list in a list is a row of a table.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import yaml

from tests import documents

FOLDER = Path(__file__).parent / "data/secrecy"
FILES = ("held_out", "offices")
_TYPES = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf", "jpeg": "image/jpeg", "zip": "application/zip", "html": "text/html", "txt": "text/plain",
    "doc": "application/msword", "rtf": "application/rtf",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter of the corpus and what is to become of it."""

    file: str
    name: str
    held: bool
    content: bytes
    # Programs of Debian that its documents need to be read.
    needs: frozenset[str]


def letters(file: str) -> list[Letter]:
    """Those of a file, in its order."""
    found = []
    for verdict, held in (("hold", True), ("pass", False)):
        for each in yaml.safe_load((FOLDER / f"{file}.yml").read_text())[verdict]:
            found.append(Letter(file, each["is"], held, message(each), frozenset(_needs(each))))
    return found


def _needs(letter: Mapping[str, Any]) -> set[str]:
    text = str(letter.get("attached", ""))
    programs = {"'pdf':": "pdftotext", "'doc':": "catdoc", "'xls':": "xls2csv"}
    return {program for kind, program in programs.items() if kind in text}


def message(letter: Mapping[str, Any], sender: str = "an@hanam.gov.vn", recipient: str = "ba@hanam.gov.vn") -> bytes:
    """As a mail program writes it, with CRLF."""
    if "raw" in letter:
        head = f"From: <{sender}>\nTo: <{recipient}>\n"
        return (head + letter["raw"]).replace("\n", "\r\n").encode("utf-8", "surrogateescape")
    mail = EmailMessage(policy=policy.SMTP.clone(max_line_length=200))
    mail["From"], mail["To"] = f"<{sender}>", f"<{recipient}>"
    mail["Subject"] = _written(letter["subject"], letter).replace("\n", " ")
    if "html" in letter:
        # Legacy fonts come in mail that says nothing of it.
        mail.set_content(_written(letter["html"], letter), subtype="html", charset=letter.get("charset", "utf-8"))
    else:
        _set_text(mail, letter)
    for document in letter.get("attached", ()):
        _attach(mail, document)
    return mail.as_bytes()


def _set_text(mail: EmailMessage, letter: Mapping[str, Any]) -> None:
    text = letter.get("text", "")
    if letter.get("form") == "tcvn3":
        octets = documents.tcvn3(text)
    elif letter.get("form") == "vni":
        octets = documents.vni(text)
    else:
        charset = letter.get("charset", "utf-8")
        mail.set_content(_written(text, letter), charset="utf-8")
        if charset != "utf-8":
            mail.clear_content()
            mail.set_content(_written(text, letter).encode(charset), "text", "plain", disposition=None)
            mail.set_param("charset", charset)
        return
    mail.set_content(octets, "text", "plain")
    mail.set_param("charset", letter.get("charset", "iso-8859-1"))


def _written(text: str, letter: Mapping[str, Any]) -> str:
    if letter.get("form") == "tcvn3":
        return documents.tcvn3(text).decode("latin-1")
    if letter.get("form") == "vni":
        return documents.vni(text).decode("latin-1")
    return unicodedata.normalize("NFD" if letter.get("nfd") else "NFC", text)


def _attach(mail: EmailMessage, document: Mapping[str, Any]) -> None:
    kind = next(iter(document))
    if kind == "eml":
        inner = EmailMessage(policy=policy.SMTP)
        inner["From"], inner["To"], inner["Subject"] = "c@client.example", "an@hanam.gov.vn", document["eml"]["subject"]
        inner.set_content(document["eml"]["text"])
        for each in document["eml"].get("attached", ()):
            _attach(inner, each)
        mail.add_attachment(inner, filename=document.get("name"))
        return
    main, sub = _TYPES.get(kind, "application/octet-stream").split("/")
    mail.add_attachment(octets(document), maintype=main, subtype=sub, filename=document.get("name", f"tệp.{kind}"))


def octets(document: Mapping[str, Any]) -> bytes:
    """A document's."""
    kind, content = next(iter(document.items()))
    match kind:
        case "docx":
            return _docx(content, document)
        case "xlsx":
            return documents.xlsx(*content, title=document.get("title", "Bảng kê"))
        case "pdf":
            return documents.pdf(*content, title=document.get("title", "Báo cáo"))
        case "odt":
            return documents.odt(*content, title=document.get("title", "Giấy mời"))
        case "ods":
            return documents.ods(*content)
        case "rtf":
            return documents.rtf(content, document.get("title", "Quyết định"))
        case "doc":
            return documents.doc(content)
        case "xls":
            return documents.xls(*content)
        case "pptx":
            return documents.pptx(*content)
        case "html":
            return content.encode()
        case "txt":
            return documents.tcvn3(content) if document.get("form") == "tcvn3" else content.encode()
        case "zip":
            return documents.packed({name: octets(each) for name, each in content.items()})
        case "jpeg":
            return b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * (content // 256)
        case "encrypted":
            return documents.doc(content, encrypted=True)
    raise ValueError(kind)


def _docx(content: Sequence[Any], document: Mapping[str, Any]) -> bytes:
    """As documents.docx, with tables, and with a page header of its own: that one's bears a mark."""
    body = "".join(_row(each) if isinstance(each, list) else _paragraph(each) for each in content)
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    header = "".join(map(_paragraph, document.get("header", ())))
    more = {
        "word/document.xml": f"<w:document {space}><w:body>{body}</w:body></w:document>",
        "word/header1.xml": f"<w:hdr {space}>{header}</w:hdr>",
    }
    return documents.docx(title=document.get("title", "Tờ trình"), more=more)


def _paragraph(text: str) -> str:
    # Editors part a word into runs where it was mended.
    runs = "".join(f'<w:r><w:t xml:space="preserve">{escape(piece)}</w:t></w:r>' for piece in (text[:1], text[1:]))
    return f"<w:p>{runs}</w:p>"


def _row(cells: Sequence[str]) -> str:
    return f"<w:tbl><w:tr>{''.join(f'<w:tc>{_paragraph(cell)}</w:tc>' for cell in cells)}</w:tr></w:tbl>"
