"""The figures of all sizes side by side: how cost grows with the number of mailboxes, or of messages in one."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

type Found = dict[int, dict[str, Any]]

FLAT = 2.5
"""So many times its cost at the smallest size may cost at the largest what is to be flat."""


def steep(name: str, costs: Mapping[int, float]) -> list[str]:
    """What is said of a cost, by size, that is to be flat and is not."""
    least, most = min(costs), max(costs)
    if costs[most] <= FLAT * costs[least]:
        return []
    times = f"{costs[most] / costs[least]:.1f} times" if costs[least] else "more than"
    return [f"{name}: {times} the cost at {most:,}, asked {FLAT}"]


def read(folder: Path, part: str, of: str) -> Found:
    """What a part of the bench wrote into PART-*.json: size -> its document, in which the size is called `of`."""
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob(f"{part}-*.json")]
    return {document[of]: document for document in sorted(documents, key=lambda each: each[of])}


def table(found: Found, digits: int = 1) -> str:
    """A table in Markdown: a line for each measure; medians, growth from the smallest size to the largest, targets.

    Seconds of the clock to so many digits, behind them those of processors, the hosts' too, where they are known. Above
    it how many runs there were and what load of the machine.
    """
    sizes = list(found)
    names = dict.fromkeys(name for document in found.values() for name in document["measures"])
    heads = ["what", *(f"{size:,}" for size in sizes), "growth", "asked at 20,000"]
    lines = [_circumstances(found), "\n", _line(heads), _line(["---", *(["---:"] * (len(heads) - 1))])]
    for name in names:
        cells = [found[size]["measures"].get(name) for size in sizes]
        judged = next((cell for cell in cells if cell and cell["target"]), None)
        shown = (_seconds(cell, digits) for cell in cells)
        lines.append(_line([name, *shown, _growth(cells, sizes), _asked(judged)]))
    return "".join(lines)


def milliseconds(what: str, rows: Mapping[str, Mapping[int, float]]) -> str:
    """A table in Markdown of seconds, shown in milliseconds: name -> size -> cost, and how that grew."""
    sizes = sorted({size for costs in rows.values() for size in costs})
    lines = [_line([f"ms of processors{what}", *(f"{size:,}" for size in sizes), "growth"])]
    lines.append(_line(["---", *(["---:"] * (len(sizes) + 1))]))
    for name, costs in rows.items():
        first, last = costs[sizes[0]], costs[sizes[-1]]
        cells = [f"{costs[size] * 1000:.1f}" for size in sizes]
        lines.append(_line([name, *cells, f"{last / first:.1f}x" if first else ""]))
    return "".join(lines)


def _circumstances(found: Found) -> str:
    measures = [measure for document in found.values() for measure in document["measures"].values()]
    if not measures:
        return "Nothing was measured.\n"
    machine = measures[0]["machine"]
    runs = sorted({len(measure["runs"]) for measure in measures})
    loads = [run["load"] for measure in measures for run in measure["runs"]]
    return (
        f"{machine['cores']} cores, {machine['memory_gib']} GiB, Python {machine['python']}; medians of "
        f"{' or '.join(map(str, runs))} runs, load when they began {min(loads):.1f} to {max(loads):.1f}.\n"
    )


def _asked(cell: Mapping[str, Any] | None) -> str:
    if cell is None:
        return ""
    return f"<= {cell['target']:g} s{'' if cell['met'] else ', MISSED'}"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _seconds(cell: Mapping[str, Any] | None, digits: int) -> str:
    if cell is None:
        return ""
    cpu = f" ({cell['cpu']:.{digits}f})" if cell["cpu"] is not None else ""
    return f"{cell['seconds']:.{digits}f} s{cpu}"


def _growth(cells: list[Mapping[str, Any] | None], sizes: list[int]) -> str:
    """How many times the cost, for how many times the size."""
    known = [(size, cell["seconds"]) for size, cell in zip(sizes, cells, strict=True) if cell]
    if len(known) < 2:
        return ""
    (least, first), (most, last) = known[0], known[-1]
    return f"{last / first:.1f}x for {most / least:g}x" if least else f"{last / first:.1f}x from none"
