"""What rules of the filter say of letters, by rspamd's own reader; tests/roles/test_rspamd.py does it on a host."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests import filter_cases, filter_forwarded, filter_rules, filter_senders
from tests.render.conftest import ROOT, Environment

pytestmark = pytest.mark.skipif(
    filter_rules.PROGRAM is None, reason="rspamadm is not installed here; tests/roles/test_rspamd.py asks it on a host"
)


WEIGHTS = ROOT / "roles/rspamd/files/word_weights.tsv"


@pytest.fixture(scope="module")
def rules(environment: Callable[[str], Environment]) -> Callable[..., str]:
    return filter_cases.renderer(environment("production"))


@pytest.mark.parametrize(
    "case",
    (*filter_cases.CASES, *filter_senders.CASES, *filter_forwarded.CASES),
    ids=lambda case: case.__name__.removeprefix("check_"),
)
def test_the_rules_hold(case: filter_cases.Case, rules: Callable[..., str], tmp_path: Path) -> None:
    files = {"/etc/rspamd/word_weights.tsv": str(WEIGHTS), "/var/cache/rspamd/scan": "."}

    def ask(names: Sequence[str], asked: Sequence[filter_rules.Question], **given: Any) -> list[filter_rules.Answer]:
        return filter_rules.ask({f"{each}.lua": rules(each, **given) for each in names}, asked, tmp_path, files)

    case(ask)
