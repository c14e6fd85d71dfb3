"""The stages of a letter's way: which daemons each is, what was measured of them, and what is missed (bench/mail.py).

`Costs` below are seconds of processors a letter by part; a part is a daemon, or what of a daemon only the product has.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.growth import FLAT

UNITS = {
    "Postfix": "postfix.service",
    "Dovecot": "dovecot.service",
    "PostgreSQL": "postgresql@17-main.service",
    "rspamd": "rspamd.service",
    "verifying service": "hanam-mail-auth.service",
    "secrecy marks": "hanam-secrecy.service",
    "reader of documents": "hanam-extract.service",
    "ClamAV": "clamav-daemon.service",
    "Redis": "redis-server.service",
    "unbound": "unbound.service",
}
"""The product's daemons -> their units."""
INDEX = "index of search"
BARE = ("Postfix", "Dovecot", "rspamd", "ClamAV", "Redis")
"""What the bare chain has of its own; the resolver is the host's."""
STAGES = {
    "accept": ("Postfix",),
    "filter": ("rspamd", "Redis", "unbound", "verifying service", "secrecy marks", "reader of documents"),
    "virus scan": ("ClamAV",),
    "delivery and index": ("Dovecot", INDEX),
    "database": ("PostgreSQL",),
}
ALL = "in all"
ONLY_OURS = ("PostgreSQL", "verifying service", "secrecy marks", "reader of documents", INDEX)
"""Parts that a bare chain has not at all."""
BEYOND = {
    "accept": "asks the database and Dovecot for an address, its state and room; signed in: sender and limits",
    "filter": "verifies SPF, DKIM, DMARC and ARC anew, Vietnamese rules and words, file types, lists, learnt words; "
    "of our people's letters reads the documents for marks, and signs. The reader reads for the index of search too",
    "virus scan": "looks into all of a letter's size, finds encrypted and macro-carrying files",
    "delivery and index": "Sieve, quota and room before acceptance, index of search",
    "database": "bare has one mailbox in a line of text and no database",
}
"""What of each stage the product does and the bare chain does not."""
ASKED = 0.9
LEAST = 0.001
"""A stage has grown only when it takes so many seconds more: processors are counted in hundredths of a second."""

type Costs = Mapping[str, float]


@dataclass(frozen=True)
class Side:
    """Medians of a chain's turns: seconds of processors a letter by part, and letters a second."""

    costs: Costs
    rate: float

    @classmethod
    def of(cls, turns: Sequence[tuple[Costs, float]]) -> "Side":
        """Of each turn its costs and its rate."""
        names = turns[0][0]
        costs = {name: statistics.median(each[name] for each, _ in turns) for name in names}
        return cls(costs, statistics.median(rate for _, rate in turns))

    def stage(self, name: str, *, common: bool = False) -> float:
        """Seconds of a stage or of all; `common`: without the parts that only the product has."""
        parts = [part for stage, parts in STAGES.items() for part in parts if name in (stage, ALL)]
        return sum(self.costs.get(part, 0.0) for part in parts if not (common and part in ONLY_OURS))


@dataclass(frozen=True)
class Case:
    """A kind of letter at a size of the INBOX, through both chains."""

    name: str
    size: int
    ours: Side
    bare: Side

    def ratio(self, stage: str, *, common: bool = False) -> float | None:
        """Bare to ours, 1 where both cost the same; None where one of them has no such stage."""
        ours, bare = self.ours.stage(stage, common=common), self.bare.stage(stage)
        return bare / ours if ours > 0 and bare > 0 else None


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _part(part: str, case: Case) -> str:
    bare = "-" if part in ONLY_OURS else f"{case.bare.costs[part] * 1000:.1f}"
    return f"{part} | {case.ours.costs[part] * 1000:.1f} | {bare}"


def table(case: Case) -> str:
    """Its stages with their parts, then the pace; for people."""
    lines = [f"### {case.name}, INBOX of {case.size:,}\n\n"]
    lines.append("| ms of processors a message | ours | bare | bare / ours | without parts that bare has not |\n")
    lines.append("| --- | ---: | ---: | ---: | ---: |\n")
    for name in (*STAGES, ALL):
        figures = " | ".join(f"{side.stage(name) * 1000:.1f}" for side in (case.ours, case.bare))
        ratios = " | ".join(_ratio(case.ratio(name, common=common)) for common in (False, True))
        lines.append(f"| {name} | {figures} | {ratios} |\n")
        parts = STAGES.get(name, ())
        lines += [f"| - of it {_part(part, case)} | | |\n" for part in parts if len(parts) > 1]
    pace = case.ours.rate / case.bare.rate
    lines.append(f"| messages a second | {case.ours.rate:.1f} | {case.bare.rate:.1f} | ours / bare {pace:.2f} | |\n\n")
    return "".join(lines)


def notes() -> str:
    """What the bare chain does not do, by stage."""
    return "".join(f"- {stage}, ours beyond bare: {text}.\n" for stage, text in BEYOND.items())


def missed(cases: Sequence[Case]) -> list[str]:
    """What is dearer or slower than asked against the bare chain, and what grows with the INBOX."""
    found = []
    for case in cases:
        where = f"{case.name}, INBOX of {case.size:,}"
        for stage in (*STAGES, ALL):
            ratio = case.ratio(stage)
            if ratio is not None and ratio < ASKED:
                found.append(f"{where}: {stage} {ratio:.2f} of bare, asked {ASKED}")
        if (pace := case.ours.rate / case.bare.rate) < ASKED:
            found.append(f"{where}: {pace:.2f} of bare's messages a second, asked {ASKED}")
    for name in dict.fromkeys(case.name for case in cases):
        same = sorted((case for case in cases if case.name == name), key=lambda case: case.size)
        for stage in (*STAGES, ALL):
            least, most = (case.ours.stage(stage) for case in (same[0], same[-1]))
            if most > FLAT * least and most - least > LEAST:
                found.append(f"{name}: {stage} {most * 1000:.1f} ms at {same[-1].size:,}, {least * 1000:.1f} at "
                             f"{same[0].size:,}; asked {FLAT} times at most")  # fmt: skip
    return found
