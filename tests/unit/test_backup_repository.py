"""The upkeep of the backup repositories: who owns what of them, what a check reads in which week (Đ10.7)."""

import datetime as dt
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

PROGRAM = Path(__file__).parents[2] / "roles/backup_repository/templates/maintain.py"

pytestmark = pytest.mark.dieu10


@pytest.fixture(scope="module")
def maintain() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hanam_backup_maintain", PROGRAM)
    assert spec and spec.loader
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.mark.parametrize("first", [dt.date(2026, 1, 4), dt.date(2026, 11, 15), dt.date(2032, 12, 5)])
def test_any_eight_sundays_read_every_part(maintain: ModuleType, first: dt.date) -> None:
    # Also over the end of a year, and of one with 53 weeks.
    parts = [maintain.part_of_week(first + dt.timedelta(weeks=week), 8) for week in range(8)]
    assert sorted(parts) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_check_that_is_repeated_within_the_week_reads_the_same(maintain: ModuleType) -> None:
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
def owners(maintain: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Owners:
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
    return made


@pytest.mark.parametrize("stop_at", ["", "config", "data/ff", "snapshots", "keys"])
def test_a_repository_whose_making_was_interrupted_can_be_written_after_the_next_run(
    maintain: ModuleType, owners: Owners, tmp_path: Path, stop_at: str
) -> None:
    owners.stop_at = stop_at
    if stop_at:
        with pytest.raises(KeyboardInterrupt):
            maintain.prepare(tmp_path, "sao-luu", ["tinh/mail"])
        owners.stop_at = ""
    assert maintain.prepare(tmp_path, "sao-luu", ["tinh/mail"])
    home = tmp_path / "tinh/mail"
    for part in ("data", "data/00", "data/ff", "index", "locks", "snapshots"):
        assert owners[str(home / part)] == ("sao-luu", "sao-luu", 0o700), part
    for part, mode in (("", 0o550), ("keys", 0o550), ("keys/4f", 0o440), ("config", 0o440)):
        assert owners[str(home / part)] == ("root", "sao-luu", mode), part
    assert [path.name for path in tmp_path.iterdir()] == ["tinh"]
    assert not maintain.prepare(tmp_path, "sao-luu", ["tinh/mail"])


def test_a_repository_that_lost_its_configuration_is_never_made_anew(
    maintain: ModuleType, owners: Owners, tmp_path: Path
) -> None:
    home = tmp_path / "tinh/mail"
    (home / "data/00").mkdir(parents=True)
    (home / "data/00/pack").touch()
    with pytest.raises((OSError, RuntimeError)):
        maintain.prepare(tmp_path, "sao-luu", ["tinh/mail"])
    assert [path.name for path in home.rglob("*")] == ["data", "00", "pack"]
