"""The upgrade itself says nothing but what an upgrade must; what the tests do afterwards is not looked at here."""

import re
from typing import Any

from tests.after.journal import BY_UPGRADE, ON_THESE_HOSTS


def test_the_upgrade_leaves_no_warning_in_a_journal_but_those_that_are_known(after: dict[str, Any]) -> None:
    known = (*BY_UPGRADE, *ON_THESE_HOSTS)
    for host, said in after["journal"].items():
        assert [line for line in said if not any(re.match(pattern, line) for pattern in known)] == [], host
