"""Networks as rules of access of OpenLDAP write them."""

import ipaddress
from collections.abc import Iterable


def peers(networks: Iterable[str]) -> list[str]:
    """Who comes from one of these networks (CIDR), as slapd.access(5) has it.

    "10.27.0.0/16" -> "peername.ip=10.27.0.0%255.255.0.0"
    """
    found = (ipaddress.ip_network(str(each), strict=False) for each in networks)
    return [f"peername.{'ip' if each.version == 4 else 'ipv6'}={each.network_address}%{each.netmask}" for each in found]
