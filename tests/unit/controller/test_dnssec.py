"""DNSSEC records computed from keys, checked against dnspython's own signing and validation."""

from __future__ import annotations

import datetime as dt

import dns.dnssec
import dns.name
import dns.rdata
import dns.rrset
import pytest
from dns.rdtypes.ANY.TXT import TXT
from hypothesis import given
from hypothesis import strategies as st

from hanam_mail.controller.keys import dkim, dnssec, pki


@pytest.fixture(scope="module")
def key() -> str:
    return pki.new_private_key()


def test_ds_belongs_to_the_dnskey(key: str) -> None:
    record = dns.rdata.from_text("IN", "DNSKEY", dnssec.dnskey(key))
    expected = dns.dnssec.make_ds(dns.name.from_text("hanam.gov.vn"), record, "SHA256")
    assert dnssec.ds(key, "hanam.gov.vn") == expected.to_text()


def test_ds_depends_on_the_zone(key: str) -> None:
    assert dnssec.ds(key, "vn") != dnssec.ds(key, "gov.vn")


def test_name_with_and_without_final_dot_is_the_same_zone(key: str) -> None:
    assert dnssec.ds(key, "vn") == dnssec.ds(key, "vn.")


def test_dnskey_is_a_secure_entry_point_of_algorithm_13(key: str) -> None:
    assert dnssec.dnskey(key).startswith("257 3 13 ")


def test_private_file_holds_the_number_in_32_bytes(key: str) -> None:
    text = dnssec.private_key_file(key)
    assert "Algorithm: 13 (ECDSAP256SHA256)\n" in text
    assert len(text.splitlines()[2]) == len("PrivateKey: ") + 44


def test_rsa_key_is_refused() -> None:
    with pytest.raises(dnssec.DnssecError, match="not ECDSA P-256"):
        dnssec.dnskey(next(iter(dkim.new_keys(dt.date(2026, 1, 1)).values())))


def test_bad_key_is_not_quoted() -> None:
    with pytest.raises(dnssec.DnssecError) as caught:
        dnssec.dnskey("secret material")
    assert "secret" not in str(caught.value)


def test_reverse_names() -> None:
    assert dnssec.reverse_name("10.27.1.10") == "10.1.27.10.in-addr.arpa."
    assert dnssec.reverse_name("fd27:0:0:1::10").endswith(".7.2.d.f.ip6.arpa.")


@given(st.text(max_size=700))
def test_txt_data_reads_back_as_the_same_text(text: str) -> None:
    record = dns.rdata.from_text("IN", "TXT", dnssec.character_strings(text))
    assert isinstance(record, TXT)
    assert b"".join(record.strings) == text.encode()
    assert all(len(piece) <= 255 for piece in record.strings)
