"""Damaged indexes of search are found by what Dovecot writes, and removed with nothing else."""

import argparse
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
    assert search_index.lacking(lines) == set()


LEFT_OUT = "Mailbox INBOX: UID 7: fts_tika: PUT http://127.0.0.1:9998/search failed: 503 Service Unavailable - ignoring"


@pytest.mark.parametrize(
    "line",
    [
        UNREAD + "connect(127.0.0.1:9998) failed: Connection refused",
        UNREAD + "Request timed out",
        f"indexer-worker(b0d2f8){SESSION}: Info: {LEFT_OUT}",
        f"indexer-worker(b0d2f8){SESSION}: {LEFT_OUT}",
        f"indexer-worker(b0d2f8){SESSION}: fts-flatcurve: {LEFT_OUT}",
    ],
)
def test_a_mailbox_whose_documents_were_not_read_is_found(line: str) -> None:
    assert search_index.lacking([line]) == {"b0d2f8"}
    assert search_index.damaged([line]) == set()


@pytest.mark.parametrize(
    "line",
    [
        # What was answered would be answered again, and the index made again without end.
        UNREAD + "404 Not Found",
        LEFT_OUT,
        f"indexer-worker(b0d2f8){SESSION}: Info: {LEFT_OUT}, and more",
        f"indexer-worker(../etc){SESSION}: Info: {LEFT_OUT}",
    ],
)
def test_nothing_else_is_taken_for_a_document_that_was_not_read(line: str) -> None:
    assert search_index.lacking([line]) == set()


def test_a_mailbox_is_read_again_for_its_documents_once_in_a_day_and_not_forgotten(tmp_path: Path) -> None:
    waiting = search_index.Waiting(tmp_path / "waiting.json")
    assert waiting.due({"aa", "bb"}, 1000) == {"aa", "bb"}
    assert waiting.due({"aa", "cc"}, 2000) == {"cc"}
    assert waiting.due(set(), 80_000) == set()
    assert search_index.Waiting(tmp_path / "waiting.json").due(set(), 1000 + 86_401) == {"aa"}
    assert waiting.due(set(), 400_000) == set()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"done": [], "waiting": 1}', '{"done": {"a": "b"}, "waiting": []}'])
def test_a_file_of_those_that_wait_which_nobody_can_read_stops_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "waiting.json").write_text(text)
    assert search_index.Waiting(tmp_path / "waiting.json").due({"aa"}, 1000) == {"aa"}


def test_a_damaged_index_waits_for_nothing(tmp_path: Path) -> None:
    index = tmp_path / "b0/b0d2f8/Maildir/fts-flatcurve"
    waiting = search_index.Waiting(tmp_path / "waiting.json")
    for _ in range(2):
        (index / "current.1").mkdir(parents=True)
        assert search_index.mend(tmp_path, lambda: [NOT_CAUGHT, ENDED], waiting) == {"b0d2f8": 1}
    (index / "current.1").mkdir()
    line = UNREAD + "Request timed out"
    assert search_index.mend(tmp_path, lambda: [line], waiting) == {"b0d2f8": 1}
    (index / "current.1").mkdir()
    assert search_index.mend(tmp_path, lambda: [line], waiting) == {}
    assert (index / "current.1").exists()


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
    waiting = search_index.Waiting(tmp_path / "waiting.json")
    assert search_index.mend(tmp_path, lambda: [NOT_CAUGHT, ENDED], waiting) == {"b0d2f8": 3}
    # The places stay, empty.
    assert [list((home / place).iterdir()) for place in gone] == [[], [], []]
    assert [place for place in kept if not (home / place / "file").exists()] == []
    assert other.exists()
    assert search_index.mend(tmp_path, lambda: [NOT_CAUGHT, ENDED], waiting) == {"b0d2f8": 0}


def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> argparse.Namespace:
    """A journal that a script reads; what the command is given."""
    journalctl = tmp_path / "journalctl"
    journalctl.write_text(f"#!/bin/sh\nfor word; do cursor=${{word#--cursor-file=}}; done\n{script}\n")
    journalctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return argparse.Namespace(store=tmp_path / "store", cursor=tmp_path / "cursor")


def test_what_fails_for_one_mailbox_is_told_and_the_next_has_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = ENDED.replace("b0d2f8", "c0d2f8")
    lines = f"echo s=2 > $cursor\ncat <<'END'\n{NOT_CAUGHT}\n{ENDED}\n{NOT_CAUGHT}\n{other}\nEND"
    options = journal(tmp_path, monkeypatch, lines)
    for mailbox in ("b0d2f8", "c0d2f8"):
        (options.store / mailbox[:2] / mailbox / "Maildir/fts-flatcurve/current.1").mkdir(parents=True)
    removed = search_index.remove

    def remove(store: Path, mailbox: str) -> int:
        if mailbox == "b0d2f8":
            raise PermissionError(13, "no", str(store))
        return removed(store, mailbox)

    monkeypatch.setattr(search_index, "remove", remove)
    assert search_index._run(options) == 1
    told = capsys.readouterr().err
    assert "<3>không xóa được chỉ mục tìm kiếm bị hỏng của hộp thư b0d2f8" in told
    assert "hộp thư c0d2f8 bị hỏng hoặc thiếu: đã xóa 1" in told
    assert options.cursor.read_text() == "s=2\n"


def test_a_run_that_dies_reads_the_same_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = journal(tmp_path, monkeypatch, "echo s=2 > $cursor; kill -SEGV $$")
    options.cursor.write_text("s=1\n")
    with pytest.raises(OSError, match="journalctl ended by SIGSEGV"):
        search_index._run(options)
    assert options.cursor.read_text() == "s=1\n"
