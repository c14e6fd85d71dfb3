"""What tests of hostile mail share."""

from collections.abc import Iterator

import pytest

from tests.lab import Lab
from tests.mail.hostile import daemons


@pytest.fixture
def daemons_stay(lab: Lab) -> Iterator[None]:
    """Whatever comes, no daemon fails, is started again or has another process afterwards."""
    before = daemons(lab)
    yield
    assert daemons(lab) == before
