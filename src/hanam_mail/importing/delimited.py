"""A CSV file as a sheet, in the encodings and with the delimiters that agencies' programs write.

UTF-8 and UTF-16 tell themselves apart from the rest; Windows-1258 and the octets of TCVN3 or VNI fonts do not, so
both readings are made and the one that is Vietnamese is taken. What is TCVN3 or VNI stays as its Latin-1 characters:
legacy.py recognises and converts it, for these files as for the cells of a workbook.
"""

import codecs
import csv
import io
import re
import unicodedata
from collections import Counter

from hanam_mail.importing.container import MAX_COLUMNS, MAX_ROWS, RefusedFile
from hanam_mail.importing.sheet import Sheet, SheetRow
from hanam_mail.regulation import legacy_encodings
from hanam_mail.regulation.naming.syllables import is_syllable

_DELIMITERS = ",;\t|"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_WORD = re.compile(r"[^\W\d_]+(?:[\u0300-\u036f][^\W\d_]*)*")
_GOOD_SHARE = 0.6  # of the accented words of a Vietnamese text are syllables; of another reading hardly any


def parse(content: bytes, file: str) -> Sheet:
    """The sheet; rows count as a spreadsheet program shows them. Raises RefusedFile."""
    text = unicodedata.normalize("NFC", _decode(content))  # some programs write accents as letters of their own
    if _CONTROL.search(text):
        raise RefusedFile("không phải văn bản (có ký tự điều khiển): gửi tệp .xlsx hoặc .csv")
    first, _, rest = text.partition("\n")
    directive = re.fullmatch(r"sep=([^\r\n\"])\r?", first)  # Excel's own, no row of the sheet
    delimiter, text = (directive[1], rest) if directive else (_delimiter(text), text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        long = "field larger" in str(error)
        reason = "có ô quá dài" if long else "dấu nháy kép không đóng, hoặc đóng rồi mà còn chữ trước dấu phân cách"
        raise RefusedFile(
            f"tệp CSV hỏng ở hàng {reader.line_num} của tệp ({reason}): mở bằng Excel rồi lưu lại dạng .xlsx"
        ) from error
    if len(rows) > MAX_ROWS or max(map(len, rows), default=0) > MAX_COLUMNS:
        raise RefusedFile(f"bảng vượt quá {MAX_ROWS} dòng hoặc {MAX_COLUMNS} cột: xóa các dòng, cột thừa")
    cells = (tuple(cell if cell.strip() else None for cell in row) for row in rows)
    return Sheet(file, "", tuple(SheetRow(number, row) for number, row in enumerate(cells, start=1) if any(row)))


def _decode(content: bytes) -> str:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _strict(content, encoding)
    if b"\0" in content:
        even, odd = content[::2].count(0), content[1::2].count(0)
        return _strict(content, "utf-16-le" if odd > even else "utf-16-be")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_octets(content)


def _strict(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise RefusedFile(f"văn bản {encoding} bị hỏng ở byte {error.start}: lưu lại dạng UTF-8 hoặc .xlsx") from error


def _decode_octets(content: bytes) -> str:
    readings = []
    try:
        windows = unicodedata.normalize("NFC", content.decode("cp1258"))
        readings.append((_vietnamese_share(windows), windows))
    except UnicodeDecodeError:
        pass  # an octet that Windows-1258 does not have
    latin = content.decode("latin-1")
    readings.append((_vietnamese_share(_converted(latin)), latin))
    share, text = max(readings, key=lambda reading: reading[0])
    if share < _GOOD_SHARE:
        raise RefusedFile("không nhận ra bảng mã tiếng Việt của tệp: lưu lại dạng CSV UTF-8 hoặc .xlsx")
    return text


def _converted(latin: str) -> str:
    """What the text says when its cells are TCVN3 or VNI, for judging only."""
    cells = [cell for cell in re.split(rf"[{re.escape(_DELIMITERS)}\r\n\"]+", latin) if cell.strip()]
    return "\n".join(
        found.text if found else cell for cell, found in zip(cells, legacy_encodings.recognise_all(cells), strict=True)
    )


def _vietnamese_share(text: str) -> float:
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    return sum(map(is_syllable, words)) / len(words) if words else 0.0


def _delimiter(text: str) -> str:
    """The delimiter that parts most lines into the same number of cells, two or more."""

    def quality(delimiter: str) -> tuple[int, int]:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            widths = Counter(len(row) for _, row in zip(range(200), lines, strict=False) if len(row) > 1)
        except csv.Error:
            return (0, 0)
        if not widths:
            return (0, 0)
        width, count = widths.most_common(1)[0]
        return (count, width)

    return max(_DELIMITERS, key=quality)
