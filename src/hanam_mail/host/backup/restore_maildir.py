"""Backups of the time when mailboxes were Maildirs: one file of each message, whatever its name was meanwhile.

A Maildir's files are renamed with every flag, so that two passes over one hold some messages twice.
"""

from collections.abc import Iterator
from pathlib import Path

from hanam_mail.host.mail_home import MAILDIR


def messages(home: Path) -> set[Path]:
    """The files of all messages in a home's Maildir."""
    return {path for folder in _folders(home / MAILDIR) for path in _files(folder)}


def settle(home: Path, before: set[Path]) -> None:
    """Leave one file of each message.

    It can be there twice when it was renamed between or during two passes: then the name that came with the
    later pass holds (not one of `before`), and cur rather than new.
    """
    for folder in _folders(home / MAILDIR):
        kept: dict[str, Path] = {}
        for path in sorted(_files(folder), key=lambda path: (path not in before, path.parent.name == "cur")):
            # What a message is called for life; flags stand behind it. Later in this order means better.
            name = path.name.split(":", 1)[0]
            if other := kept.get(name):
                other.unlink(missing_ok=True)
            kept[name] = path


def _folders(maildir: Path) -> list[Path]:
    below = sorted(maildir.iterdir()) if maildir.is_dir() else []
    return [folder for folder in (maildir, *below) if (folder / "cur").is_dir()]


def _files(folder: Path) -> Iterator[Path]:
    for part in ("new", "cur"):
        if (folder / part).is_dir():
            yield from (folder / part).iterdir()
