"""Fixtures of the tests of single hosts."""

from collections.abc import Iterator

import pytest

from tests.lab import Lab
from tests.system.scratch import DATABASE, FOLDER, Scratch, create


@pytest.fixture
def scratch(lab: Lab) -> Iterator[Scratch]:
    create(lab)
    yield Scratch(lab, lab.variables["vault_lab_operator_key"], lab.variables["vault_lab_operator_public_key"])
    lab.run("accounts", f"rm -rf {FOLDER}; cd / && runuser -u postgres -- dropdb --force {DATABASE}")
