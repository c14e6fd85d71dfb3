"""What `hanam-mail-restore --all` leaves out: a purged mailbox is gone for good (Đ6.2c)."""

import argparse
import errno
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hanam_mail.host import mail_home
from hanam_mail.host.backup import restore_all, restore_files, restore_mail, restore_which
from hanam_mail.host.backup.restore_copy import Copy, FolderStatus
from hanam_mail.host.backup.restore_files import Unreadable
from hanam_mail.host.backup.settings import BackupError

HOMES = ("aa/aa11bb", "cc/cc22dd", "ee/ee33ff")

type Run = Callable[..., int]


def folder_names(home: Path) -> set[str]:
    return {"INBOX", *(path.name.removeprefix(".") for path in (home / "sdbox").glob(".*"))}


class FilesOnly(restore_mail.MailboxWithCopy):
    """A mailbox and its copy as their files are; what Dovecot itself makes of them is seen on hosts."""

    def __init__(self, identity: str, copy: Path, home: Path) -> None:
        self.identity, self.copy, self.home = identity, copy, home

    def messages(self, *query: str) -> tuple[list[Any], list[Any]]:
        return self._messages(self.copy), self._messages(self.home)

    def _messages(self, home: Path) -> list[Any]:
        return [
            restore_mail.Message(path.parts[-3].removeprefix(".").replace("sdbox", "INBOX"), "", 1, path.name)
            for path in sorted((home / "sdbox").rglob("cur/*"))
        ]

    def folders(self, *options: str) -> tuple[set[str], set[str]]:
        return folder_names(self.copy), folder_names(self.home)

    def put_back(self, messages: Sequence[Any], place: Callable[[str], str], **options: Any) -> None:
        for message in messages:
            folder = "" if message.folder == "INBOX" else f".{message.folder}"
            target = self.home / "sdbox" / folder / "cur" / message.guid
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((self.copy / "sdbox" / folder / "cur" / message.guid).read_bytes())

    def make_folders(self, names: Sequence[str]) -> None:
        for name in names:
            (self.home / "sdbox" / f".{name}" / "cur").mkdir(parents=True)


class CopyOfFiles(Copy):
    """The same of a copy alone; one with a file of that name is one that Dovecot cannot read."""

    def make_ready(self) -> dict[Path, str]:
        if (self.home / "broken").exists():
            raise BackupError("không đọc được", "cannot be read")
        return {}

    def move_uids_on(self, folders: Any, live: Any) -> None:
        assert not live

    def folders(self) -> dict[str, FolderStatus]:
        found = {
            name: self.home / "sdbox" / ("" if name == "INBOX" else f".{name}") for name in folder_names(self.home)
        }
        return {name: FolderStatus(len(list(path.glob("cur/*"))), 1, 1) for name, path in found.items()}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Restore a backup that has HOMES, each with one message, as the user database knows `known`."""
    store = tmp_path / "mail"
    store.mkdir()
    broken: list[str] = []
    unread: list[str] = []
    recorded: list[str] = []
    kicked: list[tuple[str, ...]] = []

    def stage_all(config: Any, snapshot: Any, full: Any, staged: Path) -> Any:
        for home in HOMES:
            (staged / home / "sdbox/cur").mkdir(parents=True)
            (staged / home / "sdbox/cur/1.M1P1.mail,S=5:2,S").write_text("Thu.\n")
            (staged / home / "sdbox/.Trong/cur").mkdir(parents=True)
            (staged / home / "sieve").mkdir()
            (staged / home / "sieve/loc.sieve").write_text("keep;\n")
            (staged / home / ".dovecot.sieve").symlink_to("sieve/loc.sieve")
        for home in unread:
            (staged / home / "broken").touch()
        unreadable = [Unreadable(store / path, "ciphertext verification failed") for path in broken]
        return SimpleNamespace(homes=[Path(home) for home in HOMES], unreadable=unreadable)

    @contextmanager
    def as_owner(uid: int) -> Iterator[None]:
        yield

    @contextmanager
    def beside(identity: str, copy: Path) -> Iterator[Any]:
        if (store / identity[:2] / identity / "broken").exists():
            raise BackupError(f"hộp thư {identity} hỏng", "broken")
        yield FilesOnly(identity, copy, store / identity[:2] / identity)

    def run_all(
        *known: str,
        returncode: int = 0,
        unreadable: Sequence[str] = (),
        dry_run: bool = False,
        unready: str = "",
        cut: Sequence[str] = (),
        crowded: Sequence[str] = (),
    ) -> int:
        broken[:] = unreadable
        unread[:] = [unready] if unready else []
        recorded.clear()

        def doveadm(*words: str) -> subprocess.CompletedProcess[str]:
            assert words == ("user", "*")
            return subprocess.CompletedProcess(words, returncode, "".join(f"{name}\n" for name in known), "no database")

        monkeypatch.setattr(restore_which, "doveadm", doveadm)
        monkeypatch.setattr(restore_all, "doveadm", lambda *words: kicked.append(words))
        monkeypatch.setattr(restore_all, "left_alone", lambda login: login not in crowded)
        config = SimpleNamespace(mail_root=str(store), mail_uid=-1, ask_above=20)
        arguments = argparse.Namespace(snapshot="latest", at=None, document="27/STTTT", all=True, dry_run=dry_run)
        kicked.clear()
        status = restore_all.restore_all(config, arguments)
        assert recorded == ["all"]
        assert kicked == [("kick", name) for name in cut]
        return status

    snapshot = SimpleNamespace(id="4f" * 32, short="4f4f4f4f")

    def leave(ids: Iterable[str]) -> frozenset[str]:
        (tmp_path / "left").write_text(" ".join(ids))
        return frozenset()

    monkeypatch.setattr(restore_all, "snapshots_of_mail", lambda config: [snapshot])
    monkeypatch.setattr(restore_all, "candidates", lambda full, wanted, at: full)
    monkeypatch.setattr(restore_all, "stage_all", stage_all)
    monkeypatch.setattr(restore_all, "as_owner", as_owner)
    monkeypatch.setattr(restore_all, "beside", beside)
    monkeypatch.setattr(restore_all, "Copy", CopyOfFiles)
    # Nobody ever had a message here and deleted it.
    monkeypatch.setattr(
        restore_all, "lost", lambda live, saved: not live.home.exists() or mail_home.untouched(live.home)
    )
    monkeypatch.setattr(restore_all, "no_more_a_maildir", leave)
    monkeypatch.setattr(restore_all, "log", lambda arguments, words: None)
    monkeypatch.setattr(restore_all, "record", lambda config, arguments, key, detail: recorded.append(key))
    return run_all


@pytest.mark.dieu6
def test_a_purged_mailbox_stays_gone_and_is_counted(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("aa11bb", "ee33ff", "new999") == 0
    assert sorted(str(home.relative_to(tmp_path / "mail")) for home in (tmp_path / "mail").glob("??/*")) == [
        "aa/aa11bb",
        "ee/ee33ff",
    ]
    told = capsys.readouterr().out
    assert "Đã khôi phục 2 hộp thư" in told and "bỏ qua 1 hộp thư" in told
    assert "Restored 2 mailboxes" in told and "1 left out" in told


@pytest.mark.dieu10
def test_a_store_of_which_all_is_known_comes_back_whole(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("aa11bb", "cc22dd", "ee33ff") == 0
    assert len(list((tmp_path / "mail").glob("??/*"))) == 3
    assert "left out" not in capsys.readouterr().out
    # They may have been Maildirs, which they are no more.
    assert (tmp_path / "left").read_text() == "aa11bb cc22dd ee33ff"


@pytest.mark.dieu10
def test_a_copy_that_dovecot_cannot_read_keeps_no_other_from_coming_back(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("aa11bb", "cc22dd", "ee33ff", unready="cc/cc22dd") == 8
    assert not (tmp_path / "mail/cc/cc22dd").exists()
    assert (tmp_path / "left").read_text() == "aa11bb ee33ff"
    assert "không đọc được" in capsys.readouterr().err


@pytest.mark.dieu10
def test_what_the_repository_cannot_give_is_named_and_all_else_comes_back(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = ["aa/aa11bb/sdbox/cur/2.M1P1.mail,S=5:2,S", "ff/ff44ee"]
    assert run("aa11bb", "cc22dd", "ee33ff", unreadable=lost) == 8
    assert len(list((tmp_path / "mail").glob("??/*/sdbox/cur/*"))) == 3
    told = capsys.readouterr()
    assert "Đã khôi phục 3 hộp thư" in told.out
    assert all(f"{tmp_path / 'mail' / path}: ciphertext verification failed" in told.err for path in lost)
    assert "2 tệp hoặc thư mục" in told.err and "Kho sao lưu bị hỏng" in told.err


@pytest.mark.dieu10
@pytest.mark.parametrize(("known", "returncode"), [((), 0), (("aa11bb",), 75)])
def test_accounts_that_are_not_back_yet_are_told_before_anything_is_fetched(
    run: Run, tmp_path: Path, known: tuple[str, ...], returncode: int
) -> None:
    with pytest.raises(BackupError):
        run(*known, returncode=returncode)
    assert not list((tmp_path / "mail").glob("??"))


def delivered(home: Path) -> None:
    """What a waiting sender's message leaves where there was no home."""
    (home / "sdbox/cur").mkdir(parents=True, exist_ok=True)
    (home / "sdbox/cur/2.M2P2.mail,S=5:2,").write_text("Moi.\n")
    # As Dovecot has it.
    (home / "sdbox/mailboxes/INBOX/dbox-Mails").mkdir(parents=True, exist_ok=True)
    (home / "sdbox/mailboxes/INBOX/dbox-Mails/u.1").write_text("Moi.\n")


def issued(home: Path) -> None:
    """What a mailbox has that was issued anew: the folders that every mailbox has (first_folders.py)."""
    (home / "sdbox/mailboxes/INBOX/dbox-Mails").mkdir(parents=True)
    (home / "sdbox/subscriptions").touch()


@pytest.mark.dieu10
def test_mail_that_arrives_during_the_restore_keeps_no_mailbox_from_coming_back(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_whole = restore_files.put_whole

    def later(staged: Path, home: Path, uid: int) -> bool:
        if home.name == "aa11bb":
            delivered(home)
        return put_whole(staged, home, uid)

    monkeypatch.setattr(restore_all, "put_whole", later)
    assert run("aa11bb", "cc22dd", "ee33ff") == 0
    home = tmp_path / "mail/aa/aa11bb"
    assert sorted(path.name[0] for path in (home / "sdbox/cur").iterdir()) == ["1", "2"]
    assert (home / "sdbox/.Trong").is_dir() and (home / ".dovecot.sieve").read_text() == "keep;\n"
    assert "3 messages brought back, 0 already present" in capsys.readouterr().out


@pytest.mark.dieu10
def test_a_mailbox_that_was_issued_anew_comes_back_whole(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a store was lost, the registry is applied first: all mailboxes are there, and empty."""
    home = tmp_path / "mail/aa/aa11bb"
    issued(home)
    assert run("aa11bb", cut=["aa11bb"]) == 0
    # The home of the backup itself, and nothing of the one before; a session does not keep that in memory.
    assert not (home / "sdbox/mailboxes").exists()
    assert (home / ".dovecot.sieve").is_symlink()
    assert "1 messages brought back, 0 already present" in capsys.readouterr().out


@pytest.mark.dieu10
def test_mail_that_arrives_as_an_empty_mailbox_is_exchanged_comes_along(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "mail/aa/aa11bb"
    issued(home)
    exchange = restore_files.exchange

    def later(one: Path, other: Path) -> None:
        delivered(home)
        exchange(one, other)

    monkeypatch.setattr(restore_files, "exchange", later)
    assert run("aa11bb", cut=["aa11bb"]) == 0
    # The mailbox of the backup, with what came.
    assert sorted(path.name[0] for path in (home / "sdbox/cur").iterdir()) == ["1", "2"]
    assert (home / ".dovecot.sieve").is_symlink()
    assert "2 messages brought back" in capsys.readouterr().out


@pytest.mark.dieu10
def test_a_mailbox_that_is_opened_again_and_again_gets_its_messages_one_by_one(run: Run, tmp_path: Path) -> None:
    home = tmp_path / "mail/aa/aa11bb"
    issued(home)
    assert run("aa11bb", crowded=["aa11bb"]) == 0
    assert [path.name[0] for path in (home / "sdbox/cur").iterdir()] == ["1"]
    assert (home / "sdbox/mailboxes").is_dir()


@pytest.mark.dieu10
@pytest.mark.parametrize("number", [errno.EXDEV, errno.EINVAL])
def test_where_a_home_cannot_be_exchanged_messages_come_one_by_one(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    home = tmp_path / "mail/aa/aa11bb"
    issued(home)

    def cannot(one: Path, other: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(restore_files, "exchange", cannot)
    assert run("aa11bb") == 0
    assert [path.name[0] for path in (home / "sdbox/cur").iterdir()] == ["1"]
    assert (home / "sdbox/mailboxes").is_dir()


@pytest.mark.dieu10
def test_a_home_that_cannot_be_put_in_place_keeps_no_other_from_coming_back(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_whole = restore_files.put_whole

    def fails(staged: Path, home: Path, uid: int) -> bool:
        if home.name == "aa11bb":
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return put_whole(staged, home, uid)

    monkeypatch.setattr(restore_all, "put_whole", fails)
    assert run("aa11bb", "cc22dd") == 8
    assert (tmp_path / "mail/cc/cc22dd/sieve").is_dir()
    assert "aa11bb" in capsys.readouterr().err


@pytest.mark.dieu10
def test_who_had_mail_since_gets_folders_and_filters_back_as_well(run: Run, tmp_path: Path) -> None:
    home = tmp_path / "mail/aa/aa11bb"
    delivered(home)
    assert run("aa11bb") == 0
    assert sorted(path.name[0] for path in (home / "sdbox/cur").iterdir()) == ["1", "2"]
    assert (home / "sdbox/.Trong").is_dir()
    assert (home / ".dovecot.sieve").is_symlink() and (home / ".dovecot.sieve").read_text() == "keep;\n"


@pytest.mark.dieu10
def test_a_filter_of_now_stays_and_one_that_was_switched_off_stays_off(run: Run, tmp_path: Path) -> None:
    changed, off = tmp_path / "mail/aa/aa11bb", tmp_path / "mail/cc/cc22dd"
    for home, name in ((changed, "moi.sieve"), (off, "loc.sieve")):
        delivered(home)
        (home / "sieve").mkdir()
        (home / "sieve" / name).write_text("discard;\n")
    (changed / ".dovecot.sieve").symlink_to("sieve/moi.sieve")
    assert run("aa11bb", "cc22dd") == 0
    assert (changed / ".dovecot.sieve").read_text() == "discard;\n"
    assert (changed / "sieve/loc.sieve").read_text() == "keep;\n"
    assert (off / "sieve/loc.sieve").read_text() == "discard;\n"
    assert not (off / ".dovecot.sieve").is_symlink()


@pytest.mark.dieu10
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_mailbox_that_cannot_be_compared_is_told_once(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], dry_run: bool
) -> None:
    home = tmp_path / "mail/aa/aa11bb"
    delivered(home)
    (home / "broken").touch()
    assert run("aa11bb", "cc22dd", dry_run=dry_run) == 8
    told = capsys.readouterr()
    assert told.err.count("hộp thư aa11bb hỏng") == 1
    assert dry_run or "Restored 1 mailboxes" in told.out


@pytest.mark.dieu10
def test_a_dry_run_names_what_would_come_back_and_changes_nothing(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    delivered(tmp_path / "mail/aa/aa11bb")
    before = sorted((tmp_path / "mail/aa").rglob("*"))
    assert run("aa11bb", "cc22dd", dry_run=True) == 0
    assert sorted((tmp_path / "mail/aa").rglob("*")) == before
    told = capsys.readouterr().out
    assert "aa11bb: 1 thư / messages, 1 thư mục trống / empty folders, 2 tệp bộ lọc / filter files\n" in told
    assert "cc22dd: cả hộp thư / whole, 1 thư / messages" in told


@pytest.mark.dieu10
def test_a_mailbox_that_lacks_nothing_is_left_alone(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("aa11bb") == 0
    opened: list[str] = []
    beside = vars(restore_all)["beside"]  # what `run` put there

    def counted(identity: str, copy: Path) -> Any:
        opened.append(identity)
        return beside(identity, copy)

    monkeypatch.setattr(restore_all, "beside", counted)
    assert run("aa11bb") == 0
    assert opened == ["aa11bb"]
