"""What a scenario cost in seconds of a processor: tables by scenario, of the dearest tests, and by test file."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

DEAREST = 40
"""So many tests of all scenarios are named with what they cost."""


@dataclass
class File:
    """The tests of one file, summed up, or one test."""

    tests: int = 0
    clock: float = 0.0
    processor: float = 0.0


@dataclass
class Cost:
    """One scenario: what its own programs used (molecule, Ansible, pytest), and its hosts since they booted."""

    name: str
    budget: int
    here: float
    hosts: float = 0.0
    files: dict[str, File] = field(default_factory=dict)
    tests: list[tuple[str, File]] = field(default_factory=list)

    @property
    def total(self) -> float:
        return self.here + self.hosts

    @property
    def over(self) -> bool:
        return 0 < self.budget < self.total

    def line(self) -> str:
        """For a reader of the run's output."""
        of = f" of {self.budget}" if self.budget else ""
        return f"{self.total:.0f}{of} processor seconds ({self.here:.0f} here, {self.hosts:.0f} on its hosts)"


def read(name: str, budget: int, here: float, report: Path) -> Cost:
    """With what tests/processor.py wrote, if the tests were run at all."""
    cost = Cost(name, budget, here)
    if report.exists():
        said = json.loads(report.read_text())
        cost.hosts = said["hosts"]
        for row in said["tests"]:
            test = File(1, row["clock"], row["here"] + row["hosts"])
            cost.tests.append((row["test"], test))
            file = cost.files.setdefault(row["test"].partition("::")[0], File())
            file.tests += 1
            file.clock += test.clock
            file.processor += test.processor
    return cost


def table(costs: Sequence[Cost]) -> str:
    """In Markdown; the dearest files first."""
    lines = [
        "| scenario | processor seconds | here | on its hosts | of these in tests | budget |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for cost in costs:
        tests = sum(file.processor for file in cost.files.values())
        lines.append(
            f"| {cost.name} | {cost.total:.0f} | {cost.here:.0f} | {cost.hosts:.0f} | {tests:.0f} | {cost.budget} |"
        )
    lines += ["", "| scenario | test | seconds | processor seconds |", "|---|---|---:|---:|"]
    each = [(test.processor, cost.name, name, test.clock) for cost in costs for name, test in cost.tests]
    for processor, scenario, name, clock in sorted(each, reverse=True)[:DEAREST]:
        lines.append(f"| {scenario} | {name} | {clock:.1f} | {processor:.1f} |")
    lines += ["", "| scenario | file | tests | seconds | processor seconds |", "|---|---|---:|---:|---:|"]
    rows = [(file.processor, cost.name, name, file) for cost in costs for name, file in cost.files.items()]
    for processor, scenario, name, file in sorted(rows, key=lambda row: -row[0]):
        lines.append(f"| {scenario} | {name} | {file.tests} | {file.clock:.1f} | {processor:.1f} |")
    return "\n".join([*lines, ""])
