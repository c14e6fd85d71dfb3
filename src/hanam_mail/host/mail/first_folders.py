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
from collections.abc import Callable, Sequence
from pathlib import Path

from hanam_mail.host import frame
from hanam_mail.host.output import rows

_MAILBOX = re.compile(r"[a-z0-9]{1,32}")
# A request whose mailbox did not get its folders is tried again so many seconds later.
AGAIN_SECONDS = 3.0
# So many mailboxes at a time; what is done is done when the next ones fail. They take 4 s where bcrypt takes 70 ms.
BATCH = 200
# doveadm says so of a folder that is there, and ends with 65 when that was its last complaint.
_THERE = ": Mailbox already exists"

type Run = Callable[[Sequence[str]], list[str]]


def run(command: Sequence[str]) -> list[str]:
    """The complaints of a command. OSError, or TimeoutExpired after five minutes."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    complaints = [line for line in rows(done.stderr) if ": Info: " not in line]
    if done.returncode and not complaints:
        complaints = [f"{command[0]} ended with {done.returncode}"]
    return complaints


def make(mailboxes: Sequence[str], folders: Sequence[str], execute: Run = run) -> list[str]:
    """Make and subscribe these folders in each mailbox; what hindered it. A mailbox that is no more is passed over."""
    with tempfile.NamedTemporaryFile("w") as names:
        names.write("".join(f"{mailbox}\n" for mailbox in mailboxes))
        names.flush()
        complaints = execute(["doveadm", "mailbox", "create", "-s", "-F", names.name, *folders])
    return [line for line in complaints if not line.endswith(_THERE)]


def serve(
    requests: Path, folders: Sequence[str], execute: Run = run, sleep: Callable[[float], None] = time.sleep
) -> tuple[int, list[str]]:
    """Do what is asked for: how many mailboxes, and what hindered the next ones. A request stays until it is done."""
    asked = sorted(path.name for path in requests.iterdir())
    for number in range(0, len(asked), BATCH):
        batch = asked[number : number + BATCH]
        complaints = make([name for name in batch if _MAILBOX.fullmatch(name)], folders, execute)
        if complaints:
            # systemd starts this again at once, as long as there is a request.
            sleep(AGAIN_SECONDS)
            return number, complaints
        for name in batch:
            (requests / name).unlink()
    return len(asked), []


def add_commands(commands: frame.Commands) -> None:
    """Add this module's command to those of command_line.py."""
    text = "tạo các thư mục đầu tiên của hộp thư vừa được cấp (systemd gọi)"
    command = commands.add_parser("first-folders", help=text, description=text)
    command.add_argument("requests", type=Path)
    command.add_argument("folders", nargs="+")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    made, complaints = serve(options.requests, options.folders)
    print(f"đã tạo thư mục cho {made} hộp thư")
    for complaint in complaints:
        print(f"<3>{complaint}")
    return 1 if complaints else 0
