"""Takes away damaged indexes of search: `hanam-mail-db mend-search STORE CURSOR`.

Dovecot makes an index anew when it is gone, and never when it is damaged (docs/decisions/0042-search.md): each search
ends its session, each delivery a process that indexes, for ever. Nor does it read a document again that it could not
have read (docs/decisions/0049-text-of-documents.md). It says so in the journal and names the mailbox. This reads what
was written since its last run and removes the mailbox's indexes; the next search or delivery makes them.
"""

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

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
# Of a folder that its owner deleted or renamed while its messages were being indexed.
_GONE = re.compile(r"Couldn't write new rev file: .*\(No such file or directory\)")
# Of a session in which nobody caught that there are two lines, and only the second names the mailbox.
_NOT_CAUGHT = re.compile(r"[a-z-]+: Error: terminate called after throwing an instance of 'Xapian::Database\w*Error'")
_ENDED = re.compile(r"Fatal: master: service\([a-z-]+\): child \d+ killed with signal 6\b")
# Those two are written within a moment.
_TOGETHER = 20


def damaged(lines: Iterable[str]) -> set[str]:
    """The mailboxes whose index Dovecot could not read, or not fill, by what it wrote."""
    found, awaited = set(), 0
    for line in lines:
        awaited -= 1
        if _NOT_CAUGHT.match(line):
            awaited = _TOGETHER
        elif said := _OF_MAILBOX.match(line):
            damage = _DAMAGED.match(said[2]) and not _GONE.search(said[2])
            if damage or _UNREAD.match(said[2]) or (awaited > 0 and _ENDED.match(said[2])):
                found.add(said[1])
    return found


def remove(store: Path, mailbox: str) -> int:
    """Remove every index of a mailbox; how many there were."""
    home = store / mailbox[:2] / mailbox
    places = {path for pattern in BELOW_A_HOME for path in home.glob(pattern)}
    for place in places:
        # Dovecot may be writing into it.
        shutil.rmtree(place, ignore_errors=True)
    return len(places)


def written(cursor: Path) -> list[str]:
    """What Dovecot wrote at error level or above since the last call."""
    done = subprocess.run(
        ["journalctl", "--quiet", "--output=cat", "--unit=dovecot.service", "--priority=err",
         f"--cursor-file={cursor}"],
        capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    # No line is no fault, but the exit status is 1.
    if done.returncode != 0 and done.stderr:
        raise OSError(f"journalctl: {done.stderr.strip()}")
    return rows(done.stdout)


def mend(store: Path, read: Callable[[], Iterable[str]]) -> dict[str, int]:
    """Remove the indexes of every mailbox that has a damaged one: mailbox -> number."""
    return {mailbox: remove(store, mailbox) for mailbox in sorted(damaged(read()))}


def add_commands(commands: frame.Commands) -> None:
    """Add this module's command to those of command_line.py."""
    text = "xóa chỉ mục tìm kiếm bị hỏng để Dovecot lập lại (systemd gọi)"
    command = commands.add_parser("mend-search", help=text, description=text)
    command.add_argument("store", type=Path)
    command.add_argument("cursor", type=Path)
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    for mailbox, number in mend(options.store, lambda: written(options.cursor)).items():
        print(
            f"<4>chỉ mục tìm kiếm của hộp thư {mailbox} bị hỏng hoặc thiếu: đã xóa {number} chỉ mục, Dovecot sẽ lập lại"
            f" / the search index of mailbox {mailbox} was damaged or lacks documents: {number} removed",
            file=sys.stderr,
        )
    return 0
