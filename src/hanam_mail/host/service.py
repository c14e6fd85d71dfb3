"""What a service that systemd started says to it, and how it learns that another program stands in its place."""

import os
import socket
import sys
from pathlib import Path


class Program:
    """The file that a process runs, as it is now; OSError where there is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._began = self._version()

    @property
    def replaced(self) -> bool:
        """Whether another file stands there since: then the process leaves, and systemd starts that one."""
        return self._version() != self._began

    def _version(self) -> tuple[int, int]:
        status = self.path.stat()
        return status.st_ino, status.st_mtime_ns


def tell_systemd(text: str) -> None:
    """Assignments as in sd_notify(3); does nothing where systemd does not listen."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.sendto(text.encode(), address)


def say(priority: int, text: str) -> None:
    """Into the journal: 4 is a warning, 5 a notice (sd-daemon(3))."""
    print(f"<{priority}>{text}", file=sys.stderr, flush=True)
