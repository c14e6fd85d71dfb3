"""Filters on keys, certificates and zones; the logic is in the package hanam_mail."""

from collections.abc import Callable
from typing import Any

from hanam_mail.controller.keys import dkim, dnssec, pki, zones


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "certificate_fingerprint": pki.fingerprint,
            "acme_account_rows": zones.acme_account_rows,
            "dkim_for_filter": dkim.for_filter,
            "dkim_published": dkim.published,
            "dkim_record": dkim.record,
            "dkim_selectors": dkim.selectors,
            "dns_lines": zones.record_lines,
            "dns_strings": dnssec.character_strings,
            "dnssec_dnskey": dnssec.dnskey,
            "dnssec_ds": dnssec.ds,
            "dnssec_private_key_file": dnssec.private_key_file,
            "mail_dns_records": zones.mail_records,
            "list_zones": zones.list_zones,
            "mail_dns_reverse": zones.mail_reverse_records,
            "mta_sts_policy": zones.sts_policy,
            "reverse_records": zones.reverse_records,
            "sts_records": zones.sts_records,
            "tls_problems": pki.problems,
            "tlsa_for_authority": pki.tlsa_for_authority,
            "tls_key_kind": pki.key_kind,
            "tlsa_for_key": pki.tlsa_for_key,
            "zone_files": zones.zone_files,
        }
