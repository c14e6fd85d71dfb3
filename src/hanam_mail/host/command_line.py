"""What runs on the hosts, out of the zipapp: standard library, argon2, dnspython, psycopg and PyYAML only.

    hanam-mail-db migrate        roles, databases, migrations, functions, settings (as postgres)
    hanam-mail-db apply FILE     the registry's desired state
    hanam-mail-db lock ADDRESS   and the operator's other commands
    hanam-mail-db agent FILE     the node's agent

Programs read JSON (--json, or always for migrate and apply); people read Vietnamese. Exit 0: done, 1:
refused, with the reason; 2: wrong usage.
"""

import argparse
import gzip
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hanam_mail import option_texts
from hanam_mail.host import (
    agent,
    collectors,
    complaints,
    frame,
    maintenance,
    operator_commands,
    places,
    private_services,
    restores,
    second_factor,
    show,
    unopened,
)
from hanam_mail.host.database import apply, migrate
from hanam_mail.host.database.errors import DatabaseError, NoMailboxError
from hanam_mail.host.database.session import Session, one
from hanam_mail.host.jobs import collectors as collectors_job
from hanam_mail.host.jobs import job_commands, lockouts
from hanam_mail.host.mail import (
    deleted_bound,
    dkim_published,
    first_folders,
    hold_queue,
    learn,
    search_index,
    sieve_check,
    sieve_mail,
    sieve_session,
)
from hanam_mail.host.passwords import sealed_file
from hanam_mail.host.purge import erase, purge_commands
from hanam_mail.host.quarantine import commands as quarantine_commands
from hanam_mail.host.quarantine import service as quarantine_service
from hanam_mail.host.reports import incoming_show, outgoing_commands
from hanam_mail.host.settings_file import ConfigurationError
from hanam_mail.plan import accounts, wording
from hanam_mail.plan.model import Allowed, Limit

ADMIN_DSN = f"host={places.ACCOUNTS_SOCKET_FOLDER} user=postgres"
MIGRATE_DSN = f"host={places.ACCOUNTS_SOCKET_FOLDER} user=mail_migrate"


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the zipapp."""
    option_texts.give_to_argparse()
    options = parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except accounts.ApplyRefused as error:
        return _refuse(options, error.errors)
    except (
        DatabaseError,
        ConfigurationError,
        sealed_file.HandoverError,
        erase.PurgeRefused,
    ) as error:
        return _refuse(options, [str(error)])
    except Exception as error:
        # What PostgreSQL says is for the operator; a bug keeps its traceback.
        if type(error).__module__.startswith("psycopg"):
            return _refuse(options, [_said(error)])
        raise


def _said(error: Any) -> str:
    """The database's own sentence, without the places in its functions where it came up (CONTEXT)."""
    diagnosis = getattr(error, "diag", None)
    parts = (diagnosis.message_primary, diagnosis.message_detail, diagnosis.message_hint) if diagnosis else ()
    return " ".join(part for part in parts if part) or str(error).strip()


def _refuse(options: argparse.Namespace, errors: Sequence[str]) -> int:
    if getattr(options, "json", False):
        print(json.dumps({"changed": False, "failed": True, "errors": list(errors)}, ensure_ascii=False))
    for error in errors:
        print(f"hanam-mail-db: {error}", file=sys.stderr)
    return 1


def parser() -> argparse.ArgumentParser:
    """All commands of the hosts."""
    program = argparse.ArgumentParser(prog="hanam-mail-db", description="Cơ sở dữ liệu tài khoản thư điện tử công vụ")
    commands = program.add_subparsers(required=True, metavar="LỆNH")

    command = commands.add_parser("migrate", help="tạo, nâng cấp cơ sở dữ liệu (đọc JSON từ stdin, chạy bằng postgres)")
    command.add_argument("--check", action="store_true", help="chỉ cho biết sẽ thay đổi gì")
    command.add_argument("--admin-dsn", default=ADMIN_DSN)
    command.add_argument("--migrate-dsn", default=MIGRATE_DSN)
    command.set_defaults(run=_migrate, json=True)

    command = commands.add_parser("apply", help="đưa sổ đăng ký hộp thư vào cơ sở dữ liệu")
    command.add_argument("file", type=Path, help="tài liệu JSON, có thể nén gzip; - là stdin")
    command.add_argument(
        "--allow-removals", action="store_true", help="cho phép thu hồi nhiều hộp thư hơn ngưỡng trong một lần"
    )
    command.add_argument(
        "--allow-vanished", action="store_true", help="cho phép mục đã mất khỏi sổ đăng ký: hộp thư của nó bị thu hồi"
    )
    command.add_argument("--allow-shrink", action="store_true", help="cho phép giảm dung lượng")
    command.add_argument(
        "--recipient", action="append", default=[], help="khóa công khai age của người vận hành (nhiều lần được)"
    )
    command.add_argument("--handover-folder", type=Path, default=sealed_file.FOLDER, help="nơi ghi tệp bàn giao")
    command.add_argument("--limit-percent", type=float, required=True)
    command.add_argument("--limit-count", type=int, required=True)
    command.add_argument(
        "--brief", type=int, metavar="N", help="chỉ in N mục đầu của mỗi nhóm (0: tất cả), không in dữ liệu"
    )
    frame.add_session_options(command, check=True)
    command.set_defaults(run=_apply, json=True)

    command = commands.add_parser(
        "set-passwords",
        help="chỉ trong phòng thử nghiệm, bằng postgres: đặt mật khẩu chọn sẵn, JSON {địa chỉ: mật khẩu} từ stdin",
    )
    command.add_argument("--must-change", action=argparse.BooleanOptionalAction, default=True)
    command.add_argument("--if-different", action="store_true")
    command.add_argument("--again", action="store_true", help="kể cả mật khẩu đã dùng trước đây")
    command.add_argument("--known-only", action="store_true", help="bỏ qua địa chỉ không có hộp thư")
    frame.add_session_options(command, check=True)
    # No role but the owner's may choose passwords, and that one only where the inventory lets it.
    command.set_defaults(run=_set_passwords, dsn=f"{ADMIN_DSN} dbname=mail")

    command = commands.add_parser("show", aliases=["status"], help="tình trạng một hộp thư")
    command.add_argument("address")
    frame.add_session_options(command)
    command.set_defaults(run=_show)

    command = commands.add_parser("agent", help="tác tử của nút: nghe thay đổi và báo cho Dovecot")
    command.add_argument("file", type=Path)
    command.set_defaults(run=_agent)

    operator_commands.add_commands(commands)
    job_commands.add_commands(commands)
    lockouts.add_commands(commands)
    second_factor.add_commands(commands)
    maintenance.add_commands(commands)
    private_services.add_commands(commands)
    collectors.add_commands(commands)
    unopened.add_commands(commands)
    complaints.add_commands(commands)
    collectors_job.add_commands(commands)
    incoming_show.add_commands(commands)
    purge_commands.add_commands(commands)
    quarantine_commands.add_commands(commands)
    quarantine_service.add_commands(commands)
    restores.add_commands(commands)
    sieve_mail.add_commands(commands)
    sieve_session.add_commands(commands)
    hold_queue.add_commands(commands)
    dkim_published.add_commands(commands)
    first_folders.add_commands(commands)
    learn.add_commands(commands)
    deleted_bound.add_commands(commands)
    search_index.add_commands(commands)
    sieve_check.add_commands(commands)
    outgoing_commands.add_commands(commands)
    return program


def _migrate(options: argparse.Namespace) -> int:
    wanted = migrate.WantedDatabase.read(sys.stdin.read())
    changes = migrate.migrate(wanted, check=options.check, admin=options.admin_dsn, owner=options.migrate_dsn)
    print(json.dumps(migrate.summary(changes, check=options.check), ensure_ascii=False))
    return 0


def _apply(options: argparse.Namespace) -> int:
    data = sys.stdin.buffer.read() if str(options.file) == "-" else options.file.read_bytes()
    want = accounts.read(gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data)
    given = apply.Options(
        recipients=options.recipient,
        limit=Limit(options.limit_percent, options.limit_count),
        allowed=Allowed(options.allow_removals, options.allow_vanished, options.allow_shrink),
        check=options.check,
        actor=options.actor,
        commit=options.commit,
        folder=options.handover_folder,
    )
    with frame.session(options) as connection:
        done = apply.run(connection, want, given)
    answer = done.plan.as_dict() if options.brief is None else {"changed": done.plan.changed}
    answer |= {
        "check": options.check,
        "lines": wording.lines(done.plan, limit=options.brief or None, everything=options.brief == 0)
        + [_orphan(path) for path in done.orphans],
        "warnings": wording.warnings(done.plan),
        "handover": str(done.file) if done.file else None,
    }
    print(json.dumps(answer, ensure_ascii=False, default=str))
    return 0


def _orphan(path: Path) -> str:
    return f"  ! {path}: tệp bàn giao của lần chạy bị ngắt giữa chừng; mật khẩu trong đó không có hiệu lực, hãy xóa tệp"


def _set_passwords(options: argparse.Namespace) -> int:
    data = json.load(sys.stdin)
    if not isinstance(data, dict):
        raise DatabaseError("stdin phải là một đối tượng JSON {địa chỉ: mật khẩu}")
    changed, unknown = [], []
    with frame.session(options) as connection, connection.transaction(force_rollback=options.check):
        for address, password in data.items():
            mailbox = frame.resolved(connection, address)
            if mailbox is None and options.known_only:
                unknown.append(address)
                continue
            if mailbox is None:
                raise NoMailboxError(address)
            if _set_password(connection, mailbox, password, options):
                changed.append(address)
    text = f"đã đặt mật khẩu: {', '.join(changed)}" if changed else "mật khẩu không thay đổi"
    return frame.answer(options, bool(changed), text, addresses=changed, unknown=unknown)


def _set_password(connection: Session, mailbox: str, password: str, options: argparse.Namespace) -> bool:
    """Whether the mailbox has another password now. `--again`: what it had before is no reason against this one."""
    import psycopg

    with connection.transaction() as attempt:
        if options.again:
            connection.execute("DELETE FROM mail.password_history WHERE mailbox_id = %s", [mailbox])
        changed = bool(
            one(
                connection,
                "SELECT mail.password_set(%s, %s, %s, %s)",
                [mailbox, password, options.must_change, options.if_different],
            )[0]
        )
        if not changed:
            raise psycopg.Rollback(attempt)
    return changed


def _show(options: argparse.Namespace) -> int:
    with frame.session(options) as connection:
        data = show.facts(connection, frame.mailbox(connection, options.address))
    return frame.answer(options, False, show.describe(data), **data)


def _agent(options: argparse.Namespace) -> int:
    agent.run(agent.AgentConfiguration.read(options.file))
    return 0
