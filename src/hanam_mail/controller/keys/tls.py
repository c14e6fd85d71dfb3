"""Keys of the certificates that mail exchangers show on port 25: those in use, those to come, and those of before.

DNS publishes all of them as TLSA records, so that a change of keys breaks nobody's proof (RFC 7671, 8.1). Tables of the
vault are host -> private key, unencrypted PKCS#8 PEM; a certificate that was handed in lies beside its key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hanam_mail.controller.keys import pki

KEYS, PAIRS = "vault_public_keys", "vault_public_certificates"
NEXT, FORMER = "vault_public_next_keys", "vault_public_former_keys"
_AUTHORITY = "vault_public_ca"


def complete(vault: dict[str, Any], hosts: Iterable[str]) -> list[str]:
    """Make the next keys that mail exchangers lack, and tell what was made."""
    added = []
    for host in hosts:
        table = dict(vault.get(NEXT) or {})
        if host not in table:
            vault[NEXT] = table | {host: pki.new_private_key()}
            added.append(f"{NEXT}[{host}]")
    return added


def in_use(vault: Mapping[str, Any], host: str) -> str:
    """The key that a host shows; empty when the vault has none."""
    pair = (vault.get(PAIRS) or {}).get(host)
    return str(pair["key"] if pair else (vault.get(KEYS) or {}).get(host) or "")


def problems(vault: Mapping[str, Any]) -> list[str]:
    """What is wrong with the tables of next and former keys, in Vietnamese."""
    found = []
    for name in (NEXT, FORMER):
        table = vault.get(name) or {}
        if not isinstance(table, Mapping):
            found.append(f"{name}: cần một bảng, tên máy -> khóa riêng")
            continue
        for host, key in table.items():
            try:
                pki.tlsa_for_key(str(key))
            except pki.CertificateError as error:
                found.append(f"{name}[{host!r}]: {error}")
    return found


def swapped(vault: Mapping[str, Any], host: str, certificate: str = "") -> dict[str, Any]:
    """The vault after a host's next key took the place of the one in use.

    `certificate`: for the next key, where certificates are handed in; the lab's own authority makes it itself.
    ValueError (also CertificateError) says in Vietnamese why that may not be.
    """
    now, coming = in_use(vault, host), str((vault.get(NEXT) or {}).get(host) or "")
    if not now or not coming:
        raise ValueError(f"{host}: {'vault chưa có khóa đang dùng' if not now else f'{NEXT} chưa có khóa kế tiếp'}")
    if host in (vault.get(FORMER) or {}):
        raise ValueError(f"{FORMER}[{host}] còn khóa trước: bỏ nó trước (--forget), rồi mới đổi lần nữa")
    result = dict(vault)
    pair = (vault.get(PAIRS) or {}).get(host)
    if pair:
        chain = certificate or _made_here(vault, str(pair["certificate"]), coming)
        if faults := pki.problems(chain, coming, pki.certificate_names(str(pair["certificate"]))):
            raise ValueError(f"{host}: chứng thư cho khóa kế tiếp: {'; '.join(faults)}")
        result[PAIRS] = vault[PAIRS] | {host: {"certificate": chain, "key": coming}}
    else:
        result[KEYS] = vault[KEYS] | {host: coming}
    result[FORMER] = (vault.get(FORMER) or {}) | {host: now}
    result[NEXT] = vault[NEXT] | {host: pki.new_private_key()}
    return result


def _made_here(vault: Mapping[str, Any], held: str, key: str) -> str:
    """A certificate for the key by the lab's own authority, with the names and the end of the one that is held."""
    authority, signing = vault.get(_AUTHORITY), vault.get(f"{_AUTHORITY}_key")
    if not authority or not signing or not pki.issued_by(held, authority):
        raise ValueError("chứng thư được giao từ ngoài: cần chứng thư cho khóa kế tiếp (--certificate TỆP)")
    pair = pki.Pair(str(authority), str(signing))
    return pki.issue(pair, pki.certificate_names(held), lifetime=pki.time_left(held), key=key).certificate


def without_former(vault: Mapping[str, Any], host: str) -> dict[str, Any]:
    """The vault without a host's key of before."""
    rest = {name: key for name, key in (vault.get(FORMER) or {}).items() if name != host}
    return {name: value for name, value in vault.items() if name != FORMER} | ({FORMER: rest} if rest else {})


def with_new_next(vault: Mapping[str, Any], host: str) -> dict[str, Any]:
    """The vault with another next key for a host."""
    return dict(vault) | {NEXT: (vault.get(NEXT) or {}) | {host: pki.new_private_key()}}
