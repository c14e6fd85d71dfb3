"""python -m bench.sessions --lab NAME: thousands of sessions that wait for news, held for minutes.

Needs a lab as `make up` leaves it; Dovecot is set up for that many sessions meanwhile, and the host gets the memory.
What a session takes of memory is the growth of all of Dovecot's processes, pages that several share divided among them
(PSS). At the end everybody gets a message, and each of his sessions must be told within a second; none may take
more than growth.FLAT times what one of the first took. Beside them, in the same run, a Dovecot as its package sets it
up holds some. Figures go to build/bench/sessions.json and sessions.md.
"""

import argparse
import asyncio
import itertools
import json
import math
import resource
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import batched
from pathlib import Path

from tests.lab import Lab
from tests.people import People
from tests.waiting import Session, store_one

from bench import growth
from bench.host import Host
from bench.measuring import OUTPUT, Measure, Run, machine, measured, write
from bench.memory import room
from hanam_lab.watches import LIMIT

TOLD = 1.0
"""Seconds within which a session is to be told. tests/system/test_idle.py shows who tells it, at any speed."""
STEPS = 4
"""In how many parts they are opened, so that it is seen whether one costs more when others are there."""
PEERS = 200
"""Sessions of the second Dovecot: what one takes does not depend on their number."""
ROOM = 12 << 30
"""Octets of memory of the mail store's host meanwhile."""
_CLIENT = Path(__file__).with_name("sessions_client.py")
_BESIDE = Path(__file__).with_name("store_client.py")


class Store:
    """The mail store of the lab."""

    def __init__(self, host: Host) -> None:
        self.lab = host.lab
        self.processors = partial(host.processors, "mailstore")
        self.program = partial(host.program, "mailstore", _CLIENT, beside=[_BESIDE])
        self.host = host.lab.host("mailstore")

    @contextmanager
    def room_for(self, sessions: int) -> Iterator[None]:
        """Let Dovecot hold so many, and the machine's kernel too."""
        before = LIMIT.read_text()
        with room(self.lab, self.host, ROOM):
            LIMIT.write_text(str(sessions + 1024))
            try:
                self._converge("-e", json.dumps({"dovecot_imap_sessions": sessions + 100}))
                yield
            finally:
                self._converge()
                LIMIT.write_text(before)

    def _converge(self, *words: str) -> None:
        done = self.lab.play("site.yml", "--tags", "dovecot", "--limit", self.host, *words)
        if done.returncode:
            raise RuntimeError(done.stdout[-3000:])
        self.lab.wait_for_agents()

    def memory(self) -> tuple[int, int]:
        """Processes of Dovecot, and their octets."""
        count, octets = json.loads(self.program("memory"))
        return count, octets

    def peer(self, sessions: int) -> dict[str, object]:
        """What so many sessions take of a second Dovecot, as its package sets it up."""
        took = json.loads(self.program("peer", str(sessions)))
        return {
            f"the peer's KiB a session, of {sessions:,}": round(took["octets"] / 1024),
            "the peer's processes a session": round(took["processes"], 1),
            "the peer's ms of processors a login": round(took["seconds"] * 1000, 2),
        }


async def held_and_ended(
    store: Store, sessions: Sequence[Session], minutes: float
) -> tuple[list[Measure], dict[str, object]]:
    """As `hold` does; none is left, since the host gets less memory again than they take."""
    try:
        return await hold(store, sessions, minutes)
    finally:
        for session in sessions:
            session.close()


async def opened(store: Store, sessions: Sequence[Session]) -> tuple[list[Measure], dict[str, dict[str, float]]]:
    """Open all in steps, and what a session of each step took: KiB of memory, milliseconds of processors."""
    turn, found, steps, there = asyncio.Semaphore(32), list[Measure](), dict[str, dict[str, float]](), 0
    _, before = store.memory()
    for step in batched(sessions, math.ceil(len(sessions) / STEPS), strict=False):
        began, used = time.perf_counter(), store.processors()
        await asyncio.gather(*(session.open(turn) for session in step))
        await asyncio.gather(*(session.idle() for session in step))
        took = Run(time.perf_counter() - began, store.processors() - used, 0)
        _, after = store.memory()
        there += len(step)
        found.append(measured(f"{len(step):,} sessions opened, then {there:,} there", [took]))
        steps[f"{there:,}"] = {
            "KiB a session more": round((after - before) / len(step) / 1024),
            "ms of processors a login": round((took.cpu or 0) / len(step) * 1000, 2),
        }
        before = after
    return found, steps


async def hold(store: Store, sessions: Sequence[Session], minutes: float) -> tuple[list[Measure], dict[str, object]]:
    """Open all, hold them, tell everybody something, and say what that took."""
    _, before = store.memory()
    found, steps = await opened(store, sessions)
    _, after = store.memory()
    used = store.processors()
    # Every connection has its deadline in the client's loop; Dovecot says "still here" to each every two minutes.
    await asyncio.sleep(60 * minutes)
    held = Run(60 * minutes, store.processors() - used, 0)
    processes, later = store.memory()
    told, late = await tell(store.lab, sessions)
    count = len(sessions)
    return [
        *found,
        measured(f"{count:,} sessions held", [held]),
        measured("a session is told of a message, median", [Run(statistics.median(told), None, 0)]),
        measured("a session is told of a message, the last", [Run(max(told), None, 0)], TOLD),
    ], {
        "sessions": count,
        "sessions that were told late or never": late,
        "with so many there": steps,
        "KiB a session": round((after - before) / count / 1024),
        "KiB a session at the end": round((later - before) / count / 1024),
        "MiB of all of Dovecot": later >> 20,
        "processes": processes,
        "ms of processors a session and minute": round((held.cpu or 0) / count / minutes * 1000, 3),
    }


async def tell(lab: Lab, sessions: Sequence[Session]) -> tuple[list[float], int]:
    """A message to each person in turn: after how many seconds each session knew, and how many did not in time."""
    told, late = [], 0
    for person, theirs in itertools.groupby(sessions, lambda session: session.person):
        waiting = [asyncio.create_task(session.told_within(10 * TOLD)) for session in theirs]
        await asyncio.sleep(0)
        stored = await asyncio.to_thread(store_one, lab, person)
        for when in await asyncio.gather(*waiting):
            late += when is None or when - stored > TOLD
            told += [when - stored] if when is not None else []
    return told, late


def main() -> int:
    """Measure, write, and say what was missed; exit 1 then."""
    parser = argparse.ArgumentParser(prog="python -m bench.sessions", description=__doc__)
    parser.add_argument("--lab", default="bench", help="a lab as `make up` leaves it")
    parser.add_argument("--sessions", type=int, default=4_000)
    parser.add_argument("--minutes", type=float, default=10)
    options = parser.parse_args()
    # A connection is a file.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    store = Store(Host.named(options.lab))
    lab = store.lab
    addresses = [lab.hosts[store.host][name] for name in ("host_ipv4", "host_ipv6")]
    # One fewer than one address may have: he who stores the message has one, too.
    each = len(addresses) * (_allowed(lab) - 1)
    people = People(lab)
    persons = [people.take() for _ in range(math.ceil(options.sessions / each))]
    doors = [(person, address) for person in persons for address in itertools.islice(itertools.cycle(addresses), each)]
    sessions = [Session(lab, *door) for door in doors[: options.sessions]]
    try:
        with store.room_for(options.sessions):
            found, facts = asyncio.run(held_and_ended(store, sessions, options.minutes))
            facts |= store.peer(PEERS)
            write("sessions", found, facts)
    finally:
        people.forget()
    rows = [f"| {each.name} | {each.seconds:.2f} s |" for each in found]
    rows += [f"| {name} | {value} |" for name, value in facts.items()]
    text = f"{machine()['cores']} processors.\n\n| what | measured |\n| --- | ---: |\n" + "\n".join(rows) + "\n"
    (OUTPUT / "sessions.md").write_text(text, encoding="utf-8")
    print(text)
    faults = steep(facts["with so many there"])  # type: ignore[arg-type]
    for fault in faults:
        print(f"missed: {fault}", file=sys.stderr)
    return 1 if facts["sessions that were told late or never"] or faults else 0


def steep(steps: Mapping[str, Mapping[str, float]]) -> list[str]:
    """What a session of the last step took of more than is asked, compared with one of the first."""
    there = {int(number.replace(",", "")): costs for number, costs in steps.items()}
    names = dict.fromkeys(name for costs in there.values() for name in costs)
    return [fault for name in names for fault in growth.steep(name, {each: there[each][name] for each in there})]


def _allowed(lab: Lab) -> int:
    """Sessions that Dovecot allows a person from one address."""
    return int(lab.run("mailstore", "doveconf -h mail_max_userip_connections"))


if __name__ == "__main__":
    sys.exit(main())
