"""note-restore: a restore from the backup stands in the audit before anything is shown or changed (Đ4.6, Đ12.7).

Called by hanam-mail-restore on the host that restores. On the accounts host it comes as the operators' role, elsewhere
over the connection of the node's agent.
"""

import argparse
import json
import sys
from pathlib import Path

from hanam_mail.host import agent, frame
from hanam_mail.host.database.errors import DatabaseError
from hanam_mail.host.database.session import APPLY_DSN


def add_commands(commands: frame.Commands) -> None:
    """Add it to the parser of command_line.py."""
    command = commands.add_parser("note-restore", help="ghi một lần khôi phục từ bản sao lưu vào nhật ký")
    command.add_argument("key", help="mã hộp thư, all, hoặc tên cơ sở dữ liệu")
    command.add_argument("--operator", required=True, help="người khôi phục")
    command.add_argument("--document", required=True, help="số văn bản")
    command.add_argument("--agent", type=Path, help="tệp cấu hình của tác tử, khi cơ sở dữ liệu ở máy khác")
    command.set_defaults(run=_note, dsn=APPLY_DSN)


def _note(options: argparse.Namespace) -> int:
    import psycopg

    detail = json.load(sys.stdin)
    if not isinstance(detail, dict):
        raise DatabaseError("stdin phải là một đối tượng JSON")
    dsn = agent.AgentConfiguration.read(options.agent).dsn if options.agent else options.dsn
    with psycopg.connect(dsn, application_name="hanam-mail-restore", connect_timeout=10) as connection:
        row = connection.execute(
            "SELECT mail.restore_noted(%s, %s, %s, %s)",
            [options.key, options.operator, options.document, json.dumps(detail)],
        ).fetchall()[0]
    print(row[0])
    return 0
