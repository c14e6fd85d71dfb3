"""What was read of a document is there for the next one who sends it, in a process of its own, and for nobody else."""

import os
import signal
import time
from dataclasses import replace
from hashlib import sha256

import pytest

from hanam_mail.host.extract.confined import ReadingOutcome
from hanam_mail.host.extract.kept_texts import OCTETS, SECONDS, KeptTexts
from hanam_mail.host.extract.work import End, Limits

pytestmark = [pytest.mark.dieu10]
WHOLE = ReadingOutcome(End.WHOLE, "", "Công văn".encode())
LIMITS = Limits()


def whose(number: int) -> bytes:
    return sha256(str(number).encode()).digest()


def text(octets: bytes) -> ReadingOutcome:
    return ReadingOutcome(End.WHOLE, "", octets)


@pytest.mark.parametrize(
    "outcome",
    [
        WHOLE,
        ReadingOutcome(End.WHOLE),
        text(b"\n\n a \n"),
        ReadingOutcome(End.PARTIAL, "embedded, names", b"x"),
        ReadingOutcome(End.ENCRYPTED),
        ReadingOutcome(End.UNKNOWN),
    ],
)
def test_the_same_document_is_answered_as_it_was(outcome: ReadingOutcome) -> None:
    kept = KeptTexts(4)
    assert kept.find(whose(1), LIMITS) is None
    kept.keep(whose(1), LIMITS, outcome)
    assert kept.find(whose(1), LIMITS) == outcome
    assert kept.find(whose(2), LIMITS) is None


@pytest.mark.parametrize(
    "outcome",
    [
        ReadingOutcome(End.LIMIT, "time"),
        ReadingOutcome(End.BROKEN, "reader"),
        ReadingOutcome(End.CUT, "text", b"x"),
        ReadingOutcome(End.PARTIAL, "limit, names", b"x"),
        ReadingOutcome(End.PARTIAL, "broken", b"x"),
        text(b"x" * OCTETS),
    ],
)
def test_what_another_reading_may_find_otherwise_is_not_kept(outcome: ReadingOutcome) -> None:
    kept = KeptTexts(4)
    kept.keep(whose(1), LIMITS, outcome)
    assert kept.find(whose(1), LIMITS) is None


@pytest.mark.dieu3
def test_search_has_what_was_read_for_marks_and_marks_nothing_that_was_read_for_search() -> None:
    """Search reads with less time, and is given less of a text: what it did not find may be there."""
    marks, search = replace(LIMITS, processor=6), replace(LIMITS, processor=3, text=len(WHOLE.text))
    kept = KeptTexts(4)
    kept.keep(whose(1), search, WHOLE)
    assert kept.find(whose(1), search) == WHOLE
    assert kept.find(whose(1), marks) is None
    kept.keep(whose(1), marks, WHOLE)
    assert kept.find(whose(1), marks) == kept.find(whose(1), search) == WHOLE
    assert kept.find(whose(1), replace(search, text=len(WHOLE.text) - 1)) is None


def test_who_was_not_asked_for_the_longest_goes_first() -> None:
    kept = KeptTexts(3)
    for number in (1, 2, 3):
        kept.keep(whose(number), LIMITS, text(str(number).encode()))
    assert kept.find(whose(1), LIMITS)
    kept.keep(whose(4), LIMITS, text(b"4"))
    kept.keep(whose(4), LIMITS, text(b"again"))
    found = {number: kept.find(whose(number), LIMITS) for number in (1, 2, 3, 4)}
    assert {number: each.text for number, each in found.items() if each} == {1: b"1", 3: b"3", 4: b"again"}


def test_what_nobody_asks_for_is_wiped(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KeptTexts(2)
    kept.keep(whose(1), LIMITS, text(b"old " * 1000))
    kept.keep(whose(2), LIMITS, text(b"longer " * 1000))
    kept.keep(whose(2), LIMITS, text(b"short"))
    assert b"longer" not in everything(kept)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + SECONDS - 1)
    assert kept.find(whose(2), LIMITS)
    monkeypatch.setattr(time, "monotonic", lambda: now + SECONDS + 1)
    kept.forget()
    assert kept.find(whose(1), LIMITS) is None
    assert kept.find(whose(2), LIMITS)
    assert b"old" not in everything(kept)


def everything(kept: KeptTexts) -> bytes:
    return os.pread(kept._file, os.fstat(kept._file).st_size, 0)


def test_processes_of_one_service_share_it_and_read_nothing_that_is_half_written() -> None:
    kept, texts = KeptTexts(1), [text(octet * 200_000) for octet in (b"a", b"b")]
    children = []
    for number, each in enumerate(texts):
        if (child := os.fork()) == 0:
            while True:
                kept.keep(whose(number), LIMITS, each)
        children.append(child)
    try:
        seen = set[int]()
        end = time.monotonic() + 30
        while len(seen) < 2 and time.monotonic() < end:
            for number, each in enumerate(texts):
                if found := kept.find(whose(number), LIMITS):
                    assert found == each
                    seen.add(number)
        assert seen == {0, 1}
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    # Whoever was killed as he wrote has given his lock back.
    kept.keep(whose(3), LIMITS, WHOLE)
    assert kept.find(whose(3), LIMITS) == WHOLE


@pytest.mark.parametrize("written", [5, None])
def test_without_room_for_a_text_nothing_is_kept_and_nothing_of_another_is_given(
    monkeypatch: pytest.MonkeyPatch, written: int | None
) -> None:
    """The unit's memory is used up: less is written, or nothing."""
    kept, pwrite = KeptTexts(1), os.pwrite
    kept.keep(whose(1), LIMITS, text(b"of somebody else"))

    def little(file: int, octets: bytes, at: int) -> int:
        if len(octets) == 56:
            return pwrite(file, octets, at)
        if written is None:
            raise OSError(12, "Cannot allocate memory")
        return pwrite(file, octets[:written], at)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", little)
        kept.keep(whose(2), LIMITS, text(b"x" * 100))
    assert kept.find(whose(1), LIMITS) is None
    assert kept.find(whose(2), LIMITS) is None


def test_none_is_kept_where_none_may_be() -> None:
    kept = KeptTexts(0)
    kept.keep(whose(1), LIMITS, WHOLE)
    assert kept.find(whose(1), LIMITS) is None
    kept.forget()
