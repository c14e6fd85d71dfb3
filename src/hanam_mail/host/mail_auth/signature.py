"""A signature in a header field: its tags, and whether it holds (RFC 6376, sections 3.5 and 6.1)."""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hanam_mail.host import domain_names
from hanam_mail.host.mail_auth import keys, tags
from hanam_mail.host.mail_auth.keys import NoKey
from hanam_mail.host.mail_auth.letter import Field, Letter, relaxed
from hanam_mail.host.mail_auth.questions import Questions

_B = re.compile(rb"((?:^|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_SELECTOR = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"\d{1,12}", re.ASCII)
_FORMS = ("simple", "relaxed")
LONGEST_NAME = 253


class Digest(Protocol):
    """What hashlib makes."""

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class SignatureRefused(Exception):
    """Why a signature does not hold. `counts_as_none`: it is as good as if it were not there, not a forgery."""

    def __init__(self, reason: str, *, counts_as_none: bool = False, broken: bool = False) -> None:
        super().__init__(reason)
        self.counts_as_none = counts_as_none
        self.broken = broken


@dataclass(frozen=True)
class Signature:
    """A field with its tags; those that every kind of signature has are well formed.

    `domain` and `selector` are as DNS knows them (RFC 8616), the first in small letters.
    """

    field: Field
    tags: dict[str, str]
    domain: str
    selector: str

    @property
    def start(self) -> str:
        """The first signs of the signature, which tell it from others (RFC 6008)."""
        return tags.without_blanks(self.tags["b"])[:8]


def read(field: Field) -> Signature:
    """A signature whose d=, s=, a= and b= are there and well formed; SignatureRefused otherwise."""
    try:
        said = tags.read(field.value)
    except tags.Malformed as error:
        raise SignatureRefused(str(error), counts_as_none=True) from error
    for name in ("a", "b", "d", "s"):
        if not said.get(name):
            raise SignatureRefused(f"no {name}=", counts_as_none=True)
    selector = said["s"] if said["s"].isascii() else in_ascii(said["s"])
    domain = in_ascii(said["d"])
    if not _DOMAIN.fullmatch(domain) or not _SELECTOR.fullmatch(selector):
        raise SignatureRefused("malformed", counts_as_none=True)
    if len(selector) + len(domain) + len("._domainkey.") > LONGEST_NAME:
        raise SignatureRefused("malformed", counts_as_none=True)
    if said["a"] not in keys.ALGORITHMS:
        raise SignatureRefused("algorithm", counts_as_none=True)
    return Signature(field, said, domain, selector)


def in_ascii(name: str) -> str:
    """A name of a tag as DNS knows it; SignatureRefused when it can have none such."""
    try:
        return domain_names.in_ascii(name)
    except UnicodeError as error:
        raise SignatureRefused("malformed", counts_as_none=True) from error


def number(signature: Signature, name: str) -> int | None:
    """A tag that is a number, or None where there is none; SignatureRefused when it is something else."""
    text = signature.tags.get(name)
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise SignatureRefused(f"malformed {name}=", counts_as_none=True)
    return int(text)


def check_of_message(signature: Signature, letter: Letter, key: keys.DkimKey) -> None:
    """SignatureRefused when it is not a signature of this message's body and of the fields that it names."""
    header_form, body_form = _forms(signature)
    if "h" not in signature.tags or not signature.tags.get("bh"):
        raise SignatureRefused("malformed", counts_as_none=True)
    digest, whole = letter.body_hash(body_form, number(signature, "l"))
    if digest != _octets(signature.tags["bh"]):
        raise SignatureRefused("body hash")
    if not whole:
        # Whatever stands behind the signed part anybody may have written (RFC 6376, section 8.2).
        raise SignatureRefused("body not signed to its end", counts_as_none=True)
    signed = _named(letter, tags.words(signature.tags["h"]))
    before = hashlib.sha256()
    for each in signed:
        before.update((each.relaxed if header_form == "relaxed" else each.raw) + b"\r\n")
    check_after(signature, before, key, header_form)


def check_after(signature: Signature, digest: Digest, key: keys.DkimKey, form: str = "relaxed") -> None:
    """SignatureRefused when it is not that key's signature of its own field behind what `digest` (SHA-256) has read."""
    own = unsigned(signature.field.raw)
    digest.update(relaxed(own) if form == "relaxed" else own)
    if not key.verifies(_octets(signature.tags["b"]), digest.digest()):
        raise SignatureRefused("signature")


def find_key(signature: Signature, questions: Questions) -> keys.DkimKey:
    """Its key in DNS; SignatureRefused when there is none that counts; TemporaryError when DNS does not say now."""
    try:
        return keys.find(questions, signature.domain, signature.selector, signature.tags["a"])
    except NoKey as error:
        raise SignatureRefused(str(error), counts_as_none=not error.broken, broken=error.broken) from error


def unsigned(raw: bytes) -> bytes:
    """The field without the value of b=, as it was when it was signed."""
    name, colon, value = raw.partition(b":")
    return name + colon + _B.sub(rb"\1", value, count=1)


def _forms(signature: Signature) -> Sequence[str]:
    named = signature.tags.get("c", "simple/simple").split("/")
    if len(named) == 1:
        named.append("simple")
    if len(named) != 2 or named[0] not in _FORMS or named[1] not in _FORMS:
        raise SignatureRefused("malformed c=", counts_as_none=True)
    return named


def _named(letter: Letter, names: Sequence[str]) -> list[Field]:
    """Fields that h= names: of several of a name the last first (section 5.4.2). One that is not there says nothing."""
    left = {name: list(letter.by_name.get(name, ())) for name in {each.lower() for each in names}}
    return [left[name.lower()].pop() for name in names if left[name.lower()]]


def _octets(text: str) -> bytes:
    try:
        return base64.b64decode(tags.without_blanks(text), validate=True)
    except (ValueError, binascii.Error) as error:
        raise SignatureRefused("malformed base64", counts_as_none=True) from error
