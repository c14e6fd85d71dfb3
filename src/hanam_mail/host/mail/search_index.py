"""Takes away damaged indexes of search: `hanam-mail-db mend-search STORE CURSOR`.

Dovecot makes an index anew when it is gone, and never when it is damaged (docs/decisions/0042-search.md): each search
ends its session, each delivery a process that indexes, for ever. Nor does it read a document again that it could not
have read (docs/decisions/0049-text-of-documents.md). It says so in the journal and names the mailbox. This reads what
was written since its last run and removes the mailbox's indexes; the next search or delivery makes them.

A damaged index goes at once; one that lacks documents once in a day, since a large mailbox takes hours to be read again
and the reader may be away the next time too. Which wait stands in a file beside the cursor.

What fails for one mailbox is told and keeps no other from its turn. The cursor moves on when all had theirs: a run that
dies (a program that reads a damaged index may end by a signal) loses nothing, the next one reads the same again.
"""

import argparse
import itertools
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from hanam_mail import atomic_file
from hanam_mail.host import frame
from hanam_mail.host.output import rows
from hanam_mail.host.search_places import BELOW_A_HOME

# Who says it of whom: a session of IMAP or a delivery, of the mailbox's id. A person chooses none of it.
_OF_MAILBOX = re.compile(r"[a-z-]+\(([a-z0-9]{1,32})\)<[^>]*><[^>]*>: (.*)")
# What Xapian says of an index that it cannot read; not of one that is locked or has just been changed.
_DAMAGED = re.compile(r"Error: fts-flatcurve: .*Database(Corrupt|Opening|NotFound|Version|Format)?Error: ")
# Of a message whose attached documents nobody could read: it stands in the index without them, and no search adds them.
# An answer has a number; what has none is a service that was away.
_UNREAD = re.compile(r"Error: fts_tika: PUT \S+ failed: (?!\d{3} )")
# Of a document that had no turn, twice; Dovecot goes on with the next message.
_LEFT_OUT = re.compile(
    r"(?!Error: ).*: UID \d+: fts_tika: PUT http://127\.0\.0\.1:\d+/search failed: 5\d\d .* - ignoring$"
)
# Of a folder that its owner deleted or renamed while its messages were being indexed.
_GONE = re.compile(r"Couldn't write new rev file: .*\(No such file or directory\)")
# Of a session in which nobody caught that there are two lines, and only the second names the mailbox.
_NOT_CAUGHT = re.compile(r"[a-z-]+: Error: terminate called after throwing an instance of 'Xapian::Database\w*Error'")
_ENDED = re.compile(r"Fatal: master: service\([a-z-]+\): child \d+ killed with signal 6\b")
# Those two are written within a moment.
_TOGETHER = 20
# For journalctl, which has all that Dovecot says in ten minutes, of everybody's sessions.
_WORTH_READING = r"Error: |Fatal: |fts_tika: PUT \S+ failed: 5"
# Seconds between two readings of a mailbox again for its documents.
_DAY = 86_400


def damaged(lines: Iterable[str]) -> set[str]:
    """The mailboxes whose index Dovecot could not read, or not fill, by what it wrote."""
    found, awaited = set(), 0
    for line in lines:
        awaited -= 1
        if _NOT_CAUGHT.match(line):
            awaited = _TOGETHER
        elif said := _OF_MAILBOX.match(line):
            damage = _DAMAGED.match(said[2]) and not _GONE.search(said[2])
            if damage or (awaited > 0 and _ENDED.match(said[2])):
                found.add(said[1])
    return found


def lacking(lines: Iterable[str]) -> set[str]:
    """The mailboxes whose index lacks a document that nobody read when its message came."""
    said = [found for line in lines if (found := _OF_MAILBOX.match(line))]
    return {each[1] for each in said if _UNREAD.match(each[2]) or _LEFT_OUT.match(each[2])}


class Waiting:
    """Which mailboxes lack documents, and when each was last read again (seconds since the epoch), in a file."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def due(self, more: set[str], now: float) -> set[str]:
        """Those whose turn it is; they count as read again from now on. `more` are those that were found just now."""
        done, wait = self._read()
        wait |= more
        # A clock that went back keeps nobody waiting for longer than a day.
        done = {mailbox: when for mailbox, when in done.items() if abs(now - when) < _DAY}
        due = wait - set(done)
        done |= dict.fromkeys(due, now)
        text = json.dumps({"done": done, "waiting": sorted(wait - due)})
        atomic_file.write(self._place, text.encode("ascii"), mode=0o600)
        return due

    def _read(self) -> tuple[dict[str, float], set[str]]:
        try:
            found = json.loads(self._place.read_bytes())
            return {str(key): float(value) for key, value in found["done"].items()}, set(map(str, found["waiting"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            # There is none yet, or nobody can read it: those that waited are lost, and named again if it happens again.
            return {}, set()


def remove(store: Path, mailbox: str) -> int:
    """Remove every index of a mailbox; how many there were.

    Their empty places stay: where there is none, Dovecot reads what another process is about to make.
    """
    home = store / mailbox[:2] / mailbox
    places = {path for pattern in BELOW_A_HOME for path in home.glob(pattern)}
    filled = [files for place in places if (files := list(place.iterdir()))]
    for file in itertools.chain.from_iterable(filled):
        if file.is_dir() and not file.is_symlink():
            # Dovecot may be writing into it.
            shutil.rmtree(file, ignore_errors=True)
        else:
            file.unlink(missing_ok=True)
    return len(filled)


def written(cursor: Path) -> list[str]:
    """What Dovecot wrote of errors and of documents that it left out since the last call."""
    done = subprocess.run(
        ["journalctl", "--quiet", "--output=cat", "--unit=dovecot.service", "--priority=info",
         f"--grep={_WORTH_READING}", "--case-sensitive", f"--cursor-file={cursor}"],
        capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    # No line is no fault, but the exit status is 1.
    if done.returncode < 0:
        raise OSError(f"journalctl ended by {signal.Signals(-done.returncode).name}")
    if done.returncode != 0 and done.stderr:
        raise OSError(f"journalctl: {done.stderr.strip()}")
    return rows(done.stdout)


def mend(store: Path, read: Callable[[], Iterable[str]], waiting: Waiting) -> dict[str, int | OSError]:
    """Remove the indexes of every mailbox that has a damaged one, or one that lacks documents.

    Mailbox -> number, or why not.
    """
    lines = list(read())
    due = waiting.due(lacking(lines), time.time())
    found: dict[str, int | OSError] = {}
    for mailbox in sorted(damaged(lines) | due):
        try:
            found[mailbox] = remove(store, mailbox)
        except OSError as error:
            found[mailbox] = error
    return found


def add_commands(commands: frame.Commands) -> None:
    """Add this module's command to those of command_line.py."""
    text = "xóa chỉ mục tìm kiếm bị hỏng để Dovecot lập lại (systemd gọi)"
    command = commands.add_parser("mend-search", help=text, description=text)
    command.add_argument("store", type=Path)
    command.add_argument("cursor", type=Path)
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    waiting = Waiting(options.cursor.with_name("waiting.json"))
    ahead = options.cursor.with_name("cursor.next")
    ahead.unlink(missing_ok=True)
    if options.cursor.exists():
        shutil.copyfile(options.cursor, ahead)
    failed = False
    for mailbox, result in mend(options.store, lambda: written(ahead), waiting).items():
        if isinstance(result, OSError):
            failed = True
            text = (
                f"<3>không xóa được chỉ mục tìm kiếm bị hỏng của hộp thư {mailbox}: {result}"
                f" / the damaged search index of mailbox {mailbox} cannot be removed"
            )
        else:
            text = (
                f"<4>chỉ mục tìm kiếm của hộp thư {mailbox} bị hỏng hoặc thiếu: đã xóa {result} chỉ mục, Dovecot sẽ lập"
                f" lại / the search index of mailbox {mailbox} was damaged or lacks documents: {result} removed"
            )
        print(text, file=sys.stderr)
    if ahead.exists():
        ahead.replace(options.cursor)
    return 1 if failed else 0
