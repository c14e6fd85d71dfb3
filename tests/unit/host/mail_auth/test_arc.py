"""Chains of ARC (RFC 8617): which hold, which are broken, and which say so themselves."""

import re
import time
from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.unit.host.mail_auth import nameserver, signer
from tests.unit.host.mail_auth.signer import Key

from hanam_mail.host.mail_auth import arc
from hanam_mail.host.mail_auth.letter import Letter

pytestmark = pytest.mark.dieu4

FIRST, SECOND = Key("mot.example", "a"), Key("hai.example", "b", signer.rsa(1024))
ED25519 = Key("ba.example", "c", Ed25519PrivateKey.generate())
ZONE: nameserver.Zone = {
    **{key.name: {"TXT": [nameserver.text(key.record())]} for key in (FIRST, SECOND, ED25519)},
    "sha1._domainkey.mot.example": {"TXT": [nameserver.text(FIRST.record("v=DKIM1; h=sha1; "))]},
    "tests._domainkey.mot.example": {"TXT": [nameserver.text(FIRST.record("v=DKIM1; t=y; "))]},
    "later._domainkey.mot.example": nameserver.FAILS,
}
LETTER = b"From: <an@ky.example>\r\nTo: <ba@nhan.example>\r\nSubject: a\r\n\r\nDong mot\r\n dong  hai \r\n\r\n"


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    with nameserver.serve(ZONE) as (_, place):
        yield place


def check(address: tuple[str, int], message: bytes) -> arc.Result:
    return arc.check(Letter(message), nameserver.questions(address))


def chain(length: int) -> bytes:
    message = LETTER
    for number in range(length):
        message = signer.arc((FIRST, SECOND, ED25519)[number % 3], message)
    return message


def test_a_message_without_a_chain_has_none(address: tuple[str, int]) -> None:
    assert check(address, LETTER) == arc.Result("none")


@pytest.mark.parametrize("length", [1, 2, 3, 5, 50])
def test_a_chain_holds_whoever_sealed_it(address: tuple[str, int], length: int) -> None:
    result = check(address, chain(length))
    assert (result.result, result.sets, result.reason) == ("pass", length, "")
    key = (FIRST, SECOND, ED25519)[(length - 1) % 3]
    assert (result.domain, result.selector, result.sealed_broken) == (key.domain, key.selector, False)


def test_more_than_fifty_sets_are_broken(address: tuple[str, int]) -> None:
    assert check(address, chain(51)).reason == "too many sets"


def test_the_order_of_the_fields_in_the_message_is_of_no_account(address: tuple[str, int]) -> None:
    fields = re.split(rb"\r\n(?![ \t])", chain(3).partition(b"\r\n\r\n")[0])
    body = LETTER.partition(b"\r\n\r\n")[2]
    for order in (sorted(fields), sorted(fields, reverse=True)):
        assert check(address, b"\r\n".join(order) + b"\r\n\r\n" + body).result == "pass"


def test_who_changes_a_message_and_seals_it_keeps_the_chain(address: tuple[str, int]) -> None:
    """Only the last signature of the message must hold; seals are of the chain alone."""
    changed = chain(1).replace(b"Subject: a", b"Subject: [list] a") + b"-- list\r\n"
    assert check(address, changed).reason == "body hash"
    assert check(address, signer.arc(SECOND, changed)).result == "pass"


@pytest.mark.parametrize("form", ["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed", "simple"])
def test_the_messages_signature_may_have_any_form(address: tuple[str, int], form: str) -> None:
    assert check(address, signer.arc(FIRST, LETTER, message_tags={"c": form})).result == "pass"


HOLDS = {
    "no list of fields": {"h": ""},
    "hole in the list": {"h": "from::to"},
    "signs the set before": {"h": "from:arc-message-signature:arc-authentication-results"},
    "time": {"t": "1700000000"},
    "unknown tag": {"zz": "a b"},
}


@pytest.mark.parametrize("tags", HOLDS.values(), ids=HOLDS)
def test_tags_that_the_standard_allows(address: tuple[str, int], tags: dict[str, str]) -> None:
    assert check(address, signer.arc(SECOND, chain(1), message_tags=tags)).result == "pass"


BROKEN_TAGS: dict[str, tuple[dict[str, str | None], dict[str, str | None], str]] = {
    "message: no number": ({"i": None}, {}, "malformed i="),
    "message: number empty": ({"i": ""}, {}, "malformed i="),
    "message: number zero": ({"i": "0"}, {}, "malformed i="),
    "message: number with a sign": ({"i": "+2"}, {}, "malformed i="),
    "message: other number": ({"i": "3"}, {}, "numbers of the sets"),
    "message: number of another set": ({"i": "1"}, {}, "numbers of the sets"),
    "message: sha1": ({"a": "rsa-sha1"}, {}, "algorithm"),
    "message: no algorithm": ({"a": None}, {}, "no a="),
    "message: no list": ({"h": None}, {}, "no h="),
    "message: signs a seal": ({"h": "from:ARC-Seal"}, {}, "a seal is signed"),
    "message: no domain": ({"d": None}, {}, "no d="),
    "message: domain with two dots": ({"d": "a..example"}, {}, "malformed"),
    "message: no selector": ({"s": ""}, {}, "no s="),
    "message: no body hash": ({"bh": None}, {}, "malformed"),
    "message: other body hash": ({"bh": "YWJj"}, {}, "body hash"),
    "message: form": ({"c": "nothing"}, {}, "malformed c="),
    "message: form empty": ({"c": ""}, {}, "malformed c="),
    "message: time": ({"t": "soon"}, {}, "malformed t="),
    "message: part of the body": ({"l": "3"}, {}, "body not signed to its end"),
    "message: no key": ({"s": "absent"}, {}, "no key"),
    "message: key for tests": ({"d": "mot.example", "s": "tests"}, {}, "key for tests"),
    "seal: no number": ({}, {"i": None}, "malformed i="),
    "seal: other number": ({}, {"i": "3"}, "numbers of the sets"),
    "seal: number with a zero": ({}, {"i": "02"}, "malformed i="),
    "seal: sha1": ({}, {"a": "rsa-sha1"}, "algorithm"),
    "seal: no algorithm": ({}, {"a": ""}, "no a="),
    "seal: list of fields": ({}, {"h": "from"}, "a seal with h="),
    "seal: no status": ({}, {"cv": None}, "malformed cv="),
    "seal: status empty": ({}, {"cv": ""}, "malformed cv="),
    "seal: status in capitals": ({}, {"cv": "PASS"}, "malformed cv="),
    "seal: none in the second": ({}, {"cv": "none"}, "cv=none in set 2"),
    "seal: broken": ({}, {"cv": "fail"}, "cv=fail in set 2"),
    "seal: no domain": ({}, {"d": None}, "no d="),
    "seal: no selector": ({}, {"s": None}, "no s="),
    "seal: time": ({}, {"t": ""}, "malformed t="),
    "seal: no key": ({}, {"s": "absent"}, "no key"),
    "seal: key for another hash": ({}, {"d": "mot.example", "s": "sha1"}, "key for another algorithm"),
    "seal: key of another": ({}, {"d": "mot.example", "s": "a"}, "seal 2: signature"),
}


@pytest.mark.parametrize("name", BROKEN_TAGS)
def test_a_wrong_tag_in_the_last_set_breaks_the_chain(address: tuple[str, int], name: str) -> None:
    of_message, of_seal, reason = BROKEN_TAGS[name]
    result = check(address, signer.arc(SECOND, chain(1), number=2, message_tags=of_message, seal_tags=of_seal))
    assert (result.result, result.reason) == ("fail", reason)


def without(name: bytes, number: int) -> Callable[[bytes], bytes]:
    """Leaves out that field of that set."""
    return lambda message: re.sub(rb"(?m)^" + name + rb": i=%d;.*\r\n" % number, b"", message)


def twice(name: bytes) -> Callable[[bytes], bytes]:
    return lambda message: re.sub(rb"(?m)^(" + name + rb": i=1;.*\r\n)", rb"\1\1", message)


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda message: message.replace(old, new, 1)


def first_signature(value: bytes) -> Callable[[bytes], bytes]:
    return lambda message: re.sub(rb"b=[^;\r]*\r\n", b"b=" + value + b"\r\n", message, count=1)


CHANGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "no seal 1": (without(b"ARC-Seal", 1), "a set is not whole"),
    "no seal 2": (without(b"ARC-Seal", 2), "a set is not whole"),
    "no signature 1": (without(b"ARC-Message-Signature", 1), "a set is not whole"),
    "no signature 2": (without(b"ARC-Message-Signature", 2), "a set is not whole"),
    "no results 1": (without(b"ARC-Authentication-Results", 1), "a set is not whole"),
    "no results 2": (without(b"ARC-Authentication-Results", 2), "a set is not whole"),
    "seal twice": (twice(b"ARC-Seal"), "a set is not whole"),
    "signature twice": (twice(b"ARC-Message-Signature"), "a set is not whole"),
    "results twice": (twice(b"ARC-Authentication-Results"), "a set is not whole"),
    "results without a number": (replaced(b"Results: i=2;", b"Results:"), "numbers of the sets"),
    "results of another number": (replaced(b"Results: i=2;", b"Results: i=3;"), "numbers of the sets"),
    "results changed": (replaced(b"i=2; mx.example; arc=none", b"i=2; mx.example; arc=pass"), "seal 2: signature"),
    "first results changed": (replaced(b"i=1; mx.example; arc=n", b"i=1; mx.example; arc=m"), "seal 2: signature"),
    "body changed": (replaced(b"Dong mot", b"Dong Mot"), "body hash"),
    "field changed": (replaced(b"Subject: a", b"Subject: b"), "signature"),
    "first status changed": (replaced(b"cv=none", b"cv=pass"), "cv=pass in set 1"),
    "status of the second dropped": (replaced(b" cv=pass;", b""), "malformed cv="),
    "a tag twice": (replaced(b" cv=pass;", b" cv=pass; cv=pass;"), "a tag stands twice"),
    "two semicolons": (replaced(b"ARC-Seal: i=2;", b"ARC-Seal: i=2;;"), "malformed"),
    "signature empty": (first_signature(b""), "no b="),
    "signature no base64": (first_signature(b"*"), "seal 2: malformed base64"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_changed_in_a_chain_breaks_it(address: tuple[str, int], name: str) -> None:
    change, reason = CHANGES[name]
    changed = change(chain(2))
    assert changed != chain(2)
    result = check(address, changed)
    assert (result.result, result.reason) == ("fail", reason)


def test_a_set_between_two_is_missed(address: tuple[str, int]) -> None:
    message = chain(3)
    for name in (b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results"):
        message = without(name, 2)(message)
    assert check(address, message).reason == "numbers of the sets"


def test_a_seal_of_sets_that_were_taken_away_breaks(address: tuple[str, int]) -> None:
    message = chain(2)
    for name in (b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results"):
        message = without(name, 2)(message)
    assert check(address, message).result == "pass"
    for name in (b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results"):
        assert check(address, without(name, 1)(chain(2))).result == "fail"


def test_a_chain_that_says_that_it_is_broken_is_known_as_such(address: tuple[str, int]) -> None:
    """It gets no more seals; one that is found broken here may get one that says so."""
    said = check(address, signer.arc(SECOND, chain(1), cv="fail"))
    assert (said.result, said.sets, said.sealed_broken) == ("fail", 2, True)
    later = check(address, signer.arc(SECOND, signer.arc(SECOND, chain(1), cv="fail")))
    assert (later.result, later.sealed_broken) == ("fail", True)
    found = check(address, chain(2) + b"more\r\n")
    assert (found.result, found.sets, found.sealed_broken) == ("fail", 2, False)
    unreadable = check(address, without(b"ARC-Seal", 1)(chain(2)))
    assert (unreadable.result, unreadable.sets) == ("fail", 0)


@pytest.mark.parametrize("where", ["message_tags", "seal_tags"])
def test_a_key_that_dns_cannot_give_now_leaves_it_open(address: tuple[str, int], where: str) -> None:
    tags = {where: {"s": "later", "d": "mot.example"}}
    result = check(address, signer.arc(FIRST, LETTER, **tags))
    assert (result.result, result.reason) == ("temperror", "key not found now")


def test_no_chain_keeps_it_busy(address: tuple[str, int]) -> None:
    message = chain(50)
    long = message.replace(b"i=1; mx.example;", b"i=1; mx.example;" + b" a" * 400_000)
    many = b"ARC-Seal: i=1; a=rsa-sha256; cv=none; d=a.example; s=a; b=YQ==\r\n" * 9900 + LETTER
    blanks = b"ARC-Authentication-Results:" + b" " * 1_000_000 + b"\r\n" + message
    began = time.process_time()
    for each in (message, long, many, blanks):
        check(address, each)
    assert time.process_time() - began < 5
