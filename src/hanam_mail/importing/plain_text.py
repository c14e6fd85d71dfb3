"""How texts of a list compare: unaccented small words, and whether one says something the lists know."""

import re

from hanam_mail.regulation.naming.text import NamingError, fold

_REMARK = re.compile(r"\([^)]*\)|\[[^\]]*\]|\*+")


def plain(text: str) -> str:
    """Unaccented small words, parted by one space: "Họ và tên:" -> "ho va ten". Foreign letters stay as they are."""
    try:
        return fold(text)
    except NamingError:
        return " ".join(re.findall(r"\w+", text.casefold()))


def label(text: str) -> str:
    """The same for a heading, without what stands in brackets: "Ngày sinh (dd/mm/yyyy) *" -> "ngay sinh"."""
    return plain(_REMARK.sub(" ", text)) or plain(text)


def is_mark(text: str) -> bool:
    """Whether a cell under a heading such as "Cấp mới" is ticked."""
    return text.strip().casefold() in {"x", "✓", "✔", "√", "v", "1", "có", "có.", "+", "☑", "☒"}
