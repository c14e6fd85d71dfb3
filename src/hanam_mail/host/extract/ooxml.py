"""DOCX, XLSX and PPTX (ECMA-376): the text of every part that a person can see or print, and the properties."""

import re
from collections.abc import Callable, Iterator
from functools import partial

from hanam_mail.host.extract import xml_reader
from hanam_mail.host.extract.work import Work
from hanam_mail.host.extract.xml_reader import XmlAttributes
from hanam_mail.host.extract.zips import Parts

type Chunks = Iterator[bytes]

# Drawn words (charts, diagrams, boxes) lie beside the text in all three.
_DRAWN = r"(word|xl|ppt)/(charts/chart\d+|diagrams/data\d+|drawings/drawing\d+)\.xml"
_VML = r"(word|xl|ppt)/drawings/vmlDrawing\d+\.vml"
_WORD, _SLIDES = r"word/document\d*\.xml", r"ppt/slides/slide\d+\.xml"
_AROUND_WORD = r"word/(header|footer)\d*\.xml", r"word/(footnotes|endnotes|comments)\.xml"
_AROUND_SLIDES = r"ppt/notesSlides/notesSlide\d+\.xml", r"ppt/comments/.*\.xml"
_MASTERS = r"ppt/(slideMasters/slideMaster|slideLayouts/slideLayout|notesMasters/notesMaster)\d+\.xml"
_SHEETS = r"xl/(worksheets|chartsheets)/.*\.xml"
_SHEET_NOTES = r"xl/(comments\d*|threadedComments/.*|comments/.*)\.xml"
_PROPERTIES = {
    "title", "subject", "creator", "keywords", "description", "category", "contentStatus", "lastModifiedBy",
    "Company", "Manager", "lpwstr", "lpstr",
}  # fmt: skip
# What begins a line, and what is apart from its neighbour in one.
_LINES = {"p", "br", "cr", "si", "row", "comment", "sheet", "is"}
_APART = {"tab", "tc", "c", "ptab"}


def read(parts: Parts, work: Work) -> None:
    """What the file says of itself, which is short; the body; what stands around it."""
    flowing = partial(_flowing, work=work)
    parts.each(r"docProps/(core|app|custom)\.xml", partial(_properties, work=work))
    parts.each(_WORD, flowing, body=True)
    for pattern in _AROUND_WORD:
        parts.each(pattern, flowing)
    parts.each(r"xl/workbook\.xml", partial(_sheet_names, work=work))
    parts.each(r"xl/sharedStrings\.xml", flowing, body=True)
    parts.each(_SHEETS, partial(_cells, work=work), body=True)
    parts.each(_SHEET_NOTES, flowing)
    parts.each(_SLIDES, flowing, body=True)
    for pattern in _AROUND_SLIDES:
        parts.each(pattern, flowing)
    parts.each(_MASTERS, partial(_master, work=work))
    parts.each(_DRAWN, flowing)
    parts.each(_VML, flowing)
    # How a sheet is printed says nothing; most workbooks bear it.
    if parts.matching(r"(word|xl|ppt)/embeddings/.*") or parts.matching(r"xl/(?!printerSettings/).*\.bin"):
        work.missed.add("embedded")


class _Flow:
    """Text as it stands in a part: w:t, a:t and x:t, changes that were deleted too, with lines and gaps."""

    def __init__(self, add: Callable[[str], None]) -> None:
        self._add = add
        self._inside = 0
        # A second form of the same for older programs; how the words of other languages are read.
        self._skipped = 0

    def begin(self, name: str, attributes: XmlAttributes) -> None:
        if name in ("Fallback", "rPh"):
            self._skipped += 1
        elif name in ("t", "delText", "text"):
            self._inside += 1
        elif name in _APART:
            self._add("\t")
        elif name == "textpath" and "string" in attributes:
            # Words that are drawn across a page: "MẬT" may be one.
            self._add(f"\n{attributes['string']}\n")

    def end(self, name: str) -> None:
        if name in ("Fallback", "rPh"):
            self._skipped -= 1
        elif name in ("t", "delText", "text"):
            self._inside -= 1
        elif name in _LINES and not self._skipped:
            self._add("\n")

    def text(self, text: str) -> None:
        # Threaded comments have their words in <text>, others have <t> in it: both are meant once.
        if self._inside > 0 and not self._skipped:
            self._add(text)


def _flowing(chunks: Chunks, work: Work) -> None:
    flow = _Flow(work.add)
    xml_reader.read(chunks, flow.begin, flow.end, flow.text)
    work.add("\n")


def _sheet_names(chunks: Chunks, work: Work) -> None:
    def begin(name: str, attributes: XmlAttributes) -> None:
        if name in ("sheet", "definedName") and "name" in attributes and not attributes["name"].startswith("_xlnm"):
            work.add(attributes["name"] + "\n")

    xml_reader.read(chunks, begin, lambda _: None, lambda _: None)


def _cells(chunks: Chunks, work: Work) -> None:
    """Of a sheet what is not among the shared words: numbers, results of formulas, words in the cell, margins."""
    wanted = {"t", "v", "oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter"}
    inside, shared = "", False

    def begin(name: str, attributes: XmlAttributes) -> None:
        nonlocal inside, shared
        if name == "c":
            shared = attributes.get("t") in ("s", "b", "e")
        elif name in wanted:
            inside = name

    def end(name: str) -> None:
        nonlocal inside
        if name == inside:
            if not (shared and name == "v"):
                work.add("\t")
            inside = ""
        elif name == "row":
            work.add("\n")

    def text(text: str) -> None:
        if inside == "v" and not shared:
            work.add(text)
        elif inside and inside != "v":
            # &L&"Times,Bold"&12 and the like say where and how.
            work.add(text if inside == "t" else re.sub(r'&("[^"]*"|\d+|[A-Z])', " ", text))

    xml_reader.read(chunks, begin, end, text)
    work.add("\n")


def _master(chunks: Chunks, work: Work) -> None:
    """What is drawn on every slide. The words that invite to write a title are no text of anybody's."""
    pieces, placeholder = list[str](), False
    flow = _Flow(pieces.append)

    def begin(name: str, attributes: XmlAttributes) -> None:
        nonlocal placeholder
        if name == "sp":
            pieces.clear()
            placeholder = False
        placeholder = placeholder or name == "ph"
        flow.begin(name, attributes)

    def end(name: str) -> None:
        flow.end(name)
        if name in ("sp", "cxnSp", "graphicFrame"):
            if not placeholder:
                work.add("".join(pieces) + "\n")
            pieces.clear()

    xml_reader.read(chunks, begin, end, flow.text)


def _properties(chunks: Chunks, work: Work) -> None:
    inside, pieces = "", list[str]()

    def begin(name: str, _: XmlAttributes) -> None:
        nonlocal inside
        inside = name
        pieces.clear()

    def end(name: str) -> None:
        nonlocal inside
        if name == inside and name in _PROPERTIES:
            work.add_property("".join(pieces))
        inside = ""

    def text(text: str) -> None:
        if inside in _PROPERTIES and len(pieces) < 1000:
            pieces.append(text)

    xml_reader.read(chunks, begin, end, text)
