"""Edits of the registry: what each does, what it refuses, and that all rules accept what it leaves."""

from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from tests.unit.registry_world import RULE_BOOK, TODAY, World

from hanam_mail.editing import EditError, WorkingCopy
from hanam_mail.registry import loading
from hanam_mail.registry.loading import desired_state
from hanam_mail.registry.model import AgencyMerge, AgencyRename, Cause, Clerks, Mailbox, Move, Registry, Rename, State
from hanam_mail.registry.writing import store

DONE = date(2026, 11, 20)
YEAR_LATER = date(2027, 11, 20)
GIB = 1024**3


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def draft(world: World) -> WorkingCopy:
    """The small registry, with one granted request that asks for everything."""
    draft = WorkingCopy(world.load(), today=TODAY)
    paper(draft)
    return draft


@pytest.fixture
def settled(world: World) -> Callable[[WorkingCopy], Registry]:
    """Write a draft, read it again and check it: what comes back is what the draft was."""

    def write_and_load(draft: WorkingCopy) -> Registry:
        store.write(world.folder / "mailboxes", draft.registry())
        read = loading.load(world.folder / "mailboxes", regulated_by=RULE_BOOK, day=TODAY)
        assert read == draft.registry()
        return read

    return write_and_load


REQUEST = "2026-0001"


def paper(draft: WorkingCopy, agency: str = "snv", document: str = "1/VP") -> str:
    asks = ["issue", "change", "revoke", "restore", "lock", "absence"]
    request = draft.request(document=document, dated=DONE, received=DONE, agency=agency, asks=asks, ground="quyết định")
    draft.answer(request.id, "done", "9/STTTT", DONE)
    return request.id


def issue(draft: WorkingCopy, name: str, agency: str = "snv", kind: str = "person", **options: object) -> Mailbox:
    return draft.issue(kind=kind, agency=agency, name=name, request=REQUEST, done=DONE, **options)  # type: ignore[arg-type]


def refused(edit: Callable[[], object]) -> EditError:
    with pytest.raises(EditError) as error:
        edit()
    return error.value


def state(read: Registry, identity: str) -> dict[str, object]:
    found: dict[str, object] = next(box for box in desired_state(read)["mailboxes"] if box["id"] == identity)
    return found


# --- requests ---


@pytest.mark.dieu6
def test_a_request_gets_the_next_number_of_its_year(
    draft: WorkingCopy, settled: Callable[[WorkingCopy], Registry]
) -> None:
    late = draft.request(
        document="2/VP", dated=date(2024, 3, 1), received=date(2024, 3, 2), agency="stp", asks=["issue"], ground="x"
    )
    assert late.id == "2024-0010"
    assert settled(draft).requests["2024-0010"].agency == "h3h3h3"


@pytest.mark.dieu6
def test_a_document_is_registered_once(draft: WorkingCopy) -> None:
    assert "đã có trong sổ, số 2026-0001" in str(refused(lambda: paper(draft)))


@pytest.mark.dieu6
def test_a_request_is_answered_once(draft: WorkingCopy) -> None:
    error = refused(lambda: draft.answer(REQUEST, "refused", "10/STTTT", DONE))
    assert error.clause == "Đ6.2b"


@pytest.mark.dieu6
def test_a_refused_request_bears_no_change(draft: WorkingCopy) -> None:
    request = draft.request(
        document="3/VP", dated=DONE, received=DONE, agency="snv", asks=["revoke"], ground="nghỉ hưu"
    )
    draft.answer(request.id, "refused", "11/STTTT", DONE)
    assert "bị từ chối" in refused(lambda: draft.revoke("lean", request=request.id, done=DONE)).text


@pytest.mark.dieu6
def test_a_change_needs_a_request_that_asks_for_it(draft: WorkingCopy) -> None:
    error = refused(lambda: draft.revoke("lean", request="2024-0001", done=DONE))
    assert (error.clause, "revoke" in error.text) == ("Đ6.2", True)
    assert "2020-0001" in refused(lambda: draft.revoke("lean", request="2020-0001", done=DONE)).text


# --- issue ---


@pytest.mark.dieu5
def test_a_person_gets_the_address_of_dieu_5(draft: WorkingCopy, settled: Callable[[WorkingCopy], Registry]) -> None:
    addresses = [
        issue(draft, "Trần Bình").address,
        issue(draft, "Trần Bình", "stp").address,
        issue(draft, "Trần Bình", counter=True).address,
        issue(draft, "Trần Bình", details=["Duy Tiên"]).address,
    ]
    assert addresses == ["tranbinh", "tranbinh.tp", "tranbinh.2", "tranbinh.duytien"]
    settled(draft)


@pytest.mark.dieu5
def test_a_bare_counter_needs_the_operators_word(draft: WorkingCopy) -> None:
    issue(draft, "Trần Bình")
    other = issue(draft, "Trần Bính", "stp")
    issue(draft, "Trần Cao")
    before = draft.registry()
    for edit in (
        lambda: issue(draft, "Trần Bỉnh"),
        lambda: draft.rename("trancao", "Trần Bịnh", request=REQUEST, done=DONE),
        lambda: draft.transfer(other.address, agency="snv", request=REQUEST, done=DONE, new_address=True),
    ):
        error = refused(edit)
        assert error.clause == "Đ5.2c"
        assert "--detail" in error.text and "--counter" in error.text
    assert draft.registry() == before
    renamed = draft.rename("trancao", "Trần Bịnh", request=REQUEST, done=DONE, details=["Phủ Lý"])
    assert renamed.address == "tranbinh.phuly"


@pytest.mark.dieu5
def test_an_address_ever_issued_is_taken(draft: WorkingCopy) -> None:
    draft.revoke("lean", request=REQUEST, done=DONE)
    draft.rename("pcc.snv", "Phòng Tổ chức", request=REQUEST, done=DONE)
    assert issue(draft, "Lê An", "stp").address == "lean.tp"
    assert issue(draft, "Lê Ân", counter=True).address == "lean.2"
    assert refused(lambda: issue(draft, "Phòng Công chức", kind="office")).clause == "Đ5.2"
    assert "RFC 2142" in refused(lambda: issue(draft, "X", address="postmaster")).text


@pytest.mark.dieu5
def test_an_office_and_a_guest_are_issued(draft: WorkingCopy, settled: Callable[[WorkingCopy], Registry]) -> None:
    office = issue(draft, "Phòng Tư pháp", "kb", kind="office", quota_bytes=20 * GIB)
    guest = issue(draft, "Hội Nông dân", kind="guest")
    read = settled(draft)
    assert (office.address, guest.address) == ("ptp.kb", "hoinongdan")
    assert state(read, office.id)["quota_bytes"] == 20 * GIB


@pytest.mark.dieu8
def test_a_quota_below_the_minimum_is_refused(draft: WorkingCopy) -> None:
    assert refused(lambda: issue(draft, "Trần Bình", quota_bytes=GIB)).clause == "Đ8.1b"
    assert "tranbinh" not in {mailbox.address for mailbox in draft.registry().mailboxes.values()}


@pytest.mark.dieu5
def test_a_name_that_is_no_vietnamese_is_refused(draft: WorkingCopy) -> None:
    assert "Иван" in refused(lambda: issue(draft, "Иван")).text


def test_unknown_agencies_and_mailboxes_are_named(draft: WorkingCopy) -> None:
    assert "“zz”" in refused(lambda: issue(draft, "Trần Bình", "zz")).text
    assert "“nobody”" in refused(lambda: draft.revoke("nobody", request=REQUEST, done=DONE)).text


def test_a_mailbox_is_found_by_address_alias_and_id(draft: WorkingCopy) -> None:
    draft.rename("lean", "Lê Bình An", request=REQUEST, done=DONE)
    for who in ("LEAN@hanam.gov.vn", "lebinhan", "v2b4n6"):
        assert draft.mailbox(who).id == "v2b4n6"


# --- state and quota ---


@pytest.mark.dieu7
def test_lock_absence_and_restore_follow_each_other(
    draft: WorkingCopy, settled: Callable[[WorkingCopy], Registry]
) -> None:
    draft.absence("lean", DONE, date(2027, 3, 1), request=REQUEST, done=DONE)
    draft.lock("lean", "compromised", done=DONE)
    assert refused(lambda: draft.lock("lean", "idle", done=DONE)).clause == "Đ7.2"
    assert state(settled(draft), "v2b4n6")["state"] == State.LOCKED
    draft.restore("lean", request=REQUEST, done=DONE, verified="Phạm Hải")
    assert state(settled(draft), "v2b4n6")["state"] == State.ACTIVE


@pytest.mark.dieu7
def test_a_lock_needs_a_reason_of_dieu_7(draft: WorkingCopy) -> None:
    assert refused(lambda: draft.lock("lean", "angry", done=DONE)).clause == "Đ7.2"


@pytest.mark.dieu6
def test_nothing_follows_a_revocation_and_a_revoked_clerk_is_none(
    draft: WorkingCopy, settled: Callable[[WorkingCopy], Registry]
) -> None:
    draft.revoke("lean", request=REQUEST, done=DONE)
    assert refused(lambda: draft.quota("lean", 4 * GIB, request=REQUEST, done=DONE)).clause == "Đ6.2c"
    read = settled(draft)
    assert read.mailboxes["b2b2b2"].clerks == ()
    assert state(read, "v2b4n6")["state"] == State.REVOKED


@pytest.mark.dieu8
def test_a_quota_shrinks_only_when_it_is_meant(draft: WorkingCopy, settled: Callable[[WorkingCopy], Registry]) -> None:
    draft.quota("lean", 8 * GIB, request=REQUEST, done=DONE)
    assert refused(lambda: draft.quota("lean", 4 * GIB, request=REQUEST, done=DONE)).clause == "Đ8.1a"
    draft.quota("lean", 4 * GIB, request=REQUEST, done=DONE, shrink=True)
    assert state(settled(draft), "v2b4n6")["quota_bytes"] == 4 * GIB


def test_dates_do_not_run_backwards_or_ahead(draft: WorkingCopy) -> None:
    assert "trước sự kiện" in refused(lambda: draft.lock("lean", "idle", done=date(2020, 1, 1))).text
    assert "tương lai" in refused(lambda: draft.lock("lean", "idle", done=date(2030, 1, 1))).text


@pytest.mark.dieu9
def test_clerks_are_persons_of_the_agency(draft: WorkingCopy, settled: Callable[[WorkingCopy], Registry]) -> None:
    other = issue(draft, "Trần Bình", "stp")
    for who, persons, clause in (("snv", [other.address], "Đ9.2"), ("lean", [], "Đ12.3"), ("snv", ["lean"], "Đ9.2")):
        edit = lambda who=who, persons=persons: draft.clerks(who, persons, request=REQUEST, done=DONE)  # noqa: E731
        assert refused(edit).clause == clause
    draft.clerks("pcc.snv", ["lean"], request=REQUEST, done=DONE)
    draft.clerks("snv", [], request=REQUEST, done=DONE)
    read = settled(draft)
    assert (read.mailboxes["c2c2c2"].clerks, read.mailboxes["b2b2b2"].clerks) == (("v2b4n6",), ())
    assert [event.was for event in read.mailboxes["b2b2b2"].history if isinstance(event, Clerks)] == [("v2b4n6",)]


@pytest.mark.dieu11
def test_an_agency_gets_document_software_and_loses_it_again(
    draft: WorkingCopy, settled: Callable[[WorkingCopy], Registry]
) -> None:
    for has in (True, False):
        draft.rename_agency("stp", document_system=has, request=REQUEST, done=DONE)
        assert settled(draft).agencies["h3h3h3"].document_system is has
    edit = lambda: draft.rename_agency("stp", document_system=False, request=REQUEST, done=DONE)  # noqa: E731
    assert "đã đúng như vậy" in refused(edit).text


# --- names and agencies of one mailbox ---


@pytest.mark.dieu6
def test_a_renamed_person_keeps_the_old_address_for_the_configured_time(
    draft: WorkingCopy, settled: Callable[[WorkingCopy], Registry]
) -> None:
    draft.rename("lean", "Lê Bình An", request=REQUEST, done=DONE)
    mailbox = settled(draft).mailboxes["v2b4n6"]
    (alias,) = mailbox.aliases
    assert (mailbox.address, alias.address, alias.begin, alias.until) == ("lebinhan", "lean", DONE, YEAR_LATER)
    event = mailbox.history[-1]
    assert isinstance(event, Rename) and (event.was, event.was_name) == ("lean", "Lê An")


@pytest.mark.dieu5
def test_a_corrected_accent_changes_no_address(draft: WorkingCopy, settled: Callable[[WorkingCopy], Registry]) -> None:
    draft.rename("lean", "Lê Ân", request=REQUEST, done=DONE)
    mailbox = settled(draft).mailboxes["v2b4n6"]
    assert (mailbox.address, mailbox.aliases) == ("lean", ())
    assert "đã mang tên" in refused(lambda: draft.rename("lean", "Lê Ân", request=REQUEST, done=DONE)).text


@pytest.mark.dieu5
def test_a_renamed_office_keeps_its_old_address_without_end(
    draft: WorkingCopy, settled: Callable[[WorkingCopy], Registry]
) -> None:
    draft.rename("pcc.snv", "Phòng Tổ chức", request=REQUEST, done=DONE)
    mailbox = settled(draft).mailboxes["c2c2c2"]
    assert (mailbox.address, mailbox.aliases[0].address, mailbox.aliases[0].until) == ("ptc.snv", "pcc.snv", None)


def test_an_agency_is_not_renamed_through_its_mailbox(draft: WorkingCopy) -> None:
    assert "rename-agency" in refused(lambda: draft.rename("snv", "Sở Mới", request=REQUEST, done=DONE)).text


@pytest.mark.dieu6
def test_a_transferred_person_keeps_id_and_plain_address_and_clerks_no_more(
    draft: WorkingCopy, settled: Callable[[WorkingCopy], Registry]
) -> None:
    draft.transfer("lean", agency="stp", request=REQUEST, done=DONE)
    read = settled(draft)
    mailbox = read.mailboxes["v2b4n6"]
    assert (mailbox.agency, mailbox.address, mailbox.aliases) == ("h3h3h3", "lean", ())
    event = mailbox.history[-1]
    assert isinstance(event, Move) and (event.cause, event.origin, event.was) == (Cause.TRANSFER, "m4k7q2", None)
    assert read.mailboxes["b2b2b2"].clerks == ()


@pytest.mark.dieu5
def test_a_plain_address_is_never_replaced_by_a_transfer(draft: WorkingCopy) -> None:
    error = refused(lambda: draft.transfer("lean", agency="stp", request=REQUEST, done=DONE, new_address=True))
    assert error.clause == "Đ5.2"


@pytest.mark.dieu5
def test_a_suffixed_address_is_replaced_on_request_and_stays_an_alias(
    draft: WorkingCopy, settled: Callable[[WorkingCopy], Registry]
) -> None:
    person = issue(draft, "Lê An", "stp")
    kept = issue(draft, "Lê Ẩn", "kb")
    draft.transfer(person.address, agency="kb", request=REQUEST, done=DONE, new_address=True, counter=True)
    draft.transfer(kept.address, agency="stp", request=REQUEST, done=DONE)
    read = settled(draft)
    moved = read.mailboxes[person.id]
    assert person.address == "lean.tp"
    assert (moved.addresses, moved.aliases[0].until) == (("lean.2", "lean.tp"), YEAR_LATER)
    assert read.mailboxes[kept.id].addresses == ("lean.kb",)


@pytest.mark.dieu5
def test_a_new_address_can_follow_a_transfer_later(
    draft: WorkingCopy, settled: Callable[[WorkingCopy], Registry]
) -> None:
    person = issue(draft, "Lê An", "stp")
    draft.transfer(person.address, agency="kb", request=REQUEST, done=DONE)
    draft.rename(person.id, "Lê An", request=REQUEST, done=DONE, new_address=True)
    assert settled(draft).mailboxes[person.id].addresses == ("lean.kb", "lean.tp")


@pytest.mark.dieu5
def test_a_later_new_address_leaves_alone_what_bears_no_former_agency(draft: WorkingCopy) -> None:
    person = issue(draft, "Lê An", "stp")
    for who, name in (("lean", "Lê An"), (person.id, "Lê An"), ("pcc.snv", "Phòng Công chức")):
        assert refused(partial(draft.rename, who, name, request=REQUEST, done=DONE, new_address=True))


@pytest.mark.dieu5
def test_whoever_comes_back_gets_the_own_former_address_again(
    draft: WorkingCopy, settled: Callable[[WorkingCopy], Registry]
) -> None:
    person = issue(draft, "Lê An", "stp")
    for agency in ("kb", "stp"):
        draft.transfer(person.id, agency=agency, request=REQUEST, done=DONE, new_address=True)
    draft.rename("lean", "Lê Bình An", request=REQUEST, done=DONE)
    draft.rename("lean", "Lê An", request=REQUEST, done=DONE)
    draft.rename("pcc.snv", "Phòng Tổ chức", request=REQUEST, done=DONE)
    draft.rename("pcc.snv", "Phòng Công chức", request=REQUEST, done=DONE)
    draft.rename_agency("snv", new_code="snvtg", request=REQUEST, done=DONE)
    draft.rename_agency("snvtg", new_code="snv", request=REQUEST, done=DONE)
    read = settled(draft)
    assert read.mailboxes[person.id].addresses == ("lean.tp", "lean.kb")
    assert read.mailboxes["v2b4n6"].addresses == ("lean", "lebinhan")
    assert read.mailboxes["c2c2c2"].address == "pcc.snv"
    assert read.mailboxes["b2b2b2"].addresses == ("snv", "snvtg")


def test_offices_and_own_agency_are_no_transfers(draft: WorkingCopy) -> None:
    for who, agency in (("pcc.snv", "stp"), ("snv", "stp"), ("lean", "snv")):
        assert refused(partial(draft.transfer, who, agency=agency, request=REQUEST, done=DONE))


# --- agencies ---


@pytest.mark.dieu5
def test_no_agency_takes_the_name_of_another_in_any_spelling(draft: WorkingCopy) -> None:
    for name in ("Sở Tư pháp", "SỞ TƯ PHÁP", "Sở Tư pháp tỉnh Hà Nam"):
        error = refused(partial(draft.rename_agency, "snv", name=name, request=REQUEST, done=DONE))
        assert error.clause == "Đ5.1"


@pytest.mark.dieu5
def test_new_agencies_get_their_code_by_the_rule_or_by_approval(
    draft: WorkingCopy, settled: Callable[[WorkingCopy], Registry]
) -> None:
    def add(kind: str, name: str, **options: str) -> str:
        agency = draft.add_agency(kind=kind, name=name, request=request, done=DONE, **options)  # type: ignore[arg-type]
        return draft.members(agency.code)[0].address

    request = paper(draft, document="5/VP")
    assert add("department", "Sở Du lịch") == "sdl"
    assert add("district", "huyện Hải Hậu") == "ubndhh"
    assert add("commune", "xã Mới, huyện Kim Bảng") == "ubndmoi.kb"
    assert add("unit", "Trường Tiểu học Quế", code="thque", suffix="tq") == "thque"
    assert refused(lambda: add("department", "Sở Du Lịch")).clause == "Đ5.1"
    assert refused(lambda: add("unit", "Trạm Y tế Quế")).clause == "Đ5.1"
    codes = {agency.code for agency in settled(draft).agencies.values()}
    assert {"sdl", "hh", "moi.kb", "thque"} <= codes


@pytest.mark.dieu5
def test_a_renamed_agency_moves_its_addresses_and_file_and_loses_none(
    draft: WorkingCopy, settled: Callable[[WorkingCopy], Registry], world: World
) -> None:
    draft.rename_agency("snv", name="Sở Nội vụ và Tôn giáo", new_code="snvtg", request=REQUEST, done=DONE)
    read = settled(draft)
    agency = read.agencies["m4k7q2"]
    (event,) = agency.history
    assert isinstance(event, AgencyRename) and (event.was_name, event.was_code) == ("Sở Nội vụ", "snv")
    assert read.mailboxes["b2b2b2"].addresses == ("snvtg", "snv")
    assert read.mailboxes["b2b2b2"].name == "Sở Nội vụ và Tôn giáo"
    assert read.mailboxes["c2c2c2"].addresses == ("pcc.snvtg", "pcc.snv")
    assert read.mailboxes["c2c2c2"].aliases[0].until is None
    assert read.mailboxes["v2b4n6"].addresses == ("lean",)
    assert (world.folder / "mailboxes/snvtg.yml").exists()
    assert not (world.folder / "mailboxes/snv.yml").exists()


@pytest.mark.dieu5
def test_a_district_takes_its_communes_along(draft: WorkingCopy, settled: Callable[[WorkingCopy], Registry]) -> None:
    request = paper(draft, "kb")
    draft.rename_agency("kb", name="Ủy ban nhân dân thị xã Kim Bảng", new_code="txkb", request=request, done=DONE)
    read = settled(draft)
    assert read.agencies["h5h5h5"].codes == ("que.txkb", "que.kb")
    assert read.mailboxes["b5b5b5"].addresses == ("ubndque.txkb", "ubndque.kb")


@pytest.mark.dieu5
def test_communes_have_the_suffix_of_their_district_and_people_keep_theirs(
    draft: WorkingCopy, settled: Callable[[WorkingCopy], Registry]
) -> None:
    who = issue(draft, "Lê An", "que.kb")
    assert who.address == "lean.kb"
    request = paper(draft, "kb")
    draft.rename_agency("kb", new_code="tx", suffix="tx", request=request, done=DONE)
    assert issue(draft, "Lê  An", "thptbienhoa").address == "lean.bh"
    read = settled(draft)
    assert (read.agencies["h4h4h4"].suffixes, read.agencies["h5h5h5"].suffixes) == (("tx", "kb"), ("tx", "kb"))
    assert read.mailboxes[who.id].address == "lean.kb"
    draft.rename_agency("tx", suffix="ty", request=request, done=DONE)
    assert settled(draft).agencies["h5h5h5"].suffix == "ty"


@pytest.mark.dieu5
def test_a_commune_with_an_approved_suffix_keeps_it(
    draft: WorkingCopy, settled: Callable[[WorkingCopy], Registry]
) -> None:
    request = paper(draft, "kb")
    draft.rename_agency("que.kb", suffix="qe", request=request, done=DONE)
    draft.rename_agency("kb", new_code="tx", suffix="tx", request=request, done=DONE)
    commune = settled(draft).agencies["h5h5h5"]
    assert (commune.code, commune.suffix) == ("que.tx", "qe")


@pytest.mark.dieu5
def test_a_code_is_never_given_twice(draft: WorkingCopy) -> None:
    draft.rename_agency("stp", new_code="stphap", request=REQUEST, done=DONE)
    for code in ("stp", "stphap"):
        edit = lambda code=code: draft.rename_agency("snv", new_code=code, request=REQUEST, done=DONE)  # noqa: E731
        assert refused(edit).clause == "Đ5.1"


@pytest.mark.dieu5
def test_a_refused_renaming_changes_nothing(draft: WorkingCopy) -> None:
    issue(draft, "Snvtg", exact_name=True)
    before = draft.registry()
    assert refused(lambda: draft.rename_agency("snv", new_code="snvtg", request=REQUEST, done=DONE)).clause == "Đ5.2"
    assert draft.registry() == before
    assert draft.agency("snv").id == "m4k7q2"


@pytest.mark.dieu6
def test_a_merger_loses_nothing(draft: WorkingCopy, settled: Callable[[WorkingCopy], Registry], world: World) -> None:
    issue(draft, "Phòng Công chức", "stp", kind="office")
    gone = issue(draft, "Trần Cũ")
    draft.revoke(gone.address, request=REQUEST, done=DONE)
    before = draft.registry()
    draft.merge_agency("snv", into="stp", request=REQUEST, done=DONE)
    read = settled(draft)
    (event,) = read.agencies["m4k7q2"].history
    assert isinstance(event, AgencyMerge) and event.into == "h3h3h3"
    assert (world.folder / "mailboxes/snv.yml").exists()
    assert read.mailboxes.keys() == before.mailboxes.keys()
    issued = {address for mailbox in before.mailboxes.values() for address in mailbox.addresses}
    assert issued <= {address for mailbox in read.mailboxes.values() for address in mailbox.addresses}
    own, office, person = (read.mailboxes[identity] for identity in ("b2b2b2", "c2c2c2", "v2b4n6"))
    assert (own.agency, own.addresses, own.clerks) == ("h3h3h3", ("snv",), ("v2b4n6",))
    assert office.addresses == ("pcc2.stp", "pcc.snv")
    assert person.addresses == ("lean",)
    assert {mailbox.agency for mailbox in (own, office, person)} == {"h3h3h3"}
    assert read.mailboxes[gone.id].agency == "m4k7q2"


@pytest.mark.dieu6
def test_the_operator_chooses_an_offices_address_in_a_merger(
    draft: WorkingCopy, settled: Callable[[WorkingCopy], Registry]
) -> None:
    draft.merge_agency("snv", into="stp", request=REQUEST, done=DONE, offices={"pcc.snv": "pccvc.stp"})
    assert settled(draft).mailboxes["c2c2c2"].addresses == ("pccvc.stp", "pcc.snv")


@pytest.mark.dieu6
@pytest.mark.dieu5
def test_a_code_that_makes_an_offices_address_too_long_is_refused(draft: WorkingCopy) -> None:
    issue(draft, "Phòng Quản lý Đầu tư Xây dựng Hạ tầng Kỹ thuật Đô thị và Nông thôn", kind="office")
    before = draft.registry()
    error = refused(lambda: draft.rename_agency("snv", new_code="a" * 50, request=REQUEST, done=DONE))
    assert "“pqldtxdhtktdtnt.snv” thành địa chỉ dài 66 ký tự" in error.text
    assert draft.registry() == before


@pytest.mark.dieu5
def test_a_number_that_makes_an_offices_address_too_long_refuses_the_merger(draft: WorkingCopy) -> None:
    draft.rename_agency("stp", new_code="a" * 50, request=REQUEST, done=DONE)
    for agency in ("snv", "a" * 50):  # 64 octets at the heir, 65 with a number
        issue(draft, "Phòng Quản lý Đầu tư Xây dựng Hạ tầng Kỹ thuật Đô thị", agency, kind="office")
    before = draft.registry()
    error = refused(lambda: draft.merge_agency("snv", into="a" * 50, request=REQUEST, done=DONE))
    assert "thành địa chỉ dài 65 ký tự" in error.text
    assert draft.registry() == before


def test_an_office_of_another_agency_is_no_part_of_a_merger(draft: WorkingCopy) -> None:
    before = draft.registry()
    edit = lambda: draft.merge_agency(  # noqa: E731
        "snv", into="stp", request=REQUEST, done=DONE, offices={"ubndkb": "x.stp"}
    )
    assert "ubndkb" in refused(edit).text
    assert draft.registry() == before


@pytest.mark.dieu6
def test_a_merged_agency_takes_part_in_nothing_more(draft: WorkingCopy) -> None:
    draft.merge_agency("snv", into="stp", request=REQUEST, done=DONE)
    for edit in (
        lambda: issue(draft, "Trần Bình"),
        lambda: draft.merge_agency("kb", into="snv", request=REQUEST, done=DONE),
        lambda: draft.merge_agency("stp", into="stp", request=REQUEST, done=DONE),
        lambda: draft.rename_agency("snv", new_code="x", request=REQUEST, done=DONE),
    ):
        assert refused(edit).clause == "Đ6.1"


@pytest.mark.dieu6
def test_merged_agencies_can_merge_and_be_renamed_again(
    draft: WorkingCopy, settled: Callable[[WorkingCopy], Registry]
) -> None:
    draft.merge_agency("snv", into="stp", request=REQUEST, done=DONE)
    draft.merge_agency("stp", into="thptbienhoa", request=REQUEST, done=DONE)
    draft.rename_agency("thptbienhoa", new_code="thptbh", request=paper(draft, "thptbienhoa"), done=DONE)
    read = settled(draft)
    assert read.mailboxes["b6b6b6"].addresses == ("thptbh", "thptbienhoa")
    assert read.mailboxes["b2b2b2"].addresses == ("snv",)
    assert read.mailboxes["c2c2c2"].addresses == ("pcc.thptbh", "pcc.snv", "pcc.stp", "pcc.thptbienhoa")


@pytest.mark.dieu6
def test_merging_districts_gives_their_communes_the_new_code(
    draft: WorkingCopy, settled: Callable[[WorkingCopy], Registry]
) -> None:
    request = paper(draft, document="5/VP")
    draft.add_agency(kind="district", name="huyện Hải Hậu", request=request, done=DONE)
    draft.merge_agency("kb", into="hh", request=paper(draft, "kb"), done=DONE)
    assert draft.agency("que.hh").suffixes == ("hh", "kb")
    read = settled(draft)
    assert read.agencies["h5h5h5"].code == "que.hh"
    assert read.mailboxes["b5b5b5"].addresses == ("ubndque.hh", "ubndque.kb")
