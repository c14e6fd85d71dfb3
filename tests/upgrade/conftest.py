"""What was on the hosts before the upgrade, and what was there right after it, before any test did something."""

import json
from typing import Any

import pytest

from tests.lab import Lab
from tests.upgrade import state
from tests.upgrade.content import Owners


@pytest.fixture(scope="session")
def before() -> dict[str, Any]:
    return dict(json.loads(state.FILE.read_text()))


@pytest.fixture(scope="session", autouse=True)
def after(lab: Lab) -> dict[str, Any]:
    return state.read(lab)


@pytest.fixture(scope="session")
def owners(lab: Lab) -> Owners:
    return Owners(lab)
