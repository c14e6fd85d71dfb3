"""What other programs print, line by line, and what ours print."""

import re
from collections.abc import Sequence


def rows(output: str) -> list[str]:
    """The lines of it, ended by a line feed.

    str.splitlines would end them at U+2028, U+0085 and others as well. People and strangers choose names of folders and
    addresses that have these, and what follows would count as a line of the program's own.
    """
    return output.removesuffix("\n").split("\n") if output else []


def human(octets: int) -> str:
    """A size for readers of English, as restic writes it: 1.2 GiB."""
    amount = float(octets)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError


def table(heads: Sequence[str], found: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table for people, two spaces in; what are numbers stands at the right. None without rows."""
    if not found:
        return []
    columns = list(zip(heads, *found, strict=True))
    sides = [
        (max(map(len, each)), all(re.fullmatch(r"[0-9]{1,3}(\.[0-9]{3})*", cell) for cell in each[1:]))
        for each in columns
    ]

    def line(cells: Sequence[str]) -> str:
        sized = zip(cells, sides, strict=True)
        shown = [cell.rjust(width) if is_number else cell.ljust(width) for cell, (width, is_number) in sized]
        return f"  {'  '.join(shown)}".rstrip()

    return [line(heads), *map(line, found)]
