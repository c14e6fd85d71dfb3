"""Cells of a list as values: dates of birth, home places, sizes, names in capitals, dates of documents.

Every reader raises ValueError with a Vietnamese sentence; of dates and places, which are personal, it repeats nothing.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from hanam_mail.importing.plain_text import plain
from hanam_mail.importing.sheet import Value, text
from hanam_mail.registry.entries import PHONE_HINT, POST_HINT, sound_phone, sound_post
from hanam_mail.registry.sizes import quota_bytes
from hanam_mail.regulation import naming
from hanam_mail.regulation.naming import is_acronym
from hanam_mail.regulation.naming.grammar import NamingRules

_DAY = re.compile(r"(\d{1,2})\s*[-/. ]\s*(\d{1,2})\s*[-/. ]\s*(\d{4}|\d{2})")
_MONTH = re.compile(r"(\d{1,2})\s*[-/. ]\s*(\d{4})")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?")
_WORDS = re.compile(r"ngay (\d{1,2}) thang (\d{1,2}) nam (\d{4})")
_YEAR = re.compile(r"\d{4}")
_EXCEL_EPOCH = date(1899, 12, 30)
_EXCEL_DAYS = range(7_000, 46_000)  # 1919 to 2025
_MIN_AGE, _MAX_AGE = 15, 100  # years: beyond them a date of birth is a slip
_MAX_BARE = 100  # GB: what is more without a unit may as well be MB
_SIZE = r"(?<![\w.,])\d{1,6}(?:[.,]\d{1,2})?\s*(?:gb|gib|g|gigabyte|mb|mib|tb|tib)\b"
_NEW_SIZE = re.compile(rf"(?:lên|thành|còn|xuống|đến|tới|→|=>|->)(?: đến| tới| thành| mức| khoảng)?\s*({_SIZE})")
# What comes on top, or was: no new size by itself.
_NO_NEW_SIZE = re.compile(
    rf"\b(?:(?:thêm|tăng|nâng|giảm|bớt)(?: dung lượng)?(?: thêm)?|từ|đang|hiện (?:có|là|tại))\s*{_SIZE}"
)
_QUOTA = re.compile(r"(\d{1,6})(?:[.,](\d{1,2}))?\s*(gb|gib|g|gigabyte|mb|mib|m|tb|tib|t)?")
_NO_NAME = re.compile(r"[@;:\\|<>={}\[\]()\"?!*_#^~$%\x00-\x1f]|^[+\-]")  # also what a spreadsheet takes for a formula


@dataclass(frozen=True, slots=True)
class Birth:
    """As much of a date of birth as the list gives. Personal: used for an address (Đ5.2c), never kept."""

    year: int
    day: date | None

    @property
    def detail(self) -> str:
        """The form that the naming rules take (Đ5.2c)."""
        return f"{self.day:%d/%m/%Y}" if self.day else f"{self.year}"


def birth(value: Value, today: date) -> Birth | None:
    """A date of birth in any of the forms that lists have, None for an empty cell."""
    found = _birth(value, today)
    if found is not None and not _MIN_AGE <= today.year - found.year <= _MAX_AGE:
        raise ValueError("năm sinh không hợp lý")
    return found


def _birth(value: Value, today: date) -> Birth | None:
    if isinstance(value, date):
        return Birth(value.year, value)
    shown = text(value)
    if not shown:
        return None
    if _YEAR.fullmatch(shown):
        return Birth(int(shown), None)
    if shown.isdecimal() and int(shown) in _EXCEL_DAYS:
        serial = _EXCEL_EPOCH + timedelta(days=int(shown))
        return Birth(serial.year, serial)
    month = _MONTH.fullmatch(shown)
    if month and 1 <= int(month[1]) <= 12:
        return Birth(int(month[2]), None)
    found = day(shown, pivot=today.year - _MIN_AGE)
    return Birth(found.year, found)


def day(shown: str, *, pivot: int = 2068) -> date:
    """A date as officials write it: 5/1/1980, 05-01-80, 2026-01-05, ngày 05 tháng 01 năm 1980.

    Years of two digits are the latest that is not after `pivot`.
    """
    words = _WORDS.search(plain(shown))
    iso = _ISO.fullmatch(shown)
    found = _DAY.fullmatch(re.sub(r"^(sinh )?ngày ", "", shown.strip(), flags=re.IGNORECASE))
    if words:
        parts = (words[3], words[2], words[1])
    elif iso:
        parts = (iso[1], iso[2], iso[3])
    elif found:
        parts = (found[3], found[2], found[1])
    else:
        raise ValueError("không phải ngày: viết ngày/tháng/năm, ví dụ 05/01/1980")
    year, month, number = map(int, parts)
    if len(parts[0]) == 2:
        year += pivot - pivot % 100 if year <= pivot % 100 else pivot - pivot % 100 - 100
    try:
        return date(year, month, number)
    except ValueError:
        hint = " (viết ngày trước, tháng sau)" if month > 12 >= number else ""
        raise ValueError(f"không có ngày này trong lịch{hint}") from None


def home(shown: str) -> str:
    """The part of a home place that goes into an address: its commune, else its first part. "" for none.

    "thôn 3, xã Tiên Sơn, thị xã Duy Tiên" -> "xã Tiên Sơn".
    """
    parts = [part.strip(" .") for part in re.split(r"[,;/]| - ", shown) if part.strip(" .")]
    commune = next((part for part in parts if re.match(r"(xã|phường|thị trấn)\s", part, re.IGNORECASE)), None)
    return commune or (parts[0] if parts else "")


def post(shown: str) -> str:
    """What a person is there (Đ11.5), as the registry keeps it."""
    found = naming.normal(shown)
    if not sound_post(found):
        raise ValueError(f"chức vụ không ghi được như vậy: {POST_HINT}")
    return found


def phone(shown: str) -> str:
    """The number in a mailbox's signature, as the registry keeps it."""
    found = naming.normal(shown)
    if not sound_phone(found):
        raise ValueError(f"số điện thoại không ghi được như vậy: {PHONE_HINT}")
    return found


def quota_said(said: str) -> str:
    """The new size that a sentence states, "" for none: "từ 2GB lên 4,5 GB" -> "4,5 gb"."""
    small = naming.normal(said).casefold()
    sizes = set(re.findall(_SIZE, small))
    new = set(_NEW_SIZE.findall(small)) or sizes
    if len(new) > 1 or (new == sizes and _NO_NEW_SIZE.search(small) and not _NEW_SIZE.search(small)):
        raise ValueError(f"“{said}” không rõ dung lượng mới: ghi dung lượng sau khi thay đổi, ví dụ “lên 4GB”")
    return next(iter(new), "")


def has_size(said: str) -> bool:
    """Whether a sentence states a size."""
    return re.search(_SIZE, naming.normal(said).casefold()) is not None


def quota(shown: str, heading: str = "") -> int:
    """Octets: "4GB", "4 Gb", "4,5 GB", "4096 MB"; a bare number is in the unit that the heading has, else GB."""
    found = _QUOTA.fullmatch(shown.strip().casefold())
    units = set(re.findall(r"\b[mgt](?=i?b\b)", heading.casefold()))
    if found and not found[3] and len(units) == 1:
        found = _QUOTA.fullmatch(f"{found[0]}{units.pop()}")
    elif found and not found[3] and (units or int(found[1]) > _MAX_BARE):
        raise ValueError(f"“{shown}” không rõ MB hay GB: ghi kèm đơn vị, ví dụ 4GB hoặc 4096MB")
    if found:
        number, unit = Decimal(f"{found[1]}.{found[2] or 0}"), f"{(found[3] or 'g')[0].upper()}B"
        octets = number * quota_bytes(f"1{unit}")
        if octets and octets % quota_bytes("1MB") == 0:
            return int(octets)
    raise ValueError(f"“{shown}” không phải dung lượng: ghi số kèm MB, GB hoặc TB, ví dụ 4GB, tròn đến MB")


def office_name(shown: str, rules: NamingRules) -> str:
    """An office's name; one in capitals only becomes "Phòng Tài chính - Kế hoạch", its acronyms stay."""
    if _NO_NAME.search(shown):
        raise ValueError(f"“{shown}” có ký tự lạ, không phải tên phòng, đơn vị")
    if not shown.isupper():
        return shown
    words = shown.lower().split()
    types = sorted((word.split() for word in map(str.lower, rules.people.units)), key=len, reverse=True)
    begins = next((len(kind) for kind in types if words[: len(kind)] == kind), 1)
    marked = [
        word[:1].upper() + word[1:] if index in (0, begins) or words[index - 1] in ("-", "–") else word
        for index, word in enumerate(words)
    ]
    kept = zip(marked, shown.split(), strict=True)
    return " ".join(typed if is_acronym(typed, rules, shouted=True) else word for word, typed in kept)
