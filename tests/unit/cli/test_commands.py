"""The operator's command: its exit codes, its texts, its files."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from hanam_mail.cli import main

type Run = Callable[..., Result]


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


def test_a_place_that_cannot_be_written_is_one_sentence(run: Run) -> None:
    for words in (("export", "--output", "nowhere/state.json"), ("generate", "--output", "data/hanam_units.tsv/x")):
        result = run(*words)
        assert result.exit_code == 1
        assert result.stderr.endswith("1 lỗi.\n")


def test_a_registry_without_its_regulation_is_one_sentence(run: Run, project: Path) -> None:
    (project / "group_vars/hanam/regulation.yml").unlink()
    result = run("check", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["problems"][0]["file"].endswith("regulation.yml")


@pytest.mark.dieu5
@pytest.mark.parametrize(
    ("arguments", "address"),
    [
        (["Sở Du lịch", "--kind", "department"], "sdl"),
        (["huyện Hải Hậu", "--kind", "district"], "ubndhh"),
        (["xã Mới, huyện Lý Nhân", "--kind", "commune"], "ubndmoi.ln"),
        (["Phòng Tư pháp", "--kind", "office", "--agency", "kb"], "ptp.kb"),
        (["Nguyễn Văn Hùng", "--kind", "person", "--agency", "sxd"], "nguyenvanhung.xd"),
        (["Nguyễn Văn Hùng", "--kind", "person", "--agency", "snv", "--counter"], "nguyenvanhung.2"),
        (
            ["Nguyễn Văn Hùng", "--kind", "person", "--agency", "snv", "--detail", "xã Tiên Sơn"],
            "nguyenvanhung.tienson",
        ),
    ],
)
def test_propose_gives_the_address_by_rule(run: Run, arguments: list[str], address: str) -> None:
    assert run("propose", *arguments).stdout == address + "\n"


@pytest.mark.dieu5
@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("person", "Lê Thanh Bình", ["--agency", "snv"]),
        ("person", "Nguyễn Văn Hùng", ["--agency", "sxd"]),
        ("person", "Nguyễn Văn Hùng", ["--agency", "snv", "--detail", "xã Tiên Sơn"]),
        ("person", "NGUYỄN VĂN HÙNG", ["--agency", "snv", "--counter"]),
        ("person", "Nguyễn Văn Hùng", ["--agency", "snv"]),
        ("person", "Trưởng phòng", ["--agency", "snv"]),
        ("person", "Lê An", ["--agency", "zz"]),
        ("office", "Phòng CNTT", ["--agency", "stttt"]),
        ("office", "Phòng Thông tin - Báo chí - Xuất bản", ["--agency", "stttt"]),
        ("agency", "Sở Du lịch", ["--kind", "department", "--sender", "stttt"]),
        ("agency", "Sở Tư pháp", ["--kind", "department", "--sender", "stttt"]),
    ],
)
def test_propose_says_what_add_does(run: Run, kind: str, name: str, words: list[str]) -> None:
    paper = ["--document", "1", "--dated", "20/11/2026", "--ground", "x", "--reply", "y", "--dry-run", "--json"]
    namesake = ["--namesake"] if kind == "person" else []
    added = run("add", kind, name, *words, *namesake, *paper)
    proposing = words[:2] if kind == "agency" else ["--kind", kind, *words]
    proposed = run("propose", name, *proposing, "--json")
    assert proposed.exit_code == added.exit_code, added.output
    if added.exit_code == 0:
        assert json.loads(proposed.stdout)["address"] == json.loads(added.stdout)["address"]
    else:
        assert json.loads(proposed.stdout)["problems"] == json.loads(added.stdout)["problems"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["Sở Tư pháp", "--kind", "department"], 1),
        (["xã Mới", "--kind", "commune"], 1),
        (["Lê An", "--kind", "person", "--agency", "zz"], 1),
        (["Nguyễn Văn Hùng", "--kind", "person", "--agency", "snv"], 1),
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
    assert run("generate").stdout == "Không có gì thay đổi.\n"


def test_generate_overwrites_nothing(run: Run, project: Path) -> None:
    spoil(project)
    before = (project / "mailboxes/stttt.yml").read_bytes()
    assert run("generate").exit_code == 1
    assert (project / "mailboxes/stttt.yml").read_bytes() == before


@pytest.mark.parametrize(
    "words",
    ["trần quang minh", "TRAN QUANG MINH", "Minh Quang tran", "tranquang", "j3w9s9", "minh thong tin truyen thong"],
)
def test_search_needs_no_accents_order_or_capitals(run: Run, words: str) -> None:
    result = run("search", *words.split())
    assert result.exit_code == 0
    assert "tranquangminh" in result.stdout


def test_search_tells_d_from_nothing_and_finds_former_names(run: Run) -> None:
    paper = ("--document", "1/VP", "--dated", "20/11/2026", "--ground", "x", "--reply", "9/S")
    assert run("rename", "tranquangminh", "Đỗ Ánh", *paper).exit_code == 0
    for words in ("do anh", "Đỗ Ánh", "tran quang minh", "tranquangminh@hanam.gov.vn"):
        found = json.loads(run("search", *words.split(), "--json").stdout)
        assert [mailbox["address"] for mailbox in found] == ["doanh"]


def test_search_finds_a_merged_agency_by_its_former_code(run: Run) -> None:
    paper = ("--document", "1/VP", "--dated", "20/11/2026", "--ground", "x", "--reply", "9/S")
    assert run("rename-agency", "sxd", "--new-code", "sxdgt", *paper).exit_code == 0
    assert "sxdgt" in run("search", "sxd").stdout


def test_search_without_a_hit_is_exit_code_1(run: Run) -> None:
    result = run("search", "khongcoai")
    assert (result.exit_code, result.stdout) == (1, "")
    assert json.loads(run("search", "khongcoai", "--json").stdout) == []


def test_search_shows_so_many_rows(run: Run) -> None:
    assert "hộp thư, hiện 3." in run("search", "ubnd", "--limit", "3").stdout
    assert len(json.loads(run("search", "ubnd", "--limit", "3", "--json").stdout)) == 3
    assert len(json.loads(run("search", "ubnd", "--limit", "0", "--json").stdout)) > 100


def test_search_refuses_to_show_fewer_rows_than_none(run: Run) -> None:
    result = run("search", "ubnd", "--limit", "-3")
    assert (result.exit_code, result.stdout) == (2, "")


def test_show_tells_the_history_with_its_documents(run: Run) -> None:
    paper = ("--document", "1/VP", "--dated", "20/11/2026", "--ground", "x", "--reply", "9/S")
    run("lock", "tranquangminh", "--reason", "idle")
    run("restore", "tranquangminh", "--verified", "Phạm Hải", *paper)
    text = run("show", "tranquangminh").stdout
    assert "tạm khóa (điểm a: không sử dụng)" in text
    assert "khôi phục, Phạm Hải xác minh" in text
    assert "1/VP ngày 20/11/2026 (2026-0001)" in text
    assert json.loads(run("show", "tranquangminh", "--json").stdout)["state"] == "active"


def commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, each in group.commands.items():
        yield (*path, name), each
        if isinstance(each, click.Group):
            yield from commands(each, *path, name)


ALL = dict(commands(main))


@pytest.mark.parametrize("path", ALL, ids="-".join)
def test_help_is_vietnamese_and_english(path: tuple[str, ...]) -> None:
    each = ALL[path]
    assert " / " in each.get_short_help_str(limit=300)
    for parameter in each.params:
        if isinstance(parameter, click.Option):
            assert " / " in (parameter.help or ""), parameter.name


@pytest.mark.parametrize("path", ALL, ids="-".join)
def test_every_command_speaks_json(path: tuple[str, ...]) -> None:
    each = ALL[path]
    if not isinstance(each, click.Group) and path not in {("export",), ("completion",)}:
        assert "--json" in {name for parameter in each.params for name in parameter.opts}


def test_help_loads_no_library_that_only_a_command_needs() -> None:
    heavy = ("yaml", "rich", "ansible", "openpyxl", "holidays", "viparse", "hanam_mail.registry.model", "subprocess")
    program = f"import sys, hanam_mail.cli; print([name for name in {heavy} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_printed(run: Run, shell: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert "_HANAM_MAIL_COMPLETE" in result.stdout


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("merge", "merge-agency"),
        ("add pe", "person"),
        ("lock --rea", "--reason"),
        ("show tranquang", "tranquangminh"),
        ("merge-agency stt", "stttt"),
        ("add office X --agency kb", "kb"),
        ("request answer 20", "2026-0001"),
        ("import --request 20", "2026-0001"),
        ("import --agency stt", "stttt"),
        ("lock nguyen --reason comp", "compromised"),
    ],
)
def test_commands_options_addresses_codes_and_requests_are_completed(run: Run, typed: str, offered: str) -> None:
    run("request", "register", "1/VP", "--agency", "snv", "--asks", "issue", "--dated", "20/11/2026", "--ground", "x")
    environment = {
        "_HANAM_MAIL_COMPLETE": "bash_complete",
        "COMP_WORDS": f"hanam-mail {typed}",
        "COMP_CWORD": str(len(typed.split())),
    }
    shown = CliRunner().invoke(main, [], prog_name="hanam-mail", env=environment)
    assert f"plain,{offered}" in shown.stdout.splitlines()


def test_completion_passes_over_what_cannot_be_read(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Path.read_text

    def refuse(file: Path, **options: str) -> str:
        if file.name == "stttt.yml":
            raise PermissionError(13, "Permission denied", str(file))
        return read(file, **options)

    monkeypatch.setattr(Path, "read_text", refuse)
    environment = {"_HANAM_MAIL_COMPLETE": "bash_complete", "COMP_WORDS": "hanam-mail show s", "COMP_CWORD": "2"}
    shown = CliRunner().invoke(main, [], prog_name="hanam-mail", env=environment)
    assert "plain,snv" in shown.stdout.splitlines() and "plain,stttt" not in shown.stdout.splitlines()
