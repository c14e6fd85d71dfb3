"""The lock between labs that start and end at the same time, whose holder may remove it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hanam_lab import driver, machine
from hanam_lab.shell import locked, remove_when_empty


def test_one_at_a_time_also_when_the_holder_removes_the_lock(tmp_path: Path) -> None:
    state, inside = tmp_path / "hanam-mail/labs", []

    def work(number: int) -> None:
        for _ in range(50):
            with locked(state):
                inside.append(number)
                assert inside == [number]
                inside.pop()
                remove_when_empty(state)
            remove_when_empty(state.parent)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work, number) for number in range(4)]:
            done.result()
    assert list(tmp_path.iterdir()) == []


def test_a_lab_that_starts_while_the_last_one_ends_keeps_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "hanam-mail/labs"
    monkeypatch.setattr(driver, "STATE", state)
    monkeypatch.setattr(machine, "STATE", state)

    def work(name: str) -> None:
        for _ in range(50):
            with locked(state):
                (state / name).mkdir()
            assert (state / name).is_dir()
            driver.Lab(name).down(lambda text: None)
            assert not (state / name).exists()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work, f"lab{number}") for number in range(4)]:
            done.result()
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_an_error_and_no_endless_wait(tmp_path: Path) -> None:
    (tmp_path / "labs").touch()
    with pytest.raises(NotADirectoryError), locked(tmp_path / "labs"):
        pass


def test_the_last_lab_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = tmp_path / "hanam-mail/labs"
    monkeypatch.setattr(driver, "STATE", state)
    monkeypatch.setattr(machine, "STATE", state)
    (state / "one").mkdir(parents=True)
    (state / "other").mkdir()
    (state / "other/lab.json").touch()
    driver.Lab("one").down(lambda text: None)
    assert (state / "other").is_dir()
    (state / "other/lab.json").unlink()
    driver.Lab("other").down(lambda text: None)
    assert list(tmp_path.iterdir()) == []
