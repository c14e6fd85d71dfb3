"""Whether the world's name servers answer what the mail domain is to publish (playbooks/dns.yml writes it).

    wanted = read(Path("build/hanam.gov.vn.zone"))
    differences(wanted, Servers(["9.9.9.9"]).ask)   # -> what is missing, too much, otherwise, unsigned

Of a name's TXT records only that with the same beginning ("v=spf1") is compared: others may stand there for other ends.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.zone

from hanam_mail.errors import InputError, Problem

TRIES, TIMEOUT = 2, 5.0
"""Questions to each server, and seconds that each is waited for."""
PORT = 53
_REVERSE = tuple(map(dns.name.from_text, ("in-addr.arpa", "ip6.arpa")))


class What(StrEnum):
    """What is wrong with the records of a name."""

    MISSING = "missing"
    EXTRA = "extra"
    DIFFERENT = "different"
    UNSIGNED = "unsigned"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The records of one name and type: the name is absolute, `data` as in a zone file."""

    name: str
    type: str
    data: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is there: `data` as in a zone file, and whether it was signed. `error`: why nothing is known."""

    data: tuple[str, ...] = ()
    signed: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing to mend: what is wanted there (data, "" if nothing) and what was found."""

    name: str
    type: str
    what: What
    wanted: str = ""
    found: str = ""

    def as_dict(self) -> dict[str, str]:
        """For --json."""
        return asdict(self)


type Ask = Callable[[str, str], Answer]
"""The answer to a name and a type."""


def read(path: Path) -> list[Wanted]:
    """The records of a zone file, in its order. Raises InputError for one that is none."""
    try:
        text = path.read_text(encoding="utf-8")
        zone = dns.zone.from_text(text, origin=dns.name.root, relativize=False, check_origin=False)
    except (dns.exception.DNSException, ValueError) as error:
        raise InputError([Problem(str(path), 0, "", f"không phải tệp vùng DNS: {error}")]) from error
    return [
        Wanted(name.to_text(), dns.rdatatype.to_text(records.rdtype), tuple(sorted(each.to_text() for each in records)))
        for name, records in zone.iterate_rdatasets()
    ]


def differences(wanted: Sequence[Wanted], ask: Ask) -> Iterator[Difference]:
    """What has to be mended, name by name."""
    for records in wanted:
        answer = ask(records.name, records.type)
        if answer.error:
            yield Difference(records.name, records.type, What.UNANSWERED, found=answer.error)
            continue
        found = list(_compared(records, answer.data))
        yield from found
        # Whoever answers for reverse names need not sign them; without a signature there is no DANE.
        reverse = any(dns.name.from_text(records.name).is_subdomain(zone) for zone in _REVERSE)
        if not found and not answer.signed and not reverse:
            yield Difference(records.name, records.type, What.UNSIGNED)


def _compared(records: Wanted, found: Sequence[str]) -> Iterator[Difference]:
    there = {comparable(records.type, data): data for data in found}
    if records.type == "TXT":
        for data in records.data:
            kind = _kind(data)
            same = [each for each in found if _kind(each) == kind]
            right = comparable("TXT", data) in there
            if len(same) == 1 and not right:
                yield Difference(records.name, records.type, What.DIFFERENT, data, same[0])
                continue
            if not right:
                yield Difference(records.name, records.type, What.MISSING, data)
            for each in same:
                # Whoever reads two of a kind takes neither (RFC 7208, 4.5; RFC 8461, 3.1).
                if comparable("TXT", each) != comparable("TXT", data):
                    yield Difference(records.name, records.type, What.EXTRA, "", each)
        return
    here = {comparable(records.type, data): data for data in records.data}
    for key in here.keys() - there.keys():
        yield Difference(records.name, records.type, What.MISSING, here[key])
    for key in there.keys() - here.keys():
        yield Difference(records.name, records.type, What.EXTRA, "", there[key])


def text_of(data: str) -> str:
    """The text of a TXT record's data, its pieces joined."""
    pieces = re.findall(r'"((?:[^"\\]|\\.)*)"', data)
    return re.sub(r"\\(\d{3})|\\(.)", lambda found: found[2] or chr(int(found[1])), "".join(pieces))


def comparable(kind: str, data: str) -> str:
    """The same for all ways to write a record that mean the same."""
    if kind != "TXT":
        return data.lower()
    text = text_of(data)
    if text.lower().startswith("v=spf1"):
        first, *terms = text.lower().split()
        # All but the last, which is reached when none before it holds, are true in any order.
        return " ".join([first, *sorted(terms[:-1]), *terms[-1:]])
    # DKIM, DMARC and the like: a list of tags. White space in a key is none of it (RFC 6376, 3.6.1).
    tags = [re.sub(r"\s", "", tag) for tag in text.split(";")]
    return ";".join(tag for tag in tags if tag)


def _kind(data: str) -> str:
    return re.split(r"[;\s]", text_of(data).strip().lower(), maxsplit=1)[0]


class Servers:
    """Name servers that are asked one after the other until one answers."""

    def __init__(self, addresses: Sequence[str] = (), *, port: int = PORT) -> None:
        """`addresses`: which servers; none: those of this machine."""
        self.addresses = list(addresses) or [str(each) for each in dns.resolver.Resolver().nameservers]
        self._port = port
        self._silent = dict[str, str]()
        """Who did not answer as often as he was asked, and why: he is not waited for at every name."""

    def ask(self, name: str, kind: str) -> Answer:
        """What the first server that answers says of a name and a type."""
        error = "; ".join(self._silent.values())
        asked = [address for address in self.addresses if address not in self._silent]
        for number, address in enumerate(asked * TRIES):
            query = dns.message.make_query(name, kind, want_dnssec=True)
            # What a validating resolver finds forged it says as well as what it finds nowhere: not at all.
            query.flags |= dns.flags.AD
            try:
                answer, _ = dns.query.udp_with_fallback(query, address, timeout=TIMEOUT, port=self._port)
            except (dns.exception.DNSException, OSError, ValueError) as failure:
                error = f"{address}: {failure}"
                if number >= len(asked) * (TRIES - 1):
                    self._silent[address] = error
                continue
            if answer.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                return _answer(answer, kind)
            error = f"{address}: {dns.rcode.to_text(answer.rcode())}"
        return Answer(error=error)


def _answer(message: dns.message.Message, kind: str) -> Answer:
    """The data, at the end of any CNAME; signed where the resolver says so, or an authority gives a signature."""
    records = [each for each in message.answer if each.rdtype == dns.rdatatype.from_text(kind)]
    data = tuple(sorted(record.to_text() for each in records for record in each))
    signed = bool(message.flags & dns.flags.AD) or (
        bool(message.flags & dns.flags.AA) and any(each.rdtype == dns.rdatatype.RRSIG for each in message.answer)
    )
    return Answer(data, signed)
