"""Tokens as an issuer of OpenID Connect signs them, and as somebody else would like to (record 0082)."""

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def coded(data: bytes) -> str:
    """Base64 of JOSE (RFC 7515)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8)


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """What is signed of a token."""
    return ".".join(coded(json.dumps(part).encode()) for part in (header, claims))


class Signer:
    """A key of an issuer."""

    def __init__(self, algorithm: str, name: str) -> None:
        self.algorithm, self.name = algorithm, name
        self._rsa = rsa.generate_private_key(65537, 2048) if algorithm == "RS256" else None
        self._ec = ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else None

    @property
    def public_numbers(self) -> rsa.RSAPublicNumbers | ec.EllipticCurvePublicNumbers:
        key = self._rsa or self._ec
        assert key
        return key.public_key().public_numbers()

    @property
    def pem(self) -> bytes:
        """The public key as everybody may have it."""
        key = self._rsa or self._ec
        assert key
        return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def jwk(self) -> dict[str, Any]:
        """The public key as the issuer publishes it (RFC 7517)."""
        numbers = self.public_numbers
        common = {"kid": self.name, "use": "sig", "alg": self.algorithm}
        if isinstance(numbers, rsa.RSAPublicNumbers):
            return common | {"kty": "RSA", "n": coded(_number(numbers.n)), "e": coded(_number(numbers.e))}
        x, y = (coded(value.to_bytes(32)) for value in (numbers.x, numbers.y))
        return common | {"kty": "EC", "crv": "P-256", "x": x, "y": y}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        """A token; a header of None is left out."""
        named = {"typ": "JWT", "alg": self.algorithm, "kid": self.name} | header
        text = unsigned({name: value for name, value in named.items() if value is not None}, claims)
        if self._rsa:
            signature = self._rsa.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        else:
            assert self._ec
            numbers = decode_dss_signature(self._ec.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
            signature = b"".join(number.to_bytes(32) for number in numbers)
        return f"{text}.{coded(signature)}"


def keyed(header: dict[str, Any], claims: dict[str, Any], key: bytes) -> str:
    """A token with a keyed digest in the place of a signature (HS256)."""
    text = unsigned({"alg": "HS256"} | header, claims)
    return f"{text}.{coded(hmac.digest(key, text.encode(), hashlib.sha256))}"
