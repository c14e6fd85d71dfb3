"""Filters for times of a declared stop (hanam_mail.controller.papers.stops).

`moment_text`, `http_date`, `iso_time`: a time in words, for HTTP, for programs. `stop_refusals`: what forbids a step of
the first stop that is declared (Đ10.5).
"""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hanam_mail.controller.papers import paper, stops
from hanam_mail.errors import InputError
from hanam_mail.regulation import group_vars, workdays

_PROJECT = Path(__file__).resolve().parents[2]


def moment_text(value: str) -> str:
    """A declared time as papers have it."""
    return paper.moment_text(stops.read_time("begin, end", value))


def stop_refusals(declared: object, step: str, told: str, working_days: int, timezone: str, calendar: str) -> list[str]:
    """Faults of the declaration too. `told`: the day of the notices or ""; `calendar`: a file of the province."""
    try:
        found = stops.read(declared, "maintenance.yml")
        if not found:
            return ["chưa khai báo lần tạm ngừng nào (maintenance_stops)"]
        now = datetime.now(ZoneInfo(timezone)).replace(tzinfo=None)
        days = workdays.load(group_vars.province_folder(_PROJECT) / calendar)
        return stops.refusals(found[0], step, date.fromisoformat(told) if told else None, now, working_days, days)
    except InputError as error:
        return [str(problem) for problem in error.problems]


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "moment_text": moment_text,
            "http_date": stops.http_date,
            "iso_time": stops.iso_time,
            "stop_refusals": stop_refusals,
        }
