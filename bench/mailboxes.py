"""python -m bench.mailboxes --lab NAME: what a message and a sign-in cost as the number of mailboxes grows.

Needs a lab as `make up` leaves it, whose accounts are put back afterwards. The accounts database is filled with a
generated province, whose mailboxes nobody opens: what is measured is a mailbox made beside them. Measured are seconds
of processors that Dovecot, PostgreSQL and Postfix take. Figures go to build/bench/mailboxes.json and, as a table, to
build/bench/mailboxes.md. What costs more than FLAT times as much among most mailboxes makes the run fail.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import batched
from pathlib import Path

from tests.lab import Sample
from tests.people import People
from tests.population import province
from tests.population.__main__ import REGULATION

from bench import accounts, growth, logins
from bench.host import Host
from bench.measuring import Measure, Run, measured, publish, write
from hanam_mail.registry.model import Registry
from hanam_mail.regulation import provisions

SIZES = (2_000, 20_000, 100_000)
RUNS, RECIPIENTS = 3, 200
QUESTION, DELIVERY = "room is asked for", "a message is delivered"
RECIPIENT, SIGN_IN = "a recipient is named at port 25", "a sign-in, nothing remembered"
_DAEMONS = {"mailstore": "dovecot", "accounts": "postgresql@17-main", "mx": "postfix"}
# They look at the whole province, by the clock: other measures (bench.directory).
_TIMERS = ("hanam-directory.timer", "hanam-carddav.timer")
_KEYS = {"mail.agency": ("id", "code"), "mail.mailbox": ("id",), "mail.address": ("local_part", "mailbox_id")}
# Some of those that mail may come to, in no order.
_SOME = (
    "select local_part from mail.address a join mail.mailbox m on m.id = a.mailbox_id"
    " where m.state = 'active' and a.kind = 'primary' order by md5(local_part)"
)
_CLIENT = Path(__file__).with_name("store_client.py")

type Found = dict[tuple[str, int], Measure]
"""By what was done and the number of mailboxes."""


class Bench:
    """The measurements on one lab."""

    def __init__(self, host: Host) -> None:
        self.host, self.lab = host, host.lab

    def fill(self, registry: Registry, size: int) -> None:
        """Put mailboxes into the accounts database until it has so many; nobody is told of them."""
        for table, rows in accounts.rows(registry, size).items():
            name, _, columns = table.partition(" ")
            # Nothing in a generated province has a tab or a backslash.
            written = "".join("\t".join(map(str, row)) + "\n" for row in rows)
            names = columns.strip("()")
            # A sample of the lab may have an address, or a number, that the province has too.
            new = " and ".join(f"{key} not in (select {key} from {name})" for key in _KEYS[name])  # noqa: S608
            insert = f"insert into {name} {columns} select {names} from coming where {new}"  # noqa: S608
            self.host.script(
                "set session_replication_role = replica;\n"
                f"create temp table coming (like {name} including defaults);\n"
                f"copy coming {columns} from stdin;\n{written}\\.\n"
                f"{insert};\n"
                f"analyze {name};\n"
            )

    def used(self) -> float:
        """Seconds of processors that the daemons took so far."""
        return sum(sum(json.loads(self.host.program(group, _CLIENT, "used", unit))) for group, unit in _DAEMONS.items())

    def runs(self, number: int, act: Callable[[], object]) -> list[Run]:
        """What all daemons took for each of so many things, several times."""
        found = list[Run]()
        for _ in range(RUNS):
            load, before = os.getloadavg()[0], self.used()
            act()
            took = (self.used() - before) / number
            found.append(Run(took, took, load))
        return found

    def name_recipients(self, addresses: Sequence[str]) -> None:
        """As other mail servers ask, of twenty in each connection, whether mail may come."""
        for some in batched(addresses, 20, strict=False):
            with self.lab.smtp() as client:
                client.mail("an@ngoai.example")
                for address in some:
                    code, said = client.rcpt(address)
                    if code != 250:
                        raise RuntimeError(f"{address}: {said!r}")

    def measure(self, person: Sample, size: int) -> Found:
        """All that is measured among so many mailboxes."""
        found: Found = {}
        (row,) = self.host.program("mailstore", _CLIENT, "ours", person.address, person.mailbox, "0").splitlines()
        for name, key in ((QUESTION, "question"), (DELIVERY, "delivery")):
            found[name, size] = measured(f"{size:,}: {name}", [Run(each, each, 0) for each in json.loads(row)[key]])
        domain = self.lab.variables["mail_domain"]
        addresses = [f"{name}@{domain}" for name in self.lab.sql(_SOME).split()[:RECIPIENTS]]
        named = self.runs(RECIPIENTS, lambda: self.name_recipients(addresses))
        found[RECIPIENT, size] = measured(f"{size:,}: {RECIPIENT}", named)
        bench = logins.Bench(self.host, RUNS)
        try:
            cold, _ = bench.socket()
        finally:
            bench.clean()
        took = sum(cold.cost.values()) / 1000
        found[SIGN_IN, size] = measured(f"{size:,}: {SIGN_IN}", [Run(took, took, 0)])
        return found


def costs(found: Mapping[tuple[str, int], Measure]) -> dict[str, dict[int, float]]:
    """What was done -> number of mailboxes -> seconds of processors."""
    names = dict.fromkeys(name for name, _ in found)
    return {name: {size: each.seconds for (its, size), each in found.items() if its == name} for name in names}


def missed(costs: Mapping[str, Mapping[int, float]]) -> list[str]:
    """What grows and is to be flat."""
    return [fault for name, its in costs.items() for fault in growth.steep(name, its)]


def main() -> int:
    """Measure, write, and say what was missed; exit 1 then."""
    parser = argparse.ArgumentParser(prog="python -m bench.mailboxes", description=__doc__)
    parser.add_argument("--lab", default="bench", help="a lab as `make up` leaves it")
    parser.add_argument("--size", type=int, action="append", help="mailboxes (may be repeated)")
    options = parser.parse_args()
    sizes = sorted(options.size or SIZES)
    bench = Bench(Host.named(options.lab))
    people = People(bench.lab)
    registry = province(sizes[-1], 1, provisions.load(REGULATION))
    found: Found = {}
    try:
        person = people.take()
        with bench.lab.stopped("accounts", *_TIMERS):
            for size in sizes:
                bench.fill(registry, size)
                found |= bench.measure(person, size)
    finally:
        people.forget()
        bench.host.give_samples()
    write("mailboxes", list(found.values()), {"sizes": sizes})
    publish("mailboxes", growth.milliseconds("", costs(found)))
    for fault in (faults := missed(costs(found))):
        print(f"missed: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
