"""Keys of the certificates that mail exchangers show on port 25: those in use, those to come, and those of before.

DNS publishes all of them as TLSA records, so that a change of keys breaks nobody's proof (RFC 7671, 8.1). Tables of the
vault are host -> private key, unencrypted PKCS#8 PEM; a certificate that was handed in lies beside its key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hanam_mail.controller.keys import pki


@dataclass(frozen=True)
class KeyKind:
    """A kind of key: the vault's tables of it, and what makes one."""

    keys: str
    pairs: str
    next: str
    former: str
    new: Callable[[], str]


ECDSA = KeyKind(
    "vault_public_keys",
    "vault_public_certificates",
    "vault_public_next_keys",
    "vault_public_former_keys",
    pki.new_private_key,
)
"""The one that every server shows."""
RSA = KeyKind(
    "vault_public_rsa_keys",
    "vault_public_rsa_certificates",
    "vault_public_next_rsa_keys",
    "vault_public_former_rsa_keys",
    pki.new_rsa_key,
)
"""Shown beside it by mail exchangers; the client chooses one of them."""
KINDS = (ECDSA, RSA)
_AUTHORITY = "vault_public_ca"


def complete(vault: dict[str, Any], exchangers: Iterable[str], certified: Iterable[str] = ()) -> list[str]:
    """Make the keys that a vault lacks, and tell what was made.

    Mail exchangers have next keys, which DNS has to know long before their turn (tls_swap). Hosts whose certificates
    come from an authority (`certified`) have keys that stay over renewals, so that DANE's record may stay.
    """
    added = []

    def entry(name: str, host: str, new: Callable[[], str]) -> None:
        table = dict(vault.get(name) or {})
        if host not in table:
            vault[name] = table | {host: new()}
            added.append(f"{name}[{host}]")

    hosts = list(certified)
    for host in hosts:
        entry(ECDSA.keys, host, ECDSA.new)
    for host in exchangers:
        if hosts:
            entry(RSA.keys, host, RSA.new)
        for kind in KINDS:
            entry(kind.next, host, kind.new)
    return added


def in_use(vault: Mapping[str, Any], host: str, kind: KeyKind = ECDSA) -> str:
    """The key that a host shows; empty when the vault has none."""
    pair = (vault.get(kind.pairs) or {}).get(host)
    return str(pair["key"] if pair else (vault.get(kind.keys) or {}).get(host) or "")


def problems(vault: Mapping[str, Any], here: str | None = None) -> list[str]:
    """What is wrong with the tables of next and former keys, in Vietnamese.

    `here`: the host that is judged. Of other hosts' keys it is not checked whether their numbers belong together.
    """
    found = []
    for name in (name for kind in KINDS for name in (kind.next, kind.former)):
        table = vault.get(name) or {}
        if not isinstance(table, Mapping):
            found.append(f"{name}: cần một bảng, tên máy -> khóa riêng")
            continue
        for host, key in table.items():
            try:
                pki.load_key(str(key), known=here not in {None, host})
            except pki.CertificateError as error:
                found.append(f"{name}[{host!r}]: {error}")
    return found


def swapped(vault: Mapping[str, Any], host: str, certificate: str = "", kind: KeyKind = ECDSA) -> dict[str, Any]:
    """The vault after a host's next key took the place of the one in use.

    `certificate`: for the next key, where certificates are handed in; the lab's own authority makes it itself.
    ValueError (also CertificateError) says in Vietnamese why that may not be.
    """
    now, coming = in_use(vault, host, kind), str((vault.get(kind.next) or {}).get(host) or "")
    if not now or not coming:
        lacks = f"{kind.keys} chưa có khóa đang dùng" if not now else f"{kind.next} chưa có khóa kế tiếp"
        raise ValueError(f"{host}: {lacks}")
    if host in (vault.get(kind.former) or {}):
        raise ValueError(f"{kind.former}[{host}] còn khóa trước: bỏ nó trước (--forget), rồi mới đổi lần nữa")
    result = dict(vault)
    pair = (vault.get(kind.pairs) or {}).get(host)
    if pair:
        chain = certificate or _made_here(vault, str(pair["certificate"]), coming)
        if faults := pki.problems(chain, coming, pki.certificate_names(str(pair["certificate"]))):
            raise ValueError(f"{host}: chứng thư cho khóa kế tiếp: {'; '.join(faults)}")
        result[kind.pairs] = vault[kind.pairs] | {host: {"certificate": chain, "key": coming}}
    else:
        result[kind.keys] = vault[kind.keys] | {host: coming}
    result[kind.former] = (vault.get(kind.former) or {}) | {host: now}
    result[kind.next] = vault[kind.next] | {host: kind.new()}
    return result


def _made_here(vault: Mapping[str, Any], held: str, key: str) -> str:
    """A certificate for the key by the lab's own authority, with the names and the end of the one that is held."""
    authority, signing = vault.get(_AUTHORITY), vault.get(f"{_AUTHORITY}_key")
    if not authority or not signing or not pki.issued_by(held, authority):
        raise ValueError("chứng thư được giao từ ngoài: cần chứng thư cho khóa kế tiếp (--certificate TỆP)")
    pair = pki.Pair(str(authority), str(signing))
    return pki.issue(pair, pki.certificate_names(held), lifetime=pki.time_left(held), key=key).certificate


def without_former(vault: Mapping[str, Any], host: str, kind: KeyKind = ECDSA) -> dict[str, Any]:
    """The vault without a host's key of before."""
    rest = {name: key for name, key in (vault.get(kind.former) or {}).items() if name != host}
    others = {name: value for name, value in vault.items() if name != kind.former}
    return others | ({kind.former: rest} if rest else {})


def with_new_next(vault: Mapping[str, Any], host: str, kind: KeyKind = ECDSA) -> dict[str, Any]:
    """The vault with another next key for a host."""
    return dict(vault) | {kind.next: (vault.get(kind.next) or {}) | {host: kind.new()}}
