"""python -m bench.conversion --lab NAME: a store goes to Maildir and back to sdbox, and is compared message by message.

Needs a lab as `make up` leaves it, whose mailboxes all lie in sdbox; fifty mailboxes are made for it and removed. Each
gets a hundred messages of Vietnamese text in folders with Vietnamese names, with flags, keywords and dates of their
own. What is compared is what tests/upgrade compares: UIDs, GUIDs, flags, dates, sizes and octets of each message,
UIDVALIDITY of each folder, subscriptions, limits. Seconds go to build/bench/conversion.json. A mailbox that differs
makes it fail.
"""

import argparse
import imaplib
import itertools
import random
import sys
import time
from collections.abc import Sequence
from typing import Any

from tests.lab import Lab, Sample
from tests.people import People
from tests.upgrade import state
from tests.upgrade.content import FOLDER

from bench.host import Host
from bench.letters import letters
from bench.measuring import Measure, Run, measured, write

INBOX = "INBOX"
FOLDERS = (INBOX, FOLDER, f'{FOLDER[:-1]}/2026"', "Archive")
FLAGS = (
    "",
    "\\Seen",
    "\\Seen \\Answered",
    "\\Flagged",
    "\\Draft",
    "\\Deleted",
    "$Forwarded",
    "\\Seen Quan_trong $label1",
)
OLDEST = 1_400_000_000
"""Of the dates of arrival, in seconds since 1970."""
JOBS = 2
CONVERT = "hanam-mail-convert"


def fill(lab: Lab, person: Sample, mails: Sequence[bytes], rng: random.Random) -> None:
    """Append the messages, a fourth of them to each folder, as a mail program does."""
    with lab.imap(person.address, person.password) as client:
        for folder in FOLDERS:
            # Some are there from the beginning.
            answer, told = client.create(folder) if folder != INBOX else ("OK", [])
            if b"ALREADYEXISTS" not in b"".join(told):
                accepted((answer, told))
            accepted(client.subscribe(folder))
        for folder, mail in zip(itertools.cycle(FOLDERS), mails, strict=False):
            arrived = OLDEST + rng.randrange(300_000_000)
            accepted(client.append(folder, f"({rng.choice(FLAGS)})", imaplib.Time2Internaldate(arrived), mail))


def accepted(answer: tuple[str, Any]) -> None:
    """An answer of IMAP that must be OK."""
    if answer[0] != "OK":
        raise RuntimeError(str(answer))


def states(lab: Lab, people: Sequence[Sample]) -> dict[str, state.Row]:
    """What each has."""
    return {person.mailbox: state.mail(lab, person.mailbox) for person in people}


def differing(before: dict[str, state.Row], after: dict[str, state.Row]) -> list[str]:
    """Mailboxes that are not what they were, and in what."""
    return [
        f"{mailbox}: {', '.join(what for what in old if after[mailbox][what] != old[what])}"
        for mailbox, old in before.items()
        if after[mailbox] != old
    ]


def converted(host: Host, words: str, kind: str, people: Sequence[Sample]) -> Run:
    """One run of the program, after which all of them lie in the other format."""
    before, began = host.processors("mailstore"), time.perf_counter()
    host.lab.run("mailstore", f"{CONVERT} {words}")
    run = Run(time.perf_counter() - began, host.processors("mailstore") - before, 0)
    for person in people:
        place = host.lab.run("mailstore", f"doveadm user -f mail_path {person.mailbox}").strip()
        if not place.endswith(f"/{kind}"):
            raise RuntimeError(f"{person.mailbox} lies in {place}")
    return run


def main() -> int:
    """Fill, convert there and back, compare; 1 when a mailbox differs."""
    parser = argparse.ArgumentParser(prog="python -m bench.conversion", description=__doc__)
    parser.add_argument("--lab", default="bench", help="a lab as `make up` leaves it")
    parser.add_argument("--mailboxes", type=int, default=50)
    parser.add_argument("--messages", type=int, default=100, help="in each")
    options = parser.parse_args()
    host, rng = Host.named(options.lab), random.Random(1)  # noqa: S311 (no secret)
    maker = People(host.lab)
    try:
        people = [maker.take() for _ in range(options.mailboxes)]
        source = letters(options.mailboxes * options.messages)
        for person in people:
            fill(host.lab, person, [mail for _, mail in itertools.islice(source, options.messages)], rng)
        before = states(host.lab, people)
        found, differences = list[Measure](), list[str]()
        names = " ".join(person.mailbox for person in people)
        for words, kind in ((f"--back {names}", "Maildir"), (f"--all --jobs {JOBS}", "sdbox")):
            found.append(measured(f"{len(people)} mailboxes to {kind}", [converted(host, words, kind, people)]))
            differences += [f"in {kind}: {each}" for each in differing(before, states(host.lab, people))]
    finally:
        maker.forget()
    messages = sum(len(each["messages"]) - 1 for each in before.values())
    write("conversion", found, {"mailboxes": len(people), "messages": messages, "differing": differences})
    print(f"{len(people)} mailboxes, {messages:,} messages: {len(differences)} differences")
    for each in differences:
        print(f"differs: {each}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
