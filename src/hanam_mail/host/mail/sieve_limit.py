"""How many messages the scripts of one mailbox may send within an hour (Đ12.6; numbers: sending.yml of the province).

The count stands in the mailbox's home, so that it needs no database while mail is delivered. A file that cannot be read
or holds nonsense limits nobody: what is counted there is gone after an hour anyway.
"""

import fcntl
import time
from collections.abc import Callable
from pathlib import Path

HOUR = 3600
FILE = ".sieve-sent"


def take(home: Path, kind: str, most: int) -> bool:
    """Count one message of that kind; False, and nothing counted, when `most` went out within the last hour."""

    def counted(lines: list[str]) -> list[str] | None:
        if sum(line.startswith(f"{kind} ") for line in lines) >= most:
            return None
        return [*lines, f"{kind} {int(time.time())}"]

    return _write(home, counted)


def give_back(home: Path, kind: str) -> None:
    """Count one message less: it did not go out."""

    def counted(lines: list[str]) -> list[str] | None:
        last = max((number for number, line in enumerate(lines) if line.startswith(f"{kind} ")), default=None)
        return None if last is None else lines[:last] + lines[last + 1 :]

    _write(home, counted)


def _write(home: Path, change: Callable[[list[str]], list[str] | None]) -> bool:
    """Write what `change` makes of the last hour's lines, one program after the other; False when it makes none."""
    with (home / FILE).open("a+", encoding="ascii", errors="replace") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        lines = change([line for line in file.read().splitlines() if _within_the_hour(line)])
        if lines is None:
            return False
        file.truncate(0)
        file.write("".join(f"{line}\n" for line in lines))
        return True


def _within_the_hour(line: str) -> bool:
    _, _, when = line.partition(" ")
    return when.isdecimal() and len(when) < 12 and 0 <= time.time() - int(when) < HOUR
