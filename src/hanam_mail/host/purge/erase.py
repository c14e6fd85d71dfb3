"""The end of a revoked mailbox's data (Đ6.2c): sealed archives first, deletion after, each step safe to run again.

An archive is ID.mail.tar.age or ID.accounts.json.age, sealed by age to the operators' keys, with its SHA-256 beside it
in the form of sha256sum. The tar's last member, SHA256SUMS, has that of every file in it. An archive counts only with
a right sum beside it: the sum is written last. Deleting asks for it.
"""

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import IO, Any

from hanam_mail import atomic_file
from hanam_mail.host.database.session import Session, one
from hanam_mail.host.passwords import sealed_file

# A message that Dovecot is still writing. Nobody names a file there himself.
_UNFINISHED = "dbox-Mails/.temp.*"
# Each look after the first reads only what is new, in a moment.
# Whoever still moves letters during the last does it on purpose.
_LOOKS = 20


class PurgeRefused(Exception):
    """Why nothing is deleted, in one Vietnamese sentence."""


def check(address: str, state: str, revoked_on: date | None, purged: bool, today: date, keep_days: int) -> None:
    """Raise PurgeRefused unless the mailbox is revoked, its time is over, and its data still there."""
    if purged:
        raise PurgeRefused(f"dữ liệu của hộp thư {address} đã được xóa từ trước")
    if state != "revoked" or revoked_on is None:
        raise PurgeRefused(f"hộp thư {address} chưa bị thu hồi: chỉ xóa dữ liệu của hộp thư đã thu hồi (Đ6.2c)")
    over = revoked_on + timedelta(days=keep_days)
    if today < over:
        raise PurgeRefused(
            f"hộp thư {address} thu hồi ngày {revoked_on:%d/%m/%Y}, dữ liệu còn phải giữ đến {over:%d/%m/%Y} "
            f"({keep_days} ngày, mailboxes_keep_revoked_days)"
        )


def complete(archive: Path) -> bool:
    """Whether the archive is there whole, by the sum beside it."""
    sums = _sums(archive)
    return archive.exists() and sums.exists() and sums.read_text("ascii") == _sum_line(archive)


def export_home(home: Path, archive: Path, recipients: Sequence[str]) -> bool:
    """Seal a mailbox's files into `archive`; False when that was done before or there are none."""
    if complete(archive) or not home.is_dir():
        return False
    with _sealed(archive, recipients) as stream:
        _pack(home, stream)
    return True


def export_data(data: bytes, archive: Path, recipients: Sequence[str]) -> bool:
    """Seal `data` into `archive`; False when that was done before."""
    if complete(archive):
        return False
    with _sealed(archive, recipients) as stream:
        stream.write(data)
    return True


def delete_home(home: Path, archive: Path) -> bool:
    """Delete a mailbox's files, and what a restore put aside; only what is in a whole archive."""
    if not home.exists():
        return False
    if not complete(archive):
        raise PurgeRefused(f"chưa có bản lưu nguyên vẹn {archive}: không xóa {home}")
    for aside in (home.parent.parent / ".replaced").glob(f"{home.name}.*"):
        shutil.rmtree(aside)
    shutil.rmtree(home)
    return True


@contextmanager
def _sealed(archive: Path, recipients: Sequence[str]) -> Iterator[IO[bytes]]:
    """What the block writes goes through age into the archive; nothing stays when any part of it fails."""
    words = sealed_file.command(recipients)
    archive.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = archive.with_name(f".{archive.name}.tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=file, stderr=subprocess.PIPE) as age:
                if age.stdin is None or age.stderr is None:
                    raise AssertionError("both were asked for")
                yield age.stdin
                age.stdin.close()
                said = age.stderr.read().decode(errors="replace").strip()
            if age.returncode:
                raise sealed_file.HandoverError(f"age: {said}")
            os.fsync(file.fileno())
        draft.replace(archive)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    atomic_file.sync(archive.parent)
    sums = _sums(archive)
    with sums.open("w", encoding="ascii") as file_of_sums:
        file_of_sums.write(_sum_line(archive))
        file_of_sums.flush()
        os.fsync(file_of_sums.fileno())
    atomic_file.sync(archive.parent)


def _pack(home: Path, stream: IO[bytes]) -> None:
    """Write all that is in `home` as tar. A mailbox that is in use changes meanwhile: its owner moves and deletes."""
    seen: set[Path] = set()
    sums: dict[str, str] = {}
    # Each name has its own octets in the tar: a hard link is told by its inode, which a new letter may have by now.
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT, dereference=True) as tar:
        for _look in range(_LOOKS):
            gone = False
            for path in sorted(set(home.rglob("*")) - seen):
                seen.add(path)
                if path.match(_UNFINISHED):
                    continue
                try:
                    _add(tar, path, f"{home.name}/{path.relative_to(home)}", sums)
                except FileNotFoundError:
                    gone = True  # what was moved, not deleted, has another name by now
            if not gone:
                break
        else:
            raise PurgeRefused(f"hộp thư {home.name} thay đổi không ngừng trong khi sao chép: hãy chạy lại lệnh này")
        data = "".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode()
        last = tarfile.TarInfo("SHA256SUMS")
        last.size = len(data)
        tar.addfile(last, io.BytesIO(data))


def _add(tar: tarfile.TarFile, path: Path, name: str, sums: dict[str, str]) -> None:
    """One member; FileNotFoundError, and nothing written, when it is gone."""
    if path.is_symlink():
        link = tarfile.TarInfo(name)
        link.type, link.linkname = tarfile.SYMTYPE, str(path.readlink())
        tar.addfile(link)
        return
    if not path.is_file():
        tar.addfile(tar.gettarinfo(path, name))
        return
    # Opened once, then asked for its size: its name may lead elsewhere a moment later, and this runs as root.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        member = tar.gettarinfo(arcname=name, fileobj=file)
        reader = _Summing(file)
        tar.addfile(member, reader)
    sums[name] = reader.sum.hexdigest()


class _Summing:
    """A file that is summed as it is read; one that was cut short meanwhile goes on with zeros, as GNU tar has it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sum = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size).ljust(size, b"\0")
        self.sum.update(data)
        return data


def _sums(archive: Path) -> Path:
    return archive.with_name(f"{archive.name}.sha256")


def _sum_line(archive: Path) -> str:
    with archive.open("rb") as file:
        return f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {archive.name}\n"


def webmail_rows(connection: Session, mailbox: str) -> dict[str, Any]:
    """What the webmail keeps for a mailbox, by table; {} when it was never opened there."""
    row = connection.execute("SELECT user_id FROM users WHERE username = %s", [mailbox]).fetchone()
    if row is None:
        return {}
    tables = connection.execute(
        "SELECT table_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_name = 'user_id' ORDER BY 1"
    ).fetchall()
    found = {}
    for (table,) in tables:
        if not table.startswith("cache"):
            query = f"SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]') FROM {table} t WHERE user_id = %s"  # noqa: S608
            found[table] = one(connection, query, [row[0]])[0]
    query = (
        "SELECT coalesce(jsonb_agg(to_jsonb(m)), '[]') FROM contactgroupmembers m"
        " JOIN contactgroups g USING (contactgroup_id) WHERE g.user_id = %s"
    )
    return found | {"contactgroupmembers": one(connection, query, [row[0]])[0]}
