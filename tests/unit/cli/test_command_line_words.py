"""What both commands say of the command line: Vietnamese, options by their names, sizes and dates as people write."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from click.testing import Result

from hanam_mail import option_texts
from hanam_mail.cli import main
from hanam_mail.host import command_line

type Run = Callable[..., Result]

PAPER = ("--document", "12/VP", "--dated", "20/11/2026", "--ground", "quyết định", "--reply", "99/STTTT")
ENGLISH = re.compile(
    r"\b(the|usage|error|missing|invalid|options?|commands?|message|exit|default|required|arguments?|"
    r"directory|text|integer|try|such|value|file|path|help)\b",
    re.IGNORECASE,
)


def of_a_vietnamese_system(*words: str) -> str:
    """All that the command prints there. In a process of its own: what click says is changed for good."""
    done = subprocess.run(
        [sys.executable, "-c", "from hanam_mail.cli import main; main(prog_name='hanam-mail')", *words],
        env=os.environ | {"LC_ALL": "vi_VN.UTF-8", "LANGUAGE": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def english(shown: str) -> list[str]:
    """The English words in what was shown, apart from the names of options and commands."""
    return ENGLISH.findall(re.sub(r"--[a-z-]+|'[a-z-]+'|hanam-mail [a-z -]+", "", shown))


def every_command(group: click.Group, *before: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [before]
    for name, command in group.commands.items():
        found += every_command(command, *before, name) if isinstance(command, click.Group) else [(*before, name)]
    return found


def test_help_of_every_command_is_wholly_vietnamese_on_a_vietnamese_system() -> None:
    program = (
        "from hanam_mail.cli import main\n"
        f"for words in {every_command(main)!r}:\n"
        "    main([*words, '--help'], prog_name='hanam-mail', standalone_mode=False)\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"LC_ALL": "vi_VN.UTF-8", "LANGUAGE": ""},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    # An argument bears a name in capitals; names of files' kinds and of shells stand as they are.
    assert english(re.sub(r"\b[A-Z_]{2,}\b|\.xlsx|Excel", "", shown)) == []


WRONG = [
    (),
    ("nope",),
    ("lock",),
    ("lock", "x", "--nope"),
    ("add", "office", "Phòng A", "--agency"),
    ("request", "register", "x", "--asks", "y"),
    ("check", "--registry", "/nonexistent"),
    ("overdue", "--calendar", "1900"),
    ("overdue", "--day", "32/13/2026"),
    ("quota", "a", "4 bottles"),
    ("show", "a", "b"),
]


@pytest.mark.parametrize("words", WRONG, ids=lambda words: " ".join(words) or "nothing")
def test_wrong_usage_is_told_in_vietnamese_on_a_vietnamese_system(words: tuple[str, ...]) -> None:
    shown = of_a_vietnamese_system(*words)
    assert "Cách dùng:" in shown or "Lỗi:" in shown
    assert english(re.sub(r"\b[A-Z_]{2,}\b", "", shown)) == []


@pytest.mark.parametrize(
    ("environment", "vietnamese"),
    [
        ({"LANG": "vi_VN.UTF-8"}, True),
        ({"LC_ALL": "C.UTF-8", "LANG": "vi_VN.UTF-8"}, False),
        ({"LANGUAGE": "vi:en", "LC_ALL": "en_US.UTF-8"}, True),
        ({"LC_MESSAGES": "vi_VN"}, True),
        ({}, False),
    ],
)
def test_the_language_is_the_systems(environment: dict[str, str], vietnamese: bool) -> None:
    assert option_texts.vietnamese_locale(environment) is vietnamese


@pytest.mark.parametrize(
    "words",
    [
        ["lock"],
        ["nope"],
        ["lock", "x", "--reason"],
        ["lock", "--help"],
        ["--help"],
        ["apply", "x", "--limit-count", "y"],
    ],
    ids=" ".join,
)
def test_the_accounts_hosts_command_speaks_vietnamese_only(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command_line.main(words)
    said = capsys.readouterr()
    shown = re.sub(r"\b[A-Z_-]{2,}\b|\(int\)|\bfile\n|'[a-z -]+'", "", said.out + said.err)
    # Commands stand in the line of usage and in the list by their names.
    shown = re.sub(r"(?m)^ {4}[a-z-]+|\{[^}]*\}|\[[^]]*\]|hanam-mail-db [a-z-]+", "", shown)
    assert shown.strip()
    assert english(shown) == []


def test_what_the_database_refuses_is_told_without_its_functions(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class RaiseError(Exception):
        diag = SimpleNamespace(message_primary="lý do khóa x không có", message_detail=None, message_hint=None)

    RaiseError.__module__ = "psycopg.errors"

    def refuse(options: object) -> int:
        raise RaiseError("lý do khóa x không có\nCONTEXT:  PL/pgSQL function mail.mailbox_lock(text,text,text) line 9")

    monkeypatch.setattr(command_line, "_show", refuse)
    assert command_line.main(["show", "x"]) == 1
    assert capsys.readouterr().err == "hanam-mail-db: lý do khóa x không có\n"


@pytest.mark.dieu6
@pytest.mark.parametrize("typed", ["20/11/2026", "20-11-2026", "20.11.2026", "2026-11-20", "ngày 20 tháng 11 năm 2026"])
def test_a_date_is_typed_as_people_write_it(run: Run, typed: str) -> None:
    words = ("request", "register", "1/VP", "--agency", "snv", "--asks", "issue", "--ground", "x", "--dry-run")
    result = run(*words, "--dated", typed, "--json")
    assert result.exit_code == 0, result.output


@pytest.mark.dieu8
@pytest.mark.parametrize(
    ("typed", "kept"), [("4GB", "4 GB"), ("4 gb", "4 GB"), ("4.5GB", "4608"), ("4,5 GB", "4608"), ("5", "5 GB")]
)
def test_a_size_is_typed_as_people_write_it(run: Run, typed: str, kept: str) -> None:
    result = run("quota", "tranquangminh", typed, *PAPER, "--dry-run")
    assert result.exit_code == 0, result.output
    shown = re.sub(r"[.\s]", "", result.stdout.replace("4,5 GB", "4608"))
    assert kept.replace(" ", "") in shown, result.stdout


def test_a_size_that_could_be_two_is_refused(run: Run) -> None:
    result = run("quota", "tranquangminh", "4.096 MB", *PAPER)
    assert result.exit_code == 2
    assert "4.096 MB" in result.stderr


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("--dated", "25/12/2026"), "--dated"),
        (("--dated", "20/11/2026", "--received", "25/12/2026"), "--received"),
    ],
)
def test_a_wrong_value_is_told_by_its_option_not_by_a_line_of_a_file(
    run: Run, words: tuple[str, ...], option: str
) -> None:
    result = run(
        "add", "person", "Lê An", "--agency", "snv", "--document", "1", "--ground", "x", "--reply", "y", *words
    )
    assert result.exit_code == 1
    assert f"{option}: " in result.stderr
    assert ".yml" not in result.stderr
    told = run(
        "add",
        "person",
        "Lê An",
        "--agency",
        "snv",
        "--document",
        "1",
        "--ground",
        "x",
        "--reply",
        "y",
        *words,
        "--json",
    )
    assert option in [problem["field"] for problem in json.loads(told.stdout)["problems"]]


@pytest.mark.dieu7
def test_an_unknown_reason_of_a_lock_is_answered_with_those_there_are(run: Run) -> None:
    result = run("lock", "tranquangminh", "--reason", "hack")
    assert result.exit_code == 1
    assert "idle, compromised, forbidden_use, default_password" in result.stderr


@pytest.mark.dieu6
def test_overdue_fits_a_terminal_of_80_columns(run: Run, project: Path) -> None:
    name = "Căn cứ Quyết định số 27/2023/QĐ-UBND về việc cấp hộp thư điện tử công vụ cho cán bộ, công chức, viên chức"
    for number in ("15/STTTT-CNTT-BCVT-TTBCXB-2026", "16/VP"):
        words = ("request", "register", number, "--agency", "stttt", "--asks", "issue", "--asks", "change")
        assert run(*words, "--dated", "2/11/2026", "--received", "3/11/2026", "--ground", name).exit_code == 0
    shown = run("overdue", "--day", "25/11/2026").stdout
    assert "QUÁ HẠN: muộn 12 ngày làm việc" in shown
    assert max(map(len, shown.splitlines())) <= 80
