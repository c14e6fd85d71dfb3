"""A restored copy of a mailbox beside the mailbox itself, compared and put back through Dovecot's own tools.

Both are namespaces of one Dovecot configuration that only this program sees, so nothing here knows how a
mailbox lies on the disk. A message is the same when its GUID is: it keeps that when it is filed in another
folder, thrown into the trash or copied.
"""

import email.errors
import email.header
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from hanam_mail.host.backup.restore_copy import columns, own_format
from hanam_mail.host.backup.settings import BackupError
from hanam_mail.host.mail_home import SDBOX
from hanam_mail.host.output import rows

CONFIGURATION = Path("/etc/dovecot/dovecot.conf")
INBOX = "INBOX"
PREFIX = "#hanam-restore/"
# Dovecot's plugins that a restore does without; what it does is no deleting.
UNUSED = ("quota", "fts", "fts_flatcurve", "lazy_expunge")
# A command line has its limits.
UIDS_AT_ONCE = 2000


@dataclass(frozen=True)
class Message:
    """One message in one folder; `box` is the GUID of the folder, which no wildcard in a name confuses."""

    folder: str
    box: str
    uid: int
    guid: str


@dataclass(frozen=True)
class Described:
    folder: str
    day: str
    sender: str
    subject: str

    def __str__(self) -> str:
        return f"{self.folder}  {self.day}  {self.sender}  {self.subject}"


@dataclass(frozen=True)
class Lack:
    """What a mailbox lacks of its copy, and how many messages of it are there."""

    messages: Sequence[Message] = ()
    folders: Sequence[str] = ()
    present: int = 0


def missing(saved: Sequence[Message], present: Sequence[Message]) -> list[Message]:
    """What the backup has and the mailbox has not, in no folder.

    As many copies as the mailbox has of a message are there already: first those in the same folder, then those
    that stand elsewhere now.
    """
    here = Counter((message.folder, message.guid) for message in present)
    gone = []
    for message in saved:
        if here[message.folder, message.guid]:
            here[message.folder, message.guid] -= 1
        else:
            gone.append(message)
    elsewhere: Counter[str] = Counter()
    for (_, guid), number in here.items():
        elsewhere[guid] += number
    found = []
    for message in gone:
        if elsewhere[message.guid]:
            elsewhere[message.guid] -= 1
        else:
            found.append(message)
    return found


def uid_set(uids: Sequence[int]) -> str:
    """The shortest way to write them: 1:3,7."""
    parts: list[list[int]] = []
    for uid in sorted(uids):
        if parts and uid == parts[-1][1] + 1:
            parts[-1][1] = uid
        else:
            parts.append([uid, uid])
    return ",".join(f"{first}" if first == last else f"{first}:{last}" for first, last in parts)


def decoded(header: str) -> str:
    """A header as people read it, on one line and without what could move a terminal's cursor."""
    try:
        text = str(email.header.make_header(email.header.decode_header(header)))
    except (email.errors.HeaderParseError, LookupError, ValueError):
        text = header
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))


class MailboxWithCopy:
    """A mailbox and, below PREFIX, its copy from the backup. Needs no account: a revoked one has none."""

    def __init__(self, identity: str, configuration: str) -> None:
        self.identity, self.configuration = identity, configuration

    def doveadm(self, command: str, *words: str, accept: Sequence[int] = (0,)) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            # A mailbox that has become full is no reason to keep its owner's mail from him. What makes an index of
            # search knows nothing of the copy; the mailbox's own takes in what comes back when it is searched again.
            ["doveadm", "-f", "tab", "-c", self.configuration,
             *(word for name in UNUSED for word in ("-o", f"mail_plugins/{name}=no")),
             *command.split(), "--no-userdb-lookup", *words],
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "USER": self.identity},
            capture_output=True, check=False, text=True, errors="replace",
        )  # fmt: skip
        if done.returncode not in accept:
            words_of_it = done.stderr.strip()[-1500:]
            raise BackupError(
                f"hộp thư {self.identity}: doveadm {command} báo lỗi: {words_of_it}",
                f"mailbox {self.identity}: doveadm {command} failed: {words_of_it}",
            )
        return done

    def _rows(self, fields: str, *query: str) -> Iterator[list[str]]:
        lines = rows(self.doveadm("fetch", fields, *query).stdout)
        return map(columns, lines[1:])

    def messages(self, *query: str) -> tuple[list[Message], list[Message]]:
        """Those of the backup and those of the mailbox that match; the copy's inbox is called as the mailbox's is."""
        saved, present = [], []
        for folder, box, uid, guid in self._rows("mailbox mailbox-guid uid guid", *(query or ("all",))):
            if folder.startswith(PREFIX):
                saved.append(Message(folder.removeprefix(PREFIX), box, int(uid), guid))
            else:
                present.append(Message(folder, box, int(uid), guid))
        return saved, present

    def folders(self) -> tuple[set[str], set[str]]:
        """Those of the backup and those of the mailbox that can hold messages."""
        lines = rows(self.doveadm("mailbox status", "messages", "*", f"{PREFIX}*").stdout)
        return _parted(columns(line)[0] for line in lines[1:])

    def subscribed(self) -> set[str]:
        """Those of the backup that its owner had subscribed."""
        lines = rows(self.doveadm("mailbox list", "-s").stdout)
        return _parted(columns(line)[0] for line in lines)[0]

    def lack(self, *, messages: bool = True) -> Lack:
        """What is not there; without `messages` the copy is known to have none, and none is asked for."""
        saved, present = self.messages() if messages else ([], [])
        found = missing(saved, present)
        of_copy, there = self.folders()
        # A folder with missing messages comes back with them.
        empty = of_copy - there - {message.folder for message in found}
        return Lack(found, sorted(empty), len(saved) - len(found))

    def describe(self, messages: Sequence[Message]) -> list[Described]:
        found = []
        for query in _queries(messages):
            for _, day, sender, subject in self._rows("mailbox date.received hdr.from hdr.subject", *query[1]):
                found.append(Described(query[0], day[:16], decoded(sender), decoded(subject)))
        return sorted(found, key=lambda one: (one.folder, one.day))

    def put_back(self, messages: Sequence[Message], place: Callable[[str], str], *, subscribe: bool = False) -> None:
        """Copy them out of the backup, with flags, keywords, dates and GUIDs; `place` says into which folder."""
        subscribed = self.subscribed()
        ready: set[str] = set()
        for folder, query in _queries(messages):
            target = place(folder)
            if target not in ready:
                ready.add(target)
                # Fails where there is one, and the copy shows whether there is.
                new = self.doveadm("mailbox create", target, accept=range(256)).returncode == 0
                if new and (subscribe or folder in subscribed):
                    self.doveadm("mailbox subscribe", target)
            self.doveadm("copy", target, *query)

    def make_folders(self, names: Sequence[str]) -> None:
        """Folders without messages, subscribed as the copy's are."""
        subscribed = self.subscribed() if names else set()
        for name in names:
            self.doveadm("mailbox create", name)
            if name in subscribed:
                self.doveadm("mailbox subscribe", name)


def _parted(names: Iterable[str]) -> tuple[set[str], set[str]]:
    """Names of the backup's folders, as the mailbox calls them, and of the mailbox's own."""
    found = set(names)
    saved = {name for name in found if name.startswith(PREFIX)}
    return {name.removeprefix(PREFIX) for name in saved}, found - saved


def _queries(messages: Sequence[Message]) -> Iterator[tuple[str, list[str]]]:
    """Folder and search query for every so many of its messages in the copy."""
    ordered = sorted(messages, key=lambda message: (message.folder, message.uid))
    for (folder, box), some in groupby(ordered, key=lambda message: (message.folder, message.box)):
        uids = [message.uid for message in some]
        name = f"{PREFIX}{folder}"
        for start in range(0, len(uids), UIDS_AT_ONCE):
            wanted = uid_set(uids[start : start + UIDS_AT_ONCE])
            yield folder, ["mailbox", name, "mailbox-guid", box, "uid", wanted]


@contextmanager
def beside(identity: str, home: Path) -> Iterator[MailboxWithCopy]:
    """The mailbox with a staged copy of its home."""
    if not (home / SDBOX).is_dir():
        raise BackupError(f"bản sao lưu của {identity} không có thư", f"the backup of {identity} holds no mail", 4)
    settings = {
        "prefix": f'"{PREFIX}"',
        "separator": "/",
        "hidden": "yes",
        "list": "yes",
        "subscriptions": "yes",
        "mail_driver": "sdbox",
        "mail_path": home / SDBOX,
        # Else it is the mailbox's own, where that lies in a Maildir still.
        "mail_inbox_path": "",
    }
    namespace = ["namespace restore {", *(f"  {name} = {value}" for name, value in settings.items()), "}"]
    with tempfile.NamedTemporaryFile("w", dir="/run", prefix="hanam-mail-restore-", suffix=".conf") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write("\n".join([CONFIGURATION.read_text(), *own_format(identity), *namespace, ""]))
        file.flush()
        yield MailboxWithCopy(identity, file.name)
