"""This host's part of the backup, as the role wrote it, and what goes wrong with it."""

import datetime as dt
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from hanam_mail.host import places
from hanam_mail.host.backup.times import parse_time

FOLDER = Path("/etc/hanam-mail/backup")
STATUS = places.BACKUP_STATUS_FILE
UNIT = "hanam-backup.service"


class BackupError(Exception):
    """Something the operator must know, in Vietnamese and in English; the number is the exit status."""

    def __init__(self, vietnamese: str, english: str, status: int = 1) -> None:
        super().__init__(english)
        self.vietnamese, self.english, self.status = vietnamese, english, status

    def tell(self) -> int:
        """Print it and give the exit status."""
        print(f"Lỗi: {self.vietnamese}\nError: {self.english}", file=sys.stderr)
        return self.status


@dataclass(frozen=True)
class Config:
    """What the role wrote: this host's part of the backup."""

    host: str
    repository: str
    """URL without the password, for messages."""
    ca: str
    mail_root: str
    """Empty where no mail is stored."""
    mail_uid: int
    databases: tuple[str, ...]
    database_role: str
    dumps: str
    memory: str
    late_after_hours: int
    """So old may the last good backup be."""
    paths: tuple[str, ...]
    """What else of this host is saved: queue, sealed files, what the filter has learnt."""
    journal_days: int
    ask_above: int
    """More messages than these come back into a mailbox only when somebody agrees."""
    audit_command: tuple[str, ...]
    """Writes a restore into the accounts database's audit; empty where a host has no way to it."""

    @property
    def mail(self) -> Path | None:
        return Path(self.mail_root) if self.mail_root else None


def load_config() -> Config:
    values = json.loads((FOLDER / "config.json").read_text())
    return Config(**{**values, **{name: tuple(values[name]) for name in ("databases", "audit_command", "paths")}})


def secret(name: str) -> Path:
    return Path(os.environ.get("CREDENTIALS_DIRECTORY", FOLDER)) / name


def late(config: Config, last_ok: str | None, time: dt.datetime) -> bool:
    """Whether the last good backup is older than it may be, or there is none."""
    return not last_ok or time - parse_time(last_ok) > dt.timedelta(hours=config.late_after_hours)
