"""python -m bench.logins --lab NAME: how many people can sign in at once, and what holds them up.

Needs a lab as `make up` leaves it; its accounts stay as they are. Signs sample officials in from addresses of
198.18.0.0/15, first when nothing is remembered (cold: each costs a hash), then again (cached), over Dovecot's own
socket and as whole IMAP sessions over TLS. Clients run on the mail store's host, so its processors carry them too.
Figures go to build/bench/logins.json and, as a table, to build/bench/logins.md.

A cached session must be so much cheaper than a cold one of the same run (ASKED_TIMES), whatever the machine. Seconds of
processors per login tell more than those of the clock where others use the machine: the most that N
processors could do is N divided by them.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.lab import Sample

from bench.host import Host
from bench.measuring import OUTPUT, REPOSITORY, Measure, Run, machine, measured, write

_SOCKET_CLIENT = REPOSITORY / "tests/mail/auth_client.py"
_IMAP_CLIENT = Path(__file__).with_name("imap_client.py")
# Addresses for measurements (RFC 2544), from which nobody else comes.
_SOURCES = "198.18.0.0/15"
_A_DAY_AGO = f"update mail.sign_in_address set last_at = now() - '25h'::interval where address <<= '{_SOURCES}'"  # noqa: S608
_NOWHERE = f"delete from mail.sign_in_address where address <<= '{_SOURCES}'"  # noqa: S608
_NOW = "select extract(epoch from clock_timestamp())"
# How many ask at once: more than there are connections to the database, as in a storm.
_AT_ONCE = 32
_COLD, _CACHED, _IMAP_COLD, _IMAP_CACHED = 320, 10_000, 320, 800
# Asked for: logins a second on two cores.
_ASKED_COLD, _ASKED_CACHED, _ASKED_IMAP_COLD = 100, 2_000, 80
ASKED_TIMES = 2.5
"""How many times less of the processors a whole session takes that is remembered than one that is not, in the same run.
By docs/figures.md 4.5; 2.2 if each session had a process of its own (record 0024), 1 if nothing were remembered."""
# Ours (group_vars/all/sizes.yml), OWASP's other choices of the same strength, and what was before.
_ARGON2ID = "mail_crypto.argon2id(convert_to(i::text, 'UTF8'), '0123456789abcdef', {}, {})"
_HASHES = {
    "argon2id, 19 MiB, 2 passes": _ARGON2ID.format(19_456, 2),
    "argon2id, 12 MiB, 3 passes": _ARGON2ID.format(12_288, 3),
    "argon2id, 46 MiB, 1 pass": _ARGON2ID.format(47_104, 1),
    "bcrypt, cost 10": "mail_crypto.crypt(i::text, '$2a$10$' || repeat('.', 22))",
}
_UNITS = {"PostgreSQL": "postgresql@*-main.service", "Dovecot": "dovecot.service"}
# A unit's main process and all that came of it, living or waited for: systemd's own accounting needs cgroups that test
# hosts lack.
USED = """
import os, subprocess, sys
main = int(subprocess.check_output(["systemctl", "show", sys.argv[1], "--property=MainPID", "--value"]).split()[0])
parents, used = {}, {}
for entry in filter(str.isdigit, os.listdir("/proc")):
    try:
        words = open(f"/proc/{entry}/stat").read().rpartition(")")[2].split()
    except OSError:
        continue
    parents[int(entry)], used[int(entry)] = int(words[1]), sum(map(int, words[11:15]))

def within(process):
    while process in parents and process != main:
        process = parents[process]
    return process == main

print(sum(ticks for process, ticks in used.items() if within(process)) / os.sysconf("SC_CLK_TCK"))
"""


@dataclass(frozen=True)
class Figure:
    """A measure of so many logins, and what each took of processors in the database and in Dovecot (ms)."""

    measure: Measure
    logins: int
    cost: dict[str, float]

    @property
    def rate(self) -> float:
        """Logins a second, by the clock."""
        return self.logins / self.measure.seconds

    def as_line(self, cores: int) -> str:
        """For the table."""
        asked = f">= {self.logins / self.measure.target:,.0f}" if self.measure.target else ""
        bound = cores * 1000 / sum(self.cost.values())
        cost = " + ".join(f"{value:.2f} {name}" for name, value in self.cost.items())
        return f"| {self.measure.name} | {self.rate:,.0f}/s | {asked} | {cost} | {bound:,.0f}/s |\n"


class Bench:
    """The measurements on one lab."""

    def __init__(self, host: Host, runs: int) -> None:
        self.host, self.lab, self.runs = host, host.lab, runs

    # --- the hash ---

    def hashes(self) -> list[Measure]:
        """One hash of each kind, by the database's own functions."""
        return [self._hash(kind, expression) for kind, expression in _HASHES.items()]

    def _hash(self, kind: str, expression: str) -> Measure:
        rounds = 40
        # Once before: the first one of a connection starts the interpreter.
        statement = (
            f"do $$ declare i int := 0; begin perform {expression}; end $$; {_NOW};"
            f" do $$ begin for i in 1..{rounds} loop perform {expression}; end loop; end $$"
        )
        runs = []
        for _ in range(self.runs):
            load = os.getloadavg()[0]
            before = self._processors()["PostgreSQL"]
            began, ended = self.host.psql(f"{statement}; {_NOW}").split()
            used = self._processors()["PostgreSQL"] - before
            runs.append(Run((float(ended) - float(began)) / rounds, used / rounds, load))
        return measured(f"one hash, {kind}", runs)

    # --- logins ---

    def socket(self) -> list[Figure]:
        """Over Dovecot's socket: the decision alone."""
        self._install(_SOCKET_CLIENT)
        command = f"python3 /root/{_SOCKET_CLIENT.name} {_AT_ONCE}"
        cold = self._tries(_COLD, "imap")
        again = list(itertools.islice(itertools.cycle(cold), _CACHED))
        return self._pair("by the socket", command, cold, again, (_ASKED_COLD, _ASKED_CACHED))

    def imap(self) -> list[Figure]:
        """Whole sessions: TCP, TLS, LOGIN, a process for the mailbox, LOGOUT."""
        self._install(_IMAP_CLIENT)
        command = f"python3 /root/{_IMAP_CLIENT.name} {_AT_ONCE} imap.{self.lab.variables['mail_domain']}"
        cold = self._tries(_IMAP_COLD)
        again = list(itertools.islice(itertools.cycle(cold), _IMAP_CACHED))
        return self._pair("whole IMAP logins", command, cold, again, (_ASKED_IMAP_COLD, None))

    def _pair(
        self, name: str, command: str, cold: list[list[str]], again: list[list[str]], asked: tuple[float, float | None]
    ) -> list[Figure]:
        self._forget()
        self._run(command, cold)  # the sources become known, as they are on every morning but the first
        figures = []
        for kind, tries, rate in (("cold", cold, asked[0]), ("cached", again, asked[1])):
            runs, costs = [], []
            for _ in range(self.runs):
                if kind == "cold":
                    self._forget()
                before = self._processors()
                runs.append(self._run(command, tries))
                after = self._processors()
                costs.append({unit: (after[unit] - before[unit]) / len(tries) * 1000 for unit in _UNITS})
            measure = measured(f"{name}, {kind}", runs, len(tries) / rate if rate else None)
            cost = {unit: statistics.median(each[unit] for each in costs) for unit in _UNITS}
            figures.append(Figure(measure, len(tries), cost))
            print(f"  {figures[-1].rate:,.0f}/s", flush=True)
        return figures

    def _run(self, command: str, tries: list[list[str]]) -> Run:
        load = os.getloadavg()[0]
        line = self.lab.driver.ssh_command(self.lab.host("mailstore"))
        done = subprocess.run(
            [*line, "sudo", *command.split()],
            input="".join(json.dumps(one) + "\n" for one in tries),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        answer = json.loads(done.stdout)
        accepted = answer["accepted"]
        if (accepted if isinstance(accepted, int) else len(accepted)) != len(tries):
            raise RuntimeError(f"not everybody got in: {done.stdout[:500]}")
        return Run(answer["seconds"], None, load)

    @cached_property
    def people(self) -> list[Sample]:
        """Sample officials whose accounts are open: whoever is being asked after too often is not."""
        return self.lab.samples

    def _tries(self, count: int, *more: str) -> list[list[str]]:
        """So many logins, each from an address of its own."""
        people = itertools.cycle(self.people)
        return [
            [person.address, person.password, f"198.18.{number // 250}.{number % 250 + 1}", *more]
            for number, person in zip(range(count), people, strict=False)
        ]

    # --- the lab ---

    def _install(self, program: Path) -> None:
        self.lab.run("mailstore", f"cat > /root/{program.name} <<'PROGRAM'\n{program.read_text()}\nPROGRAM")

    def _forget(self) -> None:
        """As in the morning: nothing remembered, and the sources were last seen a day ago."""
        self.lab.run("mailstore", "doveadm auth cache flush")
        self.host.psql(_A_DAY_AGO)

    def clean(self) -> None:
        """Leave no trace."""
        self.lab.run("mailstore", f"rm -f /root/{_SOCKET_CLIENT.name} /root/{_IMAP_CLIENT.name}")
        self.lab.run("mailstore", "doveadm auth cache flush")
        self.host.psql(_NOWHERE)

    def _processors(self) -> dict[str, float]:
        """Seconds of processors that each daemon took since it started."""
        groups = {"PostgreSQL": "accounts", "Dovecot": "mailstore"}
        return {
            name: float(self.lab.run(groups[name], f"python3 - '{unit}' <<'PROGRAM'\n{USED}PROGRAM"))
            for name, unit in _UNITS.items()
        }


def forgetful(cold: Figure, cached: Figure) -> list[str]:
    """What is said of sign-ins that are remembered and cost nearly what the others of that run do."""
    dear, cheap = (sum(figure.cost.values()) for figure in (cold, cached))
    if dear >= ASKED_TIMES * cheap:
        return []
    return [f"{cached.measure.name}: {dear / cheap:.1f} times cheaper than cold, asked {ASKED_TIMES}"]


def table(hashes: list[Measure], figures: list[Figure], facts: dict[str, Any]) -> str:
    """All of it in Markdown, for people."""
    cores = facts["cores"]
    lines = [
        f"{cores} processors, load {'/'.join(str(load) for load in facts['load'])}; medians.\n\n",
        "| what | measured | asked | ms of processors a login | the most that these allow |\n",
        "| --- | ---: | ---: | ---: | ---: |\n",
        *(figure.as_line(cores) for figure in figures),
        "\n| one hash | ms of a processor | the most on these |\n| --- | ---: | ---: |\n",
    ]
    for measure in hashes:
        cost, seconds = measure.name.removeprefix("one hash, "), measure.cpu or measure.seconds
        lines.append(f"| {cost} | {seconds * 1000:.1f} | {cores / seconds:,.0f}/s |\n")
    return "".join(lines)


def main() -> int:
    """Measure, write, and say which targets were missed; exit 1 then."""
    parser = argparse.ArgumentParser(prog="python -m bench.logins", description=__doc__)
    parser.add_argument("--lab", default="bench", help="a lab as `make up` leaves it")
    parser.add_argument("--runs", type=int, default=3, help="of each measure, after a warm-up")
    options = parser.parse_args()
    bench = Bench(Host.named(options.lab), options.runs)
    try:
        hashes = bench.hashes()
        with bench.lab.hashes_as_in_production():
            figures = bench.socket() + (sessions := bench.imap())
    finally:
        bench.clean()
    facts = machine()
    counts = {figure.measure.name: figure.logins for figure in figures}
    write("logins", [*hashes, *(figure.measure for figure in figures)], {"logins": counts})
    text = table(hashes, figures, facts)
    (OUTPUT / "logins.md").write_text(text, encoding="utf-8")
    print(text)
    missed = [figure for figure in figures if figure.measure.met is False]
    for figure in missed:
        print(f"missed: {figure.measure.name}: {figure.rate:,.0f}/s", file=sys.stderr)
    for fault in (faults := forgetful(*sessions)):
        print(f"missed: {fault}", file=sys.stderr)
    return 1 if missed or faults else 0


if __name__ == "__main__":
    sys.exit(main())
