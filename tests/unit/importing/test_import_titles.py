"""What titles and sections ask for, and where a list ends: nobody is revoked by a title that does not say so, and no
row is dropped because something above it looks like a signature (Đ6.2c, Đ11.4).
"""

from datetime import date

import pytest
from tests.data.spreadsheets import Rows, csv, xlsx
from tests.unit.registry_world import RULE_BOOK

from hanam_mail.importing import encoding, lists, reading
from hanam_mail.importing.actions import Action, of_title

pytestmark = [pytest.mark.dieu6, pytest.mark.dieu11]

TODAY = date(2026, 11, 25)
HEAD = ["STT", "Họ và tên", "Hộp thư hiện có", "Chức vụ"]
BINH = [1, "Trần Văn Bình", "tranvanbinh", None]
CUC = [1, "Lê Thị Cúc", "lethicuc", None]


def read(
    rows: Rows, ask: Action | None = None, *, merged: tuple[str, ...] = (), title: str = "Sheet1"
) -> lists.ListContents:
    sheets, _ = encoding.convert(reading.parse(xlsx(rows, merged=list(merged), title=title), "ds.xlsx"))
    return lists.read(sheets, TODAY, RULE_BOOK.naming, ask)


def asks(found: lists.ListContents) -> list[tuple[str, str]]:
    return [(entry.name, entry.ask.value) for entry in found.entries]


def lines(found: lists.ListContents) -> set[int]:
    return {problem.line for problem in found.problems}


# --- sections -------------------------------------------------------------------------------------------------------

KEEPING = (
    "II. Danh sách tiếp tục sử dụng hộp thư",
    "II. Các hộp thư giữ lại, không thu hồi",
    "II. Chưa thu hồi",
    "II. Hộp thư ngoài diện thu hồi",
    "II. Danh sách không đề nghị thu hồi hộp thư",
    "II. Không thuộc diện thu hồi",
    "II. Tạm dừng thu hồi",
    "II. Danh sách còn lại",
    "II. Cán bộ đang công tác",
    "II. Nhóm giữ nguyên",
    "II. Trường hợp khác",
    "II. Chưa nghỉ hưu",
    "II. Nghỉ việc riêng không lương",
    "II. Nghỉ chế độ thai sản",
    "II. Chuyển công tác",
    "II. Cán bộ chuyển công tác",
    "II. Công chức mới tuyển dụng",
    "II. Đoàn công tác",
    "II. Phòng Nội vụ (tiếp tục sử dụng)",
    "II. CÁC HỘP THƯ ĐÃ THU HỒI",
)


@pytest.mark.parametrize("section", KEEPING)
@pytest.mark.parametrize("ask", [None, Action.REVOKE])
def test_dieu_6_2c_a_section_that_does_not_ask_for_it_inherits_no_revocation(section: str, ask: Action | None) -> None:
    first = "I. Danh sách đề nghị thu hồi hộp thư" if ask is None else "I. Phòng Tổ chức"
    found = read([HEAD, [first], BINH, [section], CUC], ask, merged=("A2:D2", "A4:D4"))
    assert asks(found) == [("Trần Văn Bình", "revoke")]
    assert lines(found) == {4, 5}
    (problem,) = (problem for problem in found.problems if problem.line == 4)
    assert f"mục “{section}” không nói rõ" in problem.text


@pytest.mark.parametrize("section", KEEPING)
def test_dieu_6_2c_a_section_of_csv_inherits_no_revocation(section: str) -> None:
    rows: Rows = [HEAD, ["I. Danh sách đề nghị thu hồi hộp thư"], BINH, [section], CUC]
    (sheet,) = reading.parse(csv(rows), "ds.csv")
    found = lists.read([sheet], TODAY, RULE_BOOK.naming)
    assert asks(found) == [("Trần Văn Bình", "revoke")]
    assert found.problems


@pytest.mark.parametrize(
    "section",
    ["II. Phòng Nội vụ", "II. Thanh tra", "B. UBND xã Tiên Sơn", "II. KHỐI VĂN PHÒNG", "II. Nghỉ hưu", "2. Lãnh đạo Sở",
     "I. Không còn công tác", "II. CÔNG CHỨC", "II. Cán bộ, công chức", "Viên chức", "Không sử dụng", "II. Hợp đồng",
     "II. Chuyển công tác ra ngoài tỉnh", "Đã thôi công tác", "Đoàn Thanh niên", "Tỉnh ủy", "Công đoàn",
     "II. Thu hồi do cán bộ không còn công tác", "II. Không còn sử dụng, đề nghị thu hồi hộp thư"],
)  # fmt: skip
def test_a_group_or_a_reason_goes_on_with_a_revocation(section: str) -> None:
    found = read([["DANH SÁCH THU HỒI HỘP THƯ"], HEAD, BINH, [section], CUC], merged=("A4:D4",))
    assert found.problems == []
    assert asks(found) == [("Trần Văn Bình", "revoke"), ("Lê Thị Cúc", "revoke")]


@pytest.mark.parametrize(
    ("section", "goes_on"),
    [
        ("II. Cán bộ hợp đồng", True),
        ("II. Công chức đang công tác", True),
        ("II. Đã có hộp thư", False),
        ("II. Tiếp tục sử dụng hộp thư cũ", False),
        ("II. Cán bộ nghỉ hưu", False),
        ("II. Không cấp mới", False),
    ],
)
def test_a_section_of_an_issue_goes_on_unless_it_speaks_of_others(section: str, goes_on: bool) -> None:
    found = read(
        [["DANH SÁCH CẤP MỚI HỘP THƯ"], HEAD, [1, "Nguyễn Văn An"], [section], [1, "Lê Thị Lan"]], merged=("A4:D4",)
    )
    assert len(found.entries) == (2 if goes_on else 1)
    assert bool(found.problems) is not goes_on


def test_dieu_6_2c_a_second_table_under_another_title_inherits_no_revocation() -> None:
    rows: Rows = [["Danh sách thu hồi hộp thư"], HEAD, BINH, ["Tổng cộng: 1"], ["Danh sách giữ lại"], HEAD, CUC]
    found = read(rows)
    assert asks(found) == [("Trần Văn Bình", "revoke")]
    assert lines(found) == {7}


# --- the lines above ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "Theo danh sách cán bộ sau khi thu hồi tài khoản dịch vụ công",
        "Thực hiện Công văn số 12 về việc thu hồi tài khoản dịch vụ công",
        "(Kèm theo Công văn số 12/SNV-VP về việc thu hồi hộp thư)",
        "DANH SÁCH HỘP THƯ GIỮ LẠI, KHÔNG THU HỒI",
        "DANH SÁCH HỘP THƯ ĐÃ THU HỒI",
    ],
)
def test_dieu_6_2c_lines_above_a_list_that_do_not_head_it_revoke_nobody(line: str) -> None:
    found = read([[line], HEAD, BINH])
    assert found.entries == []
    assert "không rõ đề nghị việc gì" in found.problems[0].text


@pytest.mark.parametrize(
    "line",
    [
        "Yêu cầu các phòng rà soát, thu hồi tài khoản dịch vụ công",
        "Cán bộ không nộp lại máy thì thu hồi tài khoản dịch vụ công",
    ],
)
def test_dieu_6_2c_a_line_that_does_not_head_the_list_is_told_once(line: str) -> None:
    found = read([[line], HEAD, BINH, CUC])
    assert found.entries == []
    told = [problem for problem in found.problems if f"“{line}” ở trên danh sách" in problem.text]
    assert [problem.line for problem in told] == [2]
    assert not [problem for problem in read([["DANH SÁCH"], HEAD, BINH]).problems if "ở trên" in problem.text]


@pytest.mark.parametrize(("number", "text"), [("I", "CÔNG CHỨC"), ("II", "Viên chức"), ("B", "Đoàn Thanh niên")])
def test_a_group_of_staff_beside_a_number_of_sections_is_a_section(number: str, text: str) -> None:
    found = read([["DANH SÁCH THU HỒI HỘP THƯ"], HEAD, BINH, [number, text], CUC])
    assert found.problems == []
    assert asks(found) == [("Trần Văn Bình", "revoke"), ("Lê Thị Cúc", "revoke")]


@pytest.mark.parametrize("title", ["DANH SÁCH HỘP THƯ GIỮ LẠI, KHÔNG THU HỒI", "Danh sách tiếp tục sử dụng hộp thư"])
def test_dieu_6_2c_a_title_that_keeps_outweighs_the_sheet_and_the_operator(title: str) -> None:
    assert read([[title], HEAD, BINH], Action.REVOKE).entries == []
    assert read([[title], HEAD, BINH], title="Thu hồi").entries == []
    assert read([HEAD, BINH], Action.REVOKE, title="Giữ lại").entries == []


@pytest.mark.parametrize(
    "title",
    [
        ["DANH SÁCH ĐỀ NGHỊ THU HỒI HỘP THƯ ĐIỆN TỬ CÔNG VỤ"],
        ["DANH SÁCH CÁN BỘ KHÔNG CÒN CÔNG TÁC, ĐỀ NGHỊ THU HỒI HỘP THƯ"],
        ["DANH SÁCH HỘP THƯ KHÔNG CÒN SỬ DỤNG ĐỀ NGHỊ THU HỒI"],
        ["Phụ lục II. Danh sách thu hồi hộp thư"],
        ["DANH SÁCH", "Cán bộ, công chức đề nghị thu hồi hộp thư"],
        ["DANH SÁCH CÁN BỘ, CÔNG CHỨC", "ĐỀ NGHỊ THU HỒI HỘP THƯ"],
        ["BIỂU TỔNG HỢP THU HỒI TÀI KHOẢN", "(Kèm theo Công văn số 12/SNV-VP)"],
        ["Thu hồi"],
        ["PHIẾU ĐỀ NGHỊ THU HỒI HỘP THƯ ĐIỆN TỬ"],
        ["CÁN BỘ CÔNG CHỨC ĐỀ NGHỊ THU HỒI HỘP THƯ"],
        ["CÁN BỘ, CÔNG CHỨC NGHỈ HƯU ĐỀ NGHỊ THU HỒI HỘP THƯ"],
        ["YÊU CẦU THU HỒI HỘP THƯ ĐIỆN TỬ"],
        ["THỐNG KÊ HỘP THƯ ĐỀ NGHỊ THU HỒI"],
        ["DANH MỤC HỘP THƯ ĐỀ NGHỊ THU HỒI"],
    ],
)
def test_a_title_that_asks_for_a_revocation_is_one(title: list[str]) -> None:
    assert asks(read([*([line] for line in title), HEAD, BINH])) == [("Trần Văn Bình", "revoke")]


@pytest.mark.parametrize(
    ("line", "ask"),
    [
        ("Danh sách cán bộ chưa được cấp hộp thư", Action.ISSUE),
        ("Danh sách cán bộ đã được cấp hộp thư", None),
        ("Danh sách không đề nghị cấp mới hộp thư", None),
        ("Danh sách không thay đổi hộp thư", None),
        ("Danh sách tiếp tục đề nghị cấp mới hộp thư", Action.ISSUE),
    ],
)
def test_dieu_6_1_a_title_that_denies_asks_for_nothing(line: str, ask: Action | None) -> None:
    assert of_title(line) is ask


# --- where a list ends ----------------------------------------------------------------------------------------------

LAM = ["Nguyễn Văn Lâm", "Cấp mới"]


def test_dieu_11_4_rows_below_a_total_are_reported_in_a_list_of_two_columns() -> None:
    rows: Rows = [
        ["Họ và tên", "Nội dung đề nghị"],
        LAM,
        ["Cộng: 1"],
        ["Trịnh Văn Phú", "Cấp mới"],
        ["Lý Văn Quý", "Cấp mới"],
    ]
    found = read(rows)
    assert [entry.name for entry in found.entries] == ["Nguyễn Văn Lâm"]
    assert lines(found) == {4, 5}


@pytest.mark.parametrize("number", [None, "II", "3a", "3"])
def test_dieu_11_4_rows_below_a_note_are_reported_whatever_their_number(number: str | None) -> None:
    rows: Rows = [
        ["STT", "Họ và tên", "Chức vụ", "Nội dung đề nghị"],
        [1, "Nguyễn Văn Lâm", "Chuyên viên", "Cấp mới"],
        [None, "Ghi chú: phòng mới"],
        [number, "Trịnh Văn Phú", "Chuyên viên", "Cấp mới"],
    ]
    assert lines(read(rows)) == {4}


@pytest.mark.parametrize("rest", [["TRỊNH VĂN PHÚ"], ["Trịnh Văn Phú", "Chuyên viên"], [None, "Chuyên viên"]])
def test_dieu_11_4_names_below_a_total_stay_entries_where_nobody_signs(rest: list[str | None]) -> None:
    rows: Rows = [
        ["STT", "Họ và tên", "Chức vụ", "Nội dung đề nghị"],
        [1, "Nguyễn Văn Lâm", "Chuyên viên", "Cấp mới"],
        ["Tổng số: 1"],
        [None, *rest],
        [None, "Lý Văn Quý"],
    ]
    assert 5 in lines(read(rows))


def test_dieu_11_4_an_office_below_the_total_of_a_list_of_offices_is_an_entry() -> None:
    rows: Rows = [
        ["STT", "Tên phòng, đơn vị", "Nội dung đề nghị"],
        [1, "Phòng Tổ chức", "Cấp mới"],
        ["Tổng số: 1"],
        [None, "Phòng Nội vụ"],
    ]
    assert lines(read(rows)) == {4}


@pytest.mark.parametrize("below", [["Trịnh Văn Phú", "Chuyên viên"], ["Trịnh Văn Phú", None]])
def test_dieu_11_4_a_post_whose_name_was_forgotten_is_no_signature(below: list[str | None]) -> None:
    rows: Rows = [
        ["DANH SÁCH CẤP MỚI HỘP THƯ"],
        ["Họ và tên", "Chức vụ"],
        ["Nguyễn Văn Lâm", "Kế toán"],
        [None, "Giám đốc"],
        below,
    ]
    found = read(rows)
    assert [entry.name for entry in found.entries] == ["Nguyễn Văn Lâm", "Trịnh Văn Phú"]
    assert [(problem.line, problem.text) for problem in found.problems] == [(4, "thiếu tên")]
    assert lines(read(rows[:4])) == {4}


def test_a_last_row_that_is_taken_for_a_signature_is_told() -> None:
    rows: Rows = [["DANH SÁCH CẤP MỚI"], ["Họ và tên", "Chức vụ"], ["Nguyễn Văn Lâm", "Kế toán"], [None, "GIÁM ĐỐC"]]
    assert read(rows).notes == ["ds.xlsx [Sheet1]: dòng 4 “GIÁM ĐỐC” được coi là phần ký, không phải một người"]


def test_dieu_11_4_a_mailbox_beside_a_post_is_an_entry_without_a_name() -> None:
    rows: Rows = [[*HEAD, "Đề nghị"], [*BINH[:1], "Trần Văn Bình", "tranvanbinh", None, "Thu hồi"],
                  [None, None, "lethicuc", "Giám đốc", "Thu hồi"]]  # fmt: skip
    assert [entry.mailbox for entry in read(rows).entries] == ["tranvanbinh", "lethicuc"]


@pytest.mark.parametrize(
    "ending",
    [
        [[None, None, "GIÁM ĐỐC"]],
        [[None, None, "Giám đốc"], [], [None, None, "Lê Văn Dũng"]],
        [[None, None, None, "Hà Nam, ngày 5 tháng 6 năm 2026"], [None, "Kế toán", "Giám đốc"],
         [None, "(Ký)", "(Ký, đóng dấu)"], [None, "Lê Văn Dũng", "Phạm Thị Hoa"]],
        [["Tổng số: 1"], [None, "KẾ TOÁN", "THỦ TRƯỞNG"], [None, "Lê Văn Dũng", "Phạm Thị Hoa"]],
        [[None, "Tổng cộng", "1"], [None, "Trong đó", "Cấp mới: 1"], [None, "Bằng chữ: một người"]],
        [[None, "Tổng cộng: 1"], [None, "Cá nhân", "1"], [None, None, "Hà Nam, ngày 5 tháng 6 năm 2026"],
         [None, "NGƯỜI LẬP", "GIÁM ĐỐC", "VĂN THƯ"], [None, "Lê Văn Dũng", "Phạm Thị Hoa", "Vũ Văn Mới"]],
        [["Tổng số: 1 người"], [None, "NGƯỜI KIỂM TRA"], [None, "Trần Văn Bình"]],
        [["Tổng số: 1 người"], [None, "Người kiểm tra"], [None, "Trần Văn Bình"]],
        [["Tổng số: 1 người"], [None, "Văn thư", "Lãnh đạo cơ quan"], [None, "Trần Văn Bình", "Lê Văn Dũng"]],
        [["Tổng số: 1 người"], [None, "TM UBND XÃ"], [None, "CHỦ TỊCH"], [None, "Trần Văn Bình"]],
        [["Tổng số: 1 người"], [None, "Phòng Nội vụ"], [None, "Trần Văn Bình"]],
        [["Tổng số: 1 người"], [None, "ỦY BAN NHÂN DÂN"], [None, "Trần Văn Bình"]],
        [[None, "TM ỦY BAN NHÂN DÂN"], [None, "Trần Văn Bình"]],
        [["Ghi chú: danh sách đã đối chiếu"],
         [None, "- Người mới tuyển dụng ghi ở cuối"], ["Nơi nhận:"], ["- Như trên"]],
    ],
)  # fmt: skip
def test_the_endings_of_ordinary_lists_are_no_entries(ending: Rows) -> None:
    rows: Rows = [
        ["STT", "Họ và tên", "Chức vụ", "Nội dung đề nghị"],
        [1, "Nguyễn Văn Lâm", "Chuyên viên", "Cấp mới"],
        *ending,
    ]
    found = read(rows)
    assert found.problems == []
    assert [entry.name for entry in found.entries] == ["Nguyễn Văn Lâm"]
