"""Commands as root on a lab host, all over one login that is kept.

A login, sudo and a shell of its own for each command cost ten times what most commands do themselves.
"""

import json
import os
import shlex
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

PROGRAM = Path(__file__).with_name("remote_server.py").read_text()
# sudo writes its command line to the journal: the program follows by standard input, where the requests come from too.
_LOADER = "import sys; exec(sys.stdin.buffer.read(int(sys.stdin.buffer.readline())))"
LOST = 256
"""Instead of an exit code: the connection broke off."""
LATE = 257
"""Instead of an exit code: the command took too long and was ended."""
# Far beyond what any command takes on a busy machine: this ends what hangs, it judges no speed. A restore of every
# mailbox alone takes minutes there.
WAIT = 600


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit code."""

    code: int
    output: bytes = b""
    complaint: bytes = b""


@dataclass
class _Asked:
    """A command on its way."""

    arrived: bool = False
    answer: Future[Answer] = field(default_factory=Future)


class Remote:
    """One host, reached by a command line that logs in there (`ssh ... host`); threads may share it."""

    def __init__(self, login: Sequence[str]) -> None:
        self._line = [*login, "sudo", "python3", "-c", shlex.quote(_LOADER)]
        self._lock = threading.Lock()
        self._connection: _Connection | None = None

    def run(self, command: str, given: bytes = b"", *, seconds: int = WAIT) -> Answer:
        """Run a shell command as root. LATE and LOST stand for a code where there is none."""
        for _ in range(2):
            asked = self._connected().ask(command.encode(), given, seconds)
            try:
                # The program on the host ends a late command; this is for a host that hangs itself.
                answer = asked.answer.result(seconds + 60)
            except TimeoutError:
                return Answer(LATE, b"", b"the host did not answer")
            if answer.code != LOST or asked.arrived:
                break
            # The connection was dead already, as after a reboot: nothing has run.
        return answer

    def close(self) -> None:
        """Log out."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _connected(self) -> "_Connection":
        with self._lock:
            if self._connection is None or self._connection.broken:
                self._connection = _Connection(self._line)
            return self._connection


class _Connection:
    """The program on the host and what has been asked of it."""

    def __init__(self, line: Sequence[str]) -> None:
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the connection
        self._process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._complaints)
        self._requests = cast(IO[bytes], self._process.stdin)
        self._answers = cast(IO[bytes], self._process.stdout)
        self._lock = threading.Lock()
        self._asked = dict[int, _Asked]()
        self._number = 0
        self.broken = False
        self._send(b"%d\n" % len(PROGRAM.encode()), PROGRAM.encode())
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def ask(self, command: bytes, given: bytes, seconds: int) -> _Asked:
        asked = _Asked()
        with self._lock:
            if self.broken:
                asked.answer.set_result(self._lost())
                return asked
            self._number += 1
            self._asked[self._number] = asked
            header = {"id": self._number, "command": len(command), "given": len(given), "seconds": seconds}
            self._send(json.dumps(header).encode() + b"\n", command, given)
        return asked

    def close(self) -> None:
        self._requests.close()
        self._process.wait()
        self._reader.join()

    def _send(self, *parts: bytes) -> None:
        """A connection that is dead is noticed by whoever reads."""
        rest = memoryview(b"".join(parts))
        with suppress(BrokenPipeError):
            # Past its buffer, in which the rest for a dead connection would stay.
            while rest:
                rest = rest[os.write(self._requests.fileno(), rest) :]

    def _read(self) -> None:
        try:
            self._answer_each()
        finally:
            self._end()

    def _answer_each(self) -> None:
        while line := self._answers.readline():
            header = json.loads(line)
            asked = self._asked[header["id"]]
            asked.arrived = True
            if "code" in header:
                output = self._answers.read(header["output"])
                complaint = self._answers.read(header["complaint"])
                if len(complaint) < header["complaint"]:
                    break
                del self._asked[header["id"]]
                asked.answer.set_result(Answer(header["code"], output, complaint))

    def _end(self) -> None:
        self._process.wait()
        with self._lock:
            self.broken = True
            for asked in self._asked.values():
                asked.answer.set_result(self._lost())
            self._asked.clear()
        self._answers.close()
        self._requests.close()

    def _lost(self) -> Answer:
        self._complaints.seek(0)
        return Answer(LOST, b"", b"the connection is lost: " + self._complaints.read())
