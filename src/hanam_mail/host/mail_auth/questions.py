"""Questions to the host's own resolver, for one message: within one time and one number for all of them."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype

# A resolver of one's own answers from its memory in a millisecond. One that says nothing is asked once more.
TRY_SECONDS = 4.0
TRIES = 2
# What an answer may hold before TCP is needed; on the host itself nothing is lost on the way.
PAYLOAD = 4096


class TemporaryError(Exception):
    """DNS does not say now; it may later."""


class OutOfTime(TemporaryError):
    """There was no time, or too little, to ask."""


@dataclass(frozen=True)
class DnsRecords:
    """`records`: texts of TXT as bytes, addresses, or names without the dot at their end; of MX (preference, name).

    `exists`: whether DNS knows the name at all (RFC 8020). `asked`: whether there was anything to ask about.
    """

    records: tuple[object, ...] = ()
    exists: bool = True
    asked: bool = True


@dataclass
class Questions:
    """`servers`: (address, port). `until`: on time.monotonic()'s clock. `left`: questions that may still be put.

    What there was no time for is asked again when there is.
    """

    servers: Sequence[tuple[str, int]]
    until: float
    left: int
    _answers: dict[tuple[tuple[bytes, ...], str], DnsRecords | TemporaryError] = field(default_factory=dict)

    def ask(self, name: str, kind: str) -> DnsRecords:
        """What DNS knows; kind is TXT, A, AAAA, MX or PTR. TemporaryError when it does not say."""
        wanted = _name(name)
        if wanted is None:
            # No name of DNS: there is nothing, and nobody to ask.
            return DnsRecords(exists=False, asked=False)
        key = tuple(label.lower() for label in wanted.labels), kind
        if key not in self._answers:
            try:
                self._answers[key] = self._ask(wanted, kind)
            except OutOfTime:
                raise
            except TemporaryError as error:
                self._answers[key] = error
        answer = self._answers[key]
        if isinstance(answer, TemporaryError):
            raise answer
        return answer

    def texts(self, name: str) -> tuple[bytes, ...]:
        """TXT records, each the strings of one put together (RFC 7208, 3.3)."""
        return tuple(text for text in self.ask(name, "TXT").records if isinstance(text, bytes))

    def names(self, name: str, kind: str) -> list[str]:
        """Addresses, or names that PTR knows, as text."""
        return [str(record) for record in self.ask(name, kind).records]

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """No more time than that for what is asked inside."""
        whole, self.until = self.until, min(self.until, time.monotonic() + seconds)
        try:
            yield
        finally:
            self.until = whole

    def _ask(self, name: dns.name.Name, kind: str) -> DnsRecords:
        if self.left <= 0:
            raise TemporaryError("too many questions for one message")
        self.left -= 1
        query = dns.message.make_query(name, kind, use_edns=0, payload=PAYLOAD)
        problem = "out of time"
        for attempt in range(TRIES * len(self.servers)):
            address, port = self.servers[attempt % len(self.servers)]
            seconds = min(TRY_SECONDS, self.until - time.monotonic())
            if seconds <= 0:
                break
            try:
                reply = dns.query.udp(query, address, seconds, port, ignore_unexpected=True, raise_on_truncation=False)
                if reply.flags & dns.flags.TC:
                    seconds = max(0.01, min(TRY_SECONDS, self.until - time.monotonic()))
                    reply = dns.query.tcp(query, address, seconds, port)
            except (dns.exception.DNSException, OSError, EOFError, ValueError) as error:
                problem = type(error).__name__
                continue
            code = reply.rcode()
            if code in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                return DnsRecords(_records(reply, kind), exists=code == dns.rcode.NOERROR)
            problem = dns.rcode.to_text(code)
            # A resolver that cannot say has tried for itself.
            break
        reason = f"DNS on {name.to_text(omit_final_dot=True)} {kind}: {problem}"
        raise (OutOfTime if time.monotonic() >= self.until else TemporaryError)(reason)


def can_be_asked(name: str) -> bool:
    """Whether DNS can have such a name."""
    return _name(name) is not None


def _name(text: str) -> dns.name.Name | None:
    """The name as it stands, octet by octet; nothing when DNS can have no such name."""
    labels = text.encode("utf-8", "surrogateescape").removesuffix(b".").split(b".")
    try:
        return dns.name.Name([*labels, b""])
    except (dns.exception.DNSException, ValueError):
        return None


def _records(reply: dns.message.Message, kind: str) -> tuple[object, ...]:
    """Aliases (CNAME) the resolver has followed already."""
    wanted = dns.rdatatype.from_text(kind)
    found: list[object] = []
    for answers in reply.answer:
        if answers.rdtype != wanted:
            continue
        for record in answers:
            if kind == "TXT":
                found.append(b"".join(record.strings))
            elif kind == "MX":
                found.append((record.preference, _text(record.exchange)))
            elif kind == "PTR":
                found.append(_text(record.target))
            else:
                found.append(record.address)
    return tuple(found)


def _text(name: dns.name.Name) -> str:
    return b".".join(name.labels[:-1]).decode("utf-8", "surrogateescape")
