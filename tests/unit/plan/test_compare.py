"""The plan that leads from the accounts database to the registry's desired state."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from hanam_mail.plan import accounts as state_of
from hanam_mail.plan import compare, wording
from hanam_mail.plan.accounts import Accounts, Address, ApplyRefused, RestoreByCommand, RuntimeLock
from hanam_mail.plan.model import Allowed, Change, Limit, NoteKind, Plan, PlanEntry, PlanGroup

TODAY = date(2026, 11, 25)
LIMIT = Limit(percent=5, count=50)
AGENCY = {"id": "k7q2m4", "kind": "department", "name": "Sở Y tế", "code": "syt", "suffix": "yt"}


def entry(id_: str = "p3x8d1", **more: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "kind": "person",
        "agency": "k7q2m4",
        "name": "Nguyễn Thị Hà",
        "address": f"ha.{id_}",
        "aliases": [],
        "quota_bytes": 2 * 2**30,
        "state": "active",
        "shard": 0,
        "clerks": [],
        "document": {
            "event": "issue",
            "done": "2023-06-27",
            "request": "2023-0004",
            "number": "12/SYT-VP",
            "dated": "2023-06-23",
        },
        **more,
    }


def accounts(*entries: dict[str, Any], agencies: Sequence[dict[str, Any]] = (AGENCY,)) -> Accounts:
    """A state; without entries an empty database, which has no agency either."""
    return state_of.read(json.dumps({"agencies": list(agencies) if entries else [], "mailboxes": list(entries)}))


def plan(have: Accounts, want: Accounts, limit: Limit = LIMIT, **allowed: bool) -> Plan:
    return compare.plan(have, want, TODAY, domain="hanam.gov.vn", limit=limit, allowed=Allowed(**allowed))


def the(found: Plan) -> PlanEntry:
    """The one entry of a plan."""
    (only,) = found.entries
    return only


def test_nothing_to_do_is_nothing_changed() -> None:
    aliases = [{"address": "cu", "from": "2025-01-01", "until": "2027-01-01"}]
    both = accounts(entry(), entry("t5v9c2", aliases=aliases))
    assert not plan(both, both).changed


def test_a_new_mailbox_is_created_with_its_address() -> None:
    result = plan(accounts(), accounts(entry()))
    assert [(e.group, e.address) for e in result.entries] == [
        (PlanGroup.AGENCY_CREATED, "syt"),
        (PlanGroup.CREATED, "ha.p3x8d1@hanam.gov.vn"),
    ]


def test_a_changed_field_is_told_with_before_and_after() -> None:
    result = plan(accounts(entry()), accounts(entry(quota_bytes=4 * 2**30)))
    assert the(result).changes == (Change("quota_bytes", 2 * 2**30, 4 * 2**30),)
    assert the(result).group is PlanGroup.CHANGED


@pytest.mark.dieu11
def test_a_change_of_post_alone_is_one_line_between_git_and_the_database_too() -> None:
    have = running(accounts(entry(post="Chuyên viên")))
    result = plan(have, accounts(entry(post="Trưởng phòng")))
    assert the(result).changes == (Change("post", "Chuyên viên", "Trưởng phòng"),)
    assert the(result).group is PlanGroup.CHANGED
    assert (result.passwords, result.notes) == ({}, [])
    told = wording.lines(result)
    assert [line for line in told if "Chức vụ" in line] == ["      Chức vụ: Chuyên viên -> Trưởng phòng"]
    # No event decides a post, and the document that issued the mailbox did not change it.
    assert not [line for line in told if "12/SYT-VP" in line]


def test_a_change_of_telephone_alone_is_one_line_and_no_document_is_cited() -> None:
    have = running(accounts(entry(phone="0226 3850 123")))
    result = plan(have, accounts(entry(phone="0226 3850 124")))
    assert the(result).changes == (Change("phone", "0226 3850 123", "0226 3850 124"),)
    told = wording.lines(result)
    assert [line for line in told if "Điện" in line] == ["      Điện thoại: 0226 3850 123 -> 0226 3850 124"]
    assert not [line for line in told if "12/SYT-VP" in line]


@pytest.mark.dieu11
def test_a_post_that_comes_with_a_document_cites_it() -> None:
    asked = {"event": "quota", "done": "2026-11-20", "request": "2026-0009", "number": "9/SYT-VP"}
    want = accounts(entry(post="Trưởng phòng", quota_bytes=4 * 2**30, last=asked))
    result = plan(running(accounts(entry())), want)
    assert {change.field for change in the(result).changes} == {"post", "quota_bytes"}
    assert the(result).document == asked


@pytest.mark.dieu11
def test_the_flag_of_document_software_is_a_change_of_the_agency() -> None:
    flagged = {**AGENCY, "document_system": True}
    result = plan(accounts(entry()), accounts(entry(), agencies=[flagged]))
    assert the(result).changes == (Change("document_system", False, True),)


@pytest.mark.dieu11
def test_what_is_withheld_is_one_line_of_an_agency_and_of_a_mailbox_and_no_event_decides_it() -> None:
    have, ground = running(accounts(entry())), "Luật Bảo vệ bí mật nhà nước, văn bản 7/CAT"
    result = plan(have, accounts(entry(withheld=ground), agencies=[{**AGENCY, "withheld": ground}]))
    assert [one.changes for one in result.entries] == [(Change("withheld", "", ground),)] * 2
    told = wording.lines(result)
    assert [line.strip() for line in told if "công khai" in line] == [
        f"Lý do không công khai: không có -> {ground}"
    ] * 2
    assert not [line for line in told if "12/SYT-VP" in line or "sửa tay" in line]
    again = plan(running(accounts(entry(withheld=ground))), accounts(entry()))
    assert the(again).changes == (Change("withheld", ground, ""),)


@pytest.mark.dieu8
def test_a_quota_never_shrinks_without_a_word() -> None:
    have, want = accounts(entry(quota_bytes=4 * 2**30)), accounts(entry())
    with pytest.raises(ApplyRefused, match="dung lượng giảm từ 4 GB xuống 2 GB"):
        plan(have, want)
    assert plan(have, want, shrink=True).changed
    assert plan(have, accounts(entry(shrink=True))).changed


@pytest.mark.dieu6
def test_an_entry_that_vanished_is_an_error() -> None:
    with pytest.raises(ApplyRefused, match="p3x8d1") as refused:
        plan(accounts(entry(), entry("t5v9c2")), accounts(entry("t5v9c2")))
    assert len(refused.value.errors) == 1


def test_a_vanished_entry_is_revoked_when_that_is_allowed() -> None:
    result = plan(accounts(entry(), entry("t5v9c2")), accounts(entry("t5v9c2")), vanished=True)
    assert the(result).group is PlanGroup.REVOKED
    assert the(result).changes == (Change("state", "active", "revoked"),)


@pytest.mark.dieu6
def test_what_a_word_let_go_once_is_not_asked_for_again() -> None:
    """Its mailboxes are closed, its addresses stay the database's: nothing is left to lose by the next apply."""
    gone = entry(state="revoked", document={"event": "revoke", "done": "2026-11-24"})
    left = entry("t5v9c2", agency="m1n2p3")
    have = running(accounts(gone, left, agencies=[AGENCY, OTHER]), credentials=frozenset({"t5v9c2"}))
    assert not plan(have, accounts(left, agencies=[OTHER])).changed
    # What is open is asked for still, and so is the agency that it belongs to.
    for state in ("active", "locked"):
        open_ = replace(have, mailboxes={**have.mailboxes, "p3x8d1": replace(have.mailboxes["p3x8d1"], state=state)})
        with pytest.raises(ApplyRefused) as refused:
            plan(open_, accounts(left, agencies=[OTHER]))
        assert [word for error in refused.value.errors for word in ("(k7q2m4)", "(p3x8d1)") if word in error] == [
            "(k7q2m4)",
            "(p3x8d1)",
        ]


@pytest.mark.dieu5
def test_the_address_of_an_entry_that_was_let_go_is_still_nobody_elses() -> None:
    gone = entry(state="revoked", document={"event": "revoke", "done": "2026-11-24"})
    have = running(accounts(gone), credentials=frozenset())
    with pytest.raises(ApplyRefused, match=r"địa chỉ ha\.p3x8d1 .* không được cấp cho"):
        plan(have, accounts(entry("t5v9c2", address="ha.p3x8d1")))


@pytest.mark.dieu5
def test_between_two_revisions_a_closed_entry_that_vanished_is_told() -> None:
    """Only its entry keeps the address there."""
    gone = entry(state="revoked", document={"event": "revoke", "done": "2026-11-24"})
    with pytest.raises(ApplyRefused, match="p3x8d1"):
        plan(accounts(gone, entry("t5v9c2")), accounts(entry("t5v9c2")))
    with pytest.raises(ApplyRefused, match="k7q2m4"):
        plan(
            accounts(entry(agency="m1n2p3"), agencies=[AGENCY, OTHER]),
            accounts(entry(agency="m1n2p3"), agencies=[OTHER]),
        )


@pytest.mark.dieu6
def test_a_word_for_many_revocations_is_none_for_an_entry_that_vanished() -> None:
    """A reviewer who lets a merger of agencies pass does not look for what else is gone."""
    with pytest.raises(ApplyRefused, match=r"p3x8d1.*mailboxes_allow_vanished"):
        plan(accounts(entry(), entry("t5v9c2")), accounts(entry("t5v9c2")), removals=True)
    with pytest.raises(ApplyRefused, match="k7q2m4"):
        plan(accounts(entry()), accounts(entry(agency="m1n2p3"), agencies=[OTHER]), removals=True)


@pytest.mark.dieu6
def test_vanished_entries_count_for_the_limit() -> None:
    have = accounts(*(entry(f"box{number:05}") for number in range(30)))
    want = accounts(*(entry(f"box{number:05}") for number in range(28)))
    with pytest.raises(ApplyRefused, match="2 trong 30 hộp thư sẽ bị thu hồi"):
        plan(have, want, vanished=True)
    assert len(plan(have, want, vanished=True, removals=True).entries) == 2


@pytest.mark.dieu6
@pytest.mark.parametrize(
    ("standing", "revoked", "stops"), [(30, 1, False), (30, 2, True), (2000, 50, False), (2000, 51, True)]
)
def test_many_revocations_at_once_need_a_word(standing: int, revoked: int, stops: bool) -> None:
    ids = [f"box{number:05}" for number in range(standing)]
    have = accounts(*(entry(id_) for id_ in ids))
    want = accounts(*(entry(id_, state="revoked" if place < revoked else "active") for place, id_ in enumerate(ids)))
    if stops:
        with pytest.raises(ApplyRefused, match="vượt ngưỡng 50 hộp thư hoặc 5 %"):
            plan(have, want)
    assert len(plan(have, want, removals=stops).entries) == revoked


@pytest.mark.dieu6
def test_whoever_only_looks_is_told_by_the_same_limit() -> None:
    have = accounts(*(entry(f"box{number:05}") for number in range(4)))
    want = accounts(*(entry(f"box{number:05}", state="revoked" if number < 3 else "active") for number in range(4)))
    for limit, stops in ((Limit(percent=50, count=50), 1), (Limit(percent=75, count=50), 0), (None, 0)):
        assert len(compare.assess(have, want, TODAY, domain="hanam.gov.vn", limit=limit).stops) == stops


@pytest.mark.dieu5
def test_an_address_is_never_given_to_another_mailbox() -> None:
    have = accounts(entry(), entry("t5v9c2"))
    want = accounts(entry(address="moi"), entry("t5v9c2", address="ha.p3x8d1"))
    with pytest.raises(ApplyRefused, match=r"không được cấp cho .* \(t5v9c2\) \(Đ5\.2\)"):
        plan(have, want)


@pytest.mark.dieu5
def test_a_renamed_mailbox_keeps_its_old_address_closed() -> None:
    result = plan(accounts(entry()), accounts(entry(address="moi")))
    assert result.closed == ["ha.p3x8d1"]
    closed = replace(
        accounts(entry(address="moi")),
        addresses={
            "moi": Address("moi", "p3x8d1", "primary", date(2026, 11, 25), None),
            "ha.p3x8d1": Address("ha.p3x8d1", "p3x8d1", "alias", None, date(2026, 11, 24)),
        },
    )
    assert not plan(closed, accounts(entry(address="moi"))).changed


@pytest.mark.dieu5
@pytest.mark.parametrize(
    ("until", "closed"), [(date(2026, 11, 24), []), (TODAY, ["cu"]), (date(2026, 11, 26), ["cu"]), (None, ["cu"])]
)
def test_an_alias_that_git_has_no_more_ends_now_unless_it_ended_before(until: date | None, closed: list[str]) -> None:
    """Its last day is the whole day: one that ends today still takes mail."""
    have = accounts(entry())
    have = replace(have, addresses={**have.addresses, "cu": Address("cu", "p3x8d1", "alias", date(2024, 5, 6), until)})
    assert plan(have, accounts(entry())).closed == closed


@pytest.mark.dieu5
def test_a_former_address_comes_back_as_the_primary_one() -> None:
    old = entry(address="cu", aliases=[{"address": "moi", "from": None, "until": None}])
    new = entry(address="moi", aliases=[{"address": "cu", "from": "2026-11-25", "until": None}])
    there, back = plan(accounts(old), accounts(new)), plan(accounts(new), accounts(old))
    assert not there.closed and not back.closed
    assert Change("address", "cu", "moi") in the(there).changes
    assert Change("address", "moi", "cu") in the(back).changes


def test_when_an_alias_began_is_the_databases_unless_git_says_it() -> None:
    silent = accounts(entry(aliases=[{"address": "cu", "from": None, "until": None}]))
    known = replace(
        silent, addresses={**silent.addresses, "cu": Address("cu", "p3x8d1", "alias", date(2024, 5, 6), None)}
    )
    assert not plan(known, silent).changed
    told = accounts(entry(aliases=[{"address": "cu", "from": "2024-05-07", "until": None}]))
    assert the(plan(known, told)).changes[0].field == "alias"


OTHER = {"id": "m1n2p3", "kind": "department", "name": "Sở Tư pháp", "code": "stp", "suffix": "tp"}


@pytest.mark.dieu6
@pytest.mark.parametrize(("event", "group"), [("transfer", PlanGroup.TRANSFERRED), ("merge", PlanGroup.MERGED)])
def test_a_move_to_another_agency_is_told_by_its_cause(event: str, group: PlanGroup) -> None:
    have = accounts(entry(), agencies=[AGENCY, OTHER])
    last = {"event": event, "done": "2026-11-20", "number": "5/QĐ-UBND", "dated": "2026-11-19"}
    want = accounts(entry(agency="m1n2p3", last=last), agencies=[AGENCY, OTHER])
    moved = the(plan(have, want))
    assert moved.group is group
    assert moved.changes == (Change("agency", "Sở Y tế", "Sở Tư pháp"),)
    assert moved.document["number"] == "5/QĐ-UBND"


# --- Restores (Đ7.3) ---


def restore(done: str = "2026-11-24", request: str = "2026-0009", number: str = "8/STP") -> dict[str, Any]:
    """An entry whose last word is a restore."""
    return entry(document={"event": "restore", "done": done, "request": request, "number": number})


def running(state: Accounts, **more: Any) -> Accounts:
    """What a database has: besides `state` who has a password, what is locked, what commands restored."""
    return replace(state, **{"credentials": frozenset({"p3x8d1"}), "events": None, **more})


def idle(day: int) -> dict[str, RuntimeLock]:
    return {"p3x8d1": RuntimeLock("idle", date(2026, 11, day))}


def by_command(day: int, document: str = "8/STP") -> dict[str, RestoreByCommand]:
    return {"p3x8d1": RestoreByCommand(document, date(2026, 11, day))}


@pytest.mark.dieu7
def test_a_restoring_document_lifts_the_lock_and_gives_a_password_once() -> None:
    result = plan(running(accounts(entry()), locks=idle(20)), accounts(restore()))
    assert (result.lifted, result.passwords) == (["p3x8d1"], {"p3x8d1": "restore"})
    assert the(result).group is PlanGroup.RESTORED
    after = running(accounts(restore()))
    assert not plan(after, accounts(restore())).changed
    corrected = plan(after, accounts(restore(done="2026-11-23", number="1/A")))
    assert (corrected.passwords, the(corrected).group) == ({}, PlanGroup.CHANGED)
    # A lock that came after the document is not that document's business.
    later = running(accounts(restore()), locks=idle(25))
    assert not plan(later, accounts(restore())).changed


@pytest.mark.dieu7
def test_a_restore_ends_a_lock_of_the_registry() -> None:
    locked = entry(state="locked", document={"event": "lock", "done": "2026-11-20", "reason": "forbidden_use"})
    result = plan(running(accounts(locked)), accounts(restore()))
    assert (the(result).group, result.passwords) == (PlanGroup.RESTORED, {"p3x8d1": "restore"})


@pytest.mark.dieu7
def test_a_restore_of_what_is_not_locked_changes_nobodys_password() -> None:
    """Its lock was lifted meanwhile, by a command or a correction: the owner is at work with a password of his own."""
    result = plan(running(accounts(entry())), accounts(restore()))
    assert (the(result).group, result.passwords, result.lifted) == (PlanGroup.CHANGED, {}, [])
    assert [note.kind for note in result.notes] == [NoteKind.NOT_LOCKED]
    # Between two revisions of git nobody knows what is locked: most locks stand in the database only.
    assert the(plan(accounts(entry()), accounts(restore()))).group is PlanGroup.RESTORED


@pytest.mark.dieu7
def test_a_restore_does_not_lift_a_lock_that_is_newer() -> None:
    result = plan(running(accounts(entry()), locks=idle(25)), accounts(restore(done="2026-11-24")))
    assert (result.lifted, result.passwords, the(result).group) == ([], {}, PlanGroup.CHANGED)
    assert [note.kind for note in result.notes] == [NoteKind.NEWER_LOCK]
    # Of the registry's own lock it is the end; the newer one stays, and with it no new password serves yet.
    locked = entry(state="locked", document={"event": "lock", "done": "2026-11-20", "reason": "forbidden_use"})
    both = plan(running(accounts(locked), locks=idle(25)), accounts(restore(done="2026-11-24")))
    assert (both.lifted, both.passwords) == ([], {})
    assert the(both).changes == (Change("state", "locked", "active"),)


@pytest.mark.dieu7
def test_a_restore_by_command_is_told_until_its_event_follows_and_gives_no_second_password() -> None:
    have = running(accounts(entry()), restored=by_command(24))
    missing = plan(have, accounts(entry()))
    assert not missing.changed
    assert [(note.kind, note.detail) for note in missing.notes] == [(NoteKind.RESTORED, "8/STP")]
    followed = plan(have, accounts(restore()))
    assert (followed.passwords, followed.lifted, followed.followed) == ({}, [], ["p3x8d1"])
    assert followed.notes == []
    assert the(followed).group is PlanGroup.CHANGED


@pytest.mark.dieu7
def test_the_event_of_a_restore_by_command_does_not_lift_a_lock_of_the_same_day() -> None:
    have = running(accounts(entry()), restored=by_command(24), locks=idle(24))
    result = plan(have, accounts(restore(number=" 8/stp ")))
    assert (result.passwords, result.lifted, result.followed) == ({}, [], ["p3x8d1"])
    assert [note.kind for note in result.notes] == [NoteKind.NEWER_LOCK]
    # Another document is another restore.
    other = plan(have, accounts(restore(number="9/STP")))
    assert (other.passwords, other.lifted) == ({"p3x8d1": "restore"}, ["p3x8d1"])


@pytest.mark.dieu12
def test_a_password_given_since_the_lock_serves_after_the_restore() -> None:
    """After a leak the owner has his new slip already; a second password would make it worthless."""
    locks = {"p3x8d1": RuntimeLock("compromised", date(2026, 11, 20), renewed=True)}
    result = plan(running(accounts(entry()), locks=locks), accounts(restore()))
    assert (result.lifted, result.passwords, the(result).group) == (["p3x8d1"], {}, PlanGroup.RESTORED)


@pytest.mark.dieu7
def test_an_old_lock_in_git_does_not_undo_a_later_restore_by_command() -> None:
    lock = {"event": "lock", "done": "2026-11-20", "reason": "compromised", "request": "2026-0008"}
    have = running(accounts(entry()), restored=by_command(24))
    with pytest.raises(ApplyRefused, match=r"đã được khôi phục ngày 24/11/2026 theo văn bản 8/STP.*restore"):
        plan(have, accounts(entry(state="locked", document=lock)))
    newer = plan(have, accounts(entry(state="locked", document={**lock, "done": "2026-11-25"})))
    assert (the(newer).group, newer.followed) == (PlanGroup.LOCKED, ["p3x8d1"])


@pytest.mark.dieu8
def test_first_passwords_are_for_people_without_one() -> None:
    people = entry(), entry("g4g4g4", kind="guest"), entry("t5v9c2", kind="agency"), entry("l0l0l0", state="locked")
    nobody = replace(accounts(*people), credentials=frozenset())
    assert plan(nobody, accounts(*people)).passwords == {"p3x8d1": "issue", "g4g4g4": "issue"}
    everybody = replace(nobody, credentials=frozenset({"p3x8d1", "g4g4g4"}))
    assert not plan(everybody, accounts(*people)).changed


def test_between_two_revisions_nobody_speaks_of_passwords() -> None:
    assert plan(accounts(), accounts(entry())).passwords == {}


def test_clerks_are_compared_as_a_set() -> None:
    box = entry("t5v9c2", kind="agency", clerks=["p3x8d1", "m4k7q2"])
    turned = entry("t5v9c2", kind="agency", clerks=["m4k7q2", "p3x8d1"])
    people = entry(), entry("m4k7q2")
    assert not plan(accounts(box, *people), accounts(turned, *people)).changed
    fewer = entry("t5v9c2", kind="agency", clerks=["p3x8d1"])
    assert [c.field for c in the(plan(accounts(box, *people), accounts(fewer, *people))).changes] == ["clerks"]


def test_every_reason_is_told_at_once() -> None:
    have = accounts(entry(quota_bytes=4 * 2**30), entry("t5v9c2"))
    with pytest.raises(ApplyRefused) as refused:
        plan(have, accounts(entry(kind="guest")))
    assert len(refused.value.errors) == 3


@pytest.mark.parametrize("text", ["[]", "{}", '{"agencies": [], "mailboxes": [{}]}', "nonsense"])
def test_a_document_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(ApplyRefused, match="sai cấu trúc"):
        state_of.read(text)


def test_an_address_wanted_twice_is_refused() -> None:
    with pytest.raises(ApplyRefused, match="đã được ghi cho hộp thư"):
        accounts(entry(), entry("t5v9c2", address="ha.p3x8d1"))
