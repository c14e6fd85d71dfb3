"""What tests of hostile mail share, and those of people's rules."""

from collections.abc import Iterator

import pytest

from tests.lab import Lab, Sample
from tests.mail.hostile import daemons


@pytest.fixture
def daemons_stay(lab: Lab) -> Iterator[None]:
    """Whatever comes, no daemon fails, is started again or has another process afterwards."""
    before = daemons(lab)
    yield
    assert daemons(lab) == before


@pytest.fixture
def owner_without_rules_afterwards(lab: Lab, owner: Sample) -> Iterator[None]:
    """The look of a later night (hanam-check-sieve) finds no rule of a test that is over."""
    yield
    home = f"{lab.variables['mail_root']}/{owner.mailbox[:2]}/{owner.mailbox}"
    lab.run("mailstore", f"rm -rf {home}/sieve {home}/.dovecot.sieve")
