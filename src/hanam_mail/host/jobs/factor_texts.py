"""What letters about the second factor and the passwords of programs say: from where, of which, and what to do.

The name of a program's password is its maker's choice, and he may be a stranger: a line that nobody can click.
"""

from collections.abc import Mapping
from typing import Any

from hanam_mail.host.jobs.foreign_text import HIDDEN, bears_mark, shown
from hanam_mail.vietnamese import day

_LONGEST = 60
USES = {"imap": "nhận và đọc thư", "smtp": "gửi thư", "dav": "đọc danh bạ"}
_WHY = {
    "owner": "đã được thu hồi tại trang xác thực hai bước",
    "password": "mật khẩu của hộp thư đã được đổi",
    "term": "đã hết thời hạn",
}
_UNASKED = (
    "Nếu không phải do chính mình làm: đổi ngay mật khẩu, thu hồi các mật khẩu ứng dụng và báo $support_name, điện "
    "thoại $support_phone. Thư này không cần trả lời và hệ thống không bao giờ hỏi mật khẩu hay mã xác thực qua thư."
)


def values(payload: Mapping[str, Any], support: Mapping[str, str]) -> dict[str, str]:
    """For $place, $programs, $uses, $why, $ends_on and $unasked."""
    found = {
        "place": f"từ địa chỉ mạng {payload['place']}" if payload["place"] else "do hệ thống thực hiện",
        "programs": "\n".join(f" - {_named(name)}" for name in payload.get("names", [])),
        "uses": ", ".join(USES[scope] for scope in payload.get("scopes", [])),
        "why": _WHY.get(payload.get("why", ""), ""),
        "unasked": _UNASKED.replace("$support_name", support["name"]).replace("$support_phone", support["phone"]),
    }
    if "ends_on" in payload:
        found["ends_on"] = day(payload["ends_on"])
    return found


def _named(name: str) -> str:
    line = shown(name, _LONGEST)
    return HIDDEN if bears_mark(line) else line
