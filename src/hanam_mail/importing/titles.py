"""What rows ask for by the lines over them: the title of the list, its sections, the lines above the headings.

A revocation is for good (Đ6.2c): rows inherit it only from a title that asks for it, and below a section only when that
is a group of the same list. All else leaves it to each row to say.
"""

import re
from collections.abc import Collection, Iterable, Iterator

from hanam_mail.importing import actions, denials
from hanam_mail.importing.actions import Action
from hanam_mail.importing.agencies import reads_as_agency
from hanam_mail.importing.lines import is_office, is_staff
from hanam_mail.importing.plain_text import plain

_NUMBERING = re.compile(r"^[\s(]*([ivxlc]+|[a-zđ]|[0-9]+)[).:/\-\s]+", re.IGNORECASE)
_GROUP = re.compile(r"(khối|lãnh đạo|đơn vị|cơ quan|xã|phường|thị trấn)\b", re.IGNORECASE)
# Why mailboxes are revoked: such a section goes on with a revocation, and with nothing else.
# "Chuyển công tác" alone may be a move within the province, which takes the mailbox along.
_LEAVING = re.compile(
    r"(?<!khong )(?<!chua )(?<!sap )"
    rf"\b({actions.REASONS}|thoi (cong tac|lam viec)|tinh gian|tu tran|"
    r"khong con (cong tac|lam viec|su dung)|khong su dung( nua)?$|"
    r"chuyen (cong tac |di )?(ra )?(khoi|ngoai) tinh)\b"
)
# How a title begins, before or after the number of a form. Sentences on the letter or the law begin otherwise.
_HEADS_LIST = re.compile(
    r"((mau|bieu mau|bieu|bang|phu luc|phan|so)( so)?( [0-9a-z]{1,3})? )*(de nghi )?"
    r"(danh sach|danh muc|bang|bieu|phieu|thong ke|tong hop|(yeu cau )?(thu hoi|huy|xoa)|(cac )?(hop thu|tai khoan)|"
    r"de nghi|((can bo|(cong|vien) chuc|nguoi lao dong|va|nghi (huu|viec)|khong con cong tac) )+(de nghi )?thu hoi)\b"
)
_SENTENCE = re.compile(
    r"(kem|theo|can cu|kinh gui|thuc hien|thi hanh|so|ngay|cong van|quyet dinh|ve viec|v v|ghi chu)\b"
)


def above(lines: Iterable[str], before: Action | None) -> Action | None:
    """What a list asks for by the lines above its headings; `before` is what the sheet or the operator says of it."""
    said = list(lines)
    asks = {actions.of_title(line) for line in said} - {None}
    if len(asks) == 1 and asks != {Action.REVOKE}:
        return asks.pop()
    titles = list(_titles(said))
    if before is Action.REVOKE and any(denials.denies(line, Action.REVOKE) for line in titles):
        return None
    if asks == {Action.REVOKE} and any(actions.of_title(line) for line in titles):
        return Action.REVOKE
    return before


def _titles(lines: Iterable[str]) -> Iterator[str]:
    """The lines that head the list, a title of two lines with both."""
    goes_on = False
    for line in lines:
        words = plain(_NUMBERING.sub("", line))
        goes_on = _HEADS_LIST.match(words) is not None or (goes_on and not _SENTENCE.match(words))
        if goes_on:
            yield line


def passed_over(lines: Iterable[str]) -> str:
    """The line above a list that speaks of a revocation and does not head it, "" for none."""
    return next((line for line in lines if actions.of_title(line) is Action.REVOKE), "")


def below(line: str, before: Action | None, units: Collection[str]) -> Action | None:
    """What rows below a section ask for, None for what each has to say itself; `before` is what rows above it do.

    `units` are the kinds of offices, of PersonNames.
    """
    stated = actions.of_title(line)
    if stated is not None or before is None:
        return stated
    if plain(line) in ("", "danh sach"):
        return before
    if denials.denies(line, before) or denials.keeps(line) or actions.names_several(line):
        return None
    leaving = _LEAVING.search(plain(line)) is not None
    if before is not Action.REVOKE:
        return None if leaving else before
    name = _NUMBERING.sub("", line)
    is_office_name = is_office(name, units) and not plain(name).startswith("truong hop")
    is_group = is_office_name or is_staff(name) or reads_as_agency(name) or _GROUP.match(name) is not None
    return before if leaving or is_group else None
