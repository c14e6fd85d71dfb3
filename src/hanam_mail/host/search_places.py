"""Where Dovecot keeps its indexes of search: with each folder's own index, of Maildir and of sdbox."""

BELOW_A_HOME = (
    "Maildir/fts-flatcurve",
    "Maildir/.*/fts-flatcurve",
    "sdbox/**/dbox-Mails/fts-flatcurve",
)
"""Patterns as pathlib and restic read them. By the whole place: people may call a folder of theirs what they like."""
