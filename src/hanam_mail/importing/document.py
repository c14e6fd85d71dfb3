"""The document that a list belongs to: its number, date, agency and ground, as the lines above the list give them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from hanam_mail.importing import values
from hanam_mail.importing.agencies import Directory, reads_as_agency
from hanam_mail.importing.plain_text import plain
from hanam_mail.registry.model import Agency

_NUMBER = re.compile(
    r"(?:số|công văn|văn bản|tờ trình)\s*(?:số)?\s*:?\s*(\d+[A-Za-z]?\s*/\s*[\wĐđ][\wĐđ&.\-/]*)", re.IGNORECASE
)
_DATE = re.compile(
    r"ngày\s+(\d{1,2}\s*[-/.]\s*\d{1,2}\s*[-/.]\s*\d{4}|\d{1,2}\s+tháng\s+\d{1,2}\s+năm\s+\d{4})", re.IGNORECASE
)
_GROUND = re.compile(r"(?:căn cứ|theo)\s*:?\s+(.+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Document:
    """The request that the list belongs to (Đ6.2a), and the reply to it (Đ6.2b), "" if it is given elsewhere;
    `reply_later`: the rows are granted, the number of the reply follows.

    `request` is its number if it is registered already: then the other fields of the request do not count.
    `agency` is the code of the agency that sent it.
    """

    agency: str
    document: str = ""
    dated: date | None = None
    received: date | None = None
    ground: str = ""
    request: str = ""
    reply: str = ""
    replied: date | None = None
    reply_later: bool = False


@dataclass(frozen=True, slots=True)
class Stated:
    """What the lines say; None or "" for what they do not. `unit` is a part of `agency` that the letterhead names,
    `unknown` an agency there that the registry has not: then there is no `agency`."""

    document: str = ""
    dated: date | None = None
    agency: Agency | None = None
    ground: str = ""
    unit: str = ""
    unknown: str = ""


_OFFICE_OF_AGENCY = re.compile(r"(phong|van phong|thanh tra|ban|bo phan|to|doi)\b.*")
_BELOW_LETTERHEAD = re.compile(r"(danh sach|bang|bieu|phu luc|kem theo|co quan gui|van ban so|can cu)\b.*")


def letterhead(head: Iterable[str], directory: Directory) -> tuple[Agency | None, str, str]:
    """Whose list it is by its letterhead: the last agency named there, a unit below it that is no agency, or else the
    agency that nobody knows or that may be several.

    A letterhead has the superior agency in the first line and the unit that writes in the second.
    """
    agency, unit, unknown = None, "", ""
    for text in head:
        if _BELOW_LETTERHEAD.match(plain(text)):
            break
        try:
            found = directory.find(text)
        except ValueError:
            found = None
        if found is not None:
            agency, unit, unknown = found, "", ""
        elif reads_as_agency(text) and not _DATE.search(text):  # "Thành phố Phủ Lý, ngày 3 tháng 6 năm 2026"
            agency, unit, unknown = None, "", text
        elif agency is not None and directory.is_office(text):
            unit = text
    return agency, unit, unknown


def belongs_to_agency(unit: str) -> bool:
    """Whether a unit can only be a part of its agency, whose people are the agency's."""
    return _OFFICE_OF_AGENCY.fullmatch(plain(unit)) is not None


def read(lines: Iterable[str], directory: Directory, head: Iterable[str] = ()) -> Stated:
    """What the lines above the lists say of their document; of several statements the first counts.

    `head` are the same texts cell by cell: the letterhead there says whose document it is before any line does.
    """
    document, dated, ground = "", None, ""
    agency, unit, unknown = letterhead(head, directory)
    letter_date: date | None = None
    for line in lines:
        reason = _GROUND.match(line)
        if reason:
            ground = ground or reason[1].strip(" .;")
            continue
        number = _NUMBER.search(line)
        day = _day(line)
        if number and not document:
            document, dated = re.sub(r"\s+", "", number[1]).rstrip(".,;)"), day
        letter_date = letter_date or day
        if not unknown and not plain(line).startswith("kinh gui"):
            agency = agency or directory.mentioned(line)
    return Stated(document, dated or letter_date, agency, ground, unit, unknown)


def _day(line: str) -> date | None:
    found = _DATE.search(line)
    try:
        return values.day(found[1] if "/" in found[1] or "-" in found[1] else f"ngày {found[1]}") if found else None
    except ValueError:
        return None  # such as "ngày 31/02/2026": the operator gives the date
