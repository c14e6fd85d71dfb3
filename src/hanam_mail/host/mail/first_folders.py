"""Makes the folders of new mailboxes before anybody comes: `hanam-mail-db first-folders REQUESTS FOLDER...`.

Dovecot makes a folder when it is first opened, and two of its processes that open it at once lock each other out: one
ends with a panic, or puts a message off (docs/decisions/0043-first-folders.md). The agent, which has no rights, leaves
a file of the mailbox's id among the requests; systemd then starts this program as root.
"""

import argparse
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hanam_mail.host import frame
from hanam_mail.host.output import rows

_MAILBOX = re.compile(r"[a-z0-9]{1,32}")
# Seconds before requests that failed are tried again: a tenth of what the oldest has waited, between these two.
SOONEST, LATEST = 3.0, 60.0
# After so long one that fails is given up: Dovecot makes the folders when somebody comes.
GIVEN_UP_SECONDS = 3600.0
# So many mailboxes at a time. They take 4 s where bcrypt takes 70 ms.
BATCH = 200
_TIMEOUT = 300
# So many complaints are written down at a time.
SHOWN = 10
# doveadm says so of a folder that is there. Of one whose mailbox is no more it says something that is no error.
_THERE = ": Mailbox already exists"
_INFORMS = ": Info: "
# What it complains of; other lines are of all that it was to do.
_CONCERNS = re.compile(r"doveadm\(([a-z0-9]{1,32})\)[:<]")

type Run = Callable[[Sequence[str]], list[str]]


@dataclass
class Outcome:
    """How many mailboxes got their folders, what hindered others, and who is given up."""

    made: int = 0
    complaints: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)


def run(command: Sequence[str]) -> list[str]:
    """What a command complained of, a line each."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT)
    except (OSError, subprocess.TimeoutExpired) as error:
        return [str(error)]
    complaints = [line for line in rows(done.stderr) if _INFORMS not in line]
    # With the database away it complains and ends with 0.
    return complaints or ([f"{command[0]} ended with {done.returncode}"] if done.returncode else [])


def make(mailboxes: Sequence[str], folders: Sequence[str], execute: Run = run) -> list[str]:
    """Make and subscribe these folders in each mailbox; what hindered it. A mailbox that is no more is passed over."""
    with tempfile.NamedTemporaryFile("w") as names:
        names.write("".join(f"{mailbox}\n" for mailbox in mailboxes))
        names.flush()
        complaints = execute(["doveadm", "mailbox", "create", "-s", "-F", names.name, *folders])
    return [line for line in complaints if not line.endswith(_THERE)]


def hindered(mailboxes: Iterable[str], complaints: Iterable[str]) -> set[str]:
    """Which of them did not get all folders."""
    named = [_CONCERNS.match(line) for line in complaints]
    return set(mailboxes) if None in named else {match[1] for match in named if match}


def serve(
    requests: Path, folders: Sequence[str], execute: Run = run, sleep: Callable[[float], None] = time.sleep
) -> Outcome:
    """Do what is asked for. A request that failed stays, and keeps no other waiting, until it is given up."""
    outcome, now = Outcome(), time.time()
    asked = {path.name: path for path in requests.iterdir()}
    mailboxes = sorted(name for name in asked if _MAILBOX.fullmatch(name))
    done = set(asked) - set(mailboxes)
    for number in range(0, len(mailboxes), BATCH):
        batch = mailboxes[number : number + BATCH]
        complaints = make(batch, folders, execute)
        failed = hindered(batch, complaints)
        outcome.complaints += complaints
        done |= set(batch) - failed
        if failed == set(batch):
            # Dovecot or the database is away.
            break
    outcome.made = len(done & set(mailboxes))
    waited = {name: now - path.lstat().st_mtime for name, path in asked.items() if name not in done}
    outcome.given_up = sorted(name for name, seconds in waited.items() if seconds >= GIVEN_UP_SECONDS)
    for name in (*done, *outcome.given_up):
        asked[name].unlink()
    if outcome.complaints:
        # systemd starts this again at once, as long as there is a request.
        sleep(min(LATEST, max(SOONEST, *(seconds / 10 for seconds in waited.values()), 0.0)))
    return outcome


def add_commands(commands: frame.Commands) -> None:
    """Add this module's command to those of command_line.py."""
    text = "tạo các thư mục đầu tiên của hộp thư vừa được cấp (systemd gọi)"
    command = commands.add_parser("first-folders", help=text, description=text)
    command.add_argument("requests", type=Path)
    command.add_argument("folders", nargs="+")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    outcome = serve(options.requests, options.folders)
    print(f"đã tạo thư mục cho {outcome.made} hộp thư")
    # Of a Dovecot that is away a line says all.
    for complaint in outcome.complaints[:SHOWN]:
        print(f"<3>{complaint}")
    for mailbox in outcome.given_up:
        print(f"<4>thôi tạo thư mục cho hộp thư {mailbox}: Dovecot sẽ tạo khi có người mở")
    return 1 if outcome.complaints else 0
