"""The name server of the lab's Internet."""

import time

import dns.flags
import dns.message
import dns.query

from tests.lab import Lab


def test_name_server_answers_for_its_zones_and_recurses_for_nobody(lab: Lab) -> None:
    query = dns.message.make_query("hanam.gov.vn", "MX")
    answer = dns.query.udp(query, lab.address("internet"), timeout=5)
    assert answer.flags & dns.flags.AA
    assert not answer.flags & dns.flags.RA


def test_no_signature_of_a_zone_ends_where_31_bits_do(lab: Lab) -> None:
    """A program that counts seconds in 31 bits takes what ends after January 2038 for ended."""
    ends = lab.run(
        "internet", r"sed -nE 's/.*\sRRSIG\s+\S+ [0-9]+ [0-9]+ [0-9]+ ([0-9]{14}) .*/\1/p' /var/lib/nsd/signed/*"
    ).split()
    assert len(ends) > 50
    assert str(time.gmtime().tm_year + 1) < min(ends)
    assert max(ends) < "20380119031407"
