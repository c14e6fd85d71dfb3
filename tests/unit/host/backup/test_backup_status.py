"""`hanam-mail-backup --status`: what it prints, and that its exit status tells whether the backup is good (Đ10.7)."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from hanam_mail.host.backup import backup

LIMIT = 9

type Status = Callable[..., int]


@pytest.fixture
def status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Status:
    """The exit status for a last run that ended as given, the last good one so many hours ago (None: never)."""
    monkeypatch.setattr(backup, "STATUS", tmp_path / "status.json")
    monkeypatch.setattr(backup, "require_repository", lambda config: None)
    monkeypatch.setattr(backup, "snapshots", lambda config, *words: [])

    def of(hours: float | None, result: str = "ok") -> int:
        good = None if hours is None else (dt.datetime.now(dt.UTC) - dt.timedelta(hours=hours)).isoformat()
        last = good if result == "ok" else dt.datetime.now(dt.UTC).isoformat()
        if last:
            run = {"result": result, "started": last, "finished": last, "errors": ["lỗi"], "last_ok": good}
            (tmp_path / "status.json").write_text(json.dumps(run))
        return int(backup.show_status(SimpleNamespace(repository="kho", late_after_hours=LIMIT)))

    return of


def test_a_recent_good_backup_is_status_0(status: Status) -> None:
    assert status(LIMIT - 0.1) == 0


def test_a_last_good_backup_older_than_its_limit_is_a_failure(
    status: Status, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(LIMIT + 0.1) == 1
    assert f"không có lần sao lưu tốt nào trong {LIMIT} giờ qua" in capsys.readouterr().err


def test_a_host_that_never_ran_a_backup_is_a_failure(status: Status) -> None:
    assert status(None) == 1


def test_a_failed_run_is_a_failure_even_after_a_recent_good_one(status: Status) -> None:
    assert status(1, "failed") == 1
