"""What holds of addresses for every name, not only for the examples."""

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hanam_mail.regulation import naming, provisions
from hanam_mail.regulation.naming import text

RULES = provisions.load(Path(__file__).parents[3] / "group_vars/hanam/regulation.yml").naming

pytestmark = pytest.mark.dieu5

SYLLABLES = st.sampled_from(
    [
        "Nguyễn",
        "Đỗ",
        "Ðặng",
        "Trần",
        "Thị",
        "Hà",
        "Hạ",
        "Hòa",
        "Hoà",
        "Thúy",
        "Thuý",
        "Ưng",
        "Ơn",
        "Ý",
        "Và",
        "Ủy",
    ]
)
NAMES = st.lists(SYLLABLES, min_size=1, max_size=6).map(" ".join)
ANYTHING = st.text(max_size=40)
SUFFIXES = st.sampled_from(["ld", "tl", "tt"])

fast = settings(max_examples=150, deadline=None)


@fast
@given(NAMES)
def test_every_vietnamese_name_makes_a_valid_local_part(name: str) -> None:
    assert naming.is_local_part(naming.person_address(name, RULES))


@fast
@given(ANYTHING)
def test_any_text_makes_a_valid_local_part_or_is_refused(text: str) -> None:
    for make in (naming.slug, lambda name: naming.initials(name, RULES)):
        try:
            result = make(text)
        except naming.NamingError:
            continue
        assert naming.is_local_part(result)


@fast
@given(st.one_of(NAMES, ANYTHING), st.sampled_from(["NFC", "NFD"]))
@example("\xad0Ù", "NFD")  # TCVN3
@example("NguyÔn V¨n Hïng", "NFD")
@example("Nguyeãn Vaên Huøng", "NFD")  # VNI
def test_composed_and_decomposed_forms_are_one_name(text: str, form: str) -> None:
    def outcome(name: str) -> str:
        try:
            return naming.slug(name)
        except naming.NamingError:
            return "refused"

    assert outcome(unicodedata.normalize(form, text)) == outcome(text)  # type: ignore[arg-type]


@fast
@given(NAMES)
def test_folding_twice_changes_nothing(name: str) -> None:
    assert naming.fold(naming.fold(name)) == naming.fold(name)


@fast
@given(st.lists(st.one_of(SYLLABLES, ANYTHING), min_size=1, max_size=6).map(" ".join))
@example("Ỳ Ð")
@example("Hà Ñ")
def test_a_name_folded_word_by_word_is_the_name_folded_as_one(name: str) -> None:
    def outcome(fold: Callable[[str], str]) -> str:
        try:
            return fold(name)
        except naming.NamingError as error:
            return str(error)

    assert outcome(text.fold) == outcome(text.folded_as_one)


@fast
@given(NAMES)
def test_case_makes_no_difference(name: str) -> None:
    assert naming.slug(name.upper()) == naming.slug(name.lower())


@fast
@given(NAMES, SUFFIXES, st.data())
def test_a_proposal_is_never_an_address_that_was_issued(name: str, suffix: str, data: st.DataObject) -> None:
    plain = naming.slug(name)
    issued = data.draw(st.sets(st.sampled_from([plain, f"{plain}.{suffix}", f"{plain}.2", f"{plain}.3"])))
    here = data.draw(st.sets(st.sampled_from(sorted(issued)))) if issued else set()
    proposal = naming.propose_person(name, suffix, issued, RULES, colleagues=here)
    assert proposal not in issued
    assert proposal == plain or proposal.startswith(plain + ".")
    assert not (here and proposal == f"{plain}.{suffix}")


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["issue", "rename", "transfer", "revoke"]),
        NAMES,
        SUFFIXES,
        st.lists(st.sampled_from(["Bình Lục", "Lý Nhân", "1985", "02/03/1985"]), max_size=2),
        st.integers(0, 30),
    ),
    max_size=40,
)


@fast
@given(EVENTS)
def test_no_sequence_of_events_gives_an_address_to_a_second_person(events: list[tuple[Any, ...]]) -> None:
    owners: dict[str, int] = {}  # every address ever given, and whose it is
    agencies: list[str] = []  # of each person, "" for one who left
    for event, name, agency, details, number in events:
        if event == "issue":
            person, agencies = len(agencies), [*agencies, agency]
        elif not agencies:
            continue
        else:
            person = number % len(agencies)
        if event == "revoke":
            agencies[person] = ""
            continue
        agencies[person] = agency
        colleagues = [address for address, owner in owners.items() if agencies[owner] == agency and owner != person]
        address = naming.propose_person(name, agency, owners.keys(), RULES, colleagues=colleagues, details=details)
        assert owners.setdefault(address, person) == person
        assert naming.fits_person(address, name, RULES)
    assert all(map(naming.is_local_part, owners))


@fast
@given(NAMES, SUFFIXES, st.sets(st.integers(2, 6)))
def test_same_input_gives_the_same_address(name: str, suffix: str, counters: set[int]) -> None:
    plain = naming.person_address(name, RULES)
    taken = {plain, f"{plain}.{suffix}", *(f"{plain}.{number}" for number in counters)}
    first = naming.propose_person(name, suffix, taken, RULES)
    assert naming.propose_person(name, suffix, sorted(taken), RULES) == first
    assert first not in taken
