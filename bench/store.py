"""python -m bench.store --lab NAME: what a message costs the mail store, and how that grows with the INBOX.

Needs a lab as `make up` leaves it; a mailbox made for the measurement is used and removed. At each size the same
mailbox is measured three times: as it is, by a Dovecot that runs no Sieve, and by one that has no index of search; what
these take is the difference. Beside it, in the same run, a Dovecot as peers ship it (Maildir, quota `count`,
quota-status), and one with our format and nothing else. Figures go to build/bench/store.json and, as a table, to
build/bench/store.md. What must be flat and is not (more than FLAT times the cost for the largest INBOX), or costs more
than is asked, makes the run fail.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.lab import Sample
from tests.people import People

from bench import dovecot, growth, search
from bench.host import Host
from bench.measuring import Measure, Run, measured, publish, write

SIZES = (0, 5_000, 20_000, 100_000)
# Seconds of processors for the question and the delivery of a message of 10 KB.
ASKED = {20_000: 0.008, 100_000: 0.013}
OURS, NO_SIEVE, NO_INDEX = "ours (sdbox)", "ours without Sieve", "ours without an index of search"
# What a script of the host files into Junk (roles/dovecot/templates/10-junk.sieve.j2).
SPAM = b"From: <an@ngoai.example>\r\nSubject: thu rac\r\nX-Spam: Yes\r\n\r\nx\r\n"
_CLIENT = Path(__file__).with_name("store_client.py")

type Found = dict[tuple[str, int], Measure]
"""By what was done and the size of the INBOX."""


class Bench:
    """The measurements on one lab."""

    def __init__(self, host: Host) -> None:
        self.host, self.lab = host, host.lab

    def rows(self, *words: str) -> list[dict[str, Any]]:
        """What the program on the store's host found."""
        return [json.loads(row) for row in self.host.program("mailstore", _CLIENT, *words).splitlines()]

    def measures(self, kind: str, rows: Sequence[dict[str, Any]]) -> Found:
        """What was measured of one kind of store."""
        found: Found = {}
        for row in rows:
            size = int(row["size"])
            for name in ("question", "delivery"):
                runs = [Run(each, each, row["load"]) for each in row[name]]
                found[name, size] = measured(f"{kind}, {name}, INBOX of {size:,}", runs)
        return found

    def ours(self, person: Sample, sizes: Sequence[int]) -> dict[str, Found]:
        """The product's store, and what it takes without two of its parts: the three in turn at each size."""
        store, found = search.Store(self.host, person), dict[str, Found]({OURS: {}, NO_SIEVE: {}, NO_INDEX: {}})
        whose = (person.address, person.mailbox)
        for size in sizes:
            found[OURS] |= self.measures(OURS, self.rows("ours", *whose, str(size)))
            with dovecot.changed(self.lab, dovecot.NO_SIEVE):
                found[NO_SIEVE] |= self.measures(NO_SIEVE, self.rows("ours", *whose, str(size)))
                before = store.messages("Junk")
                store.deliver(SPAM, 1)
                if store.messages("Junk") != before:
                    raise RuntimeError("without Sieve a script ran")
            with dovecot.changed(self.lab, dovecot.NO_INDEX):
                found[NO_INDEX] |= self.measures(NO_INDEX, self.rows("unindexed", *whose, str(size)))
            if store.is_indexed():
                raise RuntimeError("without an index of search one was kept")
            # The next size begins with an index of all that is there.
            store.doveadm("index", "INBOX")
        return found


def table(found: dict[str, Found], sizes: Sequence[int]) -> str:
    """A line for each kind and act, then what our two parts take of a delivery; milliseconds of processors."""
    costs = {
        f"{kind}, {name}": {size: measures[name, size].seconds for size in sizes}
        for kind, measures in found.items()
        for name in ("question", "delivery")
    }
    lines = [growth.milliseconds(" a message", costs)]
    for part, without in (("Sieve", NO_SIEVE), ("the index of search", NO_INDEX)):
        if without in found:
            both = [[found[kind]["delivery", size].seconds for size in sizes] for kind in (OURS, without)]
            shown = " | ".join(f"{(whole - rest) * 1000:.1f}" for whole, rest in zip(*both, strict=True))
            lines.append(f"| so {part} takes of our delivery | {shown} | |\n")
    return "".join(lines)


def missed(ours: Found, sizes: Sequence[int]) -> list[str]:
    """What is not as asked."""
    both = {size: ours["question", size].seconds + ours["delivery", size].seconds for size in sizes}
    found = [
        f"question and delivery at {size:,}: {both[size] * 1000:.1f} ms, asked {asked * 1000:.0f}"
        for size, asked in ASKED.items()
        if size in both and both[size] > asked
    ]
    return found + growth.steep("question and delivery", both)


def main() -> int:
    """Measure, write, and say what was missed; exit 1 then."""
    parser = argparse.ArgumentParser(prog="python -m bench.store", description=__doc__)
    parser.add_argument("--lab", default="bench", help="a lab as `make up` leaves it")
    parser.add_argument("--size", type=int, action="append", help="messages in the INBOX (may be repeated)")
    options = parser.parse_args()
    sizes = sorted(options.size or SIZES)
    bench = Bench(Host.named(options.lab))
    people = People(bench.lab)
    words = [str(size) for size in sizes]
    try:
        found = {
            **bench.ours(people.take(), sizes),
            "bare (sdbox)": bench.measures("bare", bench.rows("bare", *words)),
            "peer (Maildir)": bench.measures("peer", bench.rows("peer", *words)),
        }
    finally:
        people.forget()
    every = [measure for measures in found.values() for measure in measures.values()]
    write("store", every, {"sizes": list(sizes)})
    publish("store", table(found, sizes))
    for words_of_it in (misses := missed(found[OURS], sizes)):
        print(f"missed: {words_of_it}")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
