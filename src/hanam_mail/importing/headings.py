"""What the columns of a list mean, by their headings in the wordings that agencies use.

A heading may stand in one row or in several ("Họ và tên" over "Họ đệm" and "Tên", "Ngày sinh" over "Nam" and "Nữ");
several columns may have one meaning, their texts are then read together. What no pattern knows is no part of the
list, and the operator is told so.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hanam_mail.importing.plain_text import label, plain
from hanam_mail.importing.sheet import SheetRow, column_name


class Column(StrEnum):
    """The meaning of a column."""

    NUMBER = "number"
    NAME = "name"
    FAMILY = "family"
    GIVEN = "given"
    NEW_NAME = "new_name"
    POST = "post"
    PHONE = "phone"
    OFFICE = "office"
    AGENCY = "agency"
    TARGET = "target"
    BIRTH = "birth"
    HOME = "home"
    ASK = "ask"
    ASK_ISSUE = "ask_issue"
    ASK_CHANGE = "ask_change"
    ASK_REVOKE = "ask_revoke"
    MAILBOX = "mailbox"
    QUOTA = "quota"
    KIND = "kind"
    GROUND = "ground"
    NOTE = "note"
    UNUSED = "unused"  # known, and not needed for a mailbox


_ASKING = r"(noi dung|loai|hinh thuc|yeu cau|de nghi|dang ky|loai hinh)( .*)? "
_UNIT = "(phong|ban|bo phan|don vi|to chuc|khoa|to)"
# The first pattern that matches a whole heading decides, so what is more special stands first.
_PATTERNS: tuple[tuple[Column, str], ...] = (
    (Column.UNUSED, r"(dung luong|dung luong hop thu) (hien (co|tai|nay)|cu|da cap)"),
    (Column.UNUSED, r"(e ?mail|hop thu|dia chi e ?mail|thu dien tu) (ca nhan|rieng|khac|lien he)|gmail|.* du phong"),
    (
        Column.UNUSED,
        r"gioi tinh|gioi|nam nu|dan toc|ton giao|trinh do.*|chuyen mon.*|ma so.*|ma (can bo|cb).*|ngay vao.*",
    ),
    # Telephones that are not said to be the office's: mostly people's own.
    (Column.UNUSED, r"(so )?(dien thoai|d t|s?dt(dd|cn|nr)?|di dong|zalo)( .*)?"),
    (Column.UNUSED, r"(so )?(can cuoc.*|cccd.*|cmnd.*|cmt.*|dinh danh.*)( .*)?"),
    (Column.UNUSED, r"ky (nhan|ten)|chu ky|nguoi nhan|ngay nhan.*|mat khau.*|ket qua.*"),
    (Column.NUMBER, r"stt|tt|so tt|so thu tu|thu tu|so"),
    (Column.FAMILY, r"(ho (va )?ten |ten )?ho( va)?( ten)? (dem|lot)|ho (va )?ten ho|ho va chu dem|ho"),
    (Column.GIVEN, r"(ho (va )?ten )?ten( goi)?"),
    (Column.NAME, r"(ho (va )?ten|ten)( .*)? dau moi( .*)?"),  # "đầu mối" is no "mới"
    (Column.NEW_NAME, r"(ho (va )?ten|ten).* (moi|sau khi (doi|thay doi|sua)|dieu chinh|sua thanh|de nghi doi)"),
    (Column.NEW_NAME, r"(doi|sua) (ten )?thanh|ten moi"),
    (Column.TARGET, r"((ten )?(co quan|don vi|noi|phong|so)( don vi)?( cong tac)? )(moi|den|chuyen den|tiep nhan.*)"),
    (Column.TARGET, r"(noi )?chuyen (den|toi).*|noi den"),
    (Column.KIND, r"loai (hop thu|tai khoan|thu)( .*)?|doi tuong( .*)?|ca nhan (hay|hoac) .*"),
    (Column.ASK_ISSUE, rf"({_ASKING})?(cap|tao|lap|dang ky|them)( hop thu| tai khoan)? moi|({_ASKING})?cap"),
    (Column.ASK_CHANGE, rf"({_ASKING})?(thay doi|dieu chinh|sua doi|sua)"),
    (Column.ASK_REVOKE, rf"({_ASKING})?(thu hoi|huy|xoa|dong)( hop thu| tai khoan)?"),
    (Column.QUOTA, r"dung luong.*|.*dung luong (de nghi|can|moi)"),
    (
        Column.ASK,
        r"(noi dung|loai|hinh thuc|ly do)?( )?(yeu cau|de nghi|dang ky|thay doi de nghi)( .*)?|noi dung( .*)?",
    ),
    (Column.MAILBOX, r"(dia chi )?(hop )?thu (dien tu|cong vu|hien (co|tai|nay)).*|hop thu|dia chi (hop )?thu.*"),
    (
        Column.MAILBOX,
        r"(dia chi |tai khoan |ten )?(e ?mail|thu dien tu|mail)( .*)?|tai khoan.*|ten (dang nhap|hop thu)",
    ),
    (Column.BIRTH, r"(ngay( thang)?( nam)?|nam|thang nam|sinh) (sinh|ngay|nam)( .*)?|ngay sinh.*|ntns|sinh"),
    (Column.HOME, r"(que|que quan|nguyen quan|noi sinh|quan quan)( .*)?"),
    (Column.NAME, r"(ten )?(phong|ban|don vi) (hoac|hay) (ho (va )?ten|ca nhan).*"),
    (Column.NAME, r"ho (va )?ten.*|ten (day du|nguoi|can bo|cong chuc|vien chuc|nhan vien|ca nhan|nguoi dung|cb).*"),
    (
        Column.NAME,
        r"(can bo|cong chuc|vien chuc|nguoi lao dong| )+|ca nhan|nguoi (su dung|dung|de nghi|duoc cap)( .*)?",
    ),
    (Column.POST, r"(chuc (vu|danh)|vi tri|cong viec|ngach|nhiem vu)( .*)?"),
    (Column.AGENCY, r"(ten )?(co quan|noi cong tac|truc thuoc)( .*)?"),
    (Column.OFFICE, rf"(ten )?{_UNIT}( ({_UNIT}|chuyen mon|cong tac|truc thuoc|thuoc so|thuoc huyen|nghiep vu))*"),
    (Column.GROUND, r"(can cu|quyet dinh|so quyet dinh|so qd|qd|van ban|ly do|theo quyet dinh)( .*)?"),
    (Column.NOTE, r"(ghi chu|luu y|chu thich|ghi chu khac)( .*)?"),
)
_COMPILED = tuple((column, re.compile(pattern)) for column, pattern in _PATTERNS)
# Only a heading that says so has the office's telephones; a remark beside it may still allow people's own.
_OFFICE_PHONE = re.compile(
    r"(so )?((dien thoai|d t|s?dt)( (cua|tai|noi|ban|co dinh))? (co quan|cong vu|lam viec|co dinh|cq|cv|cd)|"
    r"s?dt(cq|cv|cd))"
)
_OWN_PHONE = re.compile(r"\b(di dong|dtdd|dd|rieng|ca nhan|zalo)\b")
# What stands under a heading of several columns and means nothing alone.
_UNDER = re.compile(
    r"cu|moi|hien (co|tai|nay)|de nghi|nam|nu|xa|huyen|tinh|(xa|phuong)( phuong)?( thi tran)?|ho|ten|dem|ngay|thang|"
    r"(huyen|quan).*|thon.*|tinh thanh.*"
)
_INDEX = re.compile(r"\(?([0-9]{1,2}|[A-ZĐ])\)?")
_MAX_HEADING = 80  # characters: a longer text is a sentence
_MAX_HEADING_ROWS = 3
_ANCHORS = frozenset((Column.NAME, Column.FAMILY, Column.GIVEN, Column.OFFICE, Column.MAILBOX))
_MANY = 4  # known headings: no row of a list has so many words that are headings too


# Whose names these are answers for a mailbox that may be another's.
_ANSWERABLE = re.compile(
    r".*\b(phu trach|dau moi|theo doi|lien he|van hanh|quan ly (su dung )?(hop thu|tai khoan|e ?mail|thu))\b.*"
)
# Forms call the person of each row so too, who then has more columns than a name.
_CONTACT = re.compile(r".*\blien he\b.*")
_OF_PERSONS = frozenset((Column.BIRTH, Column.POST, Column.MAILBOX))


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a list: by index what they mean, and what their headings say.

    `last_row` is the number of the last row of headings; `of_offices`: what the list names are offices.
    """

    columns: dict[int, Column]
    headings: dict[int, str]
    last_row: int
    of_offices: bool = False

    def indexes(self, column: Column) -> list[int]:
        """The columns of that meaning, from left to right."""
        return [index for index, meaning in self.columns.items() if meaning is column]

    def __contains__(self, column: Column) -> bool:
        return column in self.columns.values()

    def name(self, column: Column) -> str:
        """How problems name the column: its heading and letter, or its meaning where the list has none."""
        indexes = self.indexes(column)
        return f"{self.headings[indexes[0]]} (cột {column_name(indexes[0])})" if indexes else ""

    def unknown(self) -> list[str]:
        """Headings that no pattern knows."""
        return [
            f"{heading} (cột {column_name(index)})"
            for index, heading in self.headings.items()
            if index not in self.columns
        ]


def of_answerable(layout: Layout) -> bool:
    """Whether the list has offices or agencies and the names of who answers for them: whose mailboxes it asks for is
    open then, unless a column tells."""
    names = [label(layout.headings[index]) for index in layout.indexes(Column.NAME)]
    if all(map(_CONTACT.fullmatch, names)) and _OF_PERSONS & set(layout.columns.values()):
        return False
    bodies = Column.OFFICE in layout or Column.AGENCY in layout
    return bodies and bool(names) and all(map(_ANSWERABLE.fullmatch, names)) and Column.KIND not in layout


def names_entries(layout: Layout) -> bool:
    """Whether the columns say of each row which one it is: a number, a mailbox, a person's name."""
    named = Column.FAMILY in layout or (Column.NAME in layout and not layout.of_offices)
    return named or Column.NUMBER in layout or Column.MAILBOX in layout


def meaning(heading: str) -> Column | None:
    """What a heading of one row means."""
    if not heading or len(heading) > _MAX_HEADING:
        return None
    words, whole = label(heading), plain(heading)
    if _OFFICE_PHONE.fullmatch(words) or _OFFICE_PHONE.fullmatch(whole):
        return Column.UNUSED if _OWN_PHONE.search(whole) else Column.PHONE
    return next((column for column, pattern in _COMPILED if pattern.fullmatch(words)), None)


def find(rows: Sequence[SheetRow], *, again: bool = False) -> Layout | None:
    """The layout whose headings begin with the first of `rows`, None if that is no row of headings.

    `again`: below other headings, where a row of the list itself must not be taken for headings.
    """
    if not _is_heading_row(rows[0], again=again):
        return None
    stacks = [[text] if text else [] for text in rows[0].texts]
    last = rows[0]
    for row in rows[1:_MAX_HEADING_ROWS]:
        if row.number != last.number + 1 or not _continues(row, stacks):
            break
        _stack(row, stacks)
        last = row
    headings, columns = {}, {}
    for index, stack in enumerate(stacks):
        parts = list(dict.fromkeys(stack))
        if parts:
            headings[index] = " - ".join(parts)
            found = _meaning_of_stack(parts)
            if found is not None:
                columns[index] = found
    return _settled(Layout(columns, headings, last.number))


def is_index_row(row: SheetRow) -> bool:
    """Whether the row only counts the columns: (1), (2), (3) or A, B, 1, 2."""
    texts = [text for text in row.texts if text]
    return len(texts) > 2 and all(map(_INDEX.fullmatch, texts)) and len(set(texts)) == len(texts)


def _is_heading_row(row: SheetRow, *, again: bool) -> bool:
    """Two different known headings at least, one of them of a column that says whose mailbox it is."""
    found = {meaning(text) for text in row.distinct} - {None, Column.UNUSED}
    if again and Column.NUMBER not in found and len(found) < _MANY:
        return False
    return len(found) > 1 and bool(found & _ANCHORS)


def _continues(row: SheetRow, stacks: Sequence[list[str]]) -> bool:
    """Whether the row goes on with the headings: every text is one, or says something only under the one above."""
    texts = row.texts
    own = [(text, above) for text, above in _pairs(texts, stacks) if text not in above]
    return bool(own) and all(
        meaning(text) is not None or _UNDER.fullmatch(label(text)) is not None for text, above in own
    )


def _pairs(texts: Sequence[str], stacks: Sequence[list[str]]) -> Iterator[tuple[str, list[str]]]:
    for index, text in enumerate(texts):
        if text:
            yield text, (stacks[index] if index < len(stacks) else [])


def _stack(row: SheetRow, stacks: list[list[str]]) -> None:
    """Put the row under the headings. Without merged cells (CSV) a heading reaches right over empty ones."""
    texts = row.texts
    stacks.extend([] for _ in range(len(texts) - len(stacks)))
    reach: list[str] = []
    for index, text in enumerate(texts):
        if stacks[index]:
            reach = list(stacks[index])
        elif text:
            stacks[index] = list(reach)
        if text:
            stacks[index].append(text)


def _meaning_of_stack(parts: Sequence[str]) -> Column | None:
    """The meaning of the whole stack, else of its lowest row, else of the row above."""
    candidates = [" ".join(parts), *reversed(parts)]
    return next((found for found in map(meaning, candidates) if found is not None), None)


def _settled(layout: Layout) -> Layout:
    """Headings that mean one thing beside others and another thing alone: "Tên", "Đơn vị"."""
    swaps: dict[Column, Column] = {}
    of_offices = False
    if Column.NAME not in layout and Column.FAMILY not in layout:
        if Column.GIVEN in layout:
            swaps[Column.GIVEN] = Column.NAME
        elif Column.OFFICE in layout:
            swaps[Column.OFFICE] = Column.NAME
            of_offices = True
    columns = {index: swaps.get(found, found) for index, found in layout.columns.items()}
    if Column.ASK_CHANGE not in layout and Column.ASK_REVOKE not in layout:
        # "Cấp" alone is a rank or a level; beside "Thu hồi" it is a box to tick.
        columns = {index: found for index, found in columns.items() if label(layout.headings[index]) != "cap"}
    return Layout(columns, layout.headings, layout.last_row, of_offices)
