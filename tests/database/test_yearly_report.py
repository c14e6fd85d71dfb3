"""Agencies are reminded of their yearly report before the day that the regulation names (Đ11.8)."""

import json

import pytest

from tests.database.databases import Database
from tests.database.world import query

pytestmark = pytest.mark.dieu11

SETTINGS = """
    update mail.setting set value = '"15/11"' where name = 'regulation_yearly_report_before';
    update mail.setting set value = '[30, 7]' where name = 'life_cycle_report_reminder_days';
"""


def due(database: Database, day: str, before: str = "") -> list[str]:
    """Mailbox and round of each reminder that is due on the day."""
    asked = f"select mailbox_id, round from mail.life_cycle_due('{day}') where step = 'yearly_report'"
    return query(database, f"{SETTINGS} {before} {asked}").splitlines()


@pytest.mark.parametrize(
    ("day", "rounds"),
    [
        ("2026-10-15", []),
        ("2026-10-16", ["test2agency|2026/30"]),
        ("2026-11-07", ["test2agency|2026/30"]),
        ("2026-11-08", ["test2agency|2026/7"]),
        ("2026-11-14", ["test2agency|2026/7"]),
        ("2026-11-15", []),
        ("2027-11-14", ["test2agency|2027/7"]),
    ],
)
def test_dieu11_8_each_agency_is_reminded_twice_a_year_and_nobody_else(
    database: Database, day: str, rounds: list[str]
) -> None:
    assert due(database, day) == rounds


@pytest.mark.parametrize(
    ("day", "rounds"),
    [
        ("2026-12-10", []),
        ("2026-12-11", ["test2agency|2027/30"]),
        ("2027-01-03", ["test2agency|2027/7"]),
        ("2027-01-10", []),
    ],
)
def test_dieu11_8_a_day_in_january_is_reminded_of_in_december(database: Database, day: str, rounds: list[str]) -> None:
    january = "update mail.setting set value = '\"10/01\"' where name = 'regulation_yearly_report_before';"
    assert due(database, day, january) == rounds


def test_once_a_round_and_not_where_the_agency_is_closed(database: Database) -> None:
    told = (
        "insert into mail.notice (mailbox_id, kind, round, due, payload)"
        " values ('test2agency', 'yearly_report', '2026/30', '2026-10-16', '{}');"
    )
    assert due(database, "2026-10-20", told) == []
    assert due(database, "2026-11-08", told) == ["test2agency|2026/7"]
    assert due(database, "2026-10-20", "update mail.mailbox set state = 'revoked' where id = 'test2agency';") == []


def test_the_letter_names_the_last_day_and_goes_to_the_agency_and_its_clerks(database: Database) -> None:
    asked = "select payload from mail.life_cycle_due('2026-10-16') where step = 'yearly_report'"
    assert json.loads(query(database, f"{SETTINGS} {asked}")) == {
        "before": "2026-11-15",
        "last": "2026-11-14",
        "days": 29,
    }
    people = query(database, "select array_length(mail.notice_recipients('test2agency', 'yearly_report'), 1)")
    assert people == "2"
