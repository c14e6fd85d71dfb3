"""Requests against their terms: what is overdue, due soon, pending, and what was answered late."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hanam_mail.cli.overdue import overdue as command
from hanam_mail.registry import loading, overdue
from hanam_mail.regulation import provisions, workdays

ROOT = Path(__file__).parents[3]
RULE_BOOK = provisions.load(ROOT / "group_vars/hanam/regulation.yml")
CALENDAR = workdays.load(ROOT / "group_vars/hanam/calendar.yml")

AGENCY = """\
agency: {id: k7q2m4, name: Sở Nội vụ, kind: department, code: snv, suffix: nv, document_system: false}
mailboxes:
  - id: p3x8d1
    kind: person
    name: Nguyễn Thị Thanh Hà
    address: nguyenthithanhha
    history:
      - {event: issue, request: 2026-0001, done: 2026-06-02}
      - {event: restore, request: 2026-0002, done: 2026-06-12, verified: Trần Văn Minh}
"""
# Received Monday 1 June 2026: the term of 03 working days ends Thursday 4 June.
ISSUE = """\
2026-0001:
  {document: 1/SNV-VP, dated: 2026-05-29, received: 2026-06-01, agency: k7q2m4, asks: [issue], ground: 1/QĐ-SNV,
   result: done, reply: {document: 10/STTTT-CNTT, date: 2026-06-04}}
"""
# Received Friday 5 June: answered in time, restored one working day late.
RESTORE = """\
2026-0002:
  {document: 2/SNV-VP, dated: 2026-06-05, received: 2026-06-05, agency: k7q2m4, asks: [restore], ground: mở khóa,
   result: done, reply: {document: 11/STTTT-CNTT, date: 2026-06-10}}
"""
PENDING = """\
2026-0003:
  {document: 3/SNV-VP, dated: 2026-06-15, received: 2026-06-15, agency: k7q2m4, asks: [issue, revoke],
   ground: 5/QĐ-SNV, result: pending}
"""
# The third working day after 29 December 2026 lies in a year that nobody confirmed.
LAST_OF_2026 = """\
2026-0005:
  {document: 5/SNV-VP, dated: 2026-12-14, received: 2026-12-29, agency: k7q2m4, asks: [issue], ground: 5/QĐ-SNV,
   result: pending}
"""
CALENDAR_TO_2026 = replace(CALENDAR, confirmed={year: who for year, who in CALENDAR.confirmed.items() if year < 2027})

type Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A project's folders with that register of requests; the registry's folder."""

    def written(requests: str) -> Path:
        folder = tmp_path / "mailboxes"
        (folder / "requests").mkdir(parents=True)
        (folder / "snv.yml").write_text(AGENCY, encoding="utf-8")
        (folder / "requests/2026.yml").write_text(requests, encoding="utf-8")
        (tmp_path / "group_vars").symlink_to(ROOT / "group_vars")
        return folder

    return written


def items(folder: Path, day: date) -> list[overdue.RequestTerm]:
    return overdue.items(loading.load(folder, regulated_by=RULE_BOOK, day=date(2026, 11, 25)), CALENDAR, day)


def _in_2026(folder: Path, day: date) -> list[overdue.RequestTerm]:
    """While nobody has confirmed a later year, whatever calendar.yml says by now."""
    return overdue.items(loading.load(folder, regulated_by=RULE_BOOK, day=day), CALENDAR_TO_2026, day)


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(command, ["--registry", str(folder), *arguments])


@pytest.mark.dieu6
@pytest.mark.parametrize(
    ("day", "standing", "days"),
    [
        (date(2026, 6, 15), overdue.TermState.PENDING, 3),
        (date(2026, 6, 16), overdue.TermState.PENDING, 2),
        (date(2026, 6, 17), overdue.TermState.DUE_SOON, 1),
        (date(2026, 6, 18), overdue.TermState.DUE_SOON, 0),
        (date(2026, 6, 19), overdue.TermState.OVERDUE, 1),
        (date(2026, 6, 22), overdue.TermState.OVERDUE, 2),  # the weekend does not count
    ],
)
def test_dieu_6_2b_a_pending_request_is_overdue_after_its_third_working_day(
    write: Write, day: date, standing: overdue.TermState, days: int
) -> None:
    (item,) = [item for item in items(write(ISSUE + RESTORE + PENDING), day) if item.request.id == "2026-0003"]
    assert (item.standing, item.due, item.clause, item.days) == (standing, date(2026, 6, 18), "Đ6.2b", days)


@pytest.mark.dieu6
def test_dieu_6_2b_a_request_answered_on_its_last_day_is_in_time(write: Write) -> None:
    assert "2026-0001" not in [item.request.id for item in items(write(ISSUE + RESTORE), date(2026, 7, 1))]


@pytest.mark.dieu6
def test_dieu_6_2b_a_request_answered_after_its_last_day_is_late(write: Write) -> None:
    found = items(write(ISSUE.replace("date: 2026-06-04", "date: 2026-06-08") + RESTORE), date(2026, 7, 1))
    (item,) = [item for item in found if item.request.id == "2026-0001"]
    assert (item.standing, item.days, item.finished) == (overdue.TermState.LATE, 2, date(2026, 6, 8))


@pytest.mark.dieu7
def test_dieu_7_3b_a_restore_after_the_term_is_late_and_says_who_verified_it(write: Write) -> None:
    (item,) = items(write(ISSUE + RESTORE), date(2026, 7, 1))
    assert (item.standing, item.due, item.clause, item.days) == (overdue.TermState.LATE, date(2026, 6, 10), "Đ7.3b", 2)
    assert [(entry.address, entry.verified) for entry in item.restored] == [("nguyenthithanhha", "Trần Văn Minh")]


@pytest.mark.dieu7
def test_dieu_7_3b_a_restore_not_yet_done_on_the_day_asked_for_is_pending_then(write: Write) -> None:
    (item,) = items(write(ISSUE + RESTORE), date(2026, 6, 11))
    assert (item.standing, item.days, item.restored) == (overdue.TermState.OVERDUE, 1, ())


def test_what_was_received_later_than_the_day_asked_for_is_not_listed(write: Write) -> None:
    assert items(write(ISSUE + RESTORE + PENDING), date(2026, 5, 31)) == []


def test_the_longest_overdue_stands_first(write: Write) -> None:
    older = PENDING.replace("2026-0003", "2026-0004").replace("2026-06-15", "2026-06-11")
    order = [item.request.id for item in items(write(ISSUE + RESTORE + PENDING + older), date(2026, 6, 30))]
    assert order == ["2026-0004", "2026-0003", "2026-0002"]


@pytest.mark.dieu6
def test_dieu_6_2b_a_term_into_a_year_nobody_confirmed_is_uncounted_and_hides_no_other(write: Write) -> None:
    folder = write(ISSUE + RESTORE + PENDING + LAST_OF_2026)
    found = {item.request.id: item for item in _in_2026(folder, date(2026, 12, 31))}
    assert {name: item.standing for name, item in found.items()} == {
        "2026-0002": overdue.TermState.LATE,
        "2026-0003": overdue.TermState.OVERDUE,
        "2026-0005": overdue.TermState.UNCOUNTED,
    }
    uncounted = found["2026-0005"]
    assert (uncounted.due, uncounted.days, uncounted.unconfirmed) == (None, None, 2027)
    assert (found["2026-0003"].days, found["2026-0003"].unconfirmed) == (137, None)


@pytest.mark.dieu6
def test_dieu_6_2b_what_is_certain_without_the_year_nobody_confirmed_is_said(write: Write) -> None:
    answered = LAST_OF_2026.replace("result: pending", "result: done, reply: {document: 9/STTTT, date: 2026-12-31}")
    assert "2026-0005" not in {
        item.request.id for item in _in_2026(write(ISSUE + RESTORE + answered), date(2027, 1, 5))
    }


@pytest.mark.dieu6
def test_dieu_6_2b_a_term_that_is_over_is_overdue_though_nobody_can_say_by_how_many_days(write: Write) -> None:
    pending = LAST_OF_2026.replace("2026-12-29", "2026-12-15")
    late = pending.replace("2026-0005", "2026-0006").replace(
        "result: pending", "result: done, reply: {document: 9/STTTT, date: 2027-01-04}"
    )
    found = {item.request.id: item for item in _in_2026(write(ISSUE + RESTORE + pending + late), date(2027, 1, 5))}
    over, answered = found["2026-0005"], found["2026-0006"]
    assert (over.standing, over.due, over.days, over.unconfirmed) == ("overdue", date(2026, 12, 18), None, 2027)
    assert (answered.standing, answered.due, answered.days, answered.unconfirmed) == (
        *("late", date(2026, 12, 18)),
        *(None, 2027),
    )


@pytest.mark.dieu6
def test_dieu_6_2b_the_command_lists_an_uncounted_term_says_the_cure_once_and_needs_the_operator(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workdays, "load", lambda *_, **__: CALENDAR_TO_2026)
    monkeypatch.setattr(loading, "today", lambda: date(2026, 12, 29))
    answered = PENDING.replace("result: pending", "result: done, reply: {document: 9/STTTT, date: 2026-06-18}")
    other = LAST_OF_2026.replace("2026-0005", "2026-0006")
    folder = write(ISSUE + RESTORE + answered + LAST_OF_2026 + other)
    shown = run(folder, "--day", "29/12/2026")
    assert shown.exit_code == 1
    for line in (
        "TRẢ LỜI MUỘN: muộn 2 ngày làm việc, hạn 10/06/2026 (Đ7.3b)",
        "CHƯA TÍNH ĐƯỢC HẠN: lịch nghỉ năm 2027 chưa được xác nhận nên chưa tính được",
        "  2026-0005: 5/SNV-VP của Sở Nội vụ, nhận 29/12/2026, cấp mới",
        "2 chưa tính được hạn",
    ):
        assert line.casefold() in shown.stdout.casefold()
    assert shown.stderr.count("trường calendar_confirmed_years") == 1
    assert max(map(len, shown.stdout.splitlines())) <= 80
    told = json.loads(run(folder, "--day", "29/12/2026", "--json").stdout)["requests"]
    assert [(entry["request"], entry["standing"], entry["due"], entry["unconfirmed_year"]) for entry in told] == [
        ("2026-0005", "uncounted", None, 2027),
        ("2026-0006", "uncounted", None, 2027),
        ("2026-0002", "late", "2026-06-10", None),
    ]
    assert run(folder, "--day", "28/12/2026").exit_code == 0


def test_the_command_ends_with_1_only_when_something_pending_is_overdue(write: Write) -> None:
    folder = write(ISSUE + RESTORE + PENDING)
    assert run(folder, "--day", "18/06/2026").exit_code == 0
    result = run(folder, "--day", "2026-06-19")
    assert result.exit_code == 1
    assert "QUÁ HẠN" in result.output
    assert "1 quá hạn" in result.output


def test_the_command_prints_json_with_who_verified(write: Write) -> None:
    result = run(write(ISSUE + RESTORE), "--day", "2026-07-01", "--json")
    (entry,) = json.loads(result.output)["requests"]
    assert entry["standing"] == "late"
    assert entry["restored"] == [{"address": "nguyenthithanhha", "done": "2026-06-12", "verified": "Trần Văn Minh"}]


def test_the_command_prints_a_years_days_for_comparison(write: Write) -> None:
    result = run(write(ISSUE + RESTORE), "--calendar", "2026")
    assert "02/01/2026" in result.output
    assert "làm bù cho ngày 02/01/2026" in result.output
    assert "12729/VPCP-KGVX" in result.output
