"""A few at a time: tests of hosts that fight for the processors fail by their clocks."""

import fcntl
import os
import time

from hanam_lab.paths import REPOSITORY

PLACE = REPOSITORY / "build/turns"
_POLL_SECONDS = 1.0


def take(number: int) -> None:
    """Wait until fewer than `number` processes of this checkout hold a turn, and hold one to the end of this process.

    A program that takes this one's place (exec) keeps it; what it starts does not: Python hands nothing on.
    """
    PLACE.mkdir(parents=True, exist_ok=True)
    while True:
        for turn in range(number):
            place = os.open(PLACE / str(turn), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(place)
            else:
                os.set_inheritable(place, True)
                return
        time.sleep(_POLL_SECONDS)
