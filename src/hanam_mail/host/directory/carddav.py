"""Brings the address book that Radicale serves in line with the accounts database: `hanam-carddav DSN FOLDER RUNTIME`.

FOLDER is what Radicale sees as the root of its collections. One principal, the same for everybody, holds an address
book for each agency, called by the agency's id, and in it a card for each mailbox, called by the mailbox's id:

    co-quan/.Radicale.props
    co-quan/<agency>/.Radicale.props
    co-quan/<agency>/<mailbox>.vcf

Only what differs is written, so that programs fetch no more than that. Each file is whole when it gets its name, and so
is a new book; Radicale shows no name that begins with a dot. Nothing is forced to the disk: after a crash RUNTIME is
empty, and all files are compared again. With the database away the book stays as it is.
"""

import argparse
import hashlib
import json
import re
import shutil
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from hanam_mail.host.directory import files, patience
from hanam_mail.host.directory.entries import BadDirectory, DirectoryEntry
from hanam_mail.host.service import say

PRINCIPAL = "co-quan"
"""Whoever signed in is this one to Radicale (role radicale)."""
PROPS = ".Radicale.props"
MADE = "made"
"""In RUNTIME: the digest of what the books were last made of."""
QUESTION = "SELECT agency_id, agency_name, mailbox_id, kind, name, post, address FROM mail.carddav_cards()"
KNOWN = "SELECT mail.directory_open()"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_DRAFT, _GONE = ".new-", ".gone-"

type Book = Mapping[str, bytes]
"""The files of a folder by their names."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the zipapp."""
    import psycopg

    parser = argparse.ArgumentParser(prog="hanam-carddav", description="Lập danh bạ CardDAV (systemd gọi)")
    parser.add_argument("dsn", help="kết nối cơ sở dữ liệu, vai trò mail_carddav")
    parser.add_argument("folder", type=Path, help="thư mục chứa các danh bạ")
    parser.add_argument("runtime", type=Path, help="thư mục mà máy xóa khi tắt")
    given = parser.parse_args(arguments)
    try:
        try:
            with psycopg.connect(given.dsn, application_name="hanam-carddav", connect_timeout=10) as connection:
                rows = connection.execute(QUESTION).fetchall()
                known: int = connection.execute(KNOWN).fetchall()[0][0]
        except psycopg.Error as error:
            away = isinstance(error, psycopg.OperationalError)
            late = not away or patience.unanswered(given.runtime) > patience.PATIENCE
            told = f"không hỏi được cơ sở dữ liệu, danh bạ CardDAV giữ nguyên: {' '.join(str(error).split())}"
            say(3 if late else 5, told)
            return 1 if late else 0
        patience.answered(given.runtime)
        changed = bring(rows, known, given.folder, given.runtime)
    except (BadDirectory, OSError) as error:
        say(3, f"không lập được danh bạ CardDAV: {error}")
        return 1
    if changed:
        say(6, f"danh bạ CardDAV: {len(rows)} danh thiếp, đã ghi hoặc xóa {changed} tệp")
    return 0


def bring(rows: Sequence[Sequence[str]], known: int, folder: Path, runtime: Path) -> int:
    """Make the books of rows of mail.carddav_cards(); how many files were written or removed.

    `known` is the number of mailboxes, shown or not. Raises BadDirectory where there is none though there were cards,
    and OSError.
    """
    home = folder / PRINCIPAL
    if not known and any(home.glob("*/*.vcf")):
        raise BadDirectory("cơ sở dữ liệu không còn hộp thư nào; danh bạ giữ nguyên")
    wanted = books(rows)
    made = runtime / MADE
    digest = _digest(wanted)
    with suppress(FileNotFoundError):
        if made.read_text() == digest and home.is_dir():
            return 0
    home.mkdir(exist_ok=True)
    changed = _file(home / PROPS, _props("Danh bạ thư điện tử công vụ", book=False))
    for place in sorted(home.iterdir()):
        if place.is_dir() and place.name not in wanted:
            changed += _remove(place)
    for name, book in sorted(wanted.items()):
        changed += _bring_book(home / name, book)
    made.write_text(digest)
    return changed


def books(rows: Sequence[Sequence[str]]) -> dict[str, Book]:
    """The books by their names. Raises BadDirectory for an id that cannot be a file's name."""
    found: dict[str, dict[str, bytes]] = defaultdict(dict)
    for agency, agency_name, mailbox, kind, name, post, address in rows:
        for each in (agency, mailbox):
            if not _ID.fullmatch(each):
                raise BadDirectory(f"mã {each!r} không dùng làm tên tệp được")
        found[agency][PROPS] = _props(agency_name, book=True)
        found[agency][f"{mailbox}.vcf"] = files.as_vcard(
            DirectoryEntry(kind, name, post, address), agency_name, mailbox
        )
    return dict(found)


def _props(name: str, *, book: bool) -> bytes:
    tag = {"tag": "VADDRESSBOOK"} if book else {}
    return json.dumps({"D:displayname": name, **tag}, ensure_ascii=False, sort_keys=True).encode()


def _digest(wanted: Mapping[str, Book]) -> str:
    total = hashlib.sha256()
    for name, book in sorted(wanted.items()):
        for file, octets in sorted(book.items()):
            total.update(json.dumps([name, file, octets.decode()]).encode())
    return total.hexdigest()


def _bring_book(place: Path, book: Book) -> int:
    if not place.is_dir():
        # A folder without its properties would be no address book to who looks meanwhile.
        draft = place.with_name(f"{_DRAFT}{place.name}")
        draft.mkdir()
        for name, octets in book.items():
            (draft / name).write_bytes(octets)
        draft.rename(place)
        return len(book)
    changed = sum(_file(place / name, octets) for name, octets in book.items())
    for path in list(place.iterdir()):
        if path.name not in book:
            path.unlink()
            changed += 1
    return changed


def _file(path: Path, octets: bytes) -> int:
    """Write a file that holds something else; 1 if it did."""
    with suppress(FileNotFoundError):
        if path.read_bytes() == octets:
            return 0
    # Not by atomic_file, which forces each of twenty thousand to the disk (above).
    draft = path.with_name(f"{_DRAFT}{path.name}")
    draft.write_bytes(octets)
    draft.rename(path)
    return 1


def _remove(place: Path) -> int:
    """Remove a book, or what a run that was cut off has left."""
    count = sum(1 for _ in place.iterdir())
    gone = place if place.name.startswith(".") else place.rename(place.with_name(f"{_GONE}{place.name}"))
    shutil.rmtree(gone)
    return count


if __name__ == "__main__":
    sys.exit(main())
