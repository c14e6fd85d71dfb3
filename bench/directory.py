"""python -m bench.directory: what the public directory costs (Đ11.5), without a lab.

The program's own code asks a PostgreSQL of this project's form and makes the directory of a province; then it is
searched. Seconds of making are those of the clock, with those of processors beside them; of all else those of one
processor. Figures go to build/bench/directory.json; a median above its target makes the run fail.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from tests.database import server
from tests.population import province
from tests.population.__main__ import REGULATION
from tests.render.conftest import environments

from bench.measuring import Measure, Run, machine, measured, write
from hanam_mail.host.database import migrate
from hanam_mail.host.directory import pages, publish, search
from hanam_mail.regulation import provisions

POSTS = ("Chuyên viên", "Trưởng phòng", "Phó Giám đốc", "Văn thư", "Phó Chủ tịch Ủy ban nhân dân")
TYPED = ("so tai chinh", "Nguyễn Văn", "thanhha", "ng th ha", "zzz", "truong phong so y te", "hà", "a")
MAKE, QUESTION, NOTHING, SEARCH = 10.0, 0.5, 1.0, 0.05
"""Seconds that are asked for: of making it, the question in the database, a run that writes nothing, a search."""
ROUNDS = 10
_TICKS = os.sysconf("SC_CLK_TCK")


def fill(database: psycopg.Connection, mailboxes: int) -> int:
    """Put a province into the accounts database; how many stand in its directory."""
    registry = province(mailboxes, 1, provisions.load(REGULATION))
    with database.transaction(), database.cursor() as cursor:
        # Nobody hears of it: audit and outbox are other measures.
        cursor.execute("SET LOCAL session_replication_role = replica")
        with cursor.copy("COPY mail.agency (id, kind, name, code) FROM STDIN") as copy:
            for agency in registry.agencies.values():
                copy.write_row((agency.id, agency.kind.value, agency.name, agency.code))
        columns = "id, kind, agency_id, name, post, shard, quota_bytes, state"
        with cursor.copy(f"COPY mail.mailbox ({columns}) FROM STDIN") as copy:
            for number, box in enumerate(registry.mailboxes.values()):
                post = POSTS[number % len(POSTS)] if box.kind.value == "person" else ""
                state = "revoked" if box.revoked else "active"
                copy.write_row((box.id, box.kind.value, box.agency, box.name, post, 0, 2**31, state))
        with cursor.copy("COPY mail.address (local_part, mailbox_id, kind, valid_from) FROM STDIN") as copy:
            for box in registry.mailboxes.values():
                copy.write_row((box.address, box.id, "primary", "2024-01-01"))
    database.execute("ANALYZE")
    return len(database.execute(publish.QUESTION).fetchall())


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
    place = Path(tempfile.mkdtemp(prefix="hanam-bench-directory-"))
    try:
        with server.running() as postgresql:
            return _measures(postgresql, place, mailboxes, runs)
    finally:
        shutil.rmtree(place)


def _measures(postgresql: server.Server, place: Path, mailboxes: int, runs: int) -> list[Measure]:
    lab = environments(place)("split")
    wanted = migrate.Wanted(
        {}, json.loads(json.dumps(lab.value("postgresql", "postgresql_settings", "accounts1"))),
        lab.value("postgresql", "postgresql_timezone", "accounts1"),
        lab.value("postgresql", "postgresql_login_key", "accounts1"),
        lab.value("postgresql", "postgresql_change_key", "accounts1"),
        lab.value("postgresql", "postgresql_held_key", "accounts1"),
        lab.value("postgresql", "postgresql_factor_key", "accounts1"),
    )  # fmt: skip
    migrate.migrate(wanted, check=False, admin=postgresql.conninfo(), owner=postgresql.conninfo(user="mail_migrate"))
    with psycopg.connect(postgresql.conninfo("mail"), autocommit=True) as database:
        print(f"{fill(database, mailboxes)} addresses", flush=True)
    (site := place / "site.json").write_text(lab.render("directory", "site.json.j2", "store1"))
    conninfo = postgresql.conninfo("mail", "mail_directory")

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
    looking = search.Search(pages.Site.read(site.read_bytes()), folder)
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
