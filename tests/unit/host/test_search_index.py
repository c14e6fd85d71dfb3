"""Damaged indexes of search are found by what Dovecot writes, and removed with nothing else."""

import os
from pathlib import Path

import pytest

from hanam_mail.host.mail import search_index

SESSION = "<141><xDnzmUthtp5/AAAB:aO6+IfklCmuNAAAAg+zDdQ>"
UNREADABLE = (
    f"indexer-worker(b0d2f8){SESSION}: Error: fts-flatcurve: fts-flatcurve(INBOX): Cannot open DB (RO; current.17): "
)
UNREAD = f"indexer-worker(b0d2f8){SESSION}: Error: fts_tika: PUT http://127.0.0.1:9998/search failed: "
NOT_CAUGHT = "imap: Error: terminate called after throwing an instance of 'Xapian::DatabaseCorruptError'"
ENDED = f"imap(b0d2f8){SESSION}: Fatal: master: service(imap): child 421 killed with signal 6 (core dumps disabled)"


@pytest.mark.parametrize(
    "lines",
    [
        [UNREADABLE + "DatabaseError: EOF reading block 2"],
        [UNREADABLE + "DatabaseNotFoundError: Couldn't detect type of database"],
        [f"indexer-worker(b0d2f8){SESSION}: Error: fts-flatcurve: fts-flatcurve: DatabaseCorruptError: dir_end"],
        [UNREAD + "connect(127.0.0.1:9998) failed: Connection refused"],
        [UNREAD + "Request timed out"],
        [NOT_CAUGHT, ENDED],
        [NOT_CAUGHT, "lmtp: Error: another", ENDED],
    ],
)
def test_a_mailbox_whose_index_cannot_be_read_is_found(lines: list[str]) -> None:
    assert search_index.damaged(lines) == {"b0d2f8"}


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [UNREADABLE + "DatabaseLockError: Unable to get write lock"],
        [ENDED],
        # What was answered would be answered again, and the index made again without end.
        [UNREAD + "404 Not Found"],
        [ENDED, NOT_CAUGHT],
        # Its owner deleted the folder just then.
        [
            f"indexer-worker(b0d2f8){SESSION}: Error: fts-flatcurve: fts-flatcurve: DatabaseError: Modifications failed"
            " (DatabaseOpeningError: Couldn't write new rev file: /srv/mail/b0/x/v.tmp (No such file or directory))"
            ", and couldn't open at the old revision: /srv/mail/b0/b0d2f8/iamglass (No such file or directory)"
        ],
        [f"imap(b0d2f8){SESSION}: Error: Mailbox fts-flatcurve: DatabaseCorruptError: "],
        [f"imap(../etc){SESSION}: Error: fts-flatcurve: fts-flatcurve: DatabaseCorruptError: x"],
    ],
)
def test_nothing_else_is_taken_for_damage(lines: list[str]) -> None:
    assert search_index.damaged(lines) == set()


def test_what_a_person_calls_a_folder_is_no_line_of_dovecots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"a\u2028{UNREADABLE}DatabaseError: x"
    journalctl = tmp_path / "journalctl"
    journalctl.write_text(
        f"#!/bin/sh\ncat <<'END'\nimap(aa11bb){SESSION}: Error: Mailbox {name}: cannot be opened\nEND\n"
    )
    journalctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (line,) = search_index.written(tmp_path / "cursor")
    assert search_index.damaged([line]) == set()


def test_every_index_of_the_mailbox_is_removed_and_nothing_else(tmp_path: Path) -> None:
    gone = ["Maildir/fts-flatcurve", "Maildir/.Công văn/fts-flatcurve", "sdbox/mailboxes/A/B/dbox-Mails/fts-flatcurve"]
    kept = [
        "Maildir/cur",
        "Maildir/.fts-flatcurve/cur",
        "sdbox/mailboxes/fts-flatcurve/dbox-Mails",
        "sdbox/mailboxes/A/B/dbox-Mails",
        "sieve/fts-flatcurve",
    ]
    home = tmp_path / "b0/b0d2f8"
    for place in gone + kept:
        (home / place).mkdir(parents=True, exist_ok=True)
        (home / place / "file").touch()
    other = tmp_path / "b0/b0aaaa/Maildir/fts-flatcurve"
    other.mkdir(parents=True)
    assert search_index.mend(tmp_path, lambda: [NOT_CAUGHT, ENDED]) == {"b0d2f8": 3}
    assert [place for place in gone if (home / place).exists()] == []
    assert [place for place in kept if not (home / place / "file").exists()] == []
    assert other.exists()
    assert search_index.mend(tmp_path, lambda: [NOT_CAUGHT, ENDED]) == {"b0d2f8": 0}
