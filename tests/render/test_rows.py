"""What the roles together write on one host."""

from collections import defaultdict
from collections.abc import Callable
from fnmatch import fnmatch
from typing import Any

import pytest

from hanam_mail.controller import role_files
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


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_no_role_owns_a_file_that_another_role_writes(environment: Callable[[str], Any], topology: str) -> None:
    """What a role owns and does not list it removes."""
    here = environment(topology)
    listed: dict[str, dict[str, set[str]]] = defaultdict(dict)
    owned: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for pattern, role in plays():
        for host in here.hosts(pattern):
            listed[host][role] = {row["dest"] for row in rows(here, role, host)}
            owned[host] |= {(role, row["glob"]) for row in rows(here, role, host, "owns")}
    assert sum(map(len, owned.values())) > 10
    for host, patterns in owned.items():
        assert role_files.owned([{"glob": pattern} for _, pattern in patterns])
        for owner, pattern in patterns:
            for role, paths in listed[host].items():
                # fnmatch's star crosses folders, the host's does not: what this finds is more than what is removed.
                assert role == owner or not [path for path in paths if fnmatch(path, pattern)], (role, pattern)
