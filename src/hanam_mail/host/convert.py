"""hanam-mail-convert: chuyển hộp thư từ Maildir sang sdbox, từng hộp thư một, trên máy lưu hộp thư.

What it does to one mailbox is in convert_mailbox.py; which mailboxes wait for it, in mail_format.py. It may be ended at
any point and run again: docs/decisions/0041-conversion-to-sdbox.md.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import syslog
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

from hanam_mail import atomic_file, vietnamese
from hanam_mail.host import mail_format, mail_home
from hanam_mail.host.backup.one_at_a_time import only_one
from hanam_mail.host.backup.restore_which import INCOMPLETE, UNDECIDED, user_field
from hanam_mail.host.backup.settings import BackupError
from hanam_mail.host.convert_mailbox import Room, back, convert, reload_dovecot, size
from hanam_mail.host.mail_format import FormatError, place
from hanam_mail.host.mail_home import FORMER, MAILDIR, SDBOX, homes
from hanam_mail.host.output import human

CONFIGURATION = Path("/etc/dovecot/dovecot.conf")
SETTINGS = Path("/etc/hanam-mail/store.json")

stopped = Event()


def note(words: str) -> None:
    syslog.openlog("hanam-mail-convert", 0, syslog.LOG_AUTHPRIV)
    syslog.syslog(syslog.LOG_NOTICE, words)


# --- which mailboxes -----------------------------------------------------------------------------------


def home_of(root: Path, identity: str) -> Path:
    return root / identity[:2] / identity


def identity_of(name: str) -> str:
    """The mailbox's id, by id or address; a revoked one has its id alone."""
    if found := user_field("user", name):
        return found
    if re.fullmatch(r"[a-z0-9]{4,32}", name):
        return name
    raise FormatError(f"không có hộp thư nào là {name}", f"unknown mailbox {name}")


# --- what is asked for ---------------------------------------------------------------------------------


def begin(root: Path) -> int:
    """Before Dovecot gets a configuration that says sdbox: every home that has a Maildir is listed."""
    if CONFIGURATION.exists() and re.search("^mail_driver = sdbox$", CONFIGURATION.read_text(), re.MULTILINE):
        return 0
    both = [
        home.name
        for home in homes(root)
        if (home / MAILDIR).is_dir() and (home / SDBOX).is_dir() and mail_home.has_messages(home, SDBOX)
    ]
    if both:
        # A former release was deployed again, and what was converted was not brought back before.
        raise FormatError(
            f"có cả {MAILDIR} và {SDBOX}, hãy cất bản không đúng ra khỏi thư mục của hộp thư: {' '.join(both)}",
            f"both {MAILDIR} and {SDBOX} are there, take the wrong one out of the home of: {' '.join(both)}",
        )

    def found() -> list[str]:
        return [home.name for home in homes(root) if (home / MAILDIR).is_dir()]

    if found():
        # A mailbox that gets its first mail now would have a Maildir that nobody lists. Mail waits in Postfix's queue;
        # the role starts Dovecot again.
        subprocess.run(["systemctl", "stop", "dovecot.service"], check=True)
        with mail_format.asked(reload=lambda: None):
            mail_format.add_former(found())
    number = len(mail_format.former())
    if number:
        print(f"{number} hộp thư còn ở Maildir / mailboxes lie in a Maildir")
    return 0


def status(root: Path) -> int:
    listed = mail_format.states()
    shut = sum(state != mail_format.MailFormatState.MAILDIR for state in listed.values())
    there = homes(root)
    waiting = len(mail_format.former())
    converted = [home for home in there if home.name not in listed and (home / SDBOX).is_dir()]
    old = [home / FORMER[MAILDIR] for home in there if (home / FORMER[MAILDIR]).is_dir()]
    octets = sum(map(size, old))
    print(f"{waiting} hộp thư còn ở Maildir, {len(converted)} hộp thư ở sdbox, {shut} hộp thư đang đóng.")
    print(f"{len(old)} bản Maildir cũ chiếm {vietnamese.size(octets)} (xóa: hanam-mail-convert --drop).")
    print(f"{waiting} mailboxes lie in a Maildir, {len(converted)} in sdbox, {shut} are shut.")
    print(f"{len(old)} old Maildirs take {human(octets)}.")
    return 0


def each(work: Callable[[str], str], identities: Sequence[str], jobs: int) -> int:
    """Do it to each mailbox, several at once; one that fails keeps no other from it. The exit status."""
    if not identities:
        return 0

    def one(identity: str) -> bool:
        if stopped.is_set():
            return False
        try:
            words = work(identity)
        except BackupError as error:
            error.tell()
            note(f"mailbox {identity}: {error.english}")
            return False
        except Exception as error:  # whatever it is, the others are not kept from it
            FormatError(f"hộp thư {identity}: {error!r}", f"mailbox {identity}: {error!r}").tell()
            return False
        print(f"{identity}: {words}", flush=True)
        note(f"mailbox {identity}: {words}")
        return True

    with mail_format.asked(reload=reload_dovecot), ThreadPoolExecutor(jobs) as several:
        done = list(several.map(one, identities))
    missed = len(done) - sum(done)
    print(f"{sum(done)} hộp thư xong, {missed} chưa / mailboxes done, {missed} not")
    return INCOMPLETE if missed else 0


def convert_these(root: Path, identities: Sequence[str], jobs: int) -> int:
    listed, room = mail_format.former(), Room(root)
    for identity in identities:
        if identity not in listed:
            print(f"{identity}: đã ở sdbox / lies in sdbox already")

    def work(identity: str) -> str:
        home = home_of(root, identity)
        if (home / MAILDIR).is_dir():
            return convert(identity, home, room)
        # Nothing ever came, or its owner's data was purged.
        mail_format.leave_former(identity)
        return "không có thư / has no mail"

    return each(work, [identity for identity in identities if identity in listed], jobs)


def back_these(root: Path, identities: Sequence[str], jobs: int) -> int:
    listed, room = mail_format.former(), Room(root)
    there = [one for one in identities if one not in listed and (home_of(root, one) / SDBOX).is_dir()]
    for identity in identities:
        if identity not in there:
            print(f"{identity}: không ở sdbox / does not lie in sdbox")
    return each(lambda identity: back(identity, home_of(root, identity), room), there, jobs)


def drop(root: Path, identities: Sequence[str], *, agreed: bool) -> int:
    """Delete old Maildirs of mailboxes that live on in sdbox."""
    listed = mail_format.states()
    chosen = [home_of(root, identity) for identity in identities] or homes(root)
    old, refused = [], 0
    for home in chosen:
        if home.name not in listed and not (home / FORMER[MAILDIR]).is_dir():
            continue
        if home.name in listed or not (home / SDBOX).is_dir():
            if identities:
                FormatError(f"hộp thư {home.name} còn ở Maildir", f"mailbox {home.name} lies in its Maildir").tell()
                refused += 1
        else:
            old.append(home)
    octets = sum(size(home / FORMER[MAILDIR]) for home in old)
    print(f"Xóa {len(old)} bản Maildir cũ, {vietnamese.size(octets)} / {len(old)} old Maildirs to delete", flush=True)
    if old and not agreed and not asked():
        return UNDECIDED
    for home in old:
        try:
            folders = place(home.name, home, SDBOX).contents().folders
            if "INBOX" not in folders:
                raise FormatError(
                    f"hộp thư {home.name}: sdbox không có INBOX", f"mailbox {home.name}: sdbox lacks INBOX"
                )
            mail_home.remove(home / FORMER[MAILDIR])
            atomic_file.sync(home)
        except FormatError as error:
            error.tell()
            refused += 1
    note(f"{len(old) - refused} old Maildirs deleted")
    return INCOMPLETE if refused else 0


def asked() -> bool:
    if not sys.stdin.isatty():
        print("Thêm --yes nếu đúng ý / add --yes if that is meant", file=sys.stderr)
        return False
    return input("Tiếp tục? [c/K] ").strip().lower() in ("c", "co", "có", "y", "yes")


# --- the command line -----------------------------------------------------------------------------------


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="hanam-mail-convert",
        description="Chuyển hộp thư từ Maildir sang sdbox; không có tham số: cho biết còn bao nhiêu. / "
        "Convert mailboxes from Maildir to sdbox; without arguments: how many are left.",
    )
    parser.add_argument("mailbox", nargs="*", metavar="MAILBOX", help="mã hoặc địa chỉ hộp thư / id or address")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--status", action="store_true", help="còn bao nhiêu hộp thư / how many are left")
    what.add_argument("--all", action="store_true", help="mọi hộp thư còn ở Maildir / all that lie in a Maildir")
    what.add_argument("--back", action="store_true", help="đưa hộp thư trở lại Maildir / back to Maildir")
    what.add_argument("--back-all", action="store_true", help="đưa tất cả trở lại / all back to Maildir")
    what.add_argument("--drop", action="store_true", help="xóa bản Maildir cũ / delete old Maildirs")
    what.add_argument(
        "--open", action="store_true", help="mở hộp thư mà lần chạy bị ngắt còn đóng / open what was left shut"
    )
    what.add_argument("--begin", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="số hộp thư cùng lúc / so many at once")
    parser.add_argument("--yes", action="store_true", help="không hỏi lại / do not ask")
    arguments = parser.parse_args()
    of_all = (arguments.status, arguments.all, arguments.back_all, arguments.open, arguments.begin)
    if any(of_all) and arguments.mailbox:
        parser.error("tham số này không đi cùng hộp thư / this option takes no mailbox")
    if arguments.back and not arguments.mailbox:
        parser.error("cần mã hoặc địa chỉ hộp thư / a mailbox is needed")
    if not 1 <= arguments.jobs <= 32:
        parser.error("--jobs từ 1 đến 32 / from 1 to 32")
    return arguments


def perform(root: Path, arguments: argparse.Namespace) -> int:
    # What a run that was killed has left shut is opened before anything else is tried.
    shut = mail_format.reopen(lambda identity: home_of(root, identity))
    if shut:
        mail_format.moment_passed(time.time())
        print(f"Mở lại / opened again: {' '.join(shut)}", flush=True)
    if arguments.open:
        return 0
    identities = [identity_of(name) for name in dict.fromkeys(arguments.mailbox)]
    if arguments.drop:
        return drop(root, identities, agreed=arguments.yes)
    if arguments.back:
        return back_these(root, identities, arguments.jobs)
    if arguments.back_all:
        listed = mail_format.former()
        there = [home.name for home in homes(root) if home.name not in listed and (home / SDBOX).is_dir()]
        return back_these(root, there, arguments.jobs)
    return convert_these(root, identities or sorted(mail_format.former()), arguments.jobs)


def stop(number: int, frame: object) -> None:
    """Of a mailbox that is begun the rest is done; no other is begun."""
    if not stopped.is_set():
        print("Dừng sau hộp thư đang làm / stops after the present mailbox", file=sys.stderr, flush=True)
    stopped.set()


def main() -> int:
    arguments = parse()
    if os.geteuid() != 0:
        print("Lỗi: cần quyền root\nError: root is needed", file=sys.stderr)
        return 1
    os.umask(0o022)
    try:
        root = Path(json.loads(SETTINGS.read_text())["mail_root"])
        if arguments.begin:
            return begin(root)
        if arguments.status or not any(
            (arguments.mailbox, arguments.all, arguments.back_all, arguments.drop, arguments.open)
        ):
            return status(root)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, stop)
        with only_one():
            return perform(root, arguments)
    except BackupError as error:
        return error.tell()
    except (OSError, subprocess.SubprocessError) as error:
        return FormatError(f"lỗi hệ thống: {error}", f"system error: {error}").tell()
