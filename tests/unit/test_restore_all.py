"""What `hanam-mail-restore --all` leaves out: a purged mailbox is gone for good (Đ6.2c)."""

import argparse
import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

TEMPLATES = Path(__file__).parents[2] / "roles/backup/templates"
HOMES = ("aa/aa11bb", "cc/cc22dd", "ee/ee33ff")

type Run = Callable[..., int]


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The restore of all as a host has it; of the template only a comment is filled in."""

    def module(name: str, file: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(name, TEMPLATES / file)
        assert spec and spec.loader
        found = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, found)
        spec.loader.exec_module(found)
        return found

    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in (
        "hanam_backup",
        *(f"hanam_restore_{part}" for part in ("which", "arguments", "database", "files", "mail", "choice")),
    ):
        module(name, f"{name}.py")
    return module("hanam_restore_all", "hanam_restore_all.py")


@pytest.fixture
def run(program: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Restore a backup that has HOMES, each with one message, as the user database knows `known`."""
    store = tmp_path / "mail"
    store.mkdir()
    broken: list[str] = []
    recorded: list[str] = []

    def stage_all(config: Any, snapshot: Any, full: Any, staged: Path) -> Any:
        for home in HOMES:
            (staged / home / "Maildir/cur").mkdir(parents=True)
            (staged / home / "Maildir/cur/1.M1P1.mail,S=5:2,S").write_text("Thu.\n")
        unreadable = [
            sys.modules["hanam_restore_files"].Unreadable(store / path, "ciphertext verification failed")
            for path in broken
        ]
        return SimpleNamespace(homes=[Path(home) for home in HOMES], unreadable=unreadable)

    @contextmanager
    def as_owner(uid: int) -> Iterator[None]:
        yield

    def run_all(*known: str, returncode: int = 0, unreadable: Sequence[str] = ()) -> int:
        broken[:] = unreadable

        def doveadm(*words: str) -> subprocess.CompletedProcess[str]:
            assert words == ("user", "*")
            return subprocess.CompletedProcess(words, returncode, "".join(f"{name}\n" for name in known), "no database")

        monkeypatch.setattr(sys.modules["hanam_restore_which"], "doveadm", doveadm)
        config = SimpleNamespace(mail_root=str(store), mail_uid=-1, ask_above=20)
        arguments = argparse.Namespace(snapshot="latest", at=None, document="27/STTTT", all=True, dry_run=False)
        status: int = program.restore_all(config, arguments)
        assert recorded == ["all"]
        return status

    snapshot = SimpleNamespace(id="4f" * 32, short="4f4f4f4f")
    monkeypatch.setattr(program, "snapshots_of_mail", lambda config: [snapshot])
    monkeypatch.setattr(program, "candidates", lambda full, wanted, at: full)
    monkeypatch.setattr(program, "stage_all", stage_all)
    monkeypatch.setattr(program, "as_owner", as_owner)
    monkeypatch.setattr(program, "log", lambda arguments, words: None)
    monkeypatch.setattr(program, "record", lambda config, arguments, key, detail: recorded.append(key))
    return run_all


@pytest.mark.dieu6
def test_a_purged_mailbox_stays_gone_and_is_counted(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("aa11bb", "ee33ff", "new999") == 0
    assert sorted(str(home.relative_to(tmp_path / "mail")) for home in (tmp_path / "mail").glob("??/*")) == [
        "aa/aa11bb",
        "ee/ee33ff",
    ]
    told = capsys.readouterr().out
    assert "Đã khôi phục 2 hộp thư" in told and "bỏ qua 1 hộp thư" in told
    assert "Restored 2 mailboxes" in told and "1 left out" in told


@pytest.mark.dieu10
def test_a_store_of_which_all_is_known_comes_back_whole(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("aa11bb", "cc22dd", "ee33ff") == 0
    assert len(list((tmp_path / "mail").glob("??/*"))) == 3
    assert "left out" not in capsys.readouterr().out


@pytest.mark.dieu10
def test_what_the_repository_cannot_give_is_named_and_all_else_comes_back(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = ["aa/aa11bb/Maildir/cur/2.M1P1.mail,S=5:2,S", "ff/ff44ee"]
    assert run("aa11bb", "cc22dd", "ee33ff", unreadable=lost) == 8
    assert len(list((tmp_path / "mail").glob("??/*/Maildir/cur/*"))) == 3
    told = capsys.readouterr()
    assert "Đã khôi phục 3 hộp thư" in told.out
    assert all(f"{tmp_path / 'mail' / path}: ciphertext verification failed" in told.err for path in lost)
    assert "2 tệp hoặc thư mục" in told.err and "Kho sao lưu bị hỏng" in told.err


@pytest.mark.dieu10
@pytest.mark.parametrize(("known", "returncode"), [((), 0), (("aa11bb",), 75)])
def test_accounts_that_are_not_back_yet_are_told_before_anything_is_fetched(
    run: Run, program: ModuleType, tmp_path: Path, known: tuple[str, ...], returncode: int
) -> None:
    with pytest.raises(program.BackupError):
        run(*known, returncode=returncode)
    assert not list((tmp_path / "mail").glob("??"))
