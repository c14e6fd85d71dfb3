"""A copy of a mailbox is made ready by Dovecot's tools before a client sees it (Đ10.7); hosts show what they do."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hanam_mail.host import mail_format
from hanam_mail.host.backup import restore_copy, restore_files, restore_maildir
from hanam_mail.host.backup.restore_copy import UID_GAP, Copy, FolderStatus
from hanam_mail.host.backup.settings import BackupError

pytestmark = pytest.mark.dieu10

STATUS = """mailbox\tmessages\tuidnext\tuidvalidity
INBOX\t3\t9\t1700000000
Công văn\t0\t1\t1700000001
Lưu\t1\t5\t4000000000
"""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The commands that Dovecot was given, but for looks."""
    commands: list[tuple[str, ...]] = []

    def doveadm(place: mail_format.MailPlace, command: str, *words: str, **options: Any) -> Any:
        if command != "mailbox status":
            commands.append((place.kind, command, *words))
        return subprocess.CompletedProcess((), 0, STATUS, "")

    monkeypatch.setattr(mail_format.MailPlace, "doveadm", doveadm)
    return commands


def test_every_copy_is_looked_through_once(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    (tmp_path / "sdbox").mkdir()
    Copy("aa11bb", tmp_path).make_ready()
    assert asked == [("sdbox", "force-resync", "*")]


def test_a_copy_without_mail_has_nothing_to_look_through(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    copy = Copy("aa11bb", tmp_path)
    copy.make_ready()
    assert asked == [] and not copy.has_mail


@pytest.mark.parametrize("converted", [False, True])
def test_of_a_maildir_only_sdbox_comes_back(
    tmp_path: Path, asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, converted: bool
) -> None:
    rewritten: list[Path] = []

    def rewrite(home: Path, identity: str) -> int:
        rewritten.append(home)
        (home / "sdbox").mkdir()
        shutil.rmtree(home / "Maildir")
        return 0

    monkeypatch.setattr(mail_format, "rewrite", rewrite)
    for name in ("Maildir/cur", "sdbox.new/mailboxes", "Maildir.converted/cur"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "Maildir/cur/1.M1").touch()
    # Of a question for room, or of a conversion: then what that has left must not come back over what was received.
    (tmp_path / "sdbox/mailboxes/INBOX/dbox-Mails").mkdir(parents=True)
    if converted:
        (tmp_path / "sdbox/mailboxes/INBOX/dbox-Mails/u.1").touch()
    Copy("aa11bb", tmp_path).make_ready()
    assert rewritten == ([] if converted else [tmp_path])
    assert asked == [("sdbox", "force-resync", "*")]
    assert [path.name for path in tmp_path.iterdir()] == ["sdbox"]


def test_a_maildir_that_cannot_be_rewritten_is_told_in_the_words_of_a_restore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rewrite(home: Path, identity: str) -> int:
        raise mail_format.FormatError("không được", "it fails")

    monkeypatch.setattr(mail_format, "rewrite", rewrite)
    (tmp_path / "Maildir/cur").mkdir(parents=True)
    with pytest.raises(BackupError, match="it fails") as told:
        Copy("aa11bb", tmp_path).make_ready()
    assert told.value.vietnamese == "không được"


@pytest.mark.parametrize("sizes", [",S=27,W=31", ""])
def test_a_message_of_a_maildir_that_cannot_be_read_is_named_and_all_else_comes_back(
    tmp_path: Path, asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, sizes: str
) -> None:
    folder = tmp_path / "Maildir/.1%2e Công văn đến/cur"
    folder.mkdir(parents=True)
    for name in (f"1764300000.M1P7.mail{sizes}:2,S", "1764300001.M2P7.mail,S=9,W=9:2,"):
        (folder / name).touch()
    tried = list[str]()

    def rewrite(home: Path, identity: str) -> int:
        found = [path for path in folder.iterdir() if path.name.startswith("1764300000")]
        tried.extend(path.name for path in found)
        if found:
            words = f"doveadm backup failed: Error: Mailbox 1. Công văn đến: UID=3: read({found[0]}) failed: Zstd"
            raise mail_format.FormatError(words, words)
        (home / "sdbox").mkdir()
        shutil.rmtree(home / "Maildir")
        return 1

    monkeypatch.setattr(mail_format, "rewrite", rewrite)
    faulty = Copy("aa11bb", tmp_path).make_ready()
    # Its name says how long it is: perhaps it can be read without.
    assert tried == ([f"1764300000.M1P7.mail{sizes}:2,S"] if sizes else []) + ["1764300000.M1P7.mail:2,S"]
    (place,) = faulty
    assert place == Path("Maildir/.1%2e Công văn đến/cur/1764300000.M1P7.mail:2,S")
    assert "Zstd" in faulty[place]


def test_uids_that_mail_of_after_the_backup_had_stand_for_nothing_else(
    tmp_path: Path, asked: list[tuple[str, ...]]
) -> None:
    (tmp_path / "sdbox").mkdir()
    copy = Copy("aa11bb", tmp_path)
    copy.move_uids_on(copy.folders(), {})
    # A folder in which no message ever was has nothing to hide.
    assert asked == [
        ("sdbox", "mailbox update", "--min-next-uid", str(9 + UID_GAP), "INBOX"),
        ("sdbox", "mailbox update", "--min-next-uid", str(5 + UID_GAP), "Lưu"),
    ]


def test_a_folder_that_is_replaced_is_another_to_every_client(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    (tmp_path / "sdbox").mkdir()
    live = {"INBOX": FolderStatus(7, 20, 4100000000), "Lưu": FolderStatus(0, 1, 1700000002)}
    copy = Copy("aa11bb", tmp_path)
    copy.move_uids_on(copy.folders(), live)
    assert asked == [
        ("sdbox", "mailbox update", "--uid-validity", "4100000001", "--min-next-uid", str(20 + UID_GAP), "INBOX"),
        ("sdbox", "mailbox update", "--uid-validity", "4000000001", "--min-next-uid", str(5 + UID_GAP), "Lưu"),
    ]


BEFORE = {"INBOX": FolderStatus(3, 9, 15), "Sent": FolderStatus(0, 1, 16)}
ANEW = {"INBOX": FolderStatus(0, 1, 17), "Sent": FolderStatus(0, 1, 18)}


@pytest.mark.parametrize(
    ("left", "folders", "lost"),
    [
        ("", ANEW, True),
        # All was deleted, by whoever has the right to.
        ("", ANEW | {"INBOX": FolderStatus(0, 8, 17)}, False),
        ("", ANEW | {"Trash": FolderStatus(0, 2, 19)}, False),
        # It is the same mailbox still: only this folder's messages were filed in others, which are gone.
        ("", ANEW | {"Sent": FolderStatus(0, 1, 16)}, False),
        # A message that the index does not know yet.
        ("sdbox/mailboxes/INBOX/dbox-Mails/u.1", ANEW, False),
        ("sieve/loc.sieve", ANEW, False),
        ("Maildir/cur/1.M1P1.mail", ANEW, False),
        ("sdbox.new/mailboxes/INBOX/dbox-Mails/u.1", ANEW, False),
    ],
)
def test_only_a_mailbox_that_nobody_used_counts_as_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str, folders: dict[str, FolderStatus], lost: bool
) -> None:
    live, saved = Copy("aa11bb", tmp_path / "live"), BEFORE
    monkeypatch.setattr(Copy, "folders", lambda copy: folders)
    assert restore_copy.lost(live, saved)
    live.home.mkdir()
    # Not even a folder: Dovecot is not asked, which would make some.
    assert restore_copy.lost(live, saved)
    (live.home / "sdbox/mailboxes/INBOX/dbox-Mails").mkdir(parents=True)
    if left:
        (live.home / left).parent.mkdir(parents=True, exist_ok=True)
        (live.home / left).touch()
    assert restore_copy.lost(live, saved) is lost


def test_folders_of_a_mailbox_that_is_gone_or_not_converted(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    assert Copy("aa11bb", tmp_path / "none").folders() == {}
    assert Copy("aa11bb", tmp_path).folders()["INBOX"] == FolderStatus(3, 9, 1700000000)


def test_one_file_of_each_message_stays_of_a_maildir_that_was_read_twice(tmp_path: Path) -> None:
    maildir = tmp_path / "Maildir"
    for name in ("cur/1.M1.mail:2,", "new/2.M2.mail", "cur/3.M3.mail:2,S", ".Lưu/cur/4.M4.mail:2,F"):
        (maildir / name).parent.mkdir(parents=True, exist_ok=True)
        (maildir / name).touch()
    before = restore_maildir.messages(tmp_path)
    for name in ("cur/1.M1.mail:2,S", "cur/2.M2.mail:2,", ".Lưu/cur/4.M4.mail:2,"):
        (maildir / name).touch()
    restore_maildir.settle(tmp_path, before)
    assert sorted(str(path.relative_to(maildir)) for path in restore_maildir.messages(tmp_path)) == [
        ".Lưu/cur/4.M4.mail:2,",
        "cur/1.M1.mail:2,S",
        "cur/2.M2.mail:2,",
        "cur/3.M3.mail:2,S",
    ]


def test_an_index_of_an_earlier_pass_does_not_meet_the_log_of_a_later_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "sdbox/mailboxes/INBOX/dbox-Mails"
    folder.mkdir(parents=True)
    for name in ("u.1", "dovecot.index", "dovecot.index.log", "dovecot.index.log.2"):
        (folder / name).write_text("first")

    def fetch(config: Any, snapshot: Any, home: Path, staged: Path) -> list[Any]:
        (folder / "dovecot.index.log").write_text("second")
        return []

    monkeypatch.setattr(restore_files, "fetch", fetch)
    restore_files.fetch_over(None, None, Path("/srv/mail/aa/aa11bb"), tmp_path)  # type: ignore[arg-type]
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "u.1": "first",
        "dovecot.index.log": "second",
    }


def test_what_people_call_their_folders_is_no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    message = tmp_path / "sdbox/mailboxes/dovecot.index 2026/dbox-Mails/u.1"
    script = tmp_path / "sieve/dovecot.index.sieve"
    for path in (message, script):
        path.parent.mkdir(parents=True)
        path.write_text("x")
    monkeypatch.setattr(restore_files, "fetch", lambda *words: [])
    restore_files.fetch_over(None, None, Path("/srv/mail/aa/aa11bb"), tmp_path)  # type: ignore[arg-type]
    assert message.exists() and script.exists()


@pytest.mark.parametrize(("before", "after"), [("Maildir", "sdbox"), ("sdbox", "Maildir")])
def test_a_mailbox_that_was_rewritten_during_a_backup_comes_back_as_it_was_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, after: str
) -> None:
    (tmp_path / before).mkdir()

    def fetch(config: Any, snapshot: Any, home: Path, staged: Path) -> list[Any]:
        (staged / after).mkdir()
        return []

    monkeypatch.setattr(restore_files, "fetch", fetch)
    restore_files.fetch_over(None, None, Path("/srv/mail/aa/aa11bb"), tmp_path)  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == [after]


def test_only_a_mailbox_that_was_a_maildir_leaves_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[str] = []
    monkeypatch.setattr(mail_format, "former", lambda: frozenset(("aa11bb", "cc22dd")))
    monkeypatch.setattr(mail_format, "leave_former", lambda *ids: left.extend(ids))
    monkeypatch.setattr(mail_format, "moment_passed", lambda since: None)
    assert restore_copy.no_more_a_maildir(["aa11bb", "ee33ff"]) == {"aa11bb"}
    assert left == ["aa11bb"]
    assert restore_copy.own_format("aa11bb") == [
        "mail_driver = maildir",
        "mail_path = ~/Maildir",
        "mail_inbox_path = ~/Maildir",
    ]
    assert restore_copy.own_format("ee33ff") == []
