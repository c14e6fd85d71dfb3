"""Names that the lab's world has while some tests last."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import dns.message
import dns.query
import dns.rdata
from dns.rdtypes.ANY.TXT import TXT

from tests.lab import Lab, wait_for
from tests.unit.host.mail_auth import nameserver

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


def moved(words: str, top: str) -> str:
    """The same with `top` in the place of "example" wherever that ends a name, and behind other tops of tables.

    %{d2} keeps as many labels before it.
    """
    words = re.sub(r"(?i)\.example(?![\w-])", f".{top}", words)
    words = re.sub(r"(?<=\.)(vn|test)(?![\w.-])", rf"\1.{top}", words)
    return re.sub(r"%\{d([1-9])", lambda match: f"%{{d{int(match[1]) + top.count('.')}", words)


def moved_name(name: str, top: str) -> str:
    """A name alone, which may be the table's top itself."""
    return moved(f".{name}", top).removeprefix(".")


def zone_lines(lab: Lab, zone: nameserver.Zone) -> list[str]:
    """Records of a test's own name server as lines of a zone file of the lab's world.

    What FAILS is an alias of a name below bogus.example, to which every resolver answers SERVFAIL. What is SILENT is
    delegated to a host whose firewall drops what it did not ask for.
    """
    silent, lines = lab.address("backup_repository"), list[str]()
    for name, records in zone.items():
        for kind, data in records.items():
            if kind == "FAILS":
                lines.append(f"{name}. 30 IN CNAME fails.bogus.example.")
            elif kind == "SILENT":
                lines += [f"{name}. 30 IN NS ns.{name}.", f"ns.{name}. 30 IN A {silent}"]
            else:
                lines += [f"{name}. 30 IN {kind} {each}" for each in data]
    return lines


def moved_lines(lab: Lab, zone: nameserver.Zone, top: str) -> list[str]:
    """The same of a table of example's names, below `top`, a name below ZONE."""
    below = {
        moved_name(name, top): {kind: [_moved_data(kind, each, top) for each in data] for kind, data in records.items()}
        for name, records in zone.items()
    }
    return zone_lines(lab, below)


def _moved_data(kind: str, data: str, top: str) -> str:
    if kind != "TXT":
        return moved(data, top)
    # Of several strings a name may begin in one and end in the next.
    record = dns.rdata.from_text("IN", kind, data)
    assert isinstance(record, TXT)
    said = b"".join(record.strings).decode("utf-8", "surrogateescape")
    return data if moved(said, top) == said else nameserver.text(moved(said, top))
