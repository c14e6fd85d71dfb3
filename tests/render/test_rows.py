"""What the roles together write on one host."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from tests.render.conftest import ENVIRONMENTS
from tests.render.role_rows import plays, rows


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_no_path_on_a_host_has_two_writers(environment: Callable[[str], Any], topology: str) -> None:
    here = environment(topology)
    writers: dict[tuple[str, str], set[str]] = defaultdict(set)
    for pattern, role in plays():
        for host in here.hosts(pattern):
            for row in rows(here, role, host):
                writers[host, row["dest"]].add(role)
    assert len(writers) > 100
    assert {place: roles for place, roles in writers.items() if len(roles) > 1} == {}
