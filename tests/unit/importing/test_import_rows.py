"""Cells of one row against each other: what does not agree is refused, and no value is lost (Đ6.2a)."""

from datetime import date
from typing import Any

import pytest
from tests.data.spreadsheets import Rows, xlsx
from tests.unit.registry_world import RULE_BOOK

from hanam_mail.importing import lists, reading
from hanam_mail.importing.actions import Action
from hanam_mail.importing.rows import ListEntry

pytestmark = pytest.mark.dieu11

GB = 1024**3


def read(rows: Rows, merged: tuple[str, ...] = ()) -> lists.ListContents:
    return lists.read(reading.parse(xlsx(rows, merged=merged), "ds.xlsx"), date(2026, 11, 25), RULE_BOOK.naming)


def one(**cells: Any) -> ListEntry:
    """The entry of a list with these headings and one row."""
    headings = [heading.replace("_", " ") for heading in cells]
    found = read([["STT", *headings], [1, *cells.values()]])
    assert found.problems == []
    return found.entries[0]


def refusal(**cells: Any) -> tuple[str, str]:
    """The heading and the sentence of the one problem that such a row has; nothing of it is taken."""
    headings = [heading.replace("_", " ") for heading in cells]
    found = read([["STT", *headings], [1, *cells.values()]])
    assert found.entries == []
    (problem,) = found.problems
    return problem.field.partition(" (cột")[0], problem.text


# --- notes that deny ------------------------------------------------------------------------------------------------


@pytest.mark.dieu6
@pytest.mark.parametrize("heading", ["Ghi_chú", "Lý_do"])
@pytest.mark.parametrize(
    ("ask", "note"),
    [
        ("Thu hồi", "không thu hồi, vẫn đang công tác"),
        ("Thu hồi", "tiếp tục sử dụng"),
        ("Thu hồi", "chưa nghỉ hưu"),
        ("Cấp mới", "không đề nghị cấp mới"),
        ("Cấp mới", "không có nhu cầu"),
        ("Cấp mới", "chưa cấp mới"),
        ("Cấp mới", "chưa đề nghị cấp"),
        ("Tăng dung lượng lên 4GB", "không thay đổi"),
        ("Tăng dung lượng lên 4GB", "Dung lượng không thay đổi"),
        ("Thu hồi", "hộp thư giữ lại"),
    ],
)
def test_dieu_6_2c_a_note_that_denies_the_request_is_refused(heading: str, ask: str, note: str) -> None:
    column, sentence = refusal(**{"Họ và tên": "Trần Thị Bình", "Đề nghị": ask, heading: note})
    assert column == heading.replace("_", " ")
    word = "thay đổi dung lượng" if "dung lượng" in ask else ask.lower()
    assert f"nói khác với đề nghị {word}" in sentence


@pytest.mark.dieu6
def test_dieu_6_2c_a_note_is_held_against_what_the_title_asks_for_too() -> None:
    head = ["STT", "Họ và tên", "Ghi chú"]
    title = ["DANH SÁCH THU HỒI HỘP THƯ"]
    found = read([title, head, [1, "Trần Thị Bình", "không thu hồi"], [2, "Lê Văn An", "nghỉ hưu"]])
    assert [(problem.line, problem.field) for problem in found.problems] == [(3, "Ghi chú (cột C)")]
    assert [entry.name for entry in found.entries] == ["Lê Văn An"]


@pytest.mark.parametrize(
    ("ask", "note"),
    [
        ("Thu hồi", "không còn công tác"),
        ("Thu hồi", "nghỉ hưu, giữ lại dữ liệu"),
        ("Thu hồi", "không cấp lại"),
        ("Thu hồi", "không có nhu cầu sử dụng"),
        ("Thu hồi", "không"),
        ("Cấp mới", "chưa có hộp thư"),
        ("Cấp mới", "chưa cấp hộp thư"),
        ("Cấp mới", "Chưa đăng ký tài khoản"),
        ("Cấp mới", "Chưa tạo mail"),
        ("Cấp mới", "chưa mở tài khoản"),
        ("Cấp mới", "Chưa lập hộp thư"),
        ("Cấp mới", "CHƯA ĐƯỢC TẠO"),
        ("Cấp mới", "chua tung duoc cap"),
        ("Cấp mới, chưa đăng ký tài khoản", "chưa hề được cấp"),
        ("Tăng dung lượng lên 4GB", "Địa chỉ không thay đổi"),
        ("Tăng dung lượng lên 4GB, chức vụ không thay đổi", "cơ quan không thay đổi"),
        ("Thu hồi", "Dữ liệu giữ lại"),
        ("Thu hồi; dữ liệu giữ lại", "nội dung vẫn giữ nguyên"),
        ("Cấp mới", "không thu hồi hộp thư cũ của phòng"),
        ("Tăng dung lượng lên 4GB", "tiếp tục sử dụng"),
    ],
)
def test_a_note_that_gives_a_reason_denies_nothing(ask: str, note: str) -> None:
    one(Họ_và_tên="Trần Thị Bình", Đề_nghị=ask, Ghi_chú=note)


@pytest.mark.dieu6
@pytest.mark.parametrize("ask", ["Nghỉ hưu từ 01/12/2026", "Thu hồi từ ngày 26.11.2026", "Thu hồi kể từ 1-1-2027"])
def test_dieu_6_2c_who_leaves_on_a_later_day_is_not_revoked_before(ask: str) -> None:
    assert "chưa đến ngày" in refusal(Họ_và_tên="Trần Thị Bình", Đề_nghị=ask)[1]


@pytest.mark.parametrize(
    "ask", ["Nghỉ hưu từ 25/11/2026", "Thu hồi theo QĐ ngày 01/10/2026", "Nghỉ hưu, QĐ số 45/99/2030"]
)
def test_who_has_left_by_that_day_is_revoked(ask: str) -> None:
    assert one(Họ_và_tên="Trần Thị Bình", Đề_nghị=ask).ask is Action.REVOKE


@pytest.mark.parametrize("note", ["Chức vụ không thay đổi", "Địa chỉ thư không thay đổi", "Họ tên không thay đổi"])
def test_a_note_on_what_stays_beside_a_transfer_denies_nothing(note: str) -> None:
    row = {"Họ và tên": "Trần Thị Bình", "Đề nghị": "Chuyển cơ quan", "Cơ quan mới": "Sở Tài chính", "Ghi chú": note}
    assert one(**row).ask is Action.TRANSFER
    for denied in (
        "Không thay đổi",
        "đề nghị không thay đổi",
        "Cơ quan không thay đổi",
        "Nơi công tác không thay đổi",
        "thay đổi?",
    ):
        assert "nói khác" in refusal(**{**row, "Ghi chú": denied})[1]


# --- ticks and texts ------------------------------------------------------------------------------------------------


def test_a_level_is_no_tick() -> None:
    entry = one(Họ_và_tên="Trần Thị Bình", Cấp=1, Đề_nghị="Thu hồi")
    assert entry.ask is Action.REVOKE


@pytest.mark.parametrize("above", ["Nội dung đề nghị", None])
def test_a_box_to_tick_may_be_headed_by_one_word(above: str | None) -> None:
    boxes = ["TT", "Họ và tên", "Cấp", "Thay đổi", "Thu hồi"]
    row = [1, "Trần Thị Bình", "x", None, None]
    rows: Rows = [["TT", "Họ và tên", above, None, None], [None, None, *boxes[2:]], row] if above else [boxes, row]
    found = read(rows, merged=("A1:A2", "B1:B2", "C1:E1") if above else ())
    assert [entry.ask for entry in found.entries] == [Action.ISSUE]


@pytest.mark.parametrize(
    ("tick", "said"),
    [("Cấp mới", "Thu hồi"), ("Thu hồi", "Cấp mới"), ("Thu hồi", "Đổi tên"), ("Cấp mới", "Tăng dung lượng lên 4GB")],
)
def test_dieu_6_2a_a_tick_and_a_text_that_disagree_are_refused(tick: str, said: str) -> None:
    _, sentence = refusal(**{"Họ và tên": "Trần Thị Bình", tick: "x", "Đề nghị": said})
    assert f"đánh dấu “{tick}” mà ghi “{said}”" in sentence


@pytest.mark.parametrize("said", ["Không thu hồi", "Tiếp tục sử dụng", "Không"])
def test_dieu_6_2c_a_text_that_denies_what_is_ticked_is_refused(said: str) -> None:
    refusal(**{"Họ và tên": "Trần Thị Bình", "Thu hồi": "x", "Nội dung": said})


@pytest.mark.parametrize(
    ("tick", "said", "ask"),
    [
        ("Thu hồi", "nghỉ hưu", Action.REVOKE),
        ("Cấp mới", "phục vụ công tác", Action.ISSUE),
        ("Thay đổi", "Tăng dung lượng lên 4GB", Action.QUOTA),
    ],
)
def test_a_tick_and_a_text_that_agree_ask_for_one_thing(tick: str, said: str, ask: Action) -> None:
    assert one(**{"Họ và tên": "Trần Thị Bình", tick: "x", "Nội dung": said}).ask is ask


# --- sizes ----------------------------------------------------------------------------------------------------------


@pytest.mark.dieu8
@pytest.mark.parametrize(
    ("said", "size"),
    [
        ("Nâng dung lượng từ 2GB lên 5GB", 5),
        ("Tăng dung lượng lên 4,5GB", 4.5),
        ("Tăng dung lượng lên 4.5 GB", 4.5),
        ("Thay đổi dung lượng 2GB -> 4GB", 4),
        ("Thay đổi dung lượng 2 GB thành 4 GB", 4),
        ("Nâng dung lượng lên 5GB (hiện có 2GB)", 5),
        ("Giảm dung lượng còn 2048MB", 2),
        ("Dung lượng 6GB", 6),
        ("Tăng dung lượng thêm 2GB lên 6GB", 6),
        ("Cấp mới 4GB", 4),
    ],
)
def test_dieu_8_1_a_text_states_the_new_size(said: str, size: float) -> None:
    assert one(Họ_và_tên="Trần Thị Bình", Đề_nghị=said).quota_bytes == size * GB


@pytest.mark.dieu8
@pytest.mark.parametrize(
    "said",
    ["Dung lượng 2GB, 4GB", "Tăng dung lượng thêm 2GB", "Cấp thêm dung lượng 2GB", "Nâng dung lượng từ 2GB",
     "Tăng dung lượng lên 4GB hoặc lên 6GB", "Tăng 2GB dung lượng", "Dung lượng hiện có 2GB"],
)  # fmt: skip
def test_dieu_8_1_a_text_without_one_new_size_is_refused(said: str) -> None:
    assert "không rõ dung lượng mới" in refusal(Họ_và_tên="Trần Thị Bình", Đề_nghị=said)[1]


@pytest.mark.dieu8
@pytest.mark.parametrize(
    ("heading", "shown", "size"),
    [
        ("Dung lượng (MB)", 4096, 4 * GB),
        ("Dung lượng đề nghị - MB", "4096", 4 * GB),
        ("Dung lượng (GB)", 4, 4 * GB),
        ("Dung lượng (MB)", "4GB", 4 * GB),
        ("Dung lượng (ví dụ 4GB, 500MB)", 4, 4 * GB),
        ("Dung lượng", 4.5, 4.5 * GB),
        ("Dung lượng", 4, 4 * GB),
    ],
)
def test_dieu_8_1_a_bare_number_is_in_the_unit_of_its_heading(heading: str, shown: Any, size: float) -> None:
    row = {"Họ và tên": "Trần Thị Bình", "Đề nghị": "Thay đổi dung lượng", heading: shown}
    assert one(**row).quota_bytes == size


@pytest.mark.dieu8
@pytest.mark.parametrize(("heading", "shown"), [("Dung lượng", 4096), ("Dung lượng", 512), ("Dung lượng (MB/GB)", 4)])
def test_dieu_8_1_a_bare_number_of_an_unknown_unit_is_refused(heading: str, shown: int) -> None:
    row = {"Họ và tên": "Trần Thị Bình", "Đề nghị": "Thay đổi dung lượng", heading: shown}
    assert refusal(**row) == (heading, f"“{shown}” không rõ MB hay GB: ghi kèm đơn vị, ví dụ 4GB hoặc 4096MB")


@pytest.mark.dieu8
def test_dieu_8_1_two_sizes_of_a_row_that_differ_are_refused() -> None:
    row = {"Họ và tên": "Trần Thị Bình", "Đề nghị": "Tăng dung lượng lên 6GB"}
    assert "ghi một dung lượng mới" in refusal(**row, **{"Dung lượng": "8GB"})[1]
    assert one(**row, **{"Dung lượng": "6144 MB"}).quota_bytes == 6 * GB


# --- what a row asks besides ----------------------------------------------------------------------------------------


@pytest.mark.dieu6
@pytest.mark.parametrize(
    ("ask", "values", "column"),
    [
        ("Đổi tên", {"Họ và tên mới": "Trần Thị Bích", "Dung lượng": "8GB"}, "Dung lượng"),
        ("Đổi tên", {"Họ và tên mới": "Trần Thị Bích", "Cơ quan mới": "Sở Tài chính"}, "Cơ quan mới"),
        ("Chuyển cơ quan", {"Cơ quan mới": "Sở Tài chính", "Dung lượng": "8GB"}, "Dung lượng"),
        ("Tăng dung lượng", {"Dung lượng": "8GB", "Họ và tên mới": "Trần Thị Bích"}, "Họ và tên mới"),
        ("Thu hồi", {"Cơ quan mới": "Sở Tài chính"}, "Cơ quan mới"),
        ("Thu hồi", {"Dung lượng": "8GB"}, "Dung lượng"),
        ("Cấp mới", {"Cơ quan mới": "Sở Tài chính"}, "Cơ quan mới"),
        ("Cấp mới", {"Họ và tên mới": "Trần Thị Bích"}, "Họ và tên mới"),
    ],
)
def test_dieu_6_1_a_new_value_that_the_request_does_not_take_is_refused(
    ask: str, values: dict[str, str], column: str
) -> None:
    found, sentence = refusal(**{"Họ và tên": "Trần Thị Bình", "Đề nghị": ask, **values})
    assert found == column
    assert "mỗi việc một dòng" in sentence


@pytest.mark.parametrize(
    ("ask", "values"),
    [
        ("Thu hồi do chuyển công tác", {"Nơi chuyển đến": "Bộ Nội vụ"}),
        ("Thu hồi", {"Nơi chuyển đến": "Sở Nội vụ tỉnh Nam Định"}),
        ("Cấp mới", {"Cơ quan": "Sở Nội vụ", "Đơn vị mới": "SỞ NỘI VỤ"}),
        ("Cấp mới", {"Phòng ban": "Phòng Nội vụ", "Đơn vị mới": "Phòng Nội vụ"}),
    ],
)
def test_where_one_leaves_to_or_is_already_is_no_other_request(ask: str, values: dict[str, str]) -> None:
    one(**{"Họ và tên": "Trần Thị Bình", "Đề nghị": ask, **values})


@pytest.mark.parametrize("target", ["Sở Nội vụ tỉnh Hà Nam", "UBND huyện Kim Bảng"])
def test_dieu_6_2c_a_revocation_that_names_an_agency_of_the_province_is_refused(target: str) -> None:
    row = {"Họ và tên": "Trần Thị Bình", "Đề nghị": "Thu hồi", "Nơi chuyển đến": target}
    assert "vẫn đề nghị thu hồi thì để trống ô này" in refusal(**row)[1]


@pytest.mark.dieu6
def test_dieu_6_1_a_size_beside_another_change_in_one_cell_is_refused() -> None:
    row = {"Họ và tên": "Trần Thị Bình", "Đề nghị": "Đổi tên, 8GB", "Họ và tên mới": "Trần Thị Bích"}
    assert "mỗi việc một dòng" in refusal(**row)[1]


def test_values_that_the_request_takes_are_kept() -> None:
    assert one(Họ_và_tên="Trần Thị Bình", Đề_nghị="Cấp mới", Dung_lượng="4GB").quota_bytes == 4 * GB
    one(**{"Họ và tên": "Trần Thị Bình", "Đề nghị": "Cấp mới", "Họ và tên mới": "TRẦN THỊ BÌNH"})


# --- names and dates in several columns -----------------------------------------------------------------------------


def test_two_columns_of_names_that_differ_are_refused() -> None:
    row = {"Họ và tên": "Nguyễn Văn Lâm", "Họ và tên thủ trưởng": "Trần Thị Mai", "Đề nghị": "Cấp mới"}
    assert "“Họ và tên”, “Họ và tên thủ trưởng” ghi tên khác nhau" in refusal(**row)[1]
    parted = {"Họ đệm": "Nguyễn Văn", "Tên": "Lâm", "Họ và tên thủ trưởng": "Trần Thị Mai", "Đề nghị": "Cấp mới"}
    assert "ghi tên khác nhau" in refusal(**parted)[1]


def test_one_name_may_stand_in_several_columns() -> None:
    twice = {"Họ và tên": "Nguyễn Văn Lâm", "Họ và tên (chữ in hoa)": "NGUYỄN VĂN LÂM", "Đề nghị": "Cấp mới"}
    assert one(**twice).name == "Nguyễn Văn Lâm"
    head = ["STT", "Họ và tên", None, "Đề nghị"]
    for cells, merged in ((["Nguyễn Văn", "Lâm"], "B1:C1"), (["Nguyễn Văn Lâm", None], "B1:C1")):
        found = read([head, [1, *cells, "Cấp mới"]], merged=(merged,))
        assert [entry.name for entry in found.entries] == ["Nguyễn Văn Lâm"]
    found = read([head, [1, "Nguyễn Văn Lâm", None, "Cấp mới"]], merged=("B1:C1", "B2:C2"))
    assert [entry.name for entry in found.entries] == ["Nguyễn Văn Lâm"]


@pytest.mark.dieu5
@pytest.mark.parametrize(
    ("cells", "merged", "detail"),
    [
        (["05", "05", 1980], (), "05/05/1980"),
        ([5, 5, 1980], (), "05/05/1980"),
        ([1, 2, 1980], (), "01/02/1980"),
        ([1980, None, None], ("D3:F3",), "1980"),
        (["05/05/1980", None, None], ("D3:F3",), "05/05/1980"),
        ([None, "05", 1980], (), "1980"),
    ],
)
def test_dieu_5_2c_a_date_in_three_columns_keeps_its_equal_parts(
    cells: list[Any], merged: tuple[str, ...], detail: str
) -> None:
    rows: Rows = [
        ["STT", "Họ và tên", "Đề nghị", "Ngày sinh", None, None],
        [None, None, None, "Ngày", "Tháng", "Năm"],
        [1, "Trần Thị Bình", "Cấp mới", *cells],
    ]
    found = read(rows, merged=("A1:A2", "B1:B2", "C1:C2", "D1:F1", *merged))
    assert found.problems == []
    assert found.entries[0].details == (detail,)
