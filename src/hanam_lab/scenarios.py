"""Runs molecule scenarios side by side: `python -m hanam_lab.scenarios default split`.

Each writes to a log of its own, build/molecule/<scenario>.log; here only its steps are told. All are run to their end,
then the last lines of those that failed are shown and, at the very end, where a reader of a long log begins, a line for
each test that failed. Interrupted, it ends what it started and takes down the labs.

A scenario whose hosts are a copy of another's (HANAM_COPY_OF) begins when that one's are converged. One that need not
hold up another's converge (HANAM_AFTER) begins then too, or when that one has failed.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from xml.etree import ElementTree

import yaml

from hanam_lab import costs
from hanam_lab.driver import Lab
from hanam_lab.paths import REPOSITORY

LOGS = REPOSITORY / "build/molecule"
COSTS = "processor.md"
"""Name in LOGS of the table of what each scenario and each test file cost."""
TAIL_LINES = 120
FAILURE_LINES = 25
"""What is shown of each failed test: the end of what it said."""
TESTED_AT_ONCE = "3"
"""More than this keep the hosts of all so slow that what should take seconds does not, and take as long together."""
_GRACE_SECONDS = 20.0
_POLL_SECONDS = 0.5
_AFTER_CONVERGE = ("idempotence", "verify")
_STEP = re.compile(r"➜ (\w+): Executing$")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

Say = Callable[[str], None]


@dataclass
class Scenario:
    """One run of `molecule test`."""

    name: str
    log: Path
    lab: str
    original: str
    """Lab that its hosts are a copy of, or nothing."""
    after: str = ""
    """Lab whose converge it waits for, without needing it."""
    budget: int = 0
    """Seconds of processors that it may cost (HANAM_BUDGET); more is a failure."""
    rank: int = 0
    """Its place among those named: the first is tested first, if several wait."""
    here: float = 0.0
    converged: bool = False
    started: float = 0.0
    process: subprocess.Popen[bytes] | None = None
    _read: int = field(default=0, repr=False)

    def start(self) -> None:
        self.started = time.monotonic()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        for report in (self.report, self.log.with_suffix(".json")):
            report.unlink(missing_ok=True)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["molecule", "test", "--scenario-name", self.name],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, "HANAM_SLOTS": TESTED_AT_ONCE, "HANAM_RANK": str(self.rank)},
            )  # fmt: skip

    @property
    def report(self) -> Path:
        """Where molecule/shared/verify.yml has pytest write what became of each test."""
        return self.log.with_suffix(".xml")

    def failures(self) -> Iterator[tuple[str, str, str]]:
        """Name, reason in a line, and text of each test that failed, as far as the tests were run."""
        if not self.report.exists():
            return
        for case in ElementTree.parse(self.report).iter("testcase"):  # noqa: S314 - pytest's own
            for kind in ("failure", "error"):
                found = case.find(kind)
                if found is not None:
                    reason = " ".join(found.get("message", "").split())
                    yield f"{case.get('classname')}::{case.get('name')}", reason, found.text or ""

    def ended(self) -> bool:
        """Whether it is over; what it and all that it started used is known then."""
        if self.process is None:
            return False
        if self.process.returncode is None:
            pid, status, used = os.wait4(self.process.pid, os.WNOHANG)
            if pid:
                self.process.returncode = os.waitstatus_to_exitcode(status)
                self.here = used.ru_utime + used.ru_stime
        return self.process.returncode is not None

    def cost(self) -> costs.Cost:
        return costs.read(self.name, self.budget, self.here, self.log.with_suffix(".json"))

    @property
    def passed(self) -> bool:
        return self.process is not None and self.process.returncode == 0 and not self.cost().over

    def seconds(self) -> str:
        passed = int(time.monotonic() - self.started)
        return f"{passed // 60} min {passed % 60} s"

    def steps(self) -> Iterator[str]:
        """Names of the steps that began since the last call."""
        with self.log.open("rb") as log:
            log.seek(self._read)
            text = log.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.decode(errors="replace").splitlines():
            found = _STEP.search(_COLOURS.sub("", line).rstrip())
            if found:
                self.converged |= found.group(1) in _AFTER_CONVERGE
                yield found.group(1)

    def tail(self) -> str:
        if self.process is None:
            return ""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])


def run(names: Sequence[str], say: Say) -> list[Scenario]:
    """Run the scenarios to their end; returns those that failed."""
    scenarios = [_read(name, rank) for rank, name in enumerate(names)]
    waiting, running = list(scenarios), list[Scenario]()
    try:
        while waiting or running:
            for scenario in list(waiting):
                awaited = scenario.original or scenario.after
                source = next((other for other in scenarios if other.lab == awaited), None)
                given_up = source is not None and source not in waiting + running
                if source is None or source.converged or (given_up and not scenario.original):
                    waiting.remove(scenario)
                    running.append(scenario)
                    scenario.start()
                    say(f"{scenario.name}: started, its log is {scenario.log.relative_to(REPOSITORY)}")
                elif given_up:
                    waiting.remove(scenario)
                    say(f"{scenario.name}: not started, since {source.name} did not come as far as a converged lab")
            time.sleep(_POLL_SECONDS)
            for scenario in list(running):
                for step in scenario.steps():
                    say(f"{scenario.name}: {step} (after {scenario.seconds()})")
                if scenario.ended():
                    running.remove(scenario)
                    verdict = "passed" if scenario.passed else "FAILED"
                    say(f"{scenario.name}: {verdict} (after {scenario.seconds()}), {scenario.cost().line()}")
    finally:
        for scenario in running:
            _stop(scenario)
            say(f"{scenario.name}: stopped; removing its hosts")
            Lab(scenario.lab).down(say)
    (LOGS / COSTS).write_text(costs.table([scenario.cost() for scenario in scenarios]))
    return [scenario for scenario in scenarios if not scenario.passed]


def _read(name: str, rank: int) -> Scenario:
    environment = yaml.safe_load((REPOSITORY / f"molecule/{name}/molecule.yml").read_text())["ansible"]["env"]
    return Scenario(
        name,
        LOGS / f"{name}.log",
        environment["HANAM_LAB"],
        environment.get("HANAM_COPY_OF", ""),
        environment.get("HANAM_AFTER", ""),
        int(environment.get("HANAM_BUDGET", 0)),
        rank,
    )


def _stop(scenario: Scenario) -> None:
    """End a scenario with everything it started; Ansible's workers have sessions of their own."""
    if scenario.process is None:
        return
    family = [scenario.process.pid, *_descendants(scenario.process.pid)]
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline = time.monotonic() + _GRACE_SECONDS
        while scenario.process.poll() is None or any(_alive(pid) for pid in family[1:]):
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        else:
            return


def _descendants(pid: int) -> Iterator[int]:
    try:
        children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return
    for child in children:
        yield child
        yield from _descendants(child)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def main(arguments: Sequence[str]) -> int:
    """0 when every scenario passed, 1 when one failed, 130 when interrupted."""

    def terminated(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, terminated)

    def say(text: str) -> None:
        print(text, flush=True)

    try:
        failed = run(arguments, say)
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    for scenario in failed:
        say(f"\n--- {scenario.name}: the last lines of {scenario.log.relative_to(REPOSITORY)} ---\n{scenario.tail()}")
    _tell(failed, say)
    return 1 if failed else 0


def _tell(failed: Sequence[Scenario], say: Say) -> None:
    """Each failure with its text, then a line for each; many of one cause, such as a fixture's, as one."""
    causes = dict[tuple[str, str, str], list[str]]()
    for scenario in failed:
        for test, reason, text in scenario.failures():
            causes.setdefault((scenario.name, reason, text), []).append(test)
    for (name, _, text), tests in causes.items():
        say(f"\n--- {name}: {_named(tests)} ---\n" + "\n".join(text.splitlines()[-FAILURE_LINES:]))
    for (name, reason, _), tests in causes.items():
        say(f"{name}: FAILED {_named(tests)}: {reason[:300]}")
    for cost in [scenario.cost() for scenario in failed]:
        if cost.over:
            say(f"{cost.name}: FAILED its budget: {cost.line()}; which tests: {LOGS / COSTS}")


def _named(tests: Sequence[str]) -> str:
    return tests[0] if len(tests) == 1 else f"{tests[0]} and {len(tests) - 1} more"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
