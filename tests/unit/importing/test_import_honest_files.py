"""Ordinary files that programs write in ways of their own, and sheets beside the list: read, or told (Đ11.4)."""

import re
import unicodedata
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from tests.data.spreadsheets import Rows, csv, fill, repack, xlsx
from tests.unit.registry_world import RULE_BOOK

from hanam_mail.importing import document, encoding, lists, reading
from hanam_mail.importing.agencies import Directory
from hanam_mail.importing.container import RefusedFile
from hanam_mail.registry import loading

pytestmark = pytest.mark.dieu11

HEAD = ["STT", "Họ và tên", "Nội dung đề nghị"]
AN = [1, "Nguyễn Văn An", "Cấp mới"]


def read(content: bytes, name: str = "ds.xlsx") -> lists.ListContents:
    sheets, _ = encoding.convert(reading.parse(content, name))
    return lists.read(sheets, date(2026, 11, 25), RULE_BOOK.naming)


# --- formulas -------------------------------------------------------------------------------------------------------


def counted(rows: int) -> bytes:
    """A list whose numbers are formulas filled down, with the results as Excel keeps them."""
    formulas: Rows = [[f'=IF(B{row}="","",ROW()-1)', *([None, None] if row > 2 else AN[1:])] for row in range(2, rows)]

    def with_results(name: str, data: bytes) -> bytes:
        if not name.endswith("sheet1.xml"):
            return data
        kept, count = re.subn(rb'<c r="(A[0-9]+)"[^>]*>(<f>[^<]*</f>)<v ?/>', rb'<c r="\1" t="str">\2<v></v>', data)
        assert count == rows - 2
        return kept.replace(b'<c r="A2" t="str">', b'<c r="A2">').replace(b"<v></v>", b"<v>1</v>", 1)

    return repack(xlsx([HEAD, *formulas]), with_results)


def test_numbers_that_are_formulas_filled_down_make_no_rows_of_their_own() -> None:
    found = read(counted(8))
    assert (found.problems, [entry.name for entry in found.entries]) == ([], ["Nguyễn Văn An"])


def test_a_formula_without_a_result_in_a_column_of_numbers_makes_no_row_either() -> None:
    found = read(xlsx([HEAD, AN, ["=ROW()"], ["=ROW()"]]))
    assert (found.problems, [entry.name for entry in found.entries]) == ([], ["Nguyễn Văn An"])


# --- accents as letters of their own --------------------------------------------------------------------------------

LETTER: Rows = [
    ["SỞ NỘI VỤ"],
    ["Số: 77/SNV-VP ngày 05/11/2026"],
    ["Căn cứ: 15/QĐ-SNV"],
    ["DANH SÁCH CẤP MỚI HỘP THƯ"],
    ["STT", "Họ và tên", "Chức vụ"],
    [1, "Nguyễn Văn Hùng", "Chuyên viên"],
    ["Tổng cộng: 1 người"],
]


def decomposed(rows: Rows) -> Rows:
    return [[unicodedata.normalize("NFD", cell) if isinstance(cell, str) else cell for cell in row] for row in rows]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_decomposed_letters_are_read_as_composed_ones(kind: str) -> None:
    content = csv(decomposed(LETTER)) if kind == "csv" else xlsx(decomposed(LETTER))
    found = read(content, f"ds.{kind}")
    assert (found.problems, found.notes) == ([], [])
    assert [entry.name for entry in found.entries] == ["Nguyễn Văn Hùng"]
    directory = Directory(loading.load(Path(__file__).parents[3] / "mailboxes"))
    stated = document.read(found.preface, directory, found.head)
    assert (stated.document, stated.dated, stated.ground) == ("77/SNV-VP", date(2026, 11, 5), "15/QĐ-SNV")


# --- damaged CSV ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ['STT,"Tên" x\n1,An\n', 'STT,"Tên\n1,An\n', "STT,Tên\n1," + "a" * 200_000 + "\n"])
def test_a_damaged_csv_file_is_refused_in_vietnamese_alone(text: str) -> None:
    with pytest.raises(RefusedFile, match=r"tệp CSV hỏng ở hàng \d") as caught:
        reading.parse(text.encode(), "ds.csv")
    assert not re.search(r"\b(expected|after|unexpected|field|limit)\b", str(caught.value))


# --- sheets beside the list -----------------------------------------------------------------------------------------


def beside(title: str, rows: Rows, state: str = "visible") -> bytes:
    def add(book: openpyxl.Workbook) -> None:
        sheet = book.create_sheet(title)
        fill(sheet, rows)
        sheet.sheet_state = state

    return xlsx([HEAD, AN], more=add)


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_dieu_11_4_a_hidden_list_is_reported_and_other_hidden_sheets_are_told(state: str) -> None:
    found = read(beside("Bổ sung", [HEAD, [1, "Trần Thị Bình", "Thu hồi"]], state))
    assert [entry.name for entry in found.entries] == ["Nguyễn Văn An"]
    assert [(problem.file, "đang ẩn" in problem.text) for problem in found.problems] == [("ds.xlsx [Bổ sung]", True)]
    found = read(beside("Kho", [["§¬n vÞ", 1]], state))
    assert (found.problems, found.notes) == ([], ["ds.xlsx [Kho]: bỏ qua trang tính đang ẩn"])
    found = read(beside("Danh mục", [["Sở Nội vụ"]], state))
    assert (found.problems, found.notes) == ([], [])


PICKERS: Rows = [["Phòng", "Chức vụ", "Nội dung đề nghị"], ["Văn phòng", "Chuyên viên", "Cấp mới"]]


def test_a_hidden_sheet_of_what_pickers_choose_from_is_no_list() -> None:
    found = read(beside("DM", PICKERS, "hidden"))
    assert (found.problems, found.notes) == ([], ["ds.xlsx [DM]: bỏ qua trang tính đang ẩn"])


@pytest.mark.parametrize("column", ["STT", "Họ và tên", "Họ đệm", "Hộp thư hiện có"])
def test_dieu_11_4_a_hidden_sheet_that_says_whose_mailboxes_it_means_is_a_list(column: str) -> None:
    (problem,) = read(beside("DM", [[column, *PICKERS[0]], ["1", *PICKERS[1]]], "hidden")).problems
    assert "đang ẩn mà có danh sách" in problem.text


def test_dieu_11_4_a_sheet_of_people_is_not_passed_over_for_its_title() -> None:
    rows: Rows = [[1, "Trần Thị Bình", "Cấp mới"]]
    (problem,) = read(beside("Danh mục bổ sung", rows)).problems
    assert problem.file == "ds.xlsx [Danh mục bổ sung]"
    found = read(beside("Hướng dẫn ghi", [["Điền đủ họ tên"]]))
    assert (found.problems, found.notes) == ([], ["ds.xlsx [Hướng dẫn ghi]: bỏ qua trang tính không có danh sách"])


# --- whose mailbox --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("heading", ["Họ và tên cán bộ phụ trách", "Họ và tên đầu mối", "Tên người quản lý hộp thư"])
def test_dieu_6_2_a_list_of_offices_with_who_answers_for_them_is_asked_about(heading: str) -> None:
    found = read(
        xlsx([["STT", "Đơn vị", heading, "Đề nghị"], [1, "Phòng Cải cách hành chính", "Trần Thị Mai", "Cấp mới"]])
    )
    assert [problem.line for problem in found.problems] == [1]
    assert "của đơn vị hay của người phụ trách" in found.problems[0].text


def test_a_list_that_says_whose_mailboxes_it_means_may_name_who_answers_for_them() -> None:
    rows: Rows = [
        ["STT", "Họ và tên", "Đơn vị", "Người phụ trách phòng", "Đề nghị"],
        [1, "Nguyễn Văn An", "Phòng Cải cách hành chính", None, "Cấp mới"],
    ]
    assert read(xlsx(rows)).problems == []
    kinds: Rows = [
        ["STT", "Loại hộp thư", "Đơn vị", "Họ và tên phụ trách", "Đề nghị"],
        [1, "Cá nhân", "Phòng Thuế", "Lê An", "Cấp mới"],
    ]
    assert [entry.name for entry in read(xlsx(kinds)).entries] == ["Lê An"]


@pytest.mark.parametrize(
    ("heading", "value"), [("Chức vụ", "Kế toán"), ("Ngày sinh", "05/05/1980"), ("Hộp thư hiện có", "lean")]
)
def test_dieu_6_2_a_person_to_contact_who_has_more_than_a_name_is_whom_the_list_means(heading: str, value: str) -> None:
    rows: Rows = [
        ["STT", "Họ và tên người liên hệ", "Phòng ban", heading, "Đề nghị"],
        [1, "Lê Văn An", "Phòng Thuế", value, "Cấp mới"],
    ]
    found = read(xlsx(rows))
    assert (found.problems, [entry.name for entry in found.entries]) == ([], ["Lê Văn An"])
    alone = read(xlsx([[cell for at, cell in enumerate(row) if at != 3] for row in rows]))
    assert "của đơn vị hay của người phụ trách" in alone.problems[0].text
