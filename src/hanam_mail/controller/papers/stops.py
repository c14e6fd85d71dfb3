"""Times in which the service stops (Đ10.5), as the operator declares them in maintenance.yml of the province.

`playbooks/maintenance.yml` announces the first of them, closes the service for it and opens it again; `refusals` says
what forbids that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
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
STEPS = ("announce", "close", "open")
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


@dataclass(frozen=True, slots=True)
class Announced:
    """What the accounts database knows of a stop's notices.

    `first`: the day of the first ones with the same begin, None when there are none; `current`: the last ones name this
    end; `waiting`: how many of them were not yet tried.
    """

    first: date | None = None
    current: bool = False
    waiting: int = 0


def load(path: Path) -> list[Stop]:
    """Read maintenance.yml. Raises InputError naming the stop and what is wrong with it."""
    return read(group_vars.read(path).get(_VARIABLE), str(path))


def read(given: object, place_of_it: str) -> list[Stop]:
    """The same of the variable's value; `place_of_it` is where it stands."""
    if not isinstance(given, list):
        raise InputError([Problem(place_of_it, 0, _VARIABLE, "phải là danh sách")])
    found: list[Stop] = []
    problems: list[Problem] = []
    for place, entry in enumerate(given, 1):
        try:
            found.append(_stop(entry))
        except ValueError as error:
            problems.append(Problem(place_of_it, 0, _VARIABLE, f"mục {place}: {error}"))
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


def refusals(stop: Stop, step: str, told: Announced, now: datetime, working_days: int, calendar: Calendar) -> list[str]:
    """What forbids a step of the stop, in Vietnamese, nothing when it may be done; `now` is in the province's time.

    A stop that lasts longer than announced is announced again; the two working days count to its begin, and so from
    the first announcement.
    """
    if step not in STEPS:
        return [f"step phải là một trong {', '.join(STEPS)}"]
    if step == "open":
        return []
    if stop.end <= now:
        return [f"lần tạm ngừng đến {stop.end:%H:%M %d/%m/%Y} đã qua: khai báo lần mới vào đầu {_VARIABLE}"]
    found = faults(replace(stop, announced=told.first or now.date()), working_days, calendar)
    if step == "announce":
        return found
    if not told.current:
        return ["chưa gửi thông báo có giờ bắt đầu, kết thúc này đến các hộp thư: chạy bước announce trước"]
    if now < stop.begin:
        found.append(f"chưa đến giờ tạm ngừng đã thông báo, {stop.begin:%H:%M %d/%m/%Y}")
    if told.waiting and not stop.emergency:
        found.append(
            f"còn {told.waiting} thư thông báo chưa gửi: chờ gửi xong (systemctl status hanam-mail-notices), "
            "hoặc ghi lý do khẩn cấp vào emergency"
        )
    return found


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


def _day(value: object) -> object:
    """Ansible gives a day as text."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _stop(entry: Any) -> Stop:
    if not isinstance(entry, Mapping) or not _FIELDS - {"emergency"} <= set(entry) <= _FIELDS:
        raise ValueError(f"phải có {', '.join(sorted(_FIELDS - {'emergency'}))}; có thể có emergency")
    begin, end = (read_time(name, entry[name]) for name in ("begin", "end"))
    announced = _day(entry["announced"])
    # Ansible's loader gives a subclass.
    if not isinstance(announced, date) or isinstance(announced, datetime):
        raise ValueError("announced phải là ngày dạng YYYY-MM-DD")
    if end <= begin:
        raise ValueError("end phải sau begin")
    texts = [entry["what"], entry["services"], entry.get("emergency", "")]
    if not all(isinstance(text, str) for text in texts) or not all(clean(text) for text in texts[:2]):
        raise ValueError("what, services phải là chữ và không được trống; emergency phải là chữ")
    return Stop(begin, end, clean(texts[0]), clean(texts[1]), announced, clean(texts[2]))
