"""The lock between labs that start and end at the same time, whose holder may remove it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hanam_lab import driver
from hanam_lab.shell import locked


def test_one_at_a_time_also_when_the_holder_removes_the_lock(tmp_path: Path) -> None:
    lock, inside = tmp_path / "labs/.lock", []

    def work(number: int) -> None:
        for _ in range(50):
            with locked(lock):
                inside.append(number)
                assert inside == [number]
                inside.pop()
                lock.unlink()
                lock.parent.rmdir()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work, number) for number in range(4)]:
            done.result()
    assert list(tmp_path.iterdir()) == []


def test_the_last_lab_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = tmp_path / "hanam-mail/labs"
    monkeypatch.setattr(driver, "STATE", state)
    (state / "one").mkdir(parents=True)
    (state / "other").mkdir()
    (state / "other/lab.json").touch()
    driver.Lab("one").down(lambda text: None)
    assert (state / "other").is_dir()
    (state / "other/lab.json").unlink()
    driver.Lab("other").down(lambda text: None)
    assert list(tmp_path.iterdir()) == []
