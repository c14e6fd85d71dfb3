"""Running the outer machine's programs, and locks between labs that start at the same time."""

import errno
import fcntl
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from hanam_lab.errors import LabError

GRACE_SECONDS = 10.0
MOUNTS = Path("/proc/self/mountinfo")
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM)


def run(
    command: Sequence[str | Path],
    *,
    stdin: str | None = None,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a program, in a folder and with an environment if given, and return what it printed.

    Raises LabError with the program's own words when it fails. When this process is interrupted meanwhile, the program
    is ended with all that it started.
    """
    words = [str(part) for part in command]
    let_come = _held_back()
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0, cwd=folder, env=environment,
        )  # fmt: skip
    except BaseException:
        let_come()
        raise
    with process:
        try:
            let_come()
            output, complaint = process.communicate(stdin)
        except BaseException:
            _end_group(process)
            raise
    if process.returncode != 0:
        said = (complaint or output).strip()[-2000:]
        raise LabError(f"{' '.join(words[:6])}: exit {process.returncode}\n{said}")
    return output


@contextmanager
def _blocked() -> Iterator[None]:
    """No handler runs meanwhile, so that handlers are all former ones or all new ones."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _held_back() -> Callable[[], None]:
    """Hold interrupts back until what is returned is called: a program that has just begun is not known yet."""
    if threading.current_thread() is not threading.main_thread():
        # Interrupts are the main thread's.
        return lambda: None
    came = list[int]()
    with _blocked():
        former = {number: signal.signal(number, lambda number, _: came.append(number)) for number in _INTERRUPTS}

    def let_come() -> None:
        with _blocked():
            for number, handler in former.items():
                signal.signal(number, handler)
        for each in came:
            signal.raise_signal(each)

    return let_come


def _end_group(process: subprocess.Popen[str]) -> None:
    """End a process that was started with a group of its own, and the group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)


def unmount_below(folder: Path) -> None:
    """Unmount everything that is mounted on a folder or below it, the innermost first."""
    mounted = [Path(line.split()[4].replace("\\040", " ")) for line in MOUNTS.read_text().splitlines()]
    for point in reversed(mounted):
        if point.is_relative_to(folder):
            run(["umount", point])


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
