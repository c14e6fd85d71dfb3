"""The lists in the sheets as entries: headings found, titles and signatures told from rows, all bad rows at once.

What depends on the registry (who has a mailbox already) is judged in planning.py.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from hanam_mail.errors import Problem
from hanam_mail.importing import actions, denials, headings, lines, rows, titles
from hanam_mail.importing.actions import Action
from hanam_mail.importing.endings import Ending
from hanam_mail.importing.headings import Column, Layout
from hanam_mail.importing.plain_text import plain
from hanam_mail.importing.rows import ListEntry, ListPlace
from hanam_mail.importing.sheet import CellFault, Sheet, SheetRow, column_name
from hanam_mail.regulation.naming.grammar import NamingRules

# Titles of sheets that are no lists; those of the template are passed over without a remark.
_INSTRUCTIONS = re.compile(
    r"(huong dan|ghi chu|chu thich)( .*)?|"
    r"danh muc( (cac )?(co quan|don vi|phong|chuc (vu|danh)|xa|huyen|dia danh|tra cuu|dung chung|ma)( .*)?)?"
)
_OF_TEMPLATE = frozenset(("huong dan", "danh muc"))
_HARMLESS = (None, Column.NUMBER, Column.POST, Column.UNUSED)  # columns that decide nothing
_MAX_PREFACE_ROWS = 60


@dataclass(slots=True)
class ListContents:
    """What the sheets hold: entries, problems of rows, the lines above the lists, remarks for the operator.

    `spoiled` are entries of rows with problems, `head` the different texts above the lists, cell by cell.
    """

    entries: list[ListEntry] = field(default_factory=list)
    spoiled: list[ListEntry] = field(default_factory=list)
    head: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    preface: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read(sheets: Sequence[Sheet], today: date, rules: NamingRules, default: Action | None = None) -> ListContents:
    """All entries of all sheets that hold a list.

    `default` is what rows ask for that do not say; `today` judges dates of birth, `rules` names.
    """
    found = ListContents()
    sheets, hidden = [sheet for sheet in sheets if not sheet.hidden], [sheet for sheet in sheets if sheet.hidden]
    for sheet in hidden:
        if sheet.rows:
            sentence = (
                "trang tính đang ẩn mà có danh sách: hiện trang lên nếu cần, hoặc xóa, hoặc chọn trang bằng --sheet"
            )
            found.problems.append(sheet.problem(0, "", sentence))
        else:
            found.notes.append(f"{sheet.place}: bỏ qua trang tính đang ẩn")
    others = [sheet for sheet in sheets if not _Reader(sheet, today, rules, default, found).read()]
    if len(others) == len(sheets):
        file = sheets[0].file if sheets else ""
        sentence = "không thấy dòng tiêu đề của danh sách (cần cột Họ và tên hoặc Tên phòng, và ít nhất một cột nữa)"
        found.problems.append(Problem(file, 0, "", sentence, "Đ11.4"))
        return found
    for sheet in others:
        if not _INSTRUCTIONS.fullmatch(plain(sheet.title)):
            sentence = (
                "trang tính có dữ liệu mà không thấy tiêu đề danh sách: xóa trang này, hoặc chọn trang bằng --sheet"
            )
            found.problems.append(sheet.problem(0, "", sentence))
        elif plain(sheet.title) not in _OF_TEMPLATE:
            found.notes.append(f"{sheet.place}: bỏ qua trang tính không có danh sách")
    if not found.entries and not found.problems:
        found.problems.append(sheets[0].problem(0, "", "danh sách không có dòng nào", "Đ11.4"))
    return found


class _Reader:
    """The passage through one sheet: which headings are in force, what the last title asked for, signatures."""

    def __init__(
        self, sheet: Sheet, today: date, rules: NamingRules, default: Action | None, found: ListContents
    ) -> None:
        self._sheet, self._today, self._rules, self._found = sheet, today, rules, found
        self._layout: Layout | None = None
        self._ask = actions.of_title(sheet.title) or default
        if default is not None and denials.denies(sheet.title, default):
            self._ask = None  # a sheet "Giữ lại" is no part of what the operator said to revoke
        self._unclear: tuple[int, str] | None = None  # the section that left its rows to say what they ask for
        self._passed_over = ""  # the line above the list that speaks of a revocation and is no title of it
        self._ended = self._signed = False  # below the list, below its signatures
        self._count = 0

    def read(self) -> bool:
        """Read all rows into what was found; whether there was a list."""
        preface: list[str] = []
        head: list[str] = []
        for index, row in enumerate(self._sheet.rows):
            if self._layout is None and index >= _MAX_PREFACE_ROWS:
                return False
            if self._layout is not None and row.number <= self._layout.last_row:
                continue
            layout = headings.find(self._sheet.rows[index : index + 3], again=self._layout is not None)
            if layout is not None:
                self._begin(layout, self._sheet.rows[index + 1 :], preface if self._layout is None else ())
            elif self._layout is None:
                preface.append(" ".join(row.distinct))
                head += row.distinct
            else:
                self._row(row, self._layout, self._sheet.rows[index + 1 :])
        self._found.preface.extend(preface if self._layout else [])
        self._found.head.extend(head if self._layout else [])
        return self._layout is not None

    def _begin(self, layout: Layout, below: Sequence[SheetRow], above: Sequence[str]) -> None:
        self._ask = titles.above(above, self._ask)
        self._passed_over = "" if self._ask else titles.passed_over(above)
        self._layout, self._ending, self._count = layout, Ending(layout, self._rules), 0
        self._ended = self._signed = False
        if headings.of_answerable(layout):
            sentence = (
                "không rõ hộp thư là của đơn vị hay của người phụ trách: thêm cột Loại hộp thư, hoặc ghi tên cần hộp "
                "thư ở cột Họ và tên / Tên phòng, đơn vị"
            )
            self._found.problems.append(
                self._sheet.problem(layout.last_row, layout.name(Column.NAME), sentence, "Đ6.2a")
            )
        for index, heading in layout.headings.items():
            used = any(index < len(row.cells) and row.cells[index] is not None for row in below)
            column = f"{heading} (cột {column_name(index)})"
            if index in self._sheet.hidden_columns and used and layout.columns.get(index) not in _HARMLESS:
                sentence = "cột đang ẩn mà có dữ liệu: hiện cột lên nếu cần, hoặc xóa"
                self._found.problems.append(self._sheet.problem(layout.last_row, column, sentence))
            if layout.columns.get(index, Column.UNUSED) is Column.UNUSED and used:
                self._note(f"không dùng cột “{heading}” (cột {column_name(index)})")

    def _note(self, text: str) -> None:
        note = f"{self._sheet.place}: {text}"
        if note not in self._found.notes:
            self._found.notes.append(note)

    def _title(self, line: str) -> None:
        self._ask = titles.below(line, self._ask, self._rules.people.units)

    def _row(self, row: SheetRow, layout: Layout, below: Sequence[SheetRow]) -> None:
        texts = row.texts
        of_number = layout.indexes(Column.NUMBER)
        number = next((texts[index] for index in of_number if index < len(texts) and texts[index]), "")
        rest = list(dict.fromkeys(shown for index, shown in enumerate(texts) if shown and index not in of_number))
        line = " ".join(dict.fromkeys(filter(None, [number, *rest])))
        counted = re.fullmatch(r"\d+[.)]?", number) is not None
        faulty = any(
            isinstance(value, CellFault) and layout.columns.get(index) not in _HARMLESS
            for index, value in enumerate(row.cells)
        )
        cells, units = rows.Cells(row, layout), self._rules.people.units
        name = cells.name
        if plain(number) == lines.EXAMPLE or (headings.is_index_row(row) and not self._count):
            return
        if self._ended:
            self._below(row, line, is_entry=self._ending.is_entry(row, number, signed=self._signed))
        elif not counted and self._ending.opens(row, below):
            self._ended, self._signed = True, self._ending.signs(row)
            self._check_total(row, " ".join(rest or [number]))
            if not below and not name and self._signed and not lines.is_day(line):
                self._note(f"dòng {row.number} “{line}” được coi là phần ký, không phải một người")
        elif not counted and not faulty and lines.is_section(row, number, rest, units):
            self._title(line)
            self._unclear = (row.number, line) if self._ask is None else None
        elif rest or faulty:
            may_be_group = lines.is_office(name, units) or lines.is_lettered(number)
            self._entry(cells, layout, group=not counted and bool(of_number) and rest == [name] and may_be_group)

    def _below(self, row: SheetRow, line: str, *, is_entry: bool) -> None:
        if is_entry:
            sentence = "dòng nằm sau dòng tổng hoặc phần ký: đưa lên trên, hoặc xóa"
            self._found.problems.append(self._sheet.problem(row.number, "", sentence))
        else:
            self._title(line)
            self._signed = self._signed or self._ending.signs(row)

    def _check_total(self, row: SheetRow, line: str) -> None:
        stated = lines.total(line)
        if stated is not None and stated != self._count:
            note = f"{self._sheet.place}:{row.number}: dòng tổng ghi {stated}, danh sách có {self._count} dòng"
            self._found.notes.append(note)

    def _entry(self, cells: rows.Cells, layout: Layout, *, group: bool) -> None:
        """`group`: the row may be the name of a group of people, or an office that wants a mailbox."""
        row = cells.row
        self._count += 1
        for index, value in enumerate(row.cells):
            if value is not None and index not in layout.headings:
                self._note(f"không dùng cột {column_name(index)}: cột có dữ liệu mà không có tiêu đề")
        place = ListPlace(self._sheet, row.number, layout)
        entry, problems = rows.read(place, cells, self._today, self._ask, self._rules)
        if row.doubt:
            problems.append(place.problem(None, row.doubt))
        if group:
            sentence = "không rõ là tên nhóm hay tên cần hộp thư: ghi số thứ tự 1, 2, 3 nếu cần hộp thư, hoặc xóa dòng"
            problems.append(place.problem(Column.NAME, sentence))
        if entry is None and self._unclear and not cells.text(Column.ASK):
            (number, section), self._unclear = self._unclear, None
            sentence = (
                f"mục “{section}” không nói rõ đề nghị cấp mới, thay đổi hay thu hồi: ghi ở tên mục, hoặc ở từng dòng; "
                "không đề nghị gì thì xóa mục này"
            )
            problems.append(self._sheet.problem(number, "", sentence, "Đ6.2a"))
        if entry is not None:
            (self._found.spoiled if problems else self._found.entries).append(entry)
        self._found.problems.extend(problems)
        if entry is None and self._passed_over and not cells.text(Column.ASK):
            line, self._passed_over = self._passed_over, ""
            sentence = (
                f"dòng “{line}” ở trên danh sách không được coi là tiêu đề: ghi tiêu đề “Danh sách đề nghị thu hồi hộp "
                "thư”, hoặc ghi Thu hồi ở từng dòng"
            )
            self._found.problems.append(self._sheet.problem(layout.last_row, "", sentence, "Đ6.2a"))
