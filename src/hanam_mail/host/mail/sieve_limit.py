"""How many messages the scripts of one mailbox may send within an hour (Đ12.6; numbers: sending.yml of the province).

The count stands in the mailbox's home, so that it needs no database while mail is delivered. A file that cannot be read
or holds nonsense limits nobody: what is counted there is gone after an hour anyway.
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOUR = 3600
FILE = ".sieve-sent"


def take(home: Path, kind: str, most: int) -> bool:
    """Count one message of that kind; False, and nothing counted, when `most` went out within the last hour."""
    with _counted(home) as lines:
        if sum(line.startswith(f"{kind} ") for line in lines) >= most:
            return False
        lines.append(f"{kind} {int(time.time())}")
    return True


def give_back(home: Path, kind: str) -> None:
    """Count one message less: it did not go out."""
    with _counted(home) as lines:
        last = max((number for number, line in enumerate(lines) if line.startswith(f"{kind} ")), default=None)
        if last is not None:
            del lines[last]


@contextmanager
def _counted(home: Path) -> Iterator[list[str]]:
    """The last hour's lines, for one program after the other; written anew when the block changed them."""
    with (home / FILE).open("a+", encoding="ascii", errors="replace") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        lines = [line for line in file.read().splitlines() if _within_the_hour(line)]
        before = list(lines)
        yield lines
        if lines != before:
            file.truncate(0)
            file.write("".join(f"{line}\n" for line in lines))


def _within_the_hour(line: str) -> bool:
    _, _, when = line.partition(" ")
    return when.isdecimal() and len(when) < 12 and 0 <= time.time() - int(when) < HOUR
