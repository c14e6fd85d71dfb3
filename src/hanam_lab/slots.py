"""A few at a time: tests of hosts that fight for the processors fail by their clocks."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hanam_lab.errors import LabError
from hanam_lab.paths import REPOSITORY

PLACE = REPOSITORY / "build/slots"
_POLL_SECONDS = 1.0


def take(number: int, rank: int = 0) -> None:
    """Wait until fewer than `number` processes of this checkout hold a slot, and hold one to the end of this process.

    Among those that wait, the lowest `rank` goes first. A program that takes this one's place (exec) keeps the slot;
    what it starts does not: Python hands nothing on.
    """
    PLACE.mkdir(parents=True, exist_ok=True)
    waiting = _open(f"waiting-{rank}")
    fcntl.flock(waiting, fcntl.LOCK_SH)
    while True:
        if not _waited_for(rank):
            for slot in range(number):
                place = _free(str(slot))
                if place is not None:
                    os.set_inheritable(place, True)
                    os.close(waiting)
                    return
        time.sleep(_POLL_SECONDS)


def _waited_for(rank: int) -> bool:
    """Whether somebody of a lower rank waits for a slot."""
    for before in range(rank):
        place = _free(f"waiting-{before}")
        if place is None:
            return True
        os.close(place)
    return False


def _free(name: str) -> int | None:
    """The lock of this name, held now, or nothing if another holds it."""
    place = _open(name)
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(place)
        return None
    return place


def _open(name: str) -> int:
    return os.open(PLACE / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


_sessions = dict[Path, int]()  # a second descriptor of this process would find its own lock


def hold_lab(folder: Path) -> None:
    """Be the one session of tests on the lab with this folder, to the end of this process; LabError if another is.

    What one makes, stops and removes the other would trip over.
    """
    if folder in _sessions:
        return
    place = os.open(folder / "tests", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(place, 20, 0).decode()
        os.close(place)
        raise LabError(f"another session of tests runs on lab {folder.name} (pid {holder}): wait for its end") from None
    os.ftruncate(place, 0)
    os.pwrite(place, str(os.getpid()).encode(), 0)
    _sessions[folder] = place


class Quiet:
    """Tests that measure seconds run while no other scenario's tests of this checkout do; the others run side by side.

    Who wants to be alone holds the gate until the room is empty, so that no newcomer goes in before.
    """

    def __init__(self, place: Path) -> None:
        place.mkdir(parents=True, exist_ok=True)
        self._gate, self._room = (os.open(place / name, os.O_RDWR | os.O_CREAT, 0o600) for name in ("gate", "room"))

    @contextmanager
    def among_others(self) -> Iterator[None]:
        with _held(self._gate, fcntl.LOCK_SH):
            fcntl.flock(self._room, fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.flock(self._room, fcntl.LOCK_UN)

    @contextmanager
    def alone(self) -> Iterator[None]:
        with _held(self._gate, fcntl.LOCK_EX), _held(self._room, fcntl.LOCK_EX):
            yield


@contextmanager
def _held(lock: int, kind: int) -> Iterator[None]:
    fcntl.flock(lock, kind)
    try:
        yield
    finally:
        fcntl.flock(lock, fcntl.LOCK_UN)
