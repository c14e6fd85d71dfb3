"""Who waits for news (IDLE) is told by the kernel, however many wait: its limit of inotify instances.

Dovecot does not look by itself here, so that whoever is told was told by the kernel, however busy the machine is. That
it takes no longer than a second is measured by bench/sessions.py.
"""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hanam_lab.watches import LIMIT
from tests import journal
from tests.lab import Lab, Sample
from tests.people import People
from tests.waiting import Session, store_one

pytestmark = pytest.mark.provokes(journal.MANY_SESSIONS, journal.DOVECOT_AWAY)

SESSIONS = 300
# As many that nobody has more sessions than Dovecot allows from one address.
PERSONS = 10
KERNEL_GIVES = 128
"""What the kernel gives each user where no role says more."""

PATIENCE = 30.0
"""Seconds that sessions wait after the last message. Dovecot gathers news for half a second."""

AS_A_UNIT = Path("/run/systemd/system/dovecot.service.d/zz-own-users.conf")
PROGRAM = "/run/hanam-own-users.py"
CONFIGURATION = "/run/hanam-own-users.conf"

# The kernel counts instances by user in each namespace of users, and fs.inotify.max_user_instances is the limit of the
# outermost, which all hosts of this machine share. Dovecot gets a namespace of its own, and so its own limit. Users
# and groups keep their numbers there. systemd's PrivateUsers would not do: it forbids setgroups.
OWN_USERS = f"""
import os

unshared, mapped = os.pipe(), os.pipe()
if not os.fork():
    os.read(unshared[0], 1)
    for kind in ("uid_map", "gid_map"):
        with open(f"/proc/{{os.getppid()}}/{{kind}}", "w") as file:
            file.write("0 0 65536")
    os.write(mapped[1], b"x")
    os._exit(0)
os.unshare(os.CLONE_NEWUSER)
os.write(unshared[1], b"x")
os.read(mapped[0], 1)
os.wait()
os.execv("/usr/sbin/dovecot", ["dovecot", "-F", "-c", "{CONFIGURATION}"])
"""
UNIT = f"""
[Service]
ExecStart=
ExecStart=/usr/bin/python3 -I {PROGRAM}
RestrictNamespaces=no
SystemCallFilter=unshare
CapabilityBoundingSet=CAP_SETFCAP
TimeoutStartSec=20
"""
LOW_PORTS = "/proc/sys/net/ipv4/ip_unprivileged_port_start"


def _kernel(lab: Lab, command: str) -> str:
    """Run a command on the mail store where the kernel's settings can be written. Only those of a namespace may be."""
    return lab.run("mailstore", f"unshare --mount sh -ec 'mount -t proc proc /proc; {command}'")


@contextmanager
def own_users(lab: Lab) -> Iterator[None]:
    """At its next start give Dovecot a namespace of users and no interval of its own; take both away afterwards."""
    ports = lab.look_at("mailstore").file(LOW_PORTS).content_string.strip()
    try:
        # The network is not its own, so that there it is not root.
        _kernel(lab, f"echo 0 > {LOW_PORTS}")
        lab.run(
            "mailstore",
            f"mkdir -p {AS_A_UNIT.parent}; cat > {PROGRAM} <<'END'\n{OWN_USERS}\nEND\n"
            f"cat > {AS_A_UNIT} <<'END'\n{UNIT}\nEND\n"
            "umask 077; "
            f"sed 's/^mailbox_idle_check_interval = .*/mailbox_idle_check_interval = 1h/' /etc/dovecot/dovecot.conf"
            f" > {CONFIGURATION}; grep -q 'check_interval = 1h' {CONFIGURATION} && systemctl daemon-reload",
        )
        yield
    finally:
        lab.run(
            "mailstore",
            f"rm -f {AS_A_UNIT} {PROGRAM} {CONFIGURATION}; systemctl daemon-reload; systemctl restart dovecot",
        )
        _kernel(lab, f"echo {ports} > {LOW_PORTS}")
        lab.wait_for_agents()


def restart_with(lab: Lab, instances: int) -> None:
    """Let Dovecot run as if its host's kernel gave each user so many. A process that was once refused asks no more."""
    lab.run("mailstore", "systemctl restart dovecot")
    process = lab.look_at("mailstore").service("dovecot").systemd_properties["MainPID"]
    own, limit = f"nsenter --user=/proc/{process}/ns/user", "/proc/sys/user/max_inotify_instances"
    _kernel(lab, f'{own} sh -ec "echo {instances} > {limit}"')
    assert _kernel(lab, f"{own} cat {limit}; cat {limit}").split() == [str(instances), LIMIT.read_text().strip()]


async def _told(lab: Lab, persons: list[Sample]) -> list[float]:
    """Open the sessions, give each person a message, and say of each session that is told after how many seconds."""
    host = lab.hosts[lab.host("mailstore")]
    # As many at most as one person may have from one address.
    addresses = (host["host_ipv4"], host["host_ipv6"])
    doors = [(person, address) for person in persons for address in addresses]
    sessions = [Session(lab, *doors[number % len(doors)]) for number in range(SESSIONS)]
    turn, waiting = asyncio.Semaphore(16), list[asyncio.Task[float]]()
    try:
        await asyncio.gather(*(session.open(turn) for session in sessions))
        await asyncio.gather(*(session.idle() for session in sessions))
        waiting += [asyncio.create_task(session.told()) for session in sessions]
        await asyncio.sleep(0)
        stored = {person: await asyncio.to_thread(store_one, lab, person) for person in persons}
        await asyncio.wait(waiting, timeout=PATIENCE)
        return [
            task.result() - stored[session.person]
            for session, task in zip(sessions, waiting, strict=True)
            if task.done()
        ]
    finally:
        for task in waiting:
            task.cancel()
        for session in sessions:
            session.close()


def test_all_who_wait_are_told_by_what_the_role_gives_and_not_by_what_the_kernel_gives(
    lab: Lab, people: People
) -> None:
    outside = int(LIMIT.read_text())
    assert outside >= 2 * SESSIONS, f"{LIMIT} is {outside}: what Dovecot takes counts as this machine's root's, too"
    (given,) = re.findall(
        r"^fs\.inotify\.max_user_instances = (\d+)$",
        lab.look_at("mailstore").file("/etc/sysctl.d/60-hanam-dovecot.conf").content_string,
        re.M,
    )
    told = dict[int, list[float]]()
    persons = [people.take() for _ in range(PERSONS)]
    with own_users(lab):
        for instances in (KERNEL_GIVES, int(given)):
            restart_with(lab, instances)
            told[instances] = asyncio.run(_told(lab, persons))
            print(f"of {SESSIONS} sessions {len(told[instances])} were told, at {instances} instances:")
            print(f"  the last {max(told[instances]):.2f} s after the message")
    assert len(told[KERNEL_GIVES]) < SESSIONS
    assert len(told[int(given)]) == SESSIONS
