"""The operator's commands on one mailbox, on the accounts host: lock, correct, restore, reset-password, open (Đ7, Đ12).

Each works at once on every node (outbox and agents) and stands in the audit with who, when and by which document. No
password is ever shown: a new one goes into a sealed handover file, on the disk before the transaction commits.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

from hanam_mail.host import frame
from hanam_mail.host.database import migrate, writers
from hanam_mail.host.database.errors import DatabaseError, NoMailboxError
from hanam_mail.host.database.session import Session, one
from hanam_mail.host.passwords import first_passwords, sealed_file


@dataclass(frozen=True)
class MailboxStatus:
    """What the commands need to know of a mailbox. `document` is that of a lock by command or job."""

    id: str
    name: str
    state: str
    agency: str
    agency_name: str
    address: str
    locked_by_registry: bool
    locked: bool
    document: str | None
    locked_by_person: str | None
    has_password: bool
    given_since_lock: bool


def add_commands(commands: frame.Commands) -> None:
    """Add them to the parser of command_line.py."""
    command = _add(commands, "lock", "tạm khóa hộp thư, có hiệu lực ngay trên mọi máy (Đ7.2)")
    command.add_argument("--reason", required=True, help="lý do trong danh sách của quy chế, ví dụ compromised")
    command.add_argument("--note", default="", help="ghi chú; bắt buộc khi chưa có văn bản")
    command.set_defaults(run=_lock)

    command = _add(commands, "correct", "mở một lần khóa nhầm chưa có văn bản, mật khẩu giữ nguyên (Đ7.2)")
    command.add_argument("--note", required=True, help="vì sao là nhầm; ghi vào nhật ký")
    command.add_argument(
        "--of-person", action="store_true", help="lần khóa nhầm do một người ra lệnh, không phải hệ thống tự khóa"
    )
    command.set_defaults(run=_correct)

    text = "ghi nhận việc đọc thư theo văn bản (Đ4.6); bản sao thư do playbooks/open.yml lấy"
    command = _add(commands, "open", text)
    command.add_argument("--note", required=True, help="vì sao phải đọc; ghi vào nhật ký, báo cho chủ hộp thư")
    command.set_defaults(run=_open)

    text = "khôi phục hộp thư theo văn bản: mở khóa, cấp mật khẩu mặc định mới (Đ7.3)"
    command = _add(commands, "restore", text)
    command.add_argument("--verified", required=True, help="họ tên người đã kiểm tra yêu cầu")
    _sealed(command)
    command.set_defaults(run=_restore)

    text = "cấp mật khẩu mặc định mới cho người quên hoặc lộ mật khẩu (Đ12.3)"
    command = _add(commands, "reset-password", text)
    command.add_argument("--verified", required=True, help="ai đã xác minh người yêu cầu và bằng cách nào")
    command.add_argument(
        "--leaked", action="store_true", help="mật khẩu bị lộ: tạm khóa ngay trước khi cấp lại (Đ7.2b)"
    )
    _sealed(command)
    command.set_defaults(run=_reset)


def _add(commands: frame.Commands, name: str, text: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text)
    command.add_argument("address", help="địa chỉ, bí danh hoặc mã hộp thư")
    frame.add_session_options(command)
    return command


# Apply knows by its document that the event was carried out: the owner keeps his password.
_TO_WRITE = "hãy ghi sự kiện restore với đúng số văn bản này vào sổ đăng ký"


def _sealed(command: argparse.ArgumentParser) -> None:
    command.add_argument("--handover-folder", type=Path, default=sealed_file.FOLDER, help="nơi ghi tệp bàn giao")


def find(connection: Session, address: str) -> MailboxStatus:
    """The mailbox behind an address, alias or id; DatabaseError when there is none."""
    row = connection.execute(
        "SELECT m.id, m.name, mail.mailbox_state(m.id), coalesce(g.code, ''), coalesce(g.name, ''),"
        " a.local_part || '@' || mail.setting_text('mail_domain'), m.state = 'locked', l.mailbox_id IS NOT NULL,"
        " l.document, CASE WHEN NOT l.automatic THEN l.locked_by END, c.mailbox_id IS NOT NULL,"
        " coalesce(c.is_default AND c.given_at >= l.locked_at, false)"
        " FROM mail.mailbox m LEFT JOIN mail.agency g ON g.id = m.agency_id"
        " LEFT JOIN mail.address a ON a.mailbox_id = m.id AND a.kind = 'primary'"
        " LEFT JOIN mail.lock_state l ON l.mailbox_id = m.id LEFT JOIN mail.credential c ON c.mailbox_id = m.id"
        " WHERE m.id = mail.resolve(%s)",
        [address],
    ).fetchone()
    if row is None:
        raise NoMailboxError(address)
    found = MailboxStatus(*row)
    if found.state == "revoked":
        raise DatabaseError(f"{address} đã bị thu hồi")
    return found


def _in_session(work: Callable[[Session, argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """Decorates a command: it gets a session, and is done anew when another writer came between."""

    @wraps(work)
    def run(options: argparse.Namespace) -> int:
        with frame.session(options) as connection:
            # Each transaction of a command is one of its own and commits at its end, whatever becomes of the next.
            connection.autocommit = True
            return writers.repeated(work)(connection, options)

    return run


def _held(connection: Session, address: str) -> MailboxStatus:
    """The same for a transaction that goes by what it is told: nobody changes the mailbox until its end."""
    writers.hold(connection, address)
    return find(connection, address)


@_in_session
def _lock(connection: Session, options: argparse.Namespace) -> int:
    if not options.document and not options.note.strip():
        raise DatabaseError("cần văn bản (--document) hoặc ghi chú (--note) cho việc tạm khóa")
    mailbox = find(connection, options.address)
    row = one(connection, "SELECT mail.mailbox_lock(%s, %s, %s)", [mailbox.id, options.reason, options.note])
    text = f"đã tạm khóa {mailbox.address} ({mailbox.id})" if row[0] else f"{mailbox.address} đã bị khóa từ trước"
    return frame.answer(options, row[0], f"{text}; hãy ghi sự kiện lock vào sổ đăng ký", mailbox=mailbox.id)


@_in_session
def _correct(connection: Session, options: argparse.Namespace) -> int:
    with connection.transaction():
        mailbox = _held(connection, options.address)
        if mailbox.document:
            raise DatabaseError(
                f"{mailbox.address} bị khóa theo văn bản {mailbox.document}: mở bằng restore, theo văn bản (Đ7.3)"
            )
        if mailbox.locked_by_person and not options.of_person:
            raise DatabaseError(
                f"{mailbox.address} không bị khóa tự động mà do {mailbox.locked_by_person} khóa: hỏi người đó, nếu "
                "đúng là nhầm thì thêm --of-person"
            )
        row = one(connection, "SELECT mail.mailbox_correct(%s, %s, %s)", [mailbox.id, options.note, options.of_person])
    text = f"đã mở khóa {mailbox.address} (đính chính)" if row[0] else f"{mailbox.address} không bị hệ thống khóa"
    if mailbox.locked_by_registry:
        text += "; vẫn tạm khóa theo văn bản trong sổ đăng ký"
    return frame.answer(options, row[0], text, mailbox=mailbox.id)


@_in_session
def _open(connection: Session, options: argparse.Namespace) -> int:
    if not options.document.strip() or not options.note.strip():
        raise DatabaseError("cần văn bản cho phép đọc hộp thư (--document) và lý do (--note) (Đ4.6, Đ12.7)")
    mailbox = find(connection, options.address)
    row = one(connection, "SELECT mail.mailbox_open(%s, %s)", [mailbox.id, options.note])
    text = f"đã ghi lần đọc số {row[0]} hộp thư {mailbox.address} ({mailbox.id}); chủ hộp thư được báo"
    return frame.answer(options, True, text, mailbox=mailbox.id, opening=row[0])


@_in_session
def _restore(connection: Session, options: argparse.Namespace) -> int:
    if not options.document:
        raise DatabaseError("cần văn bản đề nghị khôi phục của cơ quan (--document, Đ7.3)")
    with connection.transaction():
        mailbox = _held(connection, options.address)
        if mailbox.locked_by_registry:
            raise DatabaseError(
                f"{mailbox.address} bị khóa theo sổ đăng ký: ghi sự kiện restore vào sổ; áp dụng sẽ mở khóa, cấp mật "
                "khẩu"
            )
        if not mailbox.locked:
            raise DatabaseError(f"{mailbox.address} không bị tạm khóa")
        writers.confirmed(
            connection, "SELECT mail.mailbox_restore(%s)", [mailbox.id], f"{mailbox.address} không bị tạm khóa"
        )
        file = None
        if not mailbox.has_password or mailbox.given_since_lock:
            # An agency's mailbox has none; after a leak the new one was given when it was locked.
            if mailbox.has_password:
                connection.execute("SELECT mail.password_verified(%s, %s)", [mailbox.id, options.verified])
        else:
            file = give(connection, mailbox, options, "restore")
    told = f"; mật khẩu mới nằm trong tệp niêm phong {file}" if file else ""
    text = f"đã khôi phục {mailbox.address}{told}; {_TO_WRITE}"
    return frame.answer(options, True, text, mailbox=mailbox.id, handover=str(file) if file else None)


@_in_session
def _reset(connection: Session, options: argparse.Namespace) -> int:
    mailbox = find(connection, options.address)
    if not mailbox.has_password:
        raise DatabaseError(f"{mailbox.address} không có mật khẩu riêng (hộp thư cơ quan do văn thư mở)")
    if options.leaked:
        # First of all, and whatever happens to the rest: nobody gets in with the leaked one.
        connection.execute(
            "SELECT mail.mailbox_lock(%s, 'compromised', %s)", [mailbox.id, f"lộ mật khẩu; {options.verified}"]
        )
    try:
        with connection.transaction():
            mailbox = _held(connection, options.address)
            if mailbox.state == "locked" and not options.leaked:
                raise DatabaseError(f"{mailbox.address} đang tạm khóa: dùng restore khi có văn bản, hoặc --leaked")
            file = give(connection, mailbox, options, "reset")
    except sealed_file.HandoverError as error:
        if options.leaked:
            text = f"{mailbox.address} đã bị tạm khóa (Đ7.2b), nhưng chưa cấp được mật khẩu mới: {error}"
            raise sealed_file.HandoverError(text) from error
        raise
    text = f"đã cấp lại mật khẩu của {mailbox.address}; mật khẩu mới nằm trong tệp niêm phong {file}"
    if options.leaked:
        text += "; hộp thư đang tạm khóa, mở bằng restore khi có văn bản (Đ7.3)"
    return frame.answer(options, True, text, mailbox=mailbox.id, handover=str(file))


def give(connection: Session, mailbox: MailboxStatus, options: argparse.Namespace, event: str) -> Path:
    """Give a new default password in the caller's transaction; the sealed file that holds it.

    The file is on the disk before the commit; a failed commit leaves a file that opens nothing, or none.
    """
    settings: dict[str, Any] = dict(connection.execute("SELECT name, value FROM mail.setting").fetchall())
    migrate.sound(settings)
    recipients = settings["handover_recipients"]
    sealed_file.check_recipients(recipients)
    password = first_passwords.new(first_passwords.PasswordRule.of(settings))
    slip = sealed_file.Slip(mailbox.agency, mailbox.agency_name, mailbox.address, mailbox.name, password, event)
    text = sealed_file.text([slip], by=options.actor, commit=options.commit, domain=settings["mail_domain"])
    name = sealed_file.new_name()
    writers.confirmed(
        connection,
        "SELECT mail.first_passwords_give(%s, %s, %s) = 1",
        [[mailbox.id], first_passwords.hashes([password]), name],
        f"cơ sở dữ liệu không nhận mật khẩu của {mailbox.address}; chưa thay đổi gì",
    )
    connection.execute("SELECT mail.password_verified(%s, %s)", [mailbox.id, options.verified])
    return sealed_file.write(name, sealed_file.seal(text, recipients), options.handover_folder)
