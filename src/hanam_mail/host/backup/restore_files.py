"""Copies of mailboxes out of the backup, on the disk: fetched beside the store, put in place whole.

What the repository cannot give any more is named and left out; all else is restored.
"""

import ctypes
import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from hanam_mail import atomic_file
from hanam_mail.host.backup import restore_maildir
from hanam_mail.host.backup.restic import FOLLOWUP, Snapshot, messages, restic, snapshots
from hanam_mail.host.backup.settings import BackupError, Config
from hanam_mail.host.mail_home import DELETED, MAILDIR, SDBOX, untouched


@dataclass
class RestoredFiles:
    added: int = 0
    present: int = 0
    folders: int = 0
    aside: Path | None = None


@dataclass(frozen=True)
class Unreadable:
    """A file or folder that the repository holds no more, by its place in the store, and restic's reason."""

    path: Path
    reason: str


@dataclass
class Staged:
    """Homes that were fetched, by their place below the folder they were fetched into, and what was not."""

    homes: list[Path] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)


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
    """Put a home where that of before is lost; False when somebody has been there since.

    Where an empty one was, `staged` has it then: what came to it at that moment is to be looked for there.
    """
    if untouched(home):
        try:
            exchange(staged, home)
        except OSError as error:
            # In a lower layer of an overlay, or on a file system that cannot: message by message.
            if error.errno in (errno.EXDEV, errno.EINVAL):
                return False
            raise
        atomic_file.sync(home.parent)
        return True
    if not home.parent.is_dir():
        make_directory(home.parent, uid)
    try:
        staged.rename(home)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    atomic_file.sync(home.parent)
    return True


def beside_the_mail(staged: Path, home: Path) -> list[Path]:
    """Sieve scripts, and which of them is used, that the copy has and the home has not, by their place in it.

    A link whose script is there still was taken away by its owner: he switched that script off.
    """
    found = []
    for top in sorted(staged.iterdir()):
        # "sdbox.new" as well: a conversion may be under way.
        if top.name.split(".")[0] in (MAILDIR, SDBOX, DELETED):
            continue
        below = sorted(top.rglob("*")) if top.is_dir() and not top.is_symlink() else []
        for entry in (top, *below):
            place = entry.relative_to(staged)
            if os.path.lexists(home / place):
                continue
            if entry.is_symlink():
                if not (home / place.parent / entry.readlink()).exists():
                    found.append(place)
            elif not entry.is_dir():
                found.append(place)
    return found


def put_beside_the_mail(staged: Path, home: Path) -> int:
    """Bring that back, with the rights of its owner; what he makes at the same moment stays. The number of files."""
    files = 0
    for place in beside_the_mail(staged, home):
        for folder in reversed(place.parents):
            (home / folder).mkdir(mode=0o700, exist_ok=True)
        with suppress(FileExistsError):
            os.link(staged / place, home / place, follow_symlinks=False)
            files += 1
        atomic_file.sync((home / place).parent)
    return files


def replace(staged: Path, home: Path, uid: int, aside: Path) -> Path | None:
    """Put the mailbox back whole; where what was there is kept, or None where nothing was."""
    if not home.exists() and put_whole(staged, home, uid):
        return None
    # The former state lands where it is kept, never in the folder that is cleaned up.
    aside.parent.mkdir(mode=0o700, exist_ok=True)
    staged.rename(aside)
    try:
        exchange(aside, home)
    except OSError:
        aside.rename(staged)
        raise
    return aside


# --- fetching ---


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


def fetch(config: Config, snapshot: Snapshot, home: Path, staged: Path) -> list[Unreadable]:
    """Restore one home, each byte checked against its sum; what the repository has not whole is left out."""
    done = restic(
        config, "restore", "--json", f"{snapshot.id}:{home}", "--target", str(staged), "--verify", "--quiet",
        accept=(0, 1),
    )  # fmt: skip
    lines = messages(done)
    reasons: dict[str, str] = {}
    for line in lines:
        if line["message_type"] == "error" and line.get("item"):
            reasons.setdefault(str(line["item"]), str(line["error"].get("message")))
    if done.returncode and not reasons:
        words = "; ".join(str(line.get("message", "")).strip() for line in lines) or done.stderr.strip()[-1500:]
        raise BackupError(
            f"không đọc được bản sao lưu {snapshot}: {words}\n"
            "Sửa kho trên máy sao lưu: xem “Kho sao lưu bị hỏng” trong sổ tay vận hành.",
            f"snapshot {snapshot.short} cannot be read: {words}",
        )
    for item in reasons:
        # Half a message is none.
        half = staged / item.lstrip("/")
        if half.is_file():
            half.unlink()
    return [Unreadable(home / item.lstrip("/"), reason) for item, reason in sorted(reasons.items())]


def once(unreadable: list[Unreadable]) -> list[Unreadable]:
    """Each by its place: what moved during the backup was taken, and is missed, more than once."""
    return list({one.path: one for one in unreadable}.values())


def stage(config: Config, snapshot: Snapshot, full: list[Snapshot], home: Path, staged: Path) -> list[Unreadable]:
    """The mailbox as of that backup: the snapshot, and what moved while it was taken (decision 0010)."""
    unreadable = fetch(config, snapshot, home, staged)
    for followup in followups(config, snapshot, full):
        if str(home) in followup.paths:
            unreadable += fetch_over(config, followup, home, staged)
    restore_maildir.settle(staged, set())
    hand_over(config, staged)
    return once(unreadable)


def stage_all(config: Config, snapshot: Snapshot, full: list[Snapshot], staged: Path) -> Staged:
    """All mailboxes as of that backup, fetched at once."""
    root = Path(config.mail_root)
    unreadable = fetch(config, snapshot, root, staged)
    for followup in followups(config, snapshot, full):
        for home in map(Path, followup.paths):
            if root in home.parents:
                unreadable += fetch_over(config, followup, home, staged / home.relative_to(root))
    homes = sorted(home for home in staged.glob("??/*") if home.is_dir())
    for home in homes:
        restore_maildir.settle(home, set())
    hand_over(config, staged)
    return Staged([home.relative_to(staged) for home in homes], once(unreadable))


def followups(config: Config, snapshot: Snapshot, full: list[Snapshot]) -> list[Snapshot]:
    """What was taken after that backup of homes that had moved meanwhile."""
    following = [other.time for other in full if other.time > snapshot.time]
    return [
        followup
        for followup in snapshots(config, "--tag", FOLLOWUP)
        if followup.time >= snapshot.time and (not following or followup.time < following[0])
    ]


def fetch_over(config: Config, followup: Snapshot, home: Path, staged: Path) -> list[Unreadable]:
    """What a later pass found, over what the one before it had."""
    before = restore_maildir.messages(staged)
    had = [staged / kind for kind in (MAILDIR, SDBOX) if (staged / kind).is_dir()]
    for mail in had:
        for index in mail.rglob("dovecot.index*"):
            # An index and a log of different times are none; the later pass has both, or the messages alone are kept.
            # A folder is called as its owner likes.
            if index.is_file():
                index.unlink()
    unreadable = fetch(config, followup, home, staged)
    if any((staged / kind).is_dir() and staged / kind not in had for kind in (MAILDIR, SDBOX)):
        # The mailbox was rewritten from one into the other meanwhile.
        for mail in had:
            shutil.rmtree(mail)
    restore_maildir.settle(staged, before)
    return unreadable


def hand_over(config: Config, staged: Path) -> None:
    """The owner that Dovecot expects, and everything on the disk."""
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
