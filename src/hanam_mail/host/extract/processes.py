"""What the kernel is told of processes that read what strangers send (prctl(2))."""

import ctypes
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

_DUMPABLE, _SUBREAPER = 4, 36


def set_dumpable(dumpable: bool) -> None:
    """Whether other processes of the same user may look into this one (ptrace, /proc/PID/mem and fd).

    What a process starts by exec is, whatever this one was. Raises OSError.
    """
    _prctl(_DUMPABLE, int(dumpable))


def adopt_orphans() -> None:
    """What a child leaves behind becomes this process's child, so that it can be ended. Raises OSError."""
    _prctl(_SUBREAPER, 1)


def children() -> set[int]:
    """The processes that this one is the parent of."""
    found = set[int]()
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            found.update(map(int, (task / "children").read_text(encoding="ascii").split()))
    return found


def end_all_but(kept: set[int], seconds: float = 2.0) -> None:
    """Kill every child but these, and what they leave, and what that leaves; no longer than so many seconds."""
    deadline = time.monotonic() + seconds
    while (left := children() - kept) and time.monotonic() < deadline:
        for child in left:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        for child in left:
            with suppress(ChildProcessError):
                os.waitpid(child, 0)


def _prctl(option: int, value: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
