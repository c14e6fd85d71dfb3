"""Files as agencies hand them in: every honest encoding and quirk is read, every dangerous or foreign file refused."""

import io
import re
import struct
import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from openpyxl.styles import Font
from tests.data.spreadsheets import csv, repack, xlsx

from hanam_mail.errors import InputError
from hanam_mail.importing import container, reading
from hanam_mail.importing.container import RefusedFile
from hanam_mail.importing.sheet import CellFault, Sheet

pytestmark = pytest.mark.dieu11

ROWS = [
    ["STT", "Họ và tên", "Quê quán"],
    [1, "Nguyễn Văn Hùng", "xã Tiên Sơn, Duy Tiên"],
    [2, "Trần Thị Bưởi", "phường Lê Hồng Phong"],
]
SHOWN = [["STT", "Họ và tên", "Quê quán"], ["1", "Nguyễn Văn Hùng", "xã Tiên Sơn, Duy Tiên"]]


def texts(sheet: Sheet) -> list[list[str]]:
    return [list(row.texts) for row in sheet.rows]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1258"])
def test_dieu_11_4_a_csv_file_is_read_in_any_encoding_with_any_delimiter(encoding: str, delimiter: str) -> None:
    (sheet,) = reading.parse(csv(ROWS, delimiter=delimiter, encoding=encoding), "ds.csv")
    assert texts(sheet)[:2] == SHOWN


def test_a_csv_file_keeps_the_row_numbers_that_a_spreadsheet_program_shows() -> None:
    (sheet,) = reading.parse('sep=;\r\nSTT;Tên\r\n\r\n1;"hai\r\ndòng"\r\n2;An\r\n'.encode(), "ds.csv")
    assert [row.number for row in sheet.rows] == [1, 3, 4]
    assert texts(sheet)[1] == ["1", "hai dòng"]


def test_merged_cells_all_hold_the_value_of_their_range() -> None:
    content = xlsx([["Phòng A", None, 1], [None, None, 2]], merged=["A1:B2"])
    (sheet,) = reading.parse(content, "ds.xlsx")
    assert texts(sheet) == [["Phòng A", "Phòng A", "1"], ["Phòng A", "Phòng A", "2"]]


def test_hidden_sheets_are_passed_over_and_hidden_or_struck_rows_doubted() -> None:
    def hide(book: openpyxl.Workbook) -> None:
        other = book.create_sheet("Danh mục")
        other["A1"] = "ẩn"
        other.sheet_state = "hidden"

        for column in (1, 2, 3):
            book.active.cell(3, column).font = Font(strike=True)

    sheets = reading.parse(xlsx(ROWS, hidden=[2], more=hide), "ds.xlsx")
    assert [sheet.title for sheet in sheets] == ["Sheet1"]
    hidden, struck = (row.doubt for row in sheets[0].rows[1:])
    assert (sheets[0].rows[0].doubt, "ẩn" in hidden, "gạch ngang" in struck) == ("", True, True)


def test_cells_become_plain_values() -> None:
    values = [12.0, 1.5, "  hai _x000D_\n chữ ", date(1980, 5, 1), datetime(1980, 5, 1, 8), True, None, " "]
    (sheet,) = reading.parse(xlsx([values]), "ds.xlsx")
    assert list(sheet.rows[0].texts) == ["12", "1.5", "hai chữ", "01/05/1980", "01/05/1980", "x", "", ""]


def test_a_formula_without_a_cached_value_is_a_fault_and_one_with_it_is_its_value() -> None:
    content = xlsx([["=1+1", '="a"&"b"', "x"]])
    valued = repack(content, lambda name, data: re.sub(rb"<f>1\+1</f><v ?/>", b"<f>1+1</f><v>2</v>", data))
    (sheet,) = reading.parse(valued, "ds.xlsx")
    assert sheet.rows[0].cells[0] == 2
    fault = sheet.rows[0].cells[1]
    assert isinstance(fault, CellFault)
    assert "công thức" in fault.text


def test_an_error_value_is_a_fault() -> None:
    def error(book: openpyxl.Workbook) -> None:
        book.active["A1"] = "#REF!"
        book.active["A1"].data_type = "e"

    (sheet,) = reading.parse(xlsx([["", "x"]], more=error), "ds.xlsx")
    fault = sheet.rows[0].cells[0]
    assert isinstance(fault, CellFault)
    assert "#REF!" in fault.text


def test_formatting_far_below_the_list_costs_nothing() -> None:
    def far(book: openpyxl.Workbook) -> None:
        book.active["A1048576"].font = Font(bold=True)

    (sheet,) = reading.parse(xlsx(ROWS, more=far), "ds.xlsx")
    assert len(sheet.rows) == 3


GOOD = xlsx(ROWS)
SHEET = "xl/worksheets/sheet1.xml"


def _part(name: str, old: bytes, new: bytes) -> bytes:
    changed = repack(GOOD, lambda part, data: data.replace(old, new) if part == name else data)
    assert changed != GOOD
    return changed


def _encrypted() -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1000 + "EncryptedPackage".encode("utf-16-le")


def _bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive, zipfile.ZipFile(io.BytesIO(GOOD)) as good:
        for part in good.infolist():
            archive.writestr(part.filename, good.read(part))
        archive.writestr("xl/media/image1.bin", b"\0" * (container.MAX_UNPACKED_OCTETS + 1))
    return stream.getvalue()


def _with_password() -> bytes:
    """The flag of an encrypted member, in the local and the central header."""
    content = bytearray(GOOD)
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(magic)
        content[at + offset : at + offset + 2] = struct.pack("<H", 1)
    return bytes(content)


DOCTYPE = b'<!DOCTYPE w [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><worksheet'
REFUSED = {
    "rỗng": (b" \n", "ds.csv", "tệp rỗng"),
    "bom nén": (_bomb(), "ds.xlsx", "bom nén"),
    "macro": (repack(GOOD, lambda _, data: data, {"xl/vbaProject.bin": b"x"}), "ds.xlsm", "macro"),
    "macro khai báo": (
        _part("[Content_Types].xml", b"spreadsheetml.sheet.main+xml", b"sheet.macroEnabled.main+xml"),
        "ds.xlsx",
        "macro",
    ),
    "liên kết ngoài": (
        repack(GOOD, lambda _, data: data, {"xl/externalLinks/externalLink1.xml": b"<a/>"}),
        "ds.xlsx",
        "liên kết",
    ),
    "kết nối": (repack(GOOD, lambda _, data: data, {"xl/connections.xml": b"<a/>"}), "ds.xlsx", "kết nối"),
    "nhúng": (repack(GOOD, lambda _, data: data, {"xl/embeddings/a.bin": b"x"}), "ds.xlsx", "nhúng"),
    "thực thể": (_part(SHEET, b"<worksheet", DOCTYPE), "ds.xlsx", "DOCTYPE"),
    "quá nhiều dòng": (xlsx([["x"]], more=lambda book: book.active.cell(1048576, 1, "y")), "ds.xlsx", "vượt quá"),
    "quá nhiều cột": (xlsx([["x"]], more=lambda book: book.active.cell(1, 16384, "y")), "ds.xlsx", "vượt quá"),
    "gộp ô khổng lồ": (
        _part(SHEET, b"</sheetData>", b'</sheetData><mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>'),
        "ds.xlsx",
        "vượt quá",
    ),
    "tham chiếu sai": (_part(SHEET, b'r="A1"', b'r="?"'), "ds.xlsx", "hỏng"),
    "mật khẩu": (_encrypted(), "ds.xlsx", "mật khẩu"),
    "mật khẩu nén": (_with_password(), "ds.xlsx", "mật khẩu"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1000, "ds.xls", r"\.xls"),
    "ods": (
        repack(GOOD, lambda *_: None, {"mimetype": b"application/vnd.oasis", "content.xml": b"<a/>"}),
        "ds.ods",
        "OpenDocument",
    ),
    "docx": (repack(GOOD, lambda *_: None, {"word/document.xml": b"<a/>"}), "ds.docx", "Word"),
    "xlsb": (repack(GOOD, lambda *_: None, {"xl/workbook.bin": b"x"}), "ds.xlsb", "xlsb"),
    "zip": (repack(GOOD, lambda *_: None, {"a.txt": b"x"}), "ds.zip", "nén"),
    "html": (b"<html><table><tr><td>1", "ds.xls", "HTML"),
    "pdf": (b"%PDF-1.7", "ds.pdf", "PDF"),
    "cụt": (GOOD[: len(GOOD) // 2], "ds.xlsx", "hỏng"),
    "không phải xlsx": (b"abc;def", "ds.xlsx", "hỏng"),
    "nhị phân": (bytes(range(1, 9)) * 40, "ds.csv", "điều khiển"),
    "bảng mã lạ": ("Москва Санкт-Петербург".encode("cp1251"), "ds.csv", "bảng mã"),
    "utf-16 hỏng": (b"\xff\xfe\x00\xd8\x41\x00", "ds.csv", "hỏng"),
    "nháy không đóng": (b'STT,"Ten\n1,2\n', "ds.csv", "CSV hỏng"),
    "quá lớn": (b"a" * (container.MAX_FILE_OCTETS + 1), "ds.csv", "lớn hơn"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_dieu_11_4_a_dangerous_or_foreign_file_is_refused_with_what_to_do(name: str) -> None:
    content, file, reason = REFUSED[name]
    with pytest.raises(RefusedFile, match=reason):
        reading.parse(content, file)


def test_a_refused_file_is_one_problem_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "ds.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    with pytest.raises(InputError) as caught:
        reading.read(tmp_path / "ds.xls")
    (problem,) = caught.value.problems
    assert problem.file == str(tmp_path / "ds.xls")
    assert problem.line == 0
