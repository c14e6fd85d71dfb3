"""What must be right in an inventory and its variables before a playbook changes anything.

Each problem is one sentence that names the variable and what is expected. Roles check their own inputs besides
(meta/argument_specs.yml), but only when their turn comes, which is too late.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

from hanam_mail import pki

REQUIRED_GROUPS = ("accounts", "mx", "submission", "filter", "mailstore", "webmail", "backup_repository")
TLS_MODES = ("acme", "provided")
VAULT = (
    "vault_database_passwords",
    "vault_dkim_private_key",
    "vault_internal_ca",
    "vault_internal_certificates",
    "vault_redis_password",
    "vault_restic_http",
    "vault_restic_password",
    "vault_roundcube_des_key",
)
# Quota given today, and the least that the regulation allows (Đ8.1b).
QUOTAS = (
    ("regulation_quota_personal_default_bytes", "regulation_quota_personal_bytes"),
    ("regulation_quota_agency_default_bytes", "regulation_quota_agency_bytes"),
)
_DOMAIN = re.compile(r"(?!-)([a-z0-9-]{1,63}(?<!-)\.)+[a-z]{2,63}")


def problems(variables: Mapping[str, Any], host: str, groups: Mapping[str, Iterable[str]]) -> list[str]:
    """Everything wrong with one host's inventory and variables; empty when playbooks may run."""
    return [*_inventory(variables, host, groups), *_variables(variables), *_certificates(variables, host)]


def _inventory(variables: Mapping[str, Any], host: str, groups: Mapping[str, Iterable[str]]) -> list[str]:
    found = [
        f"inventory: group {group} has no host; every one of {', '.join(REQUIRED_GROUPS)} needs one"
        for group in REQUIRED_GROUPS
        if not list(groups.get(group, ()))
    ]
    if len(list(groups.get("accounts", ()))) > 1:
        found.append("inventory: group accounts has more than one host; one accounts database is supported")
    if not any(host in groups.get(group, ()) for group in (*REQUIRED_GROUPS, "outside")):
        found.append(
            f"inventory: host {host} is in no group that has a role; put it in one of {', '.join(REQUIRED_GROUPS)}"
        )
    if set(groups.get("mx", ())) - set(groups.get("filter", ())):
        found.append(
            "inventory: every host of group mx must also be in group filter, which scans its mail (Đ4.2, Đ10.6)"
        )
    for name, version in (("host_ipv4", 4), ("host_ipv6", 6)):
        try:
            correct = ipaddress.ip_address(str(variables.get(name))).version == version
        except ValueError:
            correct = False
        if not correct:
            found.append(f"{name} of {host}: expected an IPv{version} address, found {variables.get(name)!r}")
    return found


def _variables(variables: Mapping[str, Any]) -> list[str]:
    found = []
    domain = variables.get("mail_domain")
    if not isinstance(domain, str) or not _DOMAIN.fullmatch(domain):
        found.append(f"mail_domain: expected a domain name like hanam.gov.vn, found {domain!r}")
    networks = variables.get("admin_networks")
    if not networks or not isinstance(networks, list):
        found.append(
            "admin_networks: expected the operators' networks, e.g. [192.0.2.0/24]; without them nobody could log in"
        )
    else:
        for network in networks:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                found.append(f"admin_networks: {error}")
    if variables.get("tls_mode") not in TLS_MODES:
        found.append(f"tls_mode: expected one of {', '.join(TLS_MODES)}, found {variables.get('tls_mode')!r}")
    for given, least in QUOTAS:
        if not isinstance(variables.get(given), int) or variables[given] < variables[least]:
            found.append(
                f"{given}: expected at least {variables[least]} bytes ({least}, Đ8.1b), found {variables.get(given)!r}"
            )
    found += [
        f"{name}: not defined; make it with `python -m hanam_mail.secrets`" for name in VAULT if not variables.get(name)
    ]
    return found


def _certificates(variables: Mapping[str, Any], host: str) -> list[str]:
    names = list(variables.get("tls_names") or ())
    if variables.get("tls_mode") != "provided" or not names:
        return []
    source = f"vault_public_certificates[{host!r}]"
    pair = (variables.get("tls_certificate") or "", variables.get("tls_private_key") or "")
    if not all(pair):
        return [f"{source}: not defined; tls_mode provided needs its certificate and key for {', '.join(names)}"]
    return [f"{source}: {problem}" for problem in pki.problems(*pair, names)]
