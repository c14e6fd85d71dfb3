"""What an administrative document holds (Nghị định 30/2020/NĐ-CP, Phụ lục I), as data: page.py draws any of them.

The site's part (papers.yml of the province) is an `Office`. What people typed comes in through `clean`.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from hanam_mail.errors import InputError, Problem
from hanam_mail.regulation import group_vars

NATION = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
MOTTO = "Độc lập - Tự do - Hạnh phúc"
_TEXTS = ("papers_superior", "papers_issuer", "papers_place", "papers_symbol", "papers_section", "papers_archive")
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: for whom (KT. GIÁM ĐỐC), as what (PHÓ GIÁM ĐỐC), and his name; "" for what is written by hand."""

    authority: str
    position: str
    name: str


@dataclass(frozen=True, slots=True)
class Office:
    """The body that issues papers."""

    superior: str
    issuer: str
    place: str
    symbol: str
    section: str
    archive: str
    signers: Mapping[str, Signer]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; widths are shares of the line."""

    headings: Sequence[str]
    widths: Sequence[int]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Paper:
    """One document. `kind` is its name in capitals, "" for a letter (công văn), whose `title` says "V/v ...".

    `number` is the whole number and symbol where it is known, else `symbol` stands behind a blank; `day` None is a date
    to be written by hand. `to` are those addressed, `receivers` those of "Nơi nhận". Who signs: the last stands right.
    """

    kind: str
    title: str
    symbol: str
    to: Sequence[str]
    body: Sequence[str | Table]
    receivers: Sequence[str]
    signers: Sequence[Signer]
    number: str = ""
    day: date | None = None


def day_text(day: date) -> str:
    """A date as papers have it: days below 10, and months 1 and 2, with a zero before them."""
    month = f"{day.month:02}" if day.month < 3 else str(day.month)
    return f"ngày {day.day:02} tháng {month} năm {day.year}"


def moment_text(time: datetime) -> str:
    """A time of a day as papers have it."""
    return f"{time:%H giờ %M} {day_text(time.date())}"


def number_text(paper: Paper) -> str:
    """Number and symbol; the number below 10 has a zero before it."""
    number, sign, rest = paper.number.partition("/")
    if number.isdecimal():
        number = f"{int(number):02}"
    return f"Số: {number}{sign}{rest}" if paper.number else f"Số:          /{paper.symbol}"


def place_text(office: Office, paper: Paper) -> str:
    """Place and date."""
    day = day_text(paper.day) if paper.day else "ngày      tháng      năm          "
    return f"{office.place}, {day}"


def clean(text: str) -> str:
    """A text on one line without signs that are not seen or turn the line around, in composed letters."""
    line = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in unicodedata.normalize("NFC", text))
    return " ".join(line.split())


def load(path: Path) -> Office:
    """Read papers.yml. Raises InputError naming every variable that is missing or no text."""
    values = group_vars.read(path)
    problems: list[Problem] = []

    def line(name: str, value: Any, *, may_be_empty: bool = False) -> str:
        text = clean(value) if isinstance(value, str) else ""
        if not isinstance(value, str) or not (text or may_be_empty) or len(text) > _LONGEST:
            wanted = f"phải là chữ trên một dòng, dài nhất {_LONGEST} ký tự"
            problems.append(Problem(str(path), 0, name, wanted))
        return text

    texts = {name.removeprefix("papers_"): line(name, values.get(name)) for name in _TEXTS}
    signers = {}
    given = values.get("papers_signers")
    for key in ("letter", "notice", "handover"):
        of_one = given.get(key) if isinstance(given, dict) else None
        fields = of_one if isinstance(of_one, dict) else {}
        signers[key] = Signer(
            *(
                line(f"papers_signers.{key}.{name}", fields.get(name), may_be_empty=name != "position")
                for name in ("authority", "position", "name")
            )
        )
    if problems:
        raise InputError(problems)
    return Office(**texts, signers=signers)
