"""Filter `calendar_days`: special days of a calendar file, for the database (hanam_mail.regulation.workdays)."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from hanam_mail.regulation import group_vars, workdays

_PROJECT = Path(__file__).resolve().parents[2]


def calendar_days(name: str, also: Iterable[int] = ()) -> dict[str, list[str]]:
    """Days off and worked weekend days of the confirmed years; `name` is a file of the province.

    `also` are years that nobody confirmed and that count all the same, with the package's days off: for the lab alone.
    """
    assumed = list(also)
    calendar = workdays.load(group_vars.province_folder(_PROJECT) / name, also=assumed)
    off = {day for day in calendar.days_off if day not in calendar.working_days}
    return {
        "off": sorted(day.isoformat() for day in off),
        "years": sorted(str(year) for year in {*calendar.confirmed, *assumed}),
        "worked": sorted(day.isoformat() for day in calendar.working_days),
    }


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"calendar_days": calendar_days}
