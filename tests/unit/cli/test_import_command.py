"""`hanam-mail import`: what a list does to the registry, what is refused, and that a bad list writes nothing."""

import csv as csv_module
import io
import json
import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner, Result
from tests.data import registries
from tests.data.spreadsheets import Rows, tcvn3, xlsx

from hanam_mail import atomic_file
from hanam_mail.cli.importing import import_
from hanam_mail.errors import InputError, Problem
from hanam_mail.registry import loading
from hanam_mail.registry.model import Issue, Registry, State
from hanam_mail.registry.writing import store

pytestmark = pytest.mark.dieu11

HEAD = [
    "STT",
    "Họ và tên / Tên phòng",
    "Nội dung đề nghị",
    "Hộp thư hiện có",
    "Họ và tên mới",
    "Cơ quan mới",
    "Dung lượng",
    "Ngày sinh",
    "Quê quán",
    "Ghi chú",
    "Cơ quan",
]
PAPER = (
    "--agency", "snv", "--document", "12/SNV-VP", "--dated", "01/06/2026", "--received", "02/06/2026",
    "--ground", "45/QĐ-SNV", "--reply", "90/STTTT-CNTT", "--done", "03/06/2026",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return registries.write(tmp_path)


def row(name: str | None, ask: str = "Cấp mới", **cells: Any) -> list[Any]:
    by_heading = {
        "mailbox": "Hộp thư hiện có", "new_name": "Họ và tên mới", "target": "Cơ quan mới", "quota": "Dung lượng",
        "birth": "Ngày sinh", "home": "Quê quán", "note": "Ghi chú", "agency": "Cơ quan",
    }  # fmt: skip
    values = {by_heading[key]: value for key, value in cells.items()}
    return [1, name, ask, *(values.get(heading) for heading in HEAD[3:])]


def run(folder: Path, rows: Rows, *options: str, paper: Sequence[str] = PAPER, content: bytes = b"") -> Result:
    file = folder.parent / "ds.xlsx"
    file.write_bytes(content or xlsx([HEAD, *rows]))
    return CliRunner().invoke(import_, [str(file), "--registry", str(folder), *paper, *options])


def imported(folder: Path, *rows: list[Any], paper: Sequence[str] = PAPER) -> Registry:
    result = run(folder, rows, paper=paper)
    assert result.exit_code == 0, result.output
    return loading.load(folder)


def by_address(state: Registry, address: str) -> Any:
    return next(mailbox for mailbox in state.mailboxes.values() if address in mailbox.addresses)


def refused(folder: Path, *rows: list[Any], paper: Sequence[str] = PAPER) -> list[dict[str, Any]]:
    """The problems; and nothing in the folder differs in an octet."""
    before = registries.octets(folder)
    result = run(folder, rows, "--json", paper=paper)
    assert result.exit_code == 1, result.output
    assert registries.octets(folder) == before
    problems: list[dict[str, Any]] = json.loads(result.output)["problems"]
    return problems


# --- what a list does -----------------------------------------------------------------------------------------------


def test_dieu_11_4_a_list_issues_changes_and_revokes_in_one_write(folder: Path) -> None:
    state = imported(
        folder,
        row("Đỗ Thị Hòa"),
        row("Phòng Tổ chức - Cán bộ", quota="20GB"),
        row("Nguyễn Văn Hùng", "Thay đổi dung lượng", quota="4GB"),
        row("Trần Thị Bình", "Thu hồi", mailbox="tranthibinh@hanam.gov.vn"),
    )
    assert by_address(state, "dothihoa").name == "Đỗ Thị Hòa"
    office = by_address(state, "ptccb.snv")
    assert office.kind == "office"
    assert isinstance(office.history[0], Issue)
    assert office.history[0].quota_bytes == 20 * 1024**3
    assert by_address(state, "nguyenvanhung").history[-1].quota_bytes == 4 * 1024**3
    assert by_address(state, "tranthibinh").revoked
    request = state.requests["2026-0001"]
    assert (request.document, request.dated, request.received) == ("12/SNV-VP", date(2026, 6, 1), date(2026, 6, 2))
    assert set(request.asks) == {"issue", "change", "revoke"}
    assert request.reply is not None
    assert request.reply.document == "90/STTTT-CNTT"


@pytest.mark.dieu5
def test_dieu_5_2_rows_get_their_addresses_in_their_order(folder: Path) -> None:
    state = imported(
        folder,
        row("Nguyễn Thị Hà", birth="1/2/1980"),
        row("Nguyễn Thị Hạ", home="xã Tiên Sơn, Duy Tiên"),
        row("Phạm Thị Dung"),
    )
    assert by_address(state, "nguyenthiha").name == "Nguyễn Thị Hà"
    assert by_address(state, "nguyenthiha.tienson").name == "Nguyễn Thị Hạ"
    assert by_address(state, "phamthidung.nv").agency == "k7q2m4"


@pytest.mark.dieu5
def test_dieu_5_2c_another_person_of_the_same_name_has_home_place_or_birth_data(folder: Path) -> None:
    state = imported(folder, row("Nguyễn Văn Hùng", note="trùng tên, người khác", birth=date(1985, 3, 2)))
    assert by_address(state, "nguyenvanhung.1985").name == "Nguyễn Văn Hùng"


@pytest.mark.dieu6
def test_dieu_6_1_a_rename_and_a_transfer_keep_the_mailbox(folder: Path) -> None:
    state = imported(
        folder,
        row("Trần Thị Bình", "Đổi tên", mailbox="tranthibinh", new_name="TRẦN THỊ BÍCH"),
        row("Nguyễn Văn Hùng", "Điều động", target="Sở Tài chính"),
    )
    renamed, moved = state.mailboxes["p4x8d1"], state.mailboxes["p3x8d1"]
    assert (renamed.name, renamed.address) == ("Trần Thị Bích", "tranthibich")
    assert "tranthibinh" in renamed.addresses
    assert (moved.agency, moved.address) == ("c4d5f6", "nguyenvanhung")


def test_the_receiving_agency_may_ask_for_a_transfer(folder: Path) -> None:
    state = imported(folder, row("Phạm Thị Dung", "Chuyển công tác", mailbox="phamthidung", agency="Sở Tài chính"))
    assert by_address(state, "phamthidung").agency == "k7q2m4"


def test_an_agencys_own_name_asks_for_its_mailbox(folder: Path) -> None:
    paper = ("--agency", "kb", *PAPER[2:])
    assert by_address(imported(folder, row("UBND huyện Kim Bảng"), paper=paper), "ubndkb").kind == "agency"


def test_the_operator_may_ask_for_any_agency(folder: Path) -> None:
    paper = ("--agency", "stttt", *PAPER[2:])
    assert (
        by_address(imported(folder, row("Đỗ Thị Hòa", agency="Sở Tài chính"), paper=paper), "dothihoa").agency
        == "c4d5f6"
    )


def test_a_registered_request_is_answered_by_its_list(folder: Path) -> None:
    paper = ("--request", "2024-0002", "--reply", "91/STTTT-CNTT", "--done", "05/06/2024")
    state = imported(folder, row("Đỗ Thị Hòa"), paper=paper)
    assert state.requests["2024-0002"].result == "done"
    assert by_address(state, "dothihoa").history[0].request == "2024-0002"


def test_the_document_is_read_from_the_lines_above_the_list(folder: Path) -> None:
    rows: Rows = [
        ["Kính gửi: Sở Thông tin và Truyền thông"],
        ["SỞ NỘI VỤ", None, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"],
        ["DANH SÁCH ĐỀ NGHỊ CẤP MỚI HỘP THƯ"],
        ["(Kèm theo Công văn số 12/SNV-VP ngày 01 tháng 6 năm 2026 của Sở Nội vụ)"],
        ["Căn cứ: Quyết định số 45/QĐ-SNV ngày 20/5/2026"],
        ["STT", "Họ và tên", "Chức vụ"],
        [1, "Đỗ Thị Hòa", "Chuyên viên"],
    ]
    paper = ("--received", "02/06/2026", "--reply", "90/STTTT-CNTT", "--done", "03/06/2026")
    result = run(folder, (), paper=paper, content=xlsx(rows))
    assert result.exit_code == 0, result.output
    request = loading.load(folder).requests["2026-0001"]
    assert (request.document, request.dated, request.agency) == ("12/SNV-VP", date(2026, 6, 1), "k7q2m4")
    assert request.ground == "Quyết định số 45/QĐ-SNV ngày 20/5/2026"


def test_personal_data_is_used_for_the_address_and_kept_nowhere(folder: Path) -> None:
    file = folder.parent / "out.csv"
    rows = [row("Nguyễn Văn Hùng", note="trùng tên", birth=date(1985, 3, 2), home="xã Liêm Cần, Thanh Liêm")]
    result = run(folder, rows, "--output", str(file))
    assert result.exit_code == 0, result.output
    everything = b"".join(registries.octets(folder).values()).decode() + result.output + file.read_text("utf-8-sig")
    assert "nguyenvanhung.liemcan" in everything
    for secret in ("1985", "Liêm Cần", "Thanh Liêm", "02/03", "03-02"):
        assert secret not in everything


def test_the_table_is_printed_and_written_for_the_agency(folder: Path) -> None:
    file = folder.parent / "out.csv"
    result = run(folder, [row("Đỗ Thị Hòa")], "--output", str(file))
    assert "dothihoa" in result.output
    assert "Cấp mới" in result.output
    lines = list(csv_module.reader(io.StringIO(file.read_text("utf-8-sig"))))
    assert lines[1] == ["2", "Cấp mới", "Đỗ Thị Hòa", "dothihoa", "", "Sở Nội vụ"]


def test_json_tells_every_row(folder: Path) -> None:
    document = json.loads(run(folder, [row("Đỗ Thị Hòa")], "--json").output)
    assert document["written"] is True
    (entry,) = document["rows"]
    assert (entry["row"], entry["ask"], entry["address"], entry["agency"]) == (2, "issue", "dothihoa", "snv")


def test_a_dry_run_shows_all_and_writes_nothing(folder: Path) -> None:
    before = registries.octets(folder)
    file = folder.parent / "out.csv"
    result = run(folder, [row("Đỗ Thị Hòa")], "--dry-run", "--output", str(file))
    assert result.exit_code == 0
    assert "dothihoa" in result.output
    assert registries.octets(folder) == before
    assert not file.exists()


def test_a_table_that_cannot_be_written_leaves_the_registry_as_it_was(folder: Path) -> None:
    before = registries.octets(folder)
    result = run(folder, [row("Đỗ Thị Hòa")], "--output", str(folder.parent / "khong-co" / "out.csv"))
    assert result.exit_code == 1
    assert "khong-co/out.csv: không ghi được" in result.output
    assert registries.octets(folder) == before


def test_a_table_that_fails_at_the_last_moment_was_printed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = folder.parent / "out.csv"
    rename = os.rename

    def refuse(source: Path, target: Path) -> None:
        if Path(target) == file:
            raise OSError(5, "Input/output error")
        rename(source, target)

    monkeypatch.setattr("os.rename", refuse)
    result = run(folder, [row("Đỗ Thị Hòa")], "--output", str(file))
    assert result.exit_code == 1
    assert "Đã ghi sổ đăng ký." in result.output and "dothihoa" in result.output
    assert by_address(loading.load(folder), "dothihoa")
    assert not file.exists()


def test_a_table_that_fails_at_the_last_moment_stands_in_the_one_json_document(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, sync = folder.parent / "out.csv", atomic_file.sync

    def refuse(place: Path) -> None:
        if place == file.parent:
            raise OSError(5, "Input/output error")
        sync(place)

    monkeypatch.setattr(atomic_file, "sync", refuse)
    result = run(folder, [row("Đỗ Thị Hòa")], "--json", "--output", str(file))
    document = json.loads(result.stdout)
    assert (result.exit_code, document["written"], document["rows"][0]["address"]) == (1, True, "dothihoa")
    assert document["problems"][0]["file"] == str(file)


def test_a_registry_that_cannot_be_written_leaves_an_older_table(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(place: Path, registry: object) -> None:
        raise InputError([Problem(str(place), 0, "", "không ghi được")])

    monkeypatch.setattr(store, "write", refuse)
    file = folder.parent / "out.csv"
    file.write_text("cũ", encoding="utf-8")
    result = run(folder, [row("Đỗ Thị Hòa")], "--output", str(file))
    assert (result.exit_code, result.stdout) == (1, "")
    assert file.read_text("utf-8") == "cũ"
    assert {each.name for each in folder.parent.glob(".*")} == set()


def test_the_table_does_not_replace_the_list_it_is_made_of(folder: Path) -> None:
    result = run(folder, [row("Đỗ Thị Hòa")], "--output", str(folder.parent / "ds.xlsx"))
    assert result.exit_code == 2
    assert "--output trùng với tệp danh sách" in result.output
    assert openpyxl.load_workbook(folder.parent / "ds.xlsx")


def test_a_refused_list_leaves_an_older_table(folder: Path) -> None:
    file = folder.parent / "out.csv"
    file.write_text("cũ", encoding="utf-8")
    assert run(folder, [row("Đỗ Thị Hòa"), row("")], "--output", str(file)).exit_code == 1
    assert run(folder, [row("Иванов")], "--output", str(file)).exit_code == 1
    assert file.read_text(encoding="utf-8") == "cũ"
    assert {each.name for each in folder.parent.glob(".*")} == set()


@pytest.mark.dieu3
def test_dieu_3_4_legacy_text_is_shown_and_taken_only_when_confirmed(folder: Path) -> None:
    rows = [[tcvn3(cell) if isinstance(cell, str) else cell for cell in line] for line in (HEAD, row("Đỗ Thị Hòa"))]
    before = registries.octets(folder)
    result = run(folder, (), content=xlsx(rows))
    assert result.exit_code == 1
    assert "“§ç ThÞ Hßa” → “Đỗ Thị Hòa”" in result.output
    assert registries.octets(folder) == before
    result = run(folder, (), "--convert-legacy", content=xlsx(rows))
    assert result.exit_code == 0, result.output
    assert by_address(loading.load(folder), "dothihoa").name == "Đỗ Thị Hòa"
    assert "“§ç ThÞ Hßa” (TCVN3 (ABC)) đọc là “Đỗ Thị Hòa”" in result.output


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "column", "reason", "clause"),
    [
        (row("Nguyễn Văn Hùng"), "cột B", "đã có hộp thư “nguyenvanhung” (đang dùng)", "Đ5.2c"),
        (row("NGUYỄN VĂN HÙNG"), "cột B", "đã có hộp thư “nguyenvanhung”", "Đ5.2c"),
        (row("Lê Văn Cường"), "cột B", "đã có hộp thư “levancuong” (đã thu hồi)", "Đ5.2c"),
        (row("Nguyễn Văn Hùng", note="Không trùng tên với ai", birth=1985), "cột B", "đã có hộp thư", "Đ5.2c"),
        (row("Nguyễn Văn Hùng", note="trùng tên"), "cột I", "ghi quê quán hoặc ngày sinh", "Đ5.2c"),
        (row("Nguyễn Văn Hưng"), "cột I", "trùng địa chỉ", "Đ5.2c"),
        (row("Đỗ Thị Hòa", mailbox="tranthibinh"), "cột D", "đã có hộp thư “tranthibinh”", "Đ6.2a"),
        (row("Đỗ Thị Hòa", agency="Sở Tài chính"), "cột K", "dòng của “Sở Tài chính”", "Đ6.2a"),
        (row("Đỗ Thị Hòa", agency="Sở Ngoại vụ"), "cột K", "không có cơ quan “Sở Ngoại vụ”", "Đ5.1"),
        (row("Sở Tài chính"), "cột B", "là một cơ quan khác", "Đ6.2a"),
        (row("Sở Nội vụ"), "", "địa chỉ “snv” đã được cấp", "Đ5.2"),
        (row("Sato 健"), "cột B", "không phải chữ Việt", "Đ5"),
        (row("Hoàng Văn Em", "Thu hồi"), "cột B", "không có hộp thư đang dùng nào", "Đ6.2a"),
        (row("Phạm Thị Dung", "Thu hồi", mailbox="phamthidung"), "cột D", "hộp thư của “Sở Tài chính”", "Đ6.2a"),
        (row("Trần Thị Bình", "Thu hồi", mailbox="nguyenvanhung"), "cột D", "là hộp thư của “Nguyễn Văn Hùng”", "Đ5.2"),
        (row("Trần Thị Bình", "Thu hồi", mailbox="binh@gmail.com"), "cột D", "không phải hộp thư công vụ", "Đ5"),
        (row(None, "Thu hồi", mailbox="khongco"), "cột D", "không có hộp thư nào", ""),
        (row(None, "Thu hồi", mailbox="levancuong"), "", "sau khi thu hồi không còn sự kiện nào nữa", "Đ6.2c"),
        (row("Trần Thị Bình", "Tăng dung lượng"), "cột G", "thiếu dung lượng mới", "Đ8.1a"),
        (row("Trần Thị Bình", "Tăng dung lượng", quota="1GB"), "", "mức tối thiểu", "Đ8.1b"),
        (row("Trần Thị Bình", "Tăng dung lượng", quota="lớn"), "cột G", "không phải dung lượng", ""),
        (row("Trần Thị Bình", "Đổi tên"), "cột E", "thiếu tên mới", "Đ6.1"),
        (row("Trần Thị Bình", "Chuyển cơ quan"), "cột F", "thiếu cơ quan mới", "Đ6.1"),
        (row("Trần Thị Bình", "Chuyển cơ quan", target="Sở X"), "cột F", "không có cơ quan “Sở X”", "Đ5.1"),
    ],
)
def test_dieu_11_4_a_row_that_the_registry_forbids_is_reported_and_nothing_written(
    folder: Path, cells: list[Any], column: str, reason: str, clause: str
) -> None:
    (problem,) = refused(folder, row("Đỗ Văn Tốt"), cells)
    assert problem["line"] == 3
    assert column in problem["field"]
    assert reason in problem["text"]
    assert problem["clause"] == clause


def test_dieu_11_4_all_bad_rows_are_reported_at_once_those_of_reading_and_those_of_the_registry(folder: Path) -> None:
    problems = refused(
        folder,
        row("Đỗ Thị Hòa"),
        row("Đỗ Thị Hòa"),
        row("Nguyễn Văn Hùng"),
        row("X Y 3"),
        row("Trần Thị Bình", "không rõ"),
        row("Trần Thị Bình", "Thu hồi"),
        row("Trần Thị Bình", "Thu hồi"),
    )
    assert [problem["line"] for problem in problems] == [3, 4, 5, 6, 8]
    assert "(dòng 2 của danh sách)" in problems[0]["text"]


@pytest.mark.parametrize(
    ("ask", "first", "second"),
    [
        ("Thay đổi dung lượng", {"quota": "4GB"}, {"quota": "8GB"}),
        ("Đổi tên", {"new_name": "Trần Thị Bích"}, {"new_name": "Trần Thị Biên"}),
        ("Chuyển cơ quan", {"target": "Sở Tài chính"}, {"target": "Sở Thông tin và Truyền thông"}),
    ],
)
@pytest.mark.dieu6
def test_dieu_6_1_one_change_of_a_mailbox_asked_for_twice_is_refused(
    folder: Path, ask: str, first: dict[str, Any], second: dict[str, Any]
) -> None:
    rows = [row(None, ask, mailbox="tranthibinh", **first), row(None, ask, mailbox="tranthibinh", **second)]
    (problem,) = refused(folder, *rows, paper=("--agency", "stttt", *PAPER[2:]))
    assert problem["line"] == 3
    assert "đã có ở dòng 2 của danh sách" in problem["text"]


def test_two_different_changes_of_a_mailbox_stand_in_two_rows(folder: Path) -> None:
    state = imported(
        folder,
        row("Trần Thị Bình", "Thay đổi dung lượng", quota="4GB"),
        row("Trần Thị Bình", "Đổi tên", mailbox="tranthibinh", new_name="Trần Thị Bích"),
    )
    assert by_address(state, "tranthibich").history[-2].quota_bytes == 4 * 1024**3


def test_a_list_without_its_document_names_every_option_that_is_missing(folder: Path) -> None:
    problems = refused(folder, row("Đỗ Thị Hòa"), paper=())
    missing = {problem["field"] for problem in problems}
    assert missing == {"--agency", "--document", "--dated", "--ground", "--reply"}


def test_a_document_that_was_imported_before_is_refused(folder: Path) -> None:
    imported(folder, row("Đỗ Thị Hòa"))
    (problem,) = refused(folder, row("Phạm Văn Mười"))
    assert "đã có trong sổ" in problem["text"]


def test_a_request_that_does_not_ask_for_it_is_refused(folder: Path) -> None:
    paper = ("--request", "2024-0002", "--reply", "91/STTTT-CNTT", "--done", "05/06/2024")
    (problem,) = refused(folder, row("Trần Thị Bình", "Thu hồi"), paper=paper)
    assert problem["line"] == 2
    assert "không xin việc này" in problem["text"]


def test_an_unknown_request_or_sheet_is_refused(folder: Path) -> None:
    (problem,) = refused(folder, row("Đỗ Thị Hòa"), paper=("--request", "2030-0001", "--reply", "x"))
    assert "sổ đề nghị không có số 2030-0001" in problem["text"]
    (problem,) = refused(folder, row("Đỗ Thị Hòa"), paper=(*PAPER, "--sheet", "Khác"))
    assert "không có trang tính “Khác”; có: “Sheet1”" in problem["text"]


def test_a_namesake_in_another_agency_is_remarked(folder: Path) -> None:
    result = run(folder, [row("Phạm Thị Dung")])
    assert "cùng tên với “phamthidung” ở cơ quan khác" in result.output


# --- the template ---------------------------------------------------------------------------------------------------


def _template(folder: Path) -> Path:
    file = folder.parent / "mau.xlsx"
    result = CliRunner().invoke(import_, ["--template", str(file), "--registry", str(folder)])
    assert result.exit_code == 0, result.output
    return file


@pytest.mark.parametrize("options", [(), ("--dry-run",), ("--agency", "snv"), ("--output", "out.csv")])
def test_a_template_is_asked_for_alone(folder: Path, options: tuple[str, ...]) -> None:
    file, given = folder.parent / "mau.xlsx", folder.parent / "ds.xlsx"
    given.write_bytes(xlsx([HEAD, row("Đỗ Thị Hòa")]))
    words = [*options] if options else [str(given)]
    result = CliRunner().invoke(import_, [*words, "--template", str(file), "--registry", str(folder)])
    assert result.exit_code == 2
    assert "--template chỉ ghi biểu mẫu trống" in result.output
    assert not file.exists()


def test_a_template_does_not_replace_a_list_that_was_filled_in(folder: Path) -> None:
    file = folder.parent / "ds.xlsx"
    file.write_bytes(filled := xlsx([HEAD, row("Đỗ Thị Hòa")]))
    result = CliRunner().invoke(import_, ["--template", str(file), "--registry", str(folder), "--json"])
    assert result.exit_code == 1
    assert json.loads(result.output)["problems"][0]["text"] == "tệp đã có, không ghi đè: chọn tên khác"
    assert file.read_bytes() == filled


def test_dieu_11_4_a_filled_template_goes_through(folder: Path) -> None:
    file = _template(folder)
    book = openpyxl.load_workbook(file)
    sheet = book["Danh sách"]
    headings = {str(sheet.cell(7, column).value): column for column in range(1, sheet.max_column + 1)}
    sheet["C3"], sheet["C4"], sheet["E4"], sheet["C5"] = "Sở Nội vụ", "12/SNV-VP", date(2026, 6, 1), "45/QĐ-SNV"
    values: dict[str, str | int] = {
        "STT": 1,
        "Loại hộp thư": "Cá nhân",
        "Họ và tên / Tên phòng, đơn vị": "Đỗ Thị Hòa",
        "Nội dung đề nghị": "Cấp mới",
    }
    for column, value in values.items():
        sheet.cell(11, headings[column], value)
    book.save(file)
    options = ["--received", "02/06/2026", "--reply", "90/STTTT-CNTT", "--done", "03/06/2026"]
    result = CliRunner().invoke(import_, [str(file), "--registry", str(folder), *options])
    assert result.exit_code == 0, result.output
    state = loading.load(folder)
    assert by_address(state, "dothihoa").agency == "k7q2m4"
    request = state.requests["2026-0001"]
    assert (request.document, request.dated, request.ground) == ("12/SNV-VP", date(2026, 6, 1), "45/QĐ-SNV")
    assert len(state.mailboxes) == len(loading.load(registries.write(folder.parent / "other")).mailboxes) + 1


def test_a_blank_template_has_choices_examples_and_no_entries(folder: Path) -> None:
    file = _template(folder)
    sheet = openpyxl.load_workbook(file)["Danh sách"]
    assert [sheet.cell(row, 1).value for row in (8, 9, 10)] == ["Ví dụ"] * 3
    formulas = {rule.formula1 for rule in sheet.data_validations.dataValidation}
    assert "co_quan" in formulas
    assert any("Thu hồi" in (formula or "") for formula in formulas)
    result = CliRunner().invoke(import_, [str(file), "--registry", str(folder), *PAPER])
    assert result.exit_code == 1
    assert "danh sách không có dòng nào" in result.output


def test_the_state_of_a_revoked_mailbox_is_revoked(folder: Path) -> None:
    document = loading.desired_state(imported(folder, row("Trần Thị Bình", "Thu hồi")))
    (mailbox,) = [box for box in document["mailboxes"] if box["address"] == "tranthibinh"]
    assert mailbox["state"] == State.REVOKED
