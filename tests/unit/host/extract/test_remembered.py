"""What was read of a document is there for the next one who sends it, in a process of its own, and for nobody else."""

import os
from hashlib import sha256

import pytest

from hanam_mail.host.extract.confined import ReadingOutcome
from hanam_mail.host.extract.remembered import OCTETS, KeptTexts
from hanam_mail.host.extract.work import End

pytestmark = [pytest.mark.dieu10]
WHOLE = ReadingOutcome(End.WHOLE, "", "Công văn".encode())


def whose(number: int) -> bytes:
    return sha256(str(number).encode()).digest()


@pytest.mark.parametrize(
    "outcome",
    [
        WHOLE,
        ReadingOutcome(End.WHOLE),
        ReadingOutcome(End.WHOLE, "", b"\n\n a \n"),
        ReadingOutcome(End.PARTIAL, "embedded, names", b"x"),
        ReadingOutcome(End.CUT, "text", b"x"),
        ReadingOutcome(End.ENCRYPTED),
        ReadingOutcome(End.UNKNOWN),
    ],
)
def test_the_same_document_is_answered_as_it_was(outcome: ReadingOutcome) -> None:
    remembered = KeptTexts(4)
    assert remembered.find(whose(1), 100) is None
    remembered.keep(whose(1), 100, outcome)
    assert remembered.find(whose(1), 100) == outcome
    assert remembered.find(whose(2), 100) is None


@pytest.mark.parametrize(
    "outcome",
    [
        ReadingOutcome(End.LIMIT, "time"),
        ReadingOutcome(End.BROKEN, "reader"),
        ReadingOutcome(End.PARTIAL, "limit, names", b"x"),
        ReadingOutcome(End.PARTIAL, "broken", b"x"),
        ReadingOutcome(End.WHOLE, "", b"x" * OCTETS),
    ],
)
def test_what_another_reading_may_find_otherwise_is_not_kept(outcome: ReadingOutcome) -> None:
    remembered = KeptTexts(4)
    remembered.keep(whose(1), 10**9, outcome)
    assert remembered.find(whose(1), 10**9) is None


def test_search_has_what_was_read_for_marks_where_all_of_it_fits() -> None:
    """They are given different lengths of text."""
    remembered = KeptTexts(4)
    remembered.keep(whose(1), 1000, WHOLE)
    assert remembered.find(whose(1), len(WHOLE.text)) == WHOLE
    assert remembered.find(whose(1), len(WHOLE.text) - 1) is None
    cut = ReadingOutcome(End.CUT, "text", b"x")
    remembered.keep(whose(2), 10, cut)
    assert remembered.find(whose(2), 10) == cut
    assert remembered.find(whose(2), 1000) is None


def test_who_was_not_asked_for_the_longest_goes_first() -> None:
    remembered = KeptTexts(3)
    for number in (1, 2, 3):
        remembered.keep(whose(number), 10, ReadingOutcome(End.WHOLE, "", str(number).encode()))
    assert remembered.find(whose(1), 10)
    remembered.keep(whose(4), 10, ReadingOutcome(End.WHOLE, "", b"4"))
    remembered.keep(whose(4), 10, ReadingOutcome(End.WHOLE, "", b"again"))
    found = {number: remembered.find(whose(number), 10) for number in (1, 2, 3, 4)}
    assert {number: each.text for number, each in found.items() if each} == {1: b"1", 3: b"3", 4: b"again"}


def test_processes_of_one_service_share_it() -> None:
    remembered = KeptTexts(2)
    if (child := os.fork()) == 0:
        remembered.keep(whose(1), 10, WHOLE)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert remembered.find(whose(1), len(WHOLE.text)) == WHOLE


def test_one_that_was_killed_while_it_wrote_leaves_nothing_that_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    remembered = KeptTexts(1)
    remembered.keep(whose(1), 10, WHOLE)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(remembered, "_now", dies)
        with pytest.raises(KeyboardInterrupt):
            remembered.keep(whose(2), 10, ReadingOutcome(End.WHOLE, "", b"x"))
    assert remembered.find(whose(1), 100) is None
    assert remembered.find(whose(2), 100) is None


def test_none_is_kept_where_none_may_be() -> None:
    remembered = KeptTexts(0)
    remembered.keep(whose(1), 10, WHOLE)
    assert remembered.find(whose(1), 10) is None
