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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from hanam_mail.host.backup.settings import BackupError

CONFIGURATION = Path("/etc/dovecot/dovecot.conf")
INBOX = "INBOX"
# The folder of a home that holds the mail -> Dovecot's name of the format.
FORMATS = {"Maildir": "maildir"}
PREFIX = "#hanam-restore"
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


def _fields(line: str) -> list[str]:
    """One line of doveadm's tab format."""
    escapes = {"t": "\t", "n": "\n", "r": "\r", "0": "\0", "1": "\001"}

    def plain(field: str) -> str:
        first, *rest = field.split("\001")
        return first + "".join(escapes.get(part[:1], "") + part[1:] for part in rest)

    return [plain(field) for field in line.split("\t")]


class Mailbox:
    """A mailbox and, below PREFIX, its copy from the backup. Needs no account: a revoked one has none."""

    def __init__(self, identity: str, configuration: str) -> None:
        self.identity, self.configuration = identity, configuration

    def doveadm(self, command: str, *words: str, accept: Sequence[int] = (0,)) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            # A mailbox that has become full is no reason to keep its owner's mail from him.
            ["doveadm", "-f", "tab", "-c", self.configuration, "-o", "mail_plugins/quota=no", *command.split(),
             "--no-userdb-lookup", *words],
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
        lines = self.doveadm("fetch", fields, *query).stdout.splitlines()
        return map(_fields, lines[1:])

    def messages(self, *query: str) -> tuple[list[Message], list[Message]]:
        """Those of the backup and those of the mailbox that match; the copy's inbox is called as the mailbox's is."""
        saved, present = [], []
        for folder, box, uid, guid in self._rows("mailbox mailbox-guid uid guid", *(query or ("all",))):
            if folder == PREFIX or folder.startswith(f"{PREFIX}/"):
                saved.append(Message(folder.removeprefix(PREFIX).removeprefix("/") or INBOX, box, int(uid), guid))
            else:
                present.append(Message(folder, box, int(uid), guid))
        return saved, present

    def folders(self, *options: str) -> tuple[set[str], set[str]]:
        """Those of the backup and those of the mailbox; -s lists the subscribed ones."""
        lines = self.doveadm("mailbox list", *options).stdout.splitlines()
        if lines[:1] == ["mailbox"]:
            del lines[0]
        names = {_fields(line)[0] for line in lines}
        saved = {name for name in names if name == PREFIX or name.startswith(f"{PREFIX}/")}
        return {name.removeprefix(PREFIX).removeprefix("/") or INBOX for name in saved}, names - saved

    def lack(self) -> Lack:
        saved, present = self.messages()
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
        subscribed, _ = self.folders("-s")
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
        subscribed, _ = self.folders("-s") if names else (set(), set())
        for name in names:
            self.doveadm("mailbox create", name)
            if name in subscribed:
                self.doveadm("mailbox subscribe", name)


def _queries(messages: Sequence[Message]) -> Iterator[tuple[str, list[str]]]:
    """Folder and search query for every so many of its messages in the copy."""
    ordered = sorted(messages, key=lambda message: (message.folder, message.uid))
    for (folder, box), some in groupby(ordered, key=lambda message: (message.folder, message.box)):
        uids = [message.uid for message in some]
        name = PREFIX if folder == INBOX else f"{PREFIX}/{folder}"
        for start in range(0, len(uids), UIDS_AT_ONCE):
            wanted = uid_set(uids[start : start + UIDS_AT_ONCE])
            yield folder, ["mailbox", name, "mailbox-guid", box, "uid", wanted]


@contextmanager
def beside(identity: str, home: Path) -> Iterator[Mailbox]:
    """The mailbox with a staged copy of its home."""
    kind = next((kind for kind in FORMATS if (home / kind).is_dir()), None)
    if kind is None:
        raise BackupError(f"bản sao lưu của {identity} không có thư", f"the backup of {identity} holds no mail", 4)
    settings = {
        "prefix": f'"{PREFIX}/"',
        "separator": "/",
        "hidden": "yes",
        "list": "yes",
        "subscriptions": "yes",
        "mail_driver": FORMATS[kind],
        "mail_path": home / kind,
        "mail_inbox_path": home / kind,
    }
    namespace = ["namespace restore {", *(f"  {name} = {value}" for name, value in settings.items()), "}"]
    with tempfile.NamedTemporaryFile("w", dir="/run", prefix="hanam-mail-restore-", suffix=".conf") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write("\n".join([CONFIGURATION.read_text(), *namespace, ""]))
        file.flush()
        yield Mailbox(identity, file.name)
