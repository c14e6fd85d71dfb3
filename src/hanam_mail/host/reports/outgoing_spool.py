"""What reports will tell on its way into the accounts database: counted in memory, then in a folder of small files.

The service that sees it, verdicts or sessions of TLS, adds to a Counter and never waits for it. Each minute what was
counted becomes a file of lines of JSON, {"day", "domain", "published", "row", "messages"}; a last line {"lost": number}
counts what there was no room for. A file is whole once it has its name. Reports are best effort: what was counted since
the last file dies with the process, and where nobody fetches the files for long, what no longer fits is lost, and
counted.
"""

import json
import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from hanam_mail.host.reports.outgoing_rows import DOMAIN, Seen
from hanam_mail.host.service import say

WRITE_SECONDS = 60.0
TOLD_SECONDS = 3600.0
# Octets that are counted in memory between two files, and of all files that wait, and how many these are.
MOST_COUNTED = 8 * 2**20
MOST_OCTETS = 64 * 2**20
MOST_FILES = 20_000
NAME = re.compile(r"[0-9]{20}-[0-9a-f]{16}\.jsonl")
# What is being written, and what nobody will finish.
UNFINISHED = ".part"


class Counter:
    """Counts equal messages of a day until they are written. Threads add, one of its own writes."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._counted: dict[tuple[str, Seen], int] = {}
        self._octets = 0
        self._lost = 0
        self._told = -TOLD_SECONDS
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Write each minute from now on."""
        self._thread = threading.Thread(target=self._write_again, name="reports", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what is left."""
        self._stop.set()
        if self._thread:
            self._thread.join()
        self.write()

    def add(self, seen: Seen) -> None:
        """Count one message."""
        key = datetime.fromtimestamp(self._clock(), UTC).date().isoformat(), seen
        octets = len(seen.domain) + len(seen.published) + len(seen.row)
        with self._lock:
            if key in self._counted:
                self._counted[key] += 1
            elif self._octets + octets <= MOST_COUNTED:
                self._counted[key] = 1
                self._octets += octets
            else:
                self._lost += 1

    def lose(self) -> None:
        """Count one of which no report can tell."""
        with self._lock:
            self._lost += 1

    def write(self) -> None:
        """Make a file of what was counted, or lose it where there is no room."""
        with self._lock:
            counted, lost = self._counted, self._lost
            self._counted, self._octets, self._lost = {}, 0, 0
        if not counted and not lost:
            return
        messages = sum(counted.values())
        try:
            if not self._has_room():
                raise OSError("nobody fetches what is there")
            self._write(_lines(counted, lost))
        except OSError as error:
            with self._lock:
                self._lost += lost + messages
            self._tell(f"{messages} messages will be missing in reports to their domains, {self._folder}: {error}")

    def _write_again(self) -> None:
        while not self._stop.wait(WRITE_SECONDS):
            self.write()

    def _has_room(self) -> bool:
        sizes = []
        with os.scandir(self._folder) as entries:
            for entry in entries:
                # Fetched meanwhile.
                with suppress(FileNotFoundError):
                    sizes.append(entry.stat().st_size)
        return len(sizes) < MOST_FILES and sum(sizes) < MOST_OCTETS

    def _write(self, lines: Iterable[str]) -> None:
        place = self._folder / f"{time.time_ns():020}-{secrets.token_hex(8)}.jsonl"
        # Not by atomic_file: by this name who carries knows what a run that was cut off left (outgoing_carry.py).
        unfinished = place.with_suffix(UNFINISHED)
        try:
            with unfinished.open("x", encoding="ascii") as file:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(place)
        except OSError:
            with suppress(OSError):
                unfinished.unlink()
            raise

    def _tell(self, text: str) -> None:
        now = time.monotonic()
        if now - self._told >= TOLD_SECONDS:
            self._told = now
            say(4, text)


def _lines(counted: dict[tuple[str, Seen], int], lost: int) -> Iterator[str]:
    for (day, seen), messages in counted.items():
        head = json.dumps({"day": day, "domain": seen.domain, "messages": messages})
        yield f'{head[:-1]}, "published": {seen.published}, "row": {seen.row}}}\n'
    if lost:
        yield json.dumps({"lost": lost}) + "\n"


# --- reading ---

# No file of ours is longer: what is counted, with day and number of each line.
LONGEST_FILE = 2 * MOST_COUNTED
LONGEST_LINE = 16384

type Fits = Callable[[dict[str, Any], dict[str, Any]], object]
"""Whether a record and a row are as that kind of report has them; may also raise what a wrong one makes of it."""


@dataclass
class File:
    """What a file holds: its good lines, how many messages it counts as lost, and how many lines are damaged."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    lost: int = 0
    damaged: int = 0


def waiting(folder: Path) -> list[Path]:
    """The whole files, the oldest first."""
    return sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name))


def read(path: Path, fits: Fits) -> File:
    """A file, whatever is in it. OSError where it is none, or cannot be opened."""
    found = File()
    # Whoever may write here could put something else in its place.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        octets = file.read(LONGEST_FILE + 1)
    if len(octets) > LONGEST_FILE:
        found.damaged = 1
        return found
    for line in octets.splitlines(keepends=True):
        try:
            _take(line, fits, found)
        except (ValueError, TypeError, LookupError, RecursionError):
            found.damaged += 1
    return found


def _take(line: bytes, fits: Fits, found: File) -> None:
    if len(line) > LONGEST_LINE or not line.endswith(b"\n"):
        raise ValueError("half a line, or more than one")
    said = json.loads(line)
    if set(said) == {"lost"}:
        found.lost += _number(said["lost"])
        return
    right = (
        set(said) == {"day", "domain", "messages", "published", "row"}
        and DOMAIN.fullmatch(said["domain"])
        and fits(said["published"], said["row"])
    )
    if not right:
        raise ValueError("not as it must be")
    date.fromisoformat(said["day"])
    _number(said["messages"])
    found.lines.append(said)


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**31:
        raise ValueError("no number")
    return value
