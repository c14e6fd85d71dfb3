"""What the commands of hanam-mail-db share: their common options, the session with the accounts, the answer.

    command = commands.add_parser("show", help="tình trạng một hộp thư")
    frame.add_session_options(command)
    command.set_defaults(run=_show)

    def _show(options: argparse.Namespace) -> int:
        with frame.session(options) as connection:
            ...
        return frame.answer(options, changed, "for people", for_programs=...)

What a command refuses it raises; command_line.py says it, in Vietnamese or as JSON, in one place.
"""

import argparse
import getpass
import json
import os
from typing import Any

from hanam_mail.host.database.errors import NoMailboxError
from hanam_mail.host.database.session import APPLY_DSN, Session, one

type Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_json_option(command: argparse.ArgumentParser) -> None:
    """--json, by which `answer` speaks to programs."""
    command.add_argument("--json", action="store_true", help="in JSON cho chương trình")


def add_session_options(command: argparse.ArgumentParser, *, check: bool = False) -> None:
    """The options that `session` and `answer` read; with `check` also --check."""
    command.add_argument("--dsn", default=APPLY_DSN)
    command.add_argument("--actor", default=os.environ.get("HANAM_ACTOR") or getpass.getuser(), help="người thực hiện")
    command.add_argument("--commit", default="", help="git commit của sổ đăng ký")
    command.add_argument("--document", default="", help="văn bản làm căn cứ, ví dụ 12/STTTT-VP")
    add_json_option(command)
    if check:
        command.add_argument("--check", action="store_true", help="chỉ cho biết sẽ thay đổi gì")


def session(options: argparse.Namespace) -> Session:
    """A new session with the accounts, whose writes the audit puts down to the actor, commit and document given."""
    import psycopg

    connection = psycopg.connect(options.dsn, application_name="hanam-mail-db")
    connection.execute(
        "SELECT set_config('hanam.actor', %s, false), set_config('hanam.git_commit', %s, false),"
        " set_config('hanam.document', %s, false)",
        [options.actor, options.commit, options.document],
    )
    # The settings belong to the session: the transactions that follow may roll back.
    connection.commit()
    return connection


def resolved(connection: Session, address: str) -> str | None:
    """The id of the mailbox behind an address, alias or id, None when there is none."""
    found = one(connection, "SELECT mail.resolve(%s)", [address])[0]
    return None if found is None else str(found)


def mailbox(connection: Session, address: str) -> str:
    """The same where there must be one; NoMailboxError when there is none."""
    found = resolved(connection, address)
    if found is None:
        raise NoMailboxError(address)
    return found


def answer(options: argparse.Namespace, changed: bool, text: str, **more: Any) -> int:
    """Say what was done and give exit code 0: `text` to people ("" says nothing), `changed` and `more` to programs."""
    if options.json:
        print(json.dumps({"changed": changed, **more}, ensure_ascii=False, default=str))
    elif text:
        print(text)
    return 0
