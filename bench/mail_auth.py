"""python -m bench.mail_auth: what the verdict on a message's origin costs (SPF, DKIM, ARC, DMARC), without a lab.

The program's own code judges messages; a name server in another process answers it by UDP. Seconds are those of one
processor for one message, questions to the resolver included. Among the messages are those that are made to keep it
busy; those that are counted for a report to their author's domain (RFC 9990) are so beside the same ones that are not.
Figures go to build/bench/mail_auth.json; a median above its target makes the run fail.
"""

import json
import multiprocessing
import os
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.unit.host.mail_auth import nameserver, signer

from bench.measuring import Measure, Run, machine, measured, write
from hanam_mail.host.mail_auth import verdict
from hanam_mail.host.mail_auth.verdict import Case
from hanam_mail.host.reports import outgoing_seen
from hanam_mail.host.reports.outgoing_spool import Counter

KEYS = [
    signer.Key(selector="a"),
    signer.Key(selector="b", private=signer.rsa(1024)),
    signer.Key(selector="c", private=Ed25519PrivateKey.generate()),
]
LARGE = 27 * 2**20
USUAL, BUSY, HOSTILE = 0.010, 2.0, 5.0
"""Seconds that are asked for: of a message of 10 KB, of the largest one, and of any."""
ENVELOPE = verdict.ClientIdentity("192.0.2.10", "mx.ky.example", "an@ky.example", "ky.example")
_INCLUDES = {
    f"i{number}.example": {
        "TXT": [nameserver.text(f"v=spf1 ip4:198.51.100.{number} include:i{number + 1}.example ~all")]
    }
    for number in range(9)
}
ZONE: nameserver.Zone = {
    "ky.example": {"TXT": [nameserver.text("v=spf1 ip4:192.0.2.0/28 -all")]},
    "thu.ky.example": {"TXT": [nameserver.text("v=spf1 ip4:192.0.2.0/28 -all")]},
    "nhieu.example": {"TXT": [nameserver.text("v=spf1 include:i0.example ip4:192.0.2.10 -all")]},
    "i9.example": {"TXT": [nameserver.text("v=spf1 -all")]},
    "_dmarc.ky.example": {"TXT": [nameserver.text("v=DMARC1; p=reject; rua=mailto:a@ky.example")]},
    **{key.name: {"TXT": [nameserver.text(key.record())]} for key in KEYS},
    **_INCLUDES,
}


def letter(octets: int) -> bytes:
    """Of so many octets, lines of base64 as attachments have them."""
    line = b"S8OtbmggZ+G7rWkgxJHhu5NuZyBjaMOtIFThu41hIMSRw6BtIHbDoCBraOG6o28gc8OhdA==\r\n"
    head = b"From: An <an@ky.example>\r\nTo: <ba@nhan.example>\r\nSubject: Gui dong chi\r\n\r\n"
    return head + line * (octets // len(line))


def signed(message: bytes, *keys: signer.Key) -> bytes:
    """With a signature of each."""
    for key in keys:
        message = signer.dkim(key, message)
    return message


def sealed(message: bytes, sets: int) -> bytes:
    """With a chain of so many sets."""
    for number in range(sets):
        message = signer.arc(KEYS[number % 3], message)
    return message


def cases() -> dict[str, tuple[bytes, str, float]]:
    """Name -> message, sender, seconds asked for."""
    small, large, sender = letter(10_000), letter(LARGE), ENVELOPE.sender
    start = b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=ky.example; s=a; bh=YQ==; "
    return {
        "10 KB, not signed": (small, sender, USUAL),
        "10 KB, 1 signature": (signed(small, KEYS[0]), sender, USUAL),
        "10 KB, 3 signatures": (signed(small, *KEYS), sender, USUAL),
        "10 KB, 1 signature, chain of 3": (sealed(signed(small, KEYS[0]), 3), sender, 2 * USUAL),
        "10 KB, list of senders over 10 domains": (signed(small, KEYS[0]), "an@nhieu.example", 2 * USUAL),
        "27 MB, 1 signature": (signed(large, KEYS[0]), sender, BUSY),
        "27 MB, 3 signatures": (signed(large, *KEYS), sender, BUSY),
        "100 signatures": (signed(small, *KEYS * 34), sender, HOSTILE),
        "h= of 10 kB": (start + b"b=YQ==; h=from" + b":from" * 2000 + b"\r\n" + small, sender, HOSTILE),
        "chain of 50": (sealed(small, 50), sender, HOSTILE),
        "chain of 9,900 seals": (b"ARC-Seal: i=1; b=YQ==\r\n" * 9_900 + small, sender, HOSTILE),
        "27 MB of blank lines": (start + b"h=from; b=YQ==\r\n" + small + b" \r\n" * (LARGE // 3), sender, HOSTILE),
        "27 MB of blanks": (start + b"h=from; b=YQ==\r\n" + small + b" " * LARGE, sender, HOSTILE),
        "10 MB of header": (b"".join(b"X-%06d: a\r\n" % each for each in range(800_000)) + small, sender, HOSTILE),
        "1 MB of header": (
            b"".join(b"X-%04d: %090d\r\n" % (each, each) for each in range(9_900)) + small,
            sender,
            HOSTILE,
        ),
        "signatures of no base64": ((start + b"h=from; b=*\r\n") * 9_000 + small, sender, HOSTILE),
    }


COUNTED = {
    "10 KB, not signed, counted": "10 KB, not signed",
    "10 KB, 1 signature, counted": "10 KB, 1 signature",
    "10 KB, 3 signatures, counted": "10 KB, 3 signatures",
    # Whether the sender is of the author's organisation DNS is asked for the report alone.
    "10 KB, 1 signature, sender below, counted": "10 KB, 1 signature",
    "100 signatures, counted": "100 signatures",
}
"""Name -> the message of `cases` that is counted; where the sender is another one it is in _BELOW."""
_BELOW = {"10 KB, 1 signature, sender below, counted": "an@thu.ky.example"}


def answer(channel: Connection) -> None:
    """The name server, until the other side goes."""
    with nameserver.serve(ZONE) as (_, address):
        channel.send(address)
        channel.recv()


def timed(content: bytes, sender: str, address: tuple[str, int], counter: Counter | None = None) -> Run:
    """One run: as many messages as take half a second or so, the mean of them. `counter`: they are counted as well."""
    envelope = verdict.ClientIdentity(ENVELOPE.address, ENVELOPE.helo, sender, ENVELOPE.author)
    load, began, before, number = os.getloadavg()[0], time.perf_counter(), time.process_time(), 0
    while number == 0 or time.perf_counter() - began < 0.5:
        noted: list[Case] = []
        until = time.monotonic() + verdict.DNS_SECONDS
        json.dumps(verdict.judge(envelope, content, [address], until, noted.append if counter else None))
        for each in noted:
            if counter and (seen := outgoing_seen.seen(each)):
                counter.add(seen)
        number += 1
    cpu = (time.process_time() - before) / number
    return Run(cpu, cpu, load)


def main() -> int:
    """Measure, write, and say what is dearer than asked."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("fork").Process(target=answer, args=(theirs,), daemon=True)
    server.start()
    address = tuple(ours.recv())
    found: list[Measure] = []
    for name, (content, sender, target) in cases().items():
        found.append(measured(name, (timed(content, sender, address) for _ in range(5)), target))
        print(f"  {1000 * found[-1].seconds:.2f} ms of a processor", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        counter, letters = Counter(Path(folder)), cases()
        for name, of in COUNTED.items():
            content, sender, target = letters[of]
            sender = _BELOW.get(name, sender)
            runs = (timed(content, sender, address, counter) for _ in range(5))
            found.append(measured(name, runs, target))
            print(f"  {1000 * found[-1].seconds:.2f} ms of a processor", flush=True)
    ours.send(None)
    write("mail_auth", found, {"machine": machine()})
    dear = [each.name for each in found if not each.met]
    print("\n".join(f"dearer than asked: {name}" for name in dear))
    return 1 if dear else 0


if __name__ == "__main__":
    sys.exit(main())
