"""Filters of what is judged before a playbook changes anything: see hanam_mail.controller.preflight."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from hanam_mail.controller import preflight
from hanam_mail.regulation import group_vars

_PROJECT = Path(__file__).resolve().parents[2]


def problems(variables: Mapping[str, Any], host: str, groups: Mapping[str, Iterable[str]]) -> list[str]:
    """What is wrong, the project's own files of numbers at hand."""
    return preflight.problems(variables, host, groups, group_vars.province_folder(_PROJECT))


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"preflight_problems": problems, "published_key_problems": preflight.published_keys}
