"""python -m bench.spam --lab NAME: what the running filter does with the corpus of wanted and unwanted mail.

The letters of tests/spam_corpus.py are put to the filter with the envelope that Postfix would tell it: address, name
and greeting of the server, sender, recipient. Who sent them is verified as always: for the time of the measurement the
host's resolver knows the senders' domains (SPF, keys, DMARC). Block lists are off in a lab: nothing is caught by them.

Caught is what goes to Junk or is refused; a false positive is wanted mail to which that happens, or that is put off.
Only part `measuring` counts (tests/spam_corpus.py): the command fails when the figures below are not reached there.
"""

import argparse
import base64
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests import spam_corpus
from tests.spam_corpus import Letter
from tests.unit.host.mail_auth.nameserver import Zone

from bench.host import Host
from bench.measuring import OUTPUT, REPOSITORY, machine

FALSE_POSITIVES, CAUGHT = 0.001, 0.97
"""Asked for: of the wanted letters at most this part, of the unwanted at least that."""
CLIENT = REPOSITORY / "bench/spam_client.py"
_JUNK = ("add header", "rewrite subject", "quarantine", "reject")
_CONTROL = "unbound-control -c /etc/unbound/unbound.conf"


@dataclass(frozen=True)
class Verdict:
    """What the filter did with a letter."""

    part: str
    kind: str
    name: str
    wanted: bool
    action: str
    score: float
    symbols: Mapping[str, float]

    @property
    def caught(self) -> bool:
        """In Junk, or refused."""
        return self.action in _JUNK

    @property
    def right(self) -> bool:
        """As it should be; wanted mail that is put off is not."""
        return self.action == "no action" if self.wanted else self.caught


@dataclass(frozen=True)
class Row:
    """A kind of a part: how many letters, and how many of them were treated as they should be."""

    part: str
    wanted: bool
    kind: str
    letters: int
    right: int
    refused: int
    least: float
    most: float


def records(zone: Zone) -> list[str]:
    """The zone as lines of a zone file, for unbound-control."""
    return [
        f"{name}. 300 IN {kind} {data}"
        for name, kinds in zone.items()
        for kind, found in kinds.items()
        for data in found
    ]


def judge(part: str, letters: Sequence[Letter], answers: Sequence[Mapping[str, Any]]) -> list[Verdict]:
    """Letters and what the filter said of them, in the same order."""
    return [
        Verdict(part, each.kind, each.name, each.wanted, said["action"], said["score"], said["symbols"])
        for each, said in zip(letters, answers, strict=True)
    ]


def rows(verdicts: Sequence[Verdict]) -> list[Row]:
    """A row for each kind of each part."""
    kinds = defaultdict[tuple[str, bool, str], list[Verdict]](list)
    for each in verdicts:
        kinds[each.part, each.wanted, each.kind].append(each)
    return [
        Row(
            *name,
            letters=len(found),
            right=sum(each.right for each in found),
            refused=sum(each.action == "reject" for each in found),
            least=min(each.score for each in found),
            most=max(each.score for each in found),
        )
        for name, found in kinds.items()
    ]


def sums(verdicts: Sequence[Verdict], part: str) -> dict[str, Any]:
    """Of a part: letters, false positives and what was caught, and whether that is what is asked."""
    wanted = [each for each in verdicts if each.part == part and each.wanted]
    unwanted = [each for each in verdicts if each.part == part and not each.wanted]
    wrong, caught = sum(not each.right for each in wanted), sum(each.right for each in unwanted)
    met = wrong <= FALSE_POSITIVES * len(wanted) and caught >= CAUGHT * len(unwanted) and bool(wanted and unwanted)
    return {"wanted": len(wanted), "false": wrong, "unwanted": len(unwanted), "caught": caught, "met": met}


def table(verdicts: Sequence[Verdict]) -> str:
    """For people: a line for each kind that is not wholly right, then the sums."""
    lines = ["| part | kind | letters | right | refused | scores |", "| --- | --- | ---: | ---: | ---: | --- |"]
    for row in rows(verdicts):
        if row.right != row.letters:
            kind = f"{'wanted' if row.wanted else 'unwanted'}: {row.kind}"
            scores = f"{row.least:.1f} to {row.most:.1f}"
            lines.append(f"| {row.part} | {kind} | {row.letters} | {row.right} | {row.refused} | {scores} |")
    for part in spam_corpus.PARTS:
        said = sums(verdicts, part)
        lines.append(
            f"{part}: false positives {said['false']} of {said['wanted']}, "
            f"caught {said['caught']} of {said['unwanted']} ({said['caught'] / max(1, said['unwanted']):.1%})"
        )
    return "\n".join(lines)


def questions(letters: Sequence[Letter], recipient: str) -> str:
    """What the client asks, as JSON."""
    return json.dumps([(each.envelope(recipient), base64.b64encode(each.content).decode()) for each in letters])


def _tell_resolver(host: Host, verb: str, lines: Sequence[str]) -> None:
    """Let the filter's resolver know records, or forget them."""
    for start in range(0, len(lines), 500):
        text = "\n".join(lines[start : start + 500])
        host.lab.run("filter", f"{_CONTROL} {verb} <<'RECORDS'\n{text}\nRECORDS\n")


def measure(host: Host, recipient: str, parts: Sequence[str]) -> list[Verdict]:
    """All letters of these parts, put to the lab's filter."""
    found = list[Verdict]()
    for part in parts:
        letters = list(spam_corpus.letters(part))
        zone = spam_corpus.zone(letters)
        _tell_resolver(host, "local_datas", records(zone))
        try:
            answers = json.loads(host.program("filter", CLIENT, given=questions(letters, recipient)))
        finally:
            _tell_resolver(host, "local_datas_remove", [f"{name}." for name in zone])
        found += judge(part, letters, answers)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the part that counts is as asked, 1 when not."""
    parser = argparse.ArgumentParser(prog="python -m bench.spam", description=__doc__)
    parser.add_argument("--lab", required=True, help="name of a standing lab")
    parser.add_argument("--part", action="append", choices=spam_corpus.PARTS, help="may be repeated; both unless said")
    options = parser.parse_args(arguments)
    host = Host.named(options.lab)
    verdicts = measure(host, host.lab.samples[0].address, options.part or spam_corpus.PARTS)
    print(table(verdicts))
    OUTPUT.mkdir(parents=True, exist_ok=True)
    found = {"machine": machine(), "verdicts": [asdict(each) for each in verdicts]}
    Path(OUTPUT / "spam.json").write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    return 0 if sums(verdicts, "measuring")["met"] or options.part == ["tuning"] else 1


if __name__ == "__main__":
    sys.exit(main())
