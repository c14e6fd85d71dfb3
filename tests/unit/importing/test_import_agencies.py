"""Which agency a row means: transfers go where the request says, and an unknown agency is nobody's (Đ5.1, Đ6.1)."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.data import registries
from tests.data.spreadsheets import Rows, xlsx

from hanam_mail.cli.importing import import_
from hanam_mail.importing.agencies import Directory
from hanam_mail.registry import loading
from hanam_mail.registry.model import Registry

pytestmark = [pytest.mark.dieu6, pytest.mark.dieu11]

HEAD = ["STT", "Họ và tên", "Hộp thư hiện có", "Nội dung đề nghị", "Cơ quan mới", "Ghi chú"]
OTHERS = {
    "syt": ("s4d5f2", "Sở Y tế", "yt"),
    "sgddt": ("s4d5f3", "Sở Giáo dục và Đào tạo", "gd"),
    "skhdt": ("s4d5f4", "Sở Kế hoạch và Đầu tư", "kh"),
    "svhttdl": ("s4d5f5", '"Sở Văn hóa, Thể thao và Du lịch"', "vh"),
    "ttt": ("s4d5f6", "Thanh tra tỉnh", "tt"),
}
PAPER = (
    "--document", "12/VP", "--dated", "01/06/2026", "--received", "02/06/2026", "--ground", "45/QĐ",
    "--reply", "90/STTTT-CNTT", "--done", "03/06/2026", "--json",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    written = registries.write(tmp_path)
    for code, (identity, name, suffix) in OTHERS.items():
        agency = f"agency:\n  id: {identity}\n  name: {name}\n  kind: department\n  code: {code}\n  suffix: {suffix}\n"
        issued = "    history:\n      - {event: issue, request: 2023-0001, done: 2023-06-28}\n"
        box = f"mailboxes:\n  - id: b{identity[1:]}\n    kind: agency\n    address: {code}\n"
        (written / f"{code}.yml").write_text(f"---\n{agency}{box}{issued}", encoding="utf-8")
    return written


def run(folder: Path, rows: Rows, agency: str) -> Result:
    file = folder.parent / "ds.xlsx"
    file.write_bytes(xlsx(rows))
    return CliRunner().invoke(import_, [str(file), "--registry", str(folder), "--agency", agency, *PAPER])


def done(folder: Path, rows: Rows, agency: str) -> Registry:
    result = run(folder, rows, agency)
    assert result.exit_code == 0, result.output
    return loading.load(folder)


def problem(folder: Path, rows: Rows, agency: str) -> dict[str, Any]:
    result = run(folder, rows, agency)
    assert result.exit_code == 1, result.output
    (found,) = json.loads(result.output)["problems"]
    return dict(found)


def holder(state: Registry, address: str) -> str:
    (box,) = (box for box in state.mailboxes.values() if address in box.addresses)
    return state.agencies[box.agency].code


def transfer(ask: str, note: str | None = None, target: str | None = None, address: str = "tranthibinh") -> Rows:
    name = {"tranthibinh": "Trần Thị Bình", "phamthidung": "Phạm Thị Dung"}[address]
    return [HEAD, [1, name, address, ask, target, note]]


# --- transfers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "note", "code"),
    [
        ("Chuyển sang Sở Y tế", None, "syt"),
        ("Chuyển sang Sở Y tế", "thay đồng chí An về Sở Giáo dục và Đào tạo", "syt"),
        ("Chuyển từ Sở Nội vụ sang Sở Y tế", None, "syt"),
        ("Chuyển công tác về Sở Y tế từ ngày 01/6/2026", None, "syt"),
        ("Điều động sang Sở Y tế theo Quyết định số 5 của Sở Nội vụ", None, "syt"),
        ("Điều động đến công tác tại Sở GD&ĐT", None, "sgddt"),
        ("Chuyển sang Sở KH - ĐT", None, "skhdt"),
        ("Chuyển sang Sở Văn hóa, Thể thao và Du lịch", None, "svhttdl"),
        ("Chuyển đến Phòng Khám chữa bệnh, Sở Y tế", None, "syt"),
        ("Chuyển đến Thanh tra tỉnh", None, "ttt"),
        ("Chuyển đến Văn phòng Sở Tài chính", None, "stc"),
        ("Chuyển công tác đến Phòng Tư pháp huyện Kim Bảng", None, "kb"),
        ("Chuyển đến Phòng Lao động - Thương binh và Xã hội huyện Kim Bảng", None, "kb"),
        ("Chuyển cơ quan", "về Văn phòng Sở Y tế", "syt"),
        ("Lãnh đạo Sở Nội vụ chuyển sang Sở Y tế", None, "syt"),
        ("Chuyển cơ quan", "Theo QĐ số 12/QĐ-UBND của UBND huyện Kim Bảng về Sở Tài chính", "stc"),
        ("Chuyển cơ quan", "QĐ số 12/QĐ-UBND ngày 01/6/2026 của UBND huyện Kim Bảng điều động về Sở Tài chính", "stc"),
        ("Chuyển cơ quan", "Quyết định số 5 của Sở Y tế về việc điều động cán bộ sang Sở Tài chính", "stc"),
        ("Chuyển cơ quan", "về Sở Y tế", "syt"),
        ("Chuyển cơ quan", "QĐ 5/QĐ-SNV, chuyển sang Sở Y tế", "syt"),
        ("Chuyển cơ quan", "Sở Y tế", "syt"),
        ("Chuyen sang So Y te", None, "syt"),
    ],
)
def test_dieu_6_1_a_transfer_goes_where_the_request_says(folder: Path, ask: str, note: str | None, code: str) -> None:
    assert holder(done(folder, transfer(ask, note), "snv"), "tranthibinh") == code


def test_dieu_6_1_the_operators_letter_moves_where_it_says_and_never_to_the_operator(folder: Path) -> None:
    found = problem(folder, transfer("Chuyển công tác", address="phamthidung"), "stttt")
    assert "thiếu cơ quan mới" in found["text"]
    rows = transfer("Chuyển sang Sở Nội vụ", address="phamthidung")
    assert holder(done(folder, rows, "stttt"), "phamthidung") == "snv"


def test_dieu_6_1_the_receiving_agency_need_not_name_itself(folder: Path) -> None:
    rows = transfer("Tiếp nhận từ Sở Tài chính", "đang công tác tại Sở Tài chính", address="phamthidung")
    assert holder(done(folder, rows, "snv"), "phamthidung") == "snv"


@pytest.mark.parametrize(
    ("ask", "note", "target", "reason"),
    [
        ("Chuyển sang Sở Y tế hoặc chuyển sang Sở Tài chính", None, None, "nêu nhiều cơ quan"),
        ("Chuyển sang Sở Y tế, Sở Tài chính", None, None, "nêu nhiều cơ quan"),
        ("Chuyển sang Sở Ngoại vụ", None, None, "không có cơ quan “Sở Ngoại vụ”"),
        ("Chuyển sang Sở Y tế Nam Định", None, None, "không có cơ quan “Sở Y tế Nam Định”"),
        ("Chuyển đến Trung tâm Y tế huyện Kim Bảng", None, None, "không có cơ quan “Trung tâm Y tế huyện Kim Bảng”"),
        ("Chuyển từ Sở Y tế sang Sở Tài chính", None, None, "hộp thư là của “Sở Nội vụ”, không phải “Sở Y tế”"),
        ("Chuyển sang Sở Y tế", None, "Sở Tài chính", "cột Cơ quan mới ghi “Sở Tài chính”"),
        ("Chuyển cơ quan", "thay đồng chí An về Sở Y tế", None, "không rõ “thay đồng chí An về Sở Y tế”"),
        ("Chuyển cơ quan", "Theo QĐ số 12 của UBND huyện Kim Bảng", None, "không rõ “Theo QĐ số 12"),
        ("Chuyển cơ quan", "QĐ số 12 của UBND huyện Kim Bảng", None, "không rõ “QĐ số 12"),
        ("Chuyển cơ quan", "Theo QĐ số 12, thay đồng chí An đã về Sở Y tế", None, "không rõ “Theo QĐ số 12"),
        ("Chuyển cơ quan", "Theo QĐ số 12 của UBND huyện Kim Bảng về Sở Y tế, Sở Tài chính", None, "không rõ “Theo"),
        ("Chuyển cơ quan", "QĐ số 12 đã gửi đến Sở Y tế", None, "không rõ “QĐ số 12 đã gửi"),
        ("Chuyển đến Phòng Kế hoạch Trung tâm Y tế huyện Kim Bảng", None, None, "không có cơ quan"),
        ("Chuyển đến Văn phòng Đảng ủy huyện Kim Bảng", None, None, "không có cơ quan"),
        ("Chuyển sang phòng khác", None, None, "thiếu cơ quan mới"),
    ],
)
def test_dieu_6_1_nobody_is_moved_by_a_guess(
    folder: Path, ask: str, note: str | None, target: str | None, reason: str
) -> None:
    assert reason in problem(folder, transfer(ask, note, target), "snv")["text"]


def test_dieu_6_2c_who_goes_to_an_agency_of_the_registry_is_not_revoked(folder: Path) -> None:
    found = problem(folder, transfer("Thu hồi", None, "Thanh tra tỉnh"), "snv")
    assert "chuyển trong tỉnh thì đề nghị Chuyển cơ quan" in found["text"]
    done(folder, transfer("Thu hồi", None, "Bộ Nội vụ"), "snv")


def test_dieu_6_1_an_unknown_agency_of_a_request_is_not_the_receiver(folder: Path) -> None:
    rows = transfer("Chuyển đến Trung tâm Y tế huyện Kim Bảng", address="phamthidung")
    assert "không có cơ quan" in problem(folder, rows, "snv")["text"]


# --- whose row it is ------------------------------------------------------------------------------------------------


def issue(heading: str, text: str, name: str = "Đỗ Thị Hòa") -> Rows:
    return [["STT", "Họ và tên", heading, "Nội dung đề nghị"], [1, name, text, "Cấp mới"]]


@pytest.mark.parametrize("agency", ["stttt", "snv"])
@pytest.mark.parametrize(
    "text",
    ["Trung tâm Y tế huyện Kim Bảng", "Ban Quản lý khu công nghệ cao", "Thanh tra tỉnh Hà Tây", "Trường Chính trị"],
)
def test_dieu_5_1_an_unknown_agency_is_not_the_sender(folder: Path, agency: str, text: str) -> None:
    found = problem(folder, issue("Cơ quan", text), agency)
    assert f"không có cơ quan “{text}”" in found["text"]
    assert (found["line"], found["field"]) == (2, "Cơ quan (cột C)")


@pytest.mark.parametrize(
    ("agency", "heading", "text", "code"),
    [
        ("stttt", "Cơ quan", "Thanh tra tỉnh", "ttt"),
        ("stttt", "Cơ quan", "Thanh tra tỉnh Hà Nam", "ttt"),
        ("stttt", "Cơ quan", "Phòng Tổ chức - Sở Nội vụ", "snv"),
        ("stttt", "Đơn vị", "Phòng Tổ chức, Sở Nội vụ", "snv"),
        ("stttt", "Đơn vị", "Thanh tra tỉnh", "ttt"),
        ("stttt", "Phòng", "Thanh tra", "stttt"),
        ("snv", "Phòng", "Thanh tra", "snv"),
        ("snv", "Cơ quan", "Phòng Hành chính", "snv"),
        ("snv", "Cơ quan", "Thanh tra", "snv"),
        ("snv", "Nơi công tác", "Phòng Công chức, Sở Nội vụ", "snv"),
        ("snv", "Cơ quan", "Văn phòng Sở Nội vụ", "snv"),
        ("snv", "Cơ quan", "Thanh tra Sở Nội vụ tỉnh Hà Nam", "snv"),
        ("snv", "Nơi công tác", "Phòng Tổ chức Sở Nội vụ", "snv"),
        ("stttt", "Cơ quan", "Văn phòng Sở Nội vụ", "snv"),
        ("kb", "Cơ quan", "Phòng Nội vụ huyện Kim Bảng", "kb"),
        ("kb", "Cơ quan", "Lãnh đạo UBND huyện Kim Bảng", "kb"),
        ("kb", "Cơ quan", "Văn phòng HĐND và UBND huyện Kim Bảng", "kb"),
        ("kb", "Cơ quan", "Phòng Tư pháp", "kb"),
        ("kb", "Cơ quan", "Văn phòng HĐND và UBND huyện", "kb"),
    ],
)
def test_an_office_is_its_agencys_and_an_agency_itself(
    folder: Path, agency: str, heading: str, text: str, code: str
) -> None:
    assert holder(done(folder, issue(heading, text), agency), "dothihoa") == code


@pytest.mark.parametrize(
    "text", ["Phòng khám đa khoa huyện Kim Bảng", "Tổ 5, huyện Kim Bảng", "Văn phòng Đảng ủy huyện Kim Bảng"]
)
def test_a_body_of_its_own_is_no_office_of_the_place_it_is_named_after(text: str) -> None:
    directory = Directory(loading.load(Path(__file__).parents[3] / "mailboxes"))
    assert directory.owner(text) is None
    assert directory.owner("Phòng Nội vụ huyện Kim Bảng") == directory.find("huyện Kim Bảng")


@pytest.mark.parametrize("text", ["Văn phòng Sở Tài chính", "Phòng Tư pháp huyện Kim Bảng"])
def test_dieu_6_2_an_office_of_another_agency_is_no_office_of_the_sender(folder: Path, text: str) -> None:
    assert "cơ quan đó gửi văn bản riêng" in problem(folder, issue("Cơ quan", text), "snv")["text"]


def test_the_column_of_the_new_agency_may_name_an_office_of_it(folder: Path) -> None:
    rows = transfer("Chuyển cơ quan", target="Văn phòng Sở Tài chính")
    assert holder(done(folder, rows, "snv"), "tranthibinh") == "stc"


def test_an_empty_column_of_agencies_leaves_the_office_an_office(folder: Path) -> None:
    rows: Rows = [
        ["STT", "Họ và tên", "Cơ quan", "Phòng", "Nội dung đề nghị"],
        [1, "Đỗ Thị Hòa", None, "Trung tâm Lưu trữ", "Cấp mới"],
    ]
    assert holder(done(folder, rows, "snv"), "dothihoa") == "snv"


def test_an_office_that_is_called_as_each_inspectorate_is_an_office(folder: Path) -> None:
    rows: Rows = [["STT", "Tên phòng", "Nội dung đề nghị"], [1, "Thanh tra", "Cấp mới"]]
    state = done(folder, rows, "snv")
    (box,) = (box for box in state.mailboxes.values() if box.name == "Thanh tra")
    assert (box.kind, state.agencies[box.agency].code) == ("office", "snv")


@pytest.mark.parametrize("name", ["Trung tâm Lưu trữ lịch sử", "Nguyễn Văn Tám", "Sở Ngoại vụ"])
def test_dieu_5_1_what_is_said_to_be_an_agency_is_one_of_the_registry(folder: Path, name: str) -> None:
    rows: Rows = [["STT", "Loại hộp thư", "Tên phòng", "Nội dung đề nghị"], [1, "Cơ quan", name, "Cấp mới"]]
    found = problem(folder, rows, "snv")
    assert f"“{name}” không phải cơ quan nào trong sổ đăng ký" in found["text"]
    assert (found["line"], found["clause"]) == (2, "Đ5.1")


def test_dieu_5_1_an_agency_of_the_registry_gets_its_mailbox(folder: Path) -> None:
    rows: Rows = [
        ["STT", "Loại hộp thư", "Tên phòng", "Nội dung đề nghị"],
        [1, "Cơ quan", "UBND huyện Kim Bảng", "Cấp mới"],
    ]
    state = done(folder, rows, "kb")
    (box,) = (box for box in state.mailboxes.values() if box.address == "ubndkb")
    assert box.kind == "agency"
