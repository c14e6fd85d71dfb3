"""Names that the lab's world has while some tests last."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import dns.message
import dns.query

from tests.lab import Lab, wait_for

ZONE = "khongky.example"
"""Not signed; every name in it is for tests."""
_FILE = f"/var/lib/nsd/plain/{ZONE}"


@contextmanager
def published(lab: Lab, lines: Sequence[str]) -> Iterator[None]:
    """The world's DNS answers these records of ZONE, lines of a zone file."""
    zone = "\n".join(lines)
    lab.run("internet", f"cat >> {_FILE} <<'ZONE'\n{zone}\nZONE\nsystemctl kill -s HUP nsd")
    try:
        name, _, _, kind = lines[-1].split()[:4]
        question = dns.message.make_query(name, kind)
        # The command waits for the signal alone. The server itself is asked: a resolver would keep "no such name".
        wait_for(lambda: dns.query.udp_with_fallback(question, lab.address("internet"), 10)[0].answer, f"{name} in DNS")
        yield
    finally:
        # Writes the zones anew.
        lab.run("internet", "systemctl restart nsd")
