"""Which exchangers of a receiving domain DANE can prove (RFC 7672), as this host's own resolver tells it."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.resolver

# One look-up; the resolver has given up or found another server by then.
LOOKUP_SECONDS = 15.0
# Of a domain with more exchangers these are asked; Postfix itself tries five addresses.
EXCHANGERS = 20
# Of all domains at once: each takes a socket (LimitNOFILE of the unit), and some memory.
QUESTIONS = 2000

# Octets of a TLSA record's digest by its matching type (RFC 6698, 2.1.3).
_DIGESTS = {1: 32, 2: 64}
_PORT = (b"_25", b"_tcp")


class UnclearError(Exception):
    """Nobody can tell now how the mail has to be encrypted: it waits."""


@dataclass(frozen=True)
class SecureRecords:
    """An answer of DNS: its records, the name that they are of, and whether DNSSEC vouches for it, nothing included."""

    records: Sequence[Any]
    name: dns.name.Name
    secure: bool


@dataclass(frozen=True)
class Exchangers:
    """How many exchangers a domain has, and of how many of them this is so now."""

    count: int
    # DANE can prove it.
    proven: int = 0
    # DNS does not tell whether DANE can.
    silent: int = 0
    # DNS tells no address of it, so Postfix cannot send there either.
    unreachable: int = 0


class _UnreachableError(UnclearError):
    """Of one exchanger: its address cannot be told now."""


def usable(record: Any) -> bool:
    """Whether a TLSA record can prove a mail server (RFC 7672, 3.1): DANE-TA or DANE-EE, whole and well-formed."""
    if record.usage not in (2, 3) or record.selector not in (0, 1):
        return False
    octets = bytes(record.cert)
    if record.mtype == 0:
        return _is_der_sequence(octets)
    return len(octets) == _DIGESTS.get(record.mtype)


def _is_der_sequence(octets: bytes) -> bool:
    """A certificate or a public key that is not cut short; all are longer than 127 octets or say so in one."""
    if len(octets) < 2 or octets[0] != 0x30:
        return False
    size, head = octets[1], 2
    if size & 0x80:
        head += size & 0x7F
        size = int.from_bytes(octets[2:head])
    return len(octets) == head + size


class Names:
    """Questions to this host's own resolver, whose word on DNSSEC has crossed no network (role unbound)."""

    def __init__(self, server: str, port: int = 53, seconds: float = LOOKUP_SECONDS) -> None:
        self._resolver = dns.asyncresolver.Resolver(configure=False)
        self._resolver.nameservers = [server]
        self._resolver.port = port
        self._resolver.lifetime = seconds
        self._resolver.timeout = seconds / 2
        self._resolver.use_edns(0, 0, 1232)
        # "Tell me whether it is authentic" (RFC 6840, 5.7).
        self._resolver.flags = dns.flags.RD | dns.flags.AD
        self._questions = asyncio.Semaphore(QUESTIONS)

    async def ask(self, name: dns.name.Name, kind: str) -> SecureRecords:
        """What DNS says; UnclearError where it is silent or does not know (SERVFAIL, a forged answer)."""
        try:
            async with self._questions:
                answer = await self._resolver.resolve(name, kind, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN as error:
            return SecureRecords((), name, _is_secure(error.response(name)))  # type: ignore[no-untyped-call]
        except (dns.exception.DNSException, OSError) as error:
            raise UnclearError(f"DNS on {kind} of {name.to_text()}: {str(error) or type(error).__name__}") from error
        return SecureRecords(tuple(answer.rrset or ()), answer.canonical_name, _is_secure(answer.response))

    async def exchangers(self, domain: str) -> Exchangers | None:
        """Those of a domain; None where it says that it takes no mail (RFC 7505)."""
        origin = dns.name.from_text(domain)
        found = await self.ask(origin, "MX")
        in_order = sorted(found.records, key=lambda record: record.preference)
        hosts = list(dict.fromkeys(record.exchange for record in in_order))
        if hosts == [dns.name.root]:
            return None
        # Without MX the domain is its own exchanger (RFC 5321, 5.1).
        hosts = hosts or [origin]
        if not found.secure:
            return Exchangers(len(hosts))
        # Those beyond the bound count as unproven.
        proofs = await asyncio.gather(*map(self._proven, hosts[:EXCHANGERS]), return_exceptions=True)
        for proof in proofs:
            if isinstance(proof, BaseException) and not isinstance(proof, UnclearError):
                raise proof
        unreachable = sum(isinstance(proof, _UnreachableError) for proof in proofs)
        silent = sum(isinstance(proof, UnclearError) for proof in proofs) - unreachable
        return Exchangers(len(hosts), sum(proof is True for proof in proofs), silent, unreachable)

    async def _addresses(self, host: dns.name.Name) -> Sequence[SecureRecords]:
        """The answers that have some. As for Postfix, those of one family do while the other's cannot be told."""
        answers = await asyncio.gather(self.ask(host, "A"), self.ask(host, "AAAA"), return_exceptions=True)
        there = [answer for answer in answers if isinstance(answer, SecureRecords) and answer.records]
        for answer in answers:
            if isinstance(answer, UnclearError) and not there:
                raise _UnreachableError(str(answer)) from answer
            if isinstance(answer, BaseException) and not isinstance(answer, UnclearError):
                raise answer
        return there

    async def _proven(self, host: dns.name.Name) -> bool:
        """Whether Postfix will prove it by DANE: usable TLSA records of a name that DNSSEC vouches for (tls_dane.c)."""
        there = await self._addresses(host)
        if not there:
            return False
        names: Sequence[dns.name.Name] = (host,)
        if all(answer.secure for answer in there):
            # The name that an alias leads to comes first (RFC 7672, 2.2.2).
            names = tuple(dict.fromkeys((there[0].name, host)))
        elif there[0].name == host or not await self._is_secure_alias(host):
            return False
        for name in names:
            with suppress(dns.name.NameTooLong):
                found = await self.ask(dns.name.Name((*_PORT, *name.labels)), "TLSA")
                if found.secure and found.records:
                    return any(map(usable, found.records))
        return False

    async def _is_secure_alias(self, host: dns.name.Name) -> bool:
        """Wherever it leads: then records of its own name prove the server (RFC 7672, 2.2.2)."""
        found = await self.ask(host, "CNAME")
        return found.secure and bool(found.records)


def _is_secure(response: dns.message.Message) -> bool:
    return bool(response.flags & dns.flags.AD)
