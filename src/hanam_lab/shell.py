"""Running the outer machine's programs, and locks between labs that start at the same time."""

import fcntl
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hanam_lab.errors import LabError


def run(command: Sequence[str | Path], *, stdin: str | None = None) -> str:
    """Run a program and return what it printed.

    Raises LabError with the program's own words when it fails.
    """
    done = subprocess.run([str(part) for part in command], input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip()[-2000:]
        raise LabError(f"{' '.join(str(part) for part in command[:6])}: exit {done.returncode}\n{words}")
    return done.stdout


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file; another lab's process waits. The holder may remove the file and its folder."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = path.open("w")
        except FileNotFoundError:
            continue
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            # Whoever held it before may have removed it meanwhile; then others take a lock on a new file.
            if not _is_at(handle.fileno(), path):
                continue
            yield
            return


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
