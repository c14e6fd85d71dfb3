"""Lockouts after too many wrong passwords (Đ4.6): told to the operator by mail, listed and lifted by command.

hanam-mail-db lockouts                          what is shut out at this moment, and until when
hanam-mail-db lockouts --lift WHO --note WHY    end it now: an address, a source address, or both (--from)
"""

import argparse
import hashlib
import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage

from hanam_mail.host import frame
from hanam_mail.host.database.errors import DatabaseError, NoMailboxError
from hanam_mail.host.database.session import Session, one
from hanam_mail.host.jobs import notices

_WORDS = {
    "pair": "{who} bị chặn từ {source}: {failures} lần sai trong thời gian ngắn",
    "pair_day": "{who} bị chặn từ {source}: {failures} lần sai trong một ngày",
    "address": "địa chỉ {source}: {failures} lần sai với nhiều hộp thư trong thời gian ngắn",
    "account": "{who} bị dò mật khẩu từ nhiều nơi: {failures} lần sai trong thời gian ngắn",
    "account_day": "{who} bị dò mật khẩu từ nhiều nơi: {failures} lần sai trong một ngày",
}


@dataclass(frozen=True)
class Lockout:
    """A limit that was reached. `login` as failures are counted, `owner` the mailbox's address where it is one."""

    kind: str
    login: str | None
    owner: str | None
    source: str | None
    failures: int
    at: datetime

    @property
    def text(self) -> str:
        """In words, for the operator."""
        who = self.owner or (f"tên không có hộp thư ({self.login})" if self.login else "")
        return _WORDS[self.kind].format(who=who, source=self.source, failures=self.failures)


def letter(found: Sequence[Lockout], configuration: notices.JobsConfiguration) -> EmailMessage:
    """One letter to the operator about all of them."""
    lines = [f"{one.at:%d/%m/%Y %H:%M:%S}  {one.text}" for one in found]
    key = "/".join(f"{one.kind} {one.login} {one.source} {one.at.isoformat()}" for one in found)
    values = {"number": str(len(found)), "list": notices.listed(lines, "lần nữa")}
    return notices.message(
        "lockouts", values, [configuration.operator], hashlib.sha256(key.encode()).hexdigest()[:32], configuration
    )


def tell(
    connection: Session, configuration: notices.JobsConfiguration, connect: Callable[[], notices.Mailer]
) -> tuple[int, int, str]:
    """Tell the operator; as notices.tell_operator."""
    return notices.tell_operator(
        connection,
        configuration,
        connect,
        "SELECT seq, kind, login, owner, host(source), failures, at FROM mail.lockouts_to_tell()",
        lambda rows: letter([Lockout(*row[1:]) for row in rows], configuration),
        "SELECT mail.lockouts_told(%s)",
    )


def add_commands(commands: frame.Commands) -> None:
    """Add this module's command to those of command_line.py."""
    text = "ai, từ đâu đang bị chặn do sai mật khẩu nhiều lần (Đ4.6); gỡ chặn bằng --lift"
    command = commands.add_parser("lockouts", help=text, description=text)
    command.add_argument("--lift", metavar="AI", help="gỡ chặn một địa chỉ thư, mã trong danh sách, hoặc địa chỉ IP")
    command.add_argument("--from", dest="source", metavar="IP", help="cùng --lift: chỉ gỡ chặn từ nơi này")
    command.add_argument("--note", default="", help="vì sao gỡ chặn; bắt buộc cùng --lift khi không có văn bản")
    frame.add_session_options(command)
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    with frame.session(options) as connection:
        return _lift(connection, options) if options.lift else _list(connection, options)


def _list(connection: Session, options: argparse.Namespace) -> int:
    rows = connection.execute(
        "SELECT kind, login, owner, host(source), failures, began, ends FROM mail.lockouts_standing()"
    ).fetchall()
    found = [(Lockout(*row[:6]), row[6]) for row in rows]
    lines = [f"{one.at:%d/%m/%Y %H:%M:%S}  {one.text}; đến {ends:%d/%m %H:%M}" for one, ends in found]
    data = [
        {"kind": one.kind, "login": one.login, "owner": one.owner, "source": one.source}
        | {"failures": one.failures, "began": one.at, "ends": ends}
        for one, ends in found
    ]
    return frame.answer(options, False, "\n".join(lines) or "không có ai bị chặn", lockouts=data)


def _lift(connection: Session, options: argparse.Namespace) -> int:
    note = options.note.strip() or (f"theo văn bản {options.document}" if options.document else "")
    if not note:
        raise DatabaseError("gỡ chặn cần ghi chú (--note) hoặc văn bản (--document)")
    login, source = (None, options.lift) if _is_address(options.lift) else (options.lift, options.source)
    if source and not _is_address(source):
        raise DatabaseError(f"{source} không phải là địa chỉ IP")
    if login is None and options.source:
        raise DatabaseError("--from chỉ dùng khi --lift là một hộp thư")
    forgotten = one(connection, "SELECT mail.lockout_lift(%s, %s::text::inet, %s)", [login, source, note])[0]
    if forgotten is None:
        raise NoMailboxError(options.lift)
    text = f"đã gỡ chặn {options.lift}: {forgotten} lần sai không còn được tính"
    if not forgotten:
        text = f"{options.lift} không bị chặn"
    return frame.answer(options, bool(forgotten), text, failures=forgotten)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("/")[0])
    except ValueError:
        return False
    return True
