"""What the directory shows: agencies with their mailboxes, in the order of people's lists, and how it is searched."""

import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from hanam_mail.alphabet import vietnamese

CURRENT, ENTRIES, MADE = "current", "entries.json", "made.json"
"""Names in the folder of directories: the link to the newest; what the search reads there, and when that was made."""
KINDS = {
    "department": "Sở, ban, ngành",
    "district": "Ủy ban nhân dân cấp huyện",
    "commune": "Ủy ban nhân dân cấp xã",
    "unit": "Đơn vị khác",
}
"""Kinds of agencies in the order of the index, with their headings."""
_CODE = re.compile(r"[a-z0-9]+(\.[a-z0-9]+)*")
_OWN = ("agency", "office")
_MOST_WORDS = 8
# Fewer letters are in nearly every address.
_PART_LETTERS = 3


class BadDirectory(Exception):
    """What the database told cannot be a directory; one sentence."""


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """A mailbox: `kind` is agency, office or person, `post` "" for nothing said, `address` whole."""

    kind: str
    name: str
    post: str
    address: str


@dataclass(frozen=True, slots=True)
class DirectoryAgency:
    """An agency with the mailboxes that it shows: its own and its offices', then people."""

    code: str
    kind: str
    name: str
    own: tuple[DirectoryEntry, ...]
    people: tuple[DirectoryEntry, ...]

    @property
    def entries(self) -> tuple[DirectoryEntry, ...]:
        """All of them, in the order shown."""
        return self.own + self.people


def agencies(rows: Iterable[Sequence[str]]) -> tuple[DirectoryAgency, ...]:
    """Agencies in the order of the index, of rows of mail.directory(); the rows' order makes no difference.

    People stand by their given names, as the alphabet has them. Raises BadDirectory.
    """
    found: dict[tuple[str, str, str], list[DirectoryEntry]] = defaultdict(list)
    for code, kind, agency, *entry in rows:
        if not _CODE.fullmatch(code):
            raise BadDirectory(f"mã cơ quan {code!r} không dùng làm tên tệp được")
        found[kind, agency, code].append(DirectoryEntry(*entry))
    order = list(KINDS)
    places = {kind: order.index(kind) if kind in order else len(order) for kind, _, _ in found}
    return tuple(
        DirectoryAgency(
            code,
            kind,
            agency,
            tuple(sorted((each for each in entries if each.kind in _OWN), key=_own_place)),
            tuple(sorted((each for each in entries if each.kind not in _OWN), key=_person_place)),
        )
        for (kind, agency, code), entries in sorted(
            found.items(), key=lambda item: (places[item[0][0]], vietnamese(item[0][1]), item[0][2])
        )
    )


def _own_place(entry: DirectoryEntry) -> tuple[object, ...]:
    return (_OWN.index(entry.kind), vietnamese(entry.name), entry.address)


def _person_place(entry: DirectoryEntry) -> tuple[object, ...]:
    return (vietnamese(given_name(entry.name)), vietnamese(entry.name), entry.address)


def given_name(name: str) -> str:
    """The last word of a Vietnamese name, by which people are called and listed."""
    return name.split()[-1] if name.split() else ""


def folded(text: str) -> str:
    """Small letters without accents, words parted by one space: "Đỗ Thị-Hòa" -> "do thi hoa"; @ and dots stay."""
    spread = unicodedata.normalize("NFKD", text.casefold()).replace("đ", "d").replace("ð", "d")
    bare = "".join(char for char in spread if not unicodedata.combining(char))
    return " ".join(re.findall(r"[\w.@]+", bare))


class Index:
    """All entries of a directory, to be searched by words without accents."""

    def __init__(self, directory: Iterable[DirectoryAgency]) -> None:
        self._rows = [
            (
                f" {folded(' '.join((entry.name, entry.post, entry.address, agency.name)))}",
                entry.address.partition("@")[0],
                agency,
                entry,
            )
            for agency in directory
            for entry in agency.entries
        ]

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, typed: str, most: int) -> tuple[list[tuple[DirectoryAgency, DirectoryEntry]], int]:
        """Entries in which each word typed begins a word, or is a part of what stands before the @; the first `most`,
        and how many there are.

        Those come first in which the words stand beside each other as typed.
        """
        words = [(f" {word}", word) for word in folded(typed).split()[:_MOST_WORDS]]
        if not words:
            return [], 0
        phrase = "".join(begun for begun, _ in words)
        found = self._rows
        for begun, word in words:
            if len(word) < _PART_LETTERS:
                found = [row for row in found if begun in row[0]]
            else:
                found = [row for row in found if begun in row[0] or word in row[1]]
        found = sorted(found, key=lambda row: phrase not in row[0])
        return [(agency, entry) for *_, agency, entry in found[:most]], len(found)


def packed(directory: Iterable[DirectoryAgency]) -> bytes:
    """The directory as a file for whoever searches it; the same directory gives the same octets."""
    return json.dumps([asdict(agency) for agency in directory], ensure_ascii=False, separators=(",", ":")).encode()


def unpacked(octets: bytes) -> tuple[DirectoryAgency, ...]:
    """What `packed` made. Raises ValueError, KeyError or TypeError for anything else."""
    return tuple(
        DirectoryAgency(
            **{
                **agency,
                "own": tuple(DirectoryEntry(**each) for each in agency["own"]),
                "people": tuple(DirectoryEntry(**each) for each in agency["people"]),
            }
        )
        for agency in json.loads(octets)
    )
