"""An agency's part of the directory for programs: CSV (RFC 4180), JSON (RFC 8259), vCard 3.0 (RFC 2426)."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime

from hanam_mail.host.directory.entries import DirectoryAgency, DirectoryEntry

HEADINGS = ("Tên", "Chức vụ", "Địa chỉ thư điện tử", "Cơ quan")
KIND_NAMES = {"agency": "cơ quan", "office": "phòng, ban, đơn vị", "person": "cá nhân"}
_LINE_OCTETS = 75
# With these a cell is a formula to spreadsheets.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(agency: DirectoryAgency) -> bytes:
    """A table with headings; it begins with a byte order mark, without which Excel takes the accents for others."""
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    writer.writerows(
        [_cell(text) for text in (each.name, each.post, each.address, agency.name)] for each in agency.entries
    )
    return table.getvalue().encode("utf-8-sig")


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def as_json(agency: DirectoryAgency, made: datetime) -> bytes:
    """{"co_quan", "ma", "lap_luc" (RFC 3339), "hop_thu": [{"loai", "ten", "chuc_vu", "dia_chi"}]}."""
    document = {
        "co_quan": agency.name,
        "ma": agency.code,
        "lap_luc": made.isoformat(timespec="seconds"),
        "hop_thu": [
            {"loai": KIND_NAMES[each.kind], "ten": each.name, "chuc_vu": each.post, "dia_chi": each.address}
            for each in agency.entries
        ],
    }
    return f"{json.dumps(document, ensure_ascii=False, indent=1)}\n".encode()


def as_vcards(agency: DirectoryAgency) -> bytes:
    """A card for each mailbox."""
    return b"".join(as_vcard(each, agency.name) for each in agency.entries)


def as_vcard(entry: DirectoryEntry, agency: str, uid: str = "") -> bytes:
    """A mailbox's card; `uid` is by what programs know it again, "" for a card that is fetched once."""
    return b"".join(_card(entry, agency, uid))


def _card(entry: DirectoryEntry, agency: str, uid: str) -> Iterator[bytes]:
    words = entry.name.split()
    # Family name; given name; further names.
    parts = (words[0], words[-1], " ".join(words[1:-1])) if entry.kind == "person" and len(words) > 1 else (entry.name,)
    yield b"BEGIN:VCARD\r\nVERSION:3.0\r\n"
    if uid:
        yield _line(f"UID:{_value(uid)}")
    yield _line("N:" + ";".join(map(_value, (*parts, *[""] * (5 - len(parts))))))
    yield _line(f"FN:{_value(entry.name)}")
    yield _line(f"ORG:{_value(agency)}")
    if entry.post:
        yield _line(f"TITLE:{_value(entry.post)}")
    yield _line(f"EMAIL;TYPE=INTERNET,WORK:{_value(entry.address)}")
    yield b"END:VCARD\r\n"


def _value(text: str) -> str:
    for sign in ("\\", ";", ","):
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.splitlines())


def _line(text: str) -> bytes:
    """Folded: no line is longer than 75 octets, and no character is parted."""
    lines, current = [], b""
    for char in text:
        octets = char.encode()
        if len(current) + len(octets) > _LINE_OCTETS:
            lines.append(current)
            current = b" "
        current += octets
    return b"\r\n".join([*lines, current, b""])
