"""No more than a few test runs at once."""

import fcntl
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from hanam_lab import slots
from hanam_lab.__main__ import main
from hanam_lab.driver import Lab
from hanam_lab.errors import LabError

_TAKE = """
import os, sys, pathlib
from hanam_lab import slots
slots.PLACE = pathlib.Path(sys.argv[1])
slots._POLL_SECONDS = 0.01
slots.take(2)
os.execvp("sh", ["sh", "-c", "echo mine; read word"])
"""


def _another(place: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _TAKE, place], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_a_third_begins_when_one_of_two_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _another(tmp_path) as first, _another(tmp_path) as second:
        assert first.stdout and second.stdout
        assert {first.stdout.readline(), second.stdout.readline()} == {"mine\n"}
        monkeypatch.setattr(slots, "PLACE", tmp_path)
        waited = list[float]()

        def wait(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 2:
                first.communicate("end\n")

        monkeypatch.setattr("time.sleep", wait)
        slots.take(2)
        assert len(waited) >= 2
        second.communicate("end\n")


_RANKED = """
import os, sys, time, pathlib
from hanam_lab import slots
slots.PLACE = pathlib.Path(sys.argv[1])
slots._POLL_SECONDS = 0.01
slots.take(1, int(sys.argv[2]))
with open(sys.argv[1] + "/order", "a") as order:
    order.write(sys.argv[2])
"""


def test_of_those_that_wait_the_first_of_the_list_goes_first(tmp_path: Path) -> None:
    with _another(tmp_path) as one, _another(tmp_path) as two:
        assert one.stdout and two.stdout
        assert {one.stdout.readline(), two.stdout.readline()} == {"mine\n"}
        ranks = [4, 2, 3, 1]
        waiting = [subprocess.Popen([sys.executable, "-c", _RANKED, tmp_path, str(rank)]) for rank in ranks]
        while len(list(tmp_path.glob("waiting-[1234]"))) < 4 or any(_free(tmp_path / f"waiting-{n}") for n in ranks):
            time.sleep(0.01)
        one.communicate("end\n")
        two.communicate("end\n")
        assert [each.wait(60) for each in waiting] == [0] * 4
    assert (tmp_path / "order").read_text() == "1234"


def _free(lock: Path) -> bool:
    with lock.open("r+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


@pytest.mark.parametrize("words", [["copy", "original", "name"], ["inside", "name", "true"]])
def test_neither_a_copys_hosts_nor_tests_begin_before_their_turn(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = list[object]()
    monkeypatch.setattr(slots, "PLACE", tmp_path)
    monkeypatch.setattr(Lab, "kept", lambda lab: tmp_path)
    monkeypatch.setattr(Lab, "start", lambda lab, kept, say: begun.append(_free(tmp_path / "0")))
    monkeypatch.setattr("os.execvp", lambda program, line: begun.append(_free(tmp_path / "0")))
    monkeypatch.setenv("HANAM_SLOTS", "1")
    with _another(tmp_path) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "mine\n"

        def wait(seconds: float) -> None:
            assert not begun
            holder.communicate("end\n")

        monkeypatch.setattr("time.sleep", wait)
        assert CliRunner().invoke(main, words).exception is None
    assert begun == [False]


_TEST = """
import os, sys, time, pathlib
from hanam_lab.slots import Quiet
quiet, log = Quiet(pathlib.Path(sys.argv[1])), os.open(sys.argv[1] + "/log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
with quiet.alone() if sys.argv[2] == "alone" else quiet.among_others():
    os.write(log, f"{sys.argv[2]} begins\\n".encode())
    time.sleep(0.3)
    os.write(log, f"{sys.argv[2]} ends\\n".encode())
"""


def test_who_measures_seconds_is_alone_and_the_others_are_side_by_side(tmp_path: Path) -> None:
    kinds = ["others", "others", "alone", "others", "alone"]
    started = [subprocess.Popen([sys.executable, "-c", _TEST, tmp_path, kind]) for kind in kinds]
    assert [each.wait(60) for each in started] == [0] * 5
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == 10
    for number, line in enumerate(lines):
        if line == "alone begins":
            assert lines[number + 1] == "alone ends"
            assert lines[:number].count("others begins") == lines[:number].count("others ends")


_HOLD = """
import sys, pathlib
from hanam_lab import slots
slots.hold_lab(pathlib.Path(sys.argv[1]))
print("mine", flush=True)
sys.stdin.readline()
"""


def test_a_second_session_of_tests_on_one_lab_is_told_of_the_first(tmp_path: Path) -> None:
    lab, other = tmp_path / "lab", tmp_path / "other"
    lab.mkdir()
    other.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, lab], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout
        assert first.stdout.readline() == "mine\n"
        slots.hold_lab(other)
        with pytest.raises(LabError, match=rf"on lab lab \(pid {first.pid}\): wait"):
            slots.hold_lab(lab)
        first.communicate("end\n")
    # The proofs hold it, and so do the tests that they run.
    for _ in range(2):
        slots.hold_lab(lab)
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run([sys.executable, "-c", _HOLD, lab], input="", text=True, capture_output=True, check=True)
