# {{ ansible_managed }}
"""What the commands hanam-mail-backup and hanam-mail-restore share: configuration, errors, restic.

Passwords reach restic by files that only root (or the unit, as credentials) can read, never by arguments or
environment.
"""

from __future__ import annotations

import base64
import datetime as dt
import http.client
import json
import os
import re
import ssl
import subprocess
import sys
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path("/etc/hanam-mail/backup")
STATUS = Path("/var/lib/hanam-backup/status.json")
UNIT = "hanam-backup.service"
# Clocks of hosts differ a little; more than this is no accident.
CLOCKS_DIFFER = dt.timedelta(hours=1)
# The snapshot of everything, and those of what changed while it was taken.
FULL, FOLLOWUP = "full", "followup"


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


def _secret(name: str) -> Path:
    return Path(os.environ.get("CREDENTIALS_DIRECTORY", FOLDER)) / name


def late(config: Config, last_ok: str | None, time: dt.datetime) -> bool:
    """Whether the last good backup is older than it may be, or there is none."""
    return not last_ok or time - parse_time(last_ok) > dt.timedelta(hours=config.late_after_hours)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).astimezone()


def parse_time(text: str) -> dt.datetime:
    """An ISO time as restic writes it, in nanoseconds, of which Python reads microseconds."""
    return dt.datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text)).astimezone()


def shown(time: dt.datetime) -> str:
    return time.strftime("%d/%m/%Y %H:%M:%S")


def human(size: int) -> str:
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError


# --- the repository -------------------------------------------------------------------------------


def repository_exists(config: Config) -> bool:
    """Ask the server itself, which answers or fails at once: restic would try for a quarter of an hour."""
    url = urllib.parse.urlsplit(_secret("repository").read_text().strip().removeprefix("rest:"))
    login = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    try:
        context = ssl.create_default_context(cafile=config.ca)
        connection = http.client.HTTPSConnection(url.hostname or "", url.port, timeout=10, context=context)
        connection.request("HEAD", f"{url.path}config", headers={"Authorization": f"Basic {login}"})
        code = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise BackupError(
            f"không kết nối được kho sao lưu {config.repository}: {error}",
            f"the backup repository {config.repository} cannot be reached: {error}",
            5,
        ) from error
    if code not in (200, 404):
        raise BackupError(
            f"kho sao lưu {config.repository} từ chối (HTTP {code})",
            f"the backup repository {config.repository} refuses us (HTTP {code})",
            5,
        )
    return code == 200


def require_repository(config: Config) -> None:
    if not repository_exists(config):
        raise BackupError(
            f"kho sao lưu {config.repository} chưa được khởi tạo",
            f"there is no repository at {config.repository}",
            4,
        )


def restic_environment(config: Config) -> Mapping[str, str]:
    environment = {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        # Root and the unit's user each have a cache of their own.
        "RESTIC_CACHE_DIR": os.environ.get("CACHE_DIRECTORY", "/var/cache/hanam-mail-restore"),
        "RESTIC_REPOSITORY_FILE": str(_secret("repository")),
        "RESTIC_PASSWORD_FILE": str(_secret("password")),
        "RESTIC_CACERT": config.ca,
        "RESTIC_HOST": config.host,
        "RESTIC_PROGRESS_FPS": "0.01",
        # Modest memory: collect garbage early.
        "GOGC": "50",
        "GOMEMLIMIT": config.memory,
    }
    return environment


def restic(config: Config, *arguments: str, accept: Sequence[int] = (0,)) -> subprocess.CompletedProcess[str]:
    """Run restic; an exit status that is not accepted is an error with restic's own words."""
    done = subprocess.run(
        ["/usr/bin/restic", "--retry-lock", "30m", *arguments],
        env=restic_environment(config),
        capture_output=True,
        check=False,
        text=True,
        errors="surrogateescape",
    )
    if done.returncode not in accept:
        words = (done.stderr.strip() or done.stdout.strip())[-1500:]
        raise BackupError(
            f"restic {arguments[0]} thất bại (mã {done.returncode}): {words}",
            f"restic {arguments[0]} failed (exit {done.returncode}): {words}",
        )
    return done


@dataclass(frozen=True)
class Snapshot:
    id: str
    time: dt.datetime
    paths: tuple[str, ...]
    tags: tuple[str, ...]
    summary: Mapping[str, Any]

    @property
    def short(self) -> str:
        return self.id[:8]

    def __str__(self) -> str:
        return f"{self.short} ({shown(self.time)})"


def snapshots(config: Config, *options: str) -> list[Snapshot]:
    """This host's snapshots, oldest first."""
    found = json.loads(restic(config, "snapshots", "--json", "--host", config.host, *options).stdout or "[]")
    return sorted(
        (
            Snapshot(
                entry["id"],
                parse_time(entry["time"]),
                tuple(entry["paths"]),
                tuple(entry.get("tags") or ()),
                entry.get("summary") or {},
            )
            for entry in found
        ),
        key=lambda snapshot: snapshot.time,
    )


def future(snapshot: Snapshot) -> bool:
    """Whether it claims a time to come: from a clock that is wrong, or from somebody who wants it to be the latest."""
    return snapshot.time > now() + CLOCKS_DIFFER
