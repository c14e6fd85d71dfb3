"""Working days and terms: the vectors of the official calendars, and years that nobody confirmed."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanam_mail.errors import InputError
from hanam_mail.regulation import workdays

ROOT = Path(__file__).parents[3]
CALENDAR = workdays.load(ROOT / "group_vars/hanam/calendar.yml")
ANSWER = 3

DAYS = st.dates(date(2023, 1, 1), date(2026, 10, 31))


@pytest.mark.dieu6
@pytest.mark.parametrize(
    ("received", "due"),
    [
        (date(2023, 1, 18), date(2023, 1, 30)),  # over Tết Quý Mão
        (date(2024, 4, 26), date(2024, 5, 4)),  # Saturday 4 May is worked for Monday 29 April
        (date(2025, 12, 31), date(2026, 1, 7)),  # 2 January is swapped by the operator's table
        (date(2026, 8, 28), date(2026, 9, 7)),  # Quốc khánh and the swapped 31 August
        (date(2026, 11, 23), date(2026, 11, 27)),  # Ngày Văn hóa Việt Nam
        (date(2026, 6, 1), date(2026, 6, 4)),
    ],
)
def test_dieu_6_2b_a_term_ends_on_the_third_working_day_after_receipt(received: date, due: date) -> None:
    assert CALENDAR.deadline(received, ANSWER) == due


def test_a_swapped_day_is_off_and_its_saturday_is_worked() -> None:
    assert not CALENDAR.is_working_day(date(2026, 1, 2))
    assert CALENDAR.is_working_day(date(2026, 1, 10))
    assert CALENDAR.is_working_day(date(2026, 8, 22))


def test_a_document_received_on_a_day_off_counts_from_the_next_working_day() -> None:
    assert CALENDAR.deadline(date(2026, 6, 6), 1) == date(2026, 6, 8)


@given(DAYS, st.integers(1, 20))
def test_a_term_ends_on_a_working_day_and_holds_as_many_as_it_says(received: date, working_days: int) -> None:
    due = CALENDAR.deadline(received, working_days)
    assert CALENDAR.is_working_day(due)
    assert CALENDAR.working_days_between(received, due) == working_days
    assert CALENDAR.working_days_between(due, received) == -working_days


@given(DAYS)
def test_a_later_document_is_never_due_earlier(received: date) -> None:
    assert CALENDAR.deadline(received, ANSWER) <= CALENDAR.deadline(received + timedelta(days=1), ANSWER)


def test_a_year_that_nobody_confirmed_is_refused_in_one_sentence() -> None:
    with pytest.raises(InputError) as caught:
        CALENDAR.deadline(date(2026, 12, 31), ANSWER)
    assert len(caught.value.problems) == 1
    assert "lịch nghỉ năm 2027 chưa được xác nhận" in str(caught.value)


def test_an_unconfirmed_year_can_be_shown_for_comparison_but_not_counted_in() -> None:
    calendar = workdays.load(ROOT / "group_vars/hanam/calendar.yml", also=[2027])
    assert calendar.special_days(2027)[date(2027, 1, 1)] == "Tết Dương lịch"
    with pytest.raises(InputError):
        calendar.is_working_day(date(2027, 1, 4))


def test_a_year_left_out_between_confirmed_ones_is_named_where_the_calendar_is_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lịch nghỉ năm 2024 chưa được xác nhận"):
        _with(tmp_path, "  2024: {", "  2022: {")


def test_every_confirmed_year_names_who_and_by_which_document() -> None:
    assert {2023, 2024, 2025, 2026} <= set(CALENDAR.confirmed)
    assert all(entry.by and entry.document for entry in CALENDAR.confirmed.values())


def test_an_extra_day_off_counts(tmp_path: Path) -> None:
    calendar = _with(tmp_path, "calendar_extra_days_off: []", "calendar_extra_days_off:\n"
                     "  - {day: 2026-06-02, reason: quốc tang, document: 1/TTg}")  # fmt: skip
    assert calendar.deadline(date(2026, 6, 1), 1) == date(2026, 6, 3)
    assert "quốc tang (1/TTg)" in calendar.special_days(2026).values()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2026-01-02", "02/01/2026"),
        ("calendar_due_soon_working_days: 1", ""),
        ("by: Sở Thông tin và Truyền thông, ", ""),
        ("calendar_extra_days_off: []", "calendar_extra_days_off: [}"),
        ("calendar_extra_days_off: []", "calendar_extra_days_off: 3"),
    ],
)
def test_a_faulty_calendar_is_refused_with_the_name_of_the_file(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(InputError, match=r"calendar\.yml"):
        _with(tmp_path, old, new)


def test_a_missing_calendar_is_refused_with_the_name_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"calendar\.yml"):
        workdays.load(tmp_path / "calendar.yml")


def _with(folder: Path, old: str, new: str) -> workdays.Calendar:
    text = (ROOT / "group_vars/hanam/calendar.yml").read_text(encoding="utf-8")
    assert old in text
    (folder / "calendar.yml").write_text(text.replace(old, new, 1), encoding="utf-8")
    return workdays.load(folder / "calendar.yml")
