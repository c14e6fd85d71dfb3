"""What a mailbox's home has of each format, and what of it counts (docs/decisions/0041-conversion-to-sdbox.md)."""

import errno
import shutil
import subprocess
from pathlib import Path

from hanam_mail import atomic_file

# Folders of a home, of which one is there: what is being made, and what the other has taken the place of, bear others.
MAILDIR, SDBOX = "Maildir", "sdbox"
DRAFTS = {MAILDIR: "Maildir.new", SDBOX: "sdbox.new"}
FORMER = {MAILDIR: "Maildir.converted", SDBOX: "sdbox.old"}
OTHER = {MAILDIR: SDBOX, SDBOX: MAILDIR}


def only(home: Path, kind: str) -> str:
    """Leave the mail in that format alone under its name, as it was before a run that was ended; in which it is.

    That is the other one where there is nothing in this: of a restore, which puts a whole home in place.
    """
    mail, kept, other = home / kind, home / FORMER[kind], OTHER[kind]
    if kept.exists():
        # What bears the name meanwhile was made by a question for room, which is answered all the time.
        rename(kept, mail)
    if not mail.exists() and (home / other).exists():
        return other
    if (home / other).exists():
        rename(home / other, home / DRAFTS[other])
    if home.exists():
        atomic_file.sync(home)
    return kind


def has_messages(home: Path, kind: str) -> bool:
    """Whether there are any in that format; folders are made by whoever asks for room."""
    if kind == SDBOX:
        return any(path.name.startswith("u.") for path in (home / SDBOX).glob("**/dbox-Mails/u.*"))
    return any(any(folder.iterdir()) for part in ("cur", "new") for folder in (home / MAILDIR).glob(f"**/{part}"))


def remove_empty(home: Path, kind: str) -> bool:
    """Remove what has no message; whether it is not there any more."""
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
