"""Running the outer machine's programs, and locks between labs that start at the same time."""

import errno
import fcntl
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
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
def locked(folder: Path) -> Iterator[None]:
    """Hold an exclusive lock on a folder, made when absent; another lab's process waits.

    The holder may remove the folder as its last act. The folder is the lock, no file in it: one rmdir then ends both,
    and a newcomer finds either the old folder, locked, or none.
    """
    while True:
        try:
            # mkdir says so also when the folder is gone again by the time that it looks what stands in its way.
            with suppress(FileExistsError):
                folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            # It, or a folder above it, was removed meanwhile.
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Whoever held it before may have removed it; then others take a lock on a new folder.
            if _is_at(descriptor, folder):
                yield
                return
        finally:
            os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def remove_when_empty(folder: Path) -> None:
    """Remove a folder unless something is in it, or it is gone already."""
    try:
        folder.rmdir()
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.ENOENT):
            raise
