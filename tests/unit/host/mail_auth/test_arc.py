"""Chains of ARC (RFC 8617): which hold, which are broken, and which say so themselves.

tests/mail/test_arc_vectors.py asks the running filter the same.
"""

import time
from collections.abc import Iterator

import pytest
from tests import arc_cases
from tests.arc_cases import Case
from tests.unit.host.mail_auth import nameserver

from hanam_mail.host.mail_auth import arc
from hanam_mail.host.mail_auth.letter import Letter

pytestmark = pytest.mark.dieu4


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    with nameserver.serve(arc_cases.zone("example")) as (_, place):
        yield place


def check(address: tuple[str, int], message: bytes) -> arc.ArcResult:
    return arc.check(Letter(message), nameserver.questions(address))


def judge(address: tuple[str, int], case: Case) -> arc.ArcResult:
    """The result of a case's letter, which is as it wants it."""
    result = check(address, case.message())
    assert (result.result, result.reason) == case.wanted
    assert (result.sets, result.sealed_broken) == (case.sets, case.said_broken)
    return result


def over(table: arc_cases.Table) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", table.values(), ids=table)


def test_a_message_without_a_chain_has_none(address: tuple[str, int]) -> None:
    assert judge(address, arc_cases.NO_CHAIN["letter"]) == arc.ArcResult("none")


@over(arc_cases.LENGTHS)
def test_a_chain_holds_whoever_sealed_it(address: tuple[str, int], case: Case) -> None:
    result = judge(address, case)
    key = arc_cases.keys("example")[(case.length - 1) % 3]
    assert (result.domain, result.selector) == (key.domain, key.selector)


@over(arc_cases.TOO_LONG)
def test_more_than_fifty_sets_are_broken(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


@over(arc_cases.ORDERS)
def test_the_order_of_the_fields_in_the_message_is_of_no_account(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


@over(arc_cases.CHANGED_BETWEEN)
def test_who_changes_a_message_and_seals_it_keeps_the_chain(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


@over(arc_cases.FORMS)
def test_the_messages_signature_may_have_any_form(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


@over(arc_cases.TAKEN)
def test_tags_that_the_standard_allows(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


@over(arc_cases.BROKEN_TAGS)
def test_a_wrong_tag_in_the_last_set_breaks_the_chain(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


@over(arc_cases.CHANGES)
def test_what_is_changed_in_a_chain_breaks_it(address: tuple[str, int], case: Case) -> None:
    assert case.message() != arc_cases.chain("example", case.length)
    judge(address, case)


@over(arc_cases.TAKEN_AWAY)
def test_a_set_between_two_is_missed_and_one_at_the_end_is_not(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


@over(arc_cases.SAID_BROKEN)
def test_a_chain_that_says_that_it_is_broken_is_known_as_such(address: tuple[str, int], case: Case) -> None:
    """It gets no more seals; one that is found broken here may get one that says so."""
    judge(address, case)


@over(arc_cases.LATER)
def test_a_key_that_dns_cannot_give_now_leaves_it_open(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


def test_no_chain_keeps_it_busy(address: tuple[str, int]) -> None:
    message = arc_cases.chain("example", 50)
    long = message.replace(b"i=1; mx.example;", b"i=1; mx.example;" + b" a" * 400_000)
    many = b"ARC-Seal: i=1; a=rsa-sha256; cv=none; d=a.example; s=a; b=YQ==\r\n" * 9900 + arc_cases.LETTER.encode()
    blanks = b"ARC-Authentication-Results:" + b" " * 1_000_000 + b"\r\n" + message
    began = time.process_time()
    for each in (message, long, many, blanks):
        check(address, each)
    assert time.process_time() - began < 5
