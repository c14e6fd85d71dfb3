"""The table of ports: which of its rows concern a host."""

from collections.abc import Iterable, Mapping
from typing import Any

Row = Mapping[str, Any]


def of_host(table: Iterable[Row], group_names: Iterable[str]) -> list[Row]:
    """Rows whose port is open on a host of these groups.

    A row concerns a host when one of its groups (`all` is every host's) is the host's and its condition `when`,
    if it has one, holds.
    """
    member_of = {*group_names, "all"}
    return [row for row in table if row.get("when", True) and not member_of.isdisjoint(row["groups"])]
