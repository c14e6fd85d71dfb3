"""Holds what a mailbox keeps of deleted mail below a bound: `hanam-mail-db bound-deleted PREFIX QUOTAS LEAST`.

Deleted mail counts for no quota (docs/decisions/0073-undelete-and-rules.md). Without a bound, who appends and deletes
in turn fills the disk. The oldest goes first.
"""

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from hanam_mail.host import frame

DOVEADM = "/usr/bin/doveadm"

Ask = Callable[[Sequence[str]], str]


def kept(answer: str) -> dict[str, int]:
    """Octets by mailbox, of what `doveadm mailbox status` told of their folders."""
    total: dict[str, int] = defaultdict(int)
    for row in json.loads(answer or "[]"):
        # Whose folder it is stands first, before what was asked for.
        total[next(iter(row.values()))] += int(row["vsize"])
    return dict(total)


def quota(answer: str) -> int:
    """Octets that a mailbox may have, of what `doveadm quota get` told in KiB; 0 without a limit."""
    return sum(
        int(row["limit"]) * 1024
        for row in json.loads(answer or "[]")
        if row["type"] == "STORAGE" and row["limit"] != "-"
    )


def first_kept(messages: Iterable[tuple[int, int]], bound: int) -> int:
    """Of (second of deletion, octets): the second from which on all fit. Those of one second go together."""
    of_second: dict[int, int] = defaultdict(int)
    for second, size in messages:
        of_second[second] += size
    total, first = 0, max(of_second, default=0) + 1
    for second in sorted(of_second, reverse=True):
        total += of_second[second]
        if total > bound:
            break
        first = second
    return first


def hold(prefix: str, quotas: int, least: int, ask: Ask) -> dict[str, int]:
    """Remove the oldest of each mailbox that has more than so many quotas of deleted mail: mailbox -> octets before.

    `least` is the smallest quota, in octets: most mailboxes are below it and are asked nothing more.
    """
    folders = f"{prefix}*"
    over = {}
    for mailbox, octets in kept(ask([DOVEADM, "-f", "json", "mailbox", "status", "-A", "vsize", folders])).items():
        if octets <= quotas * least:
            continue
        bound = quotas * max(least, quota(ask([DOVEADM, "-f", "json", "quota", "get", "-u", mailbox])))
        if octets <= bound:
            continue
        fields = "date.saved.unixtime size.virtual"
        lines = ask([DOVEADM, "-f", "tab", "fetch", "-u", mailbox, fields, "mailbox", folders, "all"]).splitlines()[1:]
        first = first_kept(((int(second), int(size)) for second, size in map(str.split, lines)), bound)
        ask([DOVEADM, "expunge", "-u", mailbox, "mailbox", folders, "savedbefore", str(first)])
        over[mailbox] = octets
    return over


class _Doveadm:
    """A mailbox that it cannot open keeps it from no other: the journal says why, and the unit fails at the end."""

    def __init__(self) -> None:
        self.failed = False

    def __call__(self, command: Sequence[str]) -> str:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        self.failed |= done.returncode != 0
        return done.stdout


def add_commands(commands: frame.Commands) -> None:
    """Add this module's command to those of command_line.py."""
    text = "xóa bớt thư đã xóa hẳn khi một hộp thư giữ quá nhiều (systemd gọi)"
    command = commands.add_parser("bound-deleted", help=text, description=text)
    command.add_argument("prefix")
    command.add_argument("quotas", type=int)
    command.add_argument("least", type=int)
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    ask = _Doveadm()
    for mailbox, octets in hold(options.prefix, options.quotas, options.least, ask).items():
        print(
            f"<5>hộp thư {mailbox} giữ {octets} byte thư đã xóa, quá mức cho phép: đã xóa thư cũ nhất"
            f" / mailbox {mailbox} kept {octets} octets of deleted mail: the oldest is removed",
            file=sys.stderr,
        )
    return 1 if ask.failed else 0
