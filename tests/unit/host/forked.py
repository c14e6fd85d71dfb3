"""A program of Python as a process for each run, without importing anew: that costs more than most runs do."""

import json
import os
import select
import subprocess
import sys
from pathlib import Path
from types import TracebackType

# Reads a run a line, forks for it and says how it ended. What the program changes, it changes in its own process.
_SERVER = """
import json, os, sys, traceback
given = json.loads(sys.argv[1])
exec(given["imports"], {})
code = compile(given["program"], "<program>", "exec")

def perform(run):
    for number, path in enumerate((os.devnull, run["output"], run["complaint"])):
        os.dup2(os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY), number)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")
    os.environ.clear()
    os.environ.update(run["environment"])
    sys.argv = ["-c", *run["words"]]
    try:
        exec(code, {"__name__": "__main__"})
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0

for line in iter(sys.stdin.readline, ""):
    child = os.fork()
    if child == 0:
        status = perform(json.loads(line))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Forked:
    """Runs of one program; `imports` are the statements that every run of it begins with."""

    def __init__(self, imports: str, program: str, folder: Path) -> None:
        given = json.dumps({"imports": imports, "program": imports + program})
        self._output, self._complaint = folder / "output", folder / "complaint"
        self._server = subprocess.Popen(
            [sys.executable, "-c", _SERVER, given], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> "Forked":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.communicate()

    def run(self, *words: str, environment: dict[str, str], timeout: float) -> subprocess.CompletedProcess[str]:
        """As subprocess.run() with captured output, in an environment of its own; TimeoutExpired after the seconds."""
        assert self._server.stdin and self._server.stdout
        for path in (self._output, self._complaint):
            path.write_bytes(b"")
        run = {"words": words, "environment": environment}
        run |= {"output": str(self._output), "complaint": str(self._complaint)}
        self._server.stdin.write(json.dumps(run) + "\n")
        self._server.stdin.flush()
        if not select.select([self._server.stdout], [], [], timeout)[0]:
            os.kill(self._server.pid, 9)
            raise subprocess.TimeoutExpired(list(words), timeout)
        status = int(self._server.stdout.readline())
        return subprocess.CompletedProcess(
            list(words), status, self._output.read_text(encoding="utf-8"), self._complaint.read_text(encoding="utf-8")
        )
