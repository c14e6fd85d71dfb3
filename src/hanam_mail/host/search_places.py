"""Where Dovecot keeps its indexes of search: with each folder's own index, of Maildir and of sdbox."""

from pathlib import Path

from hanam_mail.host.mail_home import MAILDIR, SDBOX

BELOW_A_HOME = (
    f"{MAILDIR}/fts-flatcurve",
    f"{MAILDIR}/.*/fts-flatcurve",
    f"{SDBOX}/**/dbox-Mails/fts-flatcurve",
)
"""Patterns as pathlib and restic read them. By the whole place: people may call a folder of theirs what they like."""


def of_folder(store: Path, mailbox: str, folder: str) -> Path:
    """The place of the index of a folder of the top level, whose name has ASCII letters only, in sdbox."""
    return store / mailbox[:2] / mailbox / SDBOX / "mailboxes" / folder / "dbox-Mails" / "fts-flatcurve"
