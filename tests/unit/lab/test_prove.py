"""The lines at the end of `make up`: a proof that was not made is not counted as one that held."""

from typing import Literal

import pytest
from tests.prove import Lines


def report(
    test: str,
    outcome: Literal["passed", "failed", "skipped"],
    when: Literal["setup", "call", "teardown"] = "call",
) -> pytest.TestReport:
    return pytest.TestReport(test, ("x.py", 1, test), {}, outcome, "said so", when)


@pytest.fixture
def lines() -> Lines:
    lines = Lines()
    lines.titles = {"a": "Thư đến", "b": "Thư đi"}
    lines.pytest_runtest_logreport(report("a", "passed", "setup"))
    lines.pytest_runtest_logreport(report("a", "passed"))
    return lines


def test_all_held_when_each_passed(lines: Lines) -> None:
    assert not lines.all_held, "the other one has not run"
    lines.pytest_runtest_logreport(report("b", "passed"))
    assert lines.all_held
    assert lines.proven == 2


@pytest.mark.parametrize(
    ("outcome", "when", "word"),
    [("skipped", "setup", "BỎ QUA"), ("failed", "call", "HỎNG"), ("failed", "teardown", "HỎNG")],
)
def test_a_proof_that_was_skipped_or_failed_is_named_and_fails_the_whole(
    lines: Lines,
    outcome: Literal["failed", "skipped"],
    when: Literal["setup", "call", "teardown"],
    word: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if when == "teardown":
        lines.pytest_runtest_logreport(report("b", "passed"))
    lines.pytest_runtest_logreport(report("b", outcome, when))
    assert not lines.all_held
    assert f"{word} Thư đi" in " ".join(capsys.readouterr().out.split())
    assert lines.failures[0][0] == "Thư đi"


def test_no_proof_at_all_is_no_success() -> None:
    assert not Lines().all_held
