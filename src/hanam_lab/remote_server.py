"""Runs commands on a lab host for whoever is at the other end of its standard input (remote.py sends this text there).

A request is a line of JSON and the bytes whose number it tells; so is an answer. That a request arrived is said before
its command begins, so that one which was lost with a dead connection can be sent once more.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import BinaryIO

LATE = 257
"""Stands where an exit code would, of a command that was ended: as in remote.py, which is not to be had here."""

_running = set[int]()
_starting = threading.Lock()
_over = threading.Event()
_writing = threading.Lock()


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Run each command as it comes, side by side; ends with its input, and so does what still runs then."""
    try:
        # A line or a command that was cut off is none.
        while (line := requests.readline()).endswith(b"\n"):
            header = json.loads(line)
            command, given = requests.read(header["command"]), requests.read(header["given"])
            if (len(command), len(given)) != (header["command"], header["given"]):
                break
            _say(answers, {"id": header["id"]})
            threading.Thread(target=_answer, args=(answers, header, command, given), daemon=True).start()
    finally:
        with _starting:
            # Nothing begins from here on, and whatever has begun is known.
            _over.set()
            for pid in list(_running):
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)


def _answer(answers: BinaryIO, header: dict[str, int], command: bytes, given: bytes) -> None:
    code, output, complaint = _run(command, given, header["seconds"])
    sizes = {"code": code, "output": len(output), "complaint": len(complaint)}
    _say(answers, {"id": header["id"], **sizes}, output, complaint)


def _run(command: bytes, given: bytes, seconds: int) -> tuple[int, bytes, bytes]:
    with _starting:
        if _over.is_set():
            return LATE, b"", b"logged out"
        process = _start(command, piped=bool(given))
        _running.add(process.pid)
    try:
        output, complaint = process.communicate(given or None, timeout=seconds)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        return LATE, b"", b"not done after %d s" % seconds
    finally:
        _running.discard(process.pid)
    return process.returncode, output, complaint


def _start(command: bytes, *, piped: bool) -> "subprocess.Popen[bytes]":
    """The command is a file without a name to its shell: a command line is for everybody to read."""
    script = os.memfd_create("command")
    try:
        os.write(script, command)
        return subprocess.Popen(
            ["sh", f"/proc/self/fd/{script}"],
            stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=(script,), start_new_session=True,
        )  # fmt: skip
    finally:
        os.close(script)


def _say(answers: BinaryIO, header: dict[str, int], *parts: bytes) -> None:
    with _writing:
        answers.write(b"".join([json.dumps(header).encode(), b"\n", *parts]))
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
