"""What was on the hosts before the upgrade, and what was there right after it, before anybody did something."""

from typing import Any

import pytest

from tests.lab import Lab
from tests.upgrade import state
from tests.upgrade.content import Owners


@pytest.fixture(scope="session")
def before() -> dict[str, Any]:
    return state.stored(state.BEFORE)


@pytest.fixture(scope="session")
def after() -> dict[str, Any]:
    return state.stored(state.AFTER)


@pytest.fixture(scope="session")
def owners(lab: Lab) -> Owners:
    return Owners(lab)
