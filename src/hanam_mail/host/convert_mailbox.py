"""One mailbox from one format to the other: most of it while it is open, the last of it while it is shut.

Whatever goes wrong leaves it open in the format that it had. The list (mail_format.py) says which that is; a copy that
is being made bears another name until it is whole and compared.
"""

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hanam_mail import atomic_file, vietnamese
from hanam_mail.host import mail_format, mail_home
from hanam_mail.host.backup.restore_which import NO_USER, doveadm
from hanam_mail.host.mail_format import FormatError, MailFormatState, MailPlace, compare, place
from hanam_mail.host.mail_home import FORMER, MAILDIR, SDBOX
from hanam_mail.host.output import human

# So long sessions and deliveries may take to end.
PATIENCE = 60.0
PAUSE = 0.3
# A pass over a mailbox that is open is followed by another while it takes longer than this, so many times.
SHORT, OPEN_PASSES = 2.0, 5
# What stays free for mail that comes in meanwhile.
RESERVE = 1 << 30
TEMPORARY = 75  # as doveadm ends


def size(folder: Path) -> int:
    """What it takes on the disk, each name by itself: a copy does not share its messages with other mailboxes."""
    octets = 0
    for directory, _, names in os.walk(folder):
        for name in names:
            # A session may rename or delete it just now.
            with suppress(FileNotFoundError):
                octets += (Path(directory) / name).lstat().st_blocks * 512
    return octets


class Room:
    """Free space, less what copies that are under way will take."""

    def __init__(self, root: Path) -> None:
        self.root, self.promised, self.lock = root, 0, threading.Lock()

    @contextmanager
    def taken(self, identity: str, octets: int) -> Iterator[None]:
        with self.lock:
            disk = os.statvfs(self.root)
            left = disk.f_bavail * disk.f_frsize - self.promised - octets
            if left < min(RESERVE, disk.f_blocks * disk.f_frsize // 20):
                raise FormatError(
                    f"hộp thư {identity} cần {vietnamese.size(octets)}, đĩa không còn đủ chỗ trống",
                    f"mailbox {identity} needs {human(octets)}, which the disk has not",
                )
            self.promised += octets
        try:
            yield
        finally:
            with self.lock:
                self.promised -= octets


def convert(identity: str, home: Path, room: Room) -> str:
    """From Maildir to sdbox; the Maildir stays as it was at that moment, under another name."""
    source, draft = place(identity, home, MAILDIR), place(identity, home, SDBOX, draft=True)
    _alone(home, SDBOX)
    with room.taken(identity, size(source.path)):
        began = draft.path.exists()
        try:
            return _moved(source, draft, MailFormatState.MAILDIR_SHUT)
        except FormatError:
            mail_home.remove(draft.path)
            if not began:
                raise
        # What an earlier run had begun does not fit any more: from the beginning.
        try:
            return _moved(source, draft, MailFormatState.MAILDIR_SHUT)
        except FormatError:
            mail_home.remove(draft.path)
            raise


def back(identity: str, home: Path, room: Room) -> str:
    """From sdbox to Maildir, with what has come since; a later conversion begins anew."""
    source, draft = place(identity, home, SDBOX), place(identity, home, MAILDIR, draft=True)
    _alone(home, MAILDIR)
    mail_home.remove(draft.path)
    with room.taken(identity, size(source.path)):
        try:
            words = _moved(source, draft, MailFormatState.SDBOX_SHUT)
        except FormatError:
            mail_home.remove(draft.path)
            raise
    mail_home.remove(home / FORMER[SDBOX])
    atomic_file.sync(home)
    return words


def _alone(home: Path, other: str) -> None:
    """What nobody put there by these programs may be somebody's only copy."""
    if not mail_home.remove_empty(home, other):
        raise FormatError(
            f"hộp thư {home.name} có cả {MAILDIR} và {SDBOX}: hãy xem bản nào đúng, cất bản kia ra khỏi {home}",
            f"mailbox {home.name} has both {MAILDIR} and {SDBOX}: see which is right, and take the other out of {home}",
        )


def _moved(source: MailPlace, draft: MailPlace, shut: MailFormatState) -> str:
    # What comes during a long pass is left to the next, so that little is left to the one for which it is shut.
    for _ in range(OPEN_PASSES):
        began = time.monotonic()
        source.copy_to(draft, still=False)
        if time.monotonic() - began < SHORT:
            break
    since = time.monotonic()
    with shut_out(source.identity, source.home, shut, becomes=draft.kind):
        source.copy_to(draft)
        number = compare(source, draft)
        mail_format.settle(draft)
    seconds = time.monotonic() - since
    # Whoever has asked for room meanwhile has made the folders of the other anew.
    mail_format.moment_passed(time.time())
    mail_home.remove_empty(source.home, source.kind)
    return f"{number} thư, đóng {seconds:.1f} giây / {number} messages, shut for {seconds:.1f} s"


@contextmanager
def shut_out(identity: str, home: Path, state: MailFormatState, *, becomes: str) -> Iterator[None]:
    """Keep everybody out of a mailbox while its format changes, and open it in the one that it has then.

    What fails leaves it in the one that it had.
    """
    had = SDBOX if state == MailFormatState.SDBOX_SHUT else MAILDIR
    # Of an earlier conversion: from here on such a name is this one's.
    for left in FORMER.values():
        mail_home.remove(home / left)
    try:
        _shut(identity, state)
        yield
    except BaseException:
        _open(identity, mail_home.only(home, had))
        raise
    _open(identity, becomes)


def _open(identity: str, kind: str) -> None:
    if kind == MAILDIR:
        mail_format.put(identity, MailFormatState.MAILDIR)
    else:
        mail_format.leave_former(identity)


def _shut(identity: str, state: MailFormatState) -> None:
    """Let nobody in any more, end sessions, wait for deliveries that have begun."""
    mail_format.put(identity, state)
    mail_format.moment_passed(time.time())
    deadline = time.monotonic() + PATIENCE
    while not _refused(identity):
        if time.monotonic() > deadline:
            raise FormatError(
                f"hộp thư {identity}: Dovecot không đóng (cấu hình có {mail_format.PART} không?)",
                f"mailbox {identity}: Dovecot does not shut it; does its configuration have {mail_format.PART}?",
            )
        time.sleep(PAUSE)
    # Somebody may have been let in just before and open the mailbox only now: two looks must find nobody.
    quiet = 0
    while True:
        doveadm("kick", identity)
        time.sleep(PAUSE)
        quiet = 0 if _used(identity) else quiet + 1
        if quiet == 2:
            return
        if time.monotonic() > deadline:
            raise FormatError(
                f"hộp thư {identity}: phiên làm việc hoặc lần chuyển thư chưa kết thúc, hãy chạy lại sau",
                f"mailbox {identity}: a session or a delivery does not end; run it again later",
            )


def _refused(identity: str) -> bool:
    """Whether whoever asks for the mailbox is told to come again; of a revoked one that there is none."""
    done = doveadm("user", identity)
    # Dovecot ends alike where the process that knows users is just being replaced.
    return done.returncode == NO_USER or (done.returncode == TEMPORARY and "lookup failed" in done.stderr)


def _used(identity: str) -> bool:
    """Whether a session or a delivery is under way; Dovecot counts a delivery from its recipient on."""
    done = doveadm("-f", "json", "who", "-1")
    if done.returncode:
        words = done.stderr.strip()
        raise FormatError(f"doveadm who báo lỗi: {words}", f"doveadm who failed: {words}")
    return any(session["username"] == identity for session in json.loads(done.stdout or "[]"))


def dovecot_runs() -> bool:
    return subprocess.run(["systemctl", "is-active", "--quiet", "dovecot.service"], check=False).returncode == 0


def reload_dovecot() -> None:
    """Where it does not run it reads its configuration when it starts; FormatError where it keeps the old one."""
    if dovecot_runs() and subprocess.run(["systemctl", "reload", "dovecot.service"], check=False).returncode:
        raise FormatError(
            "Dovecot không nạp lại cấu hình được, hãy xem: journalctl -u dovecot",
            "Dovecot does not reload its configuration, see: journalctl -u dovecot",
        )
