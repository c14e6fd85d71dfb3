"""Signatures of DKIM (RFC 6376, 8301, 8463): which of them speak for their domain."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from hanam_mail.host.mail_auth import signature, tags
from hanam_mail.host.mail_auth.letter import Field, Letter
from hanam_mail.host.mail_auth.questions import Questions, TemporaryError
from hanam_mail.host.mail_auth.signature import SignatureRefused

# Each costs a question and a proof, and the sender chooses how many there are. Honest mail has one to four.
MOST = 10
# What clocks may differ by.
CLOCK_SECONDS = 300

_IDENTITY = re.compile(r"[^@]*@([^@]+)")


@dataclass(frozen=True)
class DkimResult:
    """`result` as RFC 8601 names it. `start`: the first signs of b=."""

    result: str
    domain: str
    selector: str
    start: str
    reason: str = ""


def check(letter: Letter, questions: Questions, author: str) -> list[DkimResult]:
    """One result for each signature that is looked at: those of the author's domain first, then as they stand."""
    fields = letter.by_name.get("dkim-signature", [])
    # As many in all: among thousands the author's own need not be found.
    read = [_read(field) for field in fields[: 10 * MOST]]
    ordered = sorted(read, key=lambda each: not _may_align(each, author))
    return [each if isinstance(each, DkimResult) else _result(each, letter, questions) for each in ordered[:MOST]]


def _may_align(read: signature.Signature | DkimResult, author: str) -> bool:
    return bool(author) and (f".{author}".endswith(f".{read.domain}") or f".{read.domain}".endswith(f".{author}"))


def _read(field: Field) -> signature.Signature | DkimResult:
    try:
        return signature.read(field)
    except SignatureRefused as error:
        return DkimResult("none", "", "", "", str(error))


def _result(read: signature.Signature, letter: Letter, questions: Questions) -> DkimResult:
    def result(name: str, reason: str = "") -> DkimResult:
        return DkimResult(name, read.domain, read.selector, read.start, reason)

    try:
        names = _check_tags(read)
        key = signature.find_key(read, questions)
        if key.exact and names != read.domain:
            raise SignatureRefused("key not for domains below", counts_as_none=True)
        signature.check_of_message(read, letter, key)
    except TemporaryError as error:
        return result("temperror", str(error))
    except SignatureRefused as error:
        return result("permerror" if error.broken else "none" if error.counts_as_none else "fail", str(error))
    return result("pass")


def _check_tags(read: signature.Signature) -> str:
    """The domain that it names as its identity's; SignatureRefused when a tag is not as it must be (section 6.1.1)."""
    said = read.tags
    if said.get("v") != "1":
        raise SignatureRefused("malformed v=", counts_as_none=True)
    fields = [name.lower() for name in tags.words(said.get("h", ""))]
    if "from" not in fields or "" in fields:
        raise SignatureRefused("author not signed", counts_as_none=True)
    identity = _IDENTITY.fullmatch(said["i"]) if "i" in said else None
    names = signature.in_ascii(identity[1]) if identity else read.domain
    if ("i" in said and not identity) or not f".{names}".endswith(f".{read.domain}"):
        raise SignatureRefused("identity of another domain", counts_as_none=True)
    if "q" in said and "dns/txt" not in tags.words(said["q"]):
        raise SignatureRefused("key elsewhere than in DNS", counts_as_none=True)
    made, ends = signature.number(read, "t"), signature.number(read, "x")
    if ends is not None and (ends < time.time() - CLOCK_SECONDS or (made is not None and ends <= made)):
        raise SignatureRefused("expired", counts_as_none=True)
    return names


def passing(results: Sequence[DkimResult]) -> list[str]:
    """Domains for which a signature speaks."""
    return list(dict.fromkeys(each.domain for each in results if each.result == "pass"))
