"""Times in which the service stops (Đ10.5), as the operator declares them in maintenance.yml of the province."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hanam_mail.controller.papers.paper import clean
from hanam_mail.errors import InputError, Problem
from hanam_mail.regulation import group_vars
from hanam_mail.regulation.workdays import Calendar

_VARIABLE = "maintenance_stops"
_FORM = "%Y-%m-%d %H:%M"
_FIELDS = {"begin", "end", "what", "services", "announced", "emergency"}


@dataclass(frozen=True, slots=True)
class Stop:
    """One of them, in the province's time. `emergency`: why it has no notice in time, "" for a planned one."""

    begin: datetime
    end: datetime
    what: str
    services: str
    announced: date
    emergency: str


def load(path: Path) -> list[Stop]:
    """Read maintenance.yml. Raises InputError naming the stop and what is wrong with it."""
    given = group_vars.read(path).get(_VARIABLE)
    if not isinstance(given, list):
        raise InputError([Problem(str(path), 0, _VARIABLE, "phải là danh sách")])
    found: list[Stop] = []
    problems: list[Problem] = []
    for place, entry in enumerate(given, 1):
        try:
            found.append(_stop(entry))
        except ValueError as error:
            problems.append(Problem(str(path), 0, _VARIABLE, f"mục {place}: {error}"))
    if problems:
        raise InputError(problems)
    return found


def faults(stop: Stop, working_days: int, calendar: Calendar) -> list[str]:
    """What Đ10.5 has against the stop; an emergency, with its written reason, may do both."""
    if stop.emergency:
        return []
    said = []
    if stop.begin.date() <= calendar.deadline(stop.announced, working_days):
        said.append(
            f"ngày thông báo {stop.announced:%d/%m/%Y} không trước lúc ngừng {stop.begin:%d/%m/%Y} đủ "
            f"{working_days:02} ngày làm việc: dời lúc ngừng, hoặc ghi lý do khẩn cấp vào emergency"
        )
    if any(calendar.is_working_day(day) for day in {stop.begin.date(), stop.end.date()}):
        said.append("phải vào ngày nghỉ: dời sang ngày nghỉ, hoặc ghi lý do khẩn cấp vào emergency")
    return said


def read_time(name: str, value: object) -> datetime:
    """A time as it is declared. Raises ValueError naming the field."""
    try:
        return datetime.strptime(value if isinstance(value, str) else "", _FORM)
    except ValueError as error:
        raise ValueError(f'{name} phải có dạng "YYYY-MM-DD HH:MM", trong dấu nháy') from error


def http_date(value: str, timezone: str) -> str:
    """A declared time as HTTP's Retry-After has it (RFC 9110)."""
    return format_datetime(read_time("end", value).replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC), usegmt=True)


def iso_time(value: str, timezone: str) -> str:
    """A declared time for a program: with its distance from UTC."""
    return read_time("begin, end", value).replace(tzinfo=ZoneInfo(timezone)).isoformat()


def _stop(entry: Any) -> Stop:
    if not isinstance(entry, Mapping) or not _FIELDS - {"emergency"} <= set(entry) <= _FIELDS:
        raise ValueError(f"phải có {', '.join(sorted(_FIELDS - {'emergency'}))}; có thể có emergency")
    begin, end = (read_time(name, entry[name]) for name in ("begin", "end"))
    announced = entry["announced"]
    if type(announced) is not date:
        raise ValueError("announced phải là ngày dạng YYYY-MM-DD")
    if end <= begin:
        raise ValueError("end phải sau begin")
    texts = [entry["what"], entry["services"], entry.get("emergency", "")]
    if not all(isinstance(text, str) for text in texts) or not all(clean(text) for text in texts[:2]):
        raise ValueError("what, services phải là chữ và không được trống; emergency phải là chữ")
    return Stop(begin, end, clean(texts[0]), clean(texts[1]), announced, clean(texts[2]))
