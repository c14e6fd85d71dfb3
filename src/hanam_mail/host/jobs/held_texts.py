"""What letters about held mail quote of it.

Lines that nobody can click but our own links, and for which our letter is not held itself.
"""

from collections.abc import Mapping
from string import Template
from typing import Any

from hanam_mail.host.jobs.foreign_text import HIDDEN, bears_mark, shown
from hanam_mail.vietnamese import number

_TOLD = "Người gửi đã đăng nhập hộp thư trong hệ thống và cũng được báo."
_NOT_TOLD = "Hệ thống không báo cho người gửi, vì địa chỉ gửi có thể bị giả mạo."
# Characters of a name, of an address, of a subject.
_LONGEST = 100


def received(payload: Mapping[str, Any], text: str) -> dict[str, str]:
    """For the receiver of a message that is held, or was dropped: $author, $files and the other words of `text`.

    `payload` is what mail.notice_words gives, with `expired` of one that was dropped.
    """
    names = (shown(name, _LONGEST) for name in payload["files"])
    values = {
        "author": shown(payload["author"], _LONGEST) or "(không ghi)",
        "files": "; ".join(filter(None, names)) or "(không rõ tên)",
    }
    if bears_mark(Template(text).safe_substitute(values)):
        values = dict.fromkeys(values, HIDDEN)
    days = payload["days"]
    return {
        **values,
        "sender_told": _TOLD if payload["signed_in"] else _NOT_TOLD,
        "ends": f" Sau {days} ngày kể từ lúc đến mà không có quyết định, thư tự bị hủy." if days else "",
        "ended": "đã quá hạn mà không có quyết định" if payload.get("expired") else "theo quyết định khi xem xét",
    }


def digest(payload: Mapping[str, Any], url: str) -> dict[str, str]:
    """For the receiver of spam that is held: $number, $list with a link for each, $more and $ends.

    `payload` is what mail.held_digest gives, `url` the page behind the links.
    """
    rows = [_row(place, row, url) for place, row in enumerate(payload["rows"], 1)]
    if bears_mark("\n".join(rows)):
        # Lines that are harmless alone.
        rows = [_row(place, {**row, "author": "", "subject": ""}, url) for place, row in enumerate(payload["rows"], 1)]
    more, days = payload["more"], payload["days"]
    ends = ", chừng nào còn được giữ" if days else ""
    return {
        "number": number(len(rows) + more),
        "list": "\n\n".join(rows),
        "more": f"Còn {number(more)} thư nữa chưa kể ở đây; thư báo các ngày sau kể tiếp{ends}." if more else "",
        "ends": f"thư tự bị hủy sau {days} ngày kể từ lúc đến" if days else "thư không được giao",
    }


def _row(place: int, row: Mapping[str, Any], url: str) -> str:
    author, subject = (shown(row[name], _LONGEST) for name in ("author", "subject"))
    if bears_mark(_lines(author, subject)):
        author = subject = HIDDEN
    return f"{place}. {row['arrived']}\n{_lines(author, subject)}\n   Xem và quyết định: {url}?ma={row['link']}"


def _lines(author: str, subject: str) -> str:
    return f"   Người gửi, theo thư tự ghi: {author or HIDDEN}\n   Tiêu đề thư: {subject or HIDDEN}"
