"""Holds back what a login sent and still waits in this host's Postfix queue (Đ7.2b): `hanam-mail-db hold-queue FOLDER`.

The agent, which has no rights, leaves a file of the mailbox's id in the folder; systemd then starts this program as
root. An operator looks at what is held and deletes it or lets it go (postsuper -d, postsuper -H). Once let go it stays
so: the agent asks once for a lock, and again only if it was itself started anew before Dovecot had heard of the lock.
A message that is just leaving may be held, too: once let go it goes again.
"""

import argparse
import json
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from hanam_mail.host import frame
from hanam_mail.host.output import rows

_MAILBOX = re.compile(r"[a-z0-9]{1,32}")
# A message that was being taken when the lock came is in the queue by then.
AGAIN_SECONDS = 3.0
# So many found messages are held at a time: a flood goes on leaving while the rest of the queue is read.
BATCH = 100

type RunPostfix = Callable[[Sequence[str], str], str]


def run(command: Sequence[str], given: str = "") -> str:
    """What the command printed."""
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True, timeout=120).stdout


def hold(logins: set[str], execute: RunPostfix = run) -> int:
    """Hold the messages that these logins handed in; how many there were."""
    waiting = [json.loads(line) for line in rows(execute(["postqueue", "-j"], ""))]
    held, found = 0, list[str]()

    def hold_found() -> None:
        nonlocal held
        if found:
            execute(["postsuper", "-h", "-"], "".join(f"{number}\n" for number in found))
            held += len(found)
            found.clear()

    for message in waiting:
        # Who signed in has a sender; a bounce has none. The file itself names the login.
        if message["queue_name"] == "hold" or not message["sender"] or message["sender"] == "MAILER-DAEMON":
            continue
        try:
            envelope = execute(["postcat", "-q", "-e", message["queue_id"]], "")
        except subprocess.CalledProcessError:
            continue  # delivered meanwhile
        owner = re.search(r"^named_attribute: sasl_username=(.*)$", envelope, re.MULTILINE)
        if owner and owner[1] in logins:
            found.append(message["queue_id"])
        if len(found) >= BATCH:
            hold_found()
    hold_found()
    return held


def serve(folder: Path, execute: RunPostfix = run, sleep: Callable[[float], None] = time.sleep) -> tuple[set[str], int]:
    """Do what the folder asks for: the mailboxes and how many messages. A request stays until it is done."""
    asked = {path.name for path in folder.iterdir()}
    logins = {name for name in asked if _MAILBOX.fullmatch(name)}
    try:
        held = hold(logins, execute)
        for name in asked:
            (folder / name).unlink()
    except (OSError, subprocess.SubprocessError):
        # systemd starts this again at once, as long as there is a request.
        sleep(AGAIN_SECONDS)
        raise
    sleep(AGAIN_SECONDS)
    return logins, held + hold(logins, execute)


def add_commands(commands: frame.Commands) -> None:
    """Add this module's command to those of command_line.py."""
    text = "giữ lại thư đang chờ gửi của các hộp thư vừa bị khóa (systemd gọi)"
    command = commands.add_parser("hold-queue", help=text, description=text)
    command.add_argument("folder", type=Path)
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    logins, held = serve(options.folder)
    print(f"đã giữ {held} thư của {', '.join(sorted(logins))}")
    return 0
