"""A copy of a mailbox that lies on the disk, seen and made ready by Dovecot's own tools: no account leads to it.

Nothing here writes a file of Dovecot's.
"""

import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hanam_mail.host import mail_format, mail_home
from hanam_mail.host.output import rows

# UIDs that a restored folder leaves out: messages that arrived after the snapshot had them, and a client that
# saw those must not take new ones for them.
UID_GAP = 100_000


@dataclass(frozen=True)
class FolderStatus:
    """What IMAP tells of a folder (RFC 9051): its messages, the UID that the next one gets, and UIDVALIDITY."""

    messages: int
    following: int
    validity: int


def columns(line: str) -> list[str]:
    """One line of doveadm's tab format."""
    escapes = {"t": "\t", "n": "\n", "r": "\r", "0": "\0", "1": "\001"}

    def plain(field: str) -> str:
        first, *rest = field.split("\001")
        return first + "".join(escapes.get(part[:1], "") + part[1:] for part in rest)

    return [plain(field) for field in line.split("\t")]


class Copy:
    """What lies in `home`, beside the store or in it."""

    def __init__(self, identity: str, home: Path) -> None:
        self.identity, self.home = identity, home

    def make_ready(self) -> dict[Path, str]:
        """Have Dovecot look at every file: the index of a copy may be older or newer than the messages beside it.

        A Maildir, of a backup of that time, becomes what the store has today, with UIDs, flags and GUIDs. Messages of
        it that cannot be read are left out: their places in the home, and why.
        """
        faulty: dict[Path, str] = {}
        if not self.has_mail:
            mail_home.remove(self.home / mail_home.SDBOX)
        while (self.home / mail_home.MAILDIR).is_dir() and not self.has_mail:
            try:
                mail_format.rewrite(self.home, self.identity)
            except mail_format.FormatError as error:
                if (message := self._named(error.english)) is None:
                    raise
                # The name says how long it is. Where that is wrong it is read without.
                bare = message.with_name(re.sub(r",[SW]=\d+", "", message.name))
                if bare != message:
                    message.rename(bare)
                else:
                    message.unlink()
                    faulty[message.relative_to(self.home)] = error.english
        # What a conversion had begun, or has left, is of another time.
        for left in (*self.home.glob(f"{mail_home.MAILDIR}*"), *self.home.glob(f"{mail_home.SDBOX}.*")):
            shutil.rmtree(left)
        if self.has_mail:
            self._doveadm("force-resync", "*")
        return faulty

    def _named(self, words: str) -> Path | None:
        """The message of the Maildir that Dovecot complains of."""
        found = re.findall(rf"{re.escape(str(self.home / mail_home.MAILDIR))}/[^\n]*?(?:cur|new)/\d+\.[^\s/)]+", words)
        return next((path for path in map(Path, found) if path.is_file()), None)

    @property
    def has_mail(self) -> bool:
        """Whether it lies in sdbox. One without a message beside a Maildir was made by a question for room."""
        if not (self.home / mail_home.SDBOX).is_dir():
            return False
        return mail_home.has_messages(self.home, mail_home.SDBOX) or not mail_home.has_messages(
            self.home, mail_home.MAILDIR
        )

    def folders(self) -> dict[str, FolderStatus]:
        """Folders that exist, by name; of a mailbox that was not converted yet too."""
        if not self.home.is_dir():
            return {}
        lines = rows(self._doveadm("mailbox status", "messages uidnext uidvalidity", "*").stdout)
        found = (dict(zip(columns(lines[0]), columns(line), strict=True)) for line in lines[1:])
        return {
            row["mailbox"]: FolderStatus(int(row["messages"]), int(row["uidnext"]), int(row["uidvalidity"]))
            for row in found
        }

    def move_uids_on(self, folders: Mapping[str, FolderStatus], live: Mapping[str, FolderStatus]) -> None:
        """Let no UID stand for two messages.

        Messages of the copy's `folders` keep the UIDs that clients know them by; new ones get numbers that nobody has
        seen. Where a `live` folder is replaced, clients may hold messages that go away: then the folder gets a new
        UIDVALIDITY, and they fetch it anew.
        """
        for name, folder in folders.items():
            following, options = folder.following, list[str]()
            if present := live.get(name):
                validity = max(folder.validity + 1, present.validity + 1, int(time.time()))
                options = ["--uid-validity", str(validity)]
                following = max(following, present.following)
            elif following == 1:
                # Nobody has ever seen a message there.
                continue
            self._doveadm("mailbox update", *options, "--min-next-uid", str(following + UID_GAP), name)

    def _doveadm(self, command: str, *words: str) -> subprocess.CompletedProcess[str]:
        kind = mail_home.SDBOX if self.has_mail else mail_home.MAILDIR
        return mail_format.place(self.identity, self.home, kind).doveadm(command, *words)


def messages_in(folders: Mapping[str, FolderStatus]) -> int:
    return sum(folder.messages for folder in folders.values())


def lost(live: Copy, saved: Mapping[str, FolderStatus]) -> bool:
    """Whether a restored home, which has the folders `saved`, would take nothing away.

    After a store was lost, all mailboxes are issued anew. Such a one has the folders of every new mailbox; they never
    had a message, and are others than those of the backup. Who deletes all his mail has used his mailbox.
    """
    if not live.home.exists():
        return True
    if not mail_home.untouched(live.home):
        return False
    # Without a folder of that name Dovecot would make one.
    folders = live.folders() if (live.home / mail_home.SDBOX).is_dir() else {}
    before = {name: folder.validity for name, folder in saved.items()}
    return all(folder.following == 1 and before.get(name) != folder.validity for name, folder in folders.items())


def own_format(identity: str) -> list[str]:
    """Lines of configuration that say how the mailbox itself lies on the disk, where that is not the store's way."""
    if identity not in mail_format.former():
        return []
    path = f"~/{mail_home.MAILDIR}"
    return ["mail_driver = maildir", f"mail_path = {path}", f"mail_inbox_path = {path}"]


def no_more_a_maildir(ids: Iterable[str]) -> frozenset[str]:
    """Before homes are put in place whole: who was in a Maildir lies as the store has it from now on; who these are."""
    leaving = mail_format.former().intersection(ids)
    if leaving:
        mail_format.leave_former(*leaving)
        mail_format.moment_passed(time.time())
    return leaving
