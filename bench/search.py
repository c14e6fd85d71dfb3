"""What search costs: `python -m bench.search --lab NAME`, on a lab as `make up` leaves it.

A mailbox made for the measurement gets many messages of the handbook's Vietnamese as a chain of word pairs, which are
indexed at once, and searched for rare and for common words: in an open session with the index; by the webmail as its
list asks (all folders; text, subject, sender, receivers), until the first page is there; and by doveadm without the
index, as a Dovecot without one searches; and by the peer of bench.store (Maildir, no index of search), which has the
same letters and is searched in the same way, and gets the same deliveries. The webmail's list of that inbox is asked
for too: with its page, by a click on the folder, and its last page by subject. Then messages are delivered with the
index and without it. Each size has a mailbox of its own. Seconds are those of the clock, behind them those of
processors that the store's host took meanwhile, of the peer those of its own processes; in build/bench/search-
SIZE.json, and of all sizes side by side in search.md. What a search finds stands beside what is there: words side by
side, however they are accented.
"""

import argparse
import json
import os
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from tests.lab import Sample
from tests.people import People
from tests.web.test_open_sessions import signed_in

from bench import dovecot, growth
from bench.host import Host
from bench.letters import RARE, folded, letters
from bench.measuring import OUTPUT, Measure, Run, measured, write

SEARCHED = (RARE, "quyết định", "hộp thư", "mật khẩu", "thư")
ASKED, ASKED_OF = 0.05, 20_000
"""Seconds of a search with the index, and in how many messages."""
WEBMAIL_ASKED = 1.0
"""Seconds until the webmail has its list, or what a search found."""
SIZES = (0, 5_000, 20_000, 100_000)
DELIVERED = 100
DELIVERIES = f"{DELIVERED} deliveries"
SEARCH = {
    "_action": "search", "_headers": "subject,from,to,body", "_scope": "all", "_filter": "ALL", "_remote": "1",
    "_layout": "widescreen",
}  # fmt: skip
PAGE = 50
"""Messages of one page of the webmail's list, where the person chose no other number."""
PLAIN = "-o mail_plugins/fts=no -o mail_plugins/fts_flatcurve=no"
# Delivers what is on standard input so many times, as Postfix does after the filter.
_LMTP = (
    "import smtplib, sys\nmail = sys.stdin.buffer.read()\nclient = smtplib.LMTP('/run/dovecot/lmtp')\n"
    "for _ in range(int(sys.argv[2])): client.sendmail('', [sys.argv[1]], mail)"
)
# Reads messages from standard input, each after its length in octets on a line, into the folder of its argument. Their
# sizes, on disk and with the network's line ends, stand in their names as Dovecot writes them: else each delivery would
# read all of them.
_STORE = (
    "import os, sys\n"
    "place, number = sys.argv[1], 0\n"
    "while line := sys.stdin.buffer.readline():\n"
    "    mail = sys.stdin.buffer.read(int(line))\n"
    "    sizes = f'S={len(mail)},W={len(mail) + mail.count(10)}'\n"
    "    open(os.path.join(place, f'{1700000000 + number}.M{number}P1.bench,{sizes}:2,S'), 'wb').write(mail)\n"
    "    number += 1\n"
)

# A Maildir, from which Dovecot takes the messages into the mailbox.
_PLACE = "/srv/mail/.bench-search"


class Store:
    """The mail store of the lab, and a mailbox on it."""

    def __init__(self, host: Host, person: Sample) -> None:
        self.host, self.lab, self.person = host, host.lab, person
        self.processors = partial(host.processors, "mailstore")

    def run(self, command: str) -> str:
        return self.lab.run("mailstore", command)

    def doveadm(self, command: str, more: str) -> str:
        return self.run(f"doveadm {command} -u {self.person.mailbox} {more}")

    def timed(self, act: Callable[[], object]) -> Run:
        load, before, began = os.getloadavg()[0], self.processors(), time.perf_counter()
        act()
        return Run(time.perf_counter() - began, self.processors() - before, load)

    @contextmanager
    def filled(self, mails: Sequence[bytes]) -> Iterator[None]:
        """Lay the messages into the inbox, with no index of any kind; they lie in _PLACE too meanwhile."""
        folders = " ".join(f"{_PLACE}/{part}" for part in ("cur", "new", "tmp"))
        self.run(f"rm -rf {_PLACE}; mkdir {_PLACE}; chown vmail: {_PLACE}; runuser -u vmail -- mkdir -p {folders}")
        try:
            if mails:
                program = f"runuser -u vmail -- python3 -c {shlex.quote(_STORE)} {_PLACE}/cur"
                self._feed(program, b"".join(b"%d\n%s" % (len(mail), mail) for mail in mails))
                self.doveadm(f"{PLAIN} import", f"maildir:{_PLACE} '' all")
            yield
        finally:
            self.run(f"rm -rf {_PLACE}")

    def peer(self, mail: bytes) -> tuple[list[Measure], dict[str, int]]:
        """The peer's searches in what lies in _PLACE, and deliveries of a message; how many each search found."""
        given = json.dumps({"texts": SEARCHED, "mail": mail.decode(), "number": DELIVERED})
        load, program = os.getloadavg()[0], Path(__file__).with_name("store_client.py")
        told = json.loads(self.host.program("mailstore", program, "search", _PLACE, given=given))
        found = [
            measured(f"search {text}, peer", [Run(seconds, used, load)])
            for text, (seconds, used, _) in told["searches"].items()
        ]
        seconds, used = told["deliveries"]
        found.append(measured(f"{DELIVERIES}, peer", [Run(seconds, used, load)]))
        return found, {text: hits for text, (_, _, hits) in told["searches"].items()}

    def deliver(self, mail: bytes, number: int, *, indexed: bool = True) -> None:
        """So many times the same message; ends when all are indexed."""
        self._feed(f"python3 -c {shlex.quote(_LMTP)} {self.person.address} {number}", mail)
        if indexed:
            self.await_index()

    def messages(self, folder: str = "INBOX") -> int:
        """How many are in a folder."""
        return int(self.doveadm("-f flow mailbox status", f"messages {folder}").split("messages=")[1])

    def is_indexed(self) -> bool:
        """Whether all of the inbox is in the index."""
        return f"messages={self.messages()} " in self.doveadm("fts flatcurve stats", "INBOX")

    def await_index(self) -> None:
        """Until all of the inbox is in the index."""
        while not self.is_indexed():
            time.sleep(0.5)

    def _feed(self, program: str, given: bytes) -> None:
        answer = self.lab.remote("mailstore").run(program, given, seconds=1800)
        if answer.code != 0:
            raise RuntimeError(answer.complaint.decode(errors="replace"))

    def unindexed(self, text: str) -> int:
        """How many messages an unindexed search finds."""
        line = f"doveadm {PLAIN} search -u {self.person.mailbox} mailbox INBOX body {shlex.quote(text)}"
        return len(self.run(line).splitlines())

    def webmail(self) -> Callable[..., int]:
        """A session of the webmail: how many messages it tells of at the last of the requests with these fields."""
        session = signed_in(self.lab, self.person)

        def told(*requests: Mapping[str, str]) -> int:
            for fields in requests:
                answer = session.click(f"/?{urlencode({'_task': 'mail', '_mbox': 'INBOX', **fields})}")
            number = re.search(r'"messagecount":(\d+)', answer.body)
            if answer.status != 200 or not number:
                raise RuntimeError(f"{answer.status}: {answer.body[:300]}")
            return int(number.group(1))

        return told

    @contextmanager
    def session(self) -> Iterator[Callable[[str], int]]:
        """A program's session in the inbox: how many messages a search there finds."""
        with self.lab.imap(self.person.address, self.person.password) as client:
            client.select("INBOX", readonly=True)

            def found(text: str) -> int:
                client.literal = text.encode()  # type: ignore[assignment]
                answer, numbers = client.search("UTF-8", "BODY")
                if answer != "OK":
                    raise RuntimeError(str(numbers))
                return len(numbers[0].split())

            yield found


def lists(number: int) -> dict[str, tuple[dict[str, str], ...]]:
    """What the webmail is asked for, one request after the other, to show its list of so many messages."""
    click = {"_action": "list", "_layout": "widescreen", "_remote": "1"}
    last = str(-(-number // PAGE))
    return {
        "list: page, then what it asks for": ({}, click),
        "list: click on the folder": (click,),
        "list: last page, by subject": (click | {"_page": last, "_sort": "subject_ASC"},),
    }


def measure(store: Store, number: int, runs: int) -> tuple[list[Measure], dict[str, dict[str, int]]]:
    """All measures, by the same names for each size, and what each search found, with what there was to find."""
    # The figures are asked for an inbox of so many.
    asked, webmail_asked = (ASKED, WEBMAIL_ASKED) if number <= ASKED_OF else (None, None)
    written = list(letters(number))
    plain, mails, counts = [folded(text) for text, _ in written], [mail for _, mail in written], {}
    ((_, one),) = letters(1)
    with store.filled(mails):
        peers, theirs = store.peer(one)
    # Dovecot's own look at new files is no part of the index.
    store.doveadm("mailbox status", "messages INBOX")
    found = [measured("index of all", [store.timed(lambda: store.doveadm("index", "INBOX"))])]
    with store.session() as search:
        search(RARE)
        for text in SEARCHED:
            times = [store.timed(lambda text=text: search(text)) for _ in range(runs)]  # type: ignore[misc]
            found.append(measured(f"search {text}", times, asked))
            slow = store.timed(lambda text=text: store.unindexed(text))  # type: ignore[misc]
            found.append(measured(f"search {text}, no index", [slow]))
            counts[text] = {
                "found": search(text),
                "side by side": sum(folded(text) in each for each in plain),
                "without an index": store.unindexed(text),
                "by the peer": theirs[text],
            }
    if mails:
        found += in_webmail(store, runs, webmail_asked, counts)
    store.deliver(one, 20)
    found.append(measured(DELIVERIES, [store.timed(lambda: store.deliver(one, DELIVERED))]))
    with dovecot.changed(store.lab, dovecot.NOT_INDEXING):
        store.deliver(one, 20, indexed=False)
        without = store.timed(lambda: store.deliver(one, DELIVERED, indexed=False))
    found.append(measured(f"{DELIVERIES}, not indexed", [without]))
    return found + peers, counts


def in_webmail(store: Store, runs: int, asked: float | None, counts: dict[str, dict[str, int]]) -> list[Measure]:
    """The webmail's list and searches; how many each search told of is noted."""
    ask, present, found = store.webmail(), store.messages(), list[Measure]()
    for name, requests in lists(present).items():
        if ask(*requests) != present:
            raise RuntimeError(f"{name}: {ask(*requests)} messages of {present}")
        times = [store.timed(lambda requests=requests: ask(*requests)) for _ in range(runs)]  # type: ignore[misc]
        found.append(measured(f"{name}, webmail", times, asked))
    for text in SEARCHED:
        times = [store.timed(lambda text=text: ask(SEARCH | {"_q": text})) for _ in range(runs)]  # type: ignore[misc]
        found.append(measured(f"search {text}, webmail", times, asked))
        counts[text]["in the webmail"] = ask(SEARCH | {"_q": text})
    return found


def overlooked(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Searches whose index knows fewer messages than have those words side by side, or than Dovecot finds without it.

    More it may find: words that are not side by side (docs/decisions/0042-search.md).
    """
    return [
        f"search {text}: {each['found']:,} found, {there:,} are there"
        for text, each in counts.items()
        if each["found"] < (there := max(each["side by side"], each["without an index"]))
    ]


def main() -> int:
    """Measure and write; exit 1 when something took longer than is asked, was not found, or grows with the INBOX."""
    parser = argparse.ArgumentParser(prog="python -m bench.search", description=__doc__)
    parser.add_argument("--lab", default="bench", help="a lab as `make up` leaves it")
    parser.add_argument("--messages", type=int, action="append", help="in the inbox (may be repeated)")
    parser.add_argument("--runs", type=int, default=3, help="of each search with the index")
    options = parser.parse_args()
    host = Host.named(options.lab)
    people, missed, faults = People(host.lab), list[Measure](), list[str]()
    flat = {DELIVERIES: dict[int, float](), f"{DELIVERIES}, not indexed": dict[int, float]()}
    try:
        for number in options.messages or SIZES:
            store = Store(host, people.take())
            found, counts = measure(store, number, options.runs)
            size = store.run(f"du -sk $(find /srv/mail/*/{store.person.mailbox} -name fts-flatcurve) | cut -f 1")
            facts = {"messages": number, "index_kib": sum(map(int, size.split())), "found": counts}
            write(f"search-{number}", found, facts)
            for text, each in counts.items():
                print(f"{text}: {', '.join(f'{name} {number:,}' for name, number in each.items())}")
            print(f"the index: {facts['index_kib']} KiB")
            missed += [timed for timed in found if timed.met is False]
            faults += overlooked(counts)
            for timed in found:
                if timed.name in flat:
                    flat[timed.name][number] = timed.seconds
    finally:
        people.forget()
    text = growth.table(growth.read(OUTPUT, "search", "messages"), digits=3)
    (OUTPUT / "search.md").write_text(text, encoding="utf-8")
    print(text)
    for late in missed:
        asked = (late.target or 0) * 1000
        print(f"missed: {late.name}: {late.seconds * 1000:.0f} ms, asked {asked:.0f}", file=sys.stderr)
    faults += [fault for name, costs in flat.items() for fault in growth.steep(name, costs)]
    for fault in faults:
        print(f"missed: {fault}", file=sys.stderr)
    return 1 if missed or faults else 0


if __name__ == "__main__":
    sys.exit(main())
