"""Lists in the shapes that agencies send: which rows are entries, what each means, and how bad rows are reported."""

from datetime import date
from typing import Any

import openpyxl
import pytest
from tests.data.spreadsheets import Rows, csv, fill, tcvn3, vni, xlsx
from tests.unit.registry_world import RULE_BOOK

from hanam_mail.importing import encoding, headings, lists, reading
from hanam_mail.importing.actions import Action, of_text, of_title
from hanam_mail.importing.rows import ListEntry
from hanam_mail.importing.values import Birth

pytestmark = pytest.mark.dieu11

TODAY = date(2026, 11, 25)
RULES = RULE_BOOK.naming
HEAD = ["STT", "Họ và tên", "Chức vụ", "Ngày sinh", "Quê quán", "Nội dung đề nghị", "Ghi chú"]
AN = [1, "Nguyễn Văn An", "Chuyên viên", date(1980, 5, 1), "xã Tiên Sơn, thị xã Duy Tiên", "Cấp mới", None]
BINH = [2, "Trần Thị Bình", "Văn thư", "01-02-85", "TP. Nam Định", "cấp mới", None]
OFFICE_TELEPHONES = (
    "Điện thoại cơ quan", "Số điện thoại cơ quan", "Điện thoại công vụ", "Số điện thoại làm việc", "Điện thoại cố định",
    "Số điện thoại của cơ quan", "Điện thoại nơi làm việc", "Điện thoại cố định cơ quan", "SĐT cơ quan", "ĐT làm việc",
    "Số ĐT cơ quan", "ĐT. cơ quan", "Đ/T cơ quan", "ĐT CQ", "ĐTCQ", "SĐTCQ", "Số ĐTCQ", "ĐTCĐ", "Điện thoại (cơ quan)",
    "Điện thoại cơ quan (đủ số 0 ở đầu)",
)  # fmt: skip
OTHER_TELEPHONES = (
    "Điện thoại", "Số điện thoại", "SĐT", "ĐT", "Số ĐT", "Đ/T", "Điện thoại (nếu có)", "Điện thoại liên hệ",
    "Điện thoại di động", "Di động", "ĐTDĐ", "SĐT di động", "Số điện thoại cá nhân", "ĐTCN", "Điện thoại riêng",
    "Điện thoại nhà riêng", "ĐTNR", "Zalo", "Số Zalo", "SĐT (Zalo)", "Điện thoại di động công vụ",
    "Điện thoại cơ quan, di động", "Điện thoại cơ quan (hoặc di động)", "Điện thoại cố định (nhà riêng)",
    "Điện thoại cố định nhà riêng", "SĐT cơ quan (có Zalo)",
)  # fmt: skip


def read(content: bytes, name: str = "ds.xlsx", ask: Action | None = None) -> lists.ListContents:
    sheets, _ = encoding.convert(reading.parse(content, name))
    return lists.read(sheets, TODAY, RULES, ask)


def entries(content: bytes, name: str = "ds.xlsx", ask: Action | None = None) -> list[ListEntry]:
    found = read(content, name, ask)
    assert found.problems == []
    return found.entries


def shown(found: list[ListEntry]) -> list[tuple[int, str, str]]:
    return [(entry.place.row, entry.ask.value, entry.name) for entry in found]


# --- shapes ---------------------------------------------------------------------------------------------------------


def test_dieu_11_4_shape_letterhead_titles_totals_and_signatures_around_the_list() -> None:
    rows: Rows = [
        ["UBND TỈNH HÀ NAM", None, None, None, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"],
        ["SỞ NỘI VỤ", None, None, None, "Độc lập - Tự do - Hạnh phúc"],
        [],
        ["DANH SÁCH ĐỀ NGHỊ CẤP MỚI HỘP THƯ ĐIỆN TỬ"],
        ["(Kèm theo Công văn số 12/SNV-VP ngày 23/6/2026 của Sở Nội vụ)"],
        [],
        HEAD,
        AN,
        BINH,
        ["Tổng số: 02 người"],
        [],
        [None, None, None, None, "Hà Nam, ngày 23 tháng 6 năm 2026"],
        [None, "NGƯỜI LẬP BIỂU", None, None, "GIÁM ĐỐC"],
        [None, "(Ký, ghi rõ họ tên)", None, None, "(Ký, đóng dấu)"],
        [None, "Lê Văn Cường", None, None, "Phạm Thị Dung"],
    ]
    found = read(xlsx(rows, merged=["A4:G4", "A5:G5", "A10:G10"]))
    assert (found.problems, found.notes) == ([], [])
    assert shown(found.entries) == [(8, "issue", "Nguyễn Văn An"), (9, "issue", "Trần Thị Bình")]
    assert found.entries[0].birth == Birth(1980, date(1980, 5, 1))
    assert found.entries[0].home == "xã Tiên Sơn"
    assert found.entries[1].birth == Birth(1985, date(1985, 2, 1))


def test_dieu_11_4_shape_two_rows_of_headings_with_merged_cells_and_ticked_boxes() -> None:
    rows: Rows = [
        ["TT", "Họ và tên", None, "Năm sinh", None, "Nội dung đề nghị", None, None],
        [None, "Họ đệm", "Tên", "Nam", "Nữ", "Cấp mới", "Thay đổi", "Thu hồi"],
        ["(1)", "(2)", "(3)", "(4)", "(5)", "(6)", "(7)", "(8)"],
        [1, "Nguyễn Văn", "An", 1980, None, "x", None, None],
        [2, "Trần Thị", "Bình", None, "1985", None, None, "X"],
    ]
    found = entries(xlsx(rows, merged=["A1:A2", "B1:C1", "D1:E1", "F1:H1"]))
    assert shown(found) == [(4, "issue", "Nguyễn Văn An"), (5, "revoke", "Trần Thị Bình")]
    assert [entry.birth for entry in found] == [Birth(1980, None), Birth(1985, None)]


def test_dieu_11_4_shape_csv_with_two_rows_of_headings() -> None:
    rows: Rows = [
        ["STT", "Họ và tên", "", "Quê quán", "", "Đề nghị"],
        ["", "Họ đệm", "Tên", "Xã", "Huyện", ""],
        [1, "Nguyễn Văn", "An", "xã Tiên Sơn", "Duy Tiên", "cấp mới"],
    ]
    (entry,) = entries(csv(rows, delimiter=";"), "ds.csv")
    assert (entry.name, entry.home, entry.ask) == ("Nguyễn Văn An", "xã Tiên Sơn", Action.ISSUE)


def test_dieu_11_4_shape_sections_say_what_their_rows_ask_for() -> None:
    rows: Rows = [
        ["STT", "Họ tên", "Phòng ban", "Hộp thư hiện có"],
        ["I", "CẤP MỚI"],
        [1, "Nguyễn Văn An", "Văn phòng", None],
        ["II", "THU HỒI (nghỉ hưu)"],
        [1, "Trần Thị Bình", "Thanh tra", "tranthibinh@hanam.gov.vn"],
    ]
    found = entries(xlsx(rows, merged=["B2:D2", "B4:D4"]))
    assert shown(found) == [(3, "issue", "Nguyễn Văn An"), (5, "revoke", "Trần Thị Bình")]
    assert found[1].mailbox == "tranthibinh@hanam.gov.vn"


def test_dieu_11_4_shape_groups_by_office_with_a_merged_column() -> None:
    rows: Rows = [
        ["STT", "Họ và tên", "Đơn vị", "Yêu cầu"],
        ["A", "Phòng Hành chính"],
        [1, "Nguyễn Văn An", "Phòng Hành chính", "Cấp mới"],
        [2, "Trần Thị Bình", None, "Cấp mới"],
    ]
    found = entries(xlsx(rows, merged=["C3:C4"]))
    assert shown(found) == [(3, "issue", "Nguyễn Văn An"), (4, "issue", "Trần Thị Bình")]
    assert [entry.agency for entry in found] == ["Phòng Hành chính"] * 2


def test_dieu_11_4_shape_a_list_of_offices() -> None:
    rows: Rows = [
        ["STT", "Tên phòng, ban, đơn vị", "Loại yêu cầu", "Dung lượng"],
        [1, "Phòng Tư pháp", "Cấp mới", None],
        [2, "PHÒNG TÀI CHÍNH - KẾ HOẠCH", "Thay đổi", "20 GB"],
    ]
    found = entries(xlsx(rows))
    assert [(entry.kind, entry.name, entry.ask) for entry in found] == [
        ("office", "Phòng Tư pháp", Action.ISSUE),
        ("office", "Phòng Tài chính - Kế hoạch", Action.QUOTA),
    ]
    assert found[1].quota_bytes == 20 * 1024**3


def test_dieu_11_4_shape_people_and_offices_in_one_list() -> None:
    rows: Rows = [
        ["STT", "Họ và tên/Tên phòng", "Chức vụ", "Đề nghị"],
        [1, "Phòng Một cửa", None, "Cấp mới"],
        [2, "Ban Văn Quang", "Trưởng phòng", "Cấp mới"],
        [3, "Nguyễn Văn An", None, "Cấp mới"],
    ]
    assert [entry.kind for entry in entries(xlsx(rows))] == ["office", "person", "person"]


def test_dieu_11_4_shape_changes_of_every_kind() -> None:
    rows: Rows = [
        ["STT", "Họ và tên", "Hộp thư hiện có", "Nội dung đề nghị", "Họ và tên mới", "Cơ quan mới", "Dung lượng"],
        [1, "Nguyễn Văn An", "nguyenvanan", "Đổi tên", "Nguyễn Văn Ân", None, None],
        [2, "Trần Thị Bình", "tranthibinh", "Chuyển công tác", None, "Sở Tài chính", None],
        [3, "Lê Văn Cường", "levancuong", "Tăng dung lượng", None, None, "4 GB"],
        [4, "Lê Văn Dũng", None, "Tăng dung lượng lên 6GB", None, None, None],
        [5, "Lê Văn Giang", None, "Thay đổi", None, None, 8],
    ]
    found = entries(xlsx(rows))
    assert [entry.ask.value for entry in found] == ["rename", "transfer", "quota", "quota", "quota"]
    assert found[0].new_name == "Nguyễn Văn Ân"
    assert found[1].target == "Sở Tài chính"
    assert [entry.quota_bytes for entry in found[2:]] == [4 * 1024**3, 6 * 1024**3, 8 * 1024**3]


@pytest.mark.parametrize("font", [tcvn3, vni])
def test_dieu_3_4_shape_legacy_fonts_are_recognised_and_shown(font: Any) -> None:
    rows = [[font(cell) if isinstance(cell, str) else cell for cell in row] for row in (HEAD, AN, BINH)]
    sheets, converted = encoding.convert(reading.parse(xlsx(rows), "ds.xlsx"))
    assert shown(lists.read(sheets, TODAY, RULES).entries) == [
        (2, "issue", "Nguyễn Văn An"),
        (3, "issue", "Trần Thị Bình"),
    ]
    problem = converted[0].problem()
    assert f"“{font('Họ và tên')}” → “Họ và tên”" in problem.text
    assert "--convert-legacy" in problem.text
    assert problem.clause == "Đ3.4"


@pytest.mark.parametrize("encoding_name", ["tcvn3", "vni"])
def test_dieu_3_4_shape_legacy_octets_in_csv(encoding_name: str) -> None:
    found = entries(csv([HEAD, AN, BINH], encoding=encoding_name), "ds.csv")
    assert shown(found) == [(2, "issue", "Nguyễn Văn An"), (3, "issue", "Trần Thị Bình")]


def test_dieu_11_4_shape_several_sheets_named_after_what_they_ask() -> None:
    def add(book: openpyxl.Workbook) -> None:
        fill(book.create_sheet("Thu hồi"), [["TT", "Họ tên", "Email công vụ"], [1, "Lê Văn Cường", "levancuong"]])
        fill(book.create_sheet("Hướng dẫn"), [["Điền đủ họ tên"]])

    found = entries(xlsx([["TT", "Họ tên", "Chức danh"], [1, "Nguyễn Văn An", "Kế toán"]], title="Cấp mới", more=add))
    assert shown(found) == [(2, "issue", "Nguyễn Văn An"), (2, "revoke", "Lê Văn Cường")]
    assert found[1].place.sheet.title == "Thu hồi"


def test_dieu_11_4_shape_headings_repeated_on_every_printed_page() -> None:
    assert shown(entries(xlsx([HEAD, AN, HEAD, BINH]))) == [
        (2, "issue", "Nguyễn Văn An"),
        (4, "issue", "Trần Thị Bình"),
    ]


def test_dieu_11_4_shape_a_second_table_with_columns_of_its_own() -> None:
    rows: Rows = [
        ["I. DANH SÁCH CẤP MỚI"],
        ["STT", "Họ và tên", "Chức vụ"],
        [1, "Nguyễn Văn An", "Kế toán"],
        ["Tổng cộng: 1"],
        ["II. DANH SÁCH THU HỒI"],
        ["STT", "Hộp thư", "Họ và tên"],
        [1, "levancuong@hanam.gov.vn", "Lê Văn Cường"],
    ]
    found = entries(xlsx(rows))
    assert shown(found) == [(3, "issue", "Nguyễn Văn An"), (7, "revoke", "Lê Văn Cường")]
    assert found[1].mailbox == "levancuong@hanam.gov.vn"


def test_dieu_11_4_shape_numbers_as_text_prefilled_rows_and_columns_nobody_needs() -> None:
    rows: Rows = [
        ["STT", "HỌ VÀ TÊN", "SỐ DI ĐỘNG", "CCCD", "EMAIL CÁ NHÂN", "Nội dung", "Cấp bậc hàm"],
        ["1", "NGUYỄN VĂN AN", "0912345678", "035080001234", "an@gmail.com", "Cấp mới", "Đại úy"],
        ["2."],
        ["3", None, None, None, None, None],
    ]
    found = read(xlsx(rows))
    assert found.problems == []
    assert shown(found.entries) == [(2, "issue", "Nguyễn Văn An")]
    unused = ("SỐ DI ĐỘNG” (cột C", "CCCD” (cột D", "EMAIL CÁ NHÂN” (cột E", "Cấp bậc hàm” (cột G")
    assert found.notes == [f"ds.xlsx [Sheet1]: không dùng cột “{column})" for column in unused]
    assert "0912345678" not in repr(found.entries)


def test_the_templates_example_rows_are_no_entries() -> None:
    assert shown(entries(xlsx([HEAD, ["Ví dụ", *BINH[1:]], AN]))) == [(3, "issue", "Nguyễn Văn An")]


def test_a_title_or_the_operator_says_what_rows_ask_for_that_do_not() -> None:
    rows: Rows = [["STT", "Họ và tên", "Chức vụ"], [1, "Nguyễn Văn An", "Kế toán"]]
    assert entries(xlsx([["Danh sách thu hồi hộp thư"], *rows]))[0].ask is Action.REVOKE
    assert entries(xlsx(rows), ask=Action.ISSUE)[0].ask is Action.ISSUE
    assert "không rõ đề nghị việc gì" in read(xlsx(rows)).problems[0].text


# --- bad rows -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "column", "reason", "clause"),
    [
        ({"Họ và tên": None}, "Họ và tên (cột B)", "thiếu tên", "Đ5"),
        ({"Họ và tên": "An"}, "Họ và tên (cột B)", "chỉ có một chữ", ""),
        ({"Họ và tên": "Nguyễn Văn An 2"}, "Họ và tên (cột B)", "chữ số", ""),
        ({"Họ và tên": "Ông Nguyễn Văn An"}, "Họ và tên (cột B)", "bỏ “Ông”", ""),
        ({"Họ và tên": "Đ/c Trần Văn An"}, "Họ và tên (cột B)", "bỏ “Đ/c”", ""),
        ({"Họ và tên": "Nguyễn Văn An; Trần Thị Bình"}, "Họ và tên (cột B)", "ký tự lạ", ""),
        ({"Họ và tên": "Nguyễn Văn An (Trưởng phòng)"}, "Họ và tên (cột B)", "ký tự lạ", ""),
        ({"Họ và tên": "Nguyễn Văn An và Trần Thị Bình"}, "Họ và tên (cột B)", "không phải một họ tên", ""),
        ({"Họ và tên": '=B1&"x"'}, "Họ và tên (cột B)", "công thức chưa có kết quả", ""),
        ({"Ngày sinh": "05/13/1980"}, "Ngày sinh (cột D)", "viết ngày trước", ""),
        ({"Ngày sinh": "31/02/1980"}, "Ngày sinh (cột D)", "không có ngày", ""),
        ({"Ngày sinh": "khoảng 1980"}, "Ngày sinh (cột D)", "không phải ngày", ""),
        ({"Ngày sinh": date(2020, 1, 1)}, "Ngày sinh (cột D)", "không hợp lý", ""),
        ({"Nội dung đề nghị": "như trên"}, "Nội dung đề nghị (cột F)", "không hiểu", "Đ6.2a"),
        ({"Nội dung đề nghị": "Cấp mới và thu hồi"}, "Nội dung đề nghị (cột F)", "nhiều việc", "Đ6.2a"),
        ({"Nội dung đề nghị": "Thay đổi"}, "Nội dung đề nghị (cột F)", "không rõ thay đổi gì", "Đ6.2a"),
        ({"Nội dung đề nghị": "Khôi phục"}, "Nội dung đề nghị (cột F)", "hanam-mail restore", "Đ6.2a"),
        ({"Nội dung đề nghị": "Cấp lại mật khẩu"}, "Nội dung đề nghị (cột F)", "kiểm tra danh tính", "Đ6.2a"),
        ({"Nội dung đề nghị": "Tạm khóa"}, "Nội dung đề nghị (cột F)", "hanam-mail lock", "Đ6.2a"),
    ],
)
def test_dieu_11_4_a_bad_row_is_reported_with_number_column_and_reason(
    cells: dict[str, Any], column: str, reason: str, clause: str
) -> None:
    row = [cells.get(heading, value) for heading, value in zip(HEAD, AN, strict=True)]
    found = read(xlsx([["DANH SÁCH"], HEAD, row, BINH]))
    (problem,) = found.problems
    assert (problem.line, problem.field, problem.clause) == (3, column, clause)
    assert reason in problem.text
    assert "1980" not in problem.text.replace("05/01/1980", "")
    assert problem.file == "ds.xlsx [Sheet1]"
    assert shown(found.entries) == [(4, "issue", "Trần Thị Bình")]


def test_dieu_11_4_every_bad_row_is_reported_at_once() -> None:
    rows: Rows = [
        HEAD,
        [1, None, "x", "32/1/1980", None, "gì đó", None],
        AN,
        [3, "Lê 9", None, None, None, "Cấp mới", None],
    ]
    found = read(xlsx(rows, hidden=[3]))
    assert sorted({problem.line for problem in found.problems}) == [2, 3, 4]
    assert any("dòng đang ẩn" in problem.text for problem in found.problems)


def test_a_hidden_column_that_decides_something_is_reported() -> None:
    def hide(book: openpyxl.Workbook) -> None:
        for letter in "CF":
            book.active.column_dimensions[letter].hidden = True

    (problem,) = read(xlsx([HEAD, AN], more=hide)).problems
    assert (problem.line, problem.field) == (1, "Nội dung đề nghị (cột F)")
    assert "cột đang ẩn" in problem.text


@pytest.mark.parametrize(
    ("heading", "meant"),
    [
        *((heading, headings.Column.PHONE) for heading in OFFICE_TELEPHONES),
        *((heading, headings.Column.UNUSED) for heading in OTHER_TELEPHONES),
    ],
)
def test_of_telephones_those_of_the_office_are_read(heading: str, meant: headings.Column) -> None:
    """Under a heading that only says "Điện thoại" offices mostly write people's own mobile numbers."""
    assert headings.meaning(heading) is meant
    assert headings.meaning(heading.upper()) is meant


def test_a_heading_of_two_rows_says_whose_the_telephones_are() -> None:
    above = [*HEAD, "Điện thoại", None]
    below = [*[None] * len(HEAD), "Cơ quan", "Di động"]
    found = read(xlsx([above, below, [*AN, "0226 3850 123", "0912 345 678"]], merged=["H1:I1"]))
    assert [entry.phone for entry in found.entries] == ["0226 3850 123"]
    assert found.notes == ["ds.xlsx [Sheet1]: không dùng cột “Điện thoại - Di động” (cột I)"]


def test_a_hidden_column_of_telephones_is_reported_as_they_would_go_out_with_every_message() -> None:
    def hide(book: openpyxl.Workbook) -> None:
        book.active.column_dimensions["H"].hidden = True

    (problem,) = read(xlsx([[*HEAD, "Điện thoại cơ quan"], [*AN, "0226 3850 123"]], more=hide)).problems
    assert (problem.line, problem.field) == (1, "Điện thoại cơ quan (cột H)")


def test_a_row_below_the_signatures_is_reported_not_dropped() -> None:
    (problem,) = read(xlsx([HEAD, AN, ["Tổng số: 1"], BINH])).problems
    assert (problem.line, problem.field) == (4, "")
    assert "sau dòng tổng" in problem.text


def test_a_row_below_the_signatures_of_a_list_without_numbers_is_reported_too() -> None:
    rows: Rows = [["Họ và tên", "Chức vụ", "Đề nghị"], ["Lê Văn An", "Kế toán", "Cấp mới"], ["Tổng cộng: 1"]]
    (problem,) = read(xlsx([*rows, ["Trần Thị Bình", "Văn thư", "Cấp mới"]])).problems
    assert problem.line == 4
    assert read(xlsx([*rows, ["NGƯỜI LẬP", None, "GIÁM ĐỐC"], ["Trần A", None, "Lê B"]])).problems == []


@pytest.mark.parametrize("name", ["Tống Văn An", "Lưu Ý Nhi", "Cống Thị Hà", "Chu Quang Huy", "Công Văn Tổng"])
def test_a_name_that_begins_like_a_total_is_a_name(name: str) -> None:
    assert shown(entries(xlsx([["Họ và tên", "Chức vụ", "Đề nghị"], [name, "Giám đốc", "Cấp mới"]]))) == [
        (2, "issue", name)
    ]


@pytest.mark.parametrize(
    "line",
    [
        "Căn cứ Quyết định về việc thu hồi đất",
        "Người liên hệ: Trần Quang Huy",
        "Ban Chỉ huy quân sự",
        "Danh sách đề nghị cấp mới, thu hồi hộp thư",
    ],
)
def test_a_line_that_does_not_say_what_the_list_asks_for_is_no_title(line: str) -> None:
    assert of_title(line) is None
    rows: Rows = [[line], ["STT", "Họ và tên", "Chức vụ"], [1, "Nguyễn Văn An", "Kế toán"]]
    assert "không rõ đề nghị việc gì" in read(xlsx(rows)).problems[0].text


def test_two_titles_that_ask_for_different_things_say_nothing() -> None:
    rows: Rows = [["Danh sách cấp mới hộp thư"], ["Danh sách thu hồi hộp thư"], ["STT", "Họ tên", "Chức vụ"], AN[:3]]
    assert "không rõ đề nghị việc gì" in read(xlsx(rows)).problems[0].text


def test_a_lettered_row_with_a_name_is_asked_about() -> None:
    rows: Rows = [["STT", "Họ và tên", "Đề nghị"], ["A", "Nguyễn Văn An"], [1, "Trần Thị Bình", "Cấp mới"]]
    assert "không rõ là tên nhóm" in " ".join(problem.text for problem in read(xlsx(rows)).problems)


def test_a_total_that_does_not_fit_is_remarked() -> None:
    assert read(xlsx([HEAD, AN, ["Tổng số: 05 người"]])).notes == [
        "ds.xlsx [Sheet1]:3: dòng tổng ghi 5, danh sách có 1 dòng"
    ]


def test_an_office_name_without_a_number_may_be_a_group_and_is_asked_about() -> None:
    rows: Rows = [["STT", "Họ và tên", "Đề nghị"], [None, "Phòng Tư pháp"], [1, "Nguyễn Văn An", "Cấp mới"]]
    assert "không rõ là tên nhóm" in " ".join(problem.text for problem in read(xlsx(rows)).problems)


def test_a_sheet_without_a_list_is_refused_rather_than_passed_over() -> None:
    def add(book: openpyxl.Workbook) -> None:
        fill(book.create_sheet("Khác"), [["Nguyễn Văn An", "cấp mới"]])

    (problem,) = read(xlsx([HEAD, AN], more=add)).problems
    assert problem.file == "ds.xlsx [Khác]"
    (problem,) = read(xlsx([["Nguyễn Văn An", "cấp mới"]])).problems
    assert "không thấy dòng tiêu đề" in problem.text
    assert problem.clause == "Đ11.4"


def test_a_list_without_rows_is_refused() -> None:
    (problem,) = read(xlsx([HEAD, ["Tổng số: 0"]])).problems
    assert "không có dòng nào" in problem.text


def test_personal_data_does_not_show_in_entries() -> None:
    (entry,) = entries(xlsx([HEAD, AN]))
    assert entry.details == ("xã Tiên Sơn", "01/05/1980")
    assert "1980" not in repr(entry)
    assert "Tiên Sơn" not in repr(entry)


@pytest.mark.parametrize(
    ("text", "ask"),
    [
        ("Cấp mới", Action.ISSUE),
        ("Đề nghị cấp hộp thư mới", Action.ISSUE),
        ("Tạo mới tài khoản", Action.ISSUE),
        ("Thu hồi do nghỉ hưu", Action.REVOKE),
        ("nghỉ việc từ 01/7", Action.REVOKE),
        ("Hủy hộp thư", Action.REVOKE),
        ("Chuyển công tác, đề nghị thu hồi", Action.REVOKE),
        ("Nâng dung lượng", Action.QUOTA),
        ("Cấp thêm dung lượng", Action.QUOTA),
        ("Sửa họ tên", Action.RENAME),
        ("Điều động đến Sở Tài chính", Action.TRANSFER),
        ("Thay đổi thông tin", Action.CHANGE),
    ],
)
def test_dieu_6_1_the_words_of_officials_for_what_they_ask(text: str, ask: Action) -> None:
    assert of_text(text) is ask
