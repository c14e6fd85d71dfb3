"""What was on the hosts before the upgrade, and what was there right after it, before any test did something."""

import json
from typing import Any

import pytest

from tests.after.journal import lines
from tests.lab import Lab
from tests.upgrade import state
from tests.upgrade.content import People


@pytest.fixture(scope="session")
def before() -> dict[str, Any]:
    return dict(json.loads(state.FILE.read_text()))


@pytest.fixture(scope="session", autouse=True)
def after(lab: Lab) -> dict[str, Any]:
    return state.read(lab) | {"journal": {host: list(lines(lab, host)) for host in lab.hosts}}


@pytest.fixture(scope="session")
def people(lab: Lab) -> People:
    return People(lab)
