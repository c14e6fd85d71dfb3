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
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path

from tests.lab import Sample, wait_for
from tests.people import People

from bench.host import Host
from bench.measuring import OUTPUT, Measure, Run, machine, measured, write
from bench.search import Store, words

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
    "Authentication": "hanam-mail-auth.service",
    "Secrecy marks": "hanam-secrecy.service",
    "ClamAV": "clamav-daemon.service",
    "Redis": "redis-server.service",
    "unbound": "unbound.service",
}
FILTERS = ("rspamd", "Authentication", "Secrecy marks", "ClamAV", "Redis", "unbound")
"""What the filter is and asks."""
_CLIENT = Path(__file__).with_name("store_client.py")


def used(host: Host) -> dict[str, float]:
    """Seconds of processors that each daemon took, its processes that ended included."""
    return dict(zip(UNITS, json.loads(host.program("mailstore", _CLIENT, "used", *UNITS.values())), strict=True))


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


def deliver(store: Store, mails: Sequence[bytes]) -> None:
    """Send them all; returns when the mailbox has them and its index too."""
    person, wanted = store.person, store.messages() + len(mails)

    def send(mail: bytes) -> None:
        with store.lab.smtp() as client:
            client.sendmail(STRANGER, [person.address], mail)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(send, mails))
    wait_for(lambda: store.messages() >= wanted, f"{wanted} messages", seconds=600)
    store.await_index()


def measure(host: Host, person: Sample, sizes: Sequence[int]) -> dict[tuple[str, int], Measure]:
    """By daemon and size of the INBOX: seconds of processors a message."""
    store, rng, found = Store(host, person), random.Random(1), {}  # noqa: S311 (no secret)
    for size in sizes:
        host.program("mailstore", _CLIENT, "fill", person.address, person.mailbox, str(size))
        # The first of a stranger's are no measure of the rest.
        deliver(store, letters(person, MESSAGES // 4, rng))
        runs: dict[str, list[Run]] = {name: [] for name in UNITS}
        for _ in range(ROUNDS):
            mails = letters(person, MESSAGES, rng)
            load, before = os.getloadavg()[0], used(host)
            deliver(store, mails)
            after = used(host)
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
