"""What the operator is told when input is wrong: file, line, field, the rule broken and its clause.

Texts are Vietnamese, since officials and operators read them; the attributes are for `check --json`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with the input.

    `file` is the path as the operator typed it, `line` counts from 1 (0: the file as a whole), `field` is
    the name of the field ("" when the whole entry or file is meant; "--dated" or "NAME" is what was typed on
    the command line), `text` the broken rule, `clause` the clause of the regulation that demands it ("" when
    none does).
    """

    file: str
    line: int
    field: str
    text: str
    clause: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        clause = f" ({self.clause})" if self.clause else ""
        typed = self.field.startswith("--") or self.field.isupper()
        field = f"trường {self.field}" if self.field and not typed else self.field
        parts = (place, field, self.text + clause)
        return ": ".join(part for part in parts if part)

    def as_dict(self) -> dict[str, str | int]:
        """The form that `hanam-mail check --json` prints."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value was read: file, line of its beginning, line of each of its fields."""

    file: str
    line: int
    fields: Mapping[str, int] = field(default_factory=dict)

    def problem(self, field: str, text: str, clause: str = "") -> Problem:
        """A problem of one field ("" for the whole value), placed at that field if it is there."""
        return Problem(self.file, self.fields.get(field, self.line), field, text, clause)


class InputError(Exception):
    """Input was refused; `problems` holds all that is wrong with it, in the order of files and lines."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))
