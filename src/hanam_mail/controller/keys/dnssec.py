"""DNSSEC records of a zone from its private key, so that nothing is read from another host.

One key per zone signs everything (a combined signing key), algorithm 13 (ECDSA P-256/SHA-256).
"""

from __future__ import annotations

import base64

import dns.dnssec
import dns.name
import dns.reversename
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from dns.rdtypes.ANY.DNSKEY import DNSKEY

ALGORITHM = 13
_FLAGS = 257  # zone key + secure entry point


class DnssecError(ValueError):
    """A key that cannot sign a zone."""


def dnskey(key: str) -> str:
    """Data of the zone's DNSKEY record."""
    return _record(key).to_text()


def ds(key: str, zone: str) -> str:
    """Data of the DS record that the parent (or a trust anchor) carries for `zone`, SHA-256."""
    return dns.dnssec.make_ds(dns.name.from_text(zone), _record(key), "SHA256").to_text()


def private_key_file(key: str) -> str:
    """Content of BIND's `.private` file, which ldns-signzone reads."""
    number = _load(key).private_numbers().private_value
    encoded = base64.b64encode(number.to_bytes(32, "big")).decode()
    return f"Private-key-format: v1.2\nAlgorithm: {ALGORITHM} (ECDSAP256SHA256)\nPrivateKey: {encoded}\n"


def reverse_name(address: str) -> str:
    """The name under in-addr.arpa or ip6.arpa where an address's PTR record stands."""
    return dns.reversename.from_address(address).to_text()


def character_strings(text: str) -> str:
    """Data of a TXT record: the text in quoted pieces of at most 255 bytes (RFC 1035, 3.3.14)."""
    raw = text.encode()
    pieces = [raw[start : start + 255] for start in range(0, len(raw), 255)] or [b""]
    return " ".join(_quoted(piece) for piece in pieces)


def _quoted(piece: bytes) -> str:
    printable = {0x22: '\\"', 0x5C: "\\\\"}
    return (
        '"'
        + "".join(printable.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03d}") for byte in piece)
        + '"'
    )


def _load(key: str) -> ec.EllipticCurvePrivateKey:
    try:
        private = serialization.load_pem_private_key(key.encode(), password=None)
    except (TypeError, ValueError) as error:
        raise DnssecError("the zone's key is not unencrypted PEM") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != "secp256r1":
        raise DnssecError("the zone's key is not ECDSA P-256")
    return private


def _record(key: str) -> DNSKEY:
    record = dns.dnssec.make_dnskey(_load(key).public_key(), "ECDSAP256SHA256", flags=_FLAGS)
    if not isinstance(record, DNSKEY):
        raise DnssecError("no DNSKEY could be made")
    return record
