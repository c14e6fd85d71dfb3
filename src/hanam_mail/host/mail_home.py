"""What a mailbox's home has of each format, and what of it counts (docs/decisions/0041-conversion-to-sdbox.md)."""

import errno
import re
import shutil
import subprocess
from pathlib import Path

from hanam_mail import atomic_file

# A mailbox in use has one of these two folders in its home.
MAILDIR, SDBOX = "Maildir", "sdbox"
# A copy has this name until it is whole, ...
DRAFTS = {MAILDIR: "Maildir.new", SDBOX: "sdbox.new"}
# ... and the mailbox's folder of before has this one afterwards.
FORMER = {MAILDIR: "Maildir.converted", SDBOX: "sdbox.old"}
# What its owner deleted for good and can have back for some days, in sdbox (docs/decisions/0073-undelete-and-rules.md).
DELETED = "deleted"
OTHER = {MAILDIR: SDBOX, SDBOX: MAILDIR}
# Files of messages, as patterns.
_MESSAGES = {MAILDIR: ("cur/*", "new/*", ".*/cur/*", ".*/new/*"), SDBOX: ("**/dbox-Mails/u.*",)}


def homes(root: Path) -> list[Path]:
    """Of mailboxes; what an operator has put aside beside one is none."""
    found = root.glob("[a-z0-9][a-z0-9]/*")
    return sorted(home for home in found if re.fullmatch(f"{home.parent.name}[a-z0-9]+", home.name))


def only(home: Path, kind: str) -> str:
    """Undo what a run has renamed that was ended: the mailbox was in the format `kind`. Returns the format it is in.

    That is the other format where nothing is there in this one: after a restore, which puts a whole home in place.
    """
    mail, kept, other = home / kind, home / FORMER[kind], OTHER[kind]
    if kept.exists():
        # A folder of that name is empty: quota-status, which works while a mailbox is shut, has made it.
        rename(kept, mail)
    if not mail.exists() and (home / other).exists():
        return other
    if (home / other).exists():
        rename(home / other, home / DRAFTS[other])
    if home.exists():
        atomic_file.sync(home)
    return kind


def has_messages(home: Path, kind: str) -> bool:
    """Whether there are any in that format. Folders alone mean nothing: quota-status makes them for any mailbox."""
    return any(True for pattern in _MESSAGES[kind] for _ in (home / kind).glob(pattern))


def untouched(home: Path) -> bool:
    """Whether nobody has been in this home yet: folders as they are made for a new mailbox, no message, no filter."""
    if not home.is_dir() or any(entry.name not in (SDBOX, DELETED) for entry in home.iterdir()):
        return False
    return not has_messages(home, SDBOX) and not any((home / DELETED).glob(_MESSAGES[SDBOX][0]))


def remove_empty(home: Path, kind: str) -> bool:
    """Remove the folder of that format if it has no message; False when it has some."""
    if has_messages(home, kind):
        return False
    remove(home / kind)
    return True


def rename(path: Path, other: Path) -> None:
    """Put a folder in the place of another."""
    remove(other)
    try:
        path.rename(other)
    except OSError as error:
        # In a lower layer of an overlay.
        if error.errno != errno.EXDEV:
            raise
        subprocess.run(["cp", "--archive", path, other], check=True)
        remove(path)


def remove(path: Path) -> None:
    if path.exists():
        shutil.rmtree(path)
