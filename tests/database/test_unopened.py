"""Which agencies' mailboxes nobody opened, in the morning and in the afternoon (Đ9.2), in a real PostgreSQL."""

from datetime import date, datetime, timedelta

import pytest

from tests.database.scratch import Scratch
from tests.database.world import WORLD

pytestmark = pytest.mark.dieu9
BOX, CLERK = "test2agency", "test1person"
ROLE = "mail_report"


@pytest.fixture
def agency(scratch: Scratch) -> Scratch:
    """An agency whose mailbox was issued long ago, and a calendar in which each day from Monday to Friday is worked."""
    scratch.psql(
        f"{WORLD} update mail.mailbox set created_at = now() - interval '1 year';"
        " update mail.setting set value = jsonb_build_object('off', '[]'::jsonb, 'worked', '[]'::jsonb, 'years',"
        " (select jsonb_agg(y::text) from generate_series(2023, extract(year from current_date)::int) y))"
        " where name = 'life_cycle_calendar'"
    )
    return scratch


def day(agency: Scratch, before: int) -> date:
    """The working day so many working days before today, as the database counts."""
    found = date.fromisoformat(agency.psql("select current_date"))
    while before:
        found -= timedelta(days=1)
        before -= found.isoweekday() < 6
    return found


def open_mailbox(agency: Scratch, moment: str, login: str = f"{BOX}*{CLERK}") -> None:
    agency.psql(f"select mail.signed_in('{BOX}', 'imap', '{login}', '{moment}')")


def test_dieu9_2_mornings_and_afternoons_without_a_sign_in_are_counted_by_agency(agency: Scratch) -> None:
    yesterday, before = day(agency, 1), day(agency, 2)
    for moment in (f"{yesterday} 07:35", f"{yesterday} 13:05", f"{before} 08:00", f"{before} 11:59"):
        open_mailbox(agency, moment)
    (found,) = agency.command("unopened", "--json", role=ROLE).json["found"]
    past = sum((day(agency, 0) - timedelta(days=n)).isoweekday() < 6 for n in range(1, 30))
    today = found["half_days"] - 2 * past
    assert today in {0, 1}, "today's morning counts once it is over, the afternoon never"
    assert (found["mornings"], found["afternoons"]) == (past - 2 + today, past - 1)
    line = agency.command("unopened", role=ROLE).output
    assert f", {past - 1} buổi chiều trong " in line
    assert f" buổi làm việc; mở lần cuối 13:05 {yesterday:%d/%m/%Y}" in line


def test_dieu9_2_of_one_agency_each_half_day_with_who_came_first(agency: Scratch) -> None:
    yesterday = day(agency, 1)
    open_mailbox(agency, f"{yesterday} 09:40")
    open_mailbox(agency, f"{yesterday} 07:31")
    code = agency.psql("select code from mail.agency")
    lines = agency.command("unopened", "--agency", code, role=ROLE).output.splitlines()
    assert f"test.so: sáng {yesterday:%d/%m/%Y}: mở lúc 07:31 (Nguyễn Khắc Thử)" in lines
    assert f"test.so: chiều {yesterday:%d/%m/%Y}: KHÔNG MỞ" in lines
    days = {datetime.strptime(line.split()[2].rstrip(":"), "%d/%m/%Y").isoweekday() for line in lines}
    assert days == {1, 2, 3, 4, 5}


def test_days_off_and_days_before_it_was_issued_or_given_back_do_not_count(agency: Scratch) -> None:
    yesterday = day(agency, 1)
    agency.psql(f"update mail.mailbox set restored_at = '{yesterday} 10:00' where id = '{BOX}'")
    open_mailbox(agency, f"{day(agency, 0)} 07:00")
    (found,) = agency.command("unopened", "--json", role=ROLE).json["found"]
    assert (found["mornings"], found["afternoons"]) == (0, 1)
    agency.psql(
        "update mail.setting set value = jsonb_set(value, '{off}', jsonb_build_array('" + str(yesterday) + "'))"
        " where name = 'life_cycle_calendar'"
    )
    assert "không thấy buổi làm việc nào" in agency.command("unopened", role=ROLE).output


def test_a_locked_mailbox_is_nobodys_neglect(agency: Scratch) -> None:
    agency.psql(f"update mail.mailbox set state = 'locked' where id = '{BOX}'")
    assert "không thấy buổi làm việc nào" in agency.command("unopened", role=ROLE).output


def test_a_year_that_nobody_confirmed_is_told(agency: Scratch) -> None:
    agency.psql("update mail.setting set value = '{\"years\": {}}' where name = 'life_cycle_calendar'")
    assert "chưa được xác nhận" in agency.command("unopened", role=ROLE).complaint
