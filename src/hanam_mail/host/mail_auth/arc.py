"""The chain of those who passed a message on (ARC, RFC 8617 section 5.2)."""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import NoReturn

from hanam_mail.host.mail_auth import signature, tags
from hanam_mail.host.mail_auth.letter import Field, Letter
from hanam_mail.host.mail_auth.questions import Questions, TemporaryError
from hanam_mail.host.mail_auth.signature import Signature, SignatureRefused

# Section 4.2.1.
MOST_SETS = 50

_NAMES = ("arc-authentication-results", "arc-message-signature", "arc-seal")
_INSTANCE = re.compile(r"[ \t\r\n]*i[ \t\r\n]*=[ \t\r\n]*(\d{1,2})[ \t\r\n]*;", re.ASCII)
_NUMBER = re.compile(r"[1-9]\d?", re.ASCII)


@dataclass(frozen=True)
class ArcResult:
    """`result`: none, pass, fail or temperror. `sealed_broken`: one who sealed it says that it is broken (cv=fail).

    `sets`: how many there are, 0 where the chain cannot be read. `domain` and `selector` of the last seal.
    """

    result: str
    sets: int = 0
    domain: str = ""
    selector: str = ""
    reason: str = ""
    sealed_broken: bool = False


@dataclass(frozen=True)
class _Set:
    results: Field
    message: Signature
    seal: Signature


def check(letter: Letter, questions: Questions) -> ArcResult:
    """The chain's validation status, cv."""
    found = [letter.by_name.get(name, []) for name in _NAMES]
    if not any(found):
        return ArcResult("none")
    try:
        sets = _sets(found)
    except SignatureRefused as error:
        return ArcResult("fail", reason=str(error))
    last = sets[-1].seal
    sealed_broken = any(each.seal.tags["cv"] == "fail" for each in sets)

    def result(name: str, reason: str = "") -> ArcResult:
        return ArcResult(name, len(sets), last.domain, last.selector, reason, sealed_broken)

    try:
        _check_statuses(sets)
        _check_message(sets[-1], letter, questions)
        _check_seals(sets, questions)
    except TemporaryError as error:
        return result("temperror", str(error))
    except SignatureRefused as error:
        return result("fail", str(error))
    return result("pass")


def _sets(found: list[list[Field]]) -> list[_Set]:
    """The sets in their order; SignatureRefused unless each is whole and none is missing (step 3)."""
    count = len(found[2])
    if count > MOST_SETS:
        _refuse("too many sets")
    if {len(fields) for fields in found} != {count}:
        _refuse("a set is not whole")
    results: dict[int, Field] = {}
    for field in found[0]:
        # The value need not be UTF-8, nor a list of tags.
        match = _INSTANCE.match(field.value)
        results[int(match[1]) if match else 0] = field
    messages = {_instance(each): each for each in map(signature.read, found[1])}
    seals = {_instance(each): each for each in map(signature.read, found[2])}
    numbers = set(range(1, count + 1))
    if not results.keys() == messages.keys() == seals.keys() == numbers:
        _refuse("numbers of the sets")
    sets = [_Set(results[number], messages[number], seals[number]) for number in sorted(numbers)]
    for each in sets:
        _check_tags(each)
    return sets


def _instance(read: Signature) -> int:
    text = read.tags.get("i", "")
    if not _NUMBER.fullmatch(text):
        _refuse("malformed i=")
    return int(text)


def _check_tags(each: _Set) -> None:
    """What section 4.1 asks of the tags."""
    if "h" not in each.message.tags:
        _refuse("no h=")
    if "arc-seal" in [name.lower() for name in tags.words(each.message.tags["h"])]:
        _refuse("a seal is signed")
    if "h" in each.seal.tags:
        _refuse("a seal with h=")
    for read in (each.message, each.seal):
        signature.number(read, "t")
    if each.seal.tags.get("cv") not in ("none", "pass", "fail"):
        _refuse("malformed cv=")


def _check_statuses(sets: list[_Set]) -> None:
    for number, each in enumerate(sets, start=1):
        said = each.seal.tags["cv"]
        if said != ("none" if number == 1 else "pass"):
            _refuse(f"cv={said} in set {number}")


def _check_message(last: _Set, letter: Letter, questions: Questions) -> None:
    """Only the last need still hold: each of the others may have changed the message since (step 4)."""
    key = signature.find_key(last.message, questions)
    signature.check_of_message(last.message, letter, key)


def _check_seals(sets: list[_Set], questions: Questions) -> None:
    """Every seal, of all sets before it and of its own (step 8)."""
    digest = sha256()
    digests = []
    for each in sets:
        for field in (each.results, each.message.field):
            digest.update(field.relaxed + b"\r\n")
        digests.append(digest.copy())
        digest.update(each.seal.field.relaxed + b"\r\n")
    for number in range(len(sets), 0, -1):
        seal = sets[number - 1].seal
        key = signature.find_key(seal, questions)
        try:
            signature.check_after(seal, digests[number - 1], key)
        except SignatureRefused as error:
            _refuse(f"seal {number}: {error}")


def _refuse(reason: str) -> NoReturn:
    raise SignatureRefused(reason)
