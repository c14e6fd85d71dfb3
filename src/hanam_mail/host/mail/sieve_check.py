"""Finds stored rules that lead mail to where it may not go: `hanam-mail-db check-sieve STORE CONFIGURATION STATE`.

A script is judged when it is saved (sieve_session.py). What was stored before the list of domains became shorter, came
with a restore or from an older release was never judged by the list of today (docs/decisions/0036-forwarding.md). Once
a night this reads every mailbox's scripts, in use or not, judges them as when they are saved (sieve_rules.py) and asks
Dovecot's compiler which ones it no longer takes. It changes nothing: what such a rule leads on is stopped at delivery.

What it found it leaves in found.json of STATE, by which role watch tells the operator of each change once (Đ4.5). What
lies in a home is its owner's: only plain files are read, so many and so much of each, and never through a link.
"""

import argparse
import errno
import hashlib
import heapq
import itertools
import json
import os
import posixpath
import stat
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hanam_mail import atomic_file
from hanam_mail.host import frame, places
from hanam_mail.host.mail import sieve_rules
from hanam_mail.host.mail.sieve_compiler import Compiler, plain
from hanam_mail.host.mail_home import homes

FOLDER, ACTIVE = "sieve", ".dovecot.sieve"
"""As dovecot.conf says: a mailbox's scripts, and the link to the one in use."""
NAMES, SCRIPTS = 10_000, 50
"""Names that are looked at in a mailbox, and scripts that are read; ManageSieve stores 20."""
SECONDS, ALL_SECONDS = 20, 7200
"""So long may a mailbox take, and all of them."""
LISTED, SILENT = 200, 20
"""So many findings are told at once, and so many mailboxes are named that were not looked at."""
LETTERS = 600

_STOPPED = "Thư không đi ra ngoài: việc chuyển tiếp ấy bị chặn khi phát thư (Đ4.5)."
_NOT_PLAIN = f"không phải là tệp thường nên không được đọc. {_STOPPED}"
_TOO_LONG = "dài quá {most} byte nên không được đọc. " + _STOPPED
_ELSEWHERE = (
    f"Hộp thư {{mailbox}}: liên kết {ACTIVE} dẫn ra ngoài thư mục {FOLDER} nên bộ quy tắc đang dùng không được đọc."
    f" {_STOPPED}"
)
_NO_FOLDER = f"Hộp thư {{mailbox}}: thư mục {{place}} là một liên kết hoặc tệp nên không được xem. {_STOPPED}"
_TOO_MANY = f"Hộp thư {{mailbox}}: thư mục {FOLDER} có quá nhiều tệp, chỉ {SCRIPTS} bộ quy tắc được xem. {_STOPPED}"
_MORE = (
    f"Ngoài {LISTED} điều đã báo còn nhiều bộ quy tắc lọc thư khác phải xem; xử lý xong những bộ đã báo thì chúng được"
    " báo tiếp."
)


class NotPlainError(Exception):
    """A link, a pipe, a folder: no file that is read."""


@dataclass(frozen=True)
class ScriptFinding:
    """One thing that the operator has to look at. `cause`: another fault is another cause, which is told anew."""

    mailbox: str
    cause: str
    text: str
    mail: bool = False


@dataclass
class ScriptLook:
    """What a look leaves for the next one and for role watch.

    `complete`: when all mailboxes were looked at last, in seconds since 1970; `silent`: those that were not, this time.
    """

    complete: float
    silent: list[str] = field(default_factory=list)
    found: list[ScriptFinding] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path, now: float) -> "ScriptLook":
        """That of the look before; a new one counts from now. So does one that cannot be read."""
        try:
            left = json.loads(path.read_bytes())
            return cls(float(left["complete"]), list(left["silent"]), [ScriptFinding(**each) for each in left["found"]])
        except (OSError, ValueError, KeyError, TypeError):
            return cls(now)

    def write(self, path: Path) -> None:
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"
        atomic_file.write(path, text.encode(), mode=0o600)


# --- what lies in a home ---------------------------------------------------------------------------------


@contextmanager
def _folder(name: str | Path, beside: int | None = None) -> Iterator[int]:
    try:
        folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=beside)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise NotPlainError from error
        raise
    try:
        yield folder
    finally:
        os.close(folder)


def _content(name: str, folder: int, most: int) -> bytes:
    """The file's octets, one more than `most` when there are more. NotPlainError for what is no file."""
    try:
        # A pipe would make the reader wait.
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise NotPlainError from error
        raise
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise NotPlainError
        read = b""
        while len(read) <= most and (more := os.read(file, most + 1 - len(read))):
            read += more
        return read
    finally:
        os.close(file)


def _in_use(home: Path, top: int) -> str | None:
    """The name of the script in use, ACTIVE itself if that is no link; "" for none, None if it is elsewhere."""
    try:
        if not stat.S_ISLNK(os.stat(ACTIVE, dir_fd=top, follow_symlinks=False).st_mode):
            return ACTIVE
        place = posixpath.normpath(home / os.readlink(ACTIVE, dir_fd=top))
    except FileNotFoundError:
        return ""
    folder, name = posixpath.split(place)
    return name if folder == str(home / FOLDER) else None


@dataclass
class Look:
    """What is wrong in one mailbox, and why it could not be looked at whole."""

    home: Path
    items: list[ScriptFinding] = field(default_factory=list)
    silent: str = ""

    def add(self, text: str, **words: str) -> None:
        mailbox = self.home.name
        text = text.format(mailbox=mailbox, **words)
        number = hashlib.sha256(f"{mailbox} {text}".encode()).hexdigest()[:16]
        self.items.append(ScriptFinding(mailbox, f"sieve:{number}", plain(text, LETTERS)))


class Check:
    """By which rules scripts are judged, and how long one may be."""

    def __init__(
        self, domains: Sequence[str], octets: int, compiler: Compiler, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._domains, self._octets, self._compiler, self._clock = domains, octets, compiler, clock
        self.scripts = 0

    def home(self, home: Path) -> Look:
        """Look at one mailbox."""
        look = Look(home)
        until = self._clock() + SECONDS
        try:
            with _folder(home) as top:
                self._below(look, top, until)
        except NotPlainError:
            look.add(_NO_FOLDER, place=home.name)
        except FileNotFoundError:
            # Removed a moment ago.
            pass
        except OSError as error:
            look.silent = f"{home.name}: {error.strerror or error}"
        return look

    def _below(self, look: Look, top: int, until: float) -> None:
        used = _in_use(look.home, top)
        if used is None:
            look.add(_ELSEWHERE)
        beside = set[str]()
        try:
            with _folder(FOLDER, top) as folder:
                stored = self._stored(look, folder, used)
                beside = {name.removesuffix(".sieve") for name in stored}
                # The one in use first: it acts.
                for name in heapq.nsmallest(SCRIPTS, stored, key=lambda name: (name != used, name)):
                    self._script(look, name, folder, used, beside, until)
        except NotPlainError:
            look.add(_NO_FOLDER, place=FOLDER)
        except FileNotFoundError:
            # Nobody has stored any.
            pass
        if used == ACTIVE:
            self._script(look, ACTIVE, top, used, beside, until)

    def _stored(self, look: Look, folder: int, used: str | None) -> set[str]:
        with os.scandir(folder) as entries:
            names = {entry.name for entry in itertools.islice(entries, NAMES + 1)}
        stored = {name for name in names if name.endswith(".sieve") or name == used}
        if len(names) > NAMES or len(stored) > SCRIPTS:
            look.add(_TOO_MANY)
        return stored

    def _script(self, look: Look, name: str, folder: int, used: str | None, beside: set[str], until: float) -> None:
        left = until - self._clock()
        if left <= 0:
            look.silent = f"{look.home.name}: quá {SECONDS} giây"
            return
        try:
            fault = self._fault(_content(name, folder, self._octets), beside, left)
        except NotPlainError:
            fault = _NOT_PLAIN
        except FileNotFoundError:
            return
        except (OSError, subprocess.TimeoutExpired) as error:
            look.silent = f"{look.home.name}: {plain(str(error), 200)}"
            return
        self.scripts += 1
        if fault:
            how = "đang dùng" if name == used else "không dùng"
            # What is in braces is no field of ours.
            words = {"name": plain(name.removesuffix(".sieve")), "how": how, "fault": fault}
            look.add("Hộp thư {mailbox}, bộ quy tắc “{name}” ({how}): {fault}", **words)

    def _fault(self, text: bytes, beside: set[str], seconds: float) -> str:
        if len(text) > self._octets:
            return _TOO_LONG.format(most=self._octets)
        if fault := sieve_rules.fault(text, self._domains):
            return f"{plain(fault, 400)} {_STOPPED}"
        return self._compiler.fault(text, beside, seconds)


# --- what is told ----------------------------------------------------------------------------------------


def look_at_all(store: Path, check: Check, before: ScriptLook, now: float) -> ScriptLook:
    """The state after every mailbox was looked at. What was found before in one that was not looked at whole stays."""
    state, unseen = ScriptLook(now), dict[str, str]()
    end = time.monotonic() + ALL_SECONDS
    for home in homes(store):
        if time.monotonic() > end:
            unseen[home.name] = f"{home.name}: hết giờ"
            continue
        look = check.home(home)
        state.found += look.items
        if look.silent:
            unseen[home.name] = look.silent
    causes = {item.cause for item in state.found}
    state.found += [item for item in before.found if item.mailbox in unseen and item.cause not in causes]
    if unseen:
        state.complete = before.complete
        state.silent = list(unseen.values())[:SILENT]
        if len(unseen) > SILENT:
            state.silent.append(f"và {len(unseen) - SILENT} hộp thư nữa")
    # What is known stays known: another mailbox's fault must not take its place.
    told = {item.cause for item in before.found}
    state.found.sort(key=lambda item: item.cause not in told)
    if len(state.found) > LISTED:
        state.found[LISTED:] = [ScriptFinding("", "sieve:more", _MORE)]
    return state


def tell(before: ScriptLook, state: ScriptLook) -> None:
    """To the journal, what is new and what is gone; role watch tells the operator."""
    old, new = ({item.cause: item.text for item in each.found} for each in (before, state))
    for cause, text in new.items():
        if cause not in old:
            print(f"<4>{text}")
    for cause, text in old.items():
        if cause not in new:
            print(f"<5>đã hết: {text}")
    for text in state.silent:
        print(f"<5>chưa xem được: {text}")


def add_commands(commands: frame.Commands) -> None:
    """Add this module's command to those of command_line.py."""
    text = "tìm quy tắc lọc thư chuyển thư ra ngoài trong số đã lưu, không sửa gì (systemd gọi; Đ4.5)"
    command = commands.add_parser("check-sieve", help=text, description=text)
    command.add_argument("store", type=Path)
    command.add_argument("configuration", type=Path, help="cấu hình cho trình biên dịch của Dovecot")
    command.add_argument("state", type=Path, help="thư mục ghi những gì tìm thấy")
    command.add_argument("--forward", required=True, help="các tên miền được chuyển tiếp đến, cách nhau bằng dấu phẩy")
    command.add_argument("--octets", required=True, type=int, help="độ dài nhất của một bộ quy tắc")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    compiler = Compiler(options.configuration, options.state / "taken.json")
    now, left = time.time(), options.state / places.FINDINGS_NAME
    before = ScriptLook.read(left, now)
    check = Check(options.forward.lower().split(","), options.octets, compiler)
    state = look_at_all(options.store, check, before, now)
    state.write(left)
    tell(before, state)
    print(f"đã xem {check.scripts} bộ quy tắc lọc thư, {len(state.found)} điều phải xử lý")
    if compiler.away:
        print(f"<3>không hỏi được trình biên dịch của Dovecot: {compiler.away}")
        return 1
    compiler.remember(whole=not state.silent)
    return 0
