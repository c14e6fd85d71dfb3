"""The document that a list belongs to: its number, date, agency and ground, as the lines above the list give them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from hanam_mail.importing import values
from hanam_mail.importing.agencies import Directory
from hanam_mail.importing.words import plain
from hanam_mail.model import Agency

_NUMBER = re.compile(
    r"(?:số|công văn|văn bản|tờ trình)\s*(?:số)?\s*:?\s*(\d+[A-Za-z]?\s*/\s*[\wĐđ][\wĐđ&.\-/]*)", re.IGNORECASE
)
_DATE = re.compile(
    r"ngày\s+(\d{1,2}\s*[-/.]\s*\d{1,2}\s*[-/.]\s*\d{4}|\d{1,2}\s+tháng\s+\d{1,2}\s+năm\s+\d{4})", re.IGNORECASE
)
_GROUND = re.compile(r"(?:căn cứ|theo)\s*:?\s+(.+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Stated:
    """What the lines say; None or "" for what they do not."""

    document: str = ""
    dated: date | None = None
    agency: Agency | None = None
    ground: str = ""


def read(lines: Iterable[str], directory: Directory) -> Stated:
    """What the lines above the lists say of their document; of several statements the first counts."""
    document, dated, agency, ground = "", None, None, ""
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
        if not plain(line).startswith("kinh gui"):
            agency = agency or directory.mentioned(line)
    return Stated(document, dated or letter_date, agency, ground)


def _day(line: str) -> date | None:
    found = _DATE.search(line)
    try:
        return values.day(found[1] if "/" in found[1] or "-" in found[1] else f"ngày {found[1]}") if found else None
    except ValueError:
        return None  # such as "ngày 31/02/2026": the operator gives the date
