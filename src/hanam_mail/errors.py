"""What the operator is told when input is wrong: file, line, field, the rule broken and its clause.

Texts are Vietnamese, since officials and operators read them; the attributes are for `check --json`.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a file: path as the operator typed it, line counted from 1 (0: the file as a whole)."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with the input.

    `field` is the dotted name of the field ("" when the whole entry or file is meant), `text` the broken rule,
    `clause` the clause of the regulation that demands it ("" when none does).
    """

    place: Place
    field: str
    text: str
    clause: str = ""

    def __str__(self) -> str:
        field = f" trường {self.field}:" if self.field else ""
        clause = f" ({self.clause})" if self.clause else ""
        return f"{self.place}:{field} {self.text}{clause}"

    def as_dict(self) -> dict[str, str | int]:
        """The form that `hanam-mail check --json` prints."""
        return {
            "file": self.place.file,
            "line": self.place.line,
            "field": self.field,
            "text": self.text,
            "clause": self.clause,
        }


class InputError(Exception):
    """Input was refused; `problems` holds all that is wrong with it, in the order of files and lines."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))
