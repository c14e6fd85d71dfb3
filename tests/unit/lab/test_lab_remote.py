"""Commands over one kept login: here the login is a shell on this machine."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hanam_lab.remote import LATE, LOST, PROGRAM, Remote


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    """`sudo` is a program that runs its words, and counts how often it was called."""
    sudo = tmp_path / "sudo"
    sudo.write_text(f'#!/bin/sh\necho "$$" >> {tmp_path}/logins\nexec "$@"\n')
    sudo.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    # As ssh does: one string, read by a shell there.
    login = tmp_path / "login"
    login.write_text('#!/bin/sh\nexec sh -c "$*"\n')
    login.chmod(login.stat().st_mode | stat.S_IXUSR)
    host = Remote([str(login)])
    yield host
    host.close()


def _logins(tmp_path: Path) -> list[int]:
    return [int(line) for line in (tmp_path / "logins").read_text().split()]


def test_all_commands_share_one_login(remote: Remote, tmp_path: Path) -> None:
    for number in range(5):
        assert remote.run(f"echo {number}; echo đúng >&2; exit {number}").code == number
    answer = remote.run("printf 'a\\nb'; echo c >&2")
    assert (answer.code, answer.output, answer.complaint) == (0, b"a\nb", b"c\n")
    assert len(_logins(tmp_path)) == 1


def test_a_command_reads_what_it_is_given_and_else_nothing(remote: Remote) -> None:
    assert remote.run("cat", b"x" * 300_000).output == b"x" * 300_000
    assert remote.run("cat; echo end").output == b"end\n"
    assert remote.run("cat <<'END'\n'quoted' $HOME\nEND").output == b"'quoted' $HOME\n"


def test_commands_run_side_by_side(remote: Remote) -> None:
    began = time.monotonic()
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda number: remote.run(f"sleep 0.5; echo {number}"), range(10)))
    assert [int(answer.output) for answer in answers] == list(range(10))
    assert time.monotonic() - began < 4


def test_a_command_is_on_no_command_line(remote: Remote) -> None:
    secret = "Rat-Kin-27" + "-x"
    found = remote.run(f": {secret}; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '").output
    assert b"remote" not in found or secret.encode() not in found
    assert secret.encode() not in found


def test_one_that_takes_too_long_is_ended_with_what_it_started(remote: Remote, tmp_path: Path) -> None:
    answer = remote.run(f"sleep 61 & echo $! > {tmp_path}/child; wait", seconds=1)
    assert (answer.code, answer.complaint) == (LATE, b"not done after 1 s")
    child = int((tmp_path / "child").read_text())
    _wait_for_the_end(child)


def test_a_login_that_broke_off_is_made_anew(remote: Remote, tmp_path: Path) -> None:
    assert remote.run("true").code == 0
    os.kill(_logins(tmp_path)[0], signal.SIGKILL)
    assert remote.run("echo again").output == b"again\n"
    assert len(_logins(tmp_path)) == 2


def test_what_had_begun_when_the_host_went_away_is_not_run_twice(remote: Remote, tmp_path: Path) -> None:
    answer = remote.run(f"echo run >> {tmp_path}/runs; kill -9 $PPID; sleep 1")
    assert answer.code == LOST
    assert answer.complaint.startswith(b"the connection is lost: ")
    assert (tmp_path / "runs").read_text() == "run\n"


def test_nothing_runs_on_after_the_log_out(remote: Remote, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(remote.run, f"echo $$ > {tmp_path}/pid; sleep 61")
        _wait_for_a_pid(tmp_path / "pid")
        remote.close()
        assert asked.result().code == LOST
    _wait_for_the_end(int((tmp_path / "pid").read_text()))


def test_what_begins_while_somebody_logs_out_ends_too(tmp_path: Path, remote: Remote) -> None:
    """The log-out comes between the arrival of a command and its first step: many begin at once."""
    with ThreadPoolExecutor(20) as pool:
        for number in range(20):
            pool.submit(remote.run, f"echo $$ > {tmp_path}/{number}.pid; sleep 61")
        while not list(tmp_path.glob("*.pid")):
            time.sleep(0.001)
        remote.close()
    for file in tmp_path.glob("*.pid"):
        if pid := file.read_text():
            _wait_for_the_end(int(pid))


def test_what_runs_ends_when_nobody_reads_its_answer_any_more(tmp_path: Path) -> None:
    """A login that breaks off: the answers go nowhere, and there may be requests on the way still."""
    served = subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert served.stdin and served.stdout
    first, second = f"echo $$ > {tmp_path}/pid; sleep 61", "true"
    for number, command in enumerate((first, second)):
        if number:
            _wait_for_a_pid(tmp_path / "pid")
            served.stdout.close()
        header = {"id": number, "command": len(command), "given": 0, "seconds": 60}
        served.stdin.write(f"{json.dumps(header)}\n{command}".encode())
        served.stdin.flush()
    _wait_for_the_end(int((tmp_path / "pid").read_text()))
    assert served.wait(10) != 0
    served.stdin.close()


@pytest.mark.parametrize("kept", [1, 20])
def test_a_command_that_was_cut_off_is_not_run(tmp_path: Path, kept: int) -> None:
    command = f"touch {tmp_path}/a" + " " * 20
    header = {"id": 1, "command": len(command), "given": 0, "seconds": 60}
    given = f"{json.dumps(header)}\n{command}".encode()[:-kept]
    done = subprocess.run([sys.executable, "-c", PROGRAM], input=given, capture_output=True, check=True)
    assert done.stdout == b""
    assert not (tmp_path / "a").exists()


def test_who_cannot_log_in_hears_why(tmp_path: Path) -> None:
    answer = Remote(["sh", "-c", "echo no such host >&2; exit 255"]).run("true")
    assert (answer.code, answer.complaint) == (LOST, b"the connection is lost: no such host\n")


def _wait_for_a_pid(file: Path) -> None:
    while not file.exists() or not file.read_text():
        time.sleep(0.02)


def _wait_for_the_end(pid: int) -> None:
    for _ in range(100):
        # It may end between the opening and the reading.
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return
        if state == "Z":
            return
        time.sleep(0.05)
    raise AssertionError(f"{pid} still runs")
