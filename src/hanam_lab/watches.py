"""Room for the hosts' watches on files (inotify), of which the kernel allows one user a few.

Each host's systemd, D-Bus and others hold about seven, all of them as the outer machine's root: the kernel's 128 are
used up by about 15 hosts, and the next one's process 1 ends at once.
"""

from collections.abc import Callable
from pathlib import Path

LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
NEEDED = 1024
_KEPT = "inotify-instances"


def allow(folder: Path, say: Callable[[str], None]) -> None:
    """Raise the limit where it is low, and keep what it was in a folder."""
    before = LIMIT.read_text()
    if int(before) >= NEEDED:
        return
    try:
        LIMIT.write_text(str(NEEDED))
    except OSError as error:
        say(f"{LIMIT} stays at {before.strip()} ({error.strerror}): hosts of many labs at once may not start")
        return
    (folder / _KEPT).write_text(before)


def give_back(folder: Path) -> None:
    """Make the limit again what it was."""
    kept = folder / _KEPT
    if kept.exists():
        LIMIT.write_text(kept.read_text())
        kept.unlink()
