"""Where the rows of a list end: totals, notes and signatures told from entries that stand between or below them.

A row that looks like an entry is never passed over: a signature has names, an entry has what its columns ask for too.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from hanam_mail.importing import actions, headings, lines
from hanam_mail.importing.headings import Column, Layout
from hanam_mail.importing.plain_text import is_mark, plain
from hanam_mail.importing.rows import Cells
from hanam_mail.importing.sheet import SheetRow
from hanam_mail.regulation.naming.grammar import NamingRules

_NUMBER = re.compile(r"[0-9]{1,4}[a-zđ]?[.)]?")
_CAPITALISED = re.compile(r"([^\W\d_][^\W\d_'’]*[ -]?){2,7}")
# Signatures and days may be what an entry has in these: a post "Giám đốc", a note "Xác nhận của sở".
_NATURAL = frozenset((Column.POST, Column.BIRTH, Column.NOTE, Column.GROUND))
_TICKS = frozenset((Column.ASK_ISSUE, Column.ASK_CHANGE, Column.ASK_REVOKE))
_SIGNED_ROWS = 40
_TITLE_WORDS = re.compile(r"(danh sach|phu luc|bang|bieu|nhom|cac|khoi)\b")


class Ending:
    """What may stand under the rows of one list, by its columns; `rules` know posts and offices."""

    def __init__(self, layout: Layout, rules: NamingRules) -> None:
        self._layout, self._people = layout, rules.people
        names = " ".join(plain(layout.headings[index]) for index in layout.indexes(Column.NAME))
        told = Column.KIND in layout or re.search(r"\b(phong|ban|don vi|bo phan)\b", names) is not None
        self._of_offices = layout.of_offices or told
        self._fits: dict[Column, Callable[[str], bool]] = {
            Column.ASK: _is_ask,
            Column.MAILBOX: lambda shown: re.fullmatch(r"[a-z0-9]+([.\-_][a-z0-9]+)*(@\S+)?", shown) is not None,
            Column.BIRTH: lambda shown: re.search(r"[0-9]{4}|[0-9][-/.][0-9]", shown) is not None,
            Column.QUOTA: lambda shown: re.fullmatch(r"[0-9.,]+ ?[gmt]b?", shown.casefold()) is not None,
            Column.HOME: lambda shown: (
                re.match(r"(xã|phường|thị trấn|thôn|tp\.?|huyện)\s", shown.casefold()) is not None
            ),
            Column.POST: self._is_post,
            Column.OFFICE: self._is_office,
            Column.AGENCY: self._is_office,
            Column.KIND: lambda shown: plain(shown).startswith(("ca nhan", "phong", "co quan", "don vi")),
        }

    def opens(self, row: SheetRow, below: Sequence[SheetRow]) -> bool:
        """Whether the row begins the ending; `below` are the rows under it."""
        name = Cells(row, self._layout).name
        if name:
            return lines.is_footer(name)
        footers = [index for index, shown in enumerate(row.texts) if lines.is_footer(shown)]
        if not footers or not all(map(self._is_natural, footers, [row.texts[index] for index in footers])):
            return bool(footers)
        # A forgotten name beside the post "Giám đốc", or a signature: what follows tells.
        if self._fit(row, Column.MAILBOX) or self._fit(row, Column.ASK):
            return False
        capitals = all(row.texts[index].isupper() for index in footers)
        followers = list(self._of_list(below))
        if any(self.is_entry(follower, self._number(follower), signed=capitals) for follower in followers):
            return False
        return capitals or bool(followers)

    def _is_natural(self, index: int, shown: str) -> bool:
        column = self._layout.columns.get(index)
        return column in _NATURAL and (column is Column.BIRTH or not lines.is_day(shown))

    def _of_list(self, below: Sequence[SheetRow]) -> Iterator[SheetRow]:
        """The rows up to the next list of the sheet, as many as signatures may have."""
        for row in below[:_SIGNED_ROWS]:
            if headings.find([row], again=True) or any(map(actions.of_title, row.distinct[:2])):
                return
            yield row

    def _number(self, row: SheetRow) -> str:
        indexes = self._layout.indexes(Column.NUMBER)
        return next((row.texts[index] for index in indexes if index < len(row.texts) and row.texts[index]), "")

    def signs(self, row: SheetRow) -> bool:
        """Whether the row shows that signatures have begun."""
        return any(
            (lines.is_footer(shown) and not lines.is_remark(shown))
            or (shown.isupper() and self._begins_with_post(shown))
            for shown in row.texts
        ) or self._heads_signature(Cells(row, self._layout).name)

    def is_entry(self, row: SheetRow, number: str, *, signed: bool) -> bool:
        """Whether a row of the ending is an entry; `number` is what it has in the column of numbers.

        `signed`: names alone may be signatures.
        """
        name = Cells(row, self._layout).name
        if not name:
            return self._fit(row, Column.MAILBOX) or self._fit(row, Column.ASK)
        if lines.is_footer(name) or actions.of_title(name) is not None:
            return False
        held = set(self._held(row))
        if self._begins_with_post(name) and held <= {Column.POST, Column.OFFICE, Column.AGENCY}:
            return False  # "Kế toán | Giám đốc" over their signatures
        alone = not signed and _reads_as_name(name) and not self._heads_signature(name)
        return bool(held) or _NUMBER.fullmatch(number) is not None or alone

    def _heads_signature(self, name: str) -> bool:
        """Whether what stands alone in the column of names can only be who signs: "UBND XÃ", "Phòng Nội vụ".

        In a list of offices an office may be an entry; names of people may be in capitals too.
        """
        if not name or lines.is_footer(name):
            return False
        if self._begins_with_post(name):
            return True
        if lines.is_office(name, self._people.units):
            return name.isupper() or not self._of_offices
        first = name.split()[0].casefold()
        return name.isupper() and first not in {family.casefold() for family in self._people.families}

    def _fit(self, row: SheetRow, column: Column) -> bool:
        return column in self._held(row)

    def _held(self, row: SheetRow) -> Iterator[Column]:
        """The columns whose cells hold what they ask for."""
        for index, shown in enumerate(row.texts):
            column = self._layout.columns.get(index)
            # One text in several cells is merged like a title.
            if column is not None and shown and row.texts.count(shown) == 1 and self._holds(column, shown):
                yield column

    def _holds(self, column: Column, shown: str) -> bool:
        if column in _TICKS:
            return is_mark(shown) and not shown.isdigit()
        fits = self._fits.get(column)
        return fits is not None and fits(shown)

    def _is_post(self, shown: str) -> bool:
        return self._begins_with_post(shown) and not (shown.isupper() and lines.is_footer(shown))

    def _begins_with_post(self, shown: str) -> bool:
        words = shown.casefold()
        return any(re.match(rf"{re.escape(role.casefold())}\b", words) for role in self._people.roles)

    def _is_office(self, shown: str) -> bool:
        return lines.is_office(shown, self._people.units) and not shown.isupper() and not lines.is_footer(shown)


def _is_ask(shown: str) -> bool:
    if lines.is_footer(shown) or re.search(r"[0-9:]", shown):
        return False
    # "Trần Văn Mới" signs, "Thu Hồi Hộp Thư" asks.
    if _reads_as_name(shown) and len(shown.split()) > 2 and actions.of_title(shown) is None:
        return False
    try:
        actions.of_text(shown)
    except ValueError:
        return False
    return True


def _reads_as_name(shown: str) -> bool:
    """Whether it may be a person's or an office's name: words of letters, the first ones with capitals."""
    words = shown.split()
    if _CAPITALISED.fullmatch(shown) is None or _TITLE_WORDS.match(plain(shown)):
        return False
    return all(word[0].isupper() for word in words[:2])
