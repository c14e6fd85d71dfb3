#!/usr/bin/python3
# {{ ansible_managed }}
"""hanam-mail-restore: khôi phục một hộp thư từ bản sao lưu, trên máy lưu hộp thư.

Messages are restored beside the store, checked against the repository, and only then put in place. By
default what is missing comes back and what is there stays untouched; --replace puts the whole mailbox back
as it was and keeps the present state aside. With --database it restores one database into a new one.
"""

from __future__ import annotations

import argparse
import ctypes
import datetime as dt
import errno
import fcntl
import getpass
import json
import os
import re
import shutil
import subprocess
import sys
import syslog
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, "/usr/local/lib/hanam-backup")

from hanam_backup import (
    FOLLOWUP,
    FULL,
    BackupError,
    Config,
    Snapshot,
    load_config,
    now,
    require_repository,
    restic,
    restic_environment,
    shown,
    snapshots,
)

LOCK = Path("/run/lock/hanam-mail-restore.lock")
# UIDs that a restored folder leaves out: messages that arrived after the snapshot had them, and a client that
# saw those must not take new ones for them.
UID_GAP = 100_000
KEYWORDS = "abcdefghijklmnopqrstuvwxyz"
NO_USER = 67  # sysexits' EX_NOUSER, which doveadm ends with


@dataclass
class Result:
    added: int = 0
    present: int = 0
    folders: int = 0
    aside: Path | None = None


# --- which mailbox --------------------------------------------------------------------------------


def doveadm(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["doveadm", *arguments], capture_output=True, check=False, text=True)


def user_field(field: str, login: str) -> str | None:
    """What the user database says of a mailbox, by id or address; None when it knows none."""
    done = doveadm("user", "-f", field, login)
    if done.returncode == NO_USER:
        return None
    if done.returncode != 0:
        words = done.stderr.strip()
        raise BackupError(
            f"không hỏi được Dovecot về {login}: {words}", f"Dovecot cannot be asked about {login}: {words}"
        )
    return done.stdout.strip() or None


def known_mailboxes() -> frozenset[str]:
    """The mailboxes that may have mail: all in the accounts database, revoked ones too, but not what was purged."""
    done = doveadm("user", "*")
    if done.returncode != 0:
        words = done.stderr.strip()
        raise BackupError(
            f"không hỏi được Dovecot có những hộp thư nào: {words}",
            f"Dovecot cannot be asked which mailboxes there are: {words}",
        )
    known = frozenset(done.stdout.split())
    if not known:
        # Not even the store is lost alone then: without its accounts nobody knows what had been purged.
        raise BackupError(
            "cơ sở dữ liệu tài khoản không có hộp thư nào; hãy khôi phục cơ sở dữ liệu trước",
            "the accounts database has no mailbox; restore the database first",
        )
    return known


@dataclass(frozen=True)
class Mailbox:
    id: str
    home: Path
    known: bool
    """Whether the user database has it; a revoked mailbox can still be restored by its id."""


def find_mailbox(config: Config, name: str) -> Mailbox:
    root = Path(config.mail_root)
    identity = user_field("user", name)
    if identity:
        home = Path(user_field("home", identity) or "")
        if root not in home.parents:
            raise BackupError(f"thư mục {home} của {identity} không nằm trong {root}", f"{home} is not below {root}")
        return Mailbox(identity, home, known=True)
    if re.fullmatch(r"[a-z0-9]{4,32}", name):
        return Mailbox(name, root / name[:2] / name, known=False)
    raise BackupError(f"không có hộp thư nào là {name}", f"unknown mailbox {name}", 3)


# --- which snapshot -------------------------------------------------------------------------------


def moment(text: str) -> dt.datetime:
    """A time as people write it; a day alone means its end."""
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            day = dt.datetime.strptime(text, form)
        except ValueError:
            continue
        return (day + dt.timedelta(days=1, seconds=-1)).astimezone()
    for form in ("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S"):
        try:
            return dt.datetime.strptime(text, form).astimezone()
        except ValueError:
            continue
    try:
        return dt.datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}: cần dạng 2026-11-25 14:30 hoặc 25/11/2026 14:30 / not a time like 2026-11-25 14:30"
        ) from None


def candidates(full: list[Snapshot], wanted: str, at: dt.datetime | None) -> list[Snapshot]:
    """The snapshots to try, best first."""
    if wanted != "latest":
        found = [snapshot for snapshot in full if snapshot.id.startswith(wanted)]
        if len(found) != 1:
            raise BackupError(
                f"không có đúng một bản sao lưu mang mã {wanted}; xem --list",
                f"{len(found)} snapshots match {wanted}; see --list",
                4,
            )
        return found
    found = [snapshot for snapshot in reversed(full) if at is None or snapshot.time <= at]
    if not found:
        when = f" trước {shown(at)}" if at else ""
        before = f" before {shown(at)}" if at else ""
        raise BackupError(f"không có bản sao lưu nào{when}", f"there is no snapshot{before}", 4)
    return found


def containing(config: Config, tried: list[Snapshot], home: Path) -> Snapshot | None:
    """The first of them that has the mailbox; the usual case costs one look."""
    for number, snapshot in enumerate(tried):
        if number == 1:
            # Not in the one that was meant: ask once for all.
            found = json.loads(restic(config, "find", "--json", "--host", config.host, "--tag", FULL, str(home)).stdout)
            ids = {entry["snapshot"] for entry in found or [] if entry.get("hits")}
            return next((other for other in tried if other.id in ids or other.short in ids), None)
        listed = restic(config, "ls", "--json", snapshot.id, str(home), accept=(0, 1))
        if f'"path":"{home}"' in listed.stdout:
            return snapshot
    return None


# --- Maildir --------------------------------------------------------------------------------------


def base(name: str) -> str:
    """What a message is called for life; flags stand behind it."""
    return name.split(":", 1)[0]


def folders_of(maildir: Path) -> dict[str, Path]:
    """Folder name on disk ('' is the inbox) -> its directory."""
    found = {"": maildir} if (maildir / "cur").is_dir() else {}
    for entry in sorted(maildir.iterdir()) if maildir.is_dir() else ():
        if entry.name.startswith(".") and (entry / "cur").is_dir():
            found[entry.name] = entry
    return found


def messages_of(folder: Path) -> Iterator[Path]:
    for part in ("new", "cur"):
        directory = folder / part
        if directory.is_dir():
            yield from directory.iterdir()


def settle(folder: Path, before: set[Path]) -> None:
    """Leave one file of each message.

    It can be there twice when it was renamed between or during two passes: then the name that came with the
    later pass holds, and cur rather than new.
    """
    kept: dict[str, Path] = {}
    for path in sorted(messages_of(folder), key=lambda path: (path not in before, path.parent.name == "cur")):
        # Later in this order means better.
        if other := kept.get(base(path.name)):
            other.unlink(missing_ok=True)
        kept[base(path.name)] = path


def read_keywords(folder: Path) -> dict[str, str]:
    """Letter in file names -> keyword, from dovecot-keywords ("0 $Label" a line)."""
    try:
        lines = (folder / "dovecot-keywords").read_text().splitlines()
    except FileNotFoundError:
        return {}
    pairs = [line.split(" ", 1) for line in lines if " " in line]
    return {KEYWORDS[int(number)]: word for number, word in pairs if int(number) < len(KEYWORDS)}


def replace_locked(path: Path, text: str, uid: int) -> None:
    """Replace a file as Dovecot does: its lock file, made exclusively, becomes the file."""
    lock = path.with_name(path.name + ".lock")
    deadline = time.monotonic() + 30
    while True:
        try:
            handle = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            break
        except FileExistsError:
            if time.monotonic() > deadline:
                raise BackupError(f"{lock} không được giải phóng", f"{lock} stays locked") from None
            time.sleep(0.2)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fchown(file.fileno(), uid, uid)
        os.fsync(file.fileno())
    lock.rename(path)


def keyword_letters(source: Path, target: Path, used: set[str], uid: int) -> dict[str, str]:
    """Letter of a keyword in the source -> its letter in the target, which learns the ones it lacks."""
    wanted = {letter: word for letter, word in read_keywords(source).items() if letter in used}
    known = {word: letter for letter, word in read_keywords(target).items()}
    new = [word for word in wanted.values() if word not in known]
    for word in new:
        free = [letter for letter in KEYWORDS if letter not in known.values()]
        if free:
            known[word] = free[0]
    if new:
        lines = sorted((KEYWORDS.index(letter), word) for word, letter in known.items())
        replace_locked(target / "dovecot-keywords", "".join(f"{number} {word}\n" for number, word in lines), uid)
    return {letter: known[word] for letter, word in wanted.items() if word in known}


def flags_of(name: str) -> str:
    return name.split(":2,", 1)[1] if ":2," in name else ""


def with_flags(name: str, letters: Mapping[str, str]) -> str:
    """The file name with its keyword letters exchanged; one without a meaning is left out."""
    if ":2," not in name:
        return name
    flags = [flag if flag.isupper() else letters.get(flag, "") for flag in flags_of(name)]
    return f"{base(name)}:2,{''.join(sorted(flags))}"


def sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def add_missing(source: Path, target: Path, uid: int, result: Result) -> None:
    """Put the source's messages that the target has not into it, each by one step that overwrites nothing."""
    present = {base(path.name) for path in messages_of(target)}
    missing = [path for path in messages_of(source) if base(path.name) not in present]
    result.present += sum(1 for _ in messages_of(source)) - len(missing)
    used = {flag for path in missing for flag in flags_of(path.name) if flag.islower()}
    letters = keyword_letters(source, target, used, uid) if used else {}
    for path in missing:
        os.link(path, target / path.parent.name / with_flags(path.name, letters))
        result.added += 1
    for part in ("cur", "new"):
        sync_directory(target / part)


def read_uids(folder: Path) -> tuple[int, int]:
    """UIDVALIDITY and next UID of a folder, 0 and 0 when it has no list yet."""
    try:
        header = (folder / "dovecot-uidlist").read_text(errors="surrogateescape").split("\n", 1)[0]
    except FileNotFoundError:
        return 0, 0
    fields = {field[0]: field[1:] for field in header.split(" ")[1:]}
    return int(fields.get("V", 0)), int(fields.get("N", 0))


def move_uids_on(folder: Path, live: Path | None) -> None:
    """Let no UID stand for two messages.

    Messages keep the UIDs that clients know them by; new ones get numbers that nobody has seen. Where the
    present folder is replaced, clients may hold messages that go away: then the folder gets a new
    UIDVALIDITY, and they fetch it anew.
    """
    path = folder / "dovecot-uidlist"
    if not path.exists():
        return
    validity, following = read_uids(folder)
    if live is not None:
        live_validity, live_following = read_uids(live)
        validity = max(validity + 1, live_validity + 1, int(time.time()))
        following = max(following, live_following)
    text = path.read_text(errors="surrogateescape")
    header, rest = text.split("\n", 1)
    fields = [field for field in header.split(" ") if field[:1] not in "VN"]
    header = " ".join([fields[0], f"V{validity}", f"N{following + UID_GAP}", *fields[1:]])
    stat = path.stat()
    path.write_text(f"{header}\n{rest}", errors="surrogateescape")
    os.chown(path, stat.st_uid, stat.st_gid)


def subscribe(maildir: Path, names: list[str], uid: int) -> None:
    """Add folder names to the list of subscriptions, which begins with its version and an empty line."""
    path = maildir / "subscriptions"
    lines = path.read_text().splitlines() if path.exists() else ["V\t2", ""]
    new = [name for name in names if name and name not in lines]
    if new:
        replace_locked(path, "\n".join([*lines, *new]) + "\n", uid)


def subscriptions(maildir: Path) -> list[str]:
    try:
        lines = (maildir / "subscriptions").read_text().splitlines()
    except FileNotFoundError:
        return []
    return lines[2:] if lines[:1] == ["V\t2"] else lines


def disk_name(name: str) -> str:
    """A folder's name as Dovecot writes it on disk: '/' separates, what means something there is escaped."""
    return "." + "".join("." if c == "/" else f"%{ord(c):02x}" if c in "%." else c for c in name)


# --- putting it in place --------------------------------------------------------------------------


def exchange(one: Path, other: Path) -> None:
    """Exchange two directories in one step."""
    library = ctypes.CDLL(None, use_errno=True)
    at, flag = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    if library.renameat2(at, os.fsencode(one), at, os.fsencode(other), flag) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(one))


def make_directory(path: Path, uid: int) -> None:
    path.mkdir(mode=0o700)
    os.chown(path, uid, uid)


def put_whole(staged: Path, home: Path, uid: int) -> bool:
    """Put a home where there is none; False when one has appeared."""
    if not home.parent.is_dir():
        make_directory(home.parent, uid)
    for folder in folders_of(staged / "Maildir").values():
        move_uids_on(folder, None)
    try:
        staged.rename(home)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    sync_directory(home.parent)
    return True


def count(maildir: Path) -> int:
    return sum(1 for folder in folders_of(maildir).values() for _ in messages_of(folder))


def merge(staged: Path, home: Path, uid: int) -> Result:
    """Bring back what is missing; touch nothing of what is there."""
    source, target = staged / "Maildir", home / "Maildir"
    result = Result(folders=len(folders_of(source)), added=count(source))
    if not home.exists() and put_whole(staged, home, uid):
        return result
    result.added = 0
    if not target.exists():
        make_directory(target, uid)
    for name, folder in folders_of(source).items():
        place = target / name if name else target
        if name and not place.exists():
            result.added += sum(1 for _ in messages_of(folder))
            move_uids_on(folder, None)
            folder.rename(place)
            continue
        for part in ("cur", "new", "tmp"):
            if not (place / part).exists():
                make_directory(place / part, uid)
        add_missing(folder, place, uid, result)
    subscribe(target, subscriptions(source), uid)
    # Sieve scripts and whatever else stands beside the mail.
    for entry in staged.rglob("*"):
        relative = entry.relative_to(staged)
        place = home / relative
        if relative.parts[0] == "Maildir" or os.path.lexists(place):
            continue
        if entry.is_dir() and not entry.is_symlink():
            make_directory(place, uid)
        else:
            entry.rename(place)
    return result


def merge_below(staged: Path, home: Path, name: str, uid: int) -> Result:
    """Put all mail below one new folder: the inbox into it, every other folder that has any under it."""
    source, target = staged / "Maildir", home / "Maildir"
    if not target.is_dir():
        raise BackupError(f"hộp thư chưa có trên máy này ({target})", f"there is no mailbox yet at {target}")
    if (target / disk_name(name)).exists():
        raise BackupError(f"thư mục {name} đã có, hãy chọn tên khác", f"folder {name} exists, choose another name")
    result = Result()
    names = []
    for folder_name, folder in folders_of(source).items():
        if folder_name and not any(messages_of(folder)):
            continue
        # Letters in file names mean what the folder's list says, so it goes along; UIDs and identity are new.
        for entry in folder.iterdir():
            if entry.is_file() and entry.name != "dovecot-keywords":
                entry.unlink()
        place = target / (disk_name(name) + folder_name)
        if folder_name:
            result.added += sum(1 for _ in messages_of(folder))
            folder.rename(place)
        else:
            fresh = source.parent / "inbox"
            make_directory(fresh, uid)
            for part in ("cur", "new", "tmp", "dovecot-keywords"):
                if (folder / part).exists():
                    (folder / part).rename(fresh / part)
            result.added += sum(1 for _ in messages_of(fresh))
            fresh.rename(place)
        maildirfolder = place / "maildirfolder"
        maildirfolder.touch(0o600)
        os.chown(maildirfolder, uid, uid)
        result.folders += 1
        # As on disk, but with tabs between the levels.
        names.append(place.name[1:].replace(".", "\t"))
    subscribe(target, names, uid)
    return result


def replace(staged: Path, home: Path, uid: int, aside: Path) -> Result:
    """Put the mailbox back whole and keep what was there."""
    result = Result(added=count(staged / "Maildir"), folders=len(folders_of(staged / "Maildir")))
    if not home.exists() and put_whole(staged, home, uid):
        return result
    live = folders_of(home / "Maildir")
    for name, folder in folders_of(staged / "Maildir").items():
        move_uids_on(folder, live.get(name))
    # The former state lands where it is kept, never in the folder that is cleaned up.
    aside.parent.mkdir(mode=0o700, exist_ok=True)
    staged.rename(aside)
    try:
        exchange(aside, home)
    except OSError:
        aside.rename(staged)
        raise
    result.aside = aside
    return result


# --- the whole of it ------------------------------------------------------------------------------


@contextmanager
def as_owner(uid: int) -> Iterator[None]:
    """Go on with the rights of the mail's owner alone: in his folders root must not follow a link of his making."""
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(uid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


@contextmanager
def only_one() -> Iterator[None]:
    with LOCK.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(
                "một lần khôi phục khác đang chạy trên máy này", "another restore is running on this host", 6
            ) from None
        yield


def fetch(config: Config, snapshot: Snapshot, home: Path, staged: Path) -> None:
    """Restore one home and read it back against the repository."""
    restic(config, "restore", f"{snapshot.id}:{home}", "--target", str(staged), "--verify", "--quiet")


def stage(config: Config, snapshot: Snapshot, full: list[Snapshot], home: Path, staged: Path) -> None:
    """The mailbox as of that backup: the snapshot, and what moved while it was taken (decision 0010)."""
    fetch(config, snapshot, home, staged)
    for followup in followups(config, snapshot, full):
        if str(home) in followup.paths:
            fetch_over(config, followup, home, staged)
    make_ready(config, staged, [staged])


def stage_all(config: Config, snapshot: Snapshot, full: list[Snapshot], staged: Path) -> list[Path]:
    """All mailboxes as of that backup, fetched at once; their homes, by their place below `staged`."""
    root = Path(config.mail_root)
    fetch(config, snapshot, root, staged)
    for followup in followups(config, snapshot, full):
        for home in map(Path, followup.paths):
            if root in home.parents:
                fetch_over(config, followup, home, staged / home.relative_to(root))
    homes = sorted(home for home in staged.glob("??/*") if home.is_dir())
    make_ready(config, staged, homes)
    return [home.relative_to(staged) for home in homes]


def followups(config: Config, snapshot: Snapshot, full: list[Snapshot]) -> list[Snapshot]:
    """What was taken after that backup of homes that had moved meanwhile."""
    following = [other.time for other in full if other.time > snapshot.time]
    return [
        followup
        for followup in snapshots(config, "--tag", FOLLOWUP)
        if followup.time >= snapshot.time and (not following or followup.time < following[0])
    ]


def fetch_over(config: Config, followup: Snapshot, home: Path, staged: Path) -> None:
    before = set(path for folder in folders_of(staged / "Maildir").values() for path in messages_of(folder))
    fetch(config, followup, home, staged)
    for folder in folders_of(staged / "Maildir").values():
        settle(folder, before)


def make_ready(config: Config, staged: Path, homes: list[Path]) -> None:
    """One file of each message, the owner that Dovecot expects, and everything on the disk."""
    for home in homes:
        for folder in folders_of(home / "Maildir").values():
            settle(folder, set())
    for directory, folders, files in os.walk(staged):
        for entry in [".", *folders, *files]:
            os.chown(Path(directory) / entry, config.mail_uid, config.mail_uid, follow_symlinks=False)
    # What goes in place is on disk before it does.
    os.sync()


@contextmanager
def beside_the_store(config: Config) -> Iterator[Path]:
    """A folder of root's own on the store's file system."""
    area = Path(config.mail_root) / ".restore"
    # What an interrupted run left: nobody else is here, by the lock.
    shutil.rmtree(area, ignore_errors=True)
    area.mkdir(mode=0o700)
    try:
        yield area
    finally:
        shutil.rmtree(area, ignore_errors=True)


def snapshots_of_mail(config: Config) -> list[Snapshot]:
    if config.mail is None:
        raise BackupError(
            "máy này không lưu hộp thư; hãy chạy trên máy thuộc nhóm mailstore",
            "no mail is stored on this host; run this on a host of group mailstore",
        )
    require_repository(config)
    return [snapshot for snapshot in snapshots(config, "--tag", FULL) if config.mail_root in snapshot.paths]


def tell_dovecot(login: str, *, accept: tuple[int, ...] = (0,)) -> None:
    """Let it look at what came into a mailbox."""
    for command in (["force-resync", "-u", login, "*"], ["quota", "recalc", "-u", login]):
        done = doveadm(*command)
        if done.returncode not in accept:
            words = done.stderr.strip()
            raise BackupError(
                f"thư đã được khôi phục, nhưng doveadm {command[0]} báo lỗi: {words}",
                f"the messages are restored, but doveadm {command[0]} failed: {words}",
            )


def restore_all(config: Config, arguments: argparse.Namespace) -> int:
    """Every mailbox of one backup, for a store that was lost: what is missing comes back, what is there stays.

    What was purged after the backup stays gone (Đ6.2c); whoever needs it restores that one by its id.
    """
    full = snapshots_of_mail(config)
    snapshot = candidates(full, arguments.snapshot, arguments.at)[0]
    known = known_mailboxes()
    root = Path(config.mail_root)
    total = Result()
    changed = []
    with beside_the_store(config) as area:
        staged = stage_all(config, snapshot, full, area / "all")
        homes = [home for home in staged if home.name in known]
        # Root's until here, so that nobody meddled with it.
        os.chown(area, config.mail_uid, config.mail_uid)
        with as_owner(config.mail_uid):
            for home in homes:
                was_there = (root / home).exists()
                result = merge(area / "all" / home, root / home, config.mail_uid)
                total.added += result.added
                total.present += result.present
                # A home that came back whole has no index that could be wrong.
                if was_there and result.added:
                    changed.append(home.name)
    for mailbox in changed:
        # A revoked one is unknown to Dovecot.
        tell_dovecot(mailbox, accept=(0, NO_USER))
    left_out = len(staged) - len(homes)
    log(
        arguments,
        f"all {len(homes)} mailboxes from {snapshot}: {total.added} added, {total.present} present; "
        f"{left_out} purged left out",
    )
    print(
        f"Đã khôi phục {len(homes)} hộp thư từ bản sao lưu {snapshot}: đưa lại {total.added} thư, "
        f"{total.present} thư vẫn còn nên giữ nguyên.\n"
        f"Restored {len(homes)} mailboxes from snapshot {snapshot.short}: "
        f"{total.added} messages brought back, {total.present} already present."
    )
    if left_out:
        print(
            f"Đã bỏ qua {left_out} hộp thư không còn trong cơ sở dữ liệu tài khoản hoặc đã xóa dữ liệu.\n"
            f"{left_out} left out: their data were purged, or the accounts database does not know them."
        )
    return 0


def restore_mailbox(config: Config, arguments: argparse.Namespace) -> int:
    full = snapshots_of_mail(config)
    mailbox = find_mailbox(config, arguments.mailbox)
    tried = candidates(full, arguments.snapshot, arguments.at)
    snapshot = containing(config, tried, mailbox.home)
    if snapshot is None:
        raise BackupError(
            f"bản sao lưu {tried[0]} và các bản trước đó không có hộp thư {mailbox.id}"
            if arguments.snapshot == "latest"
            else f"bản sao lưu {tried[0]} không có hộp thư {mailbox.id}",
            f"mailbox {mailbox.id} is not in snapshot {tried[0]}"
            + (" nor in any before it" if arguments.snapshot == "latest" else ""),
            4 if mailbox.known else 3,
        )
    if snapshot != tried[0]:
        print(
            f"Bản sao lưu {tried[0]} không có hộp thư này; dùng bản {snapshot}.\n"
            f"Snapshot {tried[0]} lacks this mailbox; {snapshot} is used.",
            file=sys.stderr,
        )
    with beside_the_store(config) as area:
        staged = area / mailbox.id
        stage(config, snapshot, full, mailbox.home, staged)
        # Root's until here, so that nobody meddled with it.
        os.chown(area, config.mail_uid, config.mail_uid)
        with as_owner(config.mail_uid):
            if arguments.to_folder:
                result = merge_below(staged, mailbox.home, arguments.to_folder, config.mail_uid)
            elif arguments.replace:
                aside = Path(config.mail_root) / ".replaced" / f"{mailbox.id}.{now():%Y%m%dT%H%M%S}"
                result = replace(staged, mailbox.home, config.mail_uid, aside)
            else:
                result = merge(staged, mailbox.home, config.mail_uid)
    if mailbox.known:
        # Sessions hold the old state in memory.
        if arguments.replace:
            doveadm("kick", mailbox.id)
        tell_dovecot(mailbox.id)
    log(arguments, f"mailbox {mailbox.id} from {snapshot}: {result.added} added, {result.present} present")
    print(
        f"Đã khôi phục hộp thư {arguments.mailbox} ({mailbox.id}) từ bản sao lưu {snapshot}: "
        f"{result.folders} thư mục, đưa lại {result.added} thư, {result.present} thư vẫn còn nên giữ nguyên."
    )
    if result.aside:
        print(f"Trạng thái trước đó được giữ tại {result.aside}.")
    print(
        f"Restored mailbox {mailbox.id} from snapshot {snapshot.short}: {result.folders} folders, "
        f"{result.added} messages brought back, {result.present} already present."
        + (f" Former state: {result.aside}" if result.aside else "")
    )
    return 0


def restore_database(config: Config, arguments: argparse.Namespace) -> int:
    """A dump into a new database beside the present one; which of them is used is the operator's step."""
    if arguments.database not in config.databases:
        raise BackupError(
            f"máy này không sao lưu cơ sở dữ liệu {arguments.database}",
            f"this host backs up no database {arguments.database}",
        )
    if not arguments.into or not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", arguments.into):
        raise BackupError("cần --into TÊN_MỚI (a-z, 0-9, _)", "--into NEW_NAME is needed (a-z, 0-9, _)", 2)
    require_repository(config)
    full = [snapshot for snapshot in snapshots(config, "--tag", FULL) if config.dumps in snapshot.paths]
    snapshot = candidates(full, arguments.snapshot, arguments.at)[0]

    def run(command: list[str], **options: object) -> None:
        done = subprocess.run(command, stderr=subprocess.PIPE, check=False, **options)  # type: ignore[call-overload]
        if done.returncode != 0:
            words = done.stderr.decode(errors="replace").strip()[-1500:]
            raise BackupError(f"{command[0]} thất bại: {words}", f"{command[0]} failed: {words}")

    login = ["--host=/run/postgresql", "--username=postgres"]
    run(["createdb", *login, "--template=template0", arguments.into])
    dump = f"{config.dumps}/{arguments.database}.dump"
    reader = subprocess.Popen(
        ["/usr/bin/restic", "dump", "--quiet", snapshot.id, dump],
        env=restic_environment(config),
        stdout=subprocess.PIPE,
    )
    try:
        # Names of roles are the same on every installation.
        run(["pg_restore", *login, "--exit-on-error", f"--dbname={arguments.into}"], stdin=reader.stdout)
        if reader.wait() != 0:
            raise BackupError(f"restic dump {snapshot} thất bại", f"restic dump of {snapshot} failed")
    except BackupError:
        reader.kill()
        run(["dropdb", *login, arguments.into])
        raise
    log(arguments, f"database {arguments.database} from {snapshot} into {arguments.into}")
    print(
        f"Đã khôi phục cơ sở dữ liệu {arguments.database} từ bản sao lưu {snapshot} vào {arguments.into}.\n"
        f"Restored database {arguments.database} from snapshot {snapshot.short} into {arguments.into}."
    )
    return 0


def show_list(config: Config) -> int:
    require_repository(config)
    for snapshot in snapshots(config, "--tag", FULL):
        print(f"{snapshot.short}  {shown(snapshot.time)}  {' '.join(snapshot.paths)}")
    return 0


def log(arguments: argparse.Namespace, words: str) -> None:
    """Who restored what, on which document (Đ4.6)."""
    operator = os.environ.get("SUDO_USER") or getpass.getuser()
    syslog.openlog("hanam-mail-restore", 0, syslog.LOG_AUTHPRIV)
    syslog.syslog(syslog.LOG_NOTICE, f"operator={operator} document={arguments.document or '-'} {words}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="hanam-mail-restore",
        description="Khôi phục hộp thư từ bản sao lưu: thư bị mất được đưa lại, thư đang có giữ nguyên. / "
        "Restore a mailbox: what is missing comes back, what is there stays.",
    )
    parser.add_argument("mailbox", nargs="?", metavar="MAILBOX", help="mã hoặc địa chỉ hộp thư / id or address")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--snapshot", default="latest", metavar="ID", help="mã bản sao lưu, hoặc latest / snapshot or latest"
    )
    which.add_argument(
        "--at", type=moment, metavar="TIME", help="bản mới nhất trước thời điểm này / newest before that time"
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--to-folder", metavar="NAME", help="đưa tất cả vào một thư mục mới / put all below a new folder")
    how.add_argument(
        "--replace",
        action="store_true",
        help="trả hộp thư về đúng bản sao lưu, giữ riêng trạng thái hiện tại / go back whole",
    )
    parser.add_argument(
        "--document", metavar="NUMBER", help="số văn bản đề nghị, ghi vào nhật ký / document for the log"
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="mọi hộp thư chưa xóa dữ liệu, sau khi mất máy / every mailbox but purged ones",
    )
    parser.add_argument("--list", action="store_true", help="liệt kê các bản sao lưu / list the snapshots")
    parser.add_argument("--database", metavar="NAME", help="khôi phục một cơ sở dữ liệu / restore a database")
    parser.add_argument("--into", metavar="NEW", help="tên cơ sở dữ liệu mới / the new database's name")
    arguments = parser.parse_args()
    if not (arguments.list or arguments.database or arguments.all) and not arguments.mailbox:
        parser.error("cần mã hoặc địa chỉ hộp thư / a mailbox is needed")
    if arguments.all and (arguments.mailbox or arguments.replace or arguments.to_folder or arguments.database):
        parser.error("--all không đi cùng hộp thư, --replace, --to-folder hay --database / --all stands alone")
    name = arguments.to_folder
    if name is not None and not arguments.document:
        # What the owner deleted comes before his eyes, and his clerks', again: somebody asked for it on paper (Đ4.6).
        parser.error("--to-folder cần --document SỐ_VĂN_BẢN / needs a document")
    if name is not None and (
        not name.strip("/") or name.startswith(("/", "~")) or "//" in name or "\t" in name or "\n" in name
    ):
        parser.error(f"{name!r} không phải là tên thư mục / is no folder name")
    return arguments


def main() -> int:
    arguments = parse_arguments()
    if os.geteuid() != 0:
        return BackupError("cần quyền root", "root is needed").tell()
    try:
        config = load_config()
        if arguments.list:
            return show_list(config)
        with only_one():
            if arguments.database:
                return restore_database(config, arguments)
            return restore_all(config, arguments) if arguments.all else restore_mailbox(config, arguments)
    except BackupError as error:
        return error.tell()
    except OSError as error:
        return BackupError(f"lỗi hệ thống: {error}", f"system error: {error}").tell()


if __name__ == "__main__":
    sys.exit(main())
