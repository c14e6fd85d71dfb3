"""Secrecy marks in a text (Đ3.3): where one stands as a stamp does, not where secrecy is spoken of.

A mark is a line or a cell of its own, begins a line before a dash, a bracket or a colon, stands in brackets of its own,
or is the value of "Độ mật". Every step looks at each character of the text a few times at most.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from hanam_mail.host.secrecy import alike, titles, words
from hanam_mail.host.secrecy.words import Mark

# Between the cells of a row, as readers of tables and people with a space bar write it.
_CELLS = re.compile(r"\t+| {4,}|[|¦│┃║]")
_HIGHER = r"(?:T(?:ỐI|OI)|TUY(?:ỆT|ET))\s*M(?:ẬT|AT)"
_STAMP = rf"({_HIGHER}|MẬT)"
_DECORATED = r"[\s>*_=#~.\-–—•■◆★]*"
_BEGINS = re.compile(rf"{_DECORATED}{_STAMP}\s*(?:[:(\[{{/|–—]|-\s|\s-|\.\s+\D)")
_ENDS = re.compile(rf"\s[-–—]+\s*{_STAMP}{_DECORATED}$")
_BRACKETED = re.compile(rf"[\[({{<«【〔]\s*{_STAMP}\s*[\])}}>»】〕]")
_CHECKED = re.compile(r"(?:[☒☑✓✔✗✘]|\[[xX]\])\s{0,9}((?:tuyệt\s+|tối\s+)?mật)(?![^\W\d_])", re.I)
_LABEL = re.compile(r"(?<![^\W\d_])(?:độ|do)\s+(?:mật|mat)(?![^\W\d_])", re.I)
_VALUE = re.compile(
    r"(\s*[:=.\-–—|\t]\s*|\s{2,}|\s)((?:(?:tuyệt|tuyet|tối|toi)\s*)?(?:mật|mat))(?![^\W\d_])"
    r"\s*($|[.,;:)\]|/\t(]|\s{2}|- )",
    re.I,
)
# How programs write the subject of a message that they quote, and offices that of a document.
_TITLE = re.compile(r"[\s>*|]*(?:subject|chủ đề|tiêu đề|trích yếu|summary)\s*\*?:\s*(.+)", re.I)
_FILE = re.compile(
    r"(?:^|[/\\:]\s?)([^/\\:]{1,255}\.(?:docx?|xlsx?|pptx?|pdf|od[tsp]|rtf|zip|txt|jpe?g|png|html?|eml|csv))\s*$", re.I
)
_PARTS = re.compile(r"[-–—,;:/()\[\]]")
_NUMBER = re.compile(r"[\d\s.,%/-]*\d[\d\s.,%/-]*")
_FIRST_WORDS = {"TUYỆT": Mark.UTMOST, "TUYET": Mark.UTMOST, "TỐI": Mark.TOP, "TOI": Mark.TOP}
# Lines without anything in them that one looks past for a neighbour.
_PAST = 6
# Lines that are looked at, and cells of them; characters of one that is a row of a table.
_MOST_HINTS, _MOST_CELLS, _LONGEST_ROW = 20_000, 200_000, 2000
# Characters of a neighbour that are looked at.
_NEAR = 80


class TooManyMarks(Exception):
    """More of what may be a mark, and is none, than any letter has."""


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell with its neighbours in the order of reading, "" where there is none, and those above and below."""

    text: str
    before: str
    after: str
    in_row: bool
    column: tuple[str, ...]


class _Text:
    """A text's lines, and what has to be known of the whole."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self._cells = 0

    @cached_property
    def has_label(self) -> bool:
        """Whether a cell says "Độ mật" and nothing else: then cells say which."""
        return any(_is_label(cell) for line in self.lines if _LABEL.search(line) for cell in _CELLS.split(line))

    def numbers_of_cells(self, *texts: str) -> list[int]:
        """The lines that have a cell of one of these, in letters of whatever size; at most so many as are looked at."""
        lines = [
            number
            for number, line in enumerate(self.lines)
            if len(line) < _LONGEST_ROW and any(cell.strip().upper() in texts for cell in _CELLS.split(line))
        ]
        if len(lines) > _MOST_HINTS:
            raise TooManyMarks
        return lines

    @cached_property
    def has_given_names(self) -> bool:
        """Whether given names have a column of their own."""
        return bool(self.numbers_of_cells("TÊN"))

    def cells(self, number: int) -> Iterator[_Cell]:
        """Those of one line. Raises TooManyMarks."""
        row = _row(self.lines[number])
        self._cells += len(row)
        if self._cells > _MOST_CELLS:
            raise TooManyMarks
        others = [_row(self.lines[at]) for at in (number - 1, number + 1) if 0 <= at < len(self.lines)]
        around = [self._end(number, -1), *row, self._end(number, 1)]
        for at, cell in enumerate(row, 1):
            column = tuple(other[at - 1] for other in others if len(row) > 1 and len(other) == len(row))
            yield _Cell(cell, around[at - 1], around[at + 1], len(row) > 1, column)

    def _end(self, number: int, step: int) -> str:
        """The nearest cell of the lines before or behind."""
        for at in range(number + step, number + step * (_PAST + 1), step):
            if not 0 <= at < len(self.lines):
                break
            if cells := _row(self.lines[at]):
                return cells[-1 if step < 0 else 0]
        return ""


def _row(line: str) -> list[str]:
    """The cells of a line that hold anything."""
    return [cell for each in _CELLS.split(line) if (cell := each.strip())]


def in_text(text: str) -> Mark | None:
    """The highest mark in it. Raises TooManyMarks."""
    text = alike.plain(text)
    whole = _Text(text)
    found: list[Mark | None] = []
    number, at, looked = 0, 0, -1
    for times, hint in enumerate(words.HINT.finditer(text)):
        if times > _MOST_HINTS:
            raise TooManyMarks
        # The line of its last letter, each once.
        number += text.count("\n", at, hint.end())
        at = hint.end()
        if number != looked:
            found.append(_in_line(whole, number))
        if "\n" in hint[0]:
            found.append(_downwards(whole.lines, number))
        looked = number
    if whole.has_label:
        found += [_in_line(whole, number) for number in whole.numbers_of_cells("MẬT", "MAT")]
    return max(filter(None, found), default=None)


def _in_line(whole: _Text, number: int) -> Mark | None:
    line = whole.lines[number]
    if title := _TITLE.match(line):
        return titles.in_subject(title[1]) or _labelled(title[1])
    if (file := _FILE.search(line)) and (mark := titles.in_file_name(file[1])):
        return mark
    found = [mark for cell in whole.cells(number) if (mark := _in_cell(cell, whole))]
    if not found and len(_CELLS.split(line.strip())) > 1 and (mark := words.degree(line)):
        # Letters so far apart that they look like cells.
        found = [mark]
    if not found:
        found = [mark for mark in (_labelled(line), _checked(line)) if mark]
    return max(found, default=None)


def _in_cell(cell: _Cell, whole: _Text) -> Mark | None:
    if alone := words.degree(cell.text):
        return None if _is_listed(cell, alone) or _is_something_else(cell, alone, whole) else alone
    if alone := _only_here(cell, whole):
        return None if _is_listed(cell, alone) else alone
    if len(words.degrees(cell.text)) > 1:
        return None
    for pattern in (_BEGINS, _ENDS, _BRACKETED):
        if (found := pattern.match(cell.text) if pattern is _BEGINS else pattern.search(cell.text)) and (
            mark := words.degree(found[1])
        ):
            if mark is Mark.SECRET and (_is_listed_with_goods(cell.text, found) or _is_beside_goods(cell)):
                continue
            return mark
    return None


def _only_here(cell: _Cell, whole: _Text) -> Mark | None:
    """What is a mark for what stands beside it: behind "Độ mật", or its first word in the cell before."""
    if len(cell.text) > words.LONGEST:
        return None
    letters = words.squashed(cell.text)
    mark = _of_any_case(letters)
    if mark and _is_label(cell.before):
        return mark
    if letters in ("Mật", "mật") and whole.has_label:
        return Mark.SECRET
    if letters == "MAT":
        return _FIRST_WORDS.get(words.squashed(cell.before))
    return None


def _of_any_case(letters: str) -> Mark | None:
    return Mark.SECRET if letters.upper() in (words.LOWEST, "MAT") else words.HIGHER.get(letters.upper())


def _is_label(text: str) -> bool:
    letters = words.squashed(text[:40]).upper()
    return len(text) < 40 and letters.endswith(("ĐỘMẬT", "DOMAT"))


def _is_listed(cell: _Cell, mark: Mark) -> bool:
    """Whether another degree stands beside it: then all of them are spoken of."""
    beside = [_of_any_case(words.squashed(other)) for other in (cell.before, cell.after) if len(other) < 20]
    return any(each and each is not mark for each in beside)


def _is_something_else(cell: _Cell, mark: Mark, whole: _Text) -> bool:
    """Whether MẬT, alone in its cell, is none for what stands beside it."""
    if mark is not Mark.SECRET:
        return False
    before, after = words.said(cell.before[-_NEAR:]), words.said(cell.after[:_NEAR])
    if before and (_is_half_a_name(before, whole) or (before[-1] in words.LINE_BEFORE and not _is_name(before))):
        return True
    # "ĐỘ MẬT", "ĐỘ KHẨN" below a stamp are another line of the same form.
    if after and (after[0] in words.LINE_AFTER or (after[0] == "ĐỘ" and after[1:2] not in (["MẬT"], ["KHẨN"]))):
        return True
    numbers = cell.in_row and all(_NUMBER.fullmatch(each[:_NEAR]) for each in (cell.before, cell.after) if each)
    return _is_beside_goods(cell) or (numbers and bool(cell.before or cell.after))


def _is_name(text: Sequence[str]) -> bool:
    return 2 <= len(text) <= 5 and text[0] in words.FAMILIES


def _is_half_a_name(text: Sequence[str], whole: _Text) -> bool:
    """Whether a person's given name is still to come: in the next line of a narrow cell, or in the next column."""
    if not text or text[0] not in words.FAMILIES:
        return False
    return len(text) < 3 and (text[-1] in ("THỊ", "VĂN") or whole.has_given_names)


def _is_beside_goods(cell: _Cell) -> bool:
    """Whether goods or parts of the body stand beside it."""
    for other in (cell.before[:_NEAR], cell.after[:_NEAR], *(each[:_NEAR] for each in cell.column)):
        named, colon, _ = other.upper().partition(":")
        said = named.split()
        if len(said) == 1 and said[0] in words.BESIDE and (colon or len(other.split()) == 1):
            return True
        if len(said) == 2 and said[0] in words.BESIDE_WITH_MORE:
            return True
    return False


def _is_listed_with_goods(text: str, found: re.Match[str]) -> bool:
    """Whether an amount follows behind a colon, or goods stand before or behind a dash."""
    behind = text[found.end(1) :].lstrip()
    if behind.startswith(":") and behind[1:].lstrip()[:1].isdigit():
        return True
    before, after = (_PARTS.split(each) for each in (text[: found.start(1)], behind))
    # A part of a line may be a whole book; one word that stands alone is found in its begin.
    beside = [
        next((said for part in parts if (said := words.said(part[: 4 * _NEAR]))), []) for parts in (before[::-1], after)
    ]
    return any(len(said) == 1 and said[0] in words.BESIDE for said in beside)


def _labelled(line: str) -> Mark | None:
    """The value of "Độ mật" in the same line, where it is one and not all of them."""
    if len(words.degrees(_LABEL.sub("", line))) > 1:
        return None
    for label in _LABEL.finditer(line):
        value = _VALUE.match(line, label.end())
        if value is None:
            continue
        # Without a sign between them it is a line of a form, and nothing else.
        if value[1].strip() or len(value[1]) > 1 or (not words.squashed(line[: label.start()]) and not value[3]):
            return _of_any_case(words.squashed(value[2]))
    return None


def _checked(line: str) -> Mark | None:
    found = [_of_any_case(words.squashed(each[1])) for each in _CHECKED.finditer(line)]
    return max(filter(None, found), default=None)


def _downwards(lines: Sequence[str], number: int) -> Mark | None:
    """A mark of which each line bears a letter or two, and whose last one is in this line."""
    letters = ""
    for at in range(number, max(-1, number - 24), -1):
        piece = words.squashed(lines[at][:20])
        if len(piece) > 2:
            break
        letters = piece + letters
    return Mark.SECRET if letters == words.LOWEST else words.HIGHER.get(letters)
