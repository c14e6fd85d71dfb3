"""The repository as hanam-mail-backup and hanam-mail-restore use it: restic, its snapshots, and the server itself.

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
from typing import Any

from hanam_mail.host.backup.settings import BackupError, Config, secret
from hanam_mail.host.backup.times import parse_time, shown, yet_to_come
from hanam_mail.host.output import rows

# What restic says when a file that it needs before all others is damaged: an index, the key, the configuration, a
# lock. The repository's host mends these as soon as something changes in the folder of the locks.
DAMAGED = re.compile(
    r"LoadRaw\((?:<|\\u003c)(?:index|key|lock)/|config or key \w+ is damaged|config file has zero size|LoadConfig\("
    r"|invalid lock file|unable to create lock in backend: (?:ciphertext|invalid|LoadRaw)"
)
MENDED_WITHIN, ASK_AGAIN = 1800, 10
# The snapshot of everything, and those of what changed while it was taken.
FULL, FOLLOWUP = "full", "followup"


def ask_repository(config: Config, method: str, path: str) -> int:
    """The server's own answer, which comes or fails at once: restic would try for a quarter of an hour."""
    url = urllib.parse.urlsplit(secret("repository").read_text().strip().removeprefix("rest:"))
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
        "RESTIC_REPOSITORY_FILE": str(secret("repository")),
        "RESTIC_PASSWORD_FILE": str(secret("password")),
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

    @property
    def future(self) -> bool:
        """Whether it claims a time to come: nothing old is forgotten while it is there, no restore takes it."""
        return yet_to_come(self.time)

    def __str__(self) -> str:
        return f"{self.short} ({shown(self.time)})"


def messages(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """What restic said in JSON, a message a line."""
    return [json.loads(line) for line in rows(done.stdout) + rows(done.stderr) if line.startswith("{")]


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
