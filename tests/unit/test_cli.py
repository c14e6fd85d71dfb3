"""The operator's command: its exit codes, its texts, its files."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hanam_mail.cli import main

ROOT = Path(__file__).parents[2]

type Run = Callable[..., Result]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the registry and of what it is judged by."""
    shutil.copytree(ROOT / "mailboxes", tmp_path / "mailboxes")
    (tmp_path / "group_vars/all").mkdir(parents=True)
    shutil.copy(ROOT / "group_vars/all/regulation.yml", tmp_path / "group_vars/all")
    shutil.copytree(ROOT / "data", tmp_path / "data")
    return tmp_path


@pytest.fixture
def run(project: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(project)

    def run_command(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments)

    return run_command


def spoil(project: Path) -> None:
    file = project / "mailboxes/stttt.yml"
    file.write_text(file.read_text(encoding="utf-8").replace("address: stttt", "address: sttt"), encoding="utf-8")


def test_check_of_a_right_registry_says_so(run: Run) -> None:
    result = run("check")
    assert (result.exit_code, result.stdout) == (0, "Sổ đăng ký đúng: 134 cơ quan, 144 hộp thư.\n")


def test_check_names_file_line_field_and_clause(run: Run, project: Path) -> None:
    spoil(project)
    result = run("check")
    assert result.exit_code == 1
    assert "mailboxes/stttt.yml:11: trường address: phải là “stttt” theo mã cơ quan (Đ5.1a)\n" in result.stderr
    assert result.stdout == ""


def test_check_prints_json_for_programs(run: Run, project: Path) -> None:
    spoil(project)
    result = run("check", "--json")
    (problem,) = json.loads(result.stdout)["problems"]
    assert result.exit_code == 1
    assert (problem["file"], problem["line"], problem["clause"]) == ("mailboxes/stttt.yml", 11, "Đ5.1a")


def test_format_makes_an_entry_canonical_that_check_refused(run: Run, project: Path) -> None:
    file = project / "mailboxes/stttt.yml"
    canonical = file.read_text(encoding="utf-8")
    file.write_text(canonical.replace("kind: agency", "kind: 'agency'"), encoding="utf-8")
    assert run("check").exit_code == 1
    assert run("fmt").exit_code == 0
    assert file.read_text(encoding="utf-8") == canonical


@pytest.mark.parametrize("address", ["stttt", "STTTT@hanam.gov.vn"])
def test_show_finds_a_mailbox_by_address(run: Run, address: str) -> None:
    result = run("show", address)
    assert result.exit_code == 0
    assert "Sở Thông tin và Truyền thông (stttt)" in result.stdout
    assert "31/STTTT-CNTT" in result.stdout


def test_show_of_an_unknown_address_is_an_error(run: Run) -> None:
    assert run("show", "nobody").exit_code == 1


def test_export_writes_the_desired_state_for_its_owner_only(run: Run, project: Path) -> None:
    file = project / "state.json"
    assert run("export", "--output", str(file)).exit_code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text(encoding="utf-8") == run("export").stdout
    document = json.loads(file.read_text(encoding="utf-8"))
    assert len(document["mailboxes"]) == 144


def test_export_of_a_wrong_registry_writes_nothing(run: Run, project: Path) -> None:
    spoil(project)
    assert run("export", "--output", "state.json").exit_code == 1
    assert not (project / "state.json").exists()


@pytest.mark.dieu5
@pytest.mark.parametrize(
    ("arguments", "address"),
    [
        (["Sở Du lịch", "--kind", "department"], "sdl"),
        (["huyện Hải Hậu", "--kind", "district"], "ubndhh"),
        (["xã Mới, huyện Lý Nhân", "--kind", "commune"], "ubndmoi.ln"),
        (["Phòng Tư pháp", "--kind", "office", "--agency", "kb"], "ptp.kb"),
        (["Nguyễn Văn Hùng", "--kind", "person", "--agency", "sxd"], "nguyenvanhung.xd"),
        (["Nguyễn Văn Hùng", "--kind", "person", "--agency", "snv"], "nguyenvanhung.2"),
    ],
)
def test_propose_gives_the_address_by_rule(run: Run, arguments: list[str], address: str) -> None:
    assert run("propose", *arguments).stdout == address + "\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["Sở Tư pháp", "--kind", "department"], 1),
        (["xã Mới", "--kind", "commune"], 1),
        (["Lê An", "--kind", "person", "--agency", "zz"], 1),
        (["Иван", "--kind", "person", "--agency", "snv"], 1),
        (["Lê An", "--kind", "person"], 2),
        (["Lê An", "--kind", "robot"], 2),
    ],
)
def test_propose_tells_errors_from_wrong_use(run: Run, arguments: list[str], code: int) -> None:
    assert run("propose", *arguments).exit_code == code


def test_generate_gives_the_same_octets_again(run: Run, project: Path) -> None:
    before = {file: file.read_bytes() for file in (project / "mailboxes").rglob("*.yml")}
    shutil.rmtree(project / "mailboxes")
    assert run("generate").exit_code == 0
    assert {file: file.read_bytes() for file in (project / "mailboxes").rglob("*.yml")} == before


def test_generate_overwrites_nothing(run: Run, project: Path) -> None:
    spoil(project)
    before = (project / "mailboxes/stttt.yml").read_bytes()
    assert run("generate").exit_code == 1
    assert (project / "mailboxes/stttt.yml").read_bytes() == before


@pytest.mark.parametrize("command", ["check", "fmt", "show", "export", "propose", "generate"])
def test_help_is_vietnamese_and_english(run: Run, command: str) -> None:
    text = run(command, "--help").stdout
    assert " / " in text
    assert "Thư mục" in text


def test_help_loads_neither_yaml_nor_rich() -> None:
    program = "import sys, hanam_mail.cli; print([m for m in ('yaml', 'rich', 'ansible') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"
