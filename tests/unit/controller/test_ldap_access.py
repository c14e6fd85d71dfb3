"""Who may read the address book by LDAP, as slapd writes networks."""

import pytest

from hanam_mail.controller.ldap_access import peers


def test_networks_and_single_addresses_of_both_kinds_become_rules() -> None:
    assert peers(["10.27.0.0/16", "192.0.2.7", "fd27::/16", "2001:db8::1"]) == [
        "peername.ip=10.27.0.0%255.255.0.0",
        "peername.ip=192.0.2.7%255.255.255.255",
        "peername.ipv6=fd27::%ffff::",
        "peername.ipv6=2001:db8::1%ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ]


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ValueError, match="mail"):
        peers(["mail.hanam.gov.vn"])
