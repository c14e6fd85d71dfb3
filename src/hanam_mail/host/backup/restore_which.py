"""Which mailbox, which snapshot, by which document: what every restore asks before it begins."""

import datetime as dt
import getpass
import json
import os
import re
import subprocess
import sys
import syslog
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hanam_mail.host.backup.restic import FULL, Snapshot, require_repository, restic, snapshots
from hanam_mail.host.backup.restore_arguments import Arguments
from hanam_mail.host.backup.settings import BackupError, Config
from hanam_mail.host.backup.times import shown

NO_USER = 67  # sysexits' EX_NOUSER, which doveadm ends with
# What this program ends with: nobody agreed; some mail could not be read or put back; the audit cannot be written.
UNDECIDED, INCOMPLETE, UNRECORDED = 7, 8, 9


# --- which mailbox --------------------------------------------------------------------------------


def doveadm(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["doveadm", *arguments], capture_output=True, check=False, text=True)


def user_field(field: str, login: str) -> str | None:
    """What the user database says of a mailbox, by id or address; None when it knows none."""
    done = doveadm("user", "-f", field, login)
    if done.returncode == NO_USER:
        return None
    if done.returncode != 0:
        words = done.stderr.strip()
        raise BackupError(
            f"không hỏi được Dovecot về {login}: {words}", f"Dovecot cannot be asked about {login}: {words}"
        )
    return done.stdout.strip() or None


def left_alone(login: str) -> bool:
    """Cut the sessions in a mailbox and wait until they have ended; False when somebody comes again and again.

    A session that ends after its home was exchanged writes the index that it knows into the new one.
    """
    for number in range(20):
        done = doveadm("-f", "json", "who", "-1", login)
        if done.returncode != 0 or not json.loads(done.stdout or "[]"):
            # Dovecot knows of no session a moment before its last file is written.
            time.sleep(0.2 if number else 0)
            return True
        doveadm("kick", login)
        time.sleep(0.1)
    return False


def known_mailboxes() -> frozenset[str]:
    """The mailboxes that may have mail: all in the accounts database, revoked ones too, but not what was purged."""
    done = doveadm("user", "*")
    if done.returncode != 0:
        words = done.stderr.strip()
        raise BackupError(
            f"không hỏi được Dovecot có những hộp thư nào: {words}",
            f"Dovecot cannot be asked which mailboxes there are: {words}",
        )
    known = frozenset(done.stdout.split())
    if not known:
        # Not even the store is lost alone then: without its accounts nobody knows what had been purged.
        raise BackupError(
            "cơ sở dữ liệu tài khoản không có hộp thư nào; hãy khôi phục cơ sở dữ liệu trước",
            "the accounts database has no mailbox; restore the database first",
        )
    return known


@dataclass(frozen=True)
class MailboxHome:
    id: str
    home: Path
    known: bool
    """Whether the user database has it; a revoked mailbox can still be restored by its id."""


def find_mailbox(config: Config, name: str) -> MailboxHome:
    root = Path(config.mail_root)
    identity = user_field("user", name)
    if identity:
        home = Path(user_field("home", identity) or "")
        if root not in home.parents:
            raise BackupError(f"thư mục {home} của {identity} không nằm trong {root}", f"{home} is not below {root}")
        return MailboxHome(identity, home, known=True)
    if re.fullmatch(r"[a-z0-9]{4,32}", name):
        return MailboxHome(name, root / name[:2] / name, known=False)
    raise BackupError(f"không có hộp thư nào là {name}", f"unknown mailbox {name}", 3)


# --- which snapshot -------------------------------------------------------------------------------


def snapshots_of_mail(config: Config) -> list[Snapshot]:
    if config.mail is None:
        raise BackupError(
            "máy này không lưu hộp thư; hãy chạy trên máy thuộc nhóm mailstore",
            "no mail is stored on this host; run this on a host of group mailstore",
        )
    require_repository(config)
    return [snapshot for snapshot in snapshots(config, "--tag", FULL) if config.mail_root in snapshot.paths]


def candidates(full: list[Snapshot], wanted: str, at: dt.datetime | None) -> list[Snapshot]:
    """The snapshots to try, best first."""
    if wanted != "latest":
        found = [snapshot for snapshot in full if snapshot.id.startswith(wanted)]
        if len(found) != 1:
            raise BackupError(
                f"không có đúng một bản sao lưu mang mã {wanted}; xem --list",
                f"{len(found)} snapshots match {wanted}; see --list",
                4,
            )
        return found
    false = [snapshot for snapshot in full if snapshot.future]
    for snapshot in false:
        # What --at or latest means would be whatever somebody with a wrong clock, or with bad intent, has added.
        print(
            f"Cảnh báo: bỏ qua bản sao lưu {snapshot}, vì nó mang thời điểm ở tương lai; hãy tìm nguyên nhân.\n"
            f"Warning: snapshot {snapshot.short} claims a time to come and is left out.",
            file=sys.stderr,
        )
    found = [snapshot for snapshot in reversed(full) if snapshot not in false and (at is None or snapshot.time <= at)]
    if not found:
        when = f" trước {shown(at)}" if at else ""
        before = f" before {shown(at)}" if at else ""
        raise BackupError(f"không có bản sao lưu nào{when}", f"there is no snapshot{before}", 4)
    return found


def containing(config: Config, tried: list[Snapshot], home: Path) -> Snapshot | None:
    """The first of them that has the mailbox; the usual case costs one look."""
    for number, snapshot in enumerate(tried):
        if number == 1:
            # Not in the one that was meant: ask once for all.
            found = json.loads(restic(config, "find", "--json", "--host", config.host, "--tag", FULL, str(home)).stdout)
            ids = {entry["snapshot"] for entry in found or [] if entry.get("hits")}
            return next((other for other in tried if other.id in ids or other.short in ids), None)
        listed = restic(config, "ls", "--json", snapshot.id, str(home), accept=(0, 1))
        if f'"path":"{home}"' in listed.stdout:
            return snapshot
    return None


# --- by which document, and with whose consent ---------------------------------------------------------


def operator() -> str:
    return os.environ.get("SUDO_USER") or getpass.getuser()


def record(config: Config, arguments: Arguments, key: str, detail: Mapping[str, Any]) -> None:
    """Before anything is shown or changed it stands in the audit who restores what, by which document (Đ4.6).

    On a host that has no way to the accounts database, and with it no mail and no account, it stands in the journal.
    """
    if not config.audit_command:
        note_in_journal(arguments, key, detail, "máy này không nối đến cơ sở dữ liệu tài khoản", "no way to the audit")
        return
    done = subprocess.run(
        [*config.audit_command, key, "--operator", operator(), "--document", arguments.document],
        input=json.dumps(detail, ensure_ascii=False),
        capture_output=True,
        check=False,
        text=True,
    )
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip())[-800:]
        raise BackupError(
            f"chưa khôi phục gì vì không ghi được nhật ký (Đ4.6): {words}",
            f"nothing is restored, since the audit cannot be written: {words}",
            UNRECORDED,
        )


def log(arguments: Arguments, words: str) -> None:
    """Who restored what, on which document (Đ4.6), and what came of it."""
    syslog.openlog("hanam-mail-restore", 0, syslog.LOG_AUTHPRIV)
    syslog.syslog(syslog.LOG_NOTICE, f"operator={operator()} document={arguments.document or '-'} {words}")


def note_in_journal(arguments: Arguments, key: str, detail: Mapping[str, Any], vietnamese: str, english: str) -> None:
    """What the audit cannot be told for that reason."""
    print(
        f"Cảnh báo: chỉ ghi được vào nhật ký hệ thống: {vietnamese}.\n"
        f"Warning: only the journal has this restore: {english}.",
        file=sys.stderr,
    )
    words = " ".join(f"{name}={value}" for name, value in detail.items())
    log(arguments, f"{key} {words}: not in the audit")


def agreed(arguments: Arguments, vietnamese: str, english: str) -> None:
    """Go on only when the operator says so: at the terminal, or by --yes."""
    if arguments.yes:
        return
    if sys.stdin.isatty():
        print(f"{vietnamese}.\n{english}.")
        if input("Tiếp tục? [c/K] ").strip().lower() in ("c", "co", "có", "y", "yes"):
            return
        raise BackupError("dừng theo ý người vận hành, chưa khôi phục gì", "nothing was restored", UNDECIDED)
    raise BackupError(f"{vietnamese}; thêm --yes nếu đúng ý", f"{english}; add --yes if that is meant", UNDECIDED)
