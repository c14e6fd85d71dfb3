"""docs/clauses.md is fresh, and what it says of each clause has code and tests behind it."""

import re

import pytest

from tests import clauses_table as table
from tests.render.conftest import ROOT

BUILT = [row for row in table.clauses() if row.state != "not yet"]


def test_the_table_is_fresh() -> None:
    assert table.FILE.read_text(encoding="utf-8") == table.text(), "run: make map"


def test_every_row_has_a_state_and_says_what_is_missing() -> None:
    assert {row.state for row in table.clauses()} <= set(table.STATES)
    assert [row.clause for row in table.clauses() if bool(row.lacks) != (row.state != "enforced")] == []
    names = [row.clause for row in table.clauses()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("row", BUILT, ids=lambda row: str(row.clause))
def test_what_is_built_is_cited_in_code_and_has_a_test(row: table.Clause) -> None:
    assert table.gathered(table.code(), row.clause), "no code cites it"
    # Its article's marker is not enough: another clause of the same article may be all that the test is about.
    cited = table.gathered(table.tests(), row.clause)
    told = {name for name in cited if name.startswith(table.PAGES)}
    assert cited - told if row.state == "enforced" else cited, "no test cites it"


def test_nothing_cites_a_clause_that_the_table_does_not_have() -> None:
    # Whole articles and khoản are cited where all of one is meant; Điều 148 is that of the Civil Code, on terms.
    names = [row.clause for row in table.clauses()]
    found = {*table.code(), *table.tests()} - {"Đ1", "Đ2", "Đ148"}
    unknown = [
        cited for cited in found if not table.row_of(cited) and not any(each.startswith(cited) for each in names)
    ]
    assert sorted(unknown) == []


def test_readme_says_that_not_all_is_built_yet() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    part = readme.partition("## Not yet")[2]
    assert "docs/clauses.md" in part
    missing = [row.clause for row in table.clauses() if row.state == "not yet"]
    assert [clause for clause in missing if not re.search(rf"{re.escape(clause)}\b", part)] == []
