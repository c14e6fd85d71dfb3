"""One row under the headings as an entry: its cells by their meaning, turned into values."""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from hanam_mail.errors import Problem
from hanam_mail.importing import actions, values
from hanam_mail.importing.actions import Action
from hanam_mail.importing.agencies import reads_as_agency
from hanam_mail.importing.headings import Column, Layout
from hanam_mail.importing.lines import is_office
from hanam_mail.importing.plain_text import is_mark, plain
from hanam_mail.importing.sheet import CellFault, Sheet, SheetRow, Value, column_name
from hanam_mail.registry.model import MailboxKind
from hanam_mail.registry.requests import RequestKind
from hanam_mail.regulation import naming
from hanam_mail.regulation.naming.grammar import NamingRules
from hanam_mail.regulation.naming.text import key

_TICKS = {Column.ASK_ISSUE: Action.ISSUE, Column.ASK_CHANGE: Action.CHANGE, Column.ASK_REVOKE: Action.REVOKE}
_DATE_PARTS, _DAY_DIGITS = 3, 2
_DAYS = re.compile(r"\b(\d{1,2})\s?[/.-]\s?(\d{1,2})\s?[/.-]\s?(\d{4})\b")
# What new value each change brings. A list that gives one may mean that change.
_VALUES = ((Action.QUOTA, Column.QUOTA), (Action.RENAME, Column.NEW_NAME), (Action.TRANSFER, Column.TARGET))
_HARMLESS = (None, Column.UNUSED, Column.NOTE, Column.NUMBER)  # columns whose faulty cells spoil nothing


@dataclass(frozen=True, slots=True)
class ListPlace:
    """Where an entry stands, for problems."""

    sheet: Sheet
    row: int
    layout: Layout

    def problem(self, column: Column | None, sentence: str, clause: str = "") -> Problem:
        """A problem of this row, in the column of that meaning."""
        return self.sheet.problem(self.row, self.layout.name(column) if column else "", sentence, clause)


@dataclass(frozen=True, slots=True)
class ListEntry:
    """A row of a list. Texts are "" where the row says nothing; `birth` and `home` are personal, never kept.

    `kind` is AGENCY where the row says so; a name that is the agency's own means the agency anyway. `said` is what the
    row says of its request, for what only the registry can tell. `by_office`: what it has for its agency stands in a
    column of offices.
    """

    place: ListPlace
    ask: Action
    kind: MailboxKind
    name: str
    new_name: str = ""
    mailbox: str = ""
    agency: str = ""
    by_office: bool = False
    target: str = ""
    quota_bytes: int | None = None
    ground: str = ""
    said: str = ""
    post: str = ""
    phone: str = ""
    exact_name: bool = False
    notes: tuple[str, ...] = ()
    birth: values.Birth | None = field(default=None, repr=False)
    home: str = field(default="", repr=False)

    @property
    def details(self) -> tuple[str, ...]:
        """What tells the person from a namesake of the same agency, home place first (Đ5.2c)."""
        return (*([self.home] if self.home else []), *([self.birth.detail] if self.birth else []))


class Cells:
    """A row as it is read: what its cells hold by the meaning of their columns, worked out once."""

    def __init__(self, row: SheetRow, layout: Layout) -> None:
        self.row, self._parted = row, Column.FAMILY in layout
        self._texts: dict[Column, list[str]] = {}
        self._headings: dict[Column, dict[str, list[str]]] = {}
        self._birth: list[Value] = []
        for (index, value), shown in zip(enumerate(row.cells), row.texts, strict=True):
            column = layout.columns.get(index)
            if column is not None and shown:
                self._texts.setdefault(column, []).append(shown)
                self._headings.setdefault(column, {}).setdefault(layout.headings[index], []).append(shown)
                if column is Column.BIRTH:
                    self._birth.append(value)

    @cached_property
    def name(self) -> str:
        """The name that the row gives, from one column or several (Họ đệm, Tên)."""
        return next(iter(self.names.values()), "")

    @cached_property
    def names(self) -> dict[str, str]:
        """Each heading of names that is filled, and the name there: two where the list has "Thủ trưởng" besides."""
        found = self.headings(Column.NAME)
        parts = [self.text(column) for column in (Column.FAMILY, Column.GIVEN)] if self._parted else ["", ""]
        if not any(parts):
            return found
        if not all(parts):  # the other part has a heading that means a whole name elsewhere
            parts, found = [*parts, *found.values()], {}
        heading = next(iter(self.headings(Column.FAMILY) or self.headings(Column.GIVEN)))
        return {heading: " ".join(dict.fromkeys(filter(None, parts))), **found}

    def text(self, column: Column, joint: str = " ") -> str:
        """The texts of all columns of that meaning, each once, as one."""
        return joint.join(dict.fromkeys(self._texts.get(column, ())))

    def headings(self, column: Column) -> dict[str, str]:
        """The filled headings of that meaning, and what stands under each, over one column or several."""
        return {heading: " ".join(dict.fromkeys(under)) for heading, under in self._headings.get(column, {}).items()}

    def birth(self) -> Value:
        """One value, or day, month and year of three columns (05, 05, 1980 are not one text thrice)."""
        if len(self._birth) == 1:
            return self._birth[0]
        shown = self._texts.get(Column.BIRTH, [])
        parted = len(shown) == _DATE_PARTS and all(len(part) <= _DAY_DIGITS for part in shown[:2])
        return "/".join(shown) if parted else self.text(Column.BIRTH, joint="/")


def read(
    place: ListPlace, cells: Cells, today: date, default: Action | None, rules: NamingRules
) -> tuple[ListEntry | None, list[Problem]]:
    """The entry, as much of it as can be read, and all that is wrong with the row.

    `default` is what it asks for if it does not say.
    """
    faults = [
        place.sheet.problem(place.row, f"{place.layout.headings[index]} (cột {column_name(index)})", value.text)
        for index, value in enumerate(cells.row.cells)
        if isinstance(value, CellFault) and place.layout.columns.get(index) not in _HARMLESS
    ]
    reader = _RowReader(place, cells, today, rules)
    entry = reader.entry(default)
    # A cell that has no value is a fault already, not a missing name besides.
    fields = {problem.field for problem in faults}
    return entry, faults + [problem for problem in reader.problems if problem.field not in fields]


class _RowReader:
    """The reading of one row; what is wrong with it gathers in `problems`."""

    def __init__(self, place: ListPlace, cells: Cells, today: date, rules: NamingRules) -> None:
        self._place, self._cells, self._today, self._rules = place, cells, today, rules
        self._exact = actions.says_exact(cells.text(Column.NOTE))
        self._notes: list[str] = []
        self.problems: list[Problem] = []

    def entry(self, default: Action | None) -> ListEntry | None:
        cells = self._cells
        name = cells.name
        ask = self._asked(default)
        kind = self._kind(name)
        self._one_name()
        if not name and (ask in (Action.ISSUE, None) or not cells.text(Column.MAILBOX)):
            self.problems.append(self._place.problem(Column.NAME, "thiếu tên", "Đ5"))
        read_name = self._name(Column.NAME, name, kind)
        new_name = self._name(Column.NEW_NAME, cells.text(Column.NEW_NAME), kind)
        entry = ListEntry(
            place=self._place,
            ask=ask or Action.CHANGE,
            kind=kind,
            name=read_name,
            new_name=new_name,
            mailbox=cells.text(Column.MAILBOX),
            agency=cells.text(Column.AGENCY) or cells.text(Column.OFFICE),
            by_office=not cells.text(Column.AGENCY),
            target=cells.text(Column.TARGET),
            quota_bytes=self._quota(ask),
            ground=cells.text(Column.GROUND),
            said=f"{cells.text(Column.ASK)} ; {cells.text(Column.NOTE)}",
            birth=self._tried(Column.BIRTH, lambda: values.birth(cells.birth(), self._today)),
            home=values.home(cells.text(Column.HOME, joint=", ")),
            post=self._post() if kind is MailboxKind.PERSON else "",
            phone=self._phone() if ask is not Action.REVOKE else "",
            exact_name=self._exact,
            notes=tuple(self._notes),
        )
        return entry if ask else None

    def _post(self) -> str:
        return self._tried(Column.POST, lambda: values.post(self._cells.text(Column.POST))) or ""

    def _phone(self) -> str:
        return self._tried(Column.PHONE, lambda: values.phone(self._cells.text(Column.PHONE))) or ""

    def _tried[T](self, column: Column, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except ValueError as error:
            self.problems.append(self._place.problem(column, str(error)))
            return None

    def _name(self, column: Column, name: str, kind: MailboxKind) -> str:
        if not name or kind is MailboxKind.AGENCY:
            return name
        if kind is MailboxKind.OFFICE:
            return self._tried(column, lambda: values.office_name(name, self._rules)) or ""
        if Column.FAMILY in self._place.layout and column is Column.NAME:
            column = Column.FAMILY
        if column is Column.NAME and reads_as_agency(name):
            return name  # an agency's own mailbox: only the registry can tell
        try:
            naming.read(name)
        except naming.NamingError as error:
            self.problems.append(self._place.problem(column, str(error), "Đ5"))
            return ""
        try:
            read_name = naming.read_person(name, self._rules, exact=self._exact)
        except naming.NamingDoubt as doubt:
            sentence = f"{doubt}; đúng như giấy tờ thì ghi “đúng tên” ở cột Ghi chú"
            self.problems.append(self._place.problem(column, sentence))
            return ""
        except naming.NamingError as error:
            self.problems.append(self._place.problem(column, str(error)))
            return ""
        self._notes += read_name.notes
        return read_name.text

    def _one_name(self) -> None:
        """Refuse two names: whose the mailbox is, only a person can tell."""
        names = self._cells.names
        if len(set(map(key, names.values()))) > 1:
            named = ", ".join(f"“{heading}”" for heading in names)
            sentence = f"các cột {named} ghi tên khác nhau: chỉ giữ cột tên của người, phòng cần hộp thư"
            self.problems.append(self._place.problem(Column.NAME, sentence, "Đ5"))

    def _quota(self, ask: Action | None) -> int | None:
        cells = self._cells
        shown, heading = cells.text(Column.QUOTA), " ".join(cells.headings(Column.QUOTA))
        given = self._tried(Column.QUOTA, lambda: values.quota(shown, heading)) if shown else None
        if ask not in (Action.ISSUE, Action.QUOTA):
            return given
        said = self._tried(Column.ASK, lambda: values.quota_said(cells.text(Column.ASK)))
        stated = self._tried(Column.ASK, lambda: values.quota(said)) if said else None
        if given is not None and stated is not None and given != stated:
            sentence = (
                f"ghi “{said}” mà ở {self._place.layout.name(Column.QUOTA)} ghi “{shown}”: ghi một dung lượng mới"
            )
            self.problems.append(self._place.problem(Column.ASK, sentence))
        return stated if given is None else given

    def _kind(self, name: str) -> MailboxKind:
        said = plain(self._cells.text(Column.KIND))
        if re.search(r"\b(ca nhan|can bo|cong chuc|nguoi)\b", said):
            return MailboxKind.PERSON
        if re.search(r"\bco quan\b", said) and not re.search(r"\b(phong|ban|bo phan|don vi)\b", said):
            return MailboxKind.AGENCY
        personal = any(self._cells.text(column) for column in (Column.BIRTH, Column.HOME, Column.POST))
        offices = self._place.layout.of_offices or is_office(
            naming.written_out(name, self._rules), self._rules.people.units
        )
        if re.search(r"\b(phong|ban|bo phan|don vi)\b", said) or (offices and not personal):
            return MailboxKind.OFFICE
        return MailboxKind.PERSON

    def _asked(self, default: Action | None) -> Action | None:
        ticked = [ask for column, ask in _TICKS.items() if is_mark(self._cells.text(column))]
        shown = self._cells.text(Column.ASK)
        try:
            if len(ticked) > 1:
                raise ValueError("đánh dấu nhiều việc: mỗi việc một dòng")
            ask = self._agreed(ticked[0], shown) if ticked else actions.of_text(shown) if shown else default
            if ask is None:
                raise ValueError(f"không rõ đề nghị việc gì: ghi một trong {', '.join(actions.WORDS.values())}")
            ask = self._change() if ask is Action.CHANGE else ask
            if ask is Action.REVOKE and _has_later_day(shown, self._today):
                raise ValueError(f"“{shown}”: chưa đến ngày; từ ngày đó mới đưa vào danh sách, vì thu hồi là vĩnh viễn")
            self._nothing_else(ask)
            return ask
        except ValueError as error:
            known: Sequence[Column] = (Column.ASK, *_TICKS)
            column = next((column for column in known if column in self._place.layout), None)
            self.problems.append(self._place.problem(column, str(error), "Đ6.2a"))
            return None

    def _agreed(self, ticked: Action, shown: str) -> Action:
        """What the tick asks for, where the text beside it names nothing else."""
        try:
            said = actions.of_text(shown) if shown else ticked
        except actions.UnknownAction:
            return ticked
        if said.kind is not ticked.kind or (said is not ticked and Action.CHANGE not in (said, ticked)):
            words = actions.WORDS
            raise ValueError(f"đánh dấu “{words[ticked]}” mà ghi “{shown}”: mỗi dòng một việc, ghi hoặc đánh dấu một")
        return ticked if said is Action.CHANGE else said

    def _nothing_else(self, ask: Action) -> None:
        """Refuse what the row says against its request, and new values of another one."""
        cells, layout, word = self._cells, self._place.layout, actions.WORDS[ask].lower()
        if ask in (Action.RENAME, Action.TRANSFER) and values.has_size(cells.text(Column.ASK)):
            raise ValueError("ghi cả dung lượng: mỗi việc một dòng")
        for column in (Column.ASK, Column.NOTE, Column.GROUND):
            if actions.denied_by(cells.text(column), ask):
                sentence = f"nói khác với đề nghị {word}: vẫn đề nghị thì bỏ câu ấy, không thì xóa dòng"
                self.problems.append(self._place.problem(column, sentence, "Đ6.2a"))
        stays = "không thay đổi" if ask.kind is RequestKind.CHANGE else f"vẫn đề nghị {word}"
        for change, column in _VALUES:
            shown = cells.text(column)
            wanted = change is ask or (ask, change) == (Action.ISSUE, Action.QUOTA)
            if shown and not wanted and not self._is_no_value(ask, column, shown):
                sentence = (
                    f"đề nghị {word} mà có ghi {layout.name(column)}: mỗi việc một dòng; {stays} thì để trống ô này"
                )
                self.problems.append(self._place.problem(column, sentence, "Đ6.2a"))

    def _is_no_value(self, ask: Action, column: Column, shown: str) -> bool:
        """Whether what stands in a column of new values is none: the old name, where the person is or leaves to."""
        cells = self._cells
        if column is Column.NEW_NAME:
            return plain(shown) == plain(cells.name)
        if column is Column.TARGET and ask is Action.ISSUE:
            return plain(shown) in (plain(cells.text(Column.AGENCY)), plain(cells.text(Column.OFFICE)))
        # Who leaves the province is revoked, who goes to another agency of it keeps the mailbox: planning knows them.
        if column is Column.TARGET and ask is Action.REVOKE:
            _, named, province = plain(shown).partition(" tinh ")
            own = plain(self._rules.province).removeprefix("tinh ")
            return not reads_as_agency(shown) or (named != "" and not province.startswith(own))
        return False

    def _change(self) -> Action:
        """What a row that only says "Thay đổi" wants changed: whatever new value it gives."""
        found = [change for change, column in _VALUES if self._cells.text(column)]
        if not found:
            raise ValueError(
                "không rõ thay đổi gì: ghi Thay đổi dung lượng, Đổi tên hoặc Chuyển cơ quan, và giá trị mới ở cột "
                "Dung lượng, Họ và tên mới hoặc Cơ quan mới"
            )
        if len(found) > 1:
            raise ValueError("thay đổi nhiều thứ: mỗi việc một dòng")
        return found[0]


def _has_later_day(text: str, today: date) -> bool:
    """Whether the text names a day that has not come."""
    days: list[date] = []
    for found in _DAYS.findall(text):
        with suppress(ValueError):
            days.append(date(*map(int, reversed(found))))
    return any(day > today for day in days)
