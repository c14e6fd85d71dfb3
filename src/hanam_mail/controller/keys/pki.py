"""Certificates: a small certificate authority, checks of handed-in ones, TLSA records.

Pure functions from PEM text to PEM text; nothing here reads or writes a file.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificatePublicKeyTypes,
    PrivateKeyTypes,
    PublicKeyTypes,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Clocks of hosts differ a little: a certificate made now must be valid on all of them.
_CLOCK_SKEW = dt.timedelta(hours=1)


class CertificateError(ValueError):
    """A certificate or key that cannot be used, with the reason in the message."""


@dataclass(frozen=True)
class Pair:
    """A certificate (or chain, leaf first) with its private key, both PEM."""

    certificate: str
    key: str


def new_private_key() -> str:
    """An ECDSA P-256 key as PKCS#8 PEM."""
    return _key_pem(ec.generate_private_key(ec.SECP256R1()))


def new_rsa_key() -> str:
    """An RSA key as PKCS#8 PEM, of the least size that counts as good (NCSC-NL 2025-05)."""
    return _key_pem(rsa.generate_private_key(65537, 3072))


def new_authority(name: str, *, lifetime: dt.timedelta, now: dt.datetime | None = None) -> Pair:
    """A self-signed authority that may sign hosts' certificates, not further authorities."""
    key = ec.generate_private_key(ec.SECP256R1())
    start = (now or dt.datetime.now(dt.UTC)) - _CLOCK_SKEW
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + lifetime)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(sign_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Pair(_certificate_pem(certificate), _key_pem(key))


def issue(
    authority: Pair,
    names: Sequence[str],
    *,
    lifetime: dt.timedelta,
    client: bool = False,
    key: str = "",
    now: dt.datetime | None = None,
) -> Pair:
    """A server certificate for `names` (the first is the common name); also a client's if asked.

    `key` (PEM) is the certificate's private key; without it one is made. CertificateError for no names, and for a
    key or an authority that is not ECDSA or RSA.
    """
    if not names:
        raise CertificateError("chứng thư cần ít nhất một tên")
    ca = _load_certificate(authority.certificate)
    ca_key = load_key(authority.key)
    if not isinstance(ca_key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise CertificateError("khóa của đơn vị cấp không phải ECDSA hay RSA")
    own = load_key(key) if key else ec.generate_private_key(ec.SECP256R1())
    if not isinstance(own, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise CertificateError("khóa riêng của chứng thư không phải ECDSA hay RSA")
    start = (now or dt.datetime.now(dt.UTC)) - _CLOCK_SKEW
    end = min(start + lifetime, ca.not_valid_after_utc)
    usages = [ExtendedKeyUsageOID.SERVER_AUTH]
    if client:
        usages.append(ExtendedKeyUsageOID.CLIENT_AUTH)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]))
        .issuer_name(ca.subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in names]),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()),
            critical=False,
        )
        .sign(ca_key, hashes.SHA256())
    )
    return Pair(_certificate_pem(certificate), key or _key_pem(own))


def problems(chain: str, key: str, names: Iterable[str], *, now: dt.datetime | None = None) -> list[str]:
    """Why this chain and key cannot serve `names` now, in Vietnamese; empty when they can."""
    moment = now or dt.datetime.now(dt.UTC)
    try:
        certificates = x509.load_pem_x509_certificates(chain.encode())
    except ValueError:
        return ["chứng thư không ở dạng PEM"]
    try:
        private = load_key(key)
    except CertificateError as error:
        return [str(error)]
    leaf = certificates[0]
    found: list[str] = []
    if _public_bytes(leaf.public_key()) != _public_bytes(private.public_key()):
        found.append("khóa riêng không thuộc chứng thư đầu tiên")
    for certificate in certificates:
        subject = certificate.subject.rfc4514_string() or "không có chủ thể"
        if certificate.not_valid_after_utc <= moment:
            found.append(f"chứng thư {subject} hết hạn ngày {certificate.not_valid_after_utc:%d/%m/%Y}")
        if certificate.not_valid_before_utc > moment:
            found.append(f"chứng thư {subject} chỉ có hiệu lực từ ngày {certificate.not_valid_before_utc:%d/%m/%Y}")
    for below, above in itertools.pairwise(certificates):
        try:
            below.verify_directly_issued_by(above)
        except (InvalidSignature, ValueError, TypeError):
            found.append(
                f"chuỗi chứng thư đứt: {below.subject.rfc4514_string()} không do {above.subject.rfc4514_string()} cấp"
            )
    covered = certificate_names(chain)
    missing = sorted(name for name in names if not _covers(covered, name))
    if missing:
        found.append("chứng thư không có tên " + ", ".join(missing))
    return found


def issued_by(chain: str, authority: str) -> bool:
    """Whether the authority's key signed the chain's first certificate; both PEM."""
    try:
        leaf, above = (x509.load_pem_x509_certificates(text.encode())[0] for text in (chain, authority))
        leaf.verify_directly_issued_by(above)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def certificate_names(chain: str) -> list[str]:
    """DNS names of the first certificate, in its order."""
    leaf = x509.load_pem_x509_certificates(chain.encode())[0]
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return extension.value.get_values_for_type(x509.DNSName)


def time_left(chain: str, *, now: dt.datetime | None = None) -> dt.timedelta:
    """How long the first certificate is good for."""
    leaf = x509.load_pem_x509_certificates(chain.encode())[0]
    return leaf.not_valid_after_utc - (now or dt.datetime.now(dt.UTC))


def tlsa_for_key(key: str) -> str:
    """TLSA data `3 1 1`: this public key, whoever signed its certificate (RFC 7672, 3.1.1)."""
    return "3 1 1 " + hashlib.sha256(_public_bytes(load_key(key, known=True).public_key())).hexdigest()


def key_kind(key: str) -> str:
    """What kind of key it is for a client that chooses by it: "rsa" or "ecdsa"."""
    return "rsa" if isinstance(load_key(key, known=True), rsa.RSAPrivateKey) else "ecdsa"


def tlsa_for_authority(certificate: str) -> str:
    """TLSA data `2 1 1`: a certificate signed by this authority."""
    public = _load_certificate(certificate).public_key()
    return "2 1 1 " + hashlib.sha256(_public_bytes(public)).hexdigest()


def fingerprint(certificate: str) -> str:
    """SHA-256 of a certificate (PEM) as Postfix writes it, AA:BB:..."""
    return _load_certificate(certificate).fingerprint(hashes.SHA256()).hex(":").upper()


def _covers(covered: Iterable[str], name: str) -> bool:
    parent = name.partition(".")[2].lower()
    return any(
        entry.lower() == name.lower() or (entry.startswith("*.") and entry[2:].lower() == parent) for entry in covered
    )


def _public_bytes(key: PublicKeyTypes | CertificatePublicKeyTypes) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _load_certificate(pem: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError as error:
        raise CertificateError("chứng thư không ở dạng PEM") from error


# The preflight asks for each key several times.
@functools.lru_cache(maxsize=64)
def load_key(pem: str, *, known: bool = False) -> PrivateKeyTypes:
    """The key of a PEM text; CertificateError, without a word of the text, when it is none or is encrypted.

    `known`: the key was checked before. Whether the numbers of an RSA key belong together takes 30 ms with 2048 bits,
    90 with 3072; the preflight checks it before a play does anything, with any tags, and templates read keys often.
    """
    try:
        return serialization.load_pem_private_key(pem.encode(), password=None, unsafe_skip_rsa_key_validation=known)
    except (TypeError, ValueError) as error:
        # The library's own message may quote the material; ours never does.
        raise CertificateError("khóa riêng không ở dạng PEM không mã hóa") from error


def _certificate_pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _key_usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )
