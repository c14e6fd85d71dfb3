"""Filter `ports_of_host`: see hanam_mail.controller.ports."""

from collections.abc import Callable
from typing import Any

from hanam_mail.controller import ports


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"ports_of_host": ports.of_host}
