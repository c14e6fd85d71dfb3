"""The people of the mail tests. A test that needs somebody else says so with a fixture of its own."""

import pytest

from tests.lab import Lab, Sample


@pytest.fixture
def sender(lab: Lab) -> Sample:
    return lab.samples[0]


@pytest.fixture
def recipient(lab: Lab) -> Sample:
    return lab.samples[1]
