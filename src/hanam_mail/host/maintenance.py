"""Stops of the service that people notice (Đ10.5), for playbooks/maintenance.yml, which judges whether they may be.

hanam-mail-db maintenance announce    a notice to every mailbox, from JSON on standard input
hanam-mail-db maintenance show        when it was announced, and what of it is still on its way
hanam-mail-db maintenance done DEED   that the service was closed for it, or opened again; nothing when that is known
"""

import argparse
import json
import sys
from typing import Any

from hanam_mail.host import frame
from hanam_mail.host.database.session import one

DEEDS = ("close", "open")


def add_commands(commands: frame.Commands) -> None:
    """Add this module's command to those of command_line.py."""
    text = (
        "thông báo, ghi nhận một lần tạm ngừng dịch vụ (Đ10.5); chạy bằng playbooks/maintenance.yml, đọc JSON từ stdin"
    )
    command = commands.add_parser("maintenance", help=text, description=text)
    command.set_defaults(run=_show)
    deeds = command.add_subparsers(required=True, metavar="VIỆC")
    for name, help_text, run in (
        ("announce", "gửi thông báo đến mọi hộp thư", _announce),
        ("show", "ngày đã thông báo, số thông báo chưa gửi", _show),
        ("done", "ghi vào nhật ký việc đóng, mở dịch vụ", _done),
    ):
        deed = deeds.add_parser(name, help=help_text, description=help_text)
        if name == "done":
            deed.add_argument("deed", choices=DEEDS)
        frame.add_session_options(deed, check=True)
        deed.set_defaults(run=run)


def _given() -> dict[str, Any]:
    """The declared stop: begin and end as "YYYY-MM-DD HH:MM", what, services, emergency, page."""
    given: dict[str, Any] = json.load(sys.stdin)
    return given


def _announce(options: argparse.Namespace) -> int:
    stop = _given()
    values = [stop[name] for name in ("begin", "end", "what", "services", "emergency", "page")]
    with frame.session(options) as connection:
        statement = "SELECT mail.maintenance_announce(%s::timestamp, %s::timestamp, %s, %s, %s, %s)"
        written = one(connection, statement, values)[0]
        if options.check:
            connection.rollback()
    text = f"đã lập {written} thông báo"
    return frame.answer(options, written > 0, text, mailboxes=written, lines=[text] if written else [])


def _show(options: argparse.Namespace) -> int:
    stop = _given()
    with frame.session(options) as connection:
        row = connection.execute(
            "SELECT announced_on, current, waiting FROM mail.maintenance_announced(%s::timestamp, %s::timestamp)",
            [stop["begin"], stop["end"]],
        ).fetchone()
    announced, current, waiting = row or ("", False, 0)
    text = f"thông báo ngày {announced:%d/%m/%Y}, {waiting} thư chưa gửi" if row else "chưa thông báo"
    told = {"announced": str(announced), "current": current, "waiting": waiting}
    return frame.answer(options, False, text, stop=told)


def _done(options: argparse.Namespace) -> int:
    """`turned`: whether it was closed or opened just now. What is opened need not be declared."""
    given = _given()
    values = [options.deed, given.get("begin"), given.get("end"), given["turned"]]
    with frame.session(options) as connection:
        statement = "SELECT mail.maintenance_done(%s, %s::timestamp, %s::timestamp, %s)"
        noted = bool(one(connection, statement, values)[0])
        if options.check:
            connection.rollback()
    text = "ghi vào nhật ký: " + ("đóng dịch vụ" if options.deed == "close" else "mở dịch vụ")
    return frame.answer(options, noted, text if noted else "", lines=[text] if noted else [])
