"""A folder of a host comes back into a new one (Đ10.7), and it stands written who asked for it (Đ4.6)."""

import argparse
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hanam_mail.host.backup import restore, restore_files, restore_which
from hanam_mail.host.backup.settings import BackupError

pytestmark = pytest.mark.dieu10

type Run = Callable[..., int]


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    syslog = SimpleNamespace(
        openlog=lambda *words: None, syslog=lambda level, line: lines.append(line), LOG_AUTHPRIV=0, LOG_NOTICE=0
    )
    monkeypatch.setattr(restore_which, "syslog", syslog)
    return lines


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Restore the queue into `target` with a repository that answers with that status."""

    def into(target: Path, *audit: str, returncode: int = 0) -> int:
        def restic(config: Any, *words: str, **options: Any) -> SimpleNamespace:
            (target / "deferred").mkdir()
            line = '{"message_type":"exit_error","message":"Fatal: path /var/spool/postfix: not found"}'
            return SimpleNamespace(returncode=returncode, stdout="", stderr=line if returncode else "")

        monkeypatch.setattr(restore_files, "restic", restic)
        config = SimpleNamespace(audit_command=audit)
        arguments = argparse.Namespace(
            files="/var/spool/postfix", into=str(target), document="15/STTTT-VP", snapshot="latest", at=None
        )
        return restore.restore_files(config, arguments)

    snapshot = SimpleNamespace(id="4f" * 32, short="4f4f4f4f")
    monkeypatch.setattr(restore, "require_repository", lambda config: None)
    monkeypatch.setattr(restore, "snapshots", lambda config, *options: [])
    monkeypatch.setattr(restore, "candidates", lambda full, wanted, at: [snapshot])
    return into


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
    run: Run, tmp_path: Path, logged: list[str]
) -> None:
    with pytest.raises(BackupError) as told:
        run(tmp_path / "queue", "false")
    assert told.value.status == 9
    assert not (tmp_path / "queue").exists()


def test_a_folder_that_cannot_be_restored_leaves_no_half_of_it(run: Run, tmp_path: Path, logged: list[str]) -> None:
    with pytest.raises(BackupError):
        run(tmp_path / "queue", "true", returncode=1)
    assert not (tmp_path / "queue").exists()
    assert run(tmp_path / "queue", "true") == 0
