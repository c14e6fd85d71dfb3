"""The end of a revoked mailbox's data: only in time, only after a whole archive, safe to run again."""

import hashlib
import io
import itertools
import json
import os
import shutil
import tarfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from hanam_mail.host import command_line
from hanam_mail.host.passwords.sealed_file import HandoverError
from hanam_mail.host.purge import erase
from hanam_mail.host.purge.erase import PurgeRefused

TODAY = date(2026, 11, 25)
KEY = "age1" + "q" * 58


@pytest.fixture
def age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program in the place of age that seals nothing, so that a test can look into the archive."""
    program = tmp_path / "bin" / "age"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexec cat\n", encoding="ascii")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "mail" / "p3" / "p3x8d1"
    (path / "sdbox" / "mailboxes").mkdir(parents=True)
    (path / "sdbox" / "mailboxes" / "u.1").write_bytes(b"thu mot")
    (path / "sieve").mkdir()
    (path / "sieve" / "nghi.sieve").write_text("keep;", encoding="utf-8")
    (path / ".dovecot.sieve").symlink_to("sieve/nghi.sieve")
    return path


@pytest.mark.dieu6
@pytest.mark.parametrize(
    ("state", "revoked_on", "purged", "text"),
    [
        ("active", None, False, "chưa bị thu hồi"),
        ("locked", None, False, "chưa bị thu hồi"),
        ("revoked", date(2026, 5, 30), False, "còn phải giữ đến 26/11/2026"),
        ("revoked", date(2020, 1, 1), True, "đã được xóa từ trước"),
    ],
)
def test_what_is_not_revoked_long_enough_stays(state: str, revoked_on: Any, purged: bool, text: str) -> None:
    with pytest.raises(PurgeRefused, match=text):
        erase.check("ha", state, revoked_on, purged, TODAY, 180)


@pytest.mark.dieu6
def test_what_is_revoked_long_enough_may_go() -> None:
    erase.check("ha", "revoked", date(2026, 5, 29), False, TODAY, 180)


@pytest.mark.usefixtures("age")
def test_the_archive_has_every_file_and_its_sum(home: Path, tmp_path: Path) -> None:
    archive = tmp_path / "export" / "p3x8d1.mail.tar.age"
    assert erase.export_home(home, archive, [KEY])
    with tarfile.open(archive) as tar:
        names = tar.getnames()
        assert tar.getmember("p3x8d1/.dovecot.sieve").linkname == "sieve/nghi.sieve"
        sums = tar.extractfile("SHA256SUMS")
        assert sums
        assert f"{hashlib.sha256(b'thu mot').hexdigest()}  p3x8d1/sdbox/mailboxes/u.1" in sums.read().decode()
    assert names[-1] == "SHA256SUMS"
    beside = (archive.parent / f"{archive.name}.sha256").read_text().split()
    assert beside == [hashlib.sha256(archive.read_bytes()).hexdigest(), archive.name]
    assert archive.stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("age")
def test_nothing_is_deleted_without_a_whole_archive(home: Path, tmp_path: Path) -> None:
    archive = tmp_path / "export" / "p3x8d1.mail.tar.age"
    with pytest.raises(PurgeRefused, match="chưa có bản lưu nguyên vẹn"):
        erase.delete_home(home, archive)
    erase.export_home(home, archive, [KEY])
    archive.write_bytes(archive.read_bytes()[:-1])
    with pytest.raises(PurgeRefused, match="chưa có bản lưu nguyên vẹn"):
        erase.delete_home(home, archive)
    assert home.exists()


@pytest.mark.usefixtures("age")
def test_deletion_takes_what_a_restore_put_aside_too_and_nobody_elses(home: Path, tmp_path: Path) -> None:
    archive = tmp_path / "export" / "p3x8d1.mail.tar.age"
    aside, other = (tmp_path / "mail" / ".replaced" / name for name in ("p3x8d1.20260101T000000", "p3x8d12.2026"))
    aside.mkdir(parents=True)
    other.mkdir()
    erase.export_home(home, archive, [KEY])
    assert erase.delete_home(home, archive)
    assert not home.exists() and not aside.exists()
    assert other.exists()
    # Again: an interrupted run goes on.
    assert not erase.export_home(home, archive, [KEY])
    assert not erase.delete_home(home, archive)


@pytest.mark.dieu12
@pytest.mark.usefixtures("age")
def test_mail_to_be_read_leaves_sealed_only_and_the_mailbox_as_it_was(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["open-mail", "p3x8d1", "--root", str(tmp_path / "mail"), "--folder", str(tmp_path / "export")]
    words += ["--recipient", KEY, "--opening", "17", "--json"]
    assert command_line.main(words) == 0
    answer = json.loads(capsys.readouterr().out)
    archive = tmp_path / "export" / "p3x8d1.opening-17.tar.age"
    assert answer["changes"] == [f"đã niêm phong bản sao thư vào {archive}"]
    with tarfile.open(archive) as tar:
        assert "p3x8d1/sdbox/mailboxes/u.1" in tar.getnames()
    assert erase.complete(archive)
    assert (home / "sdbox" / "mailboxes" / "u.1").exists()
    # One opening, one copy; a mailbox of another store is nothing to do here.
    assert command_line.main(words) == 0
    assert json.loads(capsys.readouterr().out)["changed"] is False
    assert command_line.main([word.replace("p3x8d1", "q4x8d1") for word in words]) == 0
    assert json.loads(capsys.readouterr().out)["changed"] is False


@pytest.mark.usefixtures("age")
def test_a_whole_archive_is_never_written_anew(home: Path, tmp_path: Path) -> None:
    archive = tmp_path / "export" / "p3x8d1.mail.tar.age"
    erase.export_home(home, archive, [KEY])
    before = archive.read_bytes()
    (home / "sdbox" / "mailboxes" / "u.1").unlink()
    assert not erase.export_home(home, archive, [KEY])
    assert archive.read_bytes() == before


def test_a_failing_age_leaves_no_archive(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "age"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\ncat >/dev/null; echo 'no such key' >&2; exit 1\n", encoding="ascii")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    with pytest.raises(HandoverError, match="no such key"):
        erase.export_home(home, tmp_path / "export" / "x.age", [KEY])
    assert list((tmp_path / "export").iterdir()) == []


def test_what_is_summed_is_what_is_read_and_a_file_cut_short_goes_on_with_zeros() -> None:
    reader = erase._Summing(io.BytesIO(b"abcdef"))
    assert reader.read(4) + reader.read(3) == b"abcdef\0"
    assert reader.sum.digest() == hashlib.sha256(b"abcdef\0").digest()


def packed(archive: Path) -> dict[str, bytes]:
    """The files of an archive by name, each with its right sum in the archive."""
    with tarfile.open(archive) as tar:
        files = {member.name: tar.extractfile(member) for member in tar if not member.isdir() and not member.issym()}
        found = {name: file.read() for name, file in files.items() if file}
    sums = found.pop("SHA256SUMS").decode()
    assert sums == "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in found.items())
    return found


@pytest.mark.usefixtures("age")
def test_a_message_that_is_there_twice_has_its_sum_twice(home: Path, tmp_path: Path) -> None:
    messages = home / "sdbox" / "mailboxes"
    (messages / "u.2").hardlink_to(messages / "u.1")
    archive = tmp_path / "export" / "p3x8d1.mail.tar.age"
    erase.export_home(home, archive, [KEY])
    found = packed(archive)
    assert found["p3x8d1/sdbox/mailboxes/u.1"] == found["p3x8d1/sdbox/mailboxes/u.2"] == b"thu mot"


@pytest.mark.usefixtures("age")
def test_a_letter_that_got_the_inode_of_a_deleted_one_keeps_its_text(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both were there twice. Who tells files by their inode packs the first in place of the second."""
    messages, fstat = home / "sdbox" / "mailboxes", os.fstat
    (messages / "v.1").write_bytes(b"thu moi")
    for name in ("u", "v"):
        (messages / f"{name}.2").hardlink_to(messages / f"{name}.1")
    inode = (messages / "u.1").stat().st_ino

    def the_same_inode(descriptor: int) -> os.stat_result:
        return os.stat_result([field if at != 1 else inode for at, field in enumerate(fstat(descriptor))])

    monkeypatch.setattr(os, "fstat", the_same_inode)
    archive = tmp_path / "export" / "p3x8d1.mail.tar.age"
    erase.export_home(home, archive, [KEY])
    assert packed(archive)["p3x8d1/sdbox/mailboxes/v.2"] == b"thu moi"


@pytest.mark.dieu12
@pytest.mark.usefixtures("age")
def test_mail_is_read_while_its_owner_moves_deletes_and_receives(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A letter moved to a folder that was passed already is in the copy; what was deleted or unfinished is not."""
    messages = home / "sdbox" / "mailboxes"
    (messages / "a").mkdir()
    (messages / "dbox-Mails").mkdir()
    (messages / "dbox-Mails" / ".temp.1796294528.P1.store1").write_bytes(b"half a let")
    (home / "sieve" / ".temp.an.sieve").write_bytes(b"discard;")  # a name that somebody may give
    for name in ("v.deleted", "w.moved", "x.folder/y.within"):
        (messages / name).parent.mkdir(exist_ok=True)
        (messages / name).write_bytes(name.encode())
    add = erase._add

    def beside_its_owner(tar: tarfile.TarFile, path: Path, *others: Any) -> None:
        if path.name == "u.1" and (messages / "v.deleted").exists():
            (messages / "v.deleted").unlink()
            (messages / "w.moved").rename(messages / "a" / "u.1")
            shutil.rmtree(messages / "x.folder")
        add(tar, path, *others)

    monkeypatch.setattr(erase, "_add", beside_its_owner)
    archive = tmp_path / "export" / "p3x8d1.opening-17.tar.age"
    assert erase.export_home(home, archive, [KEY])
    assert erase.complete(archive)
    found = {name.removeprefix("p3x8d1/sdbox/mailboxes/"): data for name, data in packed(archive).items()}
    assert found.pop("p3x8d1/sieve/.temp.an.sieve") == b"discard;"
    del found["p3x8d1/sieve/nghi.sieve"]
    assert found == {"u.1": b"thu mot", "a/u.1": b"w.moved"}


@pytest.mark.usefixtures("age")
def test_a_mailbox_that_never_stands_still_leaves_no_half_of_a_copy(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = itertools.count(2)

    def moved_again(_tar: tarfile.TarFile, path: Path, *_others: Any) -> None:
        if path.name.startswith("u."):
            path.rename(path.with_name(f"u.{next(numbers)}"))
            raise FileNotFoundError(path)

    monkeypatch.setattr(erase, "_add", moved_again)
    with pytest.raises(PurgeRefused, match="p3x8d1 thay đổi không ngừng"):
        erase.export_home(home, tmp_path / "export" / "p3x8d1.mail.tar.age", [KEY])
    assert list((tmp_path / "export").iterdir()) == []


@pytest.mark.usefixtures("age")
def test_a_file_that_turned_into_a_way_elsewhere_is_not_followed(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who may write in the mailbox could else have root read any file for him."""
    message, secret = home / "sdbox" / "mailboxes" / "u.1", tmp_path / "secret"
    secret.write_bytes(b"of root alone")
    is_file = Path.is_file

    def then_replaced(path: Path) -> bool:
        found = is_file(path)
        if path == message:
            message.unlink()
            message.symlink_to(secret)
        return found

    monkeypatch.setattr(Path, "is_file", then_replaced)
    with pytest.raises(OSError, match="symbolic links"):
        erase.export_home(home, tmp_path / "export" / "p3x8d1.mail.tar.age", [KEY])
    assert list((tmp_path / "export").iterdir()) == []
