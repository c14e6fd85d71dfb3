"""Filters on keys and certificates; the logic is in hanam_mail.dnssec and hanam_mail.pki."""

from hanam_mail import dnssec, pki


class FilterModule:
    def filters(self):
        return {
            "dkim_public_key": pki.dkim_public_key,
            "dns_strings": dnssec.character_strings,
            "dnssec_dnskey": dnssec.dnskey,
            "dnssec_ds": dnssec.ds,
            "dnssec_key_file_stem": dnssec.key_file_stem,
            "dnssec_private_key_file": dnssec.private_key_file,
            "reverse_name": dnssec.reverse_name,
            "tls_problems": pki.problems,
            "tlsa_for_authority": pki.tlsa_for_authority,
            "tlsa_for_key": pki.tlsa_for_key,
        }
