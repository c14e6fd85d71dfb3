"""A folder of a host comes back into a new one (Đ10.7), and it stands written who asked for it (Đ4.6)."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from tests.unit.backup.conftest import Load

TEMPLATES = Path(__file__).parents[3] / "roles/restic_client/templates"

pytestmark = pytest.mark.dieu10

type Run = Callable[..., int]


@pytest.fixture
def program(load: Load) -> ModuleType:
    """The command as a host has it; of the template only a comment is filled in."""
    parts = ("which", "arguments", "database", "files", "mail", "choice", "all")
    return load("hanam_backup", *(f"hanam_restore_{part}" for part in parts), "restore")


@pytest.fixture
def logged(program: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    syslog = SimpleNamespace(
        openlog=lambda *words: None, syslog=lambda level, line: lines.append(line), LOG_AUTHPRIV=0, LOG_NOTICE=0
    )
    monkeypatch.setattr(sys.modules["hanam_restore_which"], "syslog", syslog)
    return lines


@pytest.fixture
def run(program: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Restore the queue into `target` with a repository that answers with that status."""

    def restore(target: Path, *audit: str, returncode: int = 0) -> int:
        def restic(config: Any, *words: str, **options: Any) -> SimpleNamespace:
            (target / "deferred").mkdir()
            line = '{"message_type":"exit_error","message":"Fatal: path /var/spool/postfix: not found"}'
            return SimpleNamespace(returncode=returncode, stdout="", stderr=line if returncode else "")

        monkeypatch.setattr(sys.modules["hanam_restore_files"], "restic", restic)
        config = SimpleNamespace(audit_command=audit)
        arguments = argparse.Namespace(
            files="/var/spool/postfix", into=str(target), document="15/STTTT-VP", snapshot="latest", at=None
        )
        status: int = program.restore_files(config, arguments)
        return status

    snapshot = SimpleNamespace(id="4f" * 32, short="4f4f4f4f")
    monkeypatch.setattr(program, "require_repository", lambda config: None)
    monkeypatch.setattr(program, "snapshots", lambda config, *options: [])
    monkeypatch.setattr(program, "candidates", lambda full, wanted, at: [snapshot])
    return restore


@pytest.mark.dieu4
def test_where_no_audit_can_be_reached_the_journal_has_it_before_anything_is_fetched(
    run: Run, tmp_path: Path, logged: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "queue") == 0
    assert (tmp_path / "queue/deferred").is_dir()
    assert "files /var/spool/postfix" in logged[0] and "document=15/STTTT-VP" in logged[0]
    assert "4f4f4f4f" in logged[0] and "not in the audit" in logged[0]
    assert "chỉ ghi được vào nhật ký hệ thống" in capsys.readouterr().err


@pytest.mark.dieu4
def test_where_the_audit_should_be_reached_and_is_not_nothing_is_fetched(
    run: Run, program: ModuleType, tmp_path: Path, logged: list[str]
) -> None:
    with pytest.raises(program.BackupError) as told:
        run(tmp_path / "queue", "false")
    assert told.value.status == 9
    assert not (tmp_path / "queue").exists()


def test_a_folder_that_cannot_be_restored_leaves_no_half_of_it(
    run: Run, program: ModuleType, tmp_path: Path, logged: list[str]
) -> None:
    with pytest.raises(program.BackupError):
        run(tmp_path / "queue", "true", returncode=1)
    assert not (tmp_path / "queue").exists()
    assert run(tmp_path / "queue", "true") == 0
