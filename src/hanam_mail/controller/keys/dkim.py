"""Keys of DKIM (RFC 6376, RFC 8463): what the vault holds, what DNS publishes, what the filter reads.

A table of keys is selector -> private key, unencrypted PKCS#8 PEM: RSA of 2048 bits or more, or Ed25519.
"""

from __future__ import annotations

import base64
import datetime as dt
import itertools
import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from hanam_mail.controller.keys import pki

RSA, ED25519 = "rsa", "ed25519"
ALGORITHMS = (RSA, ED25519)
RSA_BITS = 2048
SIGNING, NEXT, FORMER = "vault_dkim_keys", "vault_dkim_next_keys", "vault_dkim_former_keys"
"""The vault's tables: of the keys that sign, that sign next, and that signed before."""
# A vault of before had one key, whose selector stood in group_vars.
BEFORE, BEFORE_SELECTOR = "vault_dkim_private_key", "hn2026"
# A label of DNS, which also stands in the name of a file.
_SELECTOR = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def new_keys(day: dt.date) -> dict[str, str]:
    """A key of each algorithm. Selectors tell the day and never come again: resolvers remember what one stood for."""
    name = f"{day:%Y%m%d}-{secrets.token_hex(3)}"
    rsa_key = _pem(rsa.generate_private_key(65537, RSA_BITS))
    return {f"{name}-{RSA}": rsa_key, f"{name}-{ED25519}": _pem(ed25519.Ed25519PrivateKey.generate())}


def complete(vault: dict[str, Any], day: dt.date, selector: str = BEFORE_SELECTOR) -> list[str]:
    """Make the tables that a vault lacks, and tell what was made. `selector`: of the one key of a vault of before.

    A new key goes to those that sign next, but in a new vault: DNS has to know it before its turn (dkim_swap).
    """
    added = []
    if BEFORE in vault and SIGNING not in vault:
        vault[SIGNING] = {selector: vault.pop(BEFORE)}
        added.append(f"{SIGNING}[{selector}] (was {BEFORE})")
    for name in (SIGNING, NEXT):
        if not vault.get(name):
            vault[name] = new_keys(day)
            added += [f"{name}[{new}]" for new in vault[name]]
    return added


def algorithm(key: str) -> str:
    """RSA or ED25519. Raises CertificateError for a key that cannot sign so that others count it."""
    return _checked(key)[0]


def record(key: str) -> str:
    """The text that DNS publishes of a key."""
    kind, private = _checked(key)
    return f"v=DKIM1; k={kind}; p={base64.b64encode(_public(private)).decode()}"


def for_filter(key: str) -> str:
    """The key as rspamd reads it from a file: PEM, but of Ed25519 the 32 octets of its seed in base64."""
    kind, private = _checked(key)
    if kind == RSA:
        return key.strip()
    raw = private.private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    return base64.b64encode(raw).decode()


def selectors(keys: Mapping[str, str]) -> dict[str, str]:
    """Algorithm -> selector of the keys that sign; the selector is "" where there is no key of the algorithm."""
    return dict.fromkeys(ALGORITHMS, "") | {algorithm(key): selector for selector, key in keys.items()}


def published(*tables: Mapping[str, str] | None) -> dict[str, str]:
    """Selector -> text in DNS of the keys of all tables."""
    return {selector: record(key) for table in tables for selector, key in (table or {}).items()}


def problems(tables: Mapping[str, Any]) -> list[str]:
    """What is wrong with the vault's tables (name -> table), in Vietnamese. The first is of the keys that sign."""
    found = list[str]()
    for name, table in tables.items():
        if not isinstance(table, Mapping):
            found.append(f"{name}: cần một bảng, tên khóa (selector) -> khóa riêng")
            continue
        found += [
            f"{name}[{selector!r}]: {fault}" for selector, key in table.items() for fault in _faults(selector, key)
        ]
    if found:
        return found
    for (name, table), (other, second) in itertools.combinations(tables.items(), 2):
        found += [f"{other}[{selector!r}]: tên khóa đã có trong {name}" for selector in sorted(table.keys() & second)]
    signing = next(iter(tables))
    kinds = sorted(algorithm(key) for key in tables[signing].values())
    if kinds not in ([RSA], sorted(ALGORITHMS)):
        found.append(f"{signing}: cần đúng một khóa RSA, và nhiều nhất một khóa Ed25519")
    return found


def _faults(selector: Any, key: Any) -> Iterator[str]:
    if not isinstance(selector, str) or not _SELECTOR.fullmatch(selector):
        yield "tên khóa chỉ gồm chữ thường không dấu, số và dấu - ở giữa"
    try:
        _checked(str(key), known=False)
    except pki.CertificateError as error:
        yield str(error)


def _checked(key: str, *, known: bool = True) -> tuple[str, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey]:
    private = pki.load_key(key, known=known)
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return ED25519, private
    if not isinstance(private, rsa.RSAPrivateKey):
        raise pki.CertificateError("khóa DKIM phải là RSA hoặc Ed25519")
    if private.key_size < RSA_BITS:
        raise pki.CertificateError(f"khóa RSA chỉ có {private.key_size} bit, cần ít nhất {RSA_BITS}")
    return RSA, private


def _public(private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    public = private.public_key()
    if isinstance(public, ed25519.Ed25519PublicKey):
        # Not wrapped as other keys are (RFC 8463, 4.2).
        return public.public_bytes_raw()
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
