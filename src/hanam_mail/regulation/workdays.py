"""Working days of the province's offices: public holidays, days in lieu and swapped days (Đ6.2b, Đ7.3b, Đ10.5).

The holidays are those of the pinned package `holidays`, which works offline; calendar.yml of the province adds what
it misses and names the years that somebody compared with the official documents, without a gap between them. In any
other year nothing is counted: UnconfirmedYearError says so in one sentence. A term counts from the day after the one it
starts with (Bộ luật Dân sự, Điều 147.2), in working days only, so it never ends on a day off (Điều 148.5).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import holidays

from hanam_mail.errors import InputError, Problem
from hanam_mail.regulation import group_vars

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Who compared a year's days with which documents."""

    by: str
    document: str


class UnconfirmedYearError(InputError):
    """Nothing can be counted on a day of `year`: nobody confirmed its calendar, which `file` holds."""

    def __init__(self, file: str, year: int) -> None:
        super().__init__([Problem(file, 0, "calendar_confirmed_years", _unconfirmed(year))])
        self.year = year


@dataclass(frozen=True, slots=True)
class Calendar:
    """The working days of the confirmed years.

    `days_off` maps every day off but plain weekends to its Vietnamese reason, `working_days` every day of a weekend
    that is worked to its reason. `file` is calendar.yml as the operator names it.
    """

    file: str
    confirmed: Mapping[int, Confirmation]
    days_off: Mapping[date, str]
    working_days: Mapping[date, str]
    due_soon_working_days: int

    def is_working_day(self, day: date) -> bool:
        """Whether offices work. Raises UnconfirmedYearError in a year that nobody confirmed."""
        if day.year not in self.confirmed:
            raise UnconfirmedYearError(self.file, day.year)
        if day in self.working_days:
            return True
        return day not in self.days_off and day.isoweekday() < 6

    def deadline(self, received: date, working_days: int) -> date:
        """The last day of a term of so many working days (1 or more) that starts with `received`, not counted."""
        day = received
        for _ in range(working_days):
            day = next(later for later in _days_after(day) if self.is_working_day(later))
        return day

    def working_days_between(self, first: date, last: date) -> int:
        """How many working days lie after `first`, up to and with `last`; negative when `last` is the earlier."""
        if last < first:
            return -self.working_days_between(last, first)
        days = (first + _DAY * number for number in range(1, (last - first).days + 1))
        return sum(self.is_working_day(day) for day in days)

    def special_days(self, year: int) -> dict[date, str]:
        """What differs from plain weeks in a year, in order: days off and worked weekend days with their reason."""
        days = {**self.days_off, **self.working_days}
        return {day: days[day] for day in sorted(days) if day.year == year}


def calendar_beside(registry: Path) -> Path:
    """calendar.yml of the project that the registry in the folder `registry` is part of."""
    return group_vars.province_folder(registry.resolve().parent) / "calendar.yml"


def load(path: Path, *, also: Iterable[int] = ()) -> Calendar:
    """Read calendar.yml; `also` names unconfirmed years whose days off are to be shown (`special_days`).

    Raises InputError naming the file and what is wrong with it.
    """
    values = group_vars.read(path)
    try:
        return _build(path, values, also)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            [Problem(str(path), 0, "", f"thiếu biến hoặc sai kiểu: {' '.join(str(error).split())}")]
        ) from error


def _build(path: Path, values: Mapping[str, Any], also: Iterable[int]) -> Calendar:
    confirmed = {
        int(year): Confirmation(str(entry["by"]), str(entry["document"]))
        for year, entry in values["calendar_confirmed_years"].items()
    }
    for year in confirmed:
        if year - 1 not in confirmed and year > min(confirmed):
            # The jobs on the hosts count no term that ends in the gap, and would do so in silence once it is past.
            raise UnconfirmedYearError(str(path), year - 1)
    known = holidays.country_holidays("VN", years=[*confirmed, *also], language="vi")
    days_off: dict[date, str] = dict(known)
    working_days = dict.fromkeys(known.weekend_workdays, "làm bù")
    for entry in values["calendar_extra_days_off"]:
        days_off[_date(entry["day"])] = f"{entry['reason']} ({entry['document']})"
    for entry in values["calendar_swapped_days"]:
        off, work = _date(entry["day_off"]), _date(entry["worked"])
        days_off[off] = f"nghỉ, làm bù ngày {work:%d/%m/%Y} ({entry['document']})"
        working_days[work] = f"làm bù cho ngày {off:%d/%m/%Y} ({entry['document']})"
    return Calendar(str(path), confirmed, days_off, working_days, int(values["calendar_due_soon_working_days"]))


def _date(value: object) -> date:
    if type(value) is not date:
        raise TypeError(f"“{value}” phải là ngày dạng YYYY-MM-DD")
    return value


def _days_after(day: date) -> Iterator[date]:
    while True:
        day += _DAY
        yield day


def _unconfirmed(year: int) -> str:
    return (
        f"lịch nghỉ năm {year} chưa được xác nhận nên không tính được ngày làm việc: đối chiếu với văn bản về nghỉ lễ, "
        f"tết năm {year}, bổ sung ngày còn thiếu rồi ghi năm {year} vào calendar_confirmed_years"
    )
