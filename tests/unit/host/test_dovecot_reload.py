"""The unit's reload of Dovecot, with real processes to end and a Dovecot that says which of them serve."""

import fcntl
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TextIO

import pytest
from tests.unit.conftest import ROOT

PROGRAM = ROOT / "roles/dovecot/files/hanam-dovecot-reload"
# Says by its first word that it can be ended, and by its last that it was.
SERVES = 'trap "echo $0 >> {folder}/ended; exit" TERM; touch {folder}/$0; while :; do sleep 0.05; done'
# Waits for a mailbox as Dovecot does: a signal meanwhile is an error. Then it ends a moment after the first signal, and
# says a word for each that came.
WAITS = """
import ctypes, pathlib, signal, sys, time
folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
signals = []
signal.signal(signal.SIGTERM, lambda *_: signals.append(name))
with (folder / "lock").open("w") as file:
    (folder / name).touch()
    had = ctypes.CDLL(None).lockf(file.fileno(), 1, 0) == 0
while had and not signals:
    time.sleep(0.02)
end = time.monotonic() + 0.3
while time.monotonic() < end:
    time.sleep(0.02)
with (folder / "ended").open("a") as file:
    file.writelines(f"{word}\\n" for word in (signals if had else ["disturbed"]))
"""
Run = Callable[..., subprocess.CompletedProcess[str]]


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[str], int]]:
    """Begin a process of that name."""
    begun = []

    def begin(name: str) -> int:
        serves = ["sh", "-c", SERVES.format(folder=tmp_path), name]
        process = subprocess.Popen([sys.executable, "-c", WAITS, tmp_path, name] if name == "waiting" else serves)
        # One that nobody waits for would seem to be there still.
        threading.Thread(target=process.wait, daemon=True).start()
        begun.append(process)
        wait_for((tmp_path / name).exists)
        return process.pid

    yield begin
    for process in begun:
        process.kill()


@pytest.fixture
def run(tmp_path: Path, serve: Callable[[str], int]) -> Run:
    """Reload where Dovecot says, each time it is asked, what is given, the last for good; "" where it has no answer."""
    pids = {name: serve(name) for name in ("old", "new", "worker", "quota")}
    (tmp_path / "asked_for_room").write_text(f"{pids['quota']}\n")
    programs = tmp_path / "bin"
    programs.mkdir()

    def program(name: str, text: str) -> None:
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)

    program(
        "pgrep",
        f'case "$*" in *quota-status) cat {tmp_path}/asked_for_room; exit ;; esac\n'
        f"echo {pids['old']}\n[ ! -e {tmp_path}/asked ] || printf '%s\\n' {pids['new']} {pids['worker']}",
    )

    def reload(*shown: str, first: str = "old", seconds: str = "60") -> subprocess.CompletedProcess[str]:
        for number, names in enumerate([first, *shown]):
            # As wide as the longest name.
            rows = "".join(f"{service(name):<11} {pids[name]:<7} 1500 0 0 0 0 \n" for name in names.split())
            (tmp_path / f"status.{number}").write_text(f"name        pid     available_count\n{rows}" if names else "")
        # The last answer holds for all times after it.
        program(
            "doveadm",
            f"cd {tmp_path}\n[ $1 = reload ] && {{ echo reload >> asked; exit; }}\n"
            'n=$(ls seen.* 2>/dev/null | wc -l); touch "seen.$n"\n'
            f'[ "$n" -le {len(shown)} ] || n={len(shown)}\n'
            '[ -s "status.$n" ] || exit 75\ncat "status.$n"',
        )
        environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}
        words = ["sh", PROGRAM, tmp_path / "stamp", seconds]
        return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)

    return reload


def service(name: str) -> str:
    return "auth-worker" if name == "worker" else "auth"


def ended(tmp_path: Path) -> list[str]:
    return (tmp_path / "ended").read_text().split() if (tmp_path / "ended").exists() else []


@pytest.mark.parametrize(
    "shown",
    [("new worker",), ("old", "old", "new worker"), ("", "new worker"), ("", "old", "", "new worker")],
    ids=["at once", "after a moment", "no answer", "no answer in between"],
)
def test_former_processes_end_when_new_ones_serve_and_who_asks_them_ends_first(
    run: Run, tmp_path: Path, shown: tuple[str, ...]
) -> None:
    done = run(*shown)
    assert (done.returncode, done.stderr) == (0, "")
    wait_for(lambda: len(ended(tmp_path)) == 2)
    assert ended(tmp_path) == ["quota", "old"]
    assert (tmp_path / "asked").read_text() == "reload\n"
    assert (tmp_path / "stamp").exists()


@pytest.fixture
def held(serve: Callable[[str], int], tmp_path: Path) -> Iterator[TextIO]:
    """A mailbox that somebody else holds, while the one who is asked for room waits for it."""
    with (tmp_path / "lock").open("w") as mailbox:
        fcntl.lockf(mailbox, fcntl.LOCK_EX)
        pid = serve("waiting")
        with (tmp_path / "asked_for_room").open("a") as file:
            file.write(f"{pid}\n")
        waits = re.compile(rf"-> POSIX .* {pid} ")
        wait_for(lambda: waits.search(Path("/proc/locks").read_text()) is not None)
        yield mailbox


def test_one_that_waits_for_a_mailbox_has_its_turn_before_it_ends(run: Run, held: TextIO, tmp_path: Path) -> None:
    with ThreadPoolExecutor() as beside:
        reload = beside.submit(run, "new worker")
        wait_for(lambda: ended(tmp_path) == ["quota"])
        time.sleep(0.5)
        assert ended(tmp_path) == ["quota"]
        held.close()
        done = reload.result()
    assert (done.returncode, done.stderr) == (0, "")
    wait_for(lambda: len(ended(tmp_path)) == 3)
    assert ended(tmp_path) == ["quota", "waiting", "old"]


def test_a_reload_goes_on_without_one_that_waits_for_ever(run: Run, held: TextIO, tmp_path: Path) -> None:
    assert not held.closed
    done = run("new worker")
    assert (done.returncode, done.stderr) == (0, "")
    wait_for(lambda: len(ended(tmp_path)) == 3)
    assert set(ended(tmp_path)) == {"quota", "disturbed", "old"}


@pytest.mark.parametrize("shown", ["old", ""], ids=["the old one serves", "no answer"])
def test_a_reload_that_does_not_happen_fails_and_ends_nothing(run: Run, tmp_path: Path, shown: str) -> None:
    done = run(shown, seconds="2")
    assert done.returncode == 1
    assert "Dovecot has not reloaded within 2 s" in done.stderr
    assert ended(tmp_path) == []


def test_a_dovecot_that_was_silent_before_is_known_by_its_processes_of_sign_in(run: Run, tmp_path: Path) -> None:
    done = run("old", first="", seconds="2")
    assert done.returncode == 1
    assert ended(tmp_path) == []
