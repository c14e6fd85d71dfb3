"""What search costs: `python -m bench.search --lab NAME`, on a lab that stands and whose accounts are the samples.

A mailbox of many messages is made of the handbook's Vietnamese as a chain of word pairs, indexed at once, and searched
for rare and for common words: in an open session with the index; by the webmail as its list asks (all folders; text,
subject, sender, receivers), until the first page is there; and by doveadm without the index. The webmail's list of that
inbox is asked for too: with its page, by a click on the folder, and its last page by subject. Then messages are
delivered with the index and without it. Seconds are those of the clock, `cpu` those of processors that the store's host
took meanwhile; both in build/bench/search.json. What a search finds stands beside what is there: words side by side,
however they are accented.
"""

import argparse
import itertools
import os
import random
import re
import shlex
import sys
import time
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.message import EmailMessage
from functools import partial
from urllib.parse import urlencode

from tests.lab import Sample
from tests.web.test_open_sessions import signed_in

from bench.host import Host
from bench.measuring import REPOSITORY, Measure, Run, measured, write

TEXTS = "docs/handbook/*.vi.md"
RARE = "Zyxvuôn"
"""Stands in a thousandth of the messages."""
SEARCHED = (RARE, "quyết định", "hộp thư", "mật khẩu", "thư")
ASKED = 0.05
"""Seconds of a search with the index."""
WEBMAIL_ASKED = 1.0
"""Seconds until the webmail has its list, or what a search found."""
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

type Words = Callable[[int], str]


def words(rng: random.Random) -> Words:
    """So many words of a text that reads like the handbook."""
    lines = "\n".join(path.read_text(encoding="utf-8") for path in sorted(REPOSITORY.glob(TEXTS)))
    known = re.findall(r"[\w./-]*\w", lines)
    following = defaultdict(list)
    for word, after in itertools.pairwise(known):
        following[word].append(after)

    def text(number: int) -> str:
        chosen = [rng.choice(known)]
        while len(chosen) < number:
            chosen.append(rng.choice(following.get(chosen[-1], known)))
        return " ".join(chosen)

    return text


def letters(number: int) -> Iterator[tuple[str, bytes]]:
    """Text and octets of so many messages of all lengths, most of some hundred words."""
    rng = random.Random(1)  # noqa: S311 (no secret)
    text = words(rng)
    for index in range(number):
        body = text(min(1500, int(rng.lognormvariate(5.3, 0.8)) + 20)) + (f" {RARE}" if index % 1000 == 7 else "")
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = f"a{index % 200}@client.example", "b@client.example", text(8)
        mail["Message-ID"] = f"<{index}@client.example>"
        mail.set_content(f"{body}\n", cte="base64" if index % 2 else "quoted-printable")
        yield body, mail.as_bytes()


def folded(text: str) -> str:
    """The text's words in small letters without accents, a space on either side of each."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("đ", "d"))
    return f" {' '.join(re.findall(r'[^\W_]+', ''.join(c for c in plain if not unicodedata.combining(c))))} "


class Store:
    """The mail store of the lab, and a mailbox on it."""

    def __init__(self, host: Host, person: Sample) -> None:
        self.lab, self.person = host.lab, person
        self.processors = partial(host.processors, "mailstore")

    def run(self, command: str) -> str:
        return self.lab.run("mailstore", command)

    def doveadm(self, command: str, more: str) -> str:
        return self.run(f"doveadm {command} -u {self.person.mailbox} {more}")

    def timed(self, act: Callable[[], object]) -> Run:
        load, before, began = os.getloadavg()[0], self.processors(), time.perf_counter()
        act()
        return Run(time.perf_counter() - began, self.processors() - before, load)

    def fill(self, mails: Sequence[bytes]) -> None:
        """Lay the messages into the inbox, with no index of any kind."""
        folders = " ".join(f"{_PLACE}/{part}" for part in ("cur", "new", "tmp"))
        self.run(f"rm -rf {_PLACE}; mkdir {_PLACE}; chown vmail: {_PLACE}; runuser -u vmail -- mkdir -p {folders}")
        try:
            program = f"runuser -u vmail -- python3 -c {shlex.quote(_STORE)} {_PLACE}/cur"
            self._feed(program, b"".join(b"%d\n%s" % (len(mail), mail) for mail in mails))
            self.doveadm(f"{PLAIN} import", f"maildir:{_PLACE} '' all")
        finally:
            self.run(f"rm -rf {_PLACE}")

    def deliver(self, mail: bytes, number: int, *, indexed: bool = True) -> None:
        """So many times the same message; ends when all are indexed."""
        self._feed(f"python3 -c {shlex.quote(_LMTP)} {self.person.address} {number}", mail)
        if indexed:
            self.await_index()

    def messages(self) -> int:
        """How many are in the inbox."""
        return int(self.doveadm("-f flow mailbox status", "messages INBOX").split("messages=")[1])

    def await_index(self) -> None:
        """Until all of the inbox is in the index."""
        while f"messages={self.messages()} " not in self.doveadm("fts flatcurve stats", "INBOX"):
            time.sleep(0.5)

    def _feed(self, program: str, given: bytes) -> None:
        answer = self.lab.remote("mailstore").run(program, given, seconds=1800)
        if answer.code != 0:
            raise RuntimeError(answer.complaint.decode(errors="replace"))

    @contextmanager
    def not_indexing(self) -> Iterator[None]:
        """What is delivered meanwhile waits for a search."""
        change = "sed -i 's/^fts_autoindex = {}$/fts_autoindex = {}/' /etc/dovecot/dovecot.conf && doveadm reload"
        self.run(change.format("yes", "no"))
        try:
            yield
        finally:
            self.run(change.format("no", "yes"))

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
    """All measures, and what each search found, with what there was to find."""
    texts, mails = zip(*letters(number), strict=True)
    plain, counts = [folded(text) for text in texts], {}
    store.fill(mails)
    # Dovecot's own look at new files is no part of the index.
    store.doveadm("mailbox status", "messages INBOX")
    found = [measured(f"index {number:,}", [store.timed(lambda: store.doveadm("index", "INBOX"))])]
    with store.session() as search:
        search(RARE)
        for text in SEARCHED:
            times = [store.timed(lambda text=text: search(text)) for _ in range(runs)]  # type: ignore[misc]
            found.append(measured(f"search {text}", times, ASKED))
            slow = store.timed(lambda text=text: store.unindexed(text))  # type: ignore[misc]
            found.append(measured(f"search {text}, no index", [slow]))
            counts[text] = {
                "found": search(text),
                "side by side": sum(folded(text) in each for each in plain),
                "without an index": store.unindexed(text),
            }
    ask, present = store.webmail(), store.messages()
    for name, requests in lists(present).items():
        if ask(*requests) != present:
            raise RuntimeError(f"{name}: {ask(*requests)} messages of {present}")
        times = [store.timed(lambda requests=requests: ask(*requests)) for _ in range(runs)]  # type: ignore[misc]
        found.append(measured(f"{name}, webmail", times, WEBMAIL_ASKED))
    for text in SEARCHED:
        times = [store.timed(lambda text=text: ask(SEARCH | {"_q": text})) for _ in range(runs)]  # type: ignore[misc]
        found.append(measured(f"search {text}, webmail", times, WEBMAIL_ASKED))
        counts[text]["in the webmail"] = ask(SEARCH | {"_q": text})
    deliveries = 100
    store.deliver(mails[0], 20)
    found.append(measured(f"{deliveries} deliveries", [store.timed(lambda: store.deliver(mails[0], deliveries))]))
    with store.not_indexing():
        store.deliver(mails[0], 20, indexed=False)
        without = store.timed(lambda: store.deliver(mails[0], deliveries, indexed=False))
    found.append(measured(f"{deliveries} deliveries, not indexed", [without]))
    return found, counts


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m bench.search", description=__doc__)
    parser.add_argument("--lab", required=True, help="a lab as `make up` leaves it; its first sample loses his mail")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3, help="of each search with the index")
    options = parser.parse_args()
    host = Host.named(options.lab)
    store = Store(host, host.lab.samples[0])
    found, counts = measure(store, options.messages, options.runs)
    size = store.run(f"du -sk $(find /srv/mail/*/{store.person.mailbox} -name fts-flatcurve) | cut -f 1").split()
    facts = {"messages": options.messages, "index_kib": sum(map(int, size)), "found": counts}
    write("search", found, facts)
    for text, each in counts.items():
        print(f"{text}: {', '.join(f'{name} {number:,}' for name, number in each.items())}")
    print(f"the index: {facts['index_kib']} KiB")
    missed = list(filter(lambda timed: timed.met is False, found))
    for late in missed:
        print(
            f"missed: {late.name}: {late.seconds * 1000:.0f} ms, asked {(late.target or 0) * 1000:.0f}", file=sys.stderr
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
