"""One gate for the names of people at every door: command, list, YAML, proposal (Đ5.2)."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.data import registries
from tests.data.spreadsheets import xlsx
from tests.population import people
from tests.unit.registry_world import RULE_BOOK, World

from hanam_mail.cli.importing import import_
from hanam_mail.importing.lines import is_office
from hanam_mail.registry import loading
from hanam_mail.regulation import naming

RULES = RULE_BOOK.naming
PAPER = ("--document", "12/SNV-VP", "--dated", "01/06/2026", "--ground", "45/QĐ-SNV", "--reply", "90/STTTT-CNTT")
NAMES = sorted({person.name for person in people(5_000, 4)})

pytestmark = pytest.mark.dieu5

# Corrected, and said.
CORRECTED = {
    "NGUYỄN VĂN AN": "Nguyễn Văn An",
    "nguyễn văn an": "Nguyễn Văn An",
    "NGUYỄN Văn An": "Nguyễn Văn An",
    "Nguyễn văn An": "Nguyễn Văn An",
    "Trần Thị Lаn": "Trần Thị Lan",  # Cyrillic а
    "Ðỗ Thị Hòa": "Đỗ Thị Hòa",
    "K' Brếu": "K'Brếu",
    "K’ Tuấn": "K’Tuấn",
    "H' Hen Niê": "H'Hen Niê",
    "Rơ Châm H' Lưm": "Rơ Châm H'Lưm",
}
# Refused unless somebody confirms that the papers have it so.
DOUBTED = [
    "Nguyen Van An",
    "Mai Thi Hoa",
    "Ông Nguyễn Văn An",
    "ThS. Nguyễn Văn An",
    "Đ/c Trần Văn An",
    "Văn thư",
    "Nguyễn Văn An Giám đốc",
    "John Smith",
    "Lê Smith",
    "Hà",
    "Nguyễn Văn An và Trần Thị Bình",
    "Trường Giang",
    "Y Êñuôl",
    "Trường Văn Sơn",
    "Phòng Văn Hải",
    "Y Ñuôl",
    "Sở Văn Minh",
    "Phòng Nội Vụ",
    "H'Ñen Niê",
    "Y Thông Êñuôl",
]
# Refused whatever anybody says.
REFUSED = [
    "Nguyễn Văn An (Giám đốc)",
    "Nguyễn Văn An - Giám đốc",
    "Nguyễn Văn An 0912345678",
    "Nguyễn Văn An 2",
    "Admin",
    "Giám đốc Nguyễn Văn An",
    "Phòng Nội vụ",
    "Kế toán trưởng",
    "Иванов",
    "Nguyễn Văn An; Trần Bình",
]
UNUSUAL = [
    "H'Hen Niê", "H’Hen Niê", "Y-Thông Mlô", "Rơ Châm H'Lưm", "Y Bluñ Kñăm", "K'Brếu Ka",
    "Mai Lan Anh", "Phan Kim Dung", "Ông Thị Hoa", "Văn Thị Thư", "Nguyễn Văn Thư", "Hoàng Trung Tâm",
    "Phó Đức Phương", "Ban Văn Quang", "Nguyễn Văn A",
]  # fmt: skip


def gate(name: str, *, exact: bool = False) -> str:
    return naming.read_person(name, RULES, exact=exact).text


@pytest.mark.parametrize(("typed", "name"), CORRECTED.items())
def test_what_is_sure_is_corrected_with_a_note(typed: str, name: str) -> None:
    read = naming.read_person(typed, RULES)
    assert read.text == name
    assert len(read.notes) == 1


@pytest.mark.parametrize("name", DOUBTED)
def test_what_may_be_right_needs_a_confirmation(name: str) -> None:
    with pytest.raises(naming.NamingDoubt):
        gate(name)


@pytest.mark.parametrize(
    "name", ["Nguyen Van An", "John Smith", "Hà", "Văn Thư", "Ông Nguyễn Minh", "H'Ñen Niê", "Trường Giang"]
)
def test_a_confirmed_name_is_kept_as_it_is(name: str) -> None:
    assert gate(name, exact=True) == name


@pytest.mark.parametrize("typed", ["NGUYỄN VĂN AN", "nguyễn văn an"])
def test_a_confirmation_keeps_no_capitals_that_nobody_has_on_papers(typed: str) -> None:
    assert gate(typed, exact=True) == "Nguyễn Văn An"


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_name_is_refused_whatever_is_confirmed(name: str) -> None:
    for exact in (False, True):
        with pytest.raises(naming.NamingError):
            gate(name, exact=exact)


@pytest.mark.parametrize(
    "name",
    [
        "Bí Thư Huyện Ủy", "Bí thư Đảng ủy", "Trạm trưởng", "Trạm Y tế", "Hội đồng nhân dân", "Ủy ban nhân dân",
        "Đội trưởng", "Một cửa", "Điều dưỡng trưởng", "Hội Nông dân", "Huyện ủy", "Tổ Văn phòng", "Công an xã",
        "UBND xã Tiên Sơn", "Đội phó", "Chánh án", "Viện trưởng", "Thường trực",
    ],
)  # fmt: skip
def test_posts_and_units_never_pass(name: str) -> None:
    for exact in (False, True):
        with pytest.raises(naming.NamingError):
            gate(name, exact=exact)


@pytest.mark.parametrize("name", ["Phó Bí thư", "Khoa Nội", "Trạm Y Tế", "Ủy Ban Nhân Dân"])
def test_posts_and_units_that_look_like_names_need_a_confirmation(name: str) -> None:
    with pytest.raises(naming.NamingDoubt):
        gate(name)


@pytest.mark.parametrize("unit", RULES.people.units)
def test_what_a_list_takes_for_an_office_no_door_takes_for_a_person(unit: str) -> None:
    assert is_office(f"{unit} huyện", RULES.people.units)
    with pytest.raises(naming.NamingError):
        gate(f"{unit} huyện")


@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_names_pass(name: str) -> None:
    assert naming.read_person(name, RULES) == naming.Name(name)


def test_nobody_of_a_whole_province_is_doubted() -> None:
    assert [name for name in NAMES if naming.read_person(name, RULES) != naming.Name(name)] == []


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(NAMES), st.sampled_from([str.upper, str.lower, str.swapcase]))
def test_capitals_are_always_put_right(name: str, change: Callable[[str], str]) -> None:
    assert gate(change(name)) == name


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=30), st.sampled_from([*NAMES[:50], *DOUBTED, *REFUSED])), st.booleans())
def test_what_passed_once_passes_as_itself(text: str, exact: bool) -> None:
    try:
        passed = gate(text, exact=exact)
    except naming.NamingError:
        return
    assert gate(passed, exact=exact) == passed
    # A particle that somebody parted from its name ("K' Brếu") is joined to it again.
    joined = re.sub(r"(?<=\b\w['’‘ʼ`´′])\s+(?=\w)", "", naming.normal(text))
    assert any(naming.fold(passed) == naming.fold(each) for each in (text, joined))


# --- the doors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*DOUBTED[::3], *REFUSED[1::3]])
def test_every_door_refuses_the_same(run: Callable[..., Result], tmp_path: Path, name: str) -> None:
    added = run("add", "person", name, "--agency", "snv", *PAPER)
    proposed = run("propose", name, "--kind", "person", "--agency", "snv")
    renamed = run("rename", "tranquangminh", name, *PAPER)
    (tmp_path / "list").mkdir()
    listed = imported(tmp_path / "list", name)
    assert [each.exit_code for each in (added, proposed, renamed, listed)] == [1, 1, 1, 1]
    world = World(tmp_path / "world")
    world.replace("snv.yml", "name: Lê An", f"name: {json.dumps(name, ensure_ascii=False)}")
    assert {problem.field for problem in world.problems()} >= {"name"}


@pytest.mark.parametrize(("typed", "name"), list(CORRECTED.items())[::2])
def test_every_door_corrects_the_same(run: Callable[..., Result], tmp_path: Path, typed: str, name: str) -> None:
    added = run("add", "person", typed, "--agency", "snv", "--json", *PAPER)
    assert added.exit_code == 0, added.output
    assert any(name in warning or "giống chữ Việt" in warning for warning in json.loads(added.output)["warnings"])
    proposed = run("propose", typed, "--kind", "person", "--agency", "stp", "--json")
    assert len(json.loads(proposed.output)["warnings"]) == 1
    listed = imported(tmp_path / "list", typed)
    (row,) = json.loads(listed.output)["rows"]
    assert row["name"] == name
    assert len(row["notes"]) == 1
    world = World(tmp_path / "world")
    world.replace("snv.yml", "name: Lê An", f"name: {typed}")
    world.replace("snv.yml", "address: lean", f"address: {naming.slug(name)}")
    problem = world.only_problem()
    assert problem.field == "name"
    assert f"phải ghi là “{name}”" in problem.text


@pytest.mark.parametrize("name", ["Y Êñuôl", "H'Ñen Niê", "Trường Văn Sơn"])
def test_a_confirmed_rare_name_gets_a_mailbox(run: Callable[..., Result], name: str) -> None:
    added = run("add", "person", name, "--agency", "snv", *PAPER, "--exact-name")
    assert added.exit_code == 0, added.output
    assert run("check").exit_code == 0


def test_every_door_takes_a_confirmation(run: Callable[..., Result], project: Path, tmp_path: Path) -> None:
    for command in (("add", "person", "Nguyen Van Sau", "--agency", "snv"), ("rename", "tranquangminh", "John Smith")):
        paper = (PAPER[0], f"{len(command)}/VP", *PAPER[2:])
        result = run(*command, *paper, "--exact-name")
        assert result.exit_code == 0, result.output
    assert run("check").exit_code == 0
    state = loading.load(project / "mailboxes")
    assert {box.name for box in state.mailboxes.values() if box.exact_name} == {"Nguyen Van Sau", "John Smith"}
    assert run("propose", "John Smith", "--kind", "person", "--agency", "snv", "--exact-name").exit_code == 0
    listed = imported(tmp_path / "list", "John Smith", "đúng tên")
    assert listed.exit_code == 0, listed.output
    # A later name that nobody doubts needs no confirmation any more.
    again = run("rename", "johnsmith", "Trần Quang Minh", PAPER[0], "9/VP", *PAPER[2:])
    assert again.exit_code == 0, again.output
    state = loading.load(project / "mailboxes")
    assert {box.name for box in state.mailboxes.values() if box.exact_name} == {"Nguyen Van Sau"}


def test_a_closed_mailbox_keeps_the_name_it_had(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.replace("snv.yml", "clerks: [v2b4n6]\n    ", "")
    world.happen("v2b4n6", ["event: revoke, request: 2024-0006, done: 2024-03-01"])
    world.replace("snv.yml", "name: Lê An", "name: LÊ AN")
    assert world.problems() == []


def test_other_names_are_in_one_script_too(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.replace("snv.yml", "name: Phòng Công chức", "name: Phòng Công сhức")  # Cyrillic с
    assert "phải ghi là “Phòng Công chức”" in world.only_problem().text


def imported(folder: Path, name: str, note: str = "") -> Result:
    folder.mkdir(exist_ok=True)
    mailboxes, file = registries.write(folder), folder / "ds.xlsx"
    rows = [["STT", "Họ và tên", "Nội dung đề nghị", "Ghi chú"], [1, name, "Cấp mới", note or None]]
    file.write_bytes(xlsx(rows))
    words = ["--agency", "snv", *PAPER, "--json"]
    return CliRunner().invoke(import_, [str(file), "--registry", str(mailboxes), *words])
