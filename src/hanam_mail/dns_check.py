"""Whether the world's name servers answer what the mail domain is to publish (playbooks/dns.yml writes it).

    wanted = read(Path("build/hanam.gov.vn.zone"))
    differences(wanted, Servers(["9.9.9.9"]).ask)   # -> what is missing, too much, otherwise, unsigned

Of a name's TXT records only that with the same beginning ("v=spf1") is compared: others may stand there for other ends.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
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
_KEY = "_domainkey"
"""Under such a name stands a key of DKIM, whatever it begins with."""
_NO_ALIASES = frozenset({"A", "AAAA", "MX", "SRV", "TLSA"})
_PRINTABLE = (0x20, 0x7F)
_REVERSE = tuple(map(dns.name.from_text, ("in-addr.arpa", "ip6.arpa")))


class What(StrEnum):
    """What is wrong with the records of a name."""

    MISSING = "missing"
    EXTRA = "extra"
    DIFFERENT = "different"
    UNSIGNED = "unsigned"
    UNVALIDATED = "unvalidated"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class WantedRecords:
    """The records of one name and type: the name is absolute, `data` as in a zone file."""

    name: str
    type: str
    data: tuple[str, ...]


class DnssecProof(StrEnum):
    """What an answer tells of DNSSEC: a validating resolver or the zone's own server vouches for it, or nobody does."""

    GOOD = "good"
    UNTRIED = "untried"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """What is there: `data` as in a zone file, behind which aliases, and whether it was signed.

    `error`: why nothing is known; `elsewhere`: the server is asked in vain, since it answers for other zones.
    """

    data: tuple[str, ...] = ()
    signature: DnssecProof = DnssecProof.NONE
    aliases: tuple[str, ...] = ()
    error: str = ""
    elsewhere: bool = False
    ttl: int = field(default=0, compare=False)
    """Seconds that whoever heard it may go on saying so."""


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


_MEND = {
    What.MISSING: "chưa có; thêm: {wanted}",
    What.EXTRA: "thừa; xóa: {found}",
    What.DIFFERENT: "đang là: {found}; đổi thành: {wanted}",
    What.UNSIGNED: "không có chữ ký DNSSEC; ký vùng và đưa bản ghi DS lên vùng cha",
    What.UNVALIDATED: "có chữ ký DNSSEC nhưng máy được hỏi không kiểm tra, hoặc vùng cha chưa có bản ghi DS; "
    "hỏi lại một máy phân giải có kiểm tra (--server)",
    What.UNANSWERED: "chưa hỏi được ({found}); kiểm tra máy phân giải và máy chủ tên của vùng, rồi hỏi lại",
}
_OTHER_AUTHORITY = (
    "nơi cấp chứng thư ngoài danh sách: {found}; cơ quan khác của tỉnh cần thì thêm vào dns_ca_issuers, "
    "nếu không thì xóa"
)

type AskDns = Callable[[str, str], DnsAnswer]
"""The answer to a name and a type."""


def mend(each: Difference) -> str:
    """What is to be done, in Vietnamese."""

    def shown(data: str) -> str:
        # An alias, where a text should be, has no quotes.
        return (text_of(data) or data) if each.type == "TXT" else data

    found = each.found if each.what is What.UNANSWERED else shown(each.found)
    text = _OTHER_AUTHORITY if (each.type, each.what) == ("CAA", What.EXTRA) else _MEND[each.what]
    return text.format(wanted=shown(each.wanted), found=found)


def read(path: Path) -> list[WantedRecords]:
    """The records of a zone file, in its order. Raises InputError for one that is none."""
    try:
        text = path.read_text(encoding="utf-8")
        zone = dns.zone.from_text(text, origin=dns.name.root, relativize=False, check_origin=False)
    except (dns.exception.DNSException, ValueError) as error:
        raise InputError([Problem(str(path), 0, "", f"không phải tệp vùng DNS: {error}")]) from error
    return [
        WantedRecords(
            name.to_text(), dns.rdatatype.to_text(records.rdtype), tuple(sorted(each.to_text() for each in records))
        )
        for name, records in zone.iterate_rdatasets()
    ]


def differences(wanted: Sequence[WantedRecords], ask: AskDns) -> Iterator[Difference]:
    """What has to be mended, name by name. Signatures that nobody tried are told once."""
    told = False
    for records in wanted:
        # Whoever answers for reverse names is not who answers for the domain, and need not sign them.
        reverse = any(dns.name.from_text(records.name).is_subdomain(zone) for zone in _REVERSE)
        answer = ask(records.name, records.type)
        if answer.error:
            if not (reverse and answer.elsewhere):
                yield Difference(records.name, records.type, What.UNANSWERED, found=answer.error)
            continue
        found = list(_compared(records, answer))
        yield from found
        if found or reverse:
            continue
        if answer.signature is DnssecProof.NONE:
            yield Difference(records.name, records.type, What.UNSIGNED)
        elif answer.signature is DnssecProof.UNTRIED and not told:
            told = True
            yield Difference(records.name, records.type, What.UNVALIDATED)


def _compared(records: WantedRecords, answer: DnsAnswer) -> Iterator[Difference]:
    name, kind, found = records.name, records.type, answer.data
    if kind in _NO_ALIASES:
        # Neither a mail exchanger nor a server of a service may be one (RFC 2181, 10.3; RFC 2782).
        yield from (Difference(name, kind, What.EXTRA, "", f"CNAME {alias}") for alias in answer.aliases)
    if kind == "TXT":
        for data in records.data:
            yield from _compared_text(name, data, [each for each in found if _alike(name, each) == _alike(name, data)])
        return
    here = {comparable(kind, data): data for data in records.data}
    # Where faults in certificates are reported is for those to say who want the reports (RFC 8659, 4.4).
    there = {comparable(kind, data): data for data in found if kind != "CAA" or data.split()[1].lower() != "iodef"}
    for key in here.keys() - there.keys():
        yield Difference(name, kind, What.MISSING, here[key])
    for key in there.keys() - here.keys():
        yield Difference(name, kind, What.EXTRA, "", there[key])


def _compared_text(name: str, data: str, there: Sequence[str]) -> Iterator[Difference]:
    right = [each for each in there if comparable("TXT", each) == comparable("TXT", data)]
    if not right and len(there) == 1:
        yield Difference(name, "TXT", What.DIFFERENT, data, there[0])
        return
    if not right:
        yield Difference(name, "TXT", What.MISSING, data)
    # Whoever reads two of a kind takes neither, be they alike (RFC 7208, 4.5; RFC 8461, 3.1).
    more = list(there)
    if right:
        more.remove(right[0])
    yield from (Difference(name, "TXT", What.EXTRA, "", each) for each in more)


def text_of(data: str) -> str:
    """The text of a TXT record's data, its pieces joined; octets that are no letter of ASCII stay as \\027."""

    def octet(found: re.Match[str]) -> str:
        if found[2]:
            return found[2]
        return chr(int(found[1])) if _PRINTABLE[0] <= int(found[1]) < _PRINTABLE[1] else found[0]

    pieces = re.findall(r'"((?:[^"\\]|\\.)*)"', data)
    return re.sub(r"\\(\d{3})|\\(.)", octet, "".join(pieces))


def comparable(kind: str, data: str) -> str:
    """The same for all ways to write a record that mean the same."""
    if kind != "TXT":
        return data.lower()
    text = text_of(data)
    if text.lower().startswith("v=spf1"):
        first, *terms = filter(None, text.lower().split(" "))
        # All but the last, which is reached when none before it holds, are true in any order.
        return " ".join([first, *sorted(terms[:-1]), *terms[-1:]])
    # DKIM, DMARC and the like: a version, then tags in any order. White space in a key is none of it (RFC 6376, 3.6.1).
    first, *tags = (re.sub(r"\s", "", tag) for tag in text.split(";"))
    return ";".join([first, *sorted(filter(None, tags))])


def _alike(name: str, data: str) -> str:
    """The same for texts of which a name may have one only."""
    return _KEY if f".{_KEY}." in name else re.split(r"[;\s]", text_of(data).strip().lower(), maxsplit=1)[0]


class Servers:
    """Name servers that are asked one after the other until one answers."""

    def __init__(self, addresses: Sequence[str] = (), *, port: int = PORT) -> None:
        """`addresses`: which servers; none: those of this machine. Raises InputError when it has none."""
        try:
            self.addresses = list(addresses) or [str(each) for each in dns.resolver.Resolver().nameservers]
        except dns.resolver.NoResolverConfiguration as error:
            raise InputError([Problem("/etc/resolv.conf", 0, "", "máy này không có máy phân giải tên")]) from error
        self._port = port
        self._silent = dict[str, str]()
        """Who did not answer as often as he was asked, and why: he is not waited for at every name."""

    def ask(self, name: str, kind: str) -> DnsAnswer:
        """What the first server that answers says of a name and a type."""
        answer = DnsAnswer(error="; ".join(self._silent.values()))
        asked = [address for address in self.addresses if address not in self._silent]
        for number, address in enumerate(asked * TRIES):
            query = dns.message.make_query(name, kind, want_dnssec=True)
            # A validating resolver is to say so.
            query.flags |= dns.flags.AD
            try:
                reply, _ = dns.query.udp_with_fallback(query, address, timeout=TIMEOUT, port=self._port)
                answer = _answer(reply)
            except (dns.exception.DNSException, EOFError, OSError, ValueError) as failure:
                answer = DnsAnswer(error=f"{address}: {failure or type(failure).__name__}")
                if isinstance(failure, dns.exception.Timeout | OSError) and number >= len(asked) * (TRIES - 1):
                    self._silent[address] = answer.error
                continue
            if not answer.error:
                return answer
            answer = replace(answer, error=f"{address}: {answer.error}")
        return answer


def _answer(reply: dns.message.Message) -> DnsAnswer:
    """What a reply says, at the end of any aliases."""
    code = reply.rcode()
    authority, resolver = bool(reply.flags & dns.flags.AA), bool(reply.flags & dns.flags.RA)
    if code not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return DnsAnswer(error=dns.rcode.to_text(code), elsewhere=code == dns.rcode.REFUSED and not resolver)
    if not (authority or resolver):
        return DnsAnswer(error="máy chủ này không trả lời cho vùng ấy", elsewhere=True)
    chain = reply.resolve_chaining() if isinstance(reply, dns.message.QueryMessage) else None
    records = chain.answer if chain else None
    signed = any(each.rdtype == dns.rdatatype.RRSIG for each in reply.answer)
    vouched = bool(reply.flags & dns.flags.AD) or (signed and authority)
    return DnsAnswer(
        data=tuple(sorted(each.to_text() for each in records or ())),
        signature=DnssecProof.GOOD if vouched else DnssecProof.UNTRIED if signed else DnssecProof.NONE,
        aliases=tuple(each.target.to_text() for alias in (chain.cnames if chain else ()) for each in alias),
        ttl=chain.minimum_ttl if chain else 0,
    )
