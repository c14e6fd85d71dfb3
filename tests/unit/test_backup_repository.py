"""The upkeep of the backup repositories: what a check reads in which week (Đ10.7)."""

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
