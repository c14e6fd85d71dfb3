"""Properties of the registry's rules: what they let pass is what a second, plainer description lets pass."""

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.registry_world import RULE_BOOK, TODAY, World

from hanam_mail.errors import Source
from hanam_mail.registry import history
from hanam_mail.registry.history import quota_default, quota_minimum, standing
from hanam_mail.registry.model import Absence, Event, Issue, Lock, MailboxKind, Quota, Rename, Restore, Revoke, State

GIB = 1024**3
NOWHERE = Source("x.yml", 1)
LETTERS = "IQANLUX"  # issue, quota, absence, new name, lock, unlock, close
ORDER = re.compile("I(?:[QANU]|L[QAN]*U)*(?:L[QAN]*)?X?")
KINDS = st.sampled_from(MailboxKind)


def events(letters: str, days: list[int], sizes: list[int]) -> tuple[Event, ...]:
    """A history of these kinds of events, each so many days after the one before."""
    found: list[Event] = []
    day = date(2024, 1, 1)
    for number, (letter, wait, size) in enumerate(zip(letters, days, sizes, strict=True)):
        day += timedelta(wait)
        request = f"2024-{number:04}"
        found.append(
            {
                "I": Issue(request, day, None, NOWHERE),
                "Q": Quota(request, day, size * GIB, True, NOWHERE),
                "A": Absence(request, day, day, day + timedelta(400), NOWHERE),
                "N": Rename(request, day, None, "Lê An", NOWHERE),
                "L": Lock(None, day, "idle", NOWHERE),
                "U": Restore(request, day, "Trần Bình", NOWHERE),
                "X": Revoke(request, day, NOWHERE),
            }[letter]
        )
    return tuple(found)


@st.composite
def histories(draw: st.DrawFn, letters: str = LETTERS) -> tuple[str, list[int], list[int]]:
    text = "I" + draw(st.text(letters, max_size=8))
    days = draw(st.lists(st.integers(-1, 30), min_size=len(text), max_size=len(text)))
    sizes = draw(st.lists(st.integers(1, 20), min_size=len(text), max_size=len(text)))
    return text, days, sizes


@pytest.mark.dieu6
@settings(max_examples=400, deadline=None)
@given(histories(), KINDS)
def test_a_history_passes_just_when_its_order_dates_and_quotas_can_be(
    drawn: tuple[str, list[int], list[int]], kind: MailboxKind
) -> None:
    letters, days, sizes = drawn
    found = list(history.problems(events(*drawn), kind, RULE_BOOK, TODAY))
    right_order = ORDER.fullmatch(letters) is not None
    forward = all(day >= 0 for day in days[1:])
    named = [size * GIB for letter, size in zip(letters, sizes, strict=True) if letter == "Q"]
    large = all(size >= quota_minimum(kind, RULE_BOOK) for size in named)
    away = [event.begin for event in events(*drawn) if isinstance(event, Absence)]
    apart = len(set(away)) == len(away)
    assert (not found) == (right_order and forward and large and apart)


@settings(max_examples=300, deadline=None)
@given(histories(), KINDS)
def test_what_a_history_amounts_to_follows_from_its_last_decisions(
    drawn: tuple[str, list[int], list[int]], kind: MailboxKind
) -> None:
    letters, _, sizes = drawn
    if not ORDER.fullmatch(letters):
        return
    happened = events(*drawn)
    now = standing(happened, kind, RULE_BOOK)
    last = max(number for number, letter in enumerate(letters) if letter in "ILUX")
    assert now.state is {"I": State.ACTIVE, "L": State.LOCKED, "U": State.ACTIVE, "X": State.REVOKED}[letters[last]]
    assert now.document is happened[last]
    named = [size * GIB for letter, size in zip(letters, sizes, strict=True) if letter == "Q"]
    assert now.quota_bytes == max([*named[-1:], quota_default(kind, RULE_BOOK)])
    assert standing(happened, kind, RULE_BOOK) == now


ADDRESSES = ["hoi", "Hoi", "HOI", "hoi.2", "baochi", "lean", "snv", "stp"]


@pytest.mark.dieu5
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(ADDRESSES), st.lists(st.sampled_from(ADDRESSES), max_size=2)), max_size=4))
def test_the_check_passes_just_when_no_address_has_two_owners(
    tmp_path: Path, guests: list[tuple[str, list[str]]]
) -> None:
    world = World(tmp_path)
    for number, (address, aliases) in enumerate(guests):
        also = "".join(f"      - {{address: {alias}}}\n" for alias in aliases)
        world.files["snv.yml"] += (
            f"  - id: d{number}d{number}d{number}\n    kind: guest\n    name: Hội Nhà báo\n    address: {address}\n"
            + (f"    aliases:\n{also}" if also else "")
            + "    history:\n      - {event: issue, request: 2024-0001, done: 2024-02-01}\n"
        )
    given_out = [address for own, aliases in guests for address in (own, *aliases)]
    everything = ["snv", "pcc.snv", "lean", "stp", *(address.casefold() for address in given_out)]
    once = len(set(everything)) == len(everything)
    small = all(address.islower() for address in given_out)
    assert (world.problems() == []) == (once and small)
