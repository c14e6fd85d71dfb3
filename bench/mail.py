"""python -m bench.mail --lab NAME: what a message from outside costs each daemon, and how that grows with the INBOX.

Needs a lab as `make up` leaves it; a mailbox made for the measurement is used and removed. Messages of 10 KB come over
SMTP from a stranger, one connection each, through filter and virus scanner into the INBOX and its index of search.
What a daemon took of the processors is told by the kernel, its processes that ended meanwhile included. Figures go to
build/bench/mail.json and, as a table, to build/bench/mail.md. What is dearer than asked, or grows, makes the run fail.
"""

import argparse
import json
import os
import random
import re
import shlex
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path

from tests.lab import Lab, Sample
from tests.people import People

from bench.host import Host
from bench.measuring import OUTPUT, Measure, Run, machine, measured, write
from bench.search import words

SIZES = (0, 20_000, 100_000)
FLAT = 2.5
ASKED = 0.012
"""Seconds of processors for a message, without the filter's and the scanner's."""
MESSAGES, ROUNDS, AT_ONCE = 40, 3, 4
OCTETS = 10_000
STRANGER = "nguoi.gui@client.example"
UNITS = {
    "Postfix": "postfix.service",
    "Dovecot": "dovecot.service",
    "PostgreSQL": "postgresql@17-main.service",
    "rspamd": "rspamd.service",
    "ClamAV": "clamav-daemon.service",
    "Redis": "redis-server.service",
    "unbound": "unbound.service",
}
FILTERS = ("rspamd", "ClamAV", "Redis", "unbound")
"""What the filter is and asks."""
# A daemon's children that ended count with it, since it has waited for them.
_USED = """
import json, os, pathlib, subprocess, sys
parents, ticks = {}, {}
for entry in pathlib.Path('/proc').glob('[0-9]*'):
    try:
        fields = (entry / 'stat').read_text().rpartition(')')[2].split()
    except OSError:
        continue
    parents[int(entry.name)], ticks[int(entry.name)] = int(fields[1]), sum(map(int, fields[11:15]))
def below(process, main):
    while process in parents and process != main:
        process = parents[process]
    return process == main
def main_process(unit):
    return int(subprocess.check_output(['systemctl', 'show', unit, '--property=MainPID', '--value'], text=True))
mains = [main_process(unit) for unit in sys.argv[1:]]
rate = os.sysconf('SC_CLK_TCK')
print(json.dumps([sum(n for process, n in ticks.items() if below(process, main)) / rate for main in mains]))
"""
_CLIENT = Path(__file__).with_name("store_client.py")


def used(lab: Lab) -> dict[str, float]:
    """Seconds of processors that each daemon took, with all that came of it and has ended."""
    told = lab.run("mailstore", f"python3 -c {shlex.quote(_USED)} {' '.join(UNITS.values())}")
    return dict(zip(UNITS, json.loads(told), strict=True))


def letters(person: Sample, number: int, rng: random.Random) -> list[bytes]:
    """So many messages of Vietnamese text, each unlike the others."""
    text, found = words(rng), []
    for _ in range(number):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = STRANGER, person.address, text(8)
        mail["Date"], mail["Message-ID"] = formatdate(localtime=True), make_msgid(domain=STRANGER.partition("@")[2])
        body = text(OCTETS // 6)
        mail.set_content(f"{body.encode()[:OCTETS].decode(errors='ignore')}\n", cte="8bit")
        found.append(mail.as_bytes())
    return found


def deliver(lab: Lab, person: Sample, mails: Sequence[bytes]) -> None:
    """Send them all; returns when the mailbox has them and its index too."""
    wanted = messages(lab, person) + len(mails)

    def send(mail: bytes) -> None:
        with lab.smtp() as client:
            client.sendmail(STRANGER, [person.address], mail)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(send, mails))
    end = time.monotonic() + 600
    while messages(lab, person) < wanted or not indexed(lab, person, wanted):
        if time.monotonic() > end:
            raise TimeoutError(f"{messages(lab, person)} messages of {wanted} came within 600 s")
        time.sleep(0.5)


def messages(lab: Lab, person: Sample) -> int:
    told = lab.run("mailstore", f"doveadm -f flow mailbox status -u {person.mailbox} messages INBOX")
    return int(told.split("messages=")[1])


def indexed(lab: Lab, person: Sample, number: int) -> bool:
    told = lab.run("mailstore", f"doveadm -f flow fts flatcurve stats -u {person.mailbox} INBOX")
    found = re.search(r"messages=(\d+)", told)
    return found is not None and int(found[1]) >= number


def measure(host: Host, person: Sample, sizes: Sequence[int]) -> dict[tuple[str, int], Measure]:
    """By daemon and size of the INBOX: seconds of processors a message."""
    lab, rng, found = host.lab, random.Random(1), {}  # noqa: S311 (no secret)
    for size in sizes:
        host.program("mailstore", _CLIENT, "fill", person.address, person.mailbox, str(size))
        # The first of a stranger's are no measure of the rest.
        deliver(lab, person, letters(person, MESSAGES // 4, rng))
        runs: dict[str, list[Run]] = {name: [] for name in UNITS}
        for _ in range(ROUNDS):
            mails = letters(person, MESSAGES, rng)
            load, before = os.getloadavg()[0], used(lab)
            deliver(lab, person, mails)
            after = used(lab)
            for name, each in runs.items():
                cost = (after[name] - before[name]) / MESSAGES
                each.append(Run(cost, cost, load))
        for name, each in runs.items():
            found[name, size] = measured(f"{name}, INBOX of {size:,}", each)
    return found


def chain(found: dict[tuple[str, int], Measure], size: int) -> float:
    """Seconds of processors a message, without the filters."""
    return sum(found[name, size].seconds for name in UNITS if name not in FILTERS)


def table(found: dict[tuple[str, int], Measure], sizes: Sequence[int]) -> str:
    """A line for each daemon; milliseconds of processors a message."""
    lines = [f"| ms of processors a message | {' | '.join(f'{size:,}' for size in sizes)} |\n"]
    lines.append(f"| --- |{' ---: |' * len(sizes)}\n")
    rows = {name: [found[name, size].seconds for size in sizes] for name in UNITS}
    rows |= {"without the filter and what it asks": [chain(found, size) for size in sizes]}
    for name, cells in rows.items():
        lines.append(f"| {name} | {' | '.join(f'{cell * 1000:.1f}' for cell in cells)} |\n")
    return "".join(lines)


def main() -> int:
    """Measure, write, and say what was missed; exit 1 then."""
    parser = argparse.ArgumentParser(prog="python -m bench.mail", description=__doc__)
    parser.add_argument("--lab", default="bench", help="a lab as `make up` leaves it, on one machine")
    parser.add_argument("--size", type=int, action="append", help="messages in the INBOX (may be repeated)")
    options = parser.parse_args()
    sizes = options.size or list(SIZES)
    host = Host.named(options.lab)
    people = People(host.lab)
    try:
        found = measure(host, people.take(), sizes)
    finally:
        people.forget()
    write("mail", list(found.values()), {"sizes": list(sizes)})
    facts = machine()
    text = f"{facts['cores']} processors, load {'/'.join(map(str, facts['load']))}; medians.\n\n{table(found, sizes)}"
    (OUTPUT / "mail.md").write_text(text, encoding="utf-8")
    print(text)
    missed = [
        f"a message at {size:,}: {chain(found, size) * 1000:.1f} ms, asked {ASKED * 1000:.0f}"
        for size in sizes
        if chain(found, size) > ASKED
    ]
    growth = chain(found, sizes[-1]) / chain(found, sizes[0])
    missed += [f"{growth:.1f} times the cost at {sizes[-1]:,}, asked {FLAT}"] if growth > FLAT else []
    for each in missed:
        print(f"missed: {each}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
