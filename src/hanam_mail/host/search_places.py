"""Where Dovecot keeps its indexes of search: with each folder's own index, of Maildir and of sdbox."""

from hanam_mail.host.mail_home import MAILDIR, SDBOX

BELOW_A_HOME = (
    f"{MAILDIR}/fts-flatcurve",
    f"{MAILDIR}/.*/fts-flatcurve",
    f"{SDBOX}/**/dbox-Mails/fts-flatcurve",
)
"""Patterns as pathlib and restic read them. By the whole place: people may call a folder of theirs what they like."""
