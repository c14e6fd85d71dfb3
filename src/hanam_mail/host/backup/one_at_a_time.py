"""Restores and conversions of mailboxes on one host: one of them at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hanam_mail.host.backup.settings import BackupError

LOCK = Path("/run/lock/hanam-mail-restore.lock")
BUSY = 6
"""Exit status of a program that finds another one at work."""


@contextmanager
def only_one() -> Iterator[None]:
    """Keep others out while the block runs; BackupError where another one is at work."""
    with LOCK.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(
                "một lần chuyển hoặc khôi phục hộp thư khác đang chạy trên máy này",
                "another conversion or a restore is running on this host",
                BUSY,
            ) from None
        yield
