"""Filters `moment_text`, `http_date`, `iso_time`: times of a declared stop (hanam_mail.controller.papers.stops)."""

from collections.abc import Callable
from typing import Any

from hanam_mail.controller.papers import paper, stops


def moment_text(value: str) -> str:
    """A declared time as papers have it."""
    return paper.moment_text(stops.read_time("begin, end", value))


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"moment_text": moment_text, "http_date": stops.http_date, "iso_time": stops.iso_time}
