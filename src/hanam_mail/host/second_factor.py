"""The second factor, for operators (docs/decisions/0074-second-factor.md).

hanam-mail-db second-factor-reset ADDRESS --verified WHO    telephone and printed codes are lost: take it away
"""

import argparse
from typing import Any

from hanam_mail.host import frame
from hanam_mail.host.database.session import Session, one


def add_commands(commands: frame.Commands) -> None:
    """Add this module's command to those of command_line.py."""
    text = "bỏ xác thực hai bước của người mất điện thoại và mã dự phòng; chủ hộp thư tự bật lại (Đ12.3)"
    command = commands.add_parser("second-factor-reset", help=text, description=text)
    command.add_argument("address", help="địa chỉ, bí danh hoặc mã hộp thư")
    command.add_argument("--verified", required=True, help="ai đã xác minh người yêu cầu và bằng cách nào")
    frame.add_session_options(command)
    command.set_defaults(run=_reset)


def facts(connection: Session, mailbox: str) -> dict[str, Any]:
    """What `show` knows of it."""
    row = one(
        connection, "SELECT since, demanded, codes_left, app_passwords FROM mail.second_factor_facts(%s)", [mailbox]
    )
    return dict(zip(("since", "demanded", "codes_left", "app_passwords"), row, strict=True))


def lines(found: dict[str, Any]) -> list[str]:
    """The same for people; nothing of who neither has the factor nor must have it."""
    if found["since"]:
        return [
            f"Hai bước:     bật từ {found['since']:%d/%m/%Y}, còn {found['codes_left']} mã dự phòng,"
            f" {found['app_passwords']} mật khẩu ứng dụng"
        ]
    return ["Hai bước:     bắt buộc nhưng chưa bật: chưa mở được hộp thư"] if found["demanded"] else []


def _reset(options: argparse.Namespace) -> int:
    with frame.session(options) as connection:
        mailbox = frame.mailbox(connection, options.address)
        done = one(connection, "SELECT mail.second_factor_reset(%s, %s)", [mailbox, options.verified])[0]
    text = f"đã bỏ xác thực hai bước và mọi mật khẩu ứng dụng của {options.address}"
    if not done:
        text = f"{options.address} chưa bật xác thực hai bước"
    return frame.answer(options, bool(done), text)
