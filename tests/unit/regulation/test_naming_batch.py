"""The order of a batch decides who has the plain form; the order in which rows were read never does (Đ5.2)."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.population import naming_batch
from tests.population.naming_batch import Applicant

from hanam_mail.regulation import naming, provisions

RULES = provisions.load(Path(__file__).parents[3] / "group_vars/hanam/regulation.yml").naming

pytestmark = pytest.mark.dieu5

NAMES = ["Nguyễn Văn Hùng", "Nguyễn Vân Hưng", "NGUYỄN VĂN HÙNG", "Lê Hà", "Lê Hạ", "Trần Thị Thanh Hà"]
AGENCIES = [("sldtbxh", "ld"), ("ubndtl", "tl"), ("thanhha.tl", "tl"), ("stttt", "tt")]
DETAILS = st.sampled_from([(), ("Bình Lục",), ("1985",), ("Bình Lục", "02/03/1985"), ("Duy Tiên", "1990")])


@st.composite
def applicants(draw: st.DrawFn) -> Applicant:
    agency, suffix = draw(st.sampled_from(AGENCIES))
    return Applicant(
        received=date(2024, 5, draw(st.integers(1, 3))),
        document=draw(st.sampled_from(["9/STP-VP", "12/STP-VP", "công văn"])),
        row=draw(st.integers(1, 4)),
        name=draw(st.sampled_from(NAMES)),
        agency=agency,
        suffix=suffix,
        details=draw(DETAILS),
    )


BATCHES = st.lists(applicants(), max_size=25)
fast = settings(max_examples=150, deadline=None)


def issue(batch: list[Applicant], taken: tuple[str, ...] = ()) -> list[tuple[Applicant, str]]:
    return naming_batch.issue(batch, RULES, taken=taken, colleagues={})


@fast
@given(BATCHES, st.randoms(use_true_random=False))
def test_any_order_of_the_rows_gives_the_same_addresses(batch: list[Applicant], order: object) -> None:
    shuffled = batch.copy()
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert issue(shuffled) == issue(batch)


@fast
@given(BATCHES)
def test_no_two_of_a_batch_have_one_address_and_none_has_a_taken_one(batch: list[Applicant]) -> None:
    taken = ("nguyenvanhung", "leha", "leha.tt", "leha.2")
    addresses = [address for _, address in issue(batch, taken)]
    assert len(set(addresses)) == len(batch)
    assert not set(addresses) & set(taken)
    assert all(map(naming.is_local_part, addresses))


@fast
@given(BATCHES)
def test_namesakes_of_one_agency_never_tell_each_other_apart_by_its_suffix(batch: list[Applicant]) -> None:
    seen: set[tuple[str, str]] = set()
    for applicant, address in issue(batch):
        plain = naming.person_address(applicant.name, RULES)
        if (applicant.agency, plain) in seen:
            assert address != f"{plain}.{applicant.suffix}"
        seen.add((applicant.agency, plain))


@fast
@given(BATCHES, BATCHES)
def test_a_later_batch_changes_no_address_given_before(first: list[Applicant], second: list[Applicant]) -> None:
    before = issue(first)
    after = naming_batch.issue(second, RULES, taken=[address for _, address in before], colleagues={})
    assert not {address for _, address in before} & {address for _, address in after}
    assert issue(first) == before


def test_who_was_received_first_has_the_plain_form_wherever_the_row_stood() -> None:
    late = Applicant(date(2024, 5, 2), "1/A", 1, "Lê Hà", "stttt", "tt")
    early = Applicant(date(2024, 5, 1), "2/A", 9, "Lê Hạ", "sldtbxh", "ld")
    assert issue([late, early]) == [(early, "leha"), (late, "leha.tt")]


def test_documents_of_one_day_go_by_number_and_rows_by_position() -> None:
    def row(document: str, number: int) -> Applicant:
        return Applicant(date(2024, 5, 1), document, number, "Lê Hà", "stttt", "tt")

    order = [row("9/STP-VP", 2), row("9/STP-VP", 10), row("12/STP-VP", 1), row("Đề nghị", 1)]
    assert naming_batch.in_order(reversed(order)) == order


def test_colleagues_issued_before_the_batch_count_as_namesakes() -> None:
    newcomer = Applicant(date(2024, 5, 1), "1/A", 1, "Lê Hà", "stttt", "tt")
    given_address = naming_batch.issue([newcomer], RULES, taken={"leha"}, colleagues={"stttt": ["leha", "tranan"]})
    assert given_address == [(newcomer, "leha.2")]


def test_a_name_that_makes_no_address_stops_the_whole_batch() -> None:
    rows = [Applicant(date(2024, 5, 1), "1/A", row, name, "a", "tt") for row, name in enumerate(["Lê Hà", "王"])]
    with pytest.raises(naming.NamingError):
        issue(rows)
