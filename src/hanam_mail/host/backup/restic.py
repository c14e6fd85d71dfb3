"""What the commands hanam-mail-backup and hanam-mail-restore share: configuration, errors, restic.

Passwords reach restic by files that only root (or the unit, as credentials) can read, never by arguments or
environment.
"""

import base64
import datetime as dt
import hashlib
import http.client
import json
import os
import re
import ssl
import subprocess
import sys
import time
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
# What restic says when a file that it needs before all others is damaged: an index, the key, the configuration, a
# lock. The repository's host mends these as soon as something changes in the folder of the locks.
DAMAGED = re.compile(
    r"LoadRaw\((?:<|\\u003c)(?:index|key|lock)/|config or key \w+ is damaged|config file has zero size|LoadConfig\("
    r"|invalid lock file|unable to create lock in backend: (?:ciphertext|invalid|LoadRaw)"
)
MENDED_WITHIN, ASK_AGAIN = 1800, 10
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


def ask_repository(config: Config, method: str, path: str) -> int:
    """The server's own answer, which comes or fails at once: restic would try for a quarter of an hour."""
    url = urllib.parse.urlsplit(_secret("repository").read_text().strip().removeprefix("rest:"))
    login = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    try:
        context = ssl.create_default_context(cafile=config.ca)
        connection = http.client.HTTPSConnection(url.hostname or "", url.port, timeout=10, context=context)
        connection.request(method, f"{url.path}{path}", headers={"Authorization": f"Basic {login}"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise BackupError(
            f"không kết nối được kho sao lưu {config.repository}: {error}",
            f"the backup repository {config.repository} cannot be reached: {error}",
            5,
        ) from error


def repository_exists(config: Config) -> bool:
    code = ask_repository(config, "HEAD", "config")
    if code not in (200, 404):
        raise BackupError(
            f"kho sao lưu {config.repository} từ chối (HTTP {code})",
            f"the backup repository {config.repository} refuses us (HTTP {code})",
            5,
        )
    return code == 200


def ask_for_mending(config: Config) -> None:
    """Have the repository's host look at its files: it does so when a lock comes or goes.

    An empty one, which restic takes no notice of.
    """
    lock = f"locks/{hashlib.sha256().hexdigest()}"
    for method in ("POST", "DELETE"):
        ask_repository(config, method, lock)


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
    """Run restic; an exit status that is not accepted is an error with restic's own words.

    Where what it needs first is damaged, the repository's host is asked to mend it, and waited for.
    """
    until = time.monotonic() + MENDED_WITHIN
    while True:
        done = subprocess.run(
            ["/usr/bin/restic", "--retry-lock", "30m", *arguments],
            env=restic_environment(config),
            capture_output=True,
            check=False,
            text=True,
            errors="surrogateescape",
        )
        damaged = done.returncode and DAMAGED.search(done.stdout + done.stderr)
        if not damaged or time.monotonic() > until:
            break
        print(
            "Kho sao lưu có tệp quản lý bị hỏng; đã yêu cầu máy sao lưu sửa, đang chờ ...\n"
            "A file of the repository itself is damaged; its host was asked to mend it, waiting ...",
            file=sys.stderr,
            flush=True,
        )
        ask_for_mending(config)
        time.sleep(ASK_AGAIN)
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
    done = restic(config, "snapshots", "--json", "--host", config.host, *options)
    for line in done.stderr.splitlines():
        if line.startswith("Ignoring "):
            # The next older one would be taken for the newest in silence.
            print(f"Cảnh báo: kho có bản sao lưu không đọc được: {line}", file=sys.stderr)
    found = json.loads(done.stdout or "[]")
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
