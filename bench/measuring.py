"""Timing whole commands: several runs, their median, the machine beside them; a table for people, JSON for programs.

    found = measured("check, cold", [once(command) for _ in range(3)], target=10)
    write(Path("build/bench"), "registry-20000", [found], {"mailboxes": 20000})

A run's `seconds` are those of the clock, `cpu` what the command and its children took of processors on this machine
(host.py adds what the lab's hosts took meanwhile). On a machine that others use too the second moves less than the
first; the load average stands with every run, so that a reader sees which to believe.
"""

import json
import os
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
OUTPUT = REPOSITORY / "build/bench"


@dataclass(frozen=True)
class Run:
    """One run: seconds of the clock and of processors, and the load average (1 minute) when it began."""

    seconds: float
    cpu: float | None
    load: float


@dataclass(frozen=True)
class Measure:
    """What was measured, its runs, and the seconds that were asked for, if any."""

    name: str
    runs: tuple[Run, ...]
    target: float | None = None

    @property
    def seconds(self) -> float:
        """The median."""
        return statistics.median(run.seconds for run in self.runs)

    @property
    def cpu(self) -> float | None:
        """The median, None where it cannot be known."""
        known = [run.cpu for run in self.runs if run.cpu is not None]
        return statistics.median(known) if known else None

    @property
    def met(self) -> bool | None:
        """Whether the median is within the target."""
        return None if self.target is None else self.seconds <= self.target

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the runs, and what is derived of them."""
        return {**asdict(self), "seconds": self.seconds, "cpu": self.cpu, "met": self.met}


def once(words: Sequence[str | Path], *, env: Mapping[str, str] | None = None, **more: Any) -> Run:
    """Run a command to its end, its output read and dropped; a command that fails is an error with what it said."""
    load, before, began = os.getloadavg()[0], _children(), time.perf_counter()
    done = subprocess.run(
        words, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, capture_output=True, check=False, **more
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        said = "\n".join(part.decode(errors="replace")[-2000:] for part in (done.stdout, done.stderr))
        raise RuntimeError(f"exit {done.returncode} of {' '.join(map(str, words))}\n{said}")
    return Run(seconds, _children() - before, load)


def measured(name: str, runs: Iterable[Run], target: float | None = None) -> Measure:
    """The runs under a name, told as soon as they are done."""
    found = Measure(name, tuple(runs), target)
    loads = "/".join(f"{run.load:.0f}" for run in found.runs)
    print(f"{name}: {found.seconds:.2f} s, median of {len(found.runs)} (load {loads})", flush=True)
    return found


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**30, 1),
        "load": [round(load, 2) for load in os.getloadavg()],
        "python": platform.python_version(),
        "kernel": platform.release(),
    }


def write(name: str, measures: Sequence[Measure], facts: Mapping[str, Any]) -> Path:
    """Keep the measures as build/bench/NAME.json; those of an earlier run that were not made again stay."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    path = OUTPUT / f"{name}.json"
    found = {measure.name: {**measure.as_dict(), "machine": machine()} for measure in measures}
    if path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))["measures"] | found
    data = {**facts, "measures": found}
    path.write_text(json.dumps(data, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return path


def publish(name: str, table: str) -> None:
    """Keep a table of medians as build/bench/NAME.md, with what it was measured on above it, and show it."""
    facts = machine()
    text = f"{facts['cores']} processors, load {'/'.join(map(str, facts['load']))}; medians.\n\n{table}"
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / f"{name}.md").write_text(text, encoding="utf-8")
    print(text)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
