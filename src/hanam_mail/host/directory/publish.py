"""Makes the public directory (Đ11.5) of the accounts database: `hanam-directory DSN SITE FOLDER RUNTIME`.

SITE is the configuration (pages.DirectorySite). FOLDER gets a folder of its own for each directory that was made, and
the link `current` to the newest:

    current/public/index.html                    what nginx shows
    current/public/ban.html, khong-co.html       in place of a page that cannot be shown now, or is none
    current/public/co-quan/<code>.html .csv .json .vcf
    current/entries.json                         what the search reads
    current/made.json                            of what it was made, and when

A new one is made when the accounts, the texts, the program or the day are others than those of the last. It is whole on
the disk before the link leads to it. With the database away the last one stays, with its date; the unit fails when that
takes longer than a restart.
"""

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import chain, count
from pathlib import Path

from hanam_mail.host.directory import files, pages, patience
from hanam_mail.host.directory.entries import CURRENT, ENTRIES, MADE, BadDirectory, DirectoryAgency, agencies, packed
from hanam_mail.host.service import say

PUBLIC = "public"
QUESTION = "SELECT agency_code, agency_kind, agency_name, kind, name, post, address FROM mail.directory()"
KNOWN = "SELECT mail.directory_open()"
_MADE_NAME = "%Y%m%dT%H%M%S"
_SYNCED_AT_ONCE = 16


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the zipapp."""
    import psycopg

    parser = argparse.ArgumentParser(prog="hanam-directory", description="Lập danh bạ công khai (systemd gọi)")
    parser.add_argument("dsn", help="kết nối cơ sở dữ liệu, vai trò mail_directory")
    parser.add_argument("site", type=Path, help="tệp cấu hình của trang (JSON)")
    parser.add_argument("folder", type=Path, help="thư mục chứa danh bạ")
    parser.add_argument("runtime", type=Path, help="thư mục mà máy xóa khi tắt")
    given = parser.parse_args(arguments)
    try:
        site = given.site.read_bytes()
        pages.DirectorySite.read(site)
    except (OSError, ValueError, TypeError) as error:
        say(3, f"cấu hình {given.site} không dùng được: {error}")
        return 2
    try:
        with psycopg.connect(given.dsn, application_name="hanam-directory", connect_timeout=10) as connection:
            rows = connection.execute(QUESTION).fetchall()
            known: int = connection.execute(KNOWN).fetchall()[0][0]
        patience.answered(given.runtime)
    except psycopg.Error as error:
        late = not isinstance(error, psycopg.OperationalError) or patience.unanswered(given.runtime) > patience.PATIENCE
        told = f"không hỏi được cơ sở dữ liệu, danh bạ cũ vẫn còn: {' '.join(str(error).split())}"
        say(3 if late else 5, told)
        return 1 if late else 0
    except OSError as error:
        say(3, f"không ghi được vào {given.folder}: {error}")
        return 1
    try:
        made = publish(rows, known, site, given.folder, datetime.now().astimezone(), version())
    except (BadDirectory, OSError) as error:
        say(3, f"không lập được danh bạ, danh bạ cũ vẫn còn: {error}")
        return 1
    if made:
        say(6, f"danh bạ mới: {len(rows)} địa chỉ")
    return 0


def version() -> str:
    """The program's own digest: a release may write other pages of the same accounts."""
    with suppress(OSError):
        return hashlib.sha256(Path(sys.argv[0]).read_bytes()).hexdigest()
    return ""


def publish(rows: Sequence[Sequence[str]], known: int, site: bytes, folder: Path, now: datetime, program: str) -> bool:
    """Make the directory in `folder` if it is another than the last one; whether it was.

    `known` is the number of mailboxes, shown or not, `site` the configuration's file. Raises BadDirectory where there
    is no mailbox though the directory had people, and OSError; the last one stays then.
    """
    with _alone(folder):
        last = _last(folder)
        if not known and last.get("number", 0):
            raise BadDirectory(f"cơ sở dữ liệu không còn hộp thư nào, lần trước có {last['number']}")
        directory = agencies(rows)
        entries = packed(directory)
        digest = hashlib.sha256(b"\0".join((entries, site, program.encode()))).hexdigest()
        state = {"digest": digest, "day": now.date().isoformat(), "number": len(rows)}
        if {name: last.get(name) for name in state} == state:
            return False
        own = [(ENTRIES, entries), (MADE, json.dumps({**state, "made": now.isoformat(timespec="seconds")}).encode())]
        _replace(folder, chain(own, content_of(directory, site, now)), now)
    return True


def content_of(directory: Sequence[DirectoryAgency], site: bytes, now: datetime) -> Iterator[tuple[str, bytes]]:
    """The files that everybody may read, by their names in a directory's folder."""
    shown = pages.DirectorySite.read(site)
    yield f"{PUBLIC}/index.html", pages.index_page(shown, directory, now).encode()
    yield f"{PUBLIC}/{pages.BUSY}.html", pages.busy_page(shown).encode()
    yield f"{PUBLIC}/{pages.MISSING}.html", pages.missing_page(shown).encode()
    for agency in directory:
        place = f"{PUBLIC}/{pages.AGENCIES}/{agency.code}"
        yield f"{place}.html", pages.agency_page(shown, agency, now).encode()
        yield f"{place}.csv", files.as_csv(agency)
        yield f"{place}.json", files.as_json(agency, now)
        yield f"{place}.vcf", files.as_vcards(agency)


def _last(folder: Path) -> Mapping[str, object]:
    """What the last directory was made of; nothing where there is none that is whole."""
    try:
        found = json.loads((folder / CURRENT / MADE).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two that make one at once would remove each other's."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(folder: Path, content: Iterable[tuple[str, bytes]], now: datetime) -> None:
    """Lay the files into a new folder and let the link lead there; the one before stays for who still reads it."""
    link = folder / CURRENT
    before = folder / link.readlink() if link.is_symlink() else None
    new = _new_folder(folder, now)
    draft = folder / f".{new.name}"
    # Not by atomic_file: a folder of files is whole when the link's rename says so, and its disk takes them together.
    try:
        for name, octets in content:
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(octets)
        # Many at once: a disk takes them together, one by one a thousand take it many seconds.
        with ThreadPoolExecutor(_SYNCED_AT_ONCE) as pool:
            list(pool.map(_sync, [*new.rglob("*"), new, folder]))
        draft.symlink_to(new.name)
        draft.rename(link)
    except BaseException:
        draft.unlink(missing_ok=True)
        shutil.rmtree(new, ignore_errors=True)
        raise
    _sync(folder)
    for place in folder.iterdir():
        if place.is_symlink():
            if place.name != CURRENT:
                place.unlink()
        elif place.is_dir() and place not in (new, before):
            shutil.rmtree(place, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _new_folder(folder: Path, now: datetime) -> Path:
    """One that is not there yet: within a second two may be made, and a clock may go back."""
    for number in count():
        path = folder / f"{now:{_MADE_NAME}}-{number}"
        with suppress(FileExistsError):
            path.mkdir(mode=0o755)
            return path
    raise AssertionError


if __name__ == "__main__":
    sys.exit(main())
