"""python -m bench.store --lab NAME: what a message costs the mail store, and how that grows with the INBOX.

Needs a lab as `make up` leaves it; a mailbox made for the measurement is used and removed. Beside it, in the same run,
a Dovecot as peers ship it (Maildir, quota `count`, quota-status), and one with our format and nothing else. Figures go
to build/bench/store.json and, as a table, to build/bench/store.md. What must be flat and is not (more than FLAT times
the cost for the largest INBOX), or costs more than is asked, makes the run fail.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.people import People

from bench import growth
from bench.host import Host
from bench.measuring import OUTPUT, Measure, Run, machine, measured, write

SIZES = (0, 5_000, 20_000, 100_000)
# Seconds of processors for the question and the delivery of a message of 10 KB.
ASKED = {20_000: 0.008, 100_000: 0.013}
_CLIENT = Path(__file__).with_name("store_client.py")


class Bench:
    """The measurements on one lab."""

    def __init__(self, host: Host) -> None:
        self.host, self.lab = host, host.lab

    def rows(self, *words: str) -> list[dict[str, Any]]:
        """What the program on the store's host found."""
        return [json.loads(row) for row in self.host.program("mailstore", _CLIENT, *words).splitlines()]

    def measures(self, kind: str, rows: Sequence[dict[str, Any]]) -> dict[tuple[str, int], Measure]:
        """By what was done and the size of the INBOX."""
        found = {}
        for row in rows:
            size = int(row["size"])
            for name in ("question", "delivery"):
                runs = [Run(each, each, row["load"]) for each in row[name]]
                found[name, size] = measured(f"{kind}, {name}, INBOX of {size:,}", runs)
        return found


def table(found: dict[str, dict[tuple[str, int], Measure]], sizes: Sequence[int]) -> str:
    """A line for each kind and act; milliseconds of processors."""
    lines = [f"| ms of processors a message | {' | '.join(f'{size:,}' for size in sizes)} | growth |\n"]
    lines.append(f"| --- |{' ---: |' * (len(sizes) + 1)}\n")
    for kind, measures in found.items():
        for name in ("question", "delivery"):
            cells = [measures[name, size].seconds * 1000 for size in sizes]
            times = cells[-1] / cells[0] if cells[0] else 0.0
            shown = " | ".join(f"{cell:.1f}" for cell in cells)
            lines.append(f"| {kind}, {name} | {shown} | {times:.1f}x |\n")
    return "".join(lines)


def missed(ours: dict[tuple[str, int], Measure], sizes: Sequence[int]) -> list[str]:
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
    sizes = options.size or list(SIZES)
    bench = Bench(Host.named(options.lab))
    people = People(bench.lab)
    person = people.take()
    words = [str(size) for size in sizes]
    try:
        found = {
            "ours (sdbox)": bench.measures("ours", bench.rows("ours", person.address, person.mailbox, *words)),
            "bare (sdbox)": bench.measures("bare", bench.rows("bare", *words)),
            "peer (Maildir)": bench.measures("peer", bench.rows("peer", *words)),
        }
    finally:
        people.forget()
    every = [measure for measures in found.values() for measure in measures.values()]
    write("store", every, {"sizes": list(sizes)})
    facts = machine()
    text = f"{facts['cores']} processors, load {'/'.join(map(str, facts['load']))}; medians.\n\n{table(found, sizes)}"
    (OUTPUT / "store.md").write_text(text, encoding="utf-8")
    print(text)
    for words_of_it in (misses := missed(found["ours (sdbox)"], sizes)):
        print(f"missed: {words_of_it}")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
