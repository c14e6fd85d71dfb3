"""python -m bench.circular --lab NAME: a circular to everybody, and what ordinary mail notices of it.

Needs a lab whose accounts may be thrown away: a generated province is applied, and its mail is removed at the end. Each
mailbox gets a small letter first: offices to which one writes have had mail for years. A message a second comes from
outside to people whom the circular leaves out; first alone, then beside the circular. Every delay is from the first
word of the sender's server to the line by which Postfix tells that the mailbox has it. Figures go to
build/bench/circular.json and circular.md; what is later than asked makes the run fail.
"""

import argparse
import json
import os
import re
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from itertools import batched
from pathlib import Path

from tests.lab import Lab

from bench.host import Host
from bench.measuring import OUTPUT, Measure, Run, machine, measured, write
from bench.memory import room
from bench.provinces import Province

# As many recipients as Postfix takes in one message (postfix_recipient_limit).
AT_ONCE = 500
STRANGER = "nguoi.gui@client.example"
OCTETS, OCTETS_BEFORE = 100_000, 10_000
ALONE = 60
"""Seconds of ordinary mail before the circular, to compare with."""
ROOM = 16 << 30
"""Octets of memory of the mail host meanwhile: with a lab's 4 GiB 500,000 entries of folders are read anew always."""
FOLDERS = 1800.0
"""Seconds for the first folders of all: 15,000 took nine minutes."""
# Seconds: until the last message of it is accepted, until the last mailbox has it, and an ordinary message.
ASKED_ACCEPTED, ASKED_DELIVERED, ASKED_ORDINARY = 120.0, 600.0, 5.0
_CLIENT = Path(__file__).with_name("circular_client.py")
_USED = Path(__file__).with_name("used.py")
_DELIVERED = re.compile(r"^(?P<queue>\w+): to=<(?P<to>[^>]+)>, .*status=(?P<status>\w+)")


class Ordinary:
    """A message a second from outside, each to somebody else, while it is wanted."""

    def __init__(self, lab: Lab, addresses: Sequence[str]) -> None:
        self._lab, self._addresses = lab, iter(addresses)
        self.sent = dict[str, float]()
        self.refused = list[str]()

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Send, until the block is over."""
        over = threading.Event()
        thread = threading.Thread(target=self._flow, args=(over,))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _flow(self, over: threading.Event) -> None:
        senders = []
        due = time.monotonic()
        while not over.is_set():
            sender = threading.Thread(target=self._send, args=(next(self._addresses),))
            sender.start()
            senders.append(sender)
            due += 1
            over.wait(max(0.0, due - time.monotonic()))
        for sender in senders:
            sender.join()

    def _send(self, address: str) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = STRANGER, address, "Về cuộc họp chiều nay"
        mail["Date"], mail["Message-ID"] = formatdate(localtime=True), make_msgid(domain=STRANGER.partition("@")[2])
        mail.set_content("Kính gửi anh, cuộc họp dời sang 15 giờ.\n" * 200)
        self.sent[address] = time.time()
        try:
            with self._lab.smtp() as client:
                client.sendmail(STRANGER, [address], mail.as_bytes())
        except OSError as error:
            self.refused.append(f"{address}: {error}")


class Log:
    """What Postfix writes down of deliveries, from now on."""

    def __init__(self, lab: Lab) -> None:
        self._lab, self._began = lab, time.time()

    def delivered(self) -> dict[tuple[str, str], float]:
        """When each recipient of each message of the queue had it, in seconds since 1970; an error for who has not."""
        found = {}
        for line in self._lab.run(
            "mx", f"journalctl --sync; journalctl -q -t postfix/lmtp -o json --since=@{int(self._began)}"
        ).splitlines():
            entry = json.loads(line)
            if not (match := _DELIVERED.match(entry["MESSAGE"])):
                continue
            if match["status"] != "sent":
                raise RuntimeError(f"not delivered: {entry['MESSAGE']}")
            found[match["queue"], match["to"]] = int(entry["__REALTIME_TIMESTAMP"]) / 1e6
        return found

    def wait(self) -> None:
        """Until the queue is empty."""
        folders = " ".join(f"/var/spool/postfix/{name}" for name in ("maildrop", "incoming", "active", "deferred"))
        while self._lab.run("mx", f"find {folders} -type f | head -n 1"):
            time.sleep(1)


def wait_for_folders(lab: Lab) -> None:
    """Until all have their first folders: offices that get a circular have had theirs for years."""
    deadline = time.monotonic() + FOLDERS
    while waiting := lab.run("mailstore", "ls -A /var/lib/hanam-first-folders").split():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{len(waiting)} mailboxes without folders, {waiting[0]} among them")
        time.sleep(5)


def send(host: Host, sender: str, recipients: Sequence[str], octets: int = OCTETS) -> dict[str, object]:
    """The circular to all of them; what circular_client.py prints."""
    given = "".join(json.dumps(part) + "\n" for part in batched(recipients, AT_ONCE, strict=False))
    return dict(json.loads(host.program("mx", _CLIENT, sender, str(octets), given=given)))


def measure(host: Host, everybody: Sequence[str], sender: str) -> tuple[list[Measure], dict[str, object]]:
    """All measures, and what else is worth knowing."""
    lab, ordinary = host.lab, Ordinary(host.lab, everybody[::7])
    left_out = set(everybody[::7])
    recipients = [address for address in everybody if address not in left_out]
    first = time.monotonic()
    send(host, sender, recipients, OCTETS_BEFORE)
    Log(lab).wait()
    first = time.monotonic() - first
    log, before = Log(lab), used(host)
    load = os.getloadavg()[0]
    with ordinary.flowing():
        time.sleep(ALONE)
    log.wait()
    if ordinary.refused:
        raise RuntimeError(ordinary.refused[0])
    alone = dict(ordinary.sent)
    cost = host.processors()
    with ordinary.flowing():
        circular = send(host, sender, recipients)
        log.wait()
    cost = host.processors() - cost
    delivered = log.delivered()
    began, accepted = float(str(circular["began"])), float(str(circular["accepted"]))
    queued = set(circular["queued"])  # type: ignore[call-overload]
    ended = {to: when for (queue, to), when in delivered.items() if queue in queued}
    came = {to: when for (queue, to), when in delivered.items() if queue not in queued}
    if missing := set(recipients) - set(ended):
        raise RuntimeError(f"{len(missing)} have no circular, {min(missing)} among them")
    delays = {to: came[to] - at for to, at in ordinary.sent.items() if to in came}
    beside = [delay for to, delay in delays.items() if to not in alone]
    found = [
        measured("ordinary mail alone, median", [_run(statistics.median(delays[to] for to in alone), load)]),
        measured("ordinary mail beside it, median", [_run(statistics.median(beside), load)]),
        measured("ordinary mail beside it, the latest", [_run(max(beside), load)], ASKED_ORDINARY),
        measured("circular, until all of it is accepted", [_run(accepted - began, load)], ASKED_ACCEPTED),
        measured("circular, until the last has it", [Run(max(ended.values()) - began, cost, load)], ASKED_DELIVERED),
    ]
    return found, {
        "recipients": len(recipients),
        "octets": OCTETS,
        "seconds until all had a first letter of a tenth of that": first,
        "milliseconds of processors a recipient, ordinary mail included": cost / len(recipients) * 1000,
        "ordinary messages beside it": len(beside),
        "ordinary messages that were refused": ordinary.refused,
        "octets on disk a recipient": (used(host) - before) / len(recipients),
    }


def used(host: Host) -> int:
    """Octets that all mail takes."""
    return int(host.program("mailstore", _USED, host.lab.variables["mail_root"]))


def _run(seconds: float, load: float) -> Run:
    return Run(seconds, None, load)


def main() -> int:
    """Measure, write, and say what was missed; exit 1 then."""
    parser = argparse.ArgumentParser(prog="python -m bench.circular", description=__doc__)
    parser.add_argument("--lab", default="bench", help="a lab whose accounts may be thrown away")
    parser.add_argument("--size", type=int, default=20_000, help="mailboxes")
    options = parser.parse_args()
    host = Host.named(options.lab)
    with room(host.lab, host.lab.host("mailstore"), ROOM):
        return run(host, options.size)


def run(host: Host, size: int) -> int:
    """As `main` does, with a province of that size."""
    province = Province.make(OUTPUT / f"province-{size}", size, seed=1)
    host.empty()
    host.apply(province)
    host.wait_for_agents()
    wait_for_folders(host.lab)
    lab, domain = host.lab, host.lab.variables["mail_domain"]
    rows = lab.sql(
        "select local_part from mail.address join mail.mailbox on mailbox.id = mailbox_id"
        " where address.kind = 'primary' and state = 'active' order by local_part"
    )
    everybody = [f"{local_part}@{domain}" for local_part in rows.split()]
    try:
        found, facts = measure(host, everybody, f"vanphong@{domain}")
    finally:
        host.give_samples()
        new = f"-mindepth 2 -maxdepth 2 -newer /root/{_CLIENT.name}"
        lab.run("mailstore", f"find {lab.variables['mail_root']} {new} -exec rm -rf {{}} +")
    write("circular", found, facts)
    rows = "".join(f"| {each.name} | {each.seconds:.2f} s | {_asked(each)} |\n" for each in found)
    facts_lines = "".join(f"- {name}: {value}\n" for name, value in facts.items())
    about = machine()
    text = (
        f"{about['cores']} processors, load {'/'.join(map(str, about['load']))}.\n\n"
        f"| what | measured | asked |\n| --- | ---: | ---: |\n{rows}\n{facts_lines}"
    )
    (OUTPUT / "circular.md").write_text(text, encoding="utf-8")
    print(text)
    missed = [each for each in found if each.met is False]
    for each in missed:
        print(f"missed: {each.name}: {each.seconds:.1f} s, asked {each.target} s", file=sys.stderr)
    return 1 if missed or facts["ordinary messages that were refused"] else 0


def _asked(found: Measure) -> str:
    return f"<= {found.target:g} s" if found.target else ""


if __name__ == "__main__":
    sys.exit(main())
