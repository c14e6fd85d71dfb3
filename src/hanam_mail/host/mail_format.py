"""How mailboxes lie on the disk: in sdbox, or still in the Maildir of former releases, and how one becomes the other.

Which mailboxes still lie in a Maildir stands in one file, a passwd-file that Dovecot asks after the accounts database
(docs/decisions/0041-conversion-to-sdbox.md). A line also shuts a mailbox while its last messages are copied. Dovecot
looks at the file when its second or its size changed, so each write gives it a later second.
"""

import fcntl
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from hanam_mail import atomic_file
from hanam_mail.host import places
from hanam_mail.host.backup.settings import BackupError
from hanam_mail.host.mail_home import DRAFTS, FORMER, MAILDIR, OTHER, SDBOX, only, remove, rename
from hanam_mail.host.output import rows

DRIVERS = {MAILDIR: "maildir", SDBOX: "sdbox"}

FOLDER = places.MAIL_FORMER_FOLDER
LIST = "former"
# Dovecot asks the list where this leads to the role's part of its configuration: nowhere once all are converted, since
# it notes each question for a mailbox that is not listed.
LINK = "former.conf"
PART = Path("/etc/dovecot/former.conf")

NOT_FOUND, CHANGED_MEANWHILE = 68, 2  # as doveadm ends


class FormatError(BackupError):
    """Why a mailbox cannot be rewritten."""


# --- which mailboxes ---------------------------------------------------------------------------------


class MailFormatState(StrEnum):
    """Of a listed mailbox; one that is not listed is open and lies in sdbox."""

    MAILDIR = "maildir"
    MAILDIR_SHUT = "maildir-shut"
    SDBOX_SHUT = "sdbox-shut"


_IN_MAILDIR = "userdb_mail_driver=maildir userdb_mail_path=~/Maildir userdb_mail_inbox_path=~/Maildir"
# Whoever signs in or delivers is told to come again; Postfix's question for room is answered, so that it takes mail.
_SHUT = "userdb_userdb_import=%{protocol|if('eq','quota-status','','tempfail')}"
_FIELDS = {
    MailFormatState.MAILDIR: _IN_MAILDIR,
    MailFormatState.MAILDIR_SHUT: f"{_IN_MAILDIR} {_SHUT}",
    MailFormatState.SDBOX_SHUT: _SHUT,
}
_STATES = {fields: state for state, fields in _FIELDS.items()}


def states() -> dict[str, MailFormatState]:
    """Every listed mailbox; none where there is no list."""
    try:
        lines = (FOLDER / LIST).read_text("ascii").splitlines()
    except FileNotFoundError:
        return {}
    found = {}
    for line in lines:
        identity, _, fields = line.partition(":::::::")
        if fields not in _STATES:
            raise FormatError(f"{FOLDER / LIST}: dòng lạ {line!r}", f"{FOLDER / LIST}: unknown line {line!r}")
        found[identity] = _STATES[fields]
    return found


def former() -> frozenset[str]:
    """The mailboxes that lie in a Maildir."""
    return frozenset(identity for identity, state in states().items() if state != MailFormatState.SDBOX_SHUT)


def add_former(ids: Iterable[str]) -> None:
    """Say of these that they lie in a Maildir."""
    added = dict.fromkeys(ids, MailFormatState.MAILDIR)
    for identity in added:
        if not re.fullmatch("[a-z0-9]+", identity):
            raise FormatError(f"{identity!r} không phải mã hộp thư", f"{identity!r} is no mailbox id")
    _change(lambda present: present | added)


def leave_former(*identities: str) -> None:
    """Say that they lie in sdbox, and open them."""
    _change(lambda present: {other: state for other, state in present.items() if other not in identities})


def put(identity: str, state: MailFormatState) -> None:
    """Shut a mailbox, or open one that lies in a Maildir."""
    _change(lambda present: present | {identity: state})


def reopen(home_of: Callable[[str], Path]) -> list[str]:
    """Open what a run that was ended has left shut, each in the format it was used in; which these were."""
    shut = {identity: state for identity, state in states().items() if state != MailFormatState.MAILDIR}
    in_maildir = [
        identity
        for identity, state in shut.items()
        if only(home_of(identity), SDBOX if state == MailFormatState.SDBOX_SHUT else MAILDIR) == MAILDIR
    ]
    if shut:
        _change(
            lambda present: (
                {one: state for one, state in present.items() if one not in shut}
                | dict.fromkeys(in_maildir, MailFormatState.MAILDIR)
            )
        )
    return list(shut)


def _change(change: Callable[[dict[str, MailFormatState]], dict[str, MailFormatState]]) -> None:
    """Replace the list by what `change` makes of it; nobody else writes meanwhile."""
    FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
    path = FOLDER / LIST
    with (FOLDER / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lines = [f"{identity}:::::::{_FIELDS[state]}\n" for identity, state in sorted(change(states()).items())]
        second = int(path.stat().st_mtime) if path.exists() else 0
        draft = FOLDER / f".{LIST}.new"
        draft.unlink(missing_ok=True)
        atomic_file.create(draft, "".join(lines).encode("ascii"))
        # Dovecot's user reads it, whatever the operator's umask is.
        draft.chmod(0o644)
        if int(draft.stat().st_mtime) <= second:
            os.utime(draft, (second + 1, second + 1))
        draft.rename(path)
        atomic_file.sync(FOLDER)


# --- one format into the other -------------------------------------------------------------------------


@dataclass(frozen=True)
class MailPlace:
    """Mail of one mailbox in one format, the present one or a copy that is being made."""

    identity: str
    home: Path
    kind: str
    path: Path

    @property
    def _settings(self) -> dict[str, str]:
        inbox = self.path if self.kind == MAILDIR else ""
        return {"mail_driver": DRIVERS[self.kind], "mail_path": str(self.path), "mail_inbox_path": str(inbox)}

    def doveadm(self, command: str, *words: str, accept: Sequence[int] = (0,)) -> subprocess.CompletedProcess[str]:
        """Run doveadm on this place, without the accounts database: of a revoked mailbox it knows nothing."""
        # What has become full meanwhile is converted too. No index of search is made of a copy: its place is not its.
        plugins = {f"mail_plugins/{name}": "no" for name in ("quota", "fts", "fts_flatcurve", "lazy_expunge")}
        settings = self._settings | {"mail_home": str(self.home), **plugins}
        options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
        done = subprocess.run(
            ["doveadm", "-f", "tab", *options, *command.split(), "--no-userdb-lookup", *words],
            env=os.environ | {"LANG": "C.UTF-8", "USER": self.identity},
            capture_output=True,
            check=False,
            text=True,
            errors="replace",
            # Whoever ends the program with Ctrl-C ends this one when it is through.
            process_group=0,
        )
        if done.returncode not in accept:
            said = done.stderr.strip()[-800:] or f"exit {done.returncode}"
            raise FormatError(
                f"hộp thư {self.identity}: doveadm {command} báo lỗi: {said}",
                f"mailbox {self.identity}: doveadm {command} failed: {said}",
            )
        return done

    def copy_to(self, other: "MailPlace", *, still: bool = True) -> None:
        """Make the other place equal to this one; what is there already is not copied again.

        Where sessions go on meanwhile (not `still`) it may lack the last of them.
        """
        driver = DRIVERS[other.kind]
        # doveadm forgets the configuration for its second place. Which of two ways to say a path it follows depends on
        # what else is set, so it is said in both.
        options = {"mailbox_list_utf8": "yes", "mailbox_list_storage_escape_char": "%"}
        for name, value in other._settings.items():
            if name != "mail_driver" and value:
                options |= {name: value, f"{driver}/{name}": value}
        words = [word for name, value in options.items() for word in ("-p", f"{name}={value}")]
        place = f"{driver}:{other.path}"
        self.doveadm("backup", *words, place, accept=(0,) if still else (0, CHANGED_MEANWHILE))

    def contents(self) -> "Contents":
        fields = "mailbox mailbox-guid uid guid date.received size.physical flags"
        messages = set()
        lines = rows(self.doveadm("fetch", fields, "all").stdout)[1:]
        for *row, flags in (line.split("\t") for line in lines):
            messages.add((*row, " ".join(sorted(set(flags.split()) - {"\\Recent"}))))
        # A folder that only holds others has no status of its own.
        words = ("guid uidvalidity messages uidnext", "*")
        status = rows(self.doveadm("mailbox status", *words, accept=(0, NOT_FOUND)).stdout)
        header, *found = [line.split("\t") for line in status]
        folders = {row["mailbox"]: row for row in (dict(zip(header, row, strict=True)) for row in found)}
        subscribed = rows(self.doveadm("mailbox list", "-s").stdout)
        return Contents(frozenset(messages), folders, frozenset(subscribed))


@dataclass(frozen=True)
class Contents:
    """What clients know of a mailbox."""

    messages: frozenset[tuple[str, ...]]
    folders: dict[str, dict[str, str]]
    subscribed: frozenset[str]

    def difference(self, copy: "Contents") -> str:
        """The first thing in which the copy is not the same; "" when it is."""
        for one in sorted(self.messages ^ copy.messages):
            return f"message {' '.join(one)}"
        for name in sorted(self.folders.keys() | copy.folders.keys()):
            here, there = self.folders.get(name, {}), copy.folders.get(name, {})
            # In a Maildir a folder that only holds others can hold messages, too.
            if not here and there["messages"] == "0" and any(other.startswith(f"{name}/") for other in self.folders):
                continue
            same = all(here.get(field) == there.get(field) for field in ("guid", "uidvalidity", "messages"))
            # A UID that was given stands for no other message.
            if not same or int(there["uidnext"]) < int(here["uidnext"]):
                return f"folder {name}: {here} {there}"
        for name in sorted(self.subscribed ^ copy.subscribed):
            return f"subscription {name}"
        return ""


def place(identity: str, home: Path, kind: str, *, draft: bool = False) -> MailPlace:
    """Where a home has its mail in that format, or a copy that is being made."""
    return MailPlace(identity, home, kind, home / (DRAFTS[kind] if draft else kind))


def compare(one: MailPlace, copy: MailPlace) -> int:
    """How many messages both have; FormatError when they are not the same."""
    contents = one.contents()
    if difference := contents.difference(copy.contents()):
        raise FormatError(
            f"hộp thư {one.identity}: bản {copy.kind} khác bản {one.kind}: {difference}",
            f"mailbox {one.identity}: {copy.kind} differs from {one.kind}: {difference}",
        )
    return len(contents.messages)


def settle(draft: MailPlace) -> None:
    """Give a whole copy its name, and what it takes the place of another one: to delete that takes long."""
    final, former = draft.home / draft.kind, OTHER[draft.kind]
    if final.exists():
        raise FormatError(f"{final} đã có", f"{final} exists")
    draft.path.rename(final)
    # Both names are there for a moment, and both are whole: a backup that comes just now has one or the other.
    if (draft.home / former).exists():
        rename(draft.home / former, draft.home / FORMER[former])
    atomic_file.sync(draft.home)


def rewrite(home: Path, identity: str) -> int:
    """Make home/sdbox out of home/Maildir, of a mailbox that nobody uses meanwhile; how many messages it has.

    The Maildir stays, under another name. The files are the mail's owner's, so he must reach the home.
    """
    source, draft = place(identity, home, MAILDIR), place(identity, home, SDBOX, draft=True)
    remove(draft.path)
    source.copy_to(draft)
    number = compare(source, draft)
    settle(draft)
    return number


# --- Dovecot's part in it ----------------------------------------------------------------------------------


@contextmanager
def asked(*, reload: Callable[[], None]) -> Iterator[None]:
    """Let Dovecot ask the list while the block runs, and no longer than somebody stands in it."""
    link = FOLDER / LINK
    if not link.is_symlink():
        FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
        link.symlink_to(PART)
    # Where it was there a run may have been ended before this.
    reload()
    try:
        yield
    finally:
        if not states():
            link.unlink(missing_ok=True)
            reload()


def moment_passed(since: float) -> None:
    """Wait until Dovecot looks at a list that was written then: it does so once in a second."""
    time.sleep(max(0.0, int(since) + 1.1 - time.time()))
