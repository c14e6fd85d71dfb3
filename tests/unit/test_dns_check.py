"""What the world answers against what the mail domain is to publish: each kind of difference, and a real server."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from hanam_mail.dns_check import (
    Difference,
    DnsAnswer,
    DnssecProof,
    Servers,
    WantedRecords,
    What,
    differences,
    read,
    text_of,
)
from hanam_mail.errors import InputError

HASH = 32 * "aa"
ZONE = f"""; of a domain
$ORIGIN hanam.gov.vn.
@ 3600 IN MX 10 mx.hanam.gov.vn.
mx 3600 IN A 192.0.2.1
mx 3600 IN A 192.0.2.2
@ 3600 IN TXT "v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 -all"
hn2026._domainkey 3600 IN TXT "v=DKIM1; k=rsa; p=MIIB" "IjAN"
_25._tcp.mx 3600 IN TLSA 3 1 1 {HASH}
"""
DOMAIN, MX, KEY = "hanam.gov.vn.", "mx.hanam.gov.vn.", "hn2026._domainkey.hanam.gov.vn."
SPF = '"v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 -all"'
DKIM = '"v=DKIM1; k=rsa; p=MIIB" "IjAN"'
RIGHT = {
    (DOMAIN, "MX"): ["10 mx.hanam.gov.vn."],
    (MX, "A"): ["192.0.2.2", "192.0.2.1"],
    (DOMAIN, "TXT"): [SPF],
    (KEY, "TXT"): [DKIM],
    (f"_25._tcp.{MX}", "TLSA"): [f"3 1 1 {HASH}"],
}


@pytest.fixture
def wanted(tmp_path: Path) -> list[WantedRecords]:
    file = tmp_path / "hanam.gov.vn.zone"
    file.write_text(ZONE)
    return read(file)


def found(
    wanted: list[WantedRecords], signature: DnssecProof = DnssecProof.GOOD, **otherwise: list[str]
) -> list[Difference]:
    """What differs where the world answers RIGHT, but for some types at the domain itself, or at KEY and MX."""
    there = RIGHT | {
        {"mx": (DOMAIN, "MX"), "a": (MX, "A"), "txt": (DOMAIN, "TXT"), "key": (KEY, "TXT")}[name]: data
        for name, data in otherwise.items()
    }
    return list(differences(wanted, lambda name, kind: DnsAnswer(tuple(there[name, kind]), signature)))


def test_nothing_differs_where_all_is_published(wanted: list[WantedRecords]) -> None:
    assert len(wanted) == 5
    assert found(wanted) == []


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("txt", ['"v=spf1 ip4:192.0.2.2  ip4:192.0.2.1 " "-all"']),  # another order, in two pieces
        ("txt", [SPF, '"google-site-verification=abc"']),  # of no concern to mail
        ("key", ['"v=DKIM1;k=rsa; p=MII" "BIjAN ; "']),
        ("key", ['"v=DKIM1; p=MIIBIjAN; k=rsa"']),
        ("mx", ["10 MX.Hanam.gov.vn."]),
    ],
)
def test_what_means_the_same_is_no_difference(wanted: list[WantedRecords], name: str, data: list[str]) -> None:
    assert found(wanted, **{name: data}) == []


OTHER = '"v=spf1 ip4:192.0.2.9 -all"'


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("mx", [], [Difference(DOMAIN, "MX", What.MISSING, "10 mx.hanam.gov.vn.")]),
        ("mx", ["10 mx.hanam.gov.vn.", "5 x.vn."], [Difference(DOMAIN, "MX", What.EXTRA, "", "5 x.vn.")]),
        ("a", ["192.0.2.1"], [Difference(MX, "A", What.MISSING, "192.0.2.2")]),
        ("txt", ['"other"'], [Difference(DOMAIN, "TXT", What.MISSING, SPF)]),
        ("txt", [OTHER], [Difference(DOMAIN, "TXT", What.DIFFERENT, SPF, OTHER)]),
        ("txt", [SPF, OTHER], [Difference(DOMAIN, "TXT", What.EXTRA, "", OTHER)]),
        (
            "txt",
            [OTHER, '"V=SPF1 +all"'],
            [
                Difference(DOMAIN, "TXT", What.MISSING, SPF),
                Difference(DOMAIN, "TXT", What.EXTRA, "", OTHER),
                Difference(DOMAIN, "TXT", What.EXTRA, "", '"V=SPF1 +all"'),
            ],
        ),
        # Two of a kind are none, and a key is a key by its place.
        ("txt", [SPF, SPF.upper()], [Difference(DOMAIN, "TXT", What.EXTRA, "", SPF.upper())]),
        ("key", ['"k=rsa; p=MIIBIjAN"'], [Difference(KEY, "TXT", What.DIFFERENT, DKIM, '"k=rsa; p=MIIBIjAN"')]),
        # A tab is no space there.
        (
            "txt",
            [SPF.replace(" -all", "\\009-all")],
            [Difference(DOMAIN, "TXT", What.DIFFERENT, SPF, SPF.replace(" -all", "\\009-all"))],
        ),
        # What stands last counts last.
        (
            "txt",
            ['"v=spf1 -all ip4:192.0.2.1 ip4:192.0.2.2"'],
            [Difference(DOMAIN, "TXT", What.DIFFERENT, SPF, '"v=spf1 -all ip4:192.0.2.1 ip4:192.0.2.2"')],
        ),
        (
            "key",
            ['"v=DKIM1; k=rsa; p=MIIBIjAX"'],
            [Difference(KEY, "TXT", What.DIFFERENT, DKIM, '"v=DKIM1; k=rsa; p=MIIBIjAX"')],
        ),
    ],
)
def test_each_difference_is_named(
    wanted: list[WantedRecords], name: str, data: list[str], expected: list[Difference]
) -> None:
    assert found(wanted, **{name: data}) == expected


def test_a_zone_without_signatures_is_told(wanted: list[WantedRecords]) -> None:
    assert [each.what for each in found(wanted, DnssecProof.NONE)] == [What.UNSIGNED] * 5


def test_signatures_that_nobody_tried_are_told_once(wanted: list[WantedRecords]) -> None:
    assert [each.what for each in found(wanted, DnssecProof.UNTRIED)] == [What.UNVALIDATED]


def test_an_alias_is_no_place_for_mail(wanted: list[WantedRecords]) -> None:
    def ask(name: str, kind: str) -> DnsAnswer:
        return DnsAnswer(tuple(RIGHT[name, kind]), DnssecProof.GOOD, ("edge1.hanam.gov.vn.",) if name == MX else ())

    assert list(differences(wanted, ask)) == [Difference(MX, "A", What.EXTRA, "", "CNAME edge1.hanam.gov.vn.")]


def test_where_faults_of_certificates_are_reported_is_of_no_concern() -> None:
    wanted = [WantedRecords(DOMAIN, "CAA", ('0 issue "letsencrypt.org"',))]
    there = ('0 iodef "mailto:a@hanam.gov.vn"', '0 issue "letsencrypt.org"', '0 issue "other.example"')
    told = list(differences(wanted, lambda name, kind: DnsAnswer(there, DnssecProof.GOOD)))
    assert told == [Difference(DOMAIN, "CAA", What.EXTRA, "", '0 issue "other.example"')]


def test_who_answers_for_the_domain_alone_is_not_asked_for_reverse_names(wanted: list[WantedRecords]) -> None:
    refused = DnsAnswer(error="192.0.2.53: REFUSED", elsewhere=True)
    reverse = WantedRecords("1.2.0.192.in-addr.arpa.", "PTR", ("mail.hanam.gov.vn.",))
    assert list(differences([reverse], lambda name, kind: refused)) == []
    assert [each.what for each in differences(wanted[:1], lambda name, kind: refused)] == [What.UNANSWERED]


def test_reverse_names_need_no_signature() -> None:
    wanted = [WantedRecords("1.2.0.192.in-addr.arpa.", "PTR", ("mail.hanam.gov.vn.",))]
    assert list(differences(wanted, lambda name, kind: DnsAnswer(("mail.hanam.gov.vn.",)))) == []


def test_who_does_not_answer_is_no_missing_record(wanted: list[WantedRecords]) -> None:
    told = list(differences(wanted, lambda name, kind: DnsAnswer(error="192.0.2.53: SERVFAIL")))
    assert {each.what for each in told} == {What.UNANSWERED}
    assert {each.found for each in told} == {"192.0.2.53: SERVFAIL"}


@pytest.mark.parametrize("text", ["mx IN NOSUCHTYPE x\n", "mx 3600 IN A 192.0.2.999\n", "\x00"])
def test_a_file_that_is_no_zone_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.zone"
    file.write_text(text)
    with pytest.raises(InputError, match="không phải tệp vùng DNS"):
        read(file)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ('"a" "b c"', "ab c"),
        ('"say \\"x\\" \\\\ \\195\\169"', 'say "x" \\ \\195\\169'),
        ('"\\027[2J\\010\\065"', "\\027[2J\\010A"),  # nothing that drives a terminal
        ("", ""),
    ],
)
def test_the_text_of_a_record_is_its_pieces_joined(data: str, text: str) -> None:
    assert text_of(data) == text


@contextmanager
def server(reply: Callable[[dns.message.Message], dns.message.Message | None]) -> Iterator[int]:
    """A name server on loopback, over UDP; its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(20)

        def serve() -> None:
            while True:
                try:
                    octets, peer = listening.recvfrom(4096)
                except OSError:
                    return
                if not octets:
                    return
                if (answer := reply(dns.message.from_wire(octets))) is not None:
                    listening.sendto(answer.to_wire(), peer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
                end.sendto(b"", listening.getsockname())
            thread.join()


SIGNATURE = "MX 13 3 30 20300101000000 20200101000000 1 hanam.gov.vn. AAAA"


@pytest.mark.parametrize(
    ("flags", "signature", "told"),
    [
        (dns.flags.RA | dns.flags.AD, False, DnssecProof.GOOD),  # a validating resolver
        (dns.flags.AA, True, DnssecProof.GOOD),  # the zone's own server
        (dns.flags.AA, False, DnssecProof.NONE),
        (dns.flags.RA, True, DnssecProof.UNTRIED),  # handed on by a resolver that does not validate
    ],
)
def test_servers_are_asked_over_the_wire(flags: int, signature: bool, told: DnssecProof) -> None:
    def reply(query: dns.message.Message) -> dns.message.Message:
        assert query.ednsflags & dns.flags.DO
        answer = dns.message.make_response(query)
        answer.flags |= flags
        answer.answer.append(dns.rrset.from_text(DOMAIN, 30, "IN", "MX", "10 mx.hanam.gov.vn."))
        if signature:
            answer.answer.append(dns.rrset.from_text(DOMAIN, 30, "IN", "RRSIG", SIGNATURE))
        return answer

    with server(reply) as port:
        assert Servers(["127.0.0.1"], port=port).ask(DOMAIN, "MX") == DnsAnswer(("10 mx.hanam.gov.vn.",), told)


def test_a_name_that_does_not_exist_has_no_records_and_a_broken_server_says_nothing() -> None:
    code = dns.rcode.NXDOMAIN

    def reply(query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        answer.set_rcode(code)
        return answer

    with server(reply) as port:
        servers = Servers(["127.0.0.1"], port=port)
        assert servers.ask(DOMAIN, "MX") == DnsAnswer()
        code = dns.rcode.SERVFAIL
        assert servers.ask(DOMAIN, "MX") == DnsAnswer(error="127.0.0.1: SERVFAIL")


def test_the_next_server_is_asked_where_one_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hanam_mail.dns_check.TIMEOUT", 0.2)
    seen = list[str]()

    def reply(query: dns.message.Message) -> dns.message.Message | None:
        seen.append(str(query.question[0].name))
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        return answer if len(seen) > 1 else None

    with server(reply) as port:
        assert Servers(["127.0.0.1", "127.0.0.1"], port=port).ask(DOMAIN, "MX") == DnsAnswer()
    assert seen == [DOMAIN, DOMAIN]


def test_who_is_silent_is_not_waited_for_at_every_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hanam_mail.dns_check.TIMEOUT", 0.1)
    seen = list[str]()

    def reply(query: dns.message.Message) -> None:
        seen.append(str(query.question[0].name))

    with server(reply) as port:
        servers = Servers(["127.0.0.1"], port=port)
        told = [servers.ask(name, "MX") for name in (DOMAIN, MX, KEY)]
    assert all(each.error.startswith("127.0.0.1: ") for each in told)
    assert seen == [DOMAIN, DOMAIN]


def test_an_alias_is_followed_and_told() -> None:
    def reply(query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA
        answer.answer.append(dns.rrset.from_text(MX, 30, "IN", "CNAME", "edge1.hanam.gov.vn."))
        answer.answer.append(dns.rrset.from_text("edge1.hanam.gov.vn.", 30, "IN", "A", "192.0.2.1"))
        answer.answer.append(dns.rrset.from_text("elsewhere.vn.", 30, "IN", "A", "192.0.2.66"))
        return answer

    with server(reply) as port:
        told = Servers(["127.0.0.1"], port=port).ask(MX, "A")
    assert (told.data, told.aliases) == (("192.0.2.1",), ("edge1.hanam.gov.vn.",))


@pytest.mark.parametrize(("flags", "code"), [(0, dns.rcode.REFUSED), (0, dns.rcode.NOERROR)])
def test_a_server_of_other_zones_says_nothing_of_this_one(flags: int, code: dns.rcode.Rcode) -> None:
    def reply(query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query)
        answer.flags |= flags
        answer.set_rcode(code)
        return answer

    with server(reply) as port:
        told = Servers(["127.0.0.1"], port=port).ask(DOMAIN, "MX")
    assert told.error.startswith("127.0.0.1: ") and told.elsewhere


def test_answers_that_are_none_do_not_silence_a_server() -> None:
    """A truncated answer and nobody at TCP; octets that are no message."""
    names = list[str]()

    def reply(query: dns.message.Message) -> dns.message.Message:
        names.append(str(query.question[0].name))
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA
        if str(query.question[0].name) == DOMAIN:
            answer.answer.append(dns.rrset.from_text(MX, 30, "IN", "CNAME", MX))  # no end of it
        return answer

    with server(reply) as port:
        servers = Servers(["127.0.0.1"], port=port)
        servers.ask(DOMAIN, "MX")
        assert servers.ask(MX, "A").error == ""
    assert names[-1] == MX
