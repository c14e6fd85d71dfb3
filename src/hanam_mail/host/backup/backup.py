"""hanam-mail-backup: sao lưu ngay, hoặc cho biết tình trạng sao lưu của máy này.

The work itself (--run) is done by hanam-backup.service as a user of its own, who can read every file and
write none.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hanam_mail import atomic_file
from hanam_mail.host import places, search_places
from hanam_mail.host.backup.restic import FOLLOWUP, FULL, messages, require_repository, restic, snapshots
from hanam_mail.host.backup.settings import STATUS, UNIT, BackupError, Config, late, load_config
from hanam_mail.host.backup.times import now, parse_time, shown
from hanam_mail.host.mail_home import DELETED, DRAFTS, FORMER, MAILDIR, SDBOX
from hanam_mail.host.output import human
from hanam_mail.vietnamese import size

# Folders of messages in a home: of sdbox, and of a Maildir that is not converted yet.
MESSAGES = frozenset(("dbox-Mails", "cur", "new"))
FOLLOWUPS = 3
"""How often what changed during a pass is taken again."""

# Dovecot makes its caches again, and the list of folders. The indexes are kept: flags are nowhere else. A lock of then
# would keep a restored mailbox waiting. Each by its whole place, since a folder bears the name that its owner gave it.
_AGAIN = (
    *(
        f"{folder}/{name}"
        for folder in (f"{SDBOX}/**/dbox-Mails", f"{DELETED}/**/dbox-Mails", MAILDIR, f"{MAILDIR}/.*")
        for name in ("dovecot.index.cache*", "*.lock", "*.newlock")
    ),
    *(f"{folder}/dovecot.list.index*" for folder in (SDBOX, DELETED, MAILDIR)),
    f"{SDBOX}/*.lock",
    f"{DELETED}/*.lock",
    "*.lock",
    *search_places.BELOW_A_HOME,
)
NOT_MAIL = (".*", *(f"??/*/{place}" for place in (*_AGAIN, *DRAFTS.values(), *FORMER.values())))
"""What below the store is in no backup, as restic's patterns: what is being restored, what Dovecot makes again, what
a conversion is making or has left."""

# --- the work -------------------------------------------------------------------------------------


def dump(config: Config, database: str, target: Path) -> None:
    """Write one database's dump; the former one stays until the new one is whole.

    Not compressed: restic does that, and finds what is the same as last time.
    """
    new = target.with_suffix(".new")
    options = [
        f"--host={places.ACCOUNTS_SOCKET_FOLDER}",
        f"--username={config.database_role}",
        "--no-password",
        f"--file={new}",
    ]
    if database:
        command = ["pg_dump", "--format=custom", "--compress=0", *options, f"--dbname={database}"]
    else:
        # Roles and their rights; their passwords are in the vault.
        command = [
            "pg_dumpall",
            "--globals-only",
            "--no-role-passwords",
            *options,
            f"--database={config.databases[0]}",
        ]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        new.unlink(missing_ok=True)
        what = database or "các vai trò / roles"
        raise BackupError(
            f"không kết xuất được cơ sở dữ liệu {what}: {done.stderr.strip()}",
            f"database {what} cannot be dumped: {done.stderr.strip()}",
        )
    new.rename(target)


def write_journal(config: Config, target: Path) -> None:
    """Who signed in, from where, and what operators did: the lines of mail and authorisation of the last days.

    The journal itself is no file for a backup: each line changes it in many places.
    """
    new = target.with_suffix(".new")
    with new.open("wb") as file:
        done = subprocess.run(
            ["journalctl", "--quiet", "--output=short-iso-precise", f"--since=-{config.journal_days}d",
             # As in syslog.h: mail, auth, authpriv.
             "SYSLOG_FACILITY=2", "SYSLOG_FACILITY=4", "SYSLOG_FACILITY=10"],
            stdout=file, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    # An empty selection is no fault of journalctl's, but its exit status is 1.
    if done.returncode != 0 and done.stderr:
        new.unlink()
        raise BackupError(
            f"không đọc được nhật ký hệ thống: {done.stderr.strip()}",
            f"the journal cannot be read: {done.stderr.strip()}",
        )
    new.rename(target)


def homes(root: Path) -> Iterator[Path]:
    """Every mailbox's home: two letters, then the id."""
    for shelf in root.iterdir():
        if not shelf.name.startswith(".") and shelf.is_dir():
            yield from (home for home in shelf.iterdir() if home.is_dir())


def touched(root: Path, since: float) -> list[Path]:
    """Homes in which messages came, went or were renamed since then: it changes the time of the folder they lie in."""

    def changed(home: Path) -> bool:
        for place, folders, _ in os.walk(home):
            for name in MESSAGES.intersection(folders):
                with suppress(FileNotFoundError):
                    if (Path(place) / name).stat().st_mtime >= since:
                        return True
            # As many files as messages, and no folder.
            folders[:] = [name for name in folders if name != "dbox-Mails"]
        return False

    return sorted(home for home in homes(root) if changed(home))


def back_up(config: Config, tag: str, paths: Sequence[str]) -> dict[str, Any]:
    """One snapshot; restic's summary of it. What vanished while it was read is no error of mail or of a queue."""
    changing = tuple(f"{root}/" for root in (config.mail_root, *config.paths) if root)
    listing = Path(config.dumps).parent / "paths"
    listing.write_bytes(b"".join(path.encode(errors="surrogateescape") + b"\0" for path in paths))
    excludes = [f"--exclude={config.mail_root}/{place}" for place in NOT_MAIL] if config.mail_root else []
    done = restic(
        config, "backup", "--json", "--no-scan", "--tag", tag, "--files-from-raw", str(listing),
        *excludes,
        accept=(0, 3),
    )  # fmt: skip
    said = messages(done)
    lost = [
        message
        for message in said
        if message["message_type"] == "error"
        and not (
            str(message.get("item", "")).startswith(changing) and "no such file" in str(message["error"].get("message"))
        )
    ]
    if lost or (done.returncode == 3 and not changing):
        words = "; ".join(f"{message.get('item')}: {message['error'].get('message')}" for message in lost[:5])
        raise BackupError(f"có tệp không sao lưu được: {words}", f"files could not be backed up: {words}")
    summaries = [message for message in said if message["message_type"] == "summary"]
    return dict(summaries[-1])


def run(config: Config) -> int:
    """Everything of this host, then again what moved meanwhile."""
    started = now()
    status: dict[str, Any] = {"result": "failed", "started": started.isoformat(), "errors": []}
    folder = Path(config.dumps)
    folder.mkdir(mode=0o700, exist_ok=True)
    try:
        require_repository(config)
        # Databases first: an account without its mail is nothing unusual, mail without its account would be.
        for database in (*config.databases, "") if config.databases else ():
            try:
                dump(config, database, folder / f"{database or 'globals'}.{'dump' if database else 'sql'}")
            except BackupError as error:
                # The mail is backed up nevertheless.
                status["errors"].append(error.english)
        try:
            write_journal(config, folder / "journal.log")
        except BackupError as error:
            status["errors"].append(error.english)
        since = time.time() - 1
        # A daemon that has not written yet has no folder.
        more = [path for path in config.paths if Path(path).exists()]
        paths = [path for path in (config.mail_root, config.dumps, *more) if path]
        summary = back_up(config, FULL, paths)
        status |= {
            "snapshot": summary["snapshot_id"],
            "files": summary["total_files_processed"],
            "bytes": summary["total_bytes_processed"],
            "added": summary["data_added_packed"],
            "followups": [],
        }
        moved = touched(config.mail, since) if config.mail else []
        while moved and config.mail and len(status["followups"]) < FOLLOWUPS:
            since = time.time() - 1
            status["followups"].append(back_up(config, FOLLOWUP, [str(home) for home in moved])["snapshot_id"])
            moved = touched(config.mail, since)
        status["unsettled"] = len(moved)
    except BackupError as error:
        status["errors"].append(error.english)
    status["finished"] = now().isoformat()
    if status["errors"]:
        status["last_ok"] = json.loads(STATUS.read_text()).get("last_ok") if STATUS.exists() else None
    else:
        status |= {"result": "ok", "last_ok": status["started"]}
    atomic_file.write(STATUS, (json.dumps(status, indent=2) + "\n").encode())
    for words in status["errors"]:
        print(f"<3>{words}", file=sys.stderr)
    print(json.dumps(status))
    return 0 if status["result"] == "ok" else 1


# --- the operator's commands ----------------------------------------------------------------------


def report(status: dict[str, Any]) -> int:
    """Print one run's result."""
    started, finished = parse_time(status["started"]), parse_time(status["finished"])
    seconds = (finished - started).total_seconds()
    if "snapshot" in status:
        print(
            f"Bản sao lưu {status['snapshot'][:8]} lúc {shown(started)}: {status['files']} tệp, "
            f"{size(status['bytes'])}, thêm vào kho {size(status['added'])}, {seconds:.0f} giây, "
            f"sao lưu bổ sung {len(status['followups'])} lần."
        )
        print(
            f"Snapshot {status['snapshot'][:8]}: {status['files']} files, {human(status['bytes'])}, "
            f"{human(status['added'])} added, {seconds:.0f} s, {len(status['followups'])} follow-ups."
        )
    if status["result"] != "ok":
        words = "; ".join(status["errors"])
        good = shown(parse_time(status["last_ok"])) if status["last_ok"] else "-"
        print(f"Lần sao lưu tốt gần nhất: {good}\nLast good backup: {good}")
        return BackupError(f"lần sao lưu lúc {shown(started)} có lỗi: {words}", f"the backup failed: {words}").tell()
    return 0


def back_up_now() -> int:
    """Start the unit, wait, report. A run that began before we were asked does not count."""
    asked = now()
    while True:
        started = subprocess.run(["systemctl", "start", UNIT], check=False)
        status = json.loads(STATUS.read_text()) if STATUS.exists() else None
        if status and parse_time(status["started"]) >= asked:
            return report(status)
        if started.returncode != 0:
            raise BackupError(
                f"{UNIT} không chạy được; xem journalctl -u {UNIT}",
                f"{UNIT} did not run; see journalctl -u {UNIT}",
            )


def show_status(config: Config) -> int:
    status: dict[str, Any] = json.loads(STATUS.read_text()) if STATUS.exists() else {}
    if status:
        result = report(status)
    else:
        print("Chưa có lần sao lưu nào trên máy này.\nNo backup has run on this host yet.")
        result = 1
    if late(config, status.get("last_ok"), now()):
        result = BackupError(
            f"không có lần sao lưu tốt nào trong {config.late_after_hours} giờ qua",
            f"there is no good backup of the last {config.late_after_hours} hours",
        ).tell()
    require_repository(config)
    taken = snapshots(config, "--tag", FULL)
    for snapshot in (snapshot for snapshot in taken if snapshot.future):
        # Nothing old is forgotten while it is there, and no restore takes it for the latest.
        result = BackupError(
            f"bản sao lưu {snapshot} mang thời điểm ở tương lai; hãy tìm nguyên nhân",
            f"snapshot {snapshot.short} claims a time to come",
        ).tell()
    print(f"Kho {config.repository}: {len(taken)} bản sao lưu / snapshots.")
    if taken:
        last = taken[-1]
        print(f"Mới nhất / latest: {last}, {size(last.summary.get('total_bytes_processed', 0))}.")
    return result


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="hanam-mail-backup",
        description="Sao lưu ngay và chờ kết quả. / Back up now and wait for the result.",
    )
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--status", action="store_true", help="lần sao lưu gần nhất / the latest backup")
    action.add_argument("--run", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    try:
        config = load_config()
        if arguments.run:
            return run(config)
        return show_status(config) if arguments.status else back_up_now()
    except BackupError as error:
        return error.tell()
    except PermissionError as error:
        return BackupError(f"cần quyền root ({error})", f"root is needed ({error})").tell()
