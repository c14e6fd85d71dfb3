"""Makes the folders of new mailboxes before anybody comes: `hanam-mail-db first-folders STORE REQUESTS FOLDER...`.

Dovecot makes a folder when it is first opened, and two of its processes that open it at once lock each other out: one
ends with a panic, or puts a message off (docs/decisions/0043-first-folders.md). The agent, which has no rights, leaves
a file of the mailbox's id among the requests; systemd then starts this program as root.

Each folder gets the empty place of its index of search as well. Without one, Dovecot 2.4.1 does not lock what it reads,
and a session that searches while the first message is being indexed dies (docs/decisions/0042-search.md). Their sizes
are noted as well, which the first letter to each would wait for (docs/decisions/0088-circulars.md).
"""

import argparse
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hanam_mail.host import frame, search_places
from hanam_mail.host.output import rows

_MAILBOX = re.compile(r"[a-z0-9]{1,32}")
# Seconds before requests that failed are tried again: a tenth of what the oldest has waited, between these two.
SOONEST, LATEST = 3.0, 60.0
# After so long the operator hears of it: a restart of Dovecot or the database is over by then.
ALARM_SECONDS = 600.0
# After so long one that fails is given up: Dovecot makes the folders when somebody comes.
GIVEN_UP_SECONDS = 24 * 3600.0
# So many mailboxes at a time. They take 4 s where bcrypt takes 70 ms.
BATCH = 200
# So many complaints are written down at a time: of a Dovecot that is away one says all.
SHOWN = 10
_TIMEOUT = 300
# doveadm says so of a folder that is there, and ends with this code. A mailbox that is no more is no error to it.
_THERE, _THERE_CODE = ": Mailbox already exists", 65
_INFORMS = ": Info: "

type RunDoveadm = Callable[[Sequence[str]], list[str]]


@dataclass
class FirstFolders:
    """How many mailboxes got their folders, what hindered others for how many seconds, and who is given up."""

    made: int = 0
    complaints: list[str] = field(default_factory=list)
    seconds: float = 0.0
    given_up: list[str] = field(default_factory=list)


def run(command: Sequence[str]) -> list[str]:
    """What a command complained of, a line each."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT)
    except (OSError, subprocess.TimeoutExpired) as error:
        return [str(error)]
    # With the database away it complains and ends with 0.
    complaints = [line for line in rows(done.stderr) if _INFORMS not in line and not line.endswith(_THERE)]
    if not complaints and done.returncode not in (0, _THERE_CODE):
        complaints = [f"{command[0]} ended with {done.returncode}"]
    return complaints


def make(mailboxes: Sequence[str], folders: Sequence[str], execute: RunDoveadm = run) -> list[str]:
    """Make and subscribe these folders in each mailbox; what hindered it. A mailbox that is no more is passed over."""
    return _of_each(["mailbox", "create", "-s"], mailboxes, folders, execute)


def note_sizes(mailboxes: Sequence[str], execute: RunDoveadm = run) -> list[str]:
    """Have Dovecot note how large each folder of theirs is; what hindered it."""
    return _of_each(["quota", "get"], mailboxes, (), execute) if mailboxes else []


def _of_each(
    command: Sequence[str], mailboxes: Sequence[str], arguments: Sequence[str], execute: RunDoveadm
) -> list[str]:
    with tempfile.NamedTemporaryFile("w") as names:
        names.write("".join(f"{mailbox}\n" for mailbox in mailboxes))
        names.flush()
        return execute(["doveadm", *command, "-F", names.name, *arguments])


def make_each(mailboxes: Sequence[str], folders: Sequence[str], execute: RunDoveadm) -> dict[str, list[str]]:
    """Make them in all; what hindered it, of each mailbox that has not got them."""
    if not make(mailboxes, folders, execute):
        return {}
    # One that fails can be the end of all behind it.
    alone = {mailbox: make([mailbox], folders, execute) for mailbox in mailboxes}
    return {mailbox: complaints for mailbox, complaints in alone.items() if complaints}


def make_places(store: Path, mailboxes: Sequence[str], folders: Sequence[str]) -> list[str]:
    """Make the places of their indexes of search, as the owner of all mail; what hindered it."""
    places = [search_places.of_folder(store, mailbox, folder) for mailbox in mailboxes for folder in folders]
    missing = [str(place) for place in places if place.parent.is_dir() and not place.exists()]
    if not missing:
        return []
    owner = store.stat()
    done = subprocess.run(
        ["mkdir", "--mode=0700", "--", *missing], user=owner.st_uid, group=owner.st_gid, extra_groups=[],
        capture_output=True, text=True, check=False, timeout=_TIMEOUT,
    )  # fmt: skip
    # An index that Dovecot has made meanwhile is there.
    return [line for line in rows(done.stderr) if not line.endswith(": File exists")]


def serve(
    store: Path,
    requests: Path,
    folders: Sequence[str],
    execute: RunDoveadm = run,
    sleep: Callable[[float], None] = time.sleep,
) -> FirstFolders:
    """Do what is asked for. A request that failed stays, and keeps no other waiting, until it is given up."""
    outcome = FirstFolders()
    try:
        _serve(store, requests, folders, execute, outcome)
    except OSError as error:
        outcome.complaints.append(str(error))
        outcome.seconds = max(time.time() - path.lstat().st_mtime for path in (requests, *requests.iterdir()))
    if outcome.complaints:
        # systemd starts this again at once, as long as there is a request.
        sleep(min(LATEST, max(SOONEST, outcome.seconds / 10)))
    return outcome


def _serve(store: Path, requests: Path, folders: Sequence[str], execute: RunDoveadm, outcome: FirstFolders) -> None:
    waited = {path.name: time.time() - path.lstat().st_mtime for path in requests.iterdir()}
    mailboxes = sorted(name for name in waited if _MAILBOX.fullmatch(name))
    for name in waited.keys() - set(mailboxes):
        (requests / name).unlink()
    for number in range(0, len(mailboxes), BATCH):
        batch = mailboxes[number : number + BATCH]
        failed = make_each(batch, folders, execute)
        outcome.complaints += [line for complaints in failed.values() for line in complaints]
        outcome.seconds = max([outcome.seconds, *(waited[name] for name in failed)])
        made = [name for name in batch if name not in failed]
        outcome.made += len(made)
        outcome.complaints += make_places(store, made, folders) + note_sizes(made, execute)
        given_up = [name for name in failed if waited[name] >= GIVEN_UP_SECONDS]
        outcome.given_up += given_up
        for name in (*made, *given_up):
            (requests / name).unlink()
        if len(failed) == len(batch):
            # Dovecot or the database is away.
            break


def add_commands(commands: frame.Commands) -> None:
    """Add this module's command to those of command_line.py."""
    text = "tạo các thư mục đầu tiên của hộp thư vừa được cấp (systemd gọi)"
    command = commands.add_parser("first-folders", help=text, description=text)
    command.add_argument("store", type=Path)
    command.add_argument("requests", type=Path)
    command.add_argument("folders", nargs="+")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    outcome = serve(options.store, options.requests, options.folders)
    late = outcome.seconds >= ALARM_SECONDS
    print(f"đã tạo thư mục cho {outcome.made} hộp thư")
    for complaint in outcome.complaints[:SHOWN]:
        print(f"<{3 if late else 4}>{complaint}")
    for mailbox in outcome.given_up:
        print(f"<3>thôi tạo thư mục cho hộp thư {mailbox}: Dovecot sẽ tạo khi có người mở")
    return 1 if late else 0
