"""Which signatures of DKIM hold (RFC 6376, 8301, 8463), by keys that a name server of our own gives.

tests/mail/test_dkim_vectors.py asks the running filter the same.
"""

import time
from collections.abc import Iterator

import pytest
from tests import dkim_cases, dkim_tables
from tests.dkim_cases import LETTER, Case
from tests.unit.host.mail_auth import nameserver

from hanam_mail.host.mail_auth import dkim
from hanam_mail.host.mail_auth.letter import Letter

pytestmark = pytest.mark.dieu4


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    with nameserver.serve(dkim_cases.zone("example")) as (_, place):
        yield place


def check(address: tuple[str, int], message: bytes, author: str = "ky.example") -> list[dkim.DkimResult]:
    return dkim.check(Letter(message), nameserver.questions(address), author)


def judge(address: tuple[str, int], case: Case) -> list[dkim.DkimResult]:
    """The results of a case's letter, which are as it wants them."""
    results = check(address, case.message(), case.author)
    assert [(each.result, each.reason) for each in results] == list(case.wanted)
    if case.domain:
        assert results[0].domain == case.domain
    return results


def over(table: dkim_cases.Table) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", table.values(), ids=table)


# --- what holds ---


@over(dkim_tables.FORMS)
def test_it_holds_by_either_kind_of_key_and_in_every_form(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


@over(dkim_tables.BODIES)
def test_it_holds_whatever_blanks_a_body_has(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


@over(dkim_tables.LINE_ENDS)
def test_lines_that_end_in_a_line_feed_alone_are_read_as_lines(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


@over(dkim_tables.KEYS_THAT_SAY_MORE)
def test_a_key_may_say_more_than_it_must(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


@over(dkim_tables.TAKEN)
def test_tags_that_the_standard_allows(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


@over(dkim_tables.INTERNATIONAL)
def test_names_in_other_letters_are_those_of_dns(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


@over(dkim_tables.NOT_IN_DNS)
def test_names_that_dns_cannot_have_make_it_none(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


@over(dkim_tables.OF_ANOTHER)
def test_a_signature_of_one_domain_is_not_that_of_another(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


@over(dkim_tables.MENDED)
def test_a_signature_may_be_written_in_many_ways(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


@over(dkim_tables.FIELDS_OF_A_NAME)
def test_of_several_fields_of_a_name_the_last_is_signed_first(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


# --- what does not ---


@over(dkim_tables.CHANGED)
def test_a_field_or_a_body_that_was_changed_is_found(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


@over(dkim_tables.ADDED)
def test_a_field_that_is_added_after_one_more_was_signed_is_found(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


@over(dkim_tables.PART_OF_THE_BODY)
def test_what_stands_behind_the_signed_part_of_a_body_makes_it_none(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


@over(dkim_tables.NOT_TAKEN)
def test_tags_that_make_it_as_good_as_none(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


@over(dkim_tables.BROKEN_LISTS)
def test_a_list_of_tags_that_breaks_the_grammar_is_none(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


@over(dkim_tables.NO_BASE64)
def test_a_signature_that_is_no_base64_is_none(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


@over(dkim_tables.KEY_FAULTS)
def test_a_key_that_does_not_count(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


@over(dkim_tables.STRICT)
def test_a_key_for_its_own_domain_alone_is_none_for_those_below(address: tuple[str, int], case: Case) -> None:
    judge(address, case)


# --- several ---


def test_each_signature_has_its_own_result(address: tuple[str, int]) -> None:
    results = judge(address, dkim_tables.SEVERAL["each"])
    assert [each.selector for each in results] == ["test", "ed", "s1"]
    assert dkim.passing(results) == ["ky.example"]


def test_the_authors_own_signature_is_found_among_many_of_others(address: tuple[str, int]) -> None:
    results = judge(address, dkim_tables.SEVERAL["own_of_many"])
    assert len(results) == dkim.MOST
    assert results[0].domain == "ky.example"


# --- hostile ones ---


@over(dkim_tables.HOSTILE)
def test_no_header_keeps_it_busy(address: tuple[str, int], case: Case) -> None:
    began = time.process_time()
    judge(address, case)
    assert time.process_time() - began < 5


@pytest.mark.parametrize("piece", [b" ", b"\r\n", b" \r\n", b"\r", b"\n", b" a", b"  a\t", b"a"], ids=repr)
def test_no_body_keeps_it_busy(address: tuple[str, int], piece: bytes) -> None:
    """As large as a message may be, with as many signatures as are looked at, of both forms and many lengths."""
    body = piece * (28_000_000 // len(piece))
    forms = ("relaxed", "simple")
    head = b"".join(
        b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/%s; d=ky.example; s=s1; l=%d; h=from; bh=YQ==; b=YQ==\r\n"
        % (forms[number % 2].encode(), 1_000_000 * number)
        for number in range(dkim.MOST)
    )
    began = time.process_time()
    check(address, head + LETTER + body)
    assert time.process_time() - began < 5
