#!/usr/bin/python3
# {{ ansible_managed }}
"""Upkeep of every repository below the folder: `hanam-backup-maintain prune|check`.

Run by hanam-backup-maintain@.service, which gives folder, options and password. Lines that begin with <3> are
errors in the journal. `hanam-backup-maintain prepare FOLDER USER ACCOUNT/HOST ...` is what the role runs, as root.
"""

import datetime as dt
import grp
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
from pathlib import Path

CLOCKS_DIFFER = dt.timedelta(hours=1)


def restic(repository: Path, *arguments: str) -> str:
    """What restic printed. Whoever holds a lock (a running backup) is waited for."""
    done = subprocess.run(
        ["/usr/bin/restic", "--repo", str(repository), "--retry-lock", "2h", *arguments],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise RuntimeError(f"restic {arguments[0]}: exit {done.returncode}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def refuse_future(repository: Path) -> None:
    """What is kept counts from the newest snapshot: one with a time to come would make all others too old.

    No honest client makes one, so a person has to look before anything is forgotten.
    """
    latest = dt.datetime.now(dt.UTC) + CLOCKS_DIFFER
    for snapshot in json.loads(restic(repository, "snapshots", "--json", "--no-lock")):
        # Nanoseconds are more than Python reads.
        time = dt.datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", snapshot["time"]))
        if time > latest:
            raise RuntimeError(f"snapshot {snapshot['short_id']} is from the future ({time}): nothing is forgotten")


def prune(repository: Path) -> None:
    refuse_future(repository)
    options = os.environ["MAINTAIN_PRUNE"].split()
    print(restic(repository, "forget", "--prune", "--group-by", "host,tags", "--quiet", *options))


def part_of_week(day: dt.date, parts: int) -> int:
    """Which of the parts is read in the week of that day: each in its turn, so that all are within so many weeks."""
    return (day.toordinal() - 1) // 7 % parts + 1


def check(repository: Path) -> None:
    parts = int(os.environ["MAINTAIN_CHECK_WEEKS"])
    subset = f"--read-data-subset={part_of_week(dt.date.today(), parts)}/{parts}"
    print(restic(repository, "check", "--cleanup-cache", subset))


# --- repositories and their rights ------------------------------------------------------------------

# What a backup adds to; all else is made here once. A client that could add a key would have the backups open to
# whoever knows that key, and a repository more could fill the disk unseen.
WRITABLE = ("data", "index", "locks", "snapshots")


def own(path: Path, user: str, group: str, mode: int) -> bool:
    """Whether something had to be changed."""
    stat = path.stat()
    uid, gid = pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid
    if (stat.st_uid, stat.st_gid, stat.st_mode & 0o7777) == (uid, gid, mode):
        return False
    os.chown(path, uid, gid)
    path.chmod(mode)
    return True


def prepare(root: Path, user: str, names: list[str]) -> bool:
    """Make the repositories that are not there, and let the server write only where a backup has to."""
    changed = own(root, "root", user, 0o750)
    for name in names:
        repository = root / name
        if not (repository / "config").exists():
            # Aside, since restic does not go on with one that is half made; and never over one that holds backups.
            new = root / ".new"
            if new.exists():
                shutil.rmtree(new)
            print(restic(new, "init", "--no-cache"))
            repository.parent.mkdir(exist_ok=True)
            new.rename(repository)
            changed = True
        for part in WRITABLE:
            for folder in (repository / part, *(repository / part).glob("*/")):
                changed |= own(folder, user, user, 0o700)
        folders = [repository.parent, repository, repository / "keys"]
        files = [repository / "config", *(repository / "keys").iterdir()]
        for path, mode in [*((folder, 0o550) for folder in folders), *((file, 0o440) for file in files)]:
            changed |= own(path, "root", user, mode)
    return changed


def main() -> int:
    if sys.argv[1] == "prepare":
        print("changed" if prepare(Path(sys.argv[2]), sys.argv[3], sys.argv[4:]) else "unchanged")
        return 0
    action = {"prune": prune, "check": check}[sys.argv[1]]
    failed = 0
    for config in sorted(Path(os.environ["MAINTAIN_ROOT"]).glob("*/*/config")):
        repository = config.parent
        print(f"{sys.argv[1]} {repository}", flush=True)
        try:
            action(repository)
        except RuntimeError as error:
            print(f"<3>{sys.argv[1]} of {repository} failed: {error}", flush=True)
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
