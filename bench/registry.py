"""python -m bench.registry --size 20000: what the registry costs, from `check` to a mailbox that works.

Needs a converged lab (`python -m hanam_lab up bench`, playbooks/site.yml), whose accounts it throws away. Each size's
figures go to build/bench/registry-SIZE.json, the table of all sizes to build/bench/registry.md.
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench import growth
from bench.host import Host, program
from bench.measuring import OUTPUT, Measure, Run, measured, once, write
from bench.provinces import Province

_GIVEN = ("An", "Bình", "Chi", "Dung", "Giang", "Hoa", "Khanh", "Lan", "Mai")
# The ordinary way: two lengths of its loop tell a round's cost from the start's.
_FEW, _MANY = 20, 200


class Bench:
    """The measurements at one size."""

    def __init__(self, province: Province, host: Host, runs: int) -> None:
        self.province, self.host, self.runs = province, host, runs

    # --- the registry's files ---

    def check(self) -> list[Measure]:
        """`check` of everything, without and with what an earlier run kept."""
        cold = measured("check, cold", [self._check(cold=True) for _ in range(self.runs)], 10)
        self._check(cold=True)
        return [cold, measured("check, again", [self._check(cold=False) for _ in range(self.runs)], 2)]

    def _check(self, *, cold: bool) -> Run:
        return self._command("check", cold=cold)

    def plan(self) -> list[Measure]:
        """`plan` of ten changes that are not committed yet, against the commit before."""
        edit = self.province.draft()
        edit.ten()
        edit.write()
        try:
            self._command("plan", "--base", "main", cold=False)
            cold = [self._command("plan", "--base", "main", cold=True) for _ in range(self.runs)]
            again = [self._command("plan", "--base", "main", cold=False) for _ in range(self.runs)]
        finally:
            self.province.git("checkout", "--quiet", "--", ".")
        return [
            measured("plan of 10 changes, nothing read before", cold),
            measured("plan of 10 changes", again, 6),
        ]

    def _command(self, *words: str, cold: bool) -> Run:
        if cold:
            shutil.rmtree(self.province.cache, ignore_errors=True)
        env = {"XDG_CACHE_HOME": str(self.province.cache)}
        return once([program("hanam-mail"), *words, "--registry", self.province.mailboxes], env=env)

    # --- the accounts ---

    def first(self) -> list[Measure]:
        """All mailboxes into an empty database, with a first password each; and until every daemon has heard."""
        runs, heard = [], []
        for _ in range(self.runs):
            self.host.empty()
            began = time.time()
            runs.append(self.host.apply(self.province))
            heard.append(replace(runs[-1], seconds=self.host.wait_for_agents() - began, cpu=None))
        return [
            measured("first apply of all, with passwords", runs, 30),
            measured("first apply until the agents have caught up", heard),
        ]

    def change(self) -> list[Measure]:
        """One change, one new mailbox, nothing: each through the playbook, on accounts that are there."""
        self.host.apply(self.province)
        idle = measured("apply, nothing to do", [self.host.apply(self.province) for _ in range(self.runs)], 7)
        changed = [self._quota() for _ in range(self.runs)]
        issued = [self._issue(number) for number in range(self.runs)]
        return [
            idle,
            measured("one change: whole command", [whole for whole, _ in changed], 8),
            measured("one change: until it holds", [part for _, part in changed]),
            measured("one new mailbox: whole command", [whole for whole, _ in issued], 8),
            measured("one new mailbox: until it takes mail", [part for _, part in issued]),
        ]

    def _quota(self) -> tuple[Run, Run]:
        edit = self.province.draft()
        mailbox = edit.quota()
        edit.write()
        self.province.commit("Give more room")
        condition = f"(select quota_bytes from mail.mailbox where id = '{mailbox.id}') = {7 * 2**30}"  # noqa: S608
        return self._timed(condition, lambda at: at)

    def _issue(self, number: int) -> tuple[Run, Run]:
        edit = self.province.draft()
        mailbox = edit.issue(f"Tôn Nữ Dùng Thử {_GIVEN[number % len(_GIVEN)]}")
        edit.write()
        self.province.commit("Issue a mailbox")
        condition = f"exists (select from mail.credential where mailbox_id = '{mailbox.id}')"
        return self._timed(condition, lambda _: self.host.takes_mail(mailbox.address))

    def _timed(self, condition: str, then: Callable[[float], float]) -> tuple[Run, Run]:
        """A run of the playbook; until the condition held and `then` was done, and until its end."""
        with self.host.watched(condition) as watch:
            began = time.time()
            whole = self.host.apply(self.province)
            seen = then(watch.time())
        return whole, replace(whole, seconds=seen - began, cpu=None)

    # --- the ordinary way ---

    def loop(self) -> list[Measure]:
        """An Ansible loop per mailbox, of 200, and what that makes for all of them."""
        book = Path(__file__).with_name("one_by_one.yml")
        self.host.lab.run("accounts", f"cd / && runuser -u postgres -- sh -ec '{_TABLE}'")
        few = self.host.play(book, "-e", f"count={_FEW}")
        many = [self.host.play(book, "-e", f"count={_MANY}")]
        each = (many[0].seconds - few.seconds) / (_MANY - _FEW)
        whole = replace(many[0], seconds=few.seconds + each * (self.province.size - _FEW), cpu=None)
        self.host.lab.run("accounts", "cd / && runuser -u postgres -- dropdb --force mail_bench")
        return [
            measured(f"a loop of Ansible over {_MANY} mailboxes", many),
            measured("a loop of Ansible over all, extrapolated", [whole]),
        ]


_TABLE = (
    "dropdb --if-exists --force mail_bench; createdb mail_bench;"
    ' psql -qX -d mail_bench -c "create table mailbox (id text primary key, quota_bytes bigint not null)"'
)
PARTS = ("check", "plan", "first", "change", "loop")


def main() -> int:
    """Measure, write, and say which targets were missed; exit 1 then."""
    parser = argparse.ArgumentParser(prog="python -m bench.registry", description=__doc__)
    parser.add_argument("--size", type=int, action="append", help="mailboxes; may be repeated (2000 and 20000)")
    parser.add_argument("--lab", default="bench", help="a lab whose accounts may be thrown away")
    parser.add_argument("--runs", type=int, default=3, help="of each measure, after a warm-up")
    parser.add_argument("--only", choices=PARTS, action="append", help="only this part; may be repeated")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON instead of the table")
    options = parser.parse_args()
    host = Host.named(options.lab)
    missed = []
    for size in options.size or (2_000, 20_000):
        province = Province.make(OUTPUT / f"province-{size}", size, seed=1)
        bench = Bench(province, host, options.runs)
        for part in options.only or PARTS:
            measures: list[Measure] = getattr(bench, part)()
            write(f"registry-{size}", measures, {"mailboxes": size})
            missed += [measure for measure in measures if measure.met is False]
    found = growth.read(OUTPUT)
    (OUTPUT / "registry.md").write_text(growth.table(found), encoding="utf-8")
    print(json.dumps(found, ensure_ascii=False, indent=2) if options.json else growth.table(found))
    for measure in missed:
        print(f"missed: {measure.name}: {measure.seconds:.1f} s, asked {measure.target} s", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
