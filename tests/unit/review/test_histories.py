"""Nothing of the past changes without the reviewer's being told: events, addresses, the register of requests (Đ6.2)."""

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import date
from enum import StrEnum
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from tests.data import registries

from hanam_mail.errors import Source
from hanam_mail.plan import wording
from hanam_mail.plan.model import Assessment, Change
from hanam_mail.registry import loading
from hanam_mail.registry.events import AGENCY_EVENTS, MAILBOX_EVENTS
from hanam_mail.registry.model import (
    Absence,
    Agency,
    AgencyMerge,
    AgencyRename,
    Alias,
    Cause,
    Clerks,
    Event,
    Issue,
    Lock,
    Mailbox,
    MailboxKind,
    Move,
    Quota,
    Registry,
    Rename,
    Restore,
    Revoke,
)
from hanam_mail.registry.requests import Reply, Request, RequestKind, Result
from hanam_mail.review import merge_comment, revisions

pytestmark = pytest.mark.dieu6

TODAY = date(2026, 11, 25)
DONE = date(2026, 11, 3)
REQUEST = "2023-0002"


@pytest.fixture
def base(tmp_path: Path) -> Registry:
    return loading.load(registries.write(tmp_path))


def review(before: Registry, after: Registry) -> merge_comment.Review:
    found = revisions.assess(before, after, TODAY, "hanam.gov.vn", None)
    names = {agency.id: agency.name for agency in after.agencies.values()}
    return merge_comment.Review(found, merge_comment.requests(before, after), names)


def mailbox(registry: Registry, address: str = "tranthibinh") -> Mailbox:
    return next(box for box in registry.mailboxes.values() if box.address == address)


def with_mailbox(registry: Registry, changed: Mailbox) -> Registry:
    return replace(registry, mailboxes={**registry.mailboxes, changed.id: changed})


def with_agency(registry: Registry, changed: Agency) -> Registry:
    return replace(registry, agencies={**registry.agencies, changed.id: changed})


def with_request(registry: Registry, changed: Request) -> Registry:
    return replace(registry, requests={**registry.requests, changed.id: changed})


def by_hand(found: Assessment) -> list[str]:
    """The names of all that somebody changed without a document."""
    return [
        entry.name
        for entry in found.plan.entries
        if "by_hand" in [paper.get("event") for paper in (entry.document, *entry.more_documents)]
    ]


def other(value: Any) -> Any:
    """Another value of the same kind."""
    match value:
        case bool():
            return not value
        case StrEnum():
            return next(each for each in type(value) if each is not value)
        case int():
            return value * 2
        case date():
            return date(2026, 11, 4)
        case tuple():
            return ()
        case None:
            return "khác"
    return "k7q2m4" if value == "v4x8n1" else "2023-0001" if value == REQUEST else f"{value}x"


def events(base: Registry) -> list[Event]:
    """One of each kind, all its fields given."""
    source = base.agencies["v4x8n1"].source
    return [
        Quota(REQUEST, DONE, 2**33, False, source),
        Lock(REQUEST, DONE, "compromised", source),
        Restore(REQUEST, DONE, "Phạm Văn Hải", source),
        Absence(REQUEST, DONE, date(2026, 11, 5), date(2026, 11, 6), source),
        Rename(REQUEST, DONE, "cu", "Tên Cũ", source),
        Move(REQUEST, DONE, Cause.TRANSFER, "v4x8n1", "cu", source),
        Clerks(REQUEST, DONE, ("p3x8d1",), source),
        Revoke(REQUEST, DONE, source),
    ]


EVENTS = (Quota, Lock, Restore, Absence, Rename, Move, Clerks, Revoke)
FIELDS = [(kind, field.name) for kind in (*EVENTS, Issue) for field in fields(kind) if field.name != "source"]


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=lambda part: part if isinstance(part, str) else part.__name__)
def test_no_field_of_an_event_of_a_mailbox_is_rewritten_unseen(base: Registry, kind: type, field: str) -> None:
    box = mailbox(base)
    event = box.history[0] if kind is Issue else next(each for each in events(base) if isinstance(each, kind))
    event = replace(event, quota_bytes=2**33) if isinstance(event, Issue) else event
    first = () if kind is Issue else box.history
    changed: Event = replace(event, **{field: other(getattr(event, field))})
    assert changed != event
    before = with_mailbox(base, replace(box, history=(*first, event)))
    found = review(before, with_mailbox(base, replace(box, history=(*first, changed))))
    assert by_hand(found.found) == ["Trần Thị Bình"]
    (warning,) = [text for text in found.warnings if "bị viết lại" in text]
    assert warning.startswith("Lịch sử của Trần Thị Bình <tranthibinh@hanam.gov.vn> bị viết lại: sự kiện ")
    assert "bị viết lại" in "\n".join(wording.lines(found.plan))


AGENCY_FIELDS = [
    (kind, field.name) for kind in (AgencyRename, AgencyMerge) for field in fields(kind) if field.name != "source"
]


@pytest.mark.parametrize(("kind", "field"), AGENCY_FIELDS)
def test_no_field_of_an_event_of_an_agency_is_rewritten_unseen(base: Registry, kind: type, field: str) -> None:
    agency = base.agencies["k7q2m4"]
    event: Any = (
        AgencyRename(REQUEST, DONE, "Sở Cũ", "cu", "cc", True, agency.source)
        if kind is AgencyRename
        else AgencyMerge(REQUEST, DONE, "v4x8n1", agency.source)
    )
    changed = replace(event, **{field: other(getattr(event, field))})
    before = with_agency(base, replace(agency, history=(event,)))
    found = review(before, with_agency(base, replace(agency, history=(changed,))))
    assert by_hand(found.found) == ["Sở Nội vụ"]
    (warning,) = found.warnings
    assert warning.startswith("Lịch sử của Sở Nội vụ (mã snv) bị viết lại: sự kiện ")


@pytest.mark.parametrize("kept", [0, 1])
def test_an_agencys_past_that_is_taken_out_is_told(base: Registry, kept: int) -> None:
    """The former name and code stand in it alone."""
    agency = base.agencies["k7q2m4"]
    past = (
        AgencyRename(REQUEST, date(2024, 2, 1), "Sở Cũ", "cu", None, None, agency.source),
        AgencyRename(REQUEST, DONE, "Sở Nội chính", None, None, None, agency.source),
    )
    before = with_agency(base, replace(agency, history=past))
    found = review(before, with_agency(base, replace(agency, history=past[:kept])))
    assert by_hand(found.found) == ["Sở Nội vụ"]
    comment = merge_comment.comment(found, "main")
    assert "sự kiện đổi tên ngày 03/11/2026 bị xóa" in comment
    assert "Không có hộp thư hay cơ quan nào thay đổi" not in comment
    assert ("sự kiện đổi tên ngày 01/02/2024 bị xóa" in comment) == (not kept)


@pytest.mark.dieu7
def test_who_verified_a_restore_is_told_before_and_after(base: Registry) -> None:
    box, (restore,) = mailbox(base), [each for each in events(base) if isinstance(each, Restore)]
    before = with_mailbox(base, replace(box, history=(*box.history, restore)))
    changed = replace(restore, verified="Lê Văn Cường")
    found = review(before, with_mailbox(base, replace(box, history=(*box.history, changed))))
    told = [line.strip() for line in wording.lines(found.plan) if "Lịch sử" in line]
    who = "người xác minh Phạm Văn Hải -> Lê Văn Cường"
    assert told == [f"Lịch sử: bị viết lại, sự kiện khôi phục ngày 03/11/2026 bị sửa: {who}"]


@pytest.mark.dieu8
def test_a_quota_written_into_an_old_event_has_no_document(base: Registry) -> None:
    box = mailbox(base)
    assert isinstance(box.history[0], Issue)
    after = with_mailbox(base, replace(box, history=(replace(box.history[0], quota_bytes=50 * 2**30),)))
    (row,) = wording.sections(review(base, after).plan)[0].rows
    assert row.document == "sửa tay, không có văn bản"
    assert row.changes == (
        "Dung lượng: 2 GB -> 50 GB",
        "Lịch sử: bị viết lại, sự kiện cấp mới ngày 28/06/2023 bị sửa: dung lượng không có -> 50 GB",
    )


@pytest.mark.dieu8
def test_the_default_that_was_raised_for_all_is_no_edit_by_hand(base: Registry) -> None:
    raised = replace(base.regulation, quota_personal_default_bytes=4 * 2**30)
    found = review(base, replace(base, regulation=raised))
    assert found.plan.changed and by_hand(found.found) == []


def test_an_event_before_the_last_one_is_called_put_in_and_those_after_it_are_added(base: Registry) -> None:
    box, (quota, lock, restore, *_) = mailbox(base), events(base)
    before = with_mailbox(base, replace(box, history=(*box.history, lock)))
    added = with_mailbox(base, replace(box, history=(*box.history, lock, restore)))
    assert not [text for text in review(before, added).warnings if "viết lại" in text]
    both = with_mailbox(base, replace(box, history=(*box.history, quota, lock, restore)))
    (warning,) = [text for text in review(before, both).warnings if "viết lại" in text]
    assert warning.endswith("sự kiện đổi dung lượng ngày 03/11/2026 được chèn vào trước sự kiện đã có")


def test_an_event_that_changes_nothing_is_told_with_its_document(base: Registry) -> None:
    """A former name or code that never was is nothing an account shows."""
    box, agency = mailbox(base), base.agencies["k7q2m4"]
    forged = Rename("2024-0001", DONE, None, "Tên Khác", box.source)
    after = with_mailbox(base, replace(box, history=(*box.history, forged)))
    renamed = AgencyRename("2024-0001", DONE, None, "khac", None, None, agency.source)
    found = review(base, with_agency(after, replace(agency, history=(renamed,))))
    told = {row.who: (row.changes, row.document) for part in wording.sections(found.plan) for row in part.rows}
    assert told == {
        "Sở Nội vụ (mã snv), cấp tỉnh": (
            (
                "Lịch sử: thêm sự kiện đổi tên, ngoài ra không đổi gì "
                "(số đề nghị 2024-0001, ngày thực hiện 03/11/2026, mã cũ khac)",
            ),
            "văn bản 5/SNV-VP ngày 03/05/2024 (2024-0001)",
        ),
        "Trần Thị Bình <tranthibinh@hanam.gov.vn>, cá nhân, Sở Nội vụ": (
            (
                "Lịch sử: thêm sự kiện đổi tên, ngoài ra không đổi gì "
                "(số đề nghị 2024-0001, ngày thực hiện 03/11/2026, tên cũ Tên Khác)",
            ),
            "văn bản 5/SNV-VP ngày 03/05/2024 (2024-0001)",
        ),
    }


def test_every_event_has_a_vietnamese_name() -> None:
    for name in {*MAILBOX_EVENTS, *AGENCY_EVENTS}:
        told = wording.rewriting(Change("history", {"event": name, "done": "2026-11-03"}, None))
        assert re.search(r"[^\x00-\x7f]", told.removeprefix("sự kiện ").partition(" ngày ")[0]), told
        assert name not in told


@pytest.mark.parametrize("kind", EVENTS)
def test_no_event_is_added_unseen(base: Registry, kind: type) -> None:
    box = mailbox(base)
    event = next(each for each in events(base) if isinstance(each, kind))
    event = replace(event, quota_bytes=2**31) if isinstance(event, Quota) else event  # as it is
    found = review(base, with_mailbox(base, replace(box, history=(*box.history, event))))
    (entry,) = found.plan.entries
    assert (entry.id, entry.document["request"]) == (box.id, REQUEST)


CHANGES: Mapping[str, Any] = {
    "agency": "v4x8n1",
    "name": "Trần Thị Bích",
    "address": "tranthibich",
    "aliases": (),
    "post": "Trưởng phòng",
    "phone": "0226 3850 123",
    "exact_name": True,
    "withheld": "Luật Bảo vệ bí mật nhà nước",
}


@pytest.mark.parametrize("field", [field.name for field in fields(Mailbox) if field.name not in ("id", "source")])
def test_no_field_of_a_mailbox_changes_unseen(base: Registry, field: str) -> None:
    box = mailbox(base)
    if field == "kind":
        changed = replace(box, kind=MailboxKind.GUEST)
        assert review(base, with_mailbox(base, changed)).found.never
        return
    if field == "clerks":
        box, changed = mailbox(base, "snv"), replace(mailbox(base, "snv"), clerks=())
    elif field == "history":
        changed = replace(box, history=(*box.history, events(base)[1]))
    else:
        alias = Alias("cu", date(2024, 1, 1), date(2024, 2, 1), box.source)
        box = replace(box, aliases=(alias,)) if field == "aliases" else box
        changed = replace(box, **{field: CHANGES[field]})
    found = review(with_mailbox(base, box), with_mailbox(base, changed))
    assert [entry.id for entry in found.plan.entries] == [box.id]
    assert field == "history" or by_hand(found.found)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Sở Nội chính"),
        ("code", "sncc"),
        ("suffix", "nn"),
        ("document_system", True),
        ("withheld", "Luật Bảo vệ bí mật nhà nước"),
    ],
)
def test_no_field_of_an_agency_changes_unseen(base: Registry, field: str, value: Any) -> None:
    agency = base.agencies["k7q2m4"]
    found = review(base, with_agency(base, replace(agency, **{field: value})))
    assert agency.id in [entry.id for entry in found.plan.entries] and by_hand(found.found)


# --- Addresses (Đ5.2) ---


@pytest.mark.dieu5
@pytest.mark.parametrize("until", [date(2026, 11, 24), TODAY, None])
def test_an_address_that_leaves_the_registry_is_to_be_looked_at_ended_or_not(
    base: Registry, until: date | None
) -> None:
    """Nothing but the entry keeps it from being given to another."""
    box = mailbox(base)
    before = with_mailbox(base, replace(box, aliases=(Alias("trinhvanphu", date(2026, 1, 1), until, box.source),)))
    found = review(before, base)
    (warning,) = found.warnings
    assert warning.startswith("Địa chỉ trinhvanphu của Trần Thị Bình bị xóa khỏi sổ")
    assert by_hand(found.found) == ["Trần Thị Bình"]
    assert "Địa chỉ phụ: bỏ trinhvanphu" in "\n".join(wording.lines(found.plan))


@pytest.mark.dieu5
def test_a_former_address_that_ended_may_be_the_primary_one_again(base: Registry) -> None:
    box = mailbox(base)
    before = with_mailbox(base, replace(box, aliases=(Alias("cu", None, date(2024, 1, 1), box.source),)))
    back = replace(box, address="cu", aliases=(Alias(box.address, None, None, box.source),))
    assert not [text for text in review(before, with_mailbox(base, back)).warnings if "bị xóa" in text]


@pytest.mark.dieu5
def test_the_first_day_of_an_address_is_not_taken_away_unseen(base: Registry) -> None:
    box = mailbox(base)
    alias = Alias("cu", date(2026, 1, 1), None, box.source)
    before, after = (with_mailbox(base, replace(box, aliases=(each,))) for each in (alias, replace(alias, begin=None)))
    told = "\n".join(wording.lines(review(before, after).plan))
    assert "Địa chỉ phụ: cu từ 01/01/2026 -> cu" in told


# --- The register of requests (Đ6.2b) ---

PENDING = Request(
    "2026-0001",
    "12/SNV-VP",
    date(2026, 9, 1),
    date(2026, 9, 2),
    "k7q2m4",
    (RequestKind.RESET,),
    "Quên mật khẩu",
    Result.PENDING,
    None,
    Source("2026.yml", 1),
)
GRANTED = replace(PENDING, result=Result.DONE, reply=Reply("9/STTTT", date(2026, 9, 3)))
REWRITTEN = [
    (PENDING, {"received": date(2026, 11, 20)}, "ngày nhận 02/09/2026 -> 20/11/2026"),
    (PENDING, {"dated": date(2026, 8, 1)}, "ngày văn bản 01/09/2026 -> 01/08/2026"),
    (PENDING, {"document": "13/SNV-VP"}, "số văn bản 12/SNV-VP -> 13/SNV-VP"),
    (PENDING, {"agency": "v4x8n1"}, "cơ quan Sở Nội vụ -> Sở Thông tin và Truyền thông"),
    (PENDING, {"asks": (RequestKind.ISSUE,)}, "việc đề nghị reset -> issue"),
    (PENDING, {"ground": "khác"}, "căn cứ Quên mật khẩu -> khác"),
    (GRANTED, {"result": Result.REFUSED}, "kết quả đã giải quyết -> từ chối"),
    (GRANTED, {"result": Result.PENDING, "reply": None}, "kết quả đã giải quyết -> đang chờ"),
    (GRANTED, {"reply": Reply("9/STTTT", date(2026, 9, 2))}, "9/STTTT ngày 03/09/2026 -> 9/STTTT ngày 02/09/2026"),
    (GRANTED, {"reply": Reply("", date(2026, 9, 3))}, "9/STTTT ngày 03/09/2026 -> chưa có số ngày 03/09/2026"),
]


@pytest.mark.parametrize(("request_", "fields_", "told"), REWRITTEN)
def test_no_field_of_a_request_is_rewritten_unseen(
    base: Registry, request_: Request, fields_: dict[str, Any], told: str
) -> None:
    before, after = (with_request(base, each) for each in (request_, replace(request_, **fields_)))
    found = review(before, after)
    (warning,) = found.warnings
    assert warning.startswith("Đề nghị 2026-0001 đã vào sổ bị sửa: ") and told in warning
    (row,) = [line for line in merge_comment.comment(found, "main").splitlines() if line.startswith("| 2026-0001 ")]
    assert told in unescape(row).replace("\\", "")


def test_an_answer_late_by_a_changed_day_is_told_beside_the_answer(base: Registry) -> None:
    after = with_request(base, replace(GRANTED, received=date(2026, 11, 20)))
    (warning,) = review(with_request(base, PENDING), after).warnings
    assert "ngày nhận 02/09/2026 -> 20/11/2026" in warning and "kết quả" not in warning


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, PENDING),
        (None, GRANTED),
        (PENDING, GRANTED),
        (PENDING, replace(GRANTED, result=Result.REFUSED)),
        (replace(GRANTED, reply=Reply("", date(2026, 9, 3))), GRANTED),
    ],
)
def test_what_enters_the_register_and_answers_to_it_are_no_warning(
    base: Registry, before: Request | None, after: Request
) -> None:
    found = review(with_request(base, before) if before else base, with_request(base, after))
    assert [each.id for each in found.requests] == ["2026-0001"]
    assert found.warnings == ()
    comment = merge_comment.comment(found, "main")
    assert "12/SNV-VP ngày 01/09/2026, nhận 02/09/2026" in comment
    assert "Bị sửa" not in comment


def test_a_document_that_is_registered_again_is_to_be_looked_at(base: Registry) -> None:
    """Its answer would be one of two, and its term that of the later entry."""
    again = replace(PENDING, id="2026-0002", received=date(2026, 11, 20))
    (warning,) = review(with_request(base, PENDING), with_request(with_request(base, PENDING), again)).warnings
    assert warning == (
        "Đề nghị 2026-0002 là văn bản 12/SNV-VP ngày 01/09/2026 đã có trong sổ, số 2026-0001; "
        "mỗi văn bản vào sổ một lần (Đ6.2)"
    )


@pytest.mark.parametrize("other_", [{"agency": "v4x8n1"}, {"dated": date(2026, 8, 1)}, {"document": "13/SNV-VP"}])
def test_a_number_of_another_agency_or_day_is_another_document(base: Registry, other_: dict[str, Any]) -> None:
    before = with_request(base, PENDING)
    assert review(before, with_request(before, replace(PENDING, id="2026-0002", **other_))).warnings == ()


@pytest.mark.parametrize("gone", [PENDING, GRANTED, replace(GRANTED, result=Result.REFUSED)])
def test_a_request_that_is_gone_is_to_be_looked_at(base: Registry, gone: Request) -> None:
    """Its term is counted by nobody any more, and its number would be the next one's."""
    found = review(with_request(base, gone), base)
    (warning,) = found.warnings
    assert warning.startswith("Đề nghị 2026-0001 (12/SNV-VP ngày 01/09/2026 của Sở Nội vụ, nhận ngày 02/09/2026, ")
    assert "bị xóa khỏi sổ đề nghị" in warning
    comment = merge_comment.comment(found, "main")
    assert "#### Sổ đề nghị (1)" in comment and "| bị xóa khỏi sổ (trước đó: " in comment
