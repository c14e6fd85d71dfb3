"""What a row under the headings is, if not an entry: a section, a total, the signatures, the template's example."""

import re
from collections.abc import Iterable, Sequence

from hanam_mail.importing import actions, denials
from hanam_mail.importing.plain_text import plain
from hanam_mail.importing.sheet import SheetRow

EXAMPLE = "vi du"  # in the column of numbers: the template's own example, no entry
_ROMAN = re.compile(r"\(?([IVXLC]+|[A-ZĐa-zđ])\)?[.)]?")
# With accents: Tống, Lưu and Cống are family names.
_FOOTER = re.compile(
    r"(tổng( số| cộng)?|cộng)\s*(:.*|[0-9].*|(danh sách|có|là)\b.*)?|"
    r"(người|cán bộ) (lập|tổng hợp)\b.*|lập (biểu|bảng).*|"
    r"người (kiểm (tra|soát)|đối chiếu|(rà )?soát|(phê )?duyệt|ký|báo cáo)\b.*|"
    r"(kt|tm|tl|tuq)(\.|\s+(ubnd|hđnd|ủy ban|uỷ ban|hội đồng|ban|sở|lãnh đạo|thủ trưởng|"
    r"(phó )?(giám đốc|chủ tịch|hiệu trưởng|trưởng)|chánh)\b).*|"
    r"(thủ trưởng|(phó )?giám đốc|(phó )?chủ tịch|chánh văn phòng|trưởng phòng|hiệu trưởng)( .*)?|"
    r"\(?k[ýí] (tên|,|ghi).*|\(?(ký|đã ký)\)?|nơi nhận.*|xác nhận.*|(\*+ ?)?(ghi chú|lưu ý)\s*:.*|"
    r"(ấn định|trên đây|danh sách (gồm|này|có|trên)|(trong đó|bằng chữ)\b).*|"
    r"(.*[,\s])?ngày\s*[0-9.…]*\s*tháng\s*[0-9.…]*\s*năm.*"
)
_REMARK = re.compile(r"tổng|cộng|(\*+ ?)?(ghi chú|lưu ý)|ấn định|trên đây|danh sách|trong đó|bằng chữ")
_DAY = re.compile(r"(.*[,\s])?ngày\s*[0-9.…]*\s*tháng\s*[0-9.…]*\s*năm.*")
_TOTAL = re.compile(r"(?:tong(?: so| cong)?|cong)\b\D*(\d{1,9})")
# Kinds of staff and bodies beside an agency. Alone: more words may say that these people moved or came, and Đoàn is a
# family name.
_STAFF = r"(cán bộ|công chức|viên chức|người lao động|(lao động )?hợp đồng|lao động)"
_STAFF_GROUP = re.compile(
    rf"((khối|nhóm|các) )?{_STAFF}((, ?| và | - | – | ?/ ?| & | ){_STAFF})*( không chuyên trách)?"
    r"( (cấp )?(xã|huyện|tỉnh|phường))?|"
    r"((đảng|tỉnh|huyện|thành|thị) (ủy|uỷ)|công đoàn|mặt trận tổ quốc|đoàn (thanh niên|tncs|thể|khối)|"
    r"hội (nông dân|phụ nữ|cựu chiến binh))( (tỉnh|huyện|xã|phường|thành phố|viên chức|các cơ quan)( .*)?)?"
)
_WIDE = 3  # cells with one text: merged like a title


def is_office(name: str, units: Iterable[str]) -> bool:
    """Whether the name is an office's, by its first words; `units` are the kinds, of PersonNames."""
    small = name.casefold()
    return any(small.startswith(kind.casefold() + " ") or small == kind.casefold() for kind in units)


def is_staff(shown: str) -> bool:
    """Whether the text names a kind of staff or a body such as the trade union, and says nothing more of it."""
    return _STAFF_GROUP.fullmatch(" ".join(shown.casefold().split())) is not None


def is_footer(shown: str) -> bool:
    """Whether the text begins what stands under a list, or is a part of it."""
    return bool(shown) and _FOOTER.fullmatch(shown.casefold()) is not None


def is_remark(shown: str) -> bool:
    """Whether the text of a footer is a total or a note, with no signature yet."""
    return _REMARK.match(shown.casefold()) is not None


def is_day(shown: str) -> bool:
    """Whether the text ends with a day in words, as over a signature."""
    return _DAY.fullmatch(shown.casefold()) is not None


def total(line: str) -> int | None:
    """The number of entries that a line of totals states."""
    found = _TOTAL.match(plain(line))
    return int(found[1]) if found else None


def is_section(row: SheetRow, number: str, rest: Sequence[str], units: Iterable[str]) -> bool:
    """Whether the row only names what follows: "I. Cấp mới", or one text over the whole width.

    `number` is what stands in the column of numbers, `rest` the different texts of the others.
    """
    if len(rest) > 1:
        return False
    if not rest:
        return True  # nothing but a text in the column of numbers
    if sum(cell == rest[0] for cell in row.texts) >= _WIDE or actions.of_title(rest[0]) is not None:
        return True
    return is_lettered(number) and (_is_group(rest[0], units) or denials.denies(rest[0], actions.Action.REVOKE))


def is_lettered(number: str) -> bool:
    """Whether a number is one of sections: I, II, A, b."""
    return bool(number) and _ROMAN.fullmatch(number) is not None


def _is_group(shown: str, units: Iterable[str]) -> bool:
    """Whether the text names a group of people rather than one: an office, an agency, capitals only."""
    return (
        is_office(shown, units)
        or is_staff(shown)
        or shown.isupper()
        or re.match(r"(khối|nhóm|các|đơn vị|xã|phường|thị trấn)\b", shown, re.I) is not None
    )
