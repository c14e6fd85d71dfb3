"""Each host has a validating resolver of its own, which alone makes DANE trustworthy."""

import dns.flags
import dns.message
import dns.rcode
import dns.reversename
import dns.rrset
import pytest

from tests.lab import Lab

# A question over UDP to the host's resolver, from the host itself: the resolver listens nowhere else.
ASK = (
    "import socket,sys; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.settimeout(10);"
    "s.sendto(bytes.fromhex(sys.argv[1]),('127.0.0.1',53)); print(s.recv(4096).hex())"
)


def ask(lab: Lab, host: str, name: str, kind: str) -> dns.message.Message:
    query = dns.message.make_query(name, kind, want_dnssec=True)
    printed = lab.run(host, f'python3 -c "{ASK}" {query.to_wire().hex()}')
    return dns.message.from_wire(bytes.fromhex(printed.strip()))


@pytest.fixture(scope="module", params=["mx", "internet"])
def host(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.dieu3
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (".", "NS"),
        ("ngoai.example", "MX"),
        ("_25._tcp.mx.ngoai.example", "TLSA"),
        ("hanam.gov.vn", "MX"),
        ("_25._tcp.mx.hanam.gov.vn", "TLSA"),
    ],
)
def test_signed_names_are_validated(lab: Lab, host: str, name: str, kind: str) -> None:
    answer = ask(lab, host, name, kind)
    assert answer.rcode() == dns.rcode.NOERROR
    assert answer.answer
    assert answer.flags & dns.flags.AD


@pytest.mark.dieu3
def test_forged_zone_is_refused(lab: Lab, host: str) -> None:
    assert ask(lab, host, "mx.bogus.example", "A").rcode() == dns.rcode.SERVFAIL


def test_unsigned_zone_is_answered_without_claiming_proof(lab: Lab, host: str) -> None:
    answer = ask(lab, host, "khongky.example", "MX")
    assert answer.answer
    assert not answer.flags & dns.flags.AD


def test_absence_is_proven(lab: Lab, host: str) -> None:
    answer = ask(lab, host, "khongco.hanam.gov.vn", "A")
    assert answer.rcode() == dns.rcode.NXDOMAIN
    assert answer.flags & dns.flags.AD


@pytest.mark.parametrize("family", ["host_ipv4", "host_ipv6"])
def test_mail_hosts_have_reverse_names_that_lead_back(lab: Lab, host: str, family: str) -> None:
    address = lab.hosts[lab.host("mx")][family]
    reverse = dns.reversename.from_address(address)
    (record, *_) = ask(lab, host, reverse.to_text(), "PTR").answer
    kind = "AAAA" if ":" in address else "A"
    forward = ask(lab, host, record[0].target.to_text(), kind).answer[0]
    assert dns.rrset.from_text(forward.name, 0, "IN", kind, address)[0] in forward


def test_only_the_own_resolver_is_asked(lab: Lab, host: str) -> None:
    lines = lab.look_at(host).file("/etc/resolv.conf").content_string.splitlines()
    assert [line for line in lines if line.startswith("nameserver")] == ["nameserver 127.0.0.1"]


def test_resolver_listens_on_loopback_only(lab: Lab, host: str) -> None:
    sockets = lab.run(host, "ss -Hlntup 'sport = :53'").splitlines()
    addresses = {line.split()[4] for line in sockets if "unbound" in line}
    assert addresses == {"127.0.0.1:53", "[::1]:53"}
