"""Chains of ARC (RFC 8617), right and wrong, and what is to be found of each.

Who asks about them, and below which names, tests/dkim_cases.py tells.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.dkim_cases import PASS, Wanted, below
from tests.unit.host.mail_auth import nameserver, signer
from tests.unit.host.mail_auth.nameserver import Zone
from tests.unit.host.mail_auth.signer import Tags

LETTER = "From: <an@ky.example>\r\nTo: <ba@nhan.example>\r\nSubject: a\r\n\r\nDong mot\r\n dong  hai \r\n\r\n"
AUTHOR = "ky.example"
NAMES = (b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results")

# Those who seal in turn.
_ED25519 = Ed25519PrivateKey.generate()
_SEALERS = (("mot.example", "a", None), ("hai.example", "b", 1024), ("ba.example", "c", _ED25519))


@cache
def keys(root: str) -> Sequence[signer.Key]:
    return [
        signer.Key(below(root, domain), selector, signer.rsa(private) if isinstance(private, int) else private)
        for domain, selector, private in _SEALERS
    ]


def zone(root: str) -> Zone:
    """The keys' records below that domain."""
    first = keys(root)[0]
    texts = {key.name: key.record() for key in keys(root)}
    texts[f"sha1._domainkey.{first.domain}"] = first.record("v=DKIM1; h=sha1; ")
    texts[f"tests._domainkey.{first.domain}"] = first.record("v=DKIM1; t=y; ")
    return {
        f"later._domainkey.{first.domain}": nameserver.FAILS,
        **{name: {"TXT": [nameserver.text(record)]} for name, record in texts.items()},
    }


@cache
def chain(root: str, length: int, subject: str = "a") -> bytes:
    """The letter with as many sets that hold."""
    if not length:
        return below(root, LETTER).replace("Subject: a", f"Subject: {subject}").encode()
    return signer.arc(keys(root)[(length - 1) % len(_SEALERS)], chain(root, length - 1, subject))


type Change = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Set:
    """One more set, of the sealer of that turn (from 0)."""

    sealer: int = 1
    cv: str | None = None
    number: int | None = None
    message_tags: Tags = field(default_factory=dict)
    seal_tags: Tags = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """How a letter is sealed and changed, and what is found.

    It has `length` sets that hold, is changed (`meanwhile`), gets `more` sets, and is changed once more (`change`).
    `sets`: as many as are found; 0 where there are none, or the chain cannot be read. `said_broken`: by one who sealed.
    """

    wanted: Wanted = PASS
    sets: int = 0
    length: int = 0
    meanwhile: Change = bytes
    more: Sequence[Set] = ()
    change: Change = bytes
    said_broken: bool = False

    def message(self, root: str = "example", subject: str = "a") -> bytes:
        message = self.meanwhile(chain(root, self.length, subject))
        for each in self.more:
            message_tags, seal_tags = (
                {name: value and below(root, value) for name, value in tags.items()}
                for tags in (each.message_tags, each.seal_tags)
            )
            key = keys(root)[each.sealer]
            message = signer.arc(
                key, message, cv=each.cv, number=each.number, message_tags=message_tags, seal_tags=seal_tags
            )
        return self.change(message)


# --- what is done to a message ---


def without(name: bytes, number: int) -> Change:
    """Leaves out that field of that set."""
    return lambda message: re.sub(rb"(?m)^" + name + rb": i=%d;.*\r\n" % number, b"", message)


def without_set(number: int) -> Change:
    def change(message: bytes) -> bytes:
        for name in NAMES:
            message = without(name, number)(message)
        return message

    return change


def twice(name: bytes) -> Change:
    return lambda message: re.sub(rb"(?m)^(" + name + rb": i=1;.*\r\n)", rb"\1\1", message)


def replaced(old: bytes, new: bytes) -> Change:
    return lambda message: message.replace(old, new, 1)


def first_signature(value: bytes) -> Change:
    return lambda message: re.sub(rb"b=[^;\r]*\r\n", b"b=" + value + b"\r\n", message, count=1)


def in_order(*, backwards: bool) -> Change:
    def change(message: bytes) -> bytes:
        head, _, body = message.partition(b"\r\n\r\n")
        return b"\r\n".join(sorted(re.split(rb"\r\n(?![ \t])", head), reverse=backwards)) + b"\r\n\r\n" + body

    return change


def as_a_list_does(message: bytes) -> bytes:
    return message.replace(b"Subject: ", b"Subject: [list] ") + b"-- list\r\n"


# --- tables ---

type Table = Mapping[str, Case]

NO_CHAIN: Table = {"letter": Case(("none", ""))}
LENGTHS: Table = {str(length): Case(sets=length, length=length) for length in (1, 2, 3, 5, 48, 49, 50)}
TOO_LONG: Table = {"51": Case(("fail", "too many sets"), length=51)}
ORDERS: Table = {
    "forwards": Case(sets=3, length=3, change=in_order(backwards=False)),
    "backwards": Case(sets=3, length=3, change=in_order(backwards=True)),
}
# Only the last signature of the message must hold; seals are of the chain alone.
CHANGED_BETWEEN: Table = {
    "not sealed": Case(("fail", "body hash"), sets=1, length=1, meanwhile=as_a_list_does),
    "sealed": Case(sets=2, length=1, meanwhile=as_a_list_does, more=(Set(),)),
}
FORMS: Table = {
    form: Case(sets=1, more=(Set(0, message_tags={"c": form}),))
    for form in ("simple/simple", "simple/relaxed", "relaxed/simple", "relaxed", "simple")
}
_TAGS_TAKEN: Mapping[str, Tags] = {
    "no list of fields": {"h": ""},
    "hole in the list": {"h": "from::to"},
    "signs the set before": {"h": "from:arc-message-signature:arc-authentication-results"},
    "time": {"t": "1700000000"},
    "unknown tag": {"zz": "a b"},
}
TAKEN: Table = {name: Case(sets=2, length=1, more=(Set(message_tags=tags),)) for name, tags in _TAGS_TAKEN.items()}
# Tags of the message's signature, of the seal; the reason; how many sets can be read.
_TAGS_NOT_TAKEN: Mapping[str, tuple[Tags, Tags, str, int]] = {
    "message: no number": ({"i": None}, {}, "malformed i=", 0),
    "message: number empty": ({"i": ""}, {}, "malformed i=", 0),
    "message: number zero": ({"i": "0"}, {}, "malformed i=", 0),
    "message: number with a sign": ({"i": "+2"}, {}, "malformed i=", 0),
    "message: other number": ({"i": "3"}, {}, "numbers of the sets", 0),
    "message: number of another set": ({"i": "1"}, {}, "numbers of the sets", 0),
    "message: sha1": ({"a": "rsa-sha1"}, {}, "algorithm", 0),
    "message: no algorithm": ({"a": None}, {}, "no a=", 0),
    "message: no list": ({"h": None}, {}, "no h=", 0),
    "message: signs a seal": ({"h": "from:ARC-Seal"}, {}, "a seal is signed", 0),
    "message: no domain": ({"d": None}, {}, "no d=", 0),
    "message: domain with two dots": ({"d": "a..example"}, {}, "malformed", 0),
    "message: no selector": ({"s": ""}, {}, "no s=", 0),
    "message: no body hash": ({"bh": None}, {}, "malformed", 2),
    "message: other body hash": ({"bh": "YWJj"}, {}, "body hash", 2),
    "message: form": ({"c": "nothing"}, {}, "malformed c=", 2),
    "message: form empty": ({"c": ""}, {}, "malformed c=", 2),
    "message: time": ({"t": "soon"}, {}, "malformed t=", 0),
    "message: part of the body": ({"l": "3"}, {}, "body not signed to its end", 2),
    "message: no key": ({"s": "absent"}, {}, "no key", 2),
    "message: key for tests": ({"d": "mot.example", "s": "tests"}, {}, "key for tests", 2),
    "seal: no number": ({}, {"i": None}, "malformed i=", 0),
    "seal: other number": ({}, {"i": "3"}, "numbers of the sets", 0),
    "seal: number with a zero": ({}, {"i": "02"}, "malformed i=", 0),
    "seal: sha1": ({}, {"a": "rsa-sha1"}, "algorithm", 0),
    "seal: no algorithm": ({}, {"a": ""}, "no a=", 0),
    "seal: list of fields": ({}, {"h": "from"}, "a seal with h=", 0),
    "seal: no status": ({}, {"cv": None}, "malformed cv=", 0),
    "seal: status empty": ({}, {"cv": ""}, "malformed cv=", 0),
    "seal: status in capitals": ({}, {"cv": "PASS"}, "malformed cv=", 0),
    "seal: none in the second": ({}, {"cv": "none"}, "cv=none in set 2", 2),
    "seal: broken": ({}, {"cv": "fail"}, "cv=fail in set 2", 2),
    "seal: no domain": ({}, {"d": None}, "no d=", 0),
    "seal: no selector": ({}, {"s": None}, "no s=", 0),
    "seal: time": ({}, {"t": ""}, "malformed t=", 0),
    "seal: no key": ({}, {"s": "absent"}, "no key", 2),
    "seal: key for another hash": ({}, {"d": "mot.example", "s": "sha1"}, "key for another algorithm", 2),
    "seal: key of another": ({}, {"d": "mot.example", "s": "a"}, "seal 2: signature", 2),
}
BROKEN_TAGS: Table = {
    name: Case(
        ("fail", reason),
        sets,
        1,
        more=(Set(number=2, message_tags=of_message, seal_tags=of_seal),),
        said_broken=of_seal.get("cv") == "fail",
    )
    for name, (of_message, of_seal, reason, sets) in _TAGS_NOT_TAKEN.items()
}
# Of a chain of two; the reason; how many sets can be read.
_CHANGES: Mapping[str, tuple[Change, str, int]] = {
    "no seal 1": (without(b"ARC-Seal", 1), "a set is not whole", 0),
    "no seal 2": (without(b"ARC-Seal", 2), "a set is not whole", 0),
    "no signature 1": (without(b"ARC-Message-Signature", 1), "a set is not whole", 0),
    "no signature 2": (without(b"ARC-Message-Signature", 2), "a set is not whole", 0),
    "no results 1": (without(b"ARC-Authentication-Results", 1), "a set is not whole", 0),
    "no results 2": (without(b"ARC-Authentication-Results", 2), "a set is not whole", 0),
    "seal twice": (twice(b"ARC-Seal"), "a set is not whole", 0),
    "signature twice": (twice(b"ARC-Message-Signature"), "a set is not whole", 0),
    "results twice": (twice(b"ARC-Authentication-Results"), "a set is not whole", 0),
    "results without a number": (replaced(b"Results: i=2;", b"Results:"), "numbers of the sets", 0),
    "results of another number": (replaced(b"Results: i=2;", b"Results: i=3;"), "numbers of the sets", 0),
    "results changed": (replaced(b"i=2; mx.example; arc=none", b"i=2; mx.example; arc=pass"), "seal 2: signature", 2),
    "first results changed": (replaced(b"i=1; mx.example; arc=n", b"i=1; mx.example; arc=m"), "seal 2: signature", 2),
    "body changed": (replaced(b"Dong mot", b"Dong Mot"), "body hash", 2),
    "field changed": (replaced(b"Subject: ", b"Subject: b"), "signature", 2),
    "first status changed": (replaced(b"cv=none", b"cv=pass"), "cv=pass in set 1", 2),
    "status of the second dropped": (replaced(b" cv=pass;", b""), "malformed cv=", 0),
    "a tag twice": (replaced(b" cv=pass;", b" cv=pass; cv=pass;"), "a tag stands twice", 0),
    "two semicolons": (replaced(b"ARC-Seal: i=2;", b"ARC-Seal: i=2;;"), "malformed", 0),
    "signature empty": (first_signature(b""), "no b=", 0),
    "signature no base64": (first_signature(b"*"), "seal 2: malformed base64", 2),
    "first set taken away": (without_set(1), "numbers of the sets", 0),
}
CHANGES: Table = {
    name: Case(("fail", reason), sets, 2, change=change) for name, (change, reason, sets) in _CHANGES.items()
}
TAKEN_AWAY: Table = {
    "between two": Case(("fail", "numbers of the sets"), length=3, change=without_set(2)),
    "the last": Case(sets=1, length=2, change=without_set(2)),
}
SAID_BROKEN: Table = {
    "by the last": Case(("fail", "cv=fail in set 2"), 2, 1, more=(Set(cv="fail"),), said_broken=True),
    "by one before": Case(("fail", "cv=fail in set 2"), 3, 1, more=(Set(cv="fail"), Set(cv="pass")), said_broken=True),
    "by none": Case(("fail", "body hash"), 2, 2, change=lambda message: message + b"more\r\n"),
}
LATER: Table = {
    "message": Case(("temperror", "key not found now"), 1, more=(Set(0, message_tags={"s": "later"}),)),
    "seal": Case(("temperror", "key not found now"), 1, more=(Set(0, seal_tags={"s": "later"}),)),
}

TABLES: Mapping[str, Table] = {
    "no chain": NO_CHAIN,
    "lengths": LENGTHS,
    "too long": TOO_LONG,
    "orders": ORDERS,
    "changed between": CHANGED_BETWEEN,
    "forms": FORMS,
    "taken": TAKEN,
    "broken tags": BROKEN_TAGS,
    "changes": CHANGES,
    "taken away": TAKEN_AWAY,
    "said broken": SAID_BROKEN,
    "later": LATER,
}
