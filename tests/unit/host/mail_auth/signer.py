"""Signs mail as others do, rightly or wrongly: DKIM and ARC with RSA and Ed25519, in both forms, with any tags.

It makes the forms (RFC 6376, 3.4) line by line and shares nothing with what verifies them.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

type Tags = Mapping[str, str | None]
"""Tag -> value instead of the usual one; None leaves it out."""


@cache
def rsa(bits: int = 2048) -> RSAPrivateKey:
    """A key of that length, the same one each time."""
    return generate_private_key(65537, bits)


@dataclass(frozen=True)
class Key:
    """A private key and where its public half stands."""

    domain: str = "ky.example"
    selector: str = "s1"
    private: RSAPrivateKey | Ed25519PrivateKey | None = None

    @property
    def algorithm(self) -> str:
        return "ed25519-sha256" if isinstance(self.private, Ed25519PrivateKey) else "rsa-sha256"

    @property
    def name(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def public(self) -> str:
        """The value of p=."""
        if isinstance(self.private, Ed25519PrivateKey):
            octets = self.private.public_key().public_bytes_raw()
        else:
            octets = (
                (self.private or rsa())
                .public_key()
                .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
            )
        return base64.b64encode(octets).decode()

    def record(self, tags: str = "v=DKIM1; ") -> str:
        kind = "k=ed25519; " if isinstance(self.private, Ed25519PrivateKey) else ""
        return f"{tags}{kind}p={self.public}"

    def sign(self, data: bytes) -> str:
        if isinstance(self.private, Ed25519PrivateKey):
            signature = self.private.sign(hashlib.sha256(data).digest())
        else:
            signature = (self.private or rsa()).sign(data, padding.PKCS1v15(), hashes.SHA256())
        return base64.b64encode(signature).decode()


def dkim(key: Key, message: bytes, tags: Tags | None = None, *, mend: Callable[[str], str] = str) -> bytes:
    """The message with a signature before it; `mend` changes the field's text before it is signed."""
    usual = {
        "v": "1",
        "a": key.algorithm,
        "c": "relaxed/relaxed",
        "d": key.domain,
        "s": key.selector,
        "h": "from:to:subject",
    }
    return _signed("DKIM-Signature", key, message, usual, tags or {}, mend) + message


def arc(
    key: Key,
    message: bytes,
    *,
    cv: str | None = None,
    number: int | None = None,
    message_tags: Tags | None = None,
    seal_tags: Tags | None = None,
    results: str = "mx.example; arc=none",
) -> bytes:
    """The message with one more set before it, whose number and cv are the next in turn unless they are given."""
    fields = _fields(message)
    sets = max([0, *(_instance(each) for each in fields if each.lower().startswith(b"arc-seal:"))])
    turn = number if number is not None else sets + 1
    own_results = f"ARC-Authentication-Results: i={turn}; {results}\r\n".encode()
    usual = {
        "i": str(turn),
        "a": key.algorithm,
        "c": "relaxed/relaxed",
        "d": key.domain,
        "s": key.selector,
        "h": "from:to:subject",
    }
    own_message = _signed("ARC-Message-Signature", key, message, usual, message_tags or {}, str)
    said = {
        "i": str(turn),
        "a": key.algorithm,
        "cv": cv or ("none" if turn == 1 else "pass"),
        "d": key.domain,
        "s": key.selector,
    } | dict(seal_tags or {})
    seal = b"ARC-Seal: " + _text(said) + b" b="
    chain = [
        each
        for turn_before in range(1, sets + 1)
        for name in (b"arc-authentication-results:", b"arc-message-signature:", b"arc-seal:")
        for each in fields
        if each.lower().startswith(name) and _instance(each) == turn_before
    ]
    before = b"".join(_relaxed(each) + b"\r\n" for each in (*chain, own_results[:-2], own_message[:-2]))
    return seal + key.sign(before + _relaxed(seal)).encode() + b"\r\n" + own_message + own_results + message


def _instance(field: bytes) -> int:
    match = re.search(rb"[:;]\s*i=(\d+)", field)
    return int(match[1]) if match else 0


def _signed(name: str, key: Key, message: bytes, usual: Tags, tags: Tags, mend: Callable[[str], str]) -> bytes:
    said = {**usual, **tags}
    header_form, _, body_form = (said.get("c") or "simple/simple").partition("/")
    if "bh" not in said:
        length = said.get("l")
        body = _body(message, body_form or "simple")
        said["bh"] = base64.b64encode(hashlib.sha256(body[: int(length)] if length else body).digest()).decode()
    form: Callable[[bytes], bytes] = _relaxed if header_form == "relaxed" else bytes
    field = mend(f"{name}: {_text(said).decode()} b=").encode()
    left = _fields(message)
    signed = b""
    for wanted in (said.get("h") or "").split(":"):
        for each in reversed(left):
            if each.partition(b":")[0].strip().lower() == wanted.strip().lower().encode():
                left.remove(each)
                signed += form(each) + b"\r\n"
                break
    return field + key.sign(signed + form(field)).encode() + b"\r\n"


def _text(tags: Tags) -> bytes:
    return " ".join(f"{name}={value};" for name, value in tags.items() if value is not None).encode()


def _fields(message: bytes) -> list[bytes]:
    return re.split(rb"\r\n(?![ \t])", message.partition(b"\r\n\r\n")[0])


def _relaxed(field: bytes) -> bytes:
    name, _, value = field.partition(b":")
    words: Sequence[bytes] = value.replace(b"\r\n", b"").replace(b"\t", b" ").split(b" ")
    return name.strip().lower() + b":" + b" ".join(word for word in words if word)


def _body(message: bytes, form: str) -> bytes:
    lines = message.partition(b"\r\n\r\n")[2].split(b"\r\n")
    if form == "relaxed":
        lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines) or (b"" if form == "relaxed" else b"\r\n")
