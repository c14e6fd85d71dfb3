"""May this client send for that domain (SPF, RFC 7208)? The function check_host() and its limits."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field

from hanam_mail.host.mail_auth import spf_record
from hanam_mail.host.mail_auth.questions import DnsRecords, OutOfTime, Questions, TemporaryError
from hanam_mail.host.mail_auth.spf_record import Mechanism, Permanent

type IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Section 4.6.4.
MOST_TERMS = 10
MOST_EMPTY = 2
MOST_NAMES = 10


@dataclass(frozen=True)
class SpfResult:
    """`result` as RFC 7208, 2.6 names it. `identity`: mailfrom or helo. `sender`: whose it is, with a local part."""

    result: str
    domain: str
    sender: str
    identity: str
    reason: str = ""


def check(questions: Questions, address: str, helo: str, sender: str) -> SpfResult:
    """Of the envelope's sender, or where there is none of the name in HELO (section 2.4)."""
    identity = "mailfrom" if sender else "helo"
    local, _, domain = sender.rpartition("@") if sender else ("", "", helo)
    local, domain = local or "postmaster", domain.lower().removesuffix(".")
    whole = f"{local}@{domain}"
    try:
        client = ipaddress.ip_address(address)
    except ValueError:
        return SpfResult("none", domain, whole, identity, "no address of a client")
    if isinstance(client, ipaddress.IPv6Address):
        client = client.ipv4_mapped or client
    checked = _Check(questions, client, helo, local, domain)
    try:
        return SpfResult(checked.host(domain), domain, whole, identity, checked.matched)
    except TemporaryError as error:
        return SpfResult("temperror", domain, whole, identity, str(error))
    except Permanent as error:
        return SpfResult("permerror", domain, whole, identity, str(error))


@dataclass
class _Check:
    questions: Questions
    client: IpAddress
    helo: str
    local: str
    sender_domain: str
    # The term that decided.
    matched: str = ""
    _terms: int = 0
    _empty: int = 0
    _validated: str = field(default="", init=False)

    @property
    def _kind(self) -> str:
        return "A" if self.client.version == 4 else "AAAA"

    def host(self, domain: str) -> str:
        """check_host() for the domain (section 4)."""
        labels = domain.split(".")
        if len(labels) < 2 or not all(0 < len(label.encode()) <= 63 for label in labels):
            return "none"
        found = [text for text in self.questions.texts(domain) if text.lower().split(b" ")[0] == b"v=spf1"]
        if len(found) > 1:
            raise Permanent("more than one record")
        if not found:
            return "none"
        if not found[0].isascii():
            raise Permanent("a record with other letters than ASCII's")
        record = spf_record.read(found[0].decode("ascii"))
        for each in record.mechanisms:
            if self._matches(each, domain):
                self.matched = each.name
                return each.result
        if not record.redirect:
            return "neutral"
        self._count()
        result = self.host(self._expand(record.redirect, domain))
        if result == "none":
            raise Permanent("redirect to a domain without a record")
        return result

    def _matches(self, each: Mechanism, domain: str) -> bool:
        if each.name == "all":
            return True
        if each.network is not None:
            return self.client in each.network
        self._count()
        name = self._expand(each.domain, domain) if each.domain else domain
        if each.name == "include":
            result = self.host(name)
            if result == "none":
                raise Permanent("include of a domain without a record")
            return result == "pass"
        if each.name == "exists":
            return bool(self._asked(name, "A").records)
        if each.name == "a":
            return self._is_among(name, each)
        if each.name == "mx":
            return self._is_exchanger(name, each)
        return any(found == name.lower() or found.endswith(f".{name.lower()}") for found in self._validated_names())

    def _is_among(self, name: str, each: Mechanism) -> bool:
        bits = each.bits4 if self.client.version == 4 else each.bits6
        for record in self._asked(name, self._kind).records:
            if self.client in ipaddress.ip_network((str(record), bits), strict=False):
                return True
        return False

    def _is_exchanger(self, name: str, each: Mechanism) -> bool:
        exchangers = [record for record in self._asked(name, "MX").records if isinstance(record, tuple)]
        if len(exchangers) > MOST_NAMES:
            raise Permanent("more than 10 exchangers")
        # "." says that there is none (RFC 7505).
        return any(self._is_among(host, each) for _, host in sorted(exchangers) if host)

    def _validated_names(self) -> Iterator[str]:
        """Names of the client whose addresses hold it too (section 5.5).

        What DNS does not say now is passed over, but not the end of the time for all of it (section 4.6.4).
        """
        try:
            names = self._asked(f"{ipaddress.ip_address(self.client).reverse_pointer}", "PTR").records
        except OutOfTime:
            raise
        except TemporaryError:
            return
        for name in list(names)[:MOST_NAMES]:
            try:
                addresses = self._asked(str(name), self._kind).records
            except OutOfTime:
                raise
            except TemporaryError:
                continue
            if str(self.client) in (str(ipaddress.ip_address(str(each))) for each in addresses):
                yield str(name).lower()

    def _asked(self, name: str, kind: str) -> DnsRecords:
        answer = self.questions.ask(name, kind)
        if answer.asked and not answer.records:
            self._empty += 1
            if self._empty > MOST_EMPTY:
                raise Permanent("more than 2 lookups find nothing")
        return answer

    def _count(self) -> None:
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise Permanent("more than 10 lookups")

    def _expand(self, text: str, domain: str) -> str:
        def value(letter: str) -> str:
            if letter == "p":
                return self._name_of_client(domain)
            return {
                "s": f"{self.local}@{self.sender_domain}",
                "l": self.local,
                "o": self.sender_domain,
                "d": domain,
                "i": self._dotted,
                "h": self.helo,
                "v": "in-addr" if self.client.version == 4 else "ip6",
            }[letter]

        return spf_record.expand(text, value)

    @property
    def _dotted(self) -> str:
        if self.client.version == 4:
            return str(self.client)
        return ".".join(self.client.exploded.replace(":", "").upper())

    def _name_of_client(self, domain: str) -> str:
        """The macro p: the domain itself where it is among them, else one below it, else any (section 7.3)."""
        if not self._validated:
            names = list(self._validated_names())
            below = [name for name in names if name.endswith(f".{domain}")]
            self._validated = domain if domain in names else (below or names or ["unknown"])[0]
        return self._validated
