"""A database's dump into a new database beside the present one; which of them is used is the operator's step."""

import json
import re
import subprocess
import sys
from typing import Any

from hanam_mail.host import places
from hanam_mail.host.backup.restic import FULL, Snapshot, require_repository, restic, restic_environment, snapshots
from hanam_mail.host.backup.restore_arguments import Arguments
from hanam_mail.host.backup.restore_which import agreed, candidates, log, note_in_journal, record
from hanam_mail.host.backup.settings import BackupError, Config

LOGIN = (f"--host={places.ACCOUNTS_SOCKET_FOLDER}", "--username=postgres")
ACCOUNTS = "mail"

# What somebody decided since the backup and what would be undone: a mailbox that was locked opens again, a leaked
# password works again, a held message that went out is held. What the registry knows comes back by itself with the next
# apply.
SINCE = """
    select coalesce(json_agg(json_build_object(
        'at', to_char(a.at, 'DD/MM/YYYY HH24:MI'), 'object', a.object, 'action', a.action, 'actor', a.actor,
        'document', coalesce(a.document, a.after ->> 'document', ''),
        'reason', coalesce(a.after, a.before) ->> 'reason',
        'note', a.after ->> 'note', 'given', a.after ? 'given_at', 'purged', a.after ? 'purged_at',
        'key', a.key, 'decision', a.after ->> 'decision',
        'address', coalesce((select d.local_part || '@' || mail.setting_text('mail_domain') from mail.address d
                             where d.mailbox_id = a.key and d.kind = 'primary'), a.key)) order by a.seq), '[]')
    from mail.audit a
    where a.seq > {seq} and (a.object = 'lock_state' or (a.object = 'credential' and a.after ? 'changed_at')
                             or (a.object = 'mailbox' and a.after ? 'purged_at')
                             or (a.object = 'held' and a.after ? 'decision'))
"""


# Held messages newer than the backup are taken in again from their files, under new numbers: letters and documents name
# the former ones, which must never mean another message. So do letters about people's reports. A backup of before has
# no such tables.
NUMBERS = """
    do $$ begin
        if to_regclass('mail.held_message') is not null then
            perform setval(pg_get_serial_sequence('mail.held_message', 'id'),
                           (select coalesce(max(id), 0) + 100000 from mail.held_message));
        end if;
        if to_regclass('mail.user_report') is not null then
            perform setval(pg_get_serial_sequence('mail.user_report', 'number'),
                           (select coalesce(max(number), 0) + 100000 from mail.user_report));
        end if;
    end $$
"""


def run(command: list[str], **options: Any) -> str:
    done = subprocess.run(command, stderr=subprocess.PIPE, check=False, **options)
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").strip()[-1500:]
        raise BackupError(f"{command[0]} thất bại: {words}", f"{command[0]} failed: {words}")
    return done.stdout.decode() if done.stdout else ""


def query(database: str, statement: str) -> str:
    words = ["psql", "-X", "-qAt", "--set=ON_ERROR_STOP=1", *LOGIN, f"--dbname={database}", f"--command={statement}"]
    return run(words, stdout=subprocess.PIPE).strip()


def told(row: dict[str, Any]) -> str:
    """One line of what would be undone, and how to do it again."""
    address, document = row["address"], row["document"]
    paper = f", văn bản {document}" if document else ""
    if row["object"] == "held":
        address = f"thư bị giữ số {row['key']}"
        what = "quyết định gửi đi" if row["decision"] == "release" else "quyết định hủy"
        again = "thư lại là đang giữ; đã gửi hoặc hủy rồi thì quyết định lại: hanam-mail-db quarantine drop"
    elif row["object"] == "mailbox":
        what, again = "xóa hẳn dữ liệu", "xóa lại: playbooks/purge.yml"
    elif row["object"] == "credential":
        what = "cấp mật khẩu mặc định" if row["given"] else "chủ hộp thư đổi mật khẩu"
        again = f"mật khẩu cũ lại dùng được; nếu đã lộ: hanam-mail-db reset-password {address} --leaked"
    elif row["action"] == "delete":
        what, again = "mở khóa", "hộp thư bị khóa lại; mở bằng restore hoặc correct"
    else:
        note = (row["note"] or "khóa lại sau khi trả cơ sở dữ liệu").replace("'", "")
        what = f"tạm khóa ({row['reason'] or 'đổi lý do, ghi chú'})"
        again = f"khóa lại: hanam-mail-db lock {address} --reason {row['reason'] or '...'} --note '{note}'"
        again += f" --document {document}" if document else ""
    return f"{row['at']}  {address}: {what}, người thực hiện {row['actor']}{paper}\n    {again}"


def undone(arguments: Arguments) -> None:
    """List the locks and passwords that the restored accounts do not know, and ask."""
    try:
        seq = int(query(arguments.into, "select coalesce(max(seq), 0) from mail.audit"))
        rows = json.loads(query(ACCOUNTS, SINCE.format(seq=seq)))
    except BackupError as error:
        print(
            f"Không so sánh được với cơ sở dữ liệu hiện tại: {error.vietnamese}\n"
            f"The present database cannot be compared: {error.english}",
            file=sys.stderr,
        )
        return
    if not rows:
        print("Từ bản sao lưu đến nay không có lần khóa hay đổi mật khẩu nào.\nNo lock or password has changed since.")
        return
    print("Những việc sau được làm sau bản sao lưu và mất hiệu lực khi đổi sang cơ sở dữ liệu khôi phục:")
    print("\n".join(told(row) for row in rows))
    agreed(
        arguments,
        f"{len(rows)} lần khóa, mở khóa, đổi mật khẩu, xóa dữ liệu, quyết định trên sẽ mất hiệu lực; ghi để làm lại",
        f"{len(rows)} changes of locks, passwords, purges and decisions above would be undone",
    )


def restore_database(config: Config, arguments: Arguments) -> int:
    if arguments.database not in config.databases:
        raise BackupError(
            f"máy này không sao lưu cơ sở dữ liệu {arguments.database}",
            f"this host backs up no database {arguments.database}",
        )
    if not arguments.into or not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", arguments.into):
        raise BackupError("cần --into TÊN_MỚI (a-z, 0-9, _)", "--into NEW_NAME is needed (a-z, 0-9, _)", 2)
    require_repository(config)
    full = [snapshot for snapshot in snapshots(config, "--tag", FULL) if config.dumps in snapshot.paths]
    snapshot = candidates(full, arguments.snapshot, arguments.at)[0]
    recorded(config, arguments, snapshot)
    load(config, arguments, snapshot)
    if arguments.database == ACCOUNTS:
        try:
            undone(arguments)
            query(arguments.into, NUMBERS)
        except BackupError:
            run(["dropdb", *LOGIN, arguments.into])
            raise
    log(arguments, f"database {arguments.database} from {snapshot} into {arguments.into}")
    print(
        f"Đã khôi phục cơ sở dữ liệu {arguments.database} từ bản sao lưu {snapshot} vào {arguments.into}.\n"
        f"Restored database {arguments.database} from snapshot {snapshot.short} into {arguments.into}."
    )
    return 0


def recorded(config: Config, arguments: Arguments, snapshot: Snapshot) -> None:
    """The audit is a table of the database that may be what is broken: then the journal has to do."""
    key, detail = f"database {arguments.database}", {"snapshot": snapshot.id, "into": arguments.into}
    try:
        record(config, arguments, key, detail)
    except BackupError as error:
        note_in_journal(arguments, key, detail, error.vietnamese, str(error))


def load(config: Config, arguments: Arguments, snapshot: Snapshot) -> None:
    dump = f"{config.dumps}/{arguments.database}.dump"
    # It loads the index: where that is damaged, it is mended before there is a database.
    restic(config, "ls", "--quiet", snapshot.id, dump)
    run(["createdb", *LOGIN, "--template=template0", arguments.into])
    reader = subprocess.Popen(
        ["/usr/bin/restic", "dump", "--quiet", snapshot.id, dump],
        env=restic_environment(config),
        stdout=subprocess.PIPE,
    )
    try:
        # Names of roles are the same on every installation.
        run(["pg_restore", *LOGIN, "--exit-on-error", f"--dbname={arguments.into}"], stdin=reader.stdout)
        if reader.wait() != 0:
            raise BackupError(f"restic dump {snapshot} thất bại", f"restic dump of {snapshot} failed")
    except BackupError:
        reader.kill()
        run(["dropdb", *LOGIN, arguments.into])
        raise
