"""How mail to a domain has to be encrypted: DANE first, then MTA-STS, and no mail while neither can be told (Đ3.2)."""

import asyncio
import socketserver
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from tests import same_port

from hanam_mail.host import dane, tls_policy
from hanam_mail.host.dane import EXCHANGERS, Names, usable

pytestmark = pytest.mark.dieu3

TLSA = "3 1 1 " + "ab" * 32
POLICY = (
    "OK secure match={match} servername=hostname policy_type=sts policy_domain=a.example {patterns} "
    "{{ policy_string = version: STSv1 }} {{ policy_string = mode: enforce }}"
)
ENFORCED = (
    "OK secure match=mx.a.example servername=hostname policy_type=sts policy_domain=a.example"
    " mx_host_pattern=mx.a.example"
)


class NameServer:
    """Answers as a validating resolver does, over UDP and TCP on a port of loopback."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], list[str]] = {}
        self.insecure: set[str] = set()
        self.broken: set[tuple[str, str]] = set()
        self.silent: set[str] = set()
        self.truncated: set[tuple[str, str]] = set()
        self.open: set[int] = set()
        self.most = 0

    def put(self, name: str, kind: str, *texts: str) -> None:
        self.records[name, kind] = list(texts)

    def exchanger(self, name: str, *tlsa: str) -> None:
        self.put(name, "A", "192.0.2.1")
        if tlsa:
            self.put(f"_25._tcp.{name}", "TLSA", *tlsa)

    def answer(self, octets: bytes, *, udp: bool) -> bytes | None:
        query = dns.message.from_wire(octets)
        asked = query.question[0]
        name, kind = asked.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(asked.rdtype)
        if name in self.silent:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if (name, kind) in self.broken:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif udp and (name, kind) in self.truncated:
            response.flags |= dns.flags.TC
        else:
            self._fill(response, name, kind, bool(query.flags & dns.flags.AD))
        return response.to_wire()

    def _fill(self, response: dns.message.Message, name: str, kind: str, authentic: bool) -> None:
        secure, known = True, False
        while True:
            secure = secure and name not in self.insecure
            known = any(each == name or each.endswith(f".{name}") for each, _ in self.records)
            if (name, "CNAME") not in self.records:
                break
            target = self.records[name, "CNAME"][0]
            response.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "CNAME", f"{target}."))
            if kind == "CNAME":
                break
            name = target
        if kind != "CNAME" and (texts := self.records.get((name, kind))):
            response.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", kind, *texts))
        elif not known:
            response.set_rcode(dns.rcode.NXDOMAIN)
        if secure and authentic:
            response.flags |= dns.flags.AD


@pytest.fixture
def zone() -> Iterator[NameServer]:
    zone = NameServer()
    zone.put("a.example", "MX", "10 mx.a.example.")
    zone.exchanger("mx.a.example")

    class Datagram(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            octets, door = self.request
            port = self.client_address[1]
            zone.open.add(port)
            zone.most = max(zone.most, len(zone.open))
            answer = zone.answer(octets, udp=True)
            # Long enough for others to come meanwhile.
            time.sleep(0.005)
            zone.open.discard(port)
            if answer:
                door.sendto(answer, self.client_address)

    class Stream(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            octets = self.rfile.read(int.from_bytes(self.rfile.read(2)))
            if answer := zone.answer(octets, udp=False):
                self.wfile.write(len(answer).to_bytes(2) + answer)

    with same_port.servers(Datagram, Stream) as (udp, tcp):
        zone.port = udp.server_address[1]  # type: ignore[attr-defined]
        threads = [Thread(target=server.serve_forever, args=(0.01,)) for server in (udp, tcp)]
        for thread in threads:
            thread.start()
        yield zone
        udp.shutdown()
        tcp.shutdown()


class Resolver:
    """The MTA-STS resolver's part: what it was asked, and what it says, or how."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reply = "NOTFOUND "
        self.asked: list[str] = []
        self.raw: bytes | None = None
        self.slow: dict[str, float] = {}
        self.open = 0
        self.most = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await tls_policy.read_netstring(reader, 1000)
        assert request is not None
        domain = request.decode().partition(" ")[2]
        self.asked.append(domain)
        self.open += 1
        self.most = max(self.most, self.open)
        await asyncio.sleep(self.slow.get(domain, 0))
        self.open -= 1
        writer.write(tls_policy.netstring(self.reply) if self.raw is None else self.raw)
        writer.close()


@pytest.fixture
def resolver(tmp_path: Path) -> Resolver:
    return Resolver(tmp_path / "resolver")


type Ask = Callable[[str], str]


@pytest.fixture
def door(zone: Any, resolver: Resolver) -> tls_policy.PolicyServer:
    return tls_policy.PolicyServer(Names("127.0.0.1", zone.port, 1.0), tls_policy.Resolver(resolver.path, 1.0), 3.0)


@asynccontextmanager
async def resolving(resolver: Resolver) -> AsyncIterator[None]:
    async with await asyncio.start_unix_server(resolver.serve, resolver.path):
        yield


@pytest.fixture
def ask(door: tls_policy.PolicyServer, resolver: Resolver) -> Ask:
    """What Postfix is told of a key."""

    async def run(key: str) -> str:
        async with resolving(resolver):
            return await door.answer(f"policy {key}")

    return lambda key: asyncio.run(run(key))


def policy(*patterns: str) -> str:
    return POLICY.format(
        match=":".join(pattern.lstrip("*") for pattern in patterns),
        patterns=" ".join(f"mx_host_pattern={pattern}" for pattern in patterns),
    )


# --- DANE ---


def test_a_domain_with_dane_is_postfixs_own_and_its_policy_is_not_asked_for(
    zone: NameServer, resolver: Resolver, ask: Ask
) -> None:
    zone.exchanger("mx.a.example", TLSA)
    resolver.reply = policy("mx.a.example")
    assert ask("a.example") == "NOTFOUND "
    assert resolver.asked == []


def test_where_some_of_several_exchangers_have_dane_a_policy_sends_mail_to_these_alone(
    zone: NameServer, resolver: Resolver, ask: Ask
) -> None:
    zone.put("a.example", "MX", "10 mx.a.example.", "20 other.example.")
    zone.exchanger("mx.a.example", TLSA)
    zone.exchanger("other.example")
    # Postfix proves the one, and the other asks for nothing (RFC 7672, 2.2).
    assert ask("a.example") == "NOTFOUND "
    resolver.reply = policy("*.example")
    assert ask("a.example") == "OK dane-only"
    zone.exchanger("other.example", TLSA)
    assert ask("a.example") == "NOTFOUND "
    assert resolver.asked == ["a.example"] * 2


def test_mail_waits_while_nobody_tells_whether_the_exchangers_without_dane_have_a_policy(
    zone: NameServer, resolver: Resolver, ask: Ask
) -> None:
    zone.put("a.example", "MX", "10 mx.a.example.", "20 other.example.")
    zone.exchanger("mx.a.example", TLSA)
    zone.exchanger("other.example")
    resolver.reply = "TEMP later"
    assert ask("a.example").startswith("TEMP ")


@pytest.mark.parametrize(
    ("record", "counts"),
    [
        (TLSA, True),
        ("2 0 2 " + "ab" * 64, True),
        ("3 0 0 " + "3003020101", True),
        ("3 1 0 " + "308180" + "00" * 128, True),
        # Usages 0 and 1 are for certificate authorities that mail servers have none of.
        ("0 1 1 " + "ab" * 32, False),
        ("1 1 1 " + "ab" * 32, False),
        ("3 2 1 " + "ab" * 32, False),
        ("3 1 3 " + "ab" * 32, False),
        ("3 0 0 " + "30030201", False),
        ("3 0 0 " + "30", False),
    ],
)
def test_only_records_that_can_prove_a_server_count(
    zone: NameServer, resolver: Resolver, ask: Ask, record: str, counts: bool
) -> None:
    zone.exchanger("mx.a.example", record)
    resolver.reply = policy("mx.a.example")
    assert ask("a.example") == ("NOTFOUND " if counts else ENFORCED)


class Record(NamedTuple):
    """A TLSA record as Debian's dnspython hands it on; newer ones refuse a digest that is cut short themselves."""

    usage: int
    selector: int
    mtype: int
    cert: bytes


@pytest.mark.parametrize(
    ("mtype", "length", "counts"), [(1, 32, True), (1, 31, False), (2, 64, True), (2, 32, False), (1, 0, False)]
)
def test_a_digest_that_is_cut_short_proves_nothing(mtype: int, length: int, counts: bool) -> None:
    assert usable(Record(3, 1, mtype, bytes(length))) is counts


@pytest.mark.parametrize("name", ["a.example", "mx.a.example", "_25._tcp.mx.a.example"])
def test_what_dnssec_does_not_vouch_for_is_no_dane(zone: NameServer, resolver: Resolver, ask: Ask, name: str) -> None:
    zone.exchanger("mx.a.example", TLSA)
    zone.insecure.add(name)
    resolver.reply = policy("mx.a.example")
    assert ask("a.example") == ENFORCED


def test_records_of_the_name_that_an_alias_leads_to_count(zone: NameServer, resolver: Resolver, ask: Ask) -> None:
    del zone.records["mx.a.example", "A"]
    zone.put("mx.a.example", "CNAME", "real.example")
    zone.exchanger("real.example", TLSA)
    assert (ask("a.example"), resolver.asked) == ("NOTFOUND ", [])
    del zone.records["_25._tcp.real.example", "TLSA"]
    zone.put("_25._tcp.mx.a.example", "TLSA", TLSA)
    assert (ask("a.example"), resolver.asked) == ("NOTFOUND ", [])


def test_an_alias_that_dnssec_vouches_for_counts_wherever_it_leads(
    zone: NameServer, resolver: Resolver, ask: Ask
) -> None:
    """As for Postfix: then records of the alias prove the server, those of its insecure target do not (RFC 7672)."""
    del zone.records["mx.a.example", "A"]
    zone.put("mx.a.example", "CNAME", "cloud.example")
    zone.exchanger("cloud.example", TLSA)
    zone.insecure.add("cloud.example")
    resolver.reply = policy("mx.a.example")
    assert ask("a.example") == ENFORCED
    zone.put("_25._tcp.mx.a.example", "TLSA", TLSA)
    assert ask("a.example") == "NOTFOUND "
    zone.insecure.add("mx.a.example")
    assert ask("a.example") == ENFORCED
    zone.insecure.discard("mx.a.example")
    zone.broken.add(("mx.a.example", "CNAME"))
    assert ask("a.example").startswith("TEMP ")


def test_exchangers_that_an_insecure_answer_names_are_proven_by_the_policy_or_by_postfix(
    zone: NameServer, resolver: Resolver, ask: Ask
) -> None:
    """The policy proves the exchanger's name too, DANE only its certificate; without one that is Postfix's to do."""
    zone.exchanger("mx.a.example", TLSA)
    zone.insecure.add("a.example")
    assert ask("a.example") == "NOTFOUND "
    resolver.reply = policy("mx.a.example")
    assert ask("a.example") == ENFORCED


def test_a_domain_without_mx_is_its_own_exchanger(zone: NameServer, resolver: Resolver, ask: Ask) -> None:
    zone.exchanger("bare.example", TLSA)
    assert (ask("bare.example"), resolver.asked) == ("NOTFOUND ", [])
    del zone.records["_25._tcp.bare.example", "TLSA"]
    assert (ask("bare.example"), resolver.asked) == ("NOTFOUND ", ["bare.example"])
    # Nobody has ever heard of it: Postfix says so to the sender.
    assert ask("nowhere.example") == "NOTFOUND "


def test_a_domain_that_takes_no_mail_has_no_policy(zone: NameServer, resolver: Resolver, ask: Ask) -> None:
    zone.put("a.example", "MX", "0 .")
    resolver.reply = policy("mx.a.example")
    assert (ask("a.example"), resolver.asked) == ("NOTFOUND ", [])


def test_a_large_answer_comes_over_tcp(zone: NameServer, resolver: Resolver, ask: Ask) -> None:
    zone.put("a.example", "MX", *(f"{n} mx{n}.example." for n in range(EXCHANGERS)))
    zone.truncated |= {("a.example", "MX")}
    for n in range(EXCHANGERS):
        zone.exchanger(f"mx{n}.example", TLSA)
    assert (ask("a.example"), resolver.asked) == ("NOTFOUND ", [])


def test_of_very_many_exchangers_some_are_asked(zone: NameServer, resolver: Resolver, ask: Ask) -> None:
    resolver.reply = policy("*.example")
    zone.put("a.example", "MX", *(f"{n} mx{n}.example." for n in range(EXCHANGERS + 1)))
    for n in range(EXCHANGERS + 1):
        zone.exchanger(f"mx{n}.example", TLSA)
    assert ask("a.example") == "OK dane-only"


# --- MTA-STS ---


def test_without_dane_the_policy_counts(zone: NameServer, resolver: Resolver, ask: Ask) -> None:
    assert ask("a.example") == "NOTFOUND "
    resolver.reply = policy("mx.a.example")
    assert ask("A.Example.") == ENFORCED
    assert resolver.asked == ["a.example", "a.example"]


def test_a_pattern_is_handed_on_for_the_certificate_and_for_the_name(resolver: Resolver, ask: Ask) -> None:
    resolver.reply = policy("*.a.example", "MX.b.example.", "mx.b.example")
    assert ask("a.example") == (
        "OK secure match=.a.example:mx.b.example servername=hostname policy_type=sts policy_domain=a.example"
        " mx_host_pattern=*.a.example mx_host_pattern=mx.b.example"
    )


@pytest.mark.parametrize(
    "words",
    [
        "mx.a.example tafile=/etc/passwd",
        "mx.a.example servername=evil.example ciphers=low",
        "mx.a.example\tprotocols=!TLSv1.3",
        "mx.a.example mx_host_pattern=.example mx_host_pattern=*. mx_host_pattern=*",
        "mx.a.example mx_host_pattern=-a.example mx_host_pattern=192.0.2.1 mx_host_pattern=a_b.example",
        "mx.a.example mx_host_pattern=\N{KELVIN SIGN}a.example mx_host_pattern=" + "a" * 64 + ".example",
    ],
)
def test_of_a_strangers_words_nothing_but_names_of_hosts_reaches_postfix(
    resolver: Resolver, ask: Ask, words: str
) -> None:
    resolver.reply = policy(words)
    assert ask("a.example") == ENFORCED


@pytest.mark.parametrize(
    "reply",
    [
        policy("*", "mx_a", "[192.0.2.1]"),
        policy("mx.a.example } { policy_string = x } match=."),
        policy("mx.a.example").replace("policy_domain=a.example", "policy_domain=b.example"),
        policy("mx.a.example").replace("OK secure", "OK none"),
        "OK ",
        "OK",
        "TEMP later",
        "PERM never",
        "",
        "nonsense\r\n",
    ],
)
def test_an_answer_that_is_none_makes_mail_wait(resolver: Resolver, ask: Ask, reply: str) -> None:
    resolver.reply = reply
    assert ask("a.example").startswith("TEMP ")


def test_an_endless_policy_still_fits_into_what_postfix_takes(resolver: Resolver, ask: Ask) -> None:
    label = "a" * 60
    names = [f"n{n}.{label}.{label}.{label}.example" for n in range(150)]
    resolver.reply = policy(*names)
    told = ask("a.example")
    assert told.startswith("OK secure ")
    assert len(told) < tls_policy.REPLY


# --- Nobody can tell: mail waits ---


def test_mail_waits_while_dns_is_silent_or_broken(
    zone: NameServer, ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    zone.broken.add(("a.example", "MX"))
    assert ask("a.example").startswith("TEMP DNS on MX of a.example.: ")
    assert "<5>mail for a.example waits: DNS on MX of a.example.: " in capsys.readouterr().err
    zone.broken.clear()
    zone.silent.add("a.example")
    assert ask("a.example").startswith("TEMP ")


@pytest.mark.parametrize("kinds", [("A", "AAAA"), ("A",), ("TLSA",)])
def test_mail_waits_while_nothing_is_known_of_the_only_exchanger(
    zone: NameServer, ask: Ask, kinds: tuple[str, ...]
) -> None:
    for kind in kinds:
        zone.broken.add(("_25._tcp.mx.a.example" if kind == "TLSA" else "mx.a.example", kind))
    assert ask("a.example").startswith("TEMP ")


@pytest.mark.parametrize("tlsa", [(), (TLSA,)])
def test_addresses_of_one_family_are_enough(
    zone: NameServer, resolver: Resolver, ask: Ask, tlsa: tuple[str, ...]
) -> None:
    """Postfix sends to these, whatever becomes of the other question."""
    zone.exchanger("mx.a.example", *tlsa)
    zone.broken.add(("mx.a.example", "AAAA"))
    resolver.reply = policy("mx.a.example")
    assert ask("a.example") == ("NOTFOUND " if tlsa else ENFORCED)
    zone.broken = {("mx.a.example", "A")}
    zone.put("mx.a.example", "AAAA", "2001:db8::1")
    assert ask("a.example") == ("NOTFOUND " if tlsa else ENFORCED)


def test_a_second_exchanger_without_an_address_keeps_no_mail_from_the_first(
    zone: NameServer, resolver: Resolver, ask: Ask
) -> None:
    """Postfix cannot send there either."""
    zone.put("a.example", "MX", "10 mx.a.example.", "20 dead.example.")
    zone.broken |= {("dead.example", "A"), ("dead.example", "AAAA")}
    assert ask("a.example") == "NOTFOUND "
    resolver.reply = policy("mx.a.example")
    assert ask("a.example") == ENFORCED
    zone.exchanger("mx.a.example", TLSA)
    assert ask("a.example") == "OK dane-only"


def test_a_policy_takes_no_place_of_what_dns_does_not_tell_about_dane(
    zone: NameServer, resolver: Resolver, ask: Ask
) -> None:
    zone.put("a.example", "MX", "10 mx.a.example.", "20 other.example.")
    zone.exchanger("other.example")
    zone.broken.add(("_25._tcp.other.example", "TLSA"))
    # Postfix asks by itself, and leaves that one out.
    assert ask("a.example") == "NOTFOUND "
    resolver.reply = policy("*.example")
    assert ask("a.example").startswith("TEMP ")
    zone.exchanger("mx.a.example", TLSA)
    assert ask("a.example") == "OK dane-only"


# --- Whether there is a policy at all ---


def test_mail_waits_while_dns_does_not_say_whether_there_is_a_policy(
    zone: NameServer, resolver: Resolver, ask: Ask
) -> None:
    """The resolver takes that for none. What it knows from before counts all the same."""
    zone.broken.add(("_mta-sts.a.example", "TXT"))
    assert ask("a.example").startswith("TEMP DNS on TXT of _mta-sts.a.example.: ")
    resolver.reply = policy("mx.a.example")
    assert ask("a.example") == ENFORCED
    resolver.reply = "NOTFOUND "
    zone.broken.clear()
    zone.silent.add("_mta-sts.a.example")
    assert ask("a.example").startswith("TEMP ")


def test_operators_are_told_once_an_hour_of_a_policy_that_is_not_in_force(
    zone: NameServer, ask: Ask, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    zone.put("_mta-sts.a.example", "TXT", '"v=STSv1; id=1;"')
    zone.put("_mta-sts.b.example", "TXT", '"v=spf1 -all"')
    zone.put("_mta-sts.c.example", "TXT", '"v=STS" "v1; id=1;"')
    asked = ("a.example", "b.example", "c.example")
    for domain in asked * 2:
        assert ask(domain) == "NOTFOUND "
    told = capsys.readouterr().err
    assert [told.count(f"<5>{domain} has an MTA-STS record, but") for domain in asked] == [1, 0, 1]
    monkeypatch.setattr(tls_policy, "TOLD_SECONDS", 0.0)
    assert ask("a.example") == "NOTFOUND "
    assert "<5>a.example has an MTA-STS record, but" in capsys.readouterr().err
    monkeypatch.setattr(tls_policy, "TOLD", 0)
    assert ask("a.example") == "NOTFOUND "
    assert capsys.readouterr().err == ""


def test_a_domain_whose_name_leaves_no_room_for_a_record_has_no_policy(ask: Ask) -> None:
    assert ask(".".join(["a" * 61] * 4)) == "NOTFOUND "


@pytest.mark.parametrize("raw", [b"", b"3:OK", b"5:TEMP x,", b"900000:", b"x", b"3:OK.;"])
def test_mail_waits_while_the_resolver_breaks_off(resolver: Resolver, ask: Ask, raw: bytes) -> None:
    resolver.raw = raw
    assert ask("a.example").startswith("TEMP the MTA-STS resolver")


def test_mail_waits_while_the_resolver_is_away_or_hangs(
    door: tls_policy.PolicyServer, resolver: Resolver, ask: Ask
) -> None:
    assert asyncio.run(door.answer("policy a.example")).startswith("TEMP the MTA-STS resolver: ")
    resolver.slow["a.example"] = 1.3
    assert ask("a.example") == "TEMP the MTA-STS resolver: TimeoutError"


def test_one_answer_takes_no_longer_than_postfix_waits(zone: Any, resolver: Resolver) -> None:
    zone.silent.add("a.example")
    door = tls_policy.PolicyServer(Names("127.0.0.1", zone.port, 9.0), tls_policy.Resolver(resolver.path, 9.0), 0.2)
    assert asyncio.run(door.answer("policy a.example")) == "TEMP no answer within 0 s"
    assert tls_policy.ANSWER_SECONDS < 100


# --- What is no domain ---


@pytest.mark.parametrize(
    "key",
    [
        "[mx.a.example]",
        "[mx.a.example]:587",
        "a.example:25",
        "192.0.2.1",
        "[192.0.2.1]",
        "2001:db8::1",
        "[IPv6:2001:db8::1]",
        ".example",
        ".việt.example",
        "[việt.example]",
        "việt.example:25",
        ".",
        "",
        "a..example",
        "-a.example",
        "a.example b",
        "a" * 64 + ".example",
        "a." * 127 + "example",
        "/var/spool/socket",
    ],
)
def test_a_next_hop_that_is_no_plain_domain_has_no_policy(
    zone: NameServer, resolver: Resolver, ask: Ask, key: str
) -> None:
    zone.silent.add("example")
    assert (ask(key), resolver.asked) == ("NOTFOUND ", [])


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("Tỉnh.example", "xn--tnh-dlz.example"),
        ("việt。example.", "xn--vit-5kz.example"),
        # Another domain than strasse.example.
        ("straße.example", "xn--strae-oqa.example"),
        ("STRASSE.example", "strasse.example"),
        # No name of a host, but Postfix sends there.
        ("☃.example", "xn--n3h.example"),
        ("A_b.example", "a_b.example"),
        ("a_b.việt.example", "a_b.xn--vit-5kz.example"),
        ("xn--n3h.việt.example", "xn--n3h.xn--vit-5kz.example"),
    ],
)
def test_a_domain_is_asked_for_as_postfix_writes_it_for_dns(
    zone: NameServer, resolver: Resolver, ask: Ask, key: str, name: str
) -> None:
    zone.put(name, "MX", "10 mx.a.example.")
    assert (ask(key), resolver.asked) == ("NOTFOUND ", [name])
    resolver.reply = policy("mx.a.example").replace("policy_domain=a.example", f"policy_domain={name}")
    assert ask(key).startswith("OK secure match=mx.a.example ")


@pytest.mark.parametrize("key", ["\N{ARABIC END OF AYAH}.example", "\ue000.example"])
def test_mail_waits_for_a_domain_that_cannot_be_written_for_dns(resolver: Resolver, ask: Ask, key: str) -> None:
    """Postfix refuses it before it asks; should its tables of characters be newer, another level would be a guess."""
    assert ask(key) == "TEMP the domain cannot be written in ASCII"
    assert resolver.asked == []


def test_a_label_that_is_too_long_for_dns_has_no_policy(resolver: Resolver, ask: Ask) -> None:
    assert (ask("ỉ" * 64 + ".example"), resolver.asked) == ("NOTFOUND ", [])


# --- The socket ---


def talk(door: tls_policy.PolicyServer, resolver: Resolver, act: Callable[[Path], Awaitable[None]]) -> None:
    """Do something to the socket that Postfix asks by."""

    async def run() -> None:
        path = resolver.path.with_name("door")
        async with resolving(resolver), await asyncio.start_unix_server(door.serve, path):
            await act(path)

    asyncio.run(asyncio.wait_for(run(), 20))


async def read(reader: asyncio.StreamReader) -> bytes | None:
    return await tls_policy.read_netstring(reader, tls_policy.REPLY)


def test_requests_in_one_packet_are_answered_in_their_order(door: tls_policy.PolicyServer, resolver: Resolver) -> None:
    resolver.reply = policy("mx.a.example")

    async def act(path: Path) -> None:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"16:policy a.example,15:policy .example,16:policy a.exa")
        assert await read(reader) == ENFORCED.encode()
        assert await read(reader) == b"NOTFOUND "
        writer.write(b"mple,")
        assert await read(reader) == ENFORCED.encode()
        writer.close()

    talk(door, resolver, act)


@pytest.mark.parametrize(
    "octets",
    [
        b"99999:" + b"a" * 99999,
        b"1025:" + b"a" * 1025 + b",",
        b"99999999999999999999999999",
        b":policy a.example,",
        b"16:policy a.example;",
        b"GET / HTTP/1.0\r\n\r\n",
        b"-1:a,",
        b"3:\xff\xfe\xfd,",
    ],
)
def test_whoever_does_not_speak_netstrings_is_cut_off_and_nobody_else_is(
    door: tls_policy.PolicyServer, resolver: Resolver, octets: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    async def act(path: Path) -> None:
        other, others = await asyncio.open_unix_connection(path)
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(octets)
        # Reset where not all that was sent has been read.
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        others.write(b"15:policy .example,")
        assert await read(other) == b"NOTFOUND "
        others.close()

    talk(door, resolver, act)
    assert "a connection is cut off" in capsys.readouterr().err


def test_a_slow_domain_keeps_no_other_waiting(
    door: tls_policy.PolicyServer, zone: NameServer, resolver: Resolver
) -> None:
    zone.silent.add("slow.example")

    async def act(path: Path) -> None:
        slow, writer = await asyncio.open_unix_connection(path)
        writer.write(b"19:policy slow.example,")
        begin = time.monotonic()
        quick, others = await asyncio.open_unix_connection(path)
        others.write(b"16:policy a.example,")
        assert await read(quick) == b"NOTFOUND "
        assert time.monotonic() - begin < 0.9
        told = await read(slow)
        assert told is not None and told.startswith(b"TEMP ")
        writer.close()
        others.close()

    talk(door, resolver, act)


def test_questions_to_the_resolver_and_to_dns_take_their_turn(
    zone: Any, resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else strangers' policies and exchangers would fill memory, or sockets would run out."""
    monkeypatch.setattr(tls_policy, "QUESTIONS", 2)
    monkeypatch.setattr(dane, "QUESTIONS", 3)
    domains = [f"d{n}.example" for n in range(8)]
    for domain in domains:
        zone.put(domain, "MX", "10 mx.a.example.")
        resolver.slow[domain] = 0.05
    door = tls_policy.PolicyServer(Names("127.0.0.1", zone.port, 5.0), tls_policy.Resolver(resolver.path, 5.0), 10.0)

    async def run() -> list[str]:
        async with resolving(resolver):
            return await asyncio.gather(*(door.answer(f"policy {domain}") for domain in domains))

    assert set(asyncio.run(run())) == {"NOTFOUND "}
    assert resolver.most == 2
    assert zone.most == 3


def test_connections_beyond_the_bound_are_cut_off_until_one_is_closed(
    door: tls_policy.PolicyServer, resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_policy, "CONNECTIONS", 2)

    async def act(path: Path) -> None:
        there = [await asyncio.open_unix_connection(path) for _ in range(2)]
        for reader, writer in there:
            writer.write(b"15:policy .example,")
            assert await read(reader) == b"NOTFOUND "
        more, writer = await asyncio.open_unix_connection(path)
        assert await more.read() == b""
        writer.close()
        there.pop()[1].close()
        await asyncio.sleep(0.1)
        more, writer = await asyncio.open_unix_connection(path)
        writer.write(b"15:policy .example,")
        assert await read(more) == b"NOTFOUND "
        writer.close()
        there.pop()[1].close()

    talk(door, resolver, act)


def test_whoever_says_nothing_is_cut_off_in_the_end(
    door: tls_policy.PolicyServer, resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_policy, "IDLE_SECONDS", 0.1)

    async def act(path: Path) -> None:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"16:policy")
        assert await reader.read() == b""
        writer.close()

    talk(door, resolver, act)
