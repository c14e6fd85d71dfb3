"""DNS zones as data: what the mail domain publishes, and whole zone files with their delegations.

Records are mappings with `name` (relative to the zone, `@` for itself), `type` and `data`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dns.exception
import dns.name
import dns.zone

from hanam_mail.controller.keys import dnssec, pki

Record = dict[str, str]


class ZoneError(ValueError):
    """A zone that no server would load, with zone and reason in the message."""


def sts_policy(mx: str, *, mode: str, max_age: int) -> str:
    """The text of the MTA-STS policy (RFC 8461, 3.2)."""
    return f"version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: {max_age}\n"


def mail_records(facts: Mapping[str, Any]) -> list[Record]:
    """What the mail domain publishes, computed from the facts that the hosts are configured from.

    `facts` has: domain; names (service -> full name) and service_groups (service -> group), both
    with webmail, imap, submission, mx; groups (group -> hosts); host_addresses (host -> addresses);
    dkim_records (selector -> text, of all keys to be known); dmarc; tls_report; tlsa_keys
    (private keys of the mx hosts); sts_policy (empty: none); client_names (autoconfig, autodiscover
    -> full name; one that is missing is not served); pop3 (whether it is); ca_issuers; ca_accounts (rows with
    names, issuer and account: an ACME account that alone may have these names certified).
    """
    domain = facts["domain"]
    names, ports = facts["names"], facts["ports"]

    def label(name: str) -> str:
        return name.removesuffix("." + domain)

    def addresses_of(group: str) -> list[str]:
        return [address for host in facts["groups"][group] for address in facts["host_addresses"][host]]

    published = {names[service]: addresses_of(group) for service, group in facts["service_groups"].items()}
    if facts["sts_policy"]:
        published[f"mta-sts.{domain}"] = addresses_of(facts["service_groups"]["webmail"])
    for name in facts["client_names"].values():
        published[name] = addresses_of(facts["service_groups"]["webmail"])
    # Hosts that other servers meet under their own names: in HELO and in reverse lookups.
    for group in dict.fromkeys(facts["service_groups"].values()):
        for host in facts["groups"][group]:
            published[f"{host}.{domain}"] = list(facts["host_addresses"][host])

    records: list[Record] = [_record("@", "MX", f"10 {names['mx']}.")]
    for name, addresses in published.items():
        records += [_address(label(name), address) for address in addresses]

    hosts = _sending_hosts(facts)
    sending = dict.fromkeys(address for host in hosts for address in facts["host_addresses"][host])
    senders = " ".join(_spf_mechanism(address) for address in sending)
    records.append(_text("@", f"v=spf1 {senders} -all"))
    # A bounce has no sender but the name in HELO; nobody else may say that name. All other names send and take no mail
    # (RFC 7208, 10.1.2; RFC 7505).
    helo = {names["mx"]} | {f"{host}.{domain}" for host in hosts}
    for name in published:
        if name in helo:
            records.append(_text(label(name), "v=spf1 a -all"))
        else:
            records += [_text(label(name), "v=spf1 -all"), _record(label(name), "MX", "0 .")]
    records += [_text(f"{selector}._domainkey", text) for selector, text in facts["dkim_records"].items()]
    records.append(_text("_dmarc", facts["dmarc"]))

    for private_key in facts["tlsa_keys"]:
        records.append(_record(f"_25._tcp.{label(names['mx'])}", "TLSA", pki.tlsa_for_key(private_key)))
    if facts["sts_policy"]:
        # The number must change with the policy, or senders keep the old one.
        number = hashlib.sha256(facts["sts_policy"].encode()).hexdigest()[:20]
        records.append(_text("_mta-sts", f"v=STSv1; id={number}"))
    records.append(_text("_smtp._tls", f"v=TLSRPTv1; rua=mailto:{facts['tls_report']}"))

    # RFC 6186 and 8314: mail clients find the services from the address alone; without TLS there is none.
    records += [
        _record("_submissions._tcp", "SRV", f"0 1 {ports['submissions']} {names['submission']}."),
        _record("_submission._tcp", "SRV", f"10 1 {ports['submission']} {names['submission']}."),
        _record("_imaps._tcp", "SRV", f"0 1 {ports['imaps']} {names['imap']}."),
        _record("_pop3s._tcp", "SRV", f"10 1 {ports['pop3s']} {names['imap']}." if facts["pop3"] else "0 0 0 ."),
        _record("_sieve._tcp", "SRV", f"0 1 {ports['sieve']} {names['imap']}."),
        _record("_imap._tcp", "SRV", "0 0 0 ."),
        _record("_pop3._tcp", "SRV", "0 0 0 ."),
    ]
    if "autodiscover" in facts["client_names"]:
        # Outlook's last way, after the name itself.
        found = facts["client_names"]["autodiscover"]
        records.append(_record("_autodiscover._tcp", "SRV", f"0 1 {ports['https']} {found}."))
    records += [_record("@", "CAA", f'0 issue "{issuer}"') for issuer in facts["ca_issuers"]]
    # RFC 8657, at each name: what stands at the domain itself holds for its other names too, which are others' affair.
    bound = dict.fromkeys(
        (name, f'0 issue "{row["issuer"]}; accounturi={row["account"]}"')
        for row in facts["ca_accounts"]
        for name in row["names"]
    )
    records += [_record(label(name), "CAA", data) for name, data in bound]
    return records


def acme_account_rows(
    accounts: Mapping[str, str], issuer: str, variables: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Rows of `ca_accounts` (mail_records) for accounts by host; `variables` are those of all hosts."""
    return [
        {"names": list(variables[host]["certificates_names"]), "issuer": issuer, "account": account}
        for host, account in accounts.items()
    ]


def mail_reverse_records(facts: Mapping[str, Any]) -> list[Record]:
    """Under which name other servers find each address that speaks to them; `facts` as mail_records has them."""
    names = {f"{host}.{facts['domain']}": facts["host_addresses"][host] for host in _sending_hosts(facts)}
    return reverse_records(names, "arpa")


def _sending_hosts(facts: Mapping[str, Any]) -> list[str]:
    """The hosts from which mail goes out."""
    groups = (facts["service_groups"][service] for service in ("mx", "submission"))
    return list(dict.fromkeys(host for group in groups for host in facts["groups"][group]))


def reverse_records(names: Mapping[str, Iterable[str]], zone: str) -> list[Record]:
    """PTR records of those addresses (name -> addresses) whose reverse name is in `zone`."""
    return [
        _record(reverse, "PTR", f"{name}.")
        for name, addresses in names.items()
        for reverse in map(dnssec.reverse_name, addresses)
        if reverse.endswith(f".{zone}.")
    ]


def list_zones(listed: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    """Zones of lists of senders or links (RFC 5782): zone -> {what is asked -> the address that is answered}."""
    return [
        {"name": zone, "records": [_record(str(name), "A", answer) for name, answer in answers.items()]}
        for zone, answers in listed.items()
    ]


def sts_records(domains: Iterable[Mapping[str, Any]], zone: str, addresses: Iterable[str]) -> list[Record]:
    """MX, and what leads to the MTA-STS policy (RFC 8461, 3), of foreign domains directly below `zone`.

    A domain has `name`, `exchanger` (one below the domain if it has no dot) and all that its policy is made of.
    """
    there = [("AAAA" if ":" in address else "A", address) for address in addresses]
    records = []
    for domain in domains:
        name = domain["name"].removesuffix(f".{zone}")
        number = hashlib.sha256(repr(sorted(domain.items())).encode()).hexdigest()[:16]
        hosts = [f"mta-sts.{name}"]
        exchanger = domain["exchanger"]
        if "." not in exchanger:
            hosts.append(f"{exchanger}.{name}")
            exchanger = f"{exchanger}.{domain['name']}"
        records += [_record(name, "MX", f"10 {exchanger}."), _text(f"_mta-sts.{name}", f"v=STSv1; id={number}")]
        records += [_record(host, kind, address) for host in hosts for kind, address in there]
    return records


def record_lines(records: Iterable[Mapping[str, str]], ttl: int) -> str:
    """Records as lines of a zone file."""
    return "".join(f"{record['name']} {ttl} IN {record['type']} {record['data']}\n" for record in records)


def zone_files(
    zones: Sequence[Mapping[str, Any]], *, nameserver: str, addresses: Sequence[str], ttl: int
) -> list[dict[str, str]]:
    """For each zone its `name`, `file` (a safe file name), `text`, and if signed `dnskey` and `private`.

    A zone has `name`, perhaps `key` (none: unsigned), `records`, and `bogus` (its parent
    publishes a wrong DS, so validation must fail). Delegations come from the list itself.
    """
    names = [dns.name.from_text(zone["name"]) for zone in zones]
    parents = [_parent(name, names) for name in names]
    result = []
    for zone, name in zip(zones, names, strict=True):
        lines = [
            f"$ORIGIN {name.to_text()}",
            # The serial is no version here: there is no secondary to tell.
            f"@ {ttl} IN SOA {nameserver}. hostmaster.{nameserver}. 1 3600 600 86400 {min(ttl, 5)}",
            f"@ {ttl} IN NS {nameserver}.",
        ]
        own = record_lines(zone.get("records") or [], ttl).splitlines()
        for child, child_name, parent in zip(zones, names, parents, strict=True):
            if parent == name:
                lines.append(f"{child_name.to_text()} {ttl} IN NS {nameserver}.")
                if child.get("key"):
                    # A digest over another name is well-formed and matches nothing.
                    owner = f"not-{child['name']}" if child.get("bogus") else child["name"]
                    lines.append(f"{child_name.to_text()} {ttl} IN DS {dnssec.ds(child['key'], owner)}")
        server = dns.name.from_text(nameserver)
        if server.is_subdomain(name):
            lines += [
                f"{nameserver}. {ttl} IN {record['type']} {record['data']}"
                for record in (_address("@", address) for address in addresses)
            ]
        text = "\n".join([*lines, *own]) + "\n"
        try:
            dns.zone.from_text(text, origin=name, check_origin=True)
        except (dns.exception.DNSException, ValueError) as error:
            raise ZoneError(f"zone {zone['name']}: {error}") from error
        key = zone.get("key")
        result.append(
            {
                "name": zone["name"],
                "file": "root" if name == dns.name.root else name.to_text(omit_final_dot=True),
                "text": text,
                "dnskey": dnssec.dnskey(key) if key else "",
                "private": dnssec.private_key_file(key) if key else "",
            }
        )
    return result


def _parent(name: dns.name.Name, names: Iterable[dns.name.Name]) -> dns.name.Name | None:
    above = [other for other in names if other != name and name.is_subdomain(other)]
    return max(above, key=len, default=None)


def _record(name: str, kind: str, data: str) -> Record:
    return {"name": name, "type": kind, "data": data}


def _text(name: str, text: str) -> Record:
    return _record(name, "TXT", dnssec.character_strings(text))


def _address(name: str, address: str) -> Record:
    return _record(name, "AAAA" if ":" in address else "A", address)


def _spf_mechanism(address: str) -> str:
    return f"ip6:{address}" if ":" in address else f"ip4:{address}"
