"""Zones: what the mail domain publishes, and delegations that a resolver can follow."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import dns.name
import dns.zone
import pytest

from hanam_mail.controller.keys import dkim, dnssec, pki, zones


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    return {
        "domain": "hanam.gov.vn",
        "names": {
            "webmail": "mail.hanam.gov.vn",
            "imap": "imap.hanam.gov.vn",
            "submission": "smtp.hanam.gov.vn",
            "mx": "mx.hanam.gov.vn",
        },
        "ports": {"submissions": 465, "submission": 587, "imaps": 993, "pop3s": 995, "sieve": 4190, "https": 443},
        "service_groups": {"webmail": "webmail", "imap": "mailstore", "submission": "submission", "mx": "mx"},
        "groups": {"webmail": ["store1"], "mailstore": ["store1"], "submission": ["edge1"], "mx": ["edge1"]},
        "host_addresses": {
            "edge1": ["192.0.2.1", "2001:db8::1"],
            "store1": ["192.0.2.2"],
            "db": ["192.0.2.3"],
        },
        "dkim_records": dkim.published(
            dict(zip(["s-rsa", "s-ed25519"], dkim.new_keys(dt.date(2026, 1, 1)).values(), strict=True))
        ),
        "dmarc": "v=DMARC1; p=reject",
        "tls_report": "postmaster@hanam.gov.vn",
        "tlsa_keys": [pki.new_private_key()],
        "sts_policy": zones.sts_policy("mx.hanam.gov.vn", mode="enforce", max_age=86400),
        "client_names": {"autoconfig": "autoconfig.hanam.gov.vn", "autodiscover": "autodiscover.hanam.gov.vn"},
        "pop3": True,
        "ca_issuers": ["letsencrypt.org"],
        "ca_accounts": [],
    }


def find(records: list[zones.Record], name: str, kind: str) -> list[str]:
    return [record["data"] for record in records if (record["name"], record["type"]) == (name, kind)]


def test_mail_domain_names_its_mx_and_senders(facts: dict[str, Any]) -> None:
    records = zones.mail_records(facts)
    assert find(records, "@", "MX") == ["10 mx.hanam.gov.vn."]
    assert find(records, "@", "TXT") == ['"v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 -all"']
    assert find(records, "mx", "AAAA") == ["2001:db8::1"]


def test_only_what_other_servers_hear_in_helo_may_send(facts: dict[str, Any]) -> None:
    records = zones.mail_records(facts)
    for name in ("mx", "edge1"):
        assert (find(records, name, "TXT"), find(records, name, "MX")) == (['"v=spf1 a -all"'], [])
    for name in ("mail", "imap", "smtp", "mta-sts", "autoconfig", "autodiscover", "store1"):
        assert (find(records, name, "TXT"), find(records, name, "MX")) == (['"v=spf1 -all"'], ["0 ."])


def test_hosts_without_public_services_are_not_published(facts: dict[str, Any]) -> None:
    names = {record["name"] for record in zones.mail_records(facts)}
    assert {"edge1", "store1", "mta-sts"} <= names
    assert "db" not in names


def test_each_mx_key_has_its_tlsa_record(facts: dict[str, Any]) -> None:
    assert find(zones.mail_records(facts), "_25._tcp.mx", "TLSA") == [pki.tlsa_for_key(facts["tlsa_keys"][0])]


def test_sts_number_changes_with_the_policy(facts: dict[str, Any]) -> None:
    other = facts | {"sts_policy": zones.sts_policy("mx.hanam.gov.vn", mode="testing", max_age=86400)}
    assert find(zones.mail_records(facts), "_mta-sts", "TXT") != find(zones.mail_records(other), "_mta-sts", "TXT")


def test_policy_and_reports_of_tls_are_published_in_the_words_of_their_standards(facts: dict[str, Any]) -> None:
    """RFC 8461, section 3.1; RFC 8460, section 3."""
    records = zones.mail_records(facts)
    (policy,) = find(records, "_mta-sts", "TXT")
    assert re.fullmatch('"v=STSv1; id=[0-9a-z]{1,32}"', policy)
    assert find(records, "_smtp._tls", "TXT") == ['"v=TLSRPTv1; rua=mailto:postmaster@hanam.gov.vn"']


def test_no_sts_record_without_a_policy(facts: dict[str, Any]) -> None:
    assert not find(zones.mail_records(facts | {"sts_policy": ""}), "_mta-sts", "TXT")


def test_the_names_that_mail_programs_ask_lead_to_the_webmails_hosts(facts: dict[str, Any]) -> None:
    records = zones.mail_records(facts)
    for name in ("autoconfig", "autodiscover"):
        assert (find(records, name, "A"), find(records, name, "AAAA")) == (["192.0.2.2"], [])
    assert find(records, "_autodiscover._tcp", "SRV") == ["0 1 443 autodiscover.hanam.gov.vn."]


def test_a_name_that_no_certificate_has_yet_is_not_published(facts: dict[str, Any]) -> None:
    records = zones.mail_records(facts | {"client_names": {"autoconfig": "autoconfig.hanam.gov.vn"}})
    assert find(records, "autoconfig", "A")
    assert not [record for record in records if "autodiscover" in record["name"]]


def test_programs_find_each_service_by_tls_and_are_told_that_there_is_none_without(facts: dict[str, Any]) -> None:
    """RFC 6186 and 8314, and nothing else: what is not named a program does not try."""
    services = {
        "_submissions._tcp": "0 1 465 smtp.hanam.gov.vn.",
        "_submission._tcp": "10 1 587 smtp.hanam.gov.vn.",
        "_imaps._tcp": "0 1 993 imap.hanam.gov.vn.",
        "_pop3s._tcp": "10 1 995 imap.hanam.gov.vn.",
        "_sieve._tcp": "0 1 4190 imap.hanam.gov.vn.",
        "_imap._tcp": "0 0 0 .",
        "_pop3._tcp": "0 0 0 .",
        "_autodiscover._tcp": "0 1 443 autodiscover.hanam.gov.vn.",
    }
    found = [(record["name"], record["data"]) for record in zones.mail_records(facts) if record["type"] == "SRV"]
    assert sorted(found) == sorted(services.items())


def test_pop3_that_is_not_served_is_published_as_absent(facts: dict[str, Any]) -> None:
    assert find(zones.mail_records(facts), "_pop3s._tcp", "SRV") == ["10 1 995 imap.hanam.gov.vn."]
    assert find(zones.mail_records(facts | {"pop3": False}), "_pop3s._tcp", "SRV") == ["0 0 0 ."]


def test_records_are_a_loadable_zone(facts: dict[str, Any]) -> None:
    zone = {"name": "hanam.gov.vn", "records": zones.mail_records(facts)}
    (made,) = zones.zone_files([zone], nameserver="ns.example", addresses=["192.0.2.9"], ttl=60)
    loaded = dns.zone.from_text(made["text"], origin="hanam.gov.vn")
    rsa = loaded.find_rdataset("s-rsa._domainkey", "TXT")[0].strings
    assert b"".join(rsa).startswith(b"v=DKIM1; k=rsa; p=MII")
    assert loaded.find_rdataset("s-ed25519._domainkey", "TXT")[0].strings[0].startswith(b"v=DKIM1; k=ed25519; p=")


@pytest.fixture(scope="module")
def tree() -> dict[str, dns.zone.Zone]:
    keys = {name: pki.new_private_key() for name in (".", "example", "bad.example")}
    files = zones.zone_files(
        [
            {"name": ".", "key": keys["."]},
            {"name": "example", "key": keys["example"]},
            {"name": "bad.example", "key": keys["bad.example"], "bogus": True},
            {"name": "plain.example"},
        ],
        nameserver="ns.example",
        addresses=["192.0.2.9", "2001:db8::9"],
        ttl=60,
    )
    tree = {made["file"]: dns.zone.from_text(made["text"], origin=made["name"]) for made in files}
    tree["keys"] = keys  # type: ignore[assignment]
    return tree


def test_root_delegates_with_ds_and_glue(tree: dict[str, dns.zone.Zone]) -> None:
    root = tree["root"]
    expected = dnssec.ds(tree["keys"]["example"], "example")
    assert root.find_rdataset("example", "DS")[0].to_text() == expected
    assert root.find_rdataset("ns.example", "A")[0].to_text() == "192.0.2.9"


def test_grandchildren_are_not_delegated_by_the_root(tree: dict[str, dns.zone.Zone]) -> None:
    assert tree["root"].get_rdataset("plain.example", "NS") is None
    assert tree["example"].get_rdataset("plain", "NS") is not None


def test_unsigned_zone_has_no_ds(tree: dict[str, dns.zone.Zone]) -> None:
    assert tree["example"].get_rdataset("plain", "DS") is None


def test_bogus_zone_has_a_wrong_ds(tree: dict[str, dns.zone.Zone]) -> None:
    published = tree["example"].find_rdataset("bad", "DS")[0].to_text()
    assert published != dnssec.ds(tree["keys"]["bad.example"], "bad.example")


def test_zone_that_no_server_would_load_is_named() -> None:
    zone = {"name": "example", "records": [{"name": "@", "type": "A", "data": "nonsense"}]}
    with pytest.raises(zones.ZoneError, match="zone example: "):
        zones.zone_files([zone], nameserver="ns.example", addresses=["192.0.2.9"], ttl=60)


def test_reverse_records_go_to_the_zone_of_their_address() -> None:
    names = {"mx.example": ["10.27.1.10", "fd27::a"]}
    (made,) = zones.reverse_records(names, "10.in-addr.arpa")
    assert made == {"name": "10.1.27.10.in-addr.arpa.", "type": "PTR", "data": "mx.example."}
    (made,) = zones.reverse_records(names, "d.f.ip6.arpa")
    assert made["name"].startswith("a.0.0.0.")


def test_every_address_that_sends_leads_back_to_its_host(facts: dict[str, Any]) -> None:
    found = {(record["name"], record["data"]) for record in zones.mail_reverse_records(facts)}
    assert ("1.2.0.192.in-addr.arpa.", "edge1.hanam.gov.vn.") in found
    assert {data for _, data in found} == {"edge1.hanam.gov.vn."}
    assert len(found) == 2


def test_a_foreign_domain_with_a_policy_says_where_it_is_and_when_it_changed() -> None:
    domain = {"name": "a.example", "exchanger": "mx", "mode": "enforce", "allowed": ["mx.a.example"]}
    found = zones.sts_records([domain], "example", ["192.0.2.1", "2001:db8::1"])
    assert find(found, "a", "MX") == ["10 mx.a.example."]
    assert find(found, "mta-sts.a", "A") == find(found, "mx.a", "A") == ["192.0.2.1"]
    assert find(found, "mta-sts.a", "AAAA") == ["2001:db8::1"]
    other = zones.sts_records([domain | {"mode": "testing", "exchanger": "mx.b.example"}], "example", ["192.0.2.1"])
    assert find(other, "a", "MX") == ["10 mx.b.example."]
    assert find(other, "mx.a", "A") == []
    (before,), (after,) = find(found, "_mta-sts.a", "TXT"), find(other, "_mta-sts.a", "TXT")
    assert before.startswith('"v=STSv1; id=')
    assert before != after


ACCOUNTS = {"edge1": "https://acme.example/acct/1", "store1": "https://acme.example/acct/2"}


def test_an_account_alone_may_have_the_names_of_its_host_certified(facts: dict[str, Any]) -> None:
    names = {"edge1": ["mx.hanam.gov.vn", "smtp.hanam.gov.vn"], "store1": ["mail.hanam.gov.vn", "mx.hanam.gov.vn"]}
    rows = zones.acme_account_rows(
        ACCOUNTS, "acme.example", {host: {"certificates_names": served} for host, served in names.items()}
    )
    records = zones.mail_records(facts | {"ca_accounts": rows})
    first, second = (f'0 issue "acme.example; accounturi={account}"' for account in ACCOUNTS.values())
    assert find(records, "smtp", "CAA") == [first]
    # Either of two hosts that serve one name.
    assert find(records, "mx", "CAA") == [first, second]
    # Other names of the domain are others' affair.
    assert find(records, "@", "CAA") == ['0 issue "letsencrypt.org"']
    zone = zones.record_lines(records, 60)
    parsed = dns.zone.from_text(f"$ORIGIN hanam.gov.vn.\n{zone}", origin="hanam.gov.vn.", check_origin=False)
    assert parsed.get_rdataset("smtp", "CAA")[0].value.decode() == first.split('"')[1]
