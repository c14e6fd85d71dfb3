"""Commands of playbooks/purge.yml and open.yml on the hosts: purge-check, purge-mail, purge-account; open-mail."""

import argparse
import getpass
import json
import os
from pathlib import Path

from hanam_mail.host import frame, places
from hanam_mail.host.database import writers
from hanam_mail.host.database.errors import NoMailboxError
from hanam_mail.host.database.session import OWN_PATH, Session, one
from hanam_mail.host.purge import erase

_MAIL = f"host={places.ACCOUNTS_SOCKET_FOLDER} dbname=mail user={{}}"
# As its owner, since he may have planted what a deletion runs.
_WEBMAIL = f"host={places.ACCOUNTS_SOCKET_FOLDER} dbname=webmail user=webmail"


def add_commands(commands: frame.Commands) -> None:
    """Add them to the parser of command_line.py."""
    command = commands.add_parser("purge-check", help="hộp thư đã thu hồi có xóa dữ liệu được chưa (Đ6.2c)")
    command.add_argument("address")
    command.add_argument("--keep-days", type=int, required=True, help="số ngày giữ dữ liệu sau thu hồi")
    _common(command)
    command.set_defaults(run=_check)

    command = commands.add_parser("purge-mail", help="niêm phong rồi xóa thư của hộp thư đã thu hồi (trên máy lưu thư)")
    command.add_argument("mailbox")
    command.add_argument("--root", type=Path, required=True, help="nơi chứa các hộp thư")
    _sealing(command)
    _common(command)
    command.set_defaults(run=_mail)

    command = commands.add_parser("open-mail", help="niêm phong một bản sao thư để đọc theo văn bản (trên máy lưu thư)")
    command.add_argument("mailbox")
    command.add_argument("--opening", type=int, required=True, help="số mà hanam-mail-db open đã ghi")
    command.add_argument("--root", type=Path, required=True, help="nơi chứa các hộp thư")
    command.add_argument("--folder", type=Path, default=places.MAILBOXES_EXPORT_FOLDER)
    command.add_argument("--recipient", action="append", default=[], help="khóa công khai age của người vận hành")
    _common(command)
    command.set_defaults(run=_open)

    command = commands.add_parser("purge-account", help="niêm phong rồi xóa dữ liệu trang thư và mật khẩu của hộp thư")
    command.add_argument("address")
    command.add_argument("--keep-days", type=int, required=True)
    command.add_argument("--document", required=True, help="văn bản làm căn cứ")
    command.add_argument("--actor", default=os.environ.get("HANAM_ACTOR") or getpass.getuser())
    _sealing(command)
    _common(command)
    command.set_defaults(run=_account)


def _sealing(command: argparse.ArgumentParser) -> None:
    command.add_argument("--folder", type=Path, default=places.MAILBOXES_EXPORT_FOLDER)
    command.add_argument("--recipient", action="append", default=[], help="khóa công khai age của người vận hành")
    command.add_argument("--delete", action="store_true", help="xóa; không có thì chỉ niêm phong")


def _common(command: argparse.ArgumentParser) -> None:
    frame.add_json_option(command)
    command.add_argument("--check", action="store_true", help="chỉ cho biết sẽ làm gì")


def _candidate(connection: Session, address: str, keep_days: int) -> str:
    """The id of a mailbox whose data may go; raises PurgeRefused."""
    mailbox, today = one(connection, "SELECT mail.resolve(%s), current_date", [address])
    if mailbox is None:
        raise NoMailboxError(address)
    row = one(connection, "SELECT * FROM mail.purge_candidate(%s)", [mailbox])
    _, _, state, revoked_on, purged_at = row
    erase.check(address, state, revoked_on, purged_at is not None, today, keep_days)
    if held := one(connection, "SELECT mail.held_of(%s)", [mailbox])[0]:
        raise erase.PurgeRefused(
            f"hộp thư {address} còn {held} thư bị giữ chưa được quyết định: xem hanam-mail-db quarantine list"
        )
    return str(mailbox)


def _check(options: argparse.Namespace) -> int:
    import psycopg

    with psycopg.connect(_MAIL.format("mail_apply"), application_name="hanam-mail-purge") as connection:
        mailbox = _candidate(connection, options.address, options.keep_days)
    return _answer(options, [], mailbox)


def _home(options: argparse.Namespace) -> Path:
    if not options.mailbox.isalnum():
        raise erase.PurgeRefused(f"“{options.mailbox}” không phải mã hộp thư")
    home: Path = options.root / options.mailbox[:2] / options.mailbox
    return home


def _open(options: argparse.Namespace) -> int:
    archive = options.folder / f"{options.mailbox}.opening-{options.opening}.tar.age"
    home = _home(options)
    # Nobody but the recipients reads it, and no door of the mailbox was opened.
    done = not options.check and erase.export_home(home, archive, options.recipient)
    return _answer(options, [f"đã niêm phong bản sao thư vào {archive}"] if done else [], options.mailbox)


def _mail(options: argparse.Namespace) -> int:
    home = _home(options)
    archive = options.folder / f"{options.mailbox}.mail.tar.age"
    done = []
    if options.check:
        done = [f"sẽ niêm phong vào {archive} và xóa {home}"] if home.exists() else []
    elif options.delete:
        done = [f"đã xóa {home}"] if erase.delete_home(home, archive) else []
    elif erase.export_home(home, archive, options.recipient):
        done = [f"đã niêm phong {home} vào {archive}"]
    return _answer(options, done, options.mailbox)


def _account(options: argparse.Namespace) -> int:
    import psycopg

    with psycopg.connect(_MAIL.format("postgres"), options=OWN_PATH, application_name="hanam-mail-purge") as mail:
        mail.execute(
            "SELECT set_config('hanam.actor', %s, false), set_config('hanam.document', %s, false)",
            [options.actor, options.document],
        )
        mailbox = _candidate(mail, options.address, options.keep_days)
        archive = options.folder / f"{mailbox}.accounts.json.age"
        done = []
        with psycopg.connect(_WEBMAIL, application_name="hanam-mail-purge") as webmail:
            if options.check:
                done = [f"sẽ niêm phong vào {archive} và xóa dữ liệu trang thư, mật khẩu của {options.address}"]
            elif options.delete:
                if not erase.complete(archive):
                    raise erase.PurgeRefused(f"chưa có bản lưu nguyên vẹn {archive}: không xóa dữ liệu của {mailbox}")
                # First what may be refused: somebody may have opened the mailbox again since it was looked at.
                writers.confirmed(
                    mail,
                    "SELECT mail.mailbox_purge(%s)",
                    [mailbox],
                    f"hộp thư {options.address} không còn ở trạng thái đã thu hồi: chưa xóa gì",
                )
                webmail.execute("DELETE FROM users WHERE username = %s", [mailbox])
                webmail.commit()
                done = [f"đã xóa dữ liệu trang thư và mật khẩu của {options.address}"]
            elif erase.export_data(_record(mail, webmail, mailbox), archive, options.recipient):
                done = [f"đã niêm phong dữ liệu trang thư và hồ sơ vào {archive}"]
    return _answer(options, done, mailbox)


def _record(mail: Session, webmail: Session, mailbox: str) -> bytes:
    """The webmail's data, and the mailbox's own rows without its password."""
    (own,) = one(
        mail,
        "SELECT jsonb_build_object('mailbox', to_jsonb(m), 'addresses',"
        " (SELECT jsonb_agg(to_jsonb(a)) FROM mail.address a WHERE a.mailbox_id = m.id))"
        " FROM mail.mailbox m WHERE m.id = %s",
        [mailbox],
    )
    record = {**own, "webmail": erase.webmail_rows(webmail, mailbox)}
    return json.dumps(record, ensure_ascii=False, default=str).encode()


def _answer(options: argparse.Namespace, done: list[str], mailbox: str) -> int:
    text = "\n".join(done) or "không có gì phải làm"
    return frame.answer(options, bool(done), text, changes=done, mailbox=mailbox)
