"""Lists as agencies send them, built by code: every shape is a function that says what is peculiar about it."""

import io
import zipfile
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

import openpyxl
from viparse.normalize.tcvn3 import TCVN3
from viparse.normalize.vni import VNI

type Rows = Sequence[Sequence[Any]]

# TCVN3 (ABC) and VNI as Latin-1 characters: what the old fonts leave in a cell.
_TCVN3 = {letter: old for old, letter in TCVN3.pairs}
_VNI = {letter: old for old, letter in VNI.pairs}


def tcvn3(text: str) -> str:
    return "".join(_TCVN3.get(char, char) for char in text)


def vni(text: str) -> str:
    return "".join(_VNI.get(char, char) for char in text)


def xlsx(
    rows: Rows,
    *,
    merged: Iterable[str] = (),
    hidden: Iterable[int] = (),
    title: str = "Sheet1",
    more: Callable[[openpyxl.Workbook], None] | None = None,
) -> bytes:
    """A workbook of one sheet; `merged` ranges, `hidden` rows; `more` may do anything else to it."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    fill(sheet, rows)
    for reference in merged:
        sheet.merge_cells(reference)
    for row in hidden:
        sheet.row_dimensions[row].hidden = True
    if more:
        more(book)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def fill(sheet: Any, rows: Rows) -> None:
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row, start=1):
            if value is not None:
                sheet.cell(number, column, value)


def csv(rows: Rows, *, delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    """The rows as text in that encoding; "tcvn3" and "vni" are the octets of the old fonts."""
    lines = [
        delimiter.join("" if value is None else _quoted(_shown(value), delimiter) for value in row) for row in rows
    ]
    text = "\r\n".join(lines) + "\r\n"
    if encoding in ("tcvn3", "vni"):
        return {"tcvn3": tcvn3, "vni": vni}[encoding](text).encode("latin-1")
    if encoding == "cp1258":
        return _windows(text)
    return text.encode(encoding)


def _shown(value: Any) -> str:
    return f"{value:%d/%m/%Y}" if isinstance(value, date) else str(value)


def _quoted(text: str, delimiter: str) -> str:
    return f'"{text}"' if delimiter in text or "\n" in text else text


def _windows(text: str) -> bytes:
    """Windows-1258 holds base letters with circumflex, breve or horn, and tones as signs of their own."""
    import unicodedata

    octets = b""
    for char in text:
        decomposed = unicodedata.normalize("NFD", char)
        tones = [mark for mark in decomposed if mark in "\u0300\u0301\u0303\u0309\u0323"]
        base = unicodedata.normalize("NFC", "".join(mark for mark in decomposed if mark not in tones))
        octets += (base + "".join(tones)).encode("cp1258")
    return octets


def repack(
    content: bytes,
    change: Callable[[str, bytes], bytes | None],
    extra: dict[str, bytes] | None = None,
    method: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """The same archive with parts changed (None: left out) and others added, compressed by `method`."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w", method) as new:
        for part in old.infolist():
            data = change(part.filename, old.read(part))
            if data is not None:
                new.writestr(part.filename, data)
        for name, data in (extra or {}).items():
            new.writestr(name, data)
    return stream.getvalue()
