"""Upkeep of every repository below the folder: `hanam-backup-maintain prune|check|mend`.

Run by hanam-backup-maintain@.service, which gives settings and password. Lines that begin with <3> are errors in the
journal. As root: `hanam-backup-maintain prepare`, which the role runs, and `hanam-backup-maintain put-back`, which the
service runs first.
"""

import argparse
import datetime as dt
import grp
import hashlib
import json
import os
import pwd
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hanam_mail import atomic_file
from hanam_mail.host.backup.times import parse_time, yet_to_come

FOLDER = Path("/etc/hanam-mail/backup-repository")


@dataclass(frozen=True)
class MaintainSettings:
    """What the role wrote."""

    root: Path
    """Folder of all repositories."""
    user: str
    """Of the server and of the upkeep; also the group's name."""
    repositories: Sequence[str]
    """account/host, as in the addresses that clients use."""
    keep: Mapping[str, str]
    """Which snapshots are kept, as the options --keep-NAME of `restic forget`."""
    check_weeks: int
    """Within so many weeks the checks have read back everything."""

    @classmethod
    def read(cls) -> "MaintainSettings":
        """The unit gets them as a credential: its user may not look into root's folder."""
        path = Path(os.environ.get("CREDENTIALS_DIRECTORY", FOLDER)) / "settings.json"
        values = json.loads(path.read_text())
        return cls(**{**values, "root": Path(values["root"])})


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
    for snapshot in json.loads(restic(repository, "snapshots", "--json", "--no-lock")):
        taken = parse_time(snapshot["time"])
        if yet_to_come(taken):
            raise RuntimeError(f"snapshot {snapshot['short_id']} is from the future ({taken}): nothing is forgotten")


def prune(settings: MaintainSettings, repository: Path) -> None:
    refuse_future(repository)
    keep = [f"--keep-{name}={value}" for name, value in sorted(settings.keep.items())]
    print(restic(repository, "forget", "--prune", "--group-by", "host,tags", "--quiet", *keep))


def part_of_week(day: dt.date, parts: int) -> int:
    """Which of the parts is read in the week of that day: each in its turn, so that all are within so many weeks."""
    return (day.toordinal() - 1) // 7 % parts + 1


def check(settings: MaintainSettings, repository: Path) -> None:
    part = part_of_week(dt.date.today(), settings.check_weeks)
    subset = f"--read-data-subset={part}/{settings.check_weeks}"
    print(restic(repository, "check", "--cleanup-cache", subset))


# --- what is damaged of the files that restic needs first ---------------------------------------------

# So long an honest lock may take to be whole, and more.
SETTLED_SECONDS = 60


def damaged(folder: Path) -> list[Path]:
    """Files that are not what their names say: restic calls each by the SHA-256 of what is in it."""
    found = []
    for path in sorted(folder.iterdir()):
        try:
            if re.fullmatch("[0-9a-f]{64}", path.name) and hashlib.sha256(path.read_bytes()).hexdigest() != path.name:
                found.append(path)
        except FileNotFoundError:
            continue
    return found


def refused_locks(repository: Path) -> list[Path]:
    """Locks that restic cannot read, whatever their sum: everybody would wait for them for ever."""
    found = []
    for path in sorted((repository / "locks").glob("?" * 64)):
        try:
            if path.stat().st_size and time.time() - path.stat().st_mtime > SETTLED_SECONDS:
                restic(repository, "cat", "lock", path.name, "--no-lock")
        except FileNotFoundError:
            continue
        except RuntimeError:
            if path.exists():
                found.append(path)
    return found


def mend(settings: MaintainSettings, repository: Path) -> None:
    """Let restic open the repository again: drop locks nobody can read, make a damaged index anew from the packs.

    Whatever it found is an error of this run, so that the operator is told: a flipped bit is the sign of a disk.
    """
    found = []
    locks = damaged(repository / "locks")
    for path in locks:
        path.unlink(missing_ok=True)
    for path in refused_locks(repository):
        path.unlink(missing_ok=True)
        locks.append(path)
    if locks:
        found.append(f"{len(locks)} unreadable locks, removed")
    if index := damaged(repository / "index"):
        print(restic(repository, "repair", "index"))
        found.append(f"{len(index)} damaged index files, made anew from the packs")
    if lost := damaged(repository / "snapshots"):
        found.append(f"{len(lost)} damaged snapshots, which stay: {' '.join(path.name[:8] for path in lost)}")
    if found:
        raise RuntimeError("; ".join(found))


# Copies of the key and the configuration, on another file system than the repositories. No backup changes either, and
# nothing else in a repository can make them anew.
COPIES = FOLDER / "copies"


def fixed(repository: Path) -> list[Path]:
    return [*sorted((repository / "keys").iterdir()), repository / "config"]


def opens(repository: Path) -> bool:
    try:
        restic(repository, "cat", "config", "--no-lock", "--no-cache")
    except RuntimeError:
        return False
    return True


def keep_copies(root: Path, name: str) -> bool:
    """Copy what is new of them, from a repository that opens; whether something was."""
    files = fixed(root / name)
    different = [file for file in files if not same(file, COPIES / file.relative_to(root))]
    stale = [copy for copy in (COPIES / name / "keys").glob("*") if copy.name not in {file.name for file in files}]
    if not (different or stale) or not opens(root / name):
        return False
    for copy in stale:
        copy.unlink()
    for file in different:
        copy = COPIES / file.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        atomic_file.write(copy, file.read_bytes(), mode=0o600)
    return True


def same(one: Path, other: Path) -> bool:
    return other.exists() and one.read_bytes() == other.read_bytes()


def put_back(root: Path) -> bool:
    """Overwrite a damaged key or configuration with its copy, in place, so that its owner and rights stay.

    Whether there was one. Where a repository opens, what differs was changed on purpose.
    """
    found = False
    for copies in sorted(COPIES.glob("*/*")):
        repository = root / copies.relative_to(COPIES)
        pairs = [(file, COPIES / file.relative_to(root)) for file in fixed(repository)]
        different = [(file, copy) for file, copy in pairs if copy.exists() and not same(file, copy)]
        if not different or opens(repository):
            continue
        for file, copy in different:
            mode = file.stat().st_mode & 0o777
            file.chmod(0o600)
            with file.open("r+b") as handle:
                handle.write(copy.read_bytes())
                handle.truncate()
                handle.flush()
                os.fsync(handle.fileno())
            file.chmod(mode)
            print(f"<3>{file} was damaged: its copy was put back", flush=True)
        found = True
    return found


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


def prepare(settings: MaintainSettings) -> bool:
    """Make the repositories that are not there, and let the server write only where a backup has to."""
    root, user = settings.root, settings.user
    changed = own(root, "root", user, 0o750)
    for name in settings.repositories:
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
        changed |= keep_copies(root, name)
    return changed


ACTIONS: Mapping[str, Callable[[MaintainSettings, Path], None]] = {"prune": prune, "check": check, "mend": mend}


def main() -> int:
    parser = argparse.ArgumentParser(prog="hanam-backup-maintain")
    parser.add_argument("action", choices=["prepare", "put-back", *ACTIONS])
    name = parser.parse_args().action
    settings = MaintainSettings.read()
    if name == "prepare":
        print("changed" if prepare(settings) else "unchanged")
        return 0
    if name == "put-back":
        # Fails where there was something to do: that is how the operator is told.
        return 1 if put_back(settings.root) else 0
    failed = 0
    for config in sorted(settings.root.glob("*/*/config")):
        repository = config.parent
        print(f"{name} {repository}", flush=True)
        try:
            ACTIONS[name](settings, repository)
        except RuntimeError as error:
            print(f"<3>{name} of {repository} failed: {error}", flush=True)
            failed += 1
    return 1 if failed else 0
