"""python -m bench.spam --lab NAME: what the running filter does with the corpus of wanted and unwanted mail.

The letters of tests/spam_corpus.py are put to the filter with the envelope that Postfix would tell it: address, name
and greeting of the server, sender, recipient. Who sent them is verified as always: for the time of the measurement the
host's resolver knows the senders' domains (SPF, keys, DMARC).

Each part is measured twice: as if no list in DNS knew anything, and with the lab's lists knowing of each kind of
sender and link the share that tests/data/spam/listed.yml assumes. The lists' names, too, are told to the resolver.

Caught is what goes to Junk, is held or is refused; a false positive is wanted mail to which that happens. Wanted mail
of strangers that greylisting would have come a second time is told besides: here nobody is known yet. Only part
`measuring` with lists counts (tests/spam_corpus.py): the command fails when the figures below are not reached there.
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
    lists: bool = False
    """Whether lists in DNS knew something."""
    held: bool = False
    """Whether it waits until somebody decides."""

    @property
    def put_off(self) -> bool:
        """It would have to come a second time."""
        return "GREYLISTED" in self.symbols

    @property
    def caught(self) -> bool:
        """In Junk, held, or refused."""
        return self.held or self.action in _JUNK

    @property
    def right(self) -> bool:
        """As it should be; wanted mail that is put off is not."""
        return self.action == "no action" and not self.held if self.wanted else self.caught


@dataclass(frozen=True)
class Row:
    """A kind of a part: how many letters, and how many of them were treated as they should be."""

    part: str
    lists: bool
    wanted: bool
    kind: str
    letters: int
    right: int
    held: int
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


def listed(letters: Sequence[Letter], lists: Mapping[str, Any]) -> list[str]:
    """What the lists say of the senders and links that they are taken to know, as records() does.

    `lists`: the lab's (dns_lists).
    """
    lines, where = list[str](), spam_corpus.listing()["lists"]
    for what, names in spam_corpus.listed(list(letters)).items():
        zone, answer = lists[where[what]["list"]]["zone"], where[what]["answer"]
        asked = names if what == "domains" else [".".join(reversed(each.split("."))) for each in names]
        lines += [f"{name}.{zone}. 300 IN A {answer}" for name in asked]
    return lines


def judge(
    part: str, letters: Sequence[Letter], answers: Sequence[Mapping[str, Any]], *, lists: bool = False
) -> list[Verdict]:
    """Letters and what the filter said of them, in the same order."""
    return [
        Verdict(
            part, each.kind, each.name, each.wanted, said["action"], said["score"], said["symbols"], lists, said["held"]
        )
        for each, said in zip(letters, answers, strict=True)
    ]


def rows(verdicts: Sequence[Verdict]) -> list[Row]:
    """A row for each kind of each part, with and without lists."""
    kinds = defaultdict[tuple[str, bool, bool, str], list[Verdict]](list)
    for each in verdicts:
        kinds[each.part, each.lists, each.wanted, each.kind].append(each)
    return [
        Row(
            *name,
            letters=len(found),
            right=sum(each.right for each in found),
            held=sum(each.held for each in found),
            refused=sum(each.action == "reject" for each in found),
            least=min(each.score for each in found),
            most=max(each.score for each in found),
        )
        for name, found in kinds.items()
    ]


def sums(verdicts: Sequence[Verdict], part: str, *, lists: bool = False) -> dict[str, Any]:
    """Of a part: letters, false positives and what was caught, and whether that is what is asked."""
    mine = [each for each in verdicts if (each.part, each.lists) == (part, lists)]
    wanted = [each for each in mine if each.wanted]
    unwanted = [each for each in mine if not each.wanted]
    wrong, caught = sum(not each.right for each in wanted), sum(each.right for each in unwanted)
    met = wrong <= FALSE_POSITIVES * len(wanted) and caught >= CAUGHT * len(unwanted) and bool(wanted and unwanted)
    return {
        "wanted": len(wanted),
        "false": wrong,
        "put_off": sum(each.put_off and each.right for each in wanted),
        "unwanted": len(unwanted),
        "caught": caught,
        "held": sum(each.held for each in unwanted),
        "met": met,
    }


def table(verdicts: Sequence[Verdict]) -> str:
    """For people: a line for each kind that is not wholly right, then the sums."""
    lines = ["| part | lists | kind | letters | right | held | refused | scores |"]
    lines += ["| --- | --- | --- | ---: | ---: | ---: | ---: | --- |"]
    for row in rows(verdicts):
        if row.right != row.letters:
            kind = f"{'wanted' if row.wanted else 'unwanted'}: {row.kind}"
            scores = f"{row.least:.1f} to {row.most:.1f}"
            lists = "with" if row.lists else "without"
            counted = f"{row.letters} | {row.right} | {row.held} | {row.refused}"
            lines.append(f"| {row.part} | {lists} | {kind} | {counted} | {scores} |")
    for part in sorted({each.part for each in verdicts}):
        for with_lists in (False, True):
            said = sums(verdicts, part, lists=with_lists)
            lines.append(
                f"{part}, {'with' if with_lists else 'without'} lists: "
                f"false positives {said['false']} of {said['wanted']}, put off once {said['put_off']}, "
                f"caught {said['caught']} of {said['unwanted']} ({said['caught'] / max(1, said['unwanted']):.1%}), "
                f"{said['held']} of them held"
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


def _await_lessons(host: Host) -> None:
    """The filter knows its first lessons: a deployment may just have begun to give them."""
    state = "systemctl show hanam-first-lessons.service -P ActiveState"
    host.lab.run(
        "filter", f"while {state} | grep -Eqx 'active|activating'; do sleep 1; done; [ $({state}) = inactive ]"
    )


def _use_lists(host: Host) -> None:
    """The filter asks the lab's lists: they are well, and it has read so again (it looks every half minute)."""
    unused = "/var/lib/hanam-dns-lists/unused"
    host.lab.run("filter", f"systemctl start hanam-dns-lists.service && ! grep -v '^#' {unused}")
    age = f"$(($(date +%s) - $(stat -c %Y {unused})))"
    host.lab.run("filter", f"while [ {age} -lt 60 ]; do sleep 1; done")


def measure(host: Host, recipient: str, parts: Sequence[str]) -> list[Verdict]:
    """All letters of these parts, put to the lab's filter without lists and with them."""
    found = list[Verdict]()
    _await_lessons(host)
    _use_lists(host)
    for part in parts:
        letters = list(spam_corpus.letters(part))
        zone = spam_corpus.zone(letters)
        known = {False: list[str](), True: listed(letters, host.lab.variables["dns_lists"])}
        _tell_resolver(host, "local_datas", records(zone))
        try:
            for lists, lines in known.items():
                _tell_resolver(host, "local_datas", lines)
                answers = json.loads(host.program("filter", CLIENT, given=questions(letters, recipient)))
                found += judge(part, letters, answers, lists=lists)
        finally:
            names = [f"{name}." for name in zone] + [line.split()[0] for line in known[True]]
            _tell_resolver(host, "local_datas_remove", names)
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
    return 0 if sums(verdicts, "measuring", lists=True)["met"] or options.part == ["tuning"] else 1


if __name__ == "__main__":
    sys.exit(main())
