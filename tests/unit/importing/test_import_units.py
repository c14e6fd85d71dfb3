"""What a list says of its unit, its document and its columns: it decides, or it is told (Đ6.2, Đ11.4, Đ11.5)."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.data import registries
from tests.data.spreadsheets import Rows, tcvn3, xlsx

from hanam_mail.cli.importing import import_
from hanam_mail.cli.requests import request as request_command
from hanam_mail.registry import loading
from hanam_mail.registry.model import Registry

pytestmark = pytest.mark.dieu11

SCHOOL = """\
---
agency:
  id: g7g7g7
  name: Trường Trung học phổ thông chuyên Biên Hòa
  kind: unit
  code: thptbienhoa
  suffix: bh
mailboxes:
  - id: g8g8g8
    kind: agency
    address: thptbienhoa
    history:
      - {event: issue, request: 2023-0002, done: 2023-06-28}
"""
HEAD = ["STT", "Họ và tên", "Chức vụ", "Nội dung đề nghị", "Ghi chú"]
PAPER = (
    "--document", "12/VP", "--dated", "01/06/2026", "--received", "02/06/2026", "--ground", "45/QĐ",
    "--done", "03/06/2026",
)  # fmt: skip
LATER = (*PAPER, "--reply-later")
REPLY = (*PAPER, "--reply", "90/STTTT-CNTT")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    written = registries.write(tmp_path)
    (written / "thptbienhoa.yml").write_text(SCHOOL, encoding="utf-8")
    return written


def run(folder: Path, rows: Rows, *options: str) -> Result:
    file = folder.parent / "ds.xlsx"
    file.write_bytes(xlsx(rows))
    return CliRunner().invoke(import_, [str(file), "--registry", str(folder), "--json", *options])


def done(folder: Path, rows: Rows, *options: str) -> dict[str, Any]:
    result = run(folder, rows, *options)
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.output)
    return answer


def problems(folder: Path, rows: Rows, *options: str) -> list[tuple[int, str, str]]:
    before = registries.octets(folder)
    result = run(folder, rows, *options)
    assert result.exit_code == 1, result.output
    assert registries.octets(folder) == before
    return [(each["line"], each["field"], each["text"]) for each in json.loads(result.output)["problems"]]


def letter(*lines: str, people: Sequence[str] = ("Đỗ Thị Hòa",)) -> Rows:
    """A list under a letterhead, the state's motto beside it as officials write it."""
    motto = ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc", "")
    head = [[line, None, None, beside or None] for line, beside in zip(lines, motto, strict=False)]
    rows = [[number, name, "Giáo viên", "Cấp mới", None] for number, name in enumerate(people, start=1)]
    return [*head, ["DANH SÁCH ĐỀ NGHỊ CẤP HỘP THƯ"], HEAD, *rows]


def person(state: Registry, name: str) -> Any:
    return next(box for box in state.mailboxes.values() if box.name == name)


# --- the second line of the letterhead ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["TRƯỜNG THPT CHUYÊN BIÊN HÒA", "Trường Trung học phổ thông chuyên Biên Hòa"])
def test_a_school_under_its_department_is_the_sender(folder: Path, name: str) -> None:
    done(folder, letter("SỞ NỘI VỤ", name), *REPLY)
    state = loading.load(folder)
    assert state.agencies[person(state, "Đỗ Thị Hòa").agency].code == "thptbienhoa"
    assert state.agencies[state.requests["2026-0001"].agency].code == "thptbienhoa"


def test_an_agency_that_nobody_registered_is_told_and_no_other_is_taken_from_the_text(folder: Path) -> None:
    rows = [*letter("UBND TỈNH HÀ NAM", "SỞ NGOẠI VỤ")]
    rows.insert(3, ["(kèm Công văn gửi Sở Nội vụ)", None, None, None])
    ((line, field, text),) = problems(folder, rows, *REPLY)
    assert (line, field) == (0, "--agency")
    assert "“SỞ NGOẠI VỤ” ở đầu danh sách không phải cơ quan nào trong sổ" in text
    done(folder, rows, *REPLY, "--agency", "snv")


def test_a_unit_that_nobody_registered_is_told_and_its_people_are_not_the_departments(folder: Path) -> None:
    rows = letter("SỞ NỘI VỤ", "TRƯỜNG CHÍNH TRỊ")
    ((line, field, text),) = problems(folder, rows, *REPLY)
    assert (line, field) == (0, "--agency")
    assert "“TRƯỜNG CHÍNH TRỊ” dưới tên “Sở Nội vụ” không phải cơ quan nào trong sổ" in text
    assert "--agency snv" in text
    answer = done(folder, rows, "--agency", "snv", *REPLY)
    assert any("TRƯỜNG CHÍNH TRỊ" in warning for warning in answer["warnings"])


def test_an_office_under_its_department_is_the_departments_and_told(folder: Path) -> None:
    answer = done(folder, letter("SỞ NỘI VỤ", "PHÒNG TỔ CHỨC"), *REPLY)
    assert any("“PHÒNG TỔ CHỨC”: văn bản được tính của cơ quan mã snv" in warning for warning in answer["warnings"])
    assert loading.load(folder).agencies[person(loading.load(folder), "Đỗ Thị Hòa").agency].code == "snv"


# --- all errors in one round ----------------------------------------------------------------------------------------


def test_missing_options_bad_rows_and_rows_that_the_registry_forbids_come_together(folder: Path) -> None:
    rows: Rows = [
        ["SỞ NỘI VỤ"],
        [*HEAD, "Hộp thư hiện có", "Cơ quan", "Ngày sinh"],
        [1, "Ông Lê 9", None, "gì đó", None, None, None, "32/13/1980"],
        [2, "Nguyễn Văn Hùng", None, "Cấp mới", None, None, None, None],
        [3, "Phạm Văn Mười", None, "Cấp mới", None, None, "Sở Ngoại vụ", "31/02/1980"],
    ]
    found = problems(folder, rows)
    assert {field for line, field, _ in found if not line} == {"--document", "--dated", "--ground", "--reply"}
    assert {(line, field.partition(" (")[0]) for line, field, _ in found if line} == {
        (3, "Họ và tên"),
        (3, "Nội dung đề nghị"),
        (3, "Ngày sinh"),
        (4, "Họ và tên"),
        (5, "Cơ quan"),
        (5, "Ngày sinh"),
    }


def test_a_document_that_is_registered_already_does_not_hide_bad_rows(folder: Path) -> None:
    done(folder, letter("SỞ NỘI VỤ"), *REPLY)
    found = problems(folder, letter("SỞ NỘI VỤ", people=["Đỗ Thị Hòa"]), *REPLY)
    assert len(found) == 2
    assert "đã có trong sổ" in found[0][2]
    assert "đã có hộp thư" in found[1][2]


def test_old_fonts_do_not_hide_bad_rows(folder: Path) -> None:
    rows = [[tcvn3(cell) if isinstance(cell, str) else cell for cell in row] for row in letter("SỞ NỘI VỤ")]
    rows.append([2, "Lê 9", None, "Cấp mới", None])
    texts = [text for _, _, text in problems(folder, rows, "--agency", "snv", *REPLY)]
    assert len(texts) == 2
    assert any("--convert-legacy" in text for text in texts)
    assert any("có chữ số" in text for text in texts)


# --- the reply's number, the columns, the post ----------------------------------------------------------------------


def test_the_number_of_the_reply_may_follow_and_is_missed_until_it_does(folder: Path) -> None:
    done(folder, letter("SỞ NỘI VỤ"), *LATER)
    reply = loading.load(folder).requests["2026-0001"].reply
    assert reply is not None
    assert (reply.document, f"{reply.date}") == ("", "2026-06-03")
    words = ["answer", "2026-0001", "--reply", "90/STTTT", "--replied", "04/06/2026", "--registry", str(folder)]
    assert CliRunner().invoke(request_command, words).exit_code == 0
    reply = loading.load(folder).requests["2026-0001"].reply
    assert reply is not None
    assert (reply.document, f"{reply.date}") == ("90/STTTT", "2026-06-04")
    assert CliRunner().invoke(request_command, words).exit_code == 1  # once


def test_columns_that_are_dropped_are_named(folder: Path) -> None:
    rows: Rows = [[*HEAD, "Số di động"], [1, "Đỗ Thị Hòa", "Kế toán", "Cấp mới", None, "0912345678", "thêm"]]
    warnings = "\n".join(done(folder, rows, "--agency", "snv", *REPLY)["warnings"])
    assert "không dùng cột “Số di động” (cột F)" in warnings
    assert "không dùng cột G: cột có dữ liệu mà không có tiêu đề" in warnings
    assert "0912345678" not in warnings
    assert "Chức vụ" not in warnings


def test_dieu_11_5_the_post_is_read_and_kept(folder: Path) -> None:
    rows: Rows = [HEAD, [1, "Đỗ Thị Hòa", "Phó Chánh Văn phòng", "Cấp mới", None]]
    done(folder, rows, "--agency", "snv", *REPLY)
    state = loading.load(folder)
    assert person(state, "Đỗ Thị Hòa").post == "Phó Chánh Văn phòng"
    assert "    post: Phó Chánh Văn phòng\n" in (folder / "snv.yml").read_text(encoding="utf-8")


def test_dieu_11_5_a_post_that_cannot_be_kept_is_named_by_its_row_and_column(folder: Path) -> None:
    rows: Rows = [HEAD, [1, "Đỗ Thị Hòa", "Trưởng phòng ☺", "Cấp mới", None], [2, "Lê Thị Lan", "ă" * 201, "Cấp mới"]]
    assert [each[:2] for each in problems(folder, rows, "--agency", "snv", *REPLY)] == [
        (2, "Chức vụ (cột C)"),
        (3, "Chức vụ (cột C)"),
    ]


def test_dieu_11_5_a_change_of_the_list_brings_the_post_of_today(folder: Path) -> None:
    rows: Rows = [[*HEAD, "Dung lượng"], [1, "Nguyễn Văn Hùng", "Chuyên viên", "Thay đổi dung lượng", None, "4GB"]]
    done(folder, rows, "--agency", "snv", *REPLY)
    assert person(loading.load(folder), "Nguyễn Văn Hùng").post == "Chuyên viên"


def test_dieu_11_4_the_telephone_of_people_offices_and_agencies_is_read_and_kept(folder: Path) -> None:
    rows: Rows = [
        [*HEAD, "Điện thoại cơ quan"],
        [1, "Đỗ Thị Hòa", "Kế toán", "Cấp mới", None, "0226 3850 123 máy lẻ 12"],
        [2, "Phòng Thi đua", None, "Cấp mới", None, "(0226) 3.850.124"],
        [3, "Lê Thị Lan", None, "Cấp mới", None, None],
    ]
    warnings = done(folder, rows, "--agency", "snv", *REPLY)["warnings"]
    state = loading.load(folder)
    assert person(state, "Đỗ Thị Hòa").phone == "0226 3850 123 máy lẻ 12"
    assert person(state, "Phòng Thi đua").phone == "(0226) 3.850.124"
    assert person(state, "Lê Thị Lan").phone == ""
    assert "    phone: 0226 3850 123 máy lẻ 12\n" in (folder / "snv.yml").read_text(encoding="utf-8")
    assert not [warning for warning in warnings if "Điện thoại" in warning or "0226" in warning]


@pytest.mark.parametrize("heading", ["Điện thoại", "SĐT", "Điện thoại di động", "Zalo"])
def test_dieu_11_4_telephones_that_need_not_be_the_offices_do_not_enter_the_registry(
    folder: Path, heading: str
) -> None:
    rows: Rows = [
        [*HEAD, heading],
        [1, "Đỗ Thị Hòa", "Kế toán", "Cấp mới", None, "0912 345 678"],
        [2, "Lê Thị Lan", "Kế toán", "Cấp mới", None, 912345678],  # nor is it judged
    ]
    warnings = done(folder, rows, "--agency", "snv", *REPLY)["warnings"]
    assert f"không dùng cột “{heading}” (cột F)" in " ".join(warnings)
    state = loading.load(folder)
    assert [person(state, name).phone for name in ("Đỗ Thị Hòa", "Lê Thị Lan")] == ["", ""]
    assert "345" not in (folder / "snv.yml").read_text(encoding="utf-8")


def test_dieu_11_4_a_revocation_is_not_stopped_by_a_telephone_that_it_does_not_keep(folder: Path) -> None:
    rows: Rows = [[*HEAD, "Điện thoại cơ quan"], [1, "Nguyễn Văn Hùng", None, "Thu hồi", None, 912345678]]
    done(folder, rows, "--agency", "snv", *REPLY)


def test_dieu_11_4_a_telephone_that_cannot_be_kept_is_named_by_its_row_and_column(folder: Path) -> None:
    rows: Rows = [
        [*HEAD, "SĐT cơ quan"],
        [1, "Đỗ Thị Hòa", "Kế toán", "Cấp mới", None, 912345678],  # Excel took its 0
        [2, "Lê Thị Lan", "Kế toán", "Cấp mới", None, "0226 3850 123, 0912 345 678"],
    ]
    found = problems(folder, rows, "--agency", "snv", *REPLY)
    assert [each[:2] for each in found] == [(2, "SĐT cơ quan (cột F)"), (3, "SĐT cơ quan (cột F)")]
    assert not [text for *_, text in found if "912345678" in text or "3850" in text]


def test_dieu_11_4_a_change_of_the_list_brings_the_telephone_of_today_and_an_empty_cell_leaves_it(folder: Path) -> None:
    head = [*HEAD, "Dung lượng", "Điện thoại cơ quan"]
    for number, size, shown in (("13/VP", "4GB", "0226 3850 123"), ("14/VP", "6GB", None)):
        rows: Rows = [head, [1, "Nguyễn Văn Hùng", None, "Thay đổi dung lượng", None, size, shown]]
        done(folder, rows, "--agency", "snv", *REPLY, "--document", number)
        assert person(loading.load(folder), "Nguyễn Văn Hùng").phone == "0226 3850 123"
