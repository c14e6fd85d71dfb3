"""A process of LMTP that is killed loses nothing that it acknowledged, and leaves a mailbox that works (Đ10.6)."""

import shlex
from collections import Counter
from pathlib import Path

import pytest

from tests import journal
from tests.lab import Lab, Sample

_KILLED = Path(__file__).with_name("killed_deliveries.py")
KILLS = 200
SEED = 7


@pytest.mark.dieu10
@pytest.mark.provokes(journal.DELIVERY_KILLED, journal.INDEX_LOST)
def test_nothing_that_was_acknowledged_is_lost_when_deliveries_are_killed(lab: Lab, person: Sample) -> None:
    """Đ10.2."""
    program = shlex.quote(_KILLED.read_text())
    acknowledged = lab.run("mailstore", f"python3 -c {program} {person.mailbox} {KILLS} {SEED}").split()
    assert sum(subject.startswith("lmtp-") for subject in acknowledged) > KILLS // 4
    with lab.imap(person.address, person.password) as client:
        _, (count,) = client.select("INBOX")
        _, rows = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[TEXT])")
    stored = Counter(
        row[1].decode().removeprefix("Subject:").strip()
        for row in rows
        if isinstance(row, tuple) and b"HEADER" in row[0]
    )
    assert not set(acknowledged) - set(stored)
    assert sum(stored.values()) == int(count)
    # Whole, each of them, and none twice, however often the index was made anew.
    texts = {len(row[1]) for row in rows if isinstance(row, tuple) and b"TEXT" in row[0]}
    assert len(texts) == 1
    assert set(stored.values()) == {1}
