"""A sheet as plain values, whatever file it came from: rows with their number as a person sees it, and cells."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from hanam_mail.errors import Problem


@dataclass(frozen=True, slots=True)
class CellFault:
    """A cell without a usable value; `text` says why, in Vietnamese."""

    text: str


type Value = str | int | float | date | CellFault | None


@dataclass(frozen=True)
class SheetRow:
    """A row; `number` counts from 1. Merged cells all hold the value of their range, personal data among them.

    `doubt` says why the row as a whole may not be meant ("" for no reason): it is hidden, or struck through.
    """

    number: int
    cells: tuple[Value, ...] = field(repr=False)
    doubt: str = ""

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """What each cell shows, "" for nothing."""
        return tuple(map(text, self.cells))

    @cached_property
    def distinct(self) -> tuple[str, ...]:
        """The different texts of the row, from left to right: a merged cell counts once."""
        return tuple(dict.fromkeys(filter(None, self.texts)))


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet: `file` as the operator typed it, `title` of the sheet ("" for CSV), rows without the empty ones.

    `hidden_columns` are indexes from 0. A `hidden` sheet has its rows only where they are a list.
    """

    file: str
    title: str
    rows: tuple[SheetRow, ...]
    hidden_columns: frozenset[int] = frozenset()
    hidden: bool = False

    @property
    def place(self) -> str:
        """How problems name it."""
        return f"{self.file} [{self.title}]" if self.title else self.file

    def problem(self, row: int, column: str, sentence: str, clause: str = "") -> Problem:
        """A problem of a row (0: of the sheet), in the column of that heading ("" for the row as a whole)."""
        return Problem(self.place, row, column, sentence, clause)

    def strings(self) -> Iterator[str]:
        """Every text cell as it came."""
        return (value for row in self.rows for value in row.cells if isinstance(value, str))


def text(value: Value) -> str:
    """A cell as one line of text: single spaces, whole numbers without a point, dates as dd/mm/yyyy."""
    match value:
        case None | CellFault():
            return ""
        case str():
            return " ".join(value.split())
        case date():
            return f"{value:%d/%m/%Y}"
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def column_name(index: int) -> str:
    """The letters over a column, from its index: 0 -> "A", 26 -> "AA"."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
