"""What stands in a committed file only until somebody knows better: it must not reach officials or the Internet.

The lab lives on such values. A rehearsal needs true addresses and keys, production a true telephone besides.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hanam_mail.controller.handover.opening import recipient
from hanam_mail.errors import InputError

# For documentation only (RFC 5737, 3849, 9637): nothing is ever reached there.
EXAMPLE_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")
)
# Names that never exist (RFC 2606, 6761).
_EXAMPLE_DOMAIN = re.compile(r"(^|\.)(example(\.(com|net|org))?|test|invalid|localhost)$")
_ADDRESSES = ("ansible_host", "host_ipv4", "host_ipv6")
_NETWORKS = ("admin_networks", "guessing_province_networks")
_MAILBOXES = ("support_email", "operator_address")


def problems(variables: Mapping[str, Any], host: str, groups: Mapping[str, Iterable[str]]) -> list[str]:
    """One Vietnamese sentence for each placeholder left on a host of staging or production."""
    found: list[str] = []
    if any(host in groups.get(name, ()) for name in ("staging", "production")):
        found += _addresses(variables, host)
        found += _keys(variables.get("mailboxes_operator_keys"))
        found += _mailboxes(variables)
    if host in groups.get("production", ()):
        digits = re.sub(r"\D", "", str(variables.get("support_phone") or ""))
        if not 8 <= len(digits) <= 15 or digits.endswith("000000"):
            found.append(f"support_phone: cần số điện thoại thật, đang là {variables.get('support_phone')!r} (Đ10.8)")
        if "staging" in str(variables.get("acme_directory_url") or ""):
            found.append("acme_directory_url: đang là nơi cấp chứng thư thử; không ai tin chứng thư của nó")
    return found


def _addresses(variables: Mapping[str, Any], host: str) -> Iterator[str]:
    for name in _ADDRESSES:
        if _is_example(variables.get(name)):
            yield f"{name} của {host}: {variables[name]} là địa chỉ dành cho ví dụ; cần địa chỉ thật của máy"
    for name in _NETWORKS:
        networks = variables.get(name)
        for network in networks if isinstance(networks, list) else ():
            if _is_example(network):
                yield f"{name}: {network} là mạng dành cho ví dụ; cần mạng thật"


def _is_example(value: Any) -> bool:
    try:
        network = ipaddress.ip_network(str(value), strict=False)
    except ValueError:
        return False  # a name, or told elsewhere
    return any(network.version == example.version and network.subnet_of(example) for example in EXAMPLE_NETWORKS)  # type: ignore[arg-type]


def _keys(keys: Any) -> Iterator[str]:
    """Keys in the right form that no key pair has: what is sealed to them, nobody opens."""
    for key in keys if isinstance(keys, list) else ():
        try:
            recipient(str(key))
        except InputError:
            yield f"mailboxes_operator_keys: “{key}” không phải khóa thật; tạo bằng age-keygen"


def _mailboxes(variables: Mapping[str, Any]) -> Iterator[str]:
    for name in _MAILBOXES:
        address = str(variables.get(name) or "")
        local_part, _, domain = address.rpartition("@")
        if not local_part or _EXAMPLE_DOMAIN.search(domain.casefold()):
            yield f"{name}: cần địa chỉ thư có thật, đang là {address!r}"
