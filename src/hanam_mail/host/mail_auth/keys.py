"""Public keys of signatures as DNS has them (RFC 6376 section 3.6.1, RFC 8301, RFC 8463)."""

import base64
import binascii
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from hanam_mail.host.mail_auth import tags
from hanam_mail.host.mail_auth.questions import Questions, TemporaryError

RSA, ED25519 = "rsa-sha256", "ed25519-sha256"
ALGORITHMS = (RSA, ED25519)
# RFC 8301, section 3.2. A longer one than the longest costs more than it is worth.
SHORTEST_RSA, LONGEST_RSA = 1024, 8192


class NoKey(Exception):
    """There is none for this signature. `broken`: its owner has made a mistake or taken it back."""

    def __init__(self, reason: str, *, broken: bool) -> None:
        super().__init__(reason)
        self.broken = broken


@dataclass(frozen=True)
class DkimKey:
    """`exact`: its signatures speak for no domain below its own (t=s)."""

    public: RSAPublicKey | Ed25519PublicKey
    exact: bool

    def verifies(self, signature: bytes, digest: bytes) -> bool:
        """Of the SHA-256 of what was signed."""
        try:
            if isinstance(self.public, RSAPublicKey):
                self.public.verify(signature, digest, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))
            else:
                self.public.verify(signature, digest)
        except InvalidSignature:
            return False
        return True


def find(questions: Questions, domain: str, selector: str, algorithm: str) -> DkimKey:
    """NoKey when there is none that counts; TemporaryError when DNS does not say now."""
    try:
        records = questions.texts(f"{selector}._domainkey.{domain}")
    except TemporaryError as error:
        raise TemporaryError("key not found now") from error
    if not records:
        raise NoKey("no key", broken=True)
    if len(records) > 1:
        raise NoKey("more than one key", broken=False)
    return read(records[0].decode("utf-8", "surrogateescape"), algorithm)


def read(record: str, algorithm: str) -> DkimKey:
    """The key in a record, for signatures of that algorithm; NoKey when it is not for them."""
    try:
        said = tags.read(record, lenient=True)
    except tags.Malformed as error:
        raise NoKey("malformed key", broken=False) from error
    if said.get("v", "DKIM1") != "DKIM1" or ("v" in said and next(iter(said)) != "v") or "p" not in said:
        raise NoKey("malformed key", broken=False)
    hashes_named = tags.words(said["h"]) if "h" in said else ["sha256"]
    if said.get("k", "rsa") + "-sha256" != algorithm or "sha256" not in hashes_named:
        raise NoKey("key for another algorithm", broken=False)
    services = tags.words(said["s"]) if "s" in said else ["*"]
    if "*" not in services and "email" not in services:
        raise NoKey("key for another service", broken=False)
    flags = tags.words(said.get("t", ""))
    if "y" in flags:
        raise NoKey("key for tests", broken=False)
    if not tags.without_blanks(said["p"]):
        raise NoKey("key revoked", broken=True)
    return DkimKey(_public(said["p"], algorithm), exact="s" in flags)


def _public(text: str, algorithm: str) -> RSAPublicKey | Ed25519PublicKey:
    try:
        octets = base64.b64decode(tags.without_blanks(text), validate=True)
        if algorithm == ED25519:
            return Ed25519PublicKey.from_public_bytes(octets)
        key = load_der_public_key(octets)
    except (ValueError, binascii.Error, UnsupportedAlgorithm) as error:
        raise NoKey("malformed key", broken=False) from error
    if not isinstance(key, RSAPublicKey):
        raise NoKey("malformed key", broken=False)
    if key.key_size < SHORTEST_RSA:
        raise NoKey("key too short", broken=False)
    if key.key_size > LONGEST_RSA:
        raise NoKey("key too long", broken=False)
    return key
