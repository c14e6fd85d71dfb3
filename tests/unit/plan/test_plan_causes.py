"""Every entry of a plan cites the document of the event that causes it, in an order that people know (Đ6.2, Đ9.2)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st
from tests.data import registries

from hanam_mail.alphabet import vietnamese
from hanam_mail.editing import WorkingCopy
from hanam_mail.errors import Problem
from hanam_mail.plan import wording
from hanam_mail.plan.model import Assessment, Note, NoteKind, Plan, PlanEntry
from hanam_mail.registry import loading, rules
from hanam_mail.registry.entries import Found
from hanam_mail.registry.model import Clerks, Registry
from hanam_mail.review import merge_comment, revisions

pytestmark = pytest.mark.dieu6

TODAY = date(2026, 11, 25)


@pytest.fixture
def before(tmp_path: Path) -> Registry:
    return loading.load(registries.write(tmp_path))


def paper(draft: WorkingCopy, number: str, *asks: str, agency: str = "snv", came: date = TODAY) -> str:
    request = draft.request(document=number, dated=came, received=came, agency=agency, asks=asks, ground="quyết định")
    draft.answer(request.id, "done", "9/STTTT", TODAY)
    return request.id


def assess(before: Registry, after: Registry) -> Assessment:
    return revisions.assess(before, after, TODAY, "hanam.gov.vn", None)


def entry(found: Assessment, name: str) -> PlanEntry:
    (only,) = [each for each in found.plan.entries if each.name == name]
    return only


def problems(of: Registry) -> list[Problem]:
    found = Found([*of.agencies.values()], [*of.mailboxes.values()], [*of.requests.values()])
    return sorted(rules.check(found, of.regulation, TODAY, of.settings))


def numbers(one: PlanEntry) -> list[str | None]:
    return [document.get("number") for document in (one.document, *one.more_documents)]


def test_a_mailbox_issued_and_revoked_at_once_cites_both(before: Registry) -> None:
    draft = WorkingCopy(before, today=TODAY)
    new = draft.issue(kind="person", agency="snv", name="Lê An", request=paper(draft, "1/VP", "issue"), done=TODAY)
    draft.revoke(new.id, request=paper(draft, "2/VP", "revoke"), done=TODAY)
    assert numbers(entry(assess(before, draft.registry()), "Lê An")) == ["1/VP", "2/VP"]


@pytest.mark.dieu9
@pytest.mark.parametrize("leaves", ["transfer", "revoke"])
def test_an_only_clerk_who_leaves_is_told_with_the_document_that_took_him(before: Registry, leaves: str) -> None:
    draft = WorkingCopy(before, today=TODAY)
    if leaves == "revoke":
        draft.revoke("nguyenvanhung", request=paper(draft, "3/VP", "revoke"), done=TODAY)
    else:
        draft.transfer("nguyenvanhung", agency="stttt", request=paper(draft, "3/VP", "change"), done=TODAY)
    found = assess(before, draft.registry())
    assert numbers(entry(found, "Sở Nội vụ")) == ["3/VP"]
    assert numbers(entry(found, "Nguyễn Văn Hùng")) == ["3/VP"]
    (note,) = [line for line in wording.lines(found.plan) if "không còn văn thư" in line]
    assert "Sở Nội vụ" in note


@pytest.mark.parametrize("code", ["", "stttthn"])
def test_the_mailbox_of_a_renamed_agency_cites_the_document_of_the_name(before: Registry, code: str) -> None:
    draft = WorkingCopy(before, today=TODAY)
    agency = draft.agency("snv")
    request = paper(draft, "9/UBND", "change")
    draft.rename_agency("snv", name="Sở Nội vụ và Lao động", request=request, done=TODAY, new_code=code)
    found = assess(before, draft.registry())
    both = [each for each in found.plan.entries if each.name == "Sở Nội vụ và Lao động"]
    assert {each.id == agency.id for each in both} == {True, False}
    assert [numbers(each) for each in both] == [["9/UBND"], ["9/UBND"]]


def test_an_agencys_name_changed_by_hand_is_called_so_whatever_event_it_had_before(before: Registry) -> None:
    draft = WorkingCopy(before, today=TODAY)
    request = paper(draft, "9/UBND", "change")
    draft.rename_agency("snv", name="Sở Nội vụ và Lao động", request=request, done=TODAY)
    renamed = draft.registry()
    agency = next(each for each in renamed.agencies.values() if each.code == "snv")
    after = replace(renamed, agencies={**renamed.agencies, agency.id: replace(agency, name="Sở Nội vụ khác")})
    boxes = {
        id_: replace(box, name="Sở Nội vụ khác") if box.name == agency.name else box
        for id_, box in renamed.mailboxes.items()
    }
    found = assess(renamed, replace(after, mailboxes=boxes))
    told = [each.document["event"] for each in found.plan.entries if each.name == "Sở Nội vụ khác"]
    assert told == ["by_hand", "by_hand"]


@pytest.mark.dieu9
def test_command_plan_and_check_warn_of_an_agency_without_a_clerk(run: Callable[..., Result]) -> None:
    words = ("--document", "1/VP", "--dated", "20/11/2026", "--ground", "nghỉ hưu", "--reply", "9/S")
    revoked = run("revoke", "nguyenthithanhha", *words)
    assert "stttt@hanam.gov.vn> không còn văn thư nào mở (Đ9.2)" in revoked.stdout
    checked = run("check")
    assert checked.exit_code == 0
    (lost,) = [line for line in checked.stderr.splitlines() if "stttt" in line]
    day = f"{loading.today():%d/%m/%Y}"
    assert f"stttt không còn văn thư từ {day} theo văn bản 1/VP ngày 20/11/2026 (" in lost
    assert "(trước đó: Nguyễn Thị Thanh Hà)" in lost
    # Those that never had one are counted, and not called lost.
    (never,) = [line for line in checked.stderr.splitlines() if "chưa từng ghi văn thư (Đ9.2)" in line]
    assert lost != never


@pytest.mark.dieu9
def test_a_clerk_who_is_transferred_at_the_wish_of_his_new_agency_leaves_an_event_behind(before: Registry) -> None:
    """The request is not the former agency's, and that one's mailbox has had an event since the day of the transfer."""
    draft = WorkingCopy(before, today=TODAY)
    draft.quota("snv", 20 * 1024**3, request=paper(draft, "7/VP", "change"), done=TODAY)
    yesterday = TODAY - timedelta(days=1)
    request = paper(draft, "8/VP", "change", agency="stttt", came=yesterday)
    draft.transfer("nguyenvanhung", agency="stttt", request=request, done=yesterday)
    after = draft.registry()
    assert problems(after) == []
    event = draft.mailbox("snv").history[-1]
    assert isinstance(event, Clerks)
    assert (event.request, event.done) == (request, TODAY)
    assert [after.mailboxes[who].name for who in event.was] == ["Nguyễn Văn Hùng"]
    assert numbers(entry(assess(before, after), "Sở Nội vụ")) == ["7/VP", "8/VP"]


@pytest.mark.dieu9
def test_a_document_that_revokes_bears_a_change_of_clerks_only_where_a_clerk_goes_by_it(before: Registry) -> None:
    draft = WorkingCopy(before, today=TODAY)
    revoked = paper(draft, "3/VP", "revoke")
    draft.revoke("tranthibinh", request=revoked, done=TODAY)
    draft.clerks("snv", (), request=paper(draft, "4/VP", "change"), done=TODAY)
    box = draft.mailbox("snv")
    assert problems(draft.registry()) == []
    events = tuple(replace(event, request=revoked) if isinstance(event, Clerks) else event for event in box.history)
    after = draft.registry()
    forged = replace(after, mailboxes={**after.mailboxes, box.id: replace(box, history=events)})
    assert [problem.field for problem in problems(forged)] == ["request"]


@pytest.mark.dieu9
def test_a_document_by_which_a_clerk_leaves_appoints_nobody_else(before: Registry) -> None:
    draft = WorkingCopy(before, today=TODAY)
    draft.revoke("nguyenvanhung", request=paper(draft, "3/VP", "revoke"), done=TODAY)
    assert problems(draft.registry()) == []
    after, box = draft.registry(), draft.mailbox("snv")
    (other, *_) = (
        each
        for each in after.mailboxes.values()
        if each.kind == "person" and each.agency == box.agency and not each.revoked
    )
    forged = replace(after, mailboxes={**after.mailboxes, box.id: replace(box, clerks=(other.id,))})
    assert [problem.field for problem in problems(forged)] == ["request"]


@pytest.mark.dieu9
def test_a_reviewer_is_warned_by_what_a_note_is_about_not_by_its_words() -> None:
    clerkless = Note("a2a2a2", "Sở Nội vụ", "snv@hanam.gov.vn", kind=NoteKind.NO_CLERK)
    locked = Note("b2b2b2", "Tổ Đ9.2", "tod92.snv@hanam.gov.vn", "compromised", NoteKind.LOCKED)
    found = Assessment(Plan(notes=[locked, clerkless]), (), ())
    (warning,) = merge_comment.Review(found, (), {}).warnings
    assert "Sở Nội vụ" in warning


def test_several_documents_of_one_change_are_all_cited(before: Registry) -> None:
    draft = WorkingCopy(before, today=TODAY)
    draft.quota("tranthibinh", 4 * 1024**3, request=paper(draft, "4/VP", "change"), done=TODAY)
    draft.rename("tranthibinh", "Trần Thị Bích", request=paper(draft, "5/VP", "change"), done=TODAY)
    assert set(numbers(entry(assess(before, draft.registry()), "Trần Thị Bích"))) == {"5/VP", "4/VP"}


def test_a_deletion_by_hand_cites_nothing_and_mass_deletion_is_one_line(before: Registry) -> None:
    kept = {key: box for key, box in before.mailboxes.items() if box.kind != "person"}
    found = assess(before, replace(before, mailboxes=kept))
    gone = sum(box.kind == "person" for box in before.mailboxes.values())
    assert gone > 3
    (line,) = [stop for stop in found.stops if "không còn trong sổ đăng ký" in stop]
    assert line.startswith(f"{gone} hộp thư: ")
    assert f"và {gone - 3} hộp thư khác" in line
    documents = {row.document for section in wording.sections(found.plan) for row in section.rows}
    assert "sửa tay, không có văn bản" in documents
    assert not any("văn bản 1" in document for document in documents)


def test_many_entries_deleted_by_hand_are_one_line_of_the_plan_unless_all_are_asked_for(before: Registry) -> None:
    found = assess(before, replace(before, mailboxes={}))
    gone = len(found.plan.entries)
    assert gone > 3
    (told,) = [line for line in wording.lines(found.plan) if "bị xóa khỏi sổ" in line]
    assert told.startswith(f"  - {gone} hộp thư bị xóa khỏi sổ: ")
    assert f"và {gone - 3} hộp thư khác; sửa tay, không có văn bản" in told
    assert f"Thu hồi ({gone}):" in wording.lines(found.plan)
    assert sum("; sửa tay" in line for line in wording.lines(found.plan)) == 1
    assert sum("; sửa tay" in line for line in wording.lines(found.plan, everything=True)) == gone
    assert len(found.plan.as_dict()["entries"]) == gone
    comment = merge_comment.comment(merge_comment.Review(found, (), {}), "main")
    assert f"Thu hồi ({gone})" in comment
    assert comment.count("sửa tay, không có văn bản") == 1


def test_rewritten_history_is_called_that(before: Registry) -> None:
    box = next(box for box in before.mailboxes.values() if box.address == "tranthibinh")
    other = replace(box.history[0], done=date(2023, 7, 1))
    after = replace(before, mailboxes={**before.mailboxes, box.id: replace(box, history=(other,))})
    one = entry(assess(before, after), "Trần Thị Bình")
    assert "bị viết lại" in " ".join(wording.lines(assess(before, after).plan))
    assert one.document["event"] == "by_hand"


def test_a_post_is_told_in_the_plan(before: Registry) -> None:
    draft = WorkingCopy(before, today=TODAY)
    draft.post("tranthibinh", "Phó Giám đốc")
    assert "Chức vụ: không có -> Phó Giám đốc" in "\n".join(wording.lines(assess(before, draft.registry()).plan))


def test_a_telephone_is_told_in_the_plan(before: Registry) -> None:
    draft = WorkingCopy(before, today=TODAY)
    draft.phone("tranthibinh", "0226 3850 123")
    assert "Điện thoại: không có -> 0226 3850 123" in "\n".join(wording.lines(assess(before, draft.registry()).plan))


def test_entries_stand_in_the_order_of_the_alphabet_each_person_once(before: Registry) -> None:
    draft = WorkingCopy(before, today=TODAY)
    request = paper(draft, "6/VP", "issue")
    for name in ("Đỗ Thị Ân", "Đỗ Thị An", "Dương Văn Em", "Ân Văn Ba", "Bùi Văn Ba", "Ăn Văn Ba", "Doãn Thị Ba"):
        draft.issue(kind="person", agency="snv", name=name, request=request, done=TODAY, exact_name=True, counter=True)
    names = [each.name for each in assess(before, draft.registry()).plan.entries]
    assert names == [
        "Ăn Văn Ba", "Ân Văn Ba", "Bùi Văn Ba", "Doãn Thị Ba", "Dương Văn Em", "Đỗ Thị An", "Đỗ Thị Ân",
    ]  # fmt: skip


# --- the alphabet ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ordered",
    [
        ["ma", "mà", "mả", "mã", "má", "mạ"],
        ["a", "ă", "â", "b", "d", "đ", "e", "ê", "o", "ô", "ơ", "u", "ư", "v", "x", "y"],
        ["Lê An", "Lê Án", "Lê Ân", "Lê Bình"],
        ["Hoa Lê", "Hòa An", "Hòa Bình", "Hoàn An"],
    ],
)
def test_letters_come_before_tones(ordered: list[str]) -> None:
    assert sorted(reversed(ordered), key=vietnamese) == ordered
    assert all(vietnamese(one) < vietnamese(two) for one, two in pairwise(ordered))


@given(st.text(max_size=12))
def test_case_and_normal_form_make_no_difference(text: str) -> None:
    import unicodedata

    assert vietnamese(unicodedata.normalize("NFD", text)) == vietnamese(unicodedata.normalize("NFC", text))
