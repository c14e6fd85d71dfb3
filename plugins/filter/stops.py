"""Filters for times of a declared stop (hanam_mail.controller.papers.stops).

`moment_text`, `http_date`, `iso_time`: a time in words, for HTTP, for programs. `stop_mistakes`, `stop_refusals`: what
is wrong with a declaration, what forbids a step of the first stop that is declared (Đ10.5).
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hanam_mail.controller.papers import paper, stops
from hanam_mail.errors import InputError
from hanam_mail.regulation import group_vars, workdays

_PROJECT = Path(__file__).resolve().parents[2]
_FILE = "maintenance.yml"


def moment_text(value: str) -> str:
    """A declared time as papers have it."""
    return paper.moment_text(stops.read_time("begin, end", value))


def stop_mistakes(declared: object, step: str) -> list[str]:
    """Why the step cannot even be judged; opening needs no declaration."""
    if step not in stops.STEPS:
        return [f"cần -e step=, một trong {', '.join(stops.STEPS)}"]
    if step == "open":
        return []
    try:
        return [] if stops.read(declared, _FILE) else ["chưa khai báo lần tạm ngừng nào (maintenance_stops)"]
    except InputError as error:
        return [str(problem) for problem in error.problems]


def stop_refusals(
    declared: object, step: str, told: Mapping[str, Any], working_days: int, timezone: str, calendar: str
) -> list[str]:
    """`told` is what `hanam-mail-db maintenance show` answers; `calendar`: a file of the province."""
    try:
        stop = stops.read(declared, _FILE)[0]
        days = workdays.load(group_vars.province_folder(_PROJECT) / calendar)
    except InputError as error:
        return [str(problem) for problem in error.problems]
    first = told["announced"]
    announced = stops.Announced(date.fromisoformat(first) if first else None, told["current"], told["waiting"])
    now = datetime.now(ZoneInfo(timezone)).replace(tzinfo=None)
    return stops.refusals(stop, step, announced, now, working_days, days)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "moment_text": moment_text,
            "http_date": stops.http_date,
            "iso_time": stops.iso_time,
            "stop_mistakes": stop_mistakes,
            "stop_refusals": stop_refusals,
        }
