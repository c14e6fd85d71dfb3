"""Filter `preflight_problems`: see hanam_mail.preflight."""

from collections.abc import Callable
from typing import Any

from hanam_mail import preflight


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"preflight_problems": preflight.problems}
