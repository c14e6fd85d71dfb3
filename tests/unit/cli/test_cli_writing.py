"""Commands that change the registry: what they write, show, refuse, and that --dry-run writes nothing."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import Result

from hanam_mail import editing
from hanam_mail.errors import InputError, Problem
from hanam_mail.registry.writing import store
from hanam_mail.regulation import naming

type Run = Callable[..., Result]

PAPER = ("--document", "12/VP", "--dated", "20/11/2026", "--ground", "quyết định", "--reply", "99/STTTT")


def files(project: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in (project / "mailboxes").rglob("*") if file.is_file()}


def done(run: Run, *words: str) -> Result:
    """Run a command that must succeed and leave a registry that check accepts."""
    result = run(*words)
    assert result.exit_code == 0, result.output + result.stderr
    checked = run("check")
    assert checked.exit_code == 0, checked.stderr
    return result


WRITING = [
    ("add", "person", "Lê An", "--agency", "snv", *PAPER),
    ("add", "office", "Phòng Tư pháp", "--agency", "kb", *PAPER),
    ("add", "agency", "Sở Du lịch", "--kind", "department", "--sender", "stttt", *PAPER),
    ("lock", "tranquangminh", "--reason", "compromised"),
    ("restore", "tranquangminh", "--verified", "Phạm Hải", *PAPER),
    ("revoke", "tranquangminh", *PAPER),
    ("absence", "tranquangminh", "--from", "1/12/2026", "--to", "1/3/2027", *PAPER),
    ("quota", "tranquangminh", "4gb", *PAPER),
    ("clerks", "pttbcxb.stttt", "nguyenthithanhha", *PAPER),
    ("rename", "tranquangminh", "Trần Quang Minh Anh", *PAPER),
    ("transfer", "tranquangminh", "snv", *PAPER),
    ("rename-agency", "sxd", "--new-code", "sxdgt", "--name", "Sở Xây dựng và Giao thông", *PAPER),
    ("rename-agency", "snv", "--document-system", *PAPER),
    ("merge-agency", "stttt", "skhcn", *PAPER),
    ("request", "register", "12/VP", "--agency", "snv", "--asks", "issue", "--dated", "2026-11-20", "--ground", "x"),
]


@pytest.mark.parametrize("words", WRITING, ids=lambda words: "-".join(words[:2]))
def test_a_writing_command_leaves_a_right_registry(run: Run, project: Path, words: tuple[str, ...]) -> None:
    before = files(project)
    shown = run(*words, "--dry-run")
    assert "Chưa ghi gì" in shown.stdout
    assert files(project) == before
    written = done(run, *words)
    assert "Đã ghi sổ đăng ký." in written.stdout
    assert files(project) != before


@pytest.mark.parametrize("words", WRITING, ids=lambda words: "-".join(words[:2]))
def test_a_writing_command_speaks_json(run: Run, words: tuple[str, ...]) -> None:
    result = json.loads(done(run, *words, "--json").stdout)
    assert result["written"] is True
    assert result["plan"]["changed"] or result["requests"]


@pytest.mark.parametrize("words", WRITING, ids=lambda words: "-".join(words[:2]))
def test_a_command_that_cannot_write_says_nothing_of_having_written(
    run: Run, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path, registry: object) -> None:
        raise InputError([Problem(str(folder), 0, "", "không ghi được")])

    monkeypatch.setattr(store, "write", refuse)
    result = run(*words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "mailboxes: không ghi được\n1 lỗi.\n"
    (problem,) = json.loads(run(*words, "--json").stdout)["problems"]
    assert problem["text"] == "không ghi được"


@pytest.mark.parametrize("words", [(), ("--json",)], ids=["text", "json"])
@pytest.mark.parametrize("error", [28, 32], ids=["full", "reader-gone"])
def test_what_was_written_and_cannot_be_printed_is_told_beside(
    run: Run, words: tuple[str, ...], error: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without this sentence the operator takes it for not written, and types it again."""
    echo = click.echo

    def refuse(text: str = "", err: bool = False, **options: bool) -> None:
        if not err:
            raise OSError(error, os.strerror(error))
        echo(text, err=err, **options)

    monkeypatch.setattr("click.echo", refuse)
    result = run(*WRITING[0], *words)
    monkeypatch.undo()
    assert result.exit_code == 1
    assert result.stderr.startswith("mailboxes: đã ghi sổ đăng ký, nhưng không in được kết quả: ")


@pytest.mark.dieu5
def test_a_name_that_the_rules_cannot_read_at_any_place_of_an_edit_is_one_sentence(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise naming.NamingError("tên không đọc được")

    before = files(project)
    monkeypatch.setattr(editing.WorkingCopy, "rename_agency", refuse)
    result = run("rename-agency", "sxd", "--new-code", "sxdgt", *PAPER)
    assert (result.exit_code, result.stderr) == (1, "tên không đọc được (Đ5)\n1 lỗi.\n")
    assert files(project) == before


@pytest.mark.dieu5
def test_add_tells_the_address_it_gave(run: Run) -> None:
    result = json.loads(done(run, *WRITING[0], "--json").stdout)
    assert result["address"] == "lean"
    assert result["requests"] == ["2026-0001"]
    assert done(run, "show", result["id"], "--json").stdout.count("lean") == 1


@pytest.mark.parametrize(
    ("words", "who"),
    [
        (("add", "person", "Lê An", "--agency", "snv"), "lean"),
        (("add", "office", "Phòng Tư pháp", "--agency", "kb"), "ptp.kb"),
        (("add", "agency", "Sở Du lịch", "--kind", "department", "--sender", "stttt"), "sdl"),
        (("transfer", "tranquangminh", "snv"), "tranquangminh"),
    ],
    ids=lambda given: given if isinstance(given, str) else "-".join(given[:2]),
)
def test_a_telephone_is_written_with_a_mailbox(run: Run, words: tuple[str, ...], who: str) -> None:
    done(run, *words, "--phone", "0226 3850 123", *PAPER)
    assert re.search(r"Điện thoại +0226 3850 123 *\n", done(run, "show", who).stdout)


def test_a_telephone_stays_with_the_former_agency(run: Run) -> None:
    done(run, "add", "person", "Lê An", "--agency", "stttt", "--phone", "0226 3850 123", *PAPER)
    done(run, "transfer", "lean", "snv", *PAPER, "--document", "13/VP")
    assert "Điện thoại" not in done(run, "show", "lean").stdout


def test_what_is_no_telephone_is_not_written(run: Run, project: Path) -> None:
    before = files(project)
    refused = run("add", "person", "Lê An", "--agency", "snv", "--phone", "912345678", *PAPER)
    assert refused.exit_code == 1
    assert "phone: “912345678” không hợp lệ" in refused.stderr
    assert files(project) == before


@pytest.mark.dieu6
def test_what_will_be_written_is_shown_in_words(run: Run) -> None:
    text = done(run, "rename", "tranquangminh", "Trần Quang Minh Anh", *PAPER).stdout
    assert "Đề nghị 2026-0001: 12/VP của Sở Thông tin và Truyền thông, kết quả đã giải quyết" in text
    assert "Tên: Trần Quang Minh -> Trần Quang Minh Anh" in text
    assert "Địa chỉ chính: tranquangminh -> tranquangminhanh" in text


@pytest.mark.dieu6
def test_a_registered_request_is_answered_and_used_in_one_write(run: Run) -> None:
    words = ("12/VP", "--agency", "snv", "--asks", "issue", "--dated", "2026-11-20", "--ground", "tuyển dụng")
    assert json.loads(done(run, "request", "register", *words, "--json").stdout)["request"] == "2026-0001"
    pending = run("add", "person", "Lê An", "--agency", "snv", "--request", "2026-0001")
    assert pending.exit_code == 1
    assert "chưa phải done" in pending.stderr
    done(run, "add", "person", "Lê An", "--agency", "snv", "--request", "2026-0001", "--reply", "99/STTTT")
    assert run("request", "refuse", "2026-0001", "--reply", "1/S").exit_code == 1


@pytest.mark.dieu6
def test_a_request_is_answered_or_refused(run: Run) -> None:
    words = ("--agency", "snv", "--asks", "issue", "--dated", "2026-11-20", "--ground", "x")
    done(run, "request", "register", "12/VP", *words)
    done(run, "request", "register", "13/VP", *words)
    assert "kết quả đã giải quyết" in done(run, "request", "answer", "2026-0001", "--reply", "1/S").stdout
    assert "kết quả từ chối" in done(run, "request", "refuse", "2026-0002", "--reply", "2/S").stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("revoke", "nobody", *PAPER), "“nobody”"),
        (("revoke", "tranquangminh@gmail.com", *PAPER), "“tranquangminh@gmail.com”"),
        (("lock", "tranquangminh", "--reason", "angry"), "(Đ7.2)"),
        (("quota", "tranquangminh", "1GB", *PAPER), "(Đ8.1b)"),
        (("add", "person", "Trần Quang Minh", "--agency", "stttt", *PAPER), "--namesake (Đ5.2c)"),
        (("add", "person", "Иван", "--agency", "stttt", *PAPER), "Иван"),
        (("add", "office", "Phòng Một", "--agency", "zz", *PAPER), "“zz”"),
        (("transfer", "tranquangminh", "snv", "--new-address", *PAPER), "(Đ5.2)"),
        (("rename-agency", "snv", "--new-code", "stc", *PAPER), "(Đ5.1)"),
        (("merge-agency", "snv", "snv", *PAPER), "(Đ6.1)"),
        (("revoke", "tranquangminh", "--request", "2023-0002"), "(Đ6.2)"),
    ],
)
def test_what_is_impossible_is_refused_in_one_sentence_and_nothing_written(
    run: Run, project: Path, words: tuple[str, ...], sentence: str
) -> None:
    before = files(project)
    result = run(*words)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert result.stderr.endswith("1 lỗi.\n")
    assert json.loads(run(*words, "--json").stdout)["problems"]
    assert files(project) == before


@pytest.mark.parametrize(
    "words",
    [
        ("revoke", "tranquangminh"),
        ("revoke", "tranquangminh", "--document", "1/VP"),
        ("revoke", "tranquangminh", "--request", "2023-0001", *PAPER),
        ("quota", "tranquangminh", "lots", *PAPER),
        ("absence", "tranquangminh", "--from", "32/1/2026", "--to", "1/2/2026", *PAPER),
        ("rename-agency", "snv", *PAPER),
        ("merge-agency", "snv", "stc", "--office", "x", *PAPER),
        ("add", "agency", "Sở Du lịch", "--kind", "department", *PAPER),
        ("add", "person", "Hội Nông dân", "--agency", "stttt", "--guest", "--phone", "0226 3850 123", *PAPER),
    ],
)
def test_wrong_use_is_exit_code_2_and_writes_nothing(run: Run, project: Path, words: tuple[str, ...]) -> None:
    before = files(project)
    assert run(*words).exit_code == 2
    assert files(project) == before


def test_nothing_is_written_into_a_registry_with_errors(run: Run, project: Path) -> None:
    file = project / "mailboxes/sxd.yml"
    file.write_text(file.read_text("utf-8").replace("code: sxd", "code: sxx"), encoding="utf-8")
    before = files(project)
    result = run(*WRITING[0])
    assert result.exit_code == 1
    assert "mailboxes/sxd.yml" in result.stderr
    assert files(project) == before


@pytest.mark.dieu5
def test_a_name_in_tcvn3_is_shown_and_converted_only_when_confirmed(run: Run) -> None:
    words = ("add", "person", "NguyÔn V¨n Hïng", "--agency", "sct", *PAPER)
    asked = run(*words)
    assert asked.exit_code == 1
    assert "Nguyễn Văn Hùng" in asked.stderr
    assert "Nguyễn Văn Hùng <nguyenvanhung" in done(run, *words, "--convert-legacy").stdout


@pytest.mark.dieu5
def test_a_namesake_gets_the_home_place(run: Run) -> None:
    words = ("add", "person", "Trần Quang Minh", "--agency", "stttt", "--namesake", "--detail", "Duy Tiên", *PAPER)
    assert json.loads(done(run, *words, "--json").stdout)["address"] == "tranquangminh.duytien"


@pytest.mark.dieu5
def test_a_number_alone_is_confirmed_by_the_operator_and_shown(run: Run) -> None:
    words = ("add", "person", "Trần Quang Minh", "--agency", "stttt", "--namesake", *PAPER)
    result = run(*words)
    assert result.exit_code == 1 and "--counter" in result.stderr
    assert "tranquangminh.2 của Trần Quang Minh: chỉ có số thứ tự" in done(run, *words, "--counter").stdout


@pytest.mark.dieu14
def test_others_get_a_guest_mailbox(run: Run) -> None:
    """Đ14.1: on a decision, without which there is none."""
    words = ("add", "person", "Hội Nông dân", "--agency", "stttt", "--guest")
    assert run(*words).exit_code == 2
    assert "tổ chức, cá nhân khác" in done(run, *words, *PAPER).stdout


@pytest.mark.dieu6
def test_a_merger_of_the_operator_says_what_to_change_besides(run: Run) -> None:
    assert "registry_operator" in done(run, "merge-agency", "stttt", "skhcn", *PAPER).stdout


def test_comments_survive_an_edit(run: Run, project: Path) -> None:
    file = project / "mailboxes/stttt.yml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("  - id: j3w9s9\n", "  # hỏi lại về quê quán\n  - id: j3w9s9\n"), encoding="utf-8")
    done(run, "fmt")
    done(run, "transfer", "tranquangminh", "snv", *PAPER)
    assert "hỏi lại về quê quán" in (project / "mailboxes/snv.yml").read_text("utf-8")


def test_commands_at_the_same_time_wait_for_each_other_and_lose_nothing(run: Run, project: Path) -> None:
    program = (
        "from datetime import date; from hanam_mail import cli; from hanam_mail.registry import loading; "
        "loading.today = lambda: date(2026, 11, 25); cli.main()"
    )
    words = [sys.executable, "-c", program, "add", "person"]
    running = [
        subprocess.Popen(
            [*words, name, "--agency", "snv", "--document", f"{number}/VP", *PAPER[2:]],
            cwd=project,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for number, name in enumerate(["Lê An", "Lê Bình", "Lê Chi", "Lê Dũng"])
    ]
    assert [(process.communicate(), process.returncode)[1] for process in running] == [0, 0, 0, 0]
    done(run, "check")
    text = (project / "mailboxes/requests/2026.yml").read_text("utf-8")
    assert [f"2026-000{number}:" in text for number in range(1, 5)] == [True] * 4
    assert len(json.loads(run("search", "snv", "Lê", "--json").stdout)) >= 4
