"""What letters about a person's report quote of it (Đ12.8): his words, and what a stranger's message says of itself.

Lines that nobody can click, and for which our letter is not held itself.
"""

from collections.abc import Mapping
from typing import Any

from hanam_mail.host.jobs.foreign_text import HIDDEN, bears_mark, shown

KINDS = {"spam": "thư rác", "virus": "virus, mã độc", "unlawful": "nội dung vi phạm", "fault": "lỗi kỹ thuật"}
# Characters of a field, of a line of a person's words, and how many lines of these a letter has.
_LONGEST = 200
_LINE, _LINES = 500, 40
_NOTHING = "(không ghi)"
_PLACE = {
    "sent": (
        "Thư này được gửi kèm trong một thư riêng mang cùng số, chỉ đến đơn vị quản lý vận hành và cơ quan. Xin không "
        "mở liên kết và tệp đính kèm trong đó."
    ),
    "kept": (
        "Thư này không được gửi kèm, để mã độc không đi tiếp; thư được chuyển vào thư mục Thư rác của hộp thư trên. "
        "Xin không mở và không chuyển tiếp."
    ),
    "refused": "Thư này không gửi kèm được ($fault) và nằm nguyên trong hộp thư trên.",
    "due": "Thư này chưa gửi kèm được và nằm nguyên trong hộp thư trên.",
}


def values(payload: Mapping[str, Any]) -> dict[str, str]:
    """For $report_title, $words, $quoted and $answer; `payload` is what mail.user_report_words gives."""
    words = paragraph(payload["words"])
    message = _message(payload) if payload["message"] else "Báo cáo này không kèm thư nào."
    return {
        "report_title": KINDS[payload["report_kind"]],
        "words": HIDDEN if bears_mark(words) else words,
        "quoted": message,
        # The command that takes an answer refuses one for which this letter would be held.
        "answer": payload["answer"],
    }


def paragraph(text: str) -> str:
    """A person's words, line by line."""
    lines = [shown(line, _LINE) for line in text.splitlines()]
    return "\n".join(line for line in lines[:_LINES] if line) or _NOTHING


def _message(payload: Mapping[str, Any]) -> str:
    author, subject, number = (shown(payload[name], _LONGEST) for name in ("author", "subject", "message_id"))
    folder, fault = shown(payload["folder"], _LONGEST), shown(payload["fault"], _LONGEST)
    if bears_mark("\n".join((author, subject, number, folder, fault))):
        author = subject = number = folder = fault = HIDDEN
    place = _PLACE[payload["attached"]].replace("$fault", fault or "không rõ lý do")
    return (
        f"Thư được báo cáo:\n - Người gửi, theo thư tự ghi: {author or _NOTHING}\n - Tiêu đề: {subject or _NOTHING}\n"
        f" - Mã thư (Message-ID): {number or _NOTHING}\n"
        f" - Nơi để thư lúc báo cáo: hộp thư {payload['lies_in']}, thư mục {folder or _NOTHING}\n{place}"
    )
