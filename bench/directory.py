"""python -m bench.directory: what the public directory costs (Đ11.5), without a lab.

The program's own code asks a PostgreSQL of this project's form and makes the directory of a province; then it is
searched. Seconds of making are those of the clock, with those of processors beside them; of all else those of one
processor. Figures go to build/bench/directory.json; a median above its target makes the run fail.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from bench import accounts
from bench.measuring import Measure, Run, machine, measured, write
from hanam_mail.host.directory import pages, publish, search

TYPED = ("so tai chinh", "Nguyễn Văn", "thanhha", "ng th ha", "zzz", "truong phong so y te", "hà", "a")
MAKE, QUESTION, NOTHING, SEARCH = 10.0, 0.5, 1.0, 0.05
"""Seconds that are asked for: of making it, the question in the database, a run that writes nothing, a search."""
ROUNDS = 10
_TICKS = os.sysconf("SC_CLK_TCK")


def processor(process: int) -> float:
    """Seconds of a processor that a process took."""
    values = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(map(int, values[11:13])) / _TICKS


def asked(conninfo: str) -> Run:
    """What the question takes of the database's processor, the mean of some in one session."""
    load = os.getloadavg()[0]
    with psycopg.connect(conninfo) as connection:
        backend = connection.info.backend_pid
        before = processor(backend)
        for _ in range(ROUNDS):
            connection.execute(publish.QUESTION).fetchall()
        cpu = (processor(backend) - before) / ROUNDS
    return Run(cpu, cpu, load)


def here(work: Callable[[], object], *, by_clock: bool) -> Run:
    """One run of this process's own work."""
    load, began, before = os.getloadavg()[0], time.perf_counter(), time.process_time()
    work()
    cpu = time.process_time() - before
    return Run(time.perf_counter() - began if by_clock else cpu, cpu, load)


def measures(mailboxes: int, runs: int) -> list[Measure]:
    """All of them."""
    with accounts.filled(mailboxes) as made_for:
        return _measures(made_for, runs)


def _measures(given: accounts.Accounts, runs: int) -> list[Measure]:
    place = given.place
    (site := place / "site.json").write_text(given.lab.render("directory", "site.json.j2", "store1"))
    conninfo = given.postgresql.conninfo("mail", "mail_directory")

    def made(folder: Path) -> None:
        if publish.main([conninfo, str(site), str(folder), str(place)]):
            raise RuntimeError("the directory was not made")

    def anew() -> None:
        folder = Path(tempfile.mkdtemp(dir=place))
        made(folder)

    (folder := place / "state").mkdir()
    made(folder)
    found = [
        measured("the directory, made anew", [here(anew, by_clock=True) for _ in range(runs)], MAKE),
        measured("the question, in the database", [asked(conninfo) for _ in range(runs)], QUESTION),
        measured(
            "a run that finds nothing new", [here(lambda: made(folder), by_clock=False) for _ in range(runs)], NOTHING
        ),
    ]
    looking = search.Search(pages.DirectorySite.read(site.read_bytes()), folder)
    first = [here(lambda: looking.page("ha"), by_clock=False)]
    found.append(measured("the first search of a new directory", first))
    for typed in TYPED:
        several = [here(lambda words=typed: looking.page(words), by_clock=False) for _ in range(runs)]  # type: ignore[misc]
        found.append(measured(f"search for “{typed}”", several, SEARCH))
    return found


def main() -> int:
    """Measure, write, and say what is dearer than asked."""
    parser = argparse.ArgumentParser(prog="python -m bench.directory", description=__doc__)
    parser.add_argument("--mailboxes", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    found = measures(given.mailboxes, given.runs)
    write(f"directory-{given.mailboxes}", found, {"machine": machine(), "mailboxes": given.mailboxes})
    for each in found:
        print(f"  {each.name}: {1000 * each.seconds:.0f} ms, of processors {1000 * (each.cpu or 0):.0f} ms")
    dear = [each.name for each in found if each.met is False]
    print("\n".join(f"dearer than asked: {name}" for name in dear))
    return 1 if dear else 0


if __name__ == "__main__":
    sys.exit(main())
