"""What rules of the filter say of letters, by rspamd's own reader; tests/roles/test_rspamd.py does it on a host."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests import filter_cases, filter_rules
from tests.render.conftest import ROOT, Environment

pytestmark = pytest.mark.skipif(
    filter_rules.PROGRAM is None, reason="rspamadm is not installed here; tests/roles/test_rspamd.py asks it on a host"
)


WEIGHTS = ROOT / "roles/rspamd/files/word_weights.tsv"


@pytest.fixture(scope="module")
def rules(environment: Callable[[str], Environment]) -> Callable[[str], str]:
    there: Environment = environment("production").with_variables(**filter_cases.GIVEN)
    host = there.hosts("filter")[0]
    return cache(lambda name: there.render("rspamd", f"{name}.lua.j2", host))


@pytest.mark.parametrize("case", filter_cases.CASES, ids=lambda case: case.__name__.removeprefix("check_"))
def test_the_rules_hold(case: filter_cases.Case, rules: Callable[[str], str], tmp_path: Path) -> None:
    files = {"/etc/rspamd/word_weights.tsv": str(WEIGHTS), "/var/cache/rspamd/scan": "."}
    case(lambda names, asked: filter_rules.ask({f"{each}.lua": rules(each) for each in names}, asked, tmp_path, files))
