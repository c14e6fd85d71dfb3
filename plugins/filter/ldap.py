"""Filter `slapd_peers`: see hanam_mail.controller.ldap_access."""

from collections.abc import Callable
from typing import Any

from hanam_mail.controller import ldap_access


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"slapd_peers": ldap_access.peers}
