"""python -m bench.mail --lab NAME: what a message costs, stage by stage, beside the same daemons barely configured.

Needs a lab as `make up` leaves it, on one machine; a mailbox made for the measurement is used and removed. On its host,
in the same run, a second chain is started: Postfix, Rspamd, Redis, ClamAV and Dovecot with their packages' settings and
no more than makes them a chain (mail_bare_client.py). It is the peer of this bench, with our format of mailbox to its
advantage: what a Maildir adds to a delivery bench.store measures. Both get the same letters in turn: 10 KB of
Vietnamese text of a stranger, a connection each, at several sizes of the INBOX; then what our own people submit, signed
in once, without and with a DOCX of some pages. What the daemons took of the processors is told by the kernel, processes
that ended included.

Figures go to build/bench/mail.json and mail.md. A stage that takes more than 1/0.9 of what the bare one takes, fewer
messages a second than 0.9 of the bare chain's, or a stage that grows with the INBOX makes the run fail.
"""

import argparse
import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from types import FrameType

from tests import documents
from tests.people import People

from bench.host import Host
from bench.letters import words
from bench.mail_chains import STRANGER, Chains, Turn
from bench.mail_stages import ALL, STAGES, Case, Side, missed, notes, table
from bench.measuring import Measure, Run, publish, write

SIZES = (0, 5_000, 20_000, 100_000)
MESSAGES, ROUNDS = 60, 3
UNIT = 65
"""A little more than the seconds in which Postfix counts the connections of one host, of which a size takes 195."""
OCTETS = 10_000
PARAGRAPHS = 40
"""Of the document, a handful of pages."""

type Way = Callable[[Sequence[bytes]], Turn]


def letters(recipient: str, number: int, rng: random.Random, *, document: bool = False) -> list[bytes]:
    """So many messages of Vietnamese text, each unlike the others."""
    any_words, found = words(rng), []

    def text(length: int) -> str:
        # The handbook, whose words these are, writes of marks; a letter that bears one would be held.
        return re.sub(r"\bm[aậ]t\b", "thư", any_words(length), flags=re.IGNORECASE)

    for _ in range(number):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = STRANGER, recipient, text(8)
        mail["Date"], mail["Message-ID"] = formatdate(localtime=True), make_msgid(domain=STRANGER.partition("@")[2])
        body = text(OCTETS // 6)
        mail.set_content(f"{body.encode()[:OCTETS].decode(errors='ignore')}\n", cte="8bit")
        if document:
            # Without the sample's header, which bears a mark.
            file = documents.docx(*(text(60) for _ in range(PARAGRAPHS)), more={"word/header1.xml": "<w/>"})
            kind = "vnd.openxmlformats-officedocument.wordprocessingml.document"
            mail.add_attachment(file, maintype="application", subtype=kind, filename="bao cao.docx")
        found.append(mail.as_bytes())
    return found


def sides(name: str, size: int, ways: tuple[Way, Way], mails: Callable[[int], list[bytes]], rounds: int) -> Case:
    """Both ways in turn; each gets the same letters."""
    number, turns, loads = MESSAGES, ([], []), []  # type: ignore[var-annotated]
    # The first of a stranger's, and the first that a daemon sees, are no measure of the rest.
    for way in ways:
        way(mails(number // 4))
    for _ in range(rounds):
        given = mails(number)
        loads.append(os.getloadavg()[0])
        for way, kept in zip(ways, turns, strict=True):
            turn = way(given)
            kept.append((turn.cost, turn.rate))
    load = "/".join(f"{each:.0f}" for each in loads)
    case = Case(name, size, *(Side.of(kept) for kept in turns))
    print(f"load {load}\n{table(case)}", flush=True)
    return case


def measure(host: Host, people: People, sizes: Sequence[int], rounds: int) -> list[Case]:
    """All kinds of letters; those of our own people into the smallest INBOX, which comes first."""
    person, rng, found = people.take(), random.Random(1), list[Case]()  # noqa: S311 (no secret)
    chains = Chains(host, person, people)
    with chains.bare():
        for number, size in enumerate(sizes):
            chains.fill(size)
            if number:
                time.sleep(UNIT)
            inbound = (chains.ours, chains.peer)
            found.append(sides("from outside", size, inbound, lambda n: letters(person.address, n, rng), rounds))
            if number:
                continue
            for name, document in (("submitted", False), ("submitted with a DOCX", True)):
                given = lambda n, document=document: letters(person.address, n, rng, document=document)  # noqa: E731
                submitted = (chains.ours_submitted, chains.peer_submitted)
                found.append(sides(name, size, submitted, given, rounds))
    return found


def measures(cases: Sequence[Case]) -> list[Measure]:
    """For programs to read: seconds of processors a message, of each stage and chain."""
    load = os.getloadavg()[0]
    return [
        Measure(f"{case.name}, {who}, {stage}, INBOX of {case.size:,}", (Run(side.stage(stage), None, load),))
        for case in cases
        for who, side in (("ours", case.ours), ("bare", case.bare))
        for stage in (*STAGES, ALL)
    ]


def main() -> int:
    """Measure, write, and say what was missed; exit 1 then."""
    parser = argparse.ArgumentParser(prog="python -m bench.mail", description=__doc__)
    parser.add_argument("--lab", default="bench", help="a lab as `make up` leaves it, on one machine")
    parser.add_argument("--size", type=int, action="append", help="messages in the INBOX (may be repeated)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="turns of each chain")
    options = parser.parse_args()
    sizes = sorted(options.size or SIZES)

    def terminated(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, terminated)
    host = Host.named(options.lab)
    people = People(host.lab)
    try:
        cases = measure(host, people, sizes, options.rounds)
    finally:
        people.forget()
    write("mail", measures(cases), {"sizes": sizes})
    publish("mail", "".join(map(table, cases)) + notes())
    for each in (misses := missed(cases)):
        print(f"missed: {each}")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
