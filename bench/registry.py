"""python -m bench.registry --size 20000: what the registry costs, from `check` to a mailbox that works.

Needs a converged lab (`python -m hanam_lab up bench`, playbooks/lab.yml), whose accounts it throws away and which has
its sample accounts afterwards. Each size's figures go to build/bench/registry-SIZE.json, the table of all sizes to
build/bench/registry.md. `python -m bench` does all of that (`make bench`).
"""

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from bench import growth
from bench.host import Host, program
from bench.measuring import OUTPUT, Measure, Run, measured, once, write
from bench.provinces import Province

_GIVEN = ("An", "Bình", "Chi", "Dung", "Giang", "Hoa", "Khanh", "Lan", "Mai")
# The ordinary way: two lengths of its loop tell a round's cost from the start's.
_FEW, _MANY = 20, 200
# The province has so many; the seconds that are asked for hold there.
AT = 20_000
TARGETS = {
    "check, cold": 10.0,
    "check, again": 2.0,
    "plan of 10 changes": 6.0,
    "first apply of all, with passwords": 30.0,
    "apply, nothing to do": 7.0,
    "one change: whole command": 8.0,
    "one new mailbox: whole command": 8.0,
    "one new mailbox: until its first letter lies in it": 3.0,
}
AT_MOST, TARGETS_AT_MOST = 100_000, {"plan of 10 changes": 6.0}
"""So many mailboxes at most; what is asked for there."""


def judged(name: str, runs: Iterable[Run], size: int) -> Measure:
    """The runs under a name, with the seconds that are asked for, if any are at that size."""
    asked = {AT: TARGETS, AT_MOST: TARGETS_AT_MOST}.get(size, {})
    return measured(name, runs, asked.get(name))


class Ordinary:
    """The ordinary way, to compare with: an Ansible loop per mailbox, measured once for all sizes."""

    def __init__(self, host: Host) -> None:
        self._host = host

    @cached_property
    def runs(self) -> tuple[Run, Run]:
        """A short loop and a long one."""
        book = Path(__file__).with_name("one_by_one.yml")
        self._host.lab.run("accounts", f"cd / && runuser -u postgres -- sh -ec '{_TABLE}'")
        few, many = (self._host.play(book, "-e", f"count={count}") for count in (_FEW, _MANY))
        self._host.lab.run("accounts", "cd / && runuser -u postgres -- dropdb --force mail_bench")
        return few, many

    def extrapolated(self, size: int) -> Run:
        """What the loop would take for all mailboxes."""
        few, many = self.runs
        each = (many.seconds - few.seconds) / (_MANY - _FEW)
        return replace(many, seconds=few.seconds + each * (size - _FEW), cpu=None)


class Bench:
    """The measurements at one size."""

    def __init__(self, province: Province, host: Host, ordinary: Ordinary, runs: int) -> None:
        self.province, self.host, self.ordinary, self.runs = province, host, ordinary, runs
        self._filled = False

    def _judged(self, name: str, runs: Iterable[Run]) -> Measure:
        return judged(name, runs, self.province.size)

    # --- the registry's files ---

    def check(self) -> list[Measure]:
        """`check` of everything, without and with what an earlier run kept."""
        cold = [self._command("check", cold=True) for _ in range(self.runs)]
        again = [self._command("check", cold=False) for _ in range(self.runs)]
        return [self._judged("check, cold", cold), self._judged("check, again", again)]

    def plan(self) -> list[Measure]:
        """`plan` of ten changes that are not committed yet, against the commit before."""
        edit = self.province.draft()
        edit.ten()
        edit.write()
        try:
            cold = [self._command("plan", "--base", "main", cold=True) for _ in range(self.runs)]
            again = [self._command("plan", "--base", "main", cold=False) for _ in range(self.runs)]
        finally:
            self.province.restore()
        return [
            self._judged("plan of 10 changes, nothing read before", cold),
            self._judged("plan of 10 changes", again),
        ]

    def _command(self, *words: str, cold: bool) -> Run:
        if cold:
            self.province.forget()
        env = {"XDG_CACHE_HOME": str(self.province.cache)}
        return once([program("hanam-mail"), *words, "--registry", self.province.mailboxes], env=env)

    # --- the accounts ---

    def first(self) -> list[Measure]:
        """All mailboxes into an empty database, with a first password each; and until every daemon has heard.

        Nothing of the registry was read before, as in a fresh clone.
        """
        runs, heard = [], []
        for _ in range(self.runs):
            self.host.empty()
            self.province.forget()
            began = time.time()
            runs.append(self.host.apply(self.province))
            heard.append(replace(runs[-1], seconds=self.host.wait_for_agents() - began, cpu=None))
        self._filled = True
        return [
            self._judged("first apply of all, with passwords", runs),
            self._judged("first apply until the agents have caught up", heard),
        ]

    def change(self) -> list[Measure]:
        """One change, one new mailbox, nothing: each through the playbook, on accounts that are there."""
        if not self._filled:
            # Accounts of another registry would be missing in this one, which apply refuses.
            self.host.empty()
            self.host.apply(self.province)
        self.host.wait_for_agents()
        idle = [self.host.apply(self.province) for _ in range(self.runs)]
        changed = [self._quota() for _ in range(self.runs)]
        issued = [self._issue(number) for number in range(self.runs)]
        return [
            self._judged("apply, nothing to do", idle),
            self._judged("one change: whole command", [whole for whole, _ in changed]),
            self._judged("one change: until it holds", [part for _, part in changed]),
            self._judged("one new mailbox: whole command", [whole for whole, _, _ in issued]),
            self._judged("one new mailbox: until it takes mail", [taken for _, taken, _ in issued]),
            self._judged("one new mailbox: until its first letter lies in it", [there for _, _, there in issued]),
        ]

    def _quota(self) -> tuple[Run, ...]:
        edit = self.province.draft()
        mailbox = edit.quota()
        edit.write()
        self.province.commit("Give more room")
        condition = f"(select quota_bytes from mail.mailbox where id = '{mailbox.id}') = {7 * 2**30}"  # noqa: S608
        return self._timed(condition, lambda at: (at,))

    def _issue(self, number: int) -> tuple[Run, ...]:
        edit = self.province.draft()
        mailbox = edit.issue(f"Tôn Nữ Dùng Thử {_GIVEN[number % len(_GIVEN)]}")
        edit.write()
        self.province.commit("Issue a mailbox")
        condition = f"exists (select from mail.credential where mailbox_id = '{mailbox.id}')"

        def mail(_: float) -> tuple[float, ...]:
            return self.host.takes_mail(mailbox.address), self.host.first_letter(mailbox.address, mailbox.id)

        return self._timed(condition, mail)

    def _timed(self, condition: str, then: Callable[[float], tuple[float, ...]]) -> tuple[Run, ...]:
        """A run of the playbook, until its end; until each time that `then` tells of, called when the condition holds.

        That is beside the command: what comes before its end is not to wait for it.
        """
        with self.host.watched(condition) as watch, ThreadPoolExecutor(1) as pool:
            began = time.time()
            seen = pool.submit(lambda: then(watch.time()))
            whole = self.host.apply(self.province)
            return whole, *(replace(whole, seconds=each - began, cpu=None) for each in seen.result())

    # --- the ordinary way ---

    def loop(self) -> list[Measure]:
        """An Ansible loop per mailbox, of 200, and what that makes for all of them."""
        return [
            self._judged(f"a loop of Ansible over {_MANY} mailboxes", self.ordinary.runs[1:]),
            self._judged("a loop of Ansible over all, extrapolated", [self.ordinary.extrapolated(self.province.size)]),
        ]


_TABLE = (
    "dropdb --if-exists --force mail_bench; createdb mail_bench;"
    ' psql -qX -d mail_bench -c "create table mailbox (id text primary key, quota_bytes bigint not null)"'
)
PARTS = ("check", "plan", "first", "change", "loop")


def _measure(host: Host, options: argparse.Namespace) -> tuple[list[Measure], list[str]]:
    """Every part at every size; the measures that miss what is asked, and the parts that broke."""
    ordinary = Ordinary(host)
    missed: list[Measure] = []
    failed = []
    for size in options.size or (2_000, AT):
        print(f"--- {size:,} mailboxes ---", flush=True)
        province = Province.make(OUTPUT / f"province-{size}", size, seed=1)
        bench = Bench(province, host, ordinary, options.runs if size <= AT else 1)
        for part in options.only or PARTS:
            try:
                measures: list[Measure] = getattr(bench, part)()
            except Exception:  # the other parts' figures are worth having
                traceback.print_exc()
                failed.append(f"{part} at {size:,}")
                continue
            write(f"registry-{size}", measures, {"mailboxes": size})
            missed += [measure for measure in measures if measure.met is False]
    return missed, failed


def main() -> int:
    """Measure, write, and say which targets were missed and which parts failed; exit 1 then."""
    parser = argparse.ArgumentParser(prog="python -m bench.registry", description=__doc__)
    parser.add_argument("--size", type=int, action="append", help="mailboxes; may be repeated (2000 and 20000)")
    parser.add_argument("--lab", default="bench", help="a lab whose accounts may be thrown away")
    parser.add_argument("--runs", type=int, default=3, help="of each measure; one above 20,000 mailboxes")
    parser.add_argument("--only", choices=PARTS, action="append", help="only this part; may be repeated")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON instead of the table")
    options = parser.parse_args()
    host = Host.named(options.lab)
    try:
        missed, failed = _measure(host, options)
    finally:
        # What is measured next finds the lab's own accounts.
        host.give_samples()
    found = growth.read(OUTPUT, "registry", "mailboxes")
    (OUTPUT / "registry.md").write_text(growth.table(found), encoding="utf-8")
    print(json.dumps(found, ensure_ascii=False, indent=2) if options.json else growth.table(found))
    for measure in missed:
        print(f"missed: {measure.name}: {measure.seconds:.1f} s, asked {measure.target} s", file=sys.stderr)
    for part in failed:
        print(f"failed: {part}", file=sys.stderr)
    return 1 if missed or failed else 0


if __name__ == "__main__":
    sys.exit(main())
