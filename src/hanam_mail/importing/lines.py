"""What a row under the headings is, if not an entry: a section, a total, the signatures, the template's example."""

import re
from collections.abc import Iterable, Sequence

from hanam_mail.importing import asks
from hanam_mail.importing.sheet import Row
from hanam_mail.importing.words import plain

# What an office's name begins with. No family name is one of them, as accented.
OFFICE_TYPES = (
    "Phòng", "Ban", "Ban quản lý", "Ban chỉ huy", "Văn phòng", "Thanh tra", "Trung tâm", "Chi cục", "Đội", "Trạm",
    "Hạt", "Tổ", "Quỹ", "Trường", "Bệnh viện", "Khoa", "Hội đồng", "Bộ phận", "Viện", "Thư viện", "Bảo tàng", "Nhà hát",
    "Công an", "Đảng ủy",
)  # fmt: skip
EXAMPLE = "vi du"  # in the column of numbers: the template's own example, no entry
_ROMAN = re.compile(r"\(?([IVXLC]+|[A-ZĐa-zđ])\)?[.)]?")
_FOOTER = re.compile(
    r"(tong( so| cong)?|cong)( .*)?|(nguoi|can bo) (lap|tong hop)( .*)?|lap (bieu|bang)( .*)?|(kt|tm|tl|tuq) .*|"
    r"(thu truong|(pho )?giam doc|(pho )?chu tich|chanh van phong|truong phong|hieu truong)( .*)?|"
    r"ky (ten|ghi)( .*)?|noi nhan( .*)?|xac nhan( .*)?|(ghi chu|luu y)( .*)?|"
    r"(.* )?ngay( [0-9]+)? thang( [0-9]+)? nam( .*)?|(an dinh|tren day|danh sach (gom|nay|co|tren))( .*)?"
)
_TOTAL = re.compile(r"(?:tong(?: so| cong)?|cong)\b\D*(\d{1,9})")
_WIDE = 3  # cells with one text: merged like a title


def is_office(name: str) -> bool:
    """Whether the name is an office's, by its first words."""
    small = name.casefold()
    return any(small.startswith(kind.casefold() + " ") or small == kind.casefold() for kind in OFFICE_TYPES)


def is_footer(name: str, texts: Iterable[str]) -> bool:
    """Whether the row begins what stands under a list; `name` is what it has in the column of names."""
    if name and _FOOTER.fullmatch(plain(name)) is None:
        return False
    return any(_FOOTER.fullmatch(plain(shown)) for shown in texts if shown)


def total(line: str) -> int | None:
    """The number of entries that a line of totals states."""
    found = _TOTAL.match(plain(line))
    return int(found[1]) if found else None


def is_section(row: Row, number: str, rest: Sequence[str], name: str) -> bool:
    """Whether the row only names what follows: "I. Cấp mới", or one text over the whole width.

    `number` is what stands in the column of numbers, `rest` the different texts of the others.
    """
    if len(rest) > 1:
        return False
    if not rest:
        return _ROMAN.match(number) is not None
    wide = sum(cell == rest[0] for cell in row.texts()) >= _WIDE
    return wide or bool(number and _ROMAN.fullmatch(number)) or (not name and asks.of_title(rest[0]) is not None)
