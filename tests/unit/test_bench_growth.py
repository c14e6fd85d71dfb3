"""What is to be flat, and what a search is to find, is judged by the benchmarks themselves."""

import pytest
from bench import growth, logins, mailboxes, search, sessions
from bench.measuring import Measure, Run


@pytest.mark.parametrize(
    ("costs", "faults"),
    [
        ({0: 1.0, 20_000: 9.0, 100_000: 2.5}, []),
        ({100_000: 2.6, 0: 1.0}, ["a delivery: 2.6 times the cost at 100,000, asked 2.5"]),
        ({0: 0.0, 5_000: 1.0}, ["a delivery: more than the cost at 5,000, asked 2.5"]),
        ({5_000: 3.0}, []),
    ],
)
def test_the_largest_is_compared_with_the_smallest(costs: dict[int, float], faults: list[str]) -> None:
    assert growth.steep("a delivery", costs) == faults


def test_a_session_that_costs_more_where_others_are_is_missed_by_what_it_takes() -> None:
    first, second = {"KiB": 2_500.0, "ms": 10.0}, {"KiB": 2_600.0, "ms": 26.0}
    assert sessions.steep({"1,000": first, "4,000": second}) == ["ms: 2.6 times the cost at 4,000, asked 2.5"]


def test_what_costs_more_among_more_mailboxes_is_missed_by_its_name() -> None:
    of_each = {"a message": {2_000: 0.010, 100_000: 0.024}, "a sign-in": {2_000: 0.001, 100_000: 0.003}}
    found = {
        (name, size): Measure("x", (Run(of_each[name][size], None, 0),)) for name in of_each for size in of_each[name]
    }
    assert mailboxes.costs(found) == of_each
    assert mailboxes.missed(of_each) == ["a sign-in: 3.0 times the cost at 100,000, asked 2.5"]
    assert "| a message | 10.0 | 24.0 | 2.4x |\n" in growth.milliseconds("", of_each)


@pytest.mark.parametrize(
    ("found", "faults"),
    [
        ({"found": 20, "side by side": 20, "without an index": 19}, []),
        ({"found": 30, "side by side": 20, "without an index": 20}, []),
        ({"found": 19, "side by side": 20, "without an index": 18}, ["search thư: 19 found, 20 are there"]),
        ({"found": 19, "side by side": 18, "without an index": 20}, ["search thư: 19 found, 20 are there"]),
    ],
)
def test_an_index_that_overlooks_a_message_is_missed(found: dict[str, int], faults: list[str]) -> None:
    assert search.overlooked({"thư": found}) == faults


def signed_in(name: str, **cost: float) -> logins.Figure:
    return logins.Figure(Measure(name, (Run(1, None, 0),)), 100, cost)


@pytest.mark.parametrize(
    ("cached", "faults"),
    [
        ({"PostgreSQL": 0.62, "Dovecot": 3.05}, []),
        ({"PostgreSQL": 0.6, "Dovecot": 5.96}, []),
        ({"PostgreSQL": 0.8, "Dovecot": 9.5}, ["cached: 1.6 times cheaper than cold, asked 2.5"]),
        ({"PostgreSQL": 12.7, "Dovecot": 3.7}, ["cached: 1.0 times cheaper than cold, asked 2.5"]),
    ],
)
def test_sign_ins_that_are_remembered_are_cheaper_than_the_others_of_that_run(
    cached: dict[str, float], faults: list[str]
) -> None:
    cold = signed_in("cold", PostgreSQL=12.7, Dovecot=3.7)
    assert logins.forgetful(cold, signed_in("cached", **cached)) == faults
