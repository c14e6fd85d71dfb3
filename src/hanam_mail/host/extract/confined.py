"""Does a piece of work in a process of its own, which the kernel holds to limits and which ends with all it started.

Whatever a stranger's document does to its reader, the answer is an End: a reader that is killed at a limit, crashes or
hangs is one of those, never an error of the program that started it.
"""

import os
import resource
import select
import signal
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

from hanam_mail.host.extract import processes
from hanam_mail.host.extract.work import End, Limits

_CHUNK = 65536
# Of the user's processes altogether, and of one document's open files.
_PROCESSES, _FILES = 256, 64
# Beyond every number that a descriptor may have.
_ALL = 2**31 - 1
# The kernel takes a reader before the service that started it.
_OOM = 500


@dataclass(frozen=True, slots=True)
class ReadingOutcome:
    """How a reading ended, why, and its text in UTF-8 (empty where none is given)."""

    end: End
    reason: str = ""
    text: bytes = b""


def run(work: Callable[[], tuple[str, bytes]], limits: Limits, *kept: int) -> ReadingOutcome:
    """Do it there: it gives an End with its reason, and what was read. Takes no longer than the limits say.

    Of this process's descriptors it has those that are kept, and the standard ones. Raises OSError: no process.
    """
    others = processes.children()
    read_end, write_end = os.pipe()
    try:
        child = os.fork()
    except OSError:
        os.close(read_end)
        os.close(write_end)
        raise
    if child == 0:
        os.close(read_end)
        _become_reader(work, write_end, limits, kept)
    os.close(write_end)
    deadline = time.monotonic() + limits.seconds
    try:
        answer, in_time = _all_of(read_end, deadline, limits.text + _CHUNK)
    finally:
        os.close(read_end)
        status = _end(child, 0.0 if time.monotonic() > deadline else 1.0)
        # What left its group, if the caller adopts orphans (processes.adopt_orphans).
        processes.end_all_but(others)
    return _outcome(answer, in_time, status)


def _outcome(answer: bytes, in_time: bool, status: int) -> ReadingOutcome:
    if not in_time:
        return ReadingOutcome(End.LIMIT, "time")
    head, newline, text = answer.partition(b"\n")
    words = head.decode("ascii", "replace").split(" ", 1)
    if newline and words[0] in set(End) and os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
        return ReadingOutcome(End(words[0]), words[1] if len(words) > 1 else "", text)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL):
        # SIGKILL: the processor's hard limit, or the kernel's search for memory.
        return ReadingOutcome(End.LIMIT, "time" if os.WTERMSIG(status) == signal.SIGXCPU else "memory")
    return ReadingOutcome(End.BROKEN, "reader")


def _all_of(pipe: int, deadline: float, most: int) -> tuple[bytes, bool]:
    """What comes until the other side closes; whether that was before the deadline."""
    pieces, size = list[bytes](), 0
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    while size <= most:
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            return b"", False
        octets = os.read(pipe, _CHUNK)
        if not octets:
            return b"".join(pieces), True
        pieces.append(octets)
        size += len(octets)
    return b"", True


def _end(child: int, patience: float) -> int:
    """The child's status; it and whatever it started are gone after it."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        # Not reaped yet: its number is nobody else's while its group is ended.
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            break
        time.sleep(0.002)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def _become_reader(work: Callable[[], tuple[str, bytes]], pipe: int, limits: Limits, kept: Collection[int]) -> None:
    """The child: never returns."""
    try:
        # Connections, and what was read for others, are no business of a document that takes its reader over.
        _close_all_but({0, 1, 2, pipe, *kept})
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        # For the case that nobody is left to look at the clock.
        signal.alarm(int(limits.seconds) + 2)
        _confine(limits)
        head, text = work()
        _write(pipe, head.encode("ascii", "replace") + b"\n" + text)
        os._exit(0)
    except BaseException:  # noqa: BLE001,RUF100 (whatever it was, the parent answers)
        os._exit(1)


def _close_all_but(kept: Collection[int]) -> None:
    first = 0
    for number in (*sorted(kept), _ALL):
        # Where there is nothing between two, Python would close all from the first on.
        if first < number:
            os.closerange(first, number)
        first = number + 1


def _confine(limits: Limits) -> None:
    for kind, most in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, limits.octets),
        (resource.RLIMIT_NPROC, _PROCESSES),
        (resource.RLIMIT_NOFILE, _FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    # Of each process, this one and the programs that it starts; the clock is for all together. The signal first,
    # then, if somebody caught that one, the end.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.processor, limits.processor + 2))
    # Its own files in /proc are its own for so long.
    processes.set_dumpable(True)
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:  # noqa: PTH123
        file.write(str(_OOM))
    processes.set_dumpable(False)


def _write(pipe: int, octets: bytes) -> None:
    view = memoryview(octets)
    while view:
        view = view[os.write(pipe, view) :]
