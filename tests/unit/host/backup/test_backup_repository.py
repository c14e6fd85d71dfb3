"""The upkeep of the backup repositories: who owns what of them, what a check reads in which week (Đ10.7)."""

import datetime as dt
import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hanam_mail.host.backup import maintain
from hanam_mail.host.backup.maintain import MaintainSettings

pytestmark = pytest.mark.dieu10


def settings(root: Path) -> MaintainSettings:
    return MaintainSettings(root, "sao-luu", ["tinh/mail"], {"within": "14d", "within-daily": "2m"}, 8)


@pytest.mark.parametrize("first", [dt.date(2026, 1, 4), dt.date(2026, 11, 15), dt.date(2032, 12, 5)])
def test_any_eight_sundays_read_every_part(first: dt.date) -> None:
    # Also over the end of a year, and of one with 53 weeks.
    parts = [maintain.part_of_week(first + dt.timedelta(weeks=week), 8) for week in range(8)]
    assert sorted(parts) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_check_that_is_repeated_within_the_week_reads_the_same() -> None:
    monday = dt.date(2026, 11, 23)
    assert len({maintain.part_of_week(monday + dt.timedelta(days=day), 8) for day in range(7)}) == 1


class Owners(dict[str, tuple[str, str, int]]):
    """Who owns what, without being root: what `own` was told; `stop_at` is where the machine stops."""

    stop_at = ""

    def __call__(self, path: Path, user: str, group: str, mode: int) -> bool:
        assert path.exists()
        if self.stop_at and self.stop_at in str(path):
            raise KeyboardInterrupt
        before = self.get(str(path))
        self[str(path)] = (user, group, mode)
        return before != self[str(path)]


@pytest.fixture
def owners(monkeypatch: pytest.MonkeyPatch) -> Owners:
    made = Owners()

    def restic(repository: Path, *words: str) -> str:
        """As restic does: folders, then the key, then the configuration; none where there is a key."""
        assert words[0] == "init"
        if (repository / "keys").exists():
            raise RuntimeError("repository already contains keys")
        for part in ("data/00", "data/ff", "index", "keys", "locks", "snapshots"):
            (repository / part).mkdir(parents=True)
        (repository / "keys/4f").touch()
        if made.stop_at == "config":
            raise KeyboardInterrupt
        (repository / "config").touch()
        return "created"

    monkeypatch.setattr(maintain, "restic", restic)
    monkeypatch.setattr(maintain, "own", made)
    monkeypatch.setattr(maintain, "keep_copies", lambda root, name: False)
    return made


@pytest.mark.parametrize("stop_at", ["", "config", "data/ff", "snapshots", "keys"])
def test_a_repository_whose_making_was_interrupted_can_be_written_after_the_next_run(
    owners: Owners, tmp_path: Path, stop_at: str
) -> None:
    owners.stop_at = stop_at
    if stop_at:
        with pytest.raises(KeyboardInterrupt):
            maintain.prepare(settings(tmp_path))
        owners.stop_at = ""
    assert maintain.prepare(settings(tmp_path))
    home = tmp_path / "tinh/mail"
    for part in ("data", "data/00", "data/ff", "index", "locks", "snapshots"):
        assert owners[str(home / part)] == ("sao-luu", "sao-luu", 0o700), part
    for part, mode in (("", 0o550), ("keys", 0o550), ("keys/4f", 0o440), ("config", 0o440)):
        assert owners[str(home / part)] == ("root", "sao-luu", mode), part
    assert [path.name for path in tmp_path.iterdir()] == ["tinh"]
    assert not maintain.prepare(settings(tmp_path))


def test_a_repository_that_lost_its_configuration_is_never_made_anew(owners: Owners, tmp_path: Path) -> None:
    home = tmp_path / "tinh/mail"
    (home / "data/00").mkdir(parents=True)
    (home / "data/00/pack").touch()
    with pytest.raises((OSError, RuntimeError)):
        maintain.prepare(settings(tmp_path))
    assert [path.name for path in home.rglob("*")] == ["data", "00", "pack"]


# --- files that restic needs first ---


def named(folder: Path, octets: bytes) -> Path:
    """A file as restic names it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / hashlib.sha256(octets).hexdigest()
    path.write_bytes(octets)
    return path


class Repository:
    """A repository of which restic opens what has the right configuration, and reads locks that say so."""

    def __init__(self, home: Path) -> None:
        self.home, self.done = home, list[tuple[str, ...]]()
        for part in ("index", "snapshots", "locks"):
            named(home / part, f"{part} khoa".encode())
        self.key = named(home / "keys", b"key")
        self.config = home / "config"
        self.config.write_bytes(b"config")

    def restic(self, repository: Path, *words: str) -> str:
        assert repository == self.home
        self.done.append(words)
        broken = (self.config.read_bytes(), self.key.read_bytes()) != (b"config", b"key")
        if broken or (words[:2] == ("cat", "lock") and b"khoa" not in (self.home / "locks" / words[2]).read_bytes()):
            raise RuntimeError("restic: exit 1")
        return ""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    made = Repository(tmp_path / "root/tinh/mail")
    monkeypatch.setattr(maintain, "restic", made.restic)
    monkeypatch.setattr(maintain, "COPIES", tmp_path / "copies")
    return made


def test_a_repository_that_is_whole_is_only_looked_at(repository: Repository) -> None:
    # What the server is just writing has another name.
    (repository.home / "index/.4f-rest-server-temp").write_bytes(b"half")
    maintain.mend(settings(repository.home.parents[1]), repository.home)
    assert repository.done == []


def test_a_damaged_index_is_made_anew_and_told(repository: Repository) -> None:
    named(repository.home / "index", b"other").write_bytes(b"othes")
    with pytest.raises(RuntimeError, match="1 damaged index files"):
        maintain.mend(settings(repository.home.parents[1]), repository.home)
    assert repository.done == [("repair", "index")]


def test_a_damaged_snapshot_is_told_and_stays(repository: Repository) -> None:
    damaged = named(repository.home / "snapshots", b"other")
    damaged.write_bytes(b"")
    with pytest.raises(RuntimeError, match=damaged.name[:8]):
        maintain.mend(settings(repository.home.parents[1]), repository.home)
    assert damaged.exists()


def test_locks_that_nobody_can_read_go_and_others_stay(repository: Repository) -> None:
    locks = repository.home / "locks"
    (good,) = locks.iterdir()
    old = named(locks, b"garbage under its own sum")
    for path in (good, old):
        os.utime(path, (0, 0))
    new, empty = named(locks, b"not yet read"), named(locks, b"")
    named(locks, b"other").write_bytes(b"othes")
    with pytest.raises(RuntimeError, match="2 unreadable locks"):
        maintain.mend(settings(repository.home.parents[1]), repository.home)
    assert set(locks.iterdir()) == {good, new, empty}


def test_a_damaged_key_and_configuration_come_back_from_their_copies(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    root = repository.home.parents[1]
    assert maintain.keep_copies(root, "tinh/mail")
    assert not maintain.keep_copies(root, "tinh/mail")
    repository.config.write_bytes(b"")
    repository.key.write_bytes(b"kez and more")
    repository.key.chmod(0o440)
    # What is damaged is never copied over what is whole.
    assert not maintain.keep_copies(root, "tinh/mail")
    assert maintain.put_back(root)
    assert (repository.config.read_bytes(), repository.key.read_bytes()) == (b"config", b"key")
    assert repository.key.stat().st_mode & 0o777 == 0o440
    assert capsys.readouterr().out.count("<3>") == 2
    assert not maintain.put_back(root)


def test_a_key_that_was_taken_away_is_kept_nowhere(repository: Repository) -> None:
    root = repository.home.parents[1]
    former = named(repository.home / "keys", b"former")
    maintain.keep_copies(root, "tinh/mail")
    former.unlink()
    assert not maintain.put_back(root)
    assert maintain.keep_copies(root, "tinh/mail")
    assert not (maintain.COPIES / "tinh/mail/keys" / former.name).exists()


# --- the command ---


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    """The command as its unit runs it, with two repositories of which one is broken."""
    given = {"root": str(tmp_path / "root"), "user": "sao-luu", "repositories": [], "check_weeks": 8}
    (tmp_path / "settings.json").write_text(json.dumps(given | {"keep": {"within-daily": "2m", "within": "14d"}}))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    for name in ("mail", "mx"):
        (tmp_path / "root/tinh" / name).mkdir(parents=True)
        (tmp_path / "root/tinh" / name / "config").touch()

    def restic(repository: Path, *words: str) -> str:
        if repository.name == "mail":
            raise RuntimeError("restic: exit 1: no space left")
        return "[]" if words[0] == "snapshots" else f"restic {' '.join(words)}"

    def run(action: str) -> int:
        monkeypatch.setattr("sys.argv", ["hanam-backup-maintain", action])
        return maintain.main()

    monkeypatch.setattr(maintain, "restic", restic)
    return run


def test_a_repository_that_fails_keeps_no_other_from_its_upkeep_and_is_told(
    command: Callable[[str], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("prune") == 1
    said = capsys.readouterr().out
    assert "restic forget --prune --group-by host,tags --quiet --keep-within=14d --keep-within-daily=2m\n" in said
    assert "<3>prune of" in said and "mail failed: restic: exit 1: no space left\n" in said
    assert command("check") == 1
    assert re.search(r"restic check --cleanup-cache --read-data-subset=[1-8]/8\n", capsys.readouterr().out)


def test_an_action_that_there_is_not_is_refused(command: Callable[[str], int]) -> None:
    with pytest.raises(SystemExit) as told:
        command("forget-all")
    assert told.value.code == 2
