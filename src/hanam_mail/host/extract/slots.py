"""Who may read now, and how much those that run into limits may take: shared by the processes of all connections.

What they share lies in a file in memory. What a process holds there are locks, so one that dies gives them back.
"""

import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_STATE = struct.Struct("<qd")


class Busy(Exception):
    """So many documents are being read that this one had no slot."""


class Shared:
    """A file in memory of so many octets, changed by one process at once."""

    def __init__(self, name: str, size: int = 0) -> None:
        self._file = os.memfd_create(name, os.MFD_CLOEXEC)
        os.ftruncate(self._file, size)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        fcntl.lockf(self._file, fcntl.LOCK_EX, 1, 0)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, 0)


class _Count(Shared):
    """A number and a time."""

    def __init__(self, name: str, number: int = 0, value: float = 0.0) -> None:
        super().__init__(name)
        self._write(number, value)

    def _state(self) -> tuple[int, float]:
        number, value = _STATE.unpack(os.pread(self._file, _STATE.size, 0))
        return number, value

    def _write(self, number: int, value: float) -> None:
        os.pwrite(self._file, _STATE.pack(number, value), 0)


class Slots(_Count):
    """So many documents are read at once, first come first served."""

    def __init__(self, number: int) -> None:
        super().__init__("slots", 1, 1.0)
        self._number = number

    @contextmanager
    def slot(self, seconds: float) -> Iterator[None]:
        """Wait for one. Raises Busy."""
        deadline = time.monotonic() + seconds
        mine, ahead = self._ticket()
        try:
            while len(ahead := [each for each in ahead if self._is_held(each)]) >= self._number:
                if time.monotonic() > deadline:
                    raise Busy
                time.sleep(0.01)
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, mine)

    def _ticket(self) -> tuple[int, list[int]]:
        """A number, whose place in the file is locked for as long as it counts; those that came before and count."""
        with self._alone():
            mine, oldest = self._state()
            while oldest < mine and not self._is_held(int(oldest)):
                oldest += 1
            fcntl.lockf(self._file, fcntl.LOCK_EX, 1, mine)
            self._write(mine + 1, oldest)
        return mine, [each for each in range(int(oldest), mine) if self._is_held(each)]

    def _is_held(self, ticket: int) -> bool:
        # Shared: several may look at once.
        with suppress(BlockingIOError, PermissionError):
            fcntl.lockf(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, ticket)
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, ticket)
            return False
        return True


class Budget(_Count):
    """Seconds that readings which ended at a limit may take, of all clients together: so many within a minute.

    What is spent beyond three times as much is not remembered: it is back after three minutes, whatever came before.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__("budget", 0, time.monotonic())
        self._seconds = seconds

    def spent(self) -> float:
        """How much of it is gone: 0 is nothing, 1 all, 2 as much again."""
        with self._alone():
            return self._now() / 1000 / self._seconds

    def charge(self, seconds: float) -> None:
        """So much more."""
        with self._alone():
            most = int(3000 * self._seconds)
            self._write(min(most, self._now() + int(seconds * 1000)), time.monotonic())

    def _now(self) -> int:
        """Milliseconds, those of a minute ago forgotten evenly."""
        before, when = self._state()
        return max(0, before - int((time.monotonic() - when) / 60 * self._seconds * 1000))
