"""The rules between the registry's entries: what life brings passes, what cannot be is named with its clause."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from tests.unit.registry_world import FILES, ISSUED, World

from hanam_mail.registry import entries, loading
from hanam_mail.registry.model import AgencyEvent, Cause, Event, Move, Rename
from hanam_mail.registry.writing import canonical

RENAME = "event: rename, request: 2024-0002, done: 2024-03-01"
TRANSFER = "event: transfer, request: 2024-0002, done: 2024-03-01"
MERGE = "event: merge, request: 2024-0002, done: 2024-03-01"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def aliases(world: World, identity: str, *entries: str) -> None:
    lines = "".join(f"      - {{{entry}}}\n" for entry in entries)
    file = next(name for name, text in world.files.items() if f"- id: {identity}\n" in text)
    before, start, after = world.files[file].partition(f"- id: {identity}\n")
    entry, history, rest = after.partition("    history:\n")
    world.files[file] = before + start + entry + f"    aliases:\n{lines}" + history + rest


def move_office_to_stp(world: World, *events: str) -> None:
    """Take the office out of snv.yml and put it, with these events after its issue, into stp.yml."""
    text = world.files["snv.yml"]
    start, end = text.index("  - id: c2c2c2"), text.index("  - id: v2b4n6")
    world.files["snv.yml"] = text[:start] + text[end:]
    world.files["stp.yml"] += text[start:end]
    world.happen("c2c2c2", events)


def merge_snv_into_stp(world: World) -> None:
    head, _, mailboxes = world.files["snv.yml"].partition("mailboxes:\n")
    world.files["snv.yml"] = f"{head}  history:\n    - {{{MERGE}, into: h3h3h3}}\nmailboxes: []\n"
    world.files["stp.yml"] += mailboxes
    for identity in ("b2b2b2", "c2c2c2", "v2b4n6"):
        world.happen(identity, [f"{MERGE}, from: m4k7q2"])


def test_the_world_is_right(world: World) -> None:
    assert world.problems() == []


# --- agencies ---


@pytest.mark.dieu5
def test_a_unit_without_a_rule_has_its_approved_code_for_address(world: World) -> None:
    world.replace("thptbienhoa.yml", "address: thptbienhoa", "address: ubndthptbienhoa")
    problem = world.only_problem()
    assert (problem.field, problem.clause) == ("address", "Đ5.1")
    assert "“thptbienhoa”" in problem.text


def test_an_agency_tells_whether_it_has_document_software_dieu11_2(world: World) -> None:
    world.replace("snv.yml", "  suffix: nv\n", "  suffix: nv\n  document_system: true\n")
    document = loading.desired_state(world.load())
    assert {agency["code"] for agency in document["agencies"] if agency["document_system"]} == {"snv"}


GROUND = "Luật Bảo vệ bí mật nhà nước, văn bản 7/CAT-PA03"


@pytest.mark.dieu11
def test_an_agency_and_a_mailbox_may_be_withheld_by_a_ground_that_stands_there(world: World) -> None:
    world.replace("snv.yml", "  suffix: nv\n", f"  suffix: nv\n  withheld: {GROUND}\n")
    world.replace("snv.yml", "    address: lean\n", f"    withheld: {GROUND}\n    address: lean\n")
    read = world.load()
    document = loading.desired_state(read)
    for kind, of in (("agencies", "code"), ("mailboxes", "address")):
        said = {entry[of]: entry["withheld"] for entry in document[kind] if entry["withheld"]}
        assert said == {"snv" if kind == "agencies" else "lean": GROUND}
    # It is written as it was read.
    assert world.problems() == []


@pytest.mark.dieu11
@pytest.mark.parametrize("ground", ['"a  b"', "x" * 201, '"a\\tb"', '"\\u202Ea"'])
def test_a_ground_is_a_line_of_text(world: World, ground: str) -> None:
    world.replace("snv.yml", "  suffix: nv\n", f"  suffix: nv\n  withheld: {ground}\n")
    assert world.only_problem().field == "withheld"


@pytest.mark.parametrize(
    ("address", "written", "phone"),
    [
        ("lean", "0226 3850 123 máy lẻ 12", "0226 3850 123 máy lẻ 12"),
        ("snv", "(0226) 3.850.123", "(0226) 3.850.123"),
        ("pcc.snv", '"0123456701"', "0123456701"),  # to YAML it would be an octal number
    ],
)
def test_people_offices_and_agencies_may_have_a_telephone(world: World, address: str, written: str, phone: str) -> None:
    world.replace("snv.yml", f"    address: {address}\n", f"    phone: {written}\n    address: {address}\n")
    read, folder = world.load(), world.folder / "mailboxes"
    state = loading.desired_state(read)
    assert {entry["address"]: entry["phone"] for entry in state["mailboxes"] if entry["phone"]} == {address: phone}
    assert f"    phone: {written}\n    address: {address}\n" in canonical.texts(read, folder)[folder / "snv.yml"]


def test_what_is_no_telephone_is_named_with_the_rule(world: World) -> None:
    world.replace("snv.yml", "    address: lean\n", "    phone: 912345678\n    address: lean\n")
    problem = world.only_problem()
    assert (Path(problem.file).name, problem.field) == ("snv.yml", "phone")
    assert problem.text == f"“912345678” không hợp lệ: {entries.PHONE_HINT}"


@pytest.mark.dieu14
def test_a_guest_has_no_telephone_in_the_registry(world: World) -> None:
    world.replace("snv.yml", "    kind: person\n", "    kind: guest\n    phone: 0226 3850 123\n")
    assert ("phone", "không ghi cho hộp thư bên ngoài") in {(each.field, each.text) for each in world.problems()}


@pytest.mark.dieu14
def test_a_guest_is_published_nowhere_and_need_not_be_withheld(world: World) -> None:
    world.replace("snv.yml", "    kind: person\n", f"    kind: guest\n    withheld: {GROUND}\n")
    assert ("withheld", "Đ11.5") in {(problem.field, problem.clause) for problem in world.problems()}


@pytest.mark.dieu5
def test_suffixes_may_be_shared(world: World) -> None:
    world.replace("stp.yml", "suffix: tp", "suffix: nv")
    assert world.problems() == []


@pytest.mark.dieu6
def test_a_renamed_agency_keeps_its_former_address_as_alias(world: World) -> None:
    world.replace("snv.yml", "name: Sở Nội vụ", "name: Sở Nội vụ và Lao động")
    world.replace("snv.yml", "code: snv", "code: snvld")
    world.replace("snv.yml", "address: snv", "address: snvld")
    world.happen_to_agency("snv.yml", f"{RENAME}, was_name: Sở Nội vụ, was_code: snv")
    aliases(world, "b2b2b2", "address: snv, from: 2024-03-01, until: 2025-03-01")
    world.happen("b2b2b2", [f"{RENAME}, was: snv"])
    world.files["snvld.yml"] = world.files.pop("snv.yml")
    read = world.load()
    assert read.mailboxes["b2b2b2"].addresses == ("snvld", "snv")
    assert read.agencies["m4k7q2"].codes == ("snvld", "snv")


@pytest.mark.dieu5
def test_a_renamed_agency_that_forgets_its_former_address_is_refused(world: World) -> None:
    world.replace("snv.yml", "code: snv", "code: snvld")
    world.replace("snv.yml", "address: snv", "address: snvld")
    world.happen_to_agency("snv.yml", f"{RENAME}, was_code: snv")
    world.files["snvld.yml"] = world.files.pop("snv.yml")
    assert "“snv” của cơ quan phải giữ làm bí danh" in world.only_problem().text


@pytest.mark.dieu5
def test_a_former_code_is_never_given_to_another_agency(world: World) -> None:
    world.happen_to_agency("stp.yml", f"{RENAME.replace('0002', '0007')}, was_code: snv")
    texts = [problem.text for problem in world.problems()]
    assert any("mã cơ quan “snv” đã có ở" in text for text in texts)


@pytest.mark.dieu6
@pytest.mark.parametrize(
    ("events", "field", "words"),
    [
        ([RENAME], "event", "phải ghi tên cũ"),
        ([f"{RENAME}, was_name: Sở Nội vụ"], "was_name", "trùng với tên mới"),
        ([f"{RENAME}, was_code: snv"], "was_code", "trùng với mã mới"),
        ([f"{RENAME}, was_suffix: nv"], "was_suffix", "trùng với hậu tố mới"),
        ([f"{RENAME}, was_document_system: false"], "was_document_system", "như nhau"),
        ([f"{RENAME}, was_document_system: maybe"], "was_document_system", "true hoặc false"),
        ([f"{RENAME.replace('2024-03', '2027-03')}, was_name: Sở A"], "done", "tương lai"),
        ([f"{RENAME.replace('0002', '0001')}, was_name: Sở A"], "request", "asks phải có change"),
        (
            [f"{RENAME}, was_name: Sở A", f"{RENAME.replace('03-01', '02-01')}, was_name: Sở B"],
            "done",
            "trước sự kiện liền trên",
        ),
        ([f"{RENAME}, was_name: Sở A, into: h3h3h3"], "into", "không có trường nào"),
        (["event: issue, request: 2024-0001, done: 2024-03-01"], "event", "không có sự kiện “issue”"),
        ([f"{MERGE}, into: z9z9z9"], "into", "không có cơ quan nào"),
        ([f"{MERGE}, into: m4k7q2"], "into", "vào chính mình"),
        ([f"{MERGE}, into: h3h3h3", f"{RENAME}, was_name: Sở A"], "event", "sau khi sáp nhập"),
    ],
)
def test_an_impossible_history_of_an_agency_is_refused(world: World, events: list[str], field: str, words: str) -> None:
    world.happen_to_agency("snv.yml", *events)
    assert any(problem.field == field and words in problem.text for problem in world.problems())


@pytest.mark.dieu6
def test_a_merged_agency_leaves_all_its_mailboxes_to_the_other_and_nothing_is_lost(world: World) -> None:
    merge_snv_into_stp(world)
    read = world.load()
    assert {read.mailboxes[identity].agency for identity in ("b2b2b2", "c2c2c2", "v2b4n6")} == {"h3h3h3"}
    assert read.mailboxes["b2b2b2"].address == "snv"
    assert read.agencies["m4k7q2"].merged_into == "h3h3h3"


@pytest.mark.dieu6
def test_a_merged_agency_with_a_mailbox_left_is_refused(world: World) -> None:
    world.happen_to_agency("snv.yml", f"{MERGE}, into: h3h3h3")
    assert {problem.clause for problem in world.problems()} == {"Đ6.2a"}
    assert len(world.problems()) == 3


@pytest.mark.dieu6
def test_two_agencies_cannot_go_up_in_each_other(world: World) -> None:
    world.happen_to_agency("snv.yml", f"{MERGE}, into: h3h3h3")
    world.happen_to_agency("stp.yml", f"{MERGE}, into: m4k7q2")
    assert sum("vào chính mình" in problem.text for problem in world.problems()) == 2


@pytest.mark.dieu6
def test_an_agency_cannot_go_up_in_one_that_is_gone(world: World) -> None:
    world.happen_to_agency("stp.yml", f"{MERGE.replace('03-01', '02-20')}, into: h4h4h4")
    world.happen_to_agency("snv.yml", f"{MERGE}, into: h3h3h3")
    assert any("đã sáp nhập vào cơ quan khác từ ngày 2024-02-20" in problem.text for problem in world.problems())


def test_an_agency_that_stands_has_mailboxes(world: World) -> None:
    head = world.files["stp.yml"].partition("mailboxes:\n")[0]
    world.files["stp.yml"] = head + "mailboxes: []\n"
    assert (world.only_problem().field, world.only_problem().text) == ("mailboxes", "danh sách trống")


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n"])
@pytest.mark.parametrize("file", ["snv.yml", "zzz.yml", "requests/2024.yml"])
def test_an_empty_file_is_a_fault_and_no_registry_without_its_entries(world: World, file: str, text: str) -> None:
    world.files[file] = text
    assert any(problem.file.endswith(file) for problem in world.problems())


# --- forms of people's addresses ---


def second(
    world: World, file: str, address: str, *, identity: str = "v3b4n6", name: str = "Lê An", issued: str = ISSUED
) -> None:
    """Add a person at the end of an agency's file; a name too long for one was seen on the papers."""
    exact = "    exact_name: true\n" if len(name) > 64 else ""
    world.files[file] += (
        f"  - id: {identity}\n    kind: person\n    name: {name}\n{exact}    address: {address}\n"
        f"    history:\n      - {{{issued}}}\n"
    )


@pytest.mark.dieu5
@pytest.mark.parametrize("address", ["lean.tp", "lean.binhluc", "lean.daklak", "lean.1985", "lean.02031985", "lean.2"])
def test_a_namesake_has_what_the_rule_could_have_given(world: World, address: str) -> None:
    second(world, "stp.yml", address)
    assert world.problems() == []


@pytest.mark.dieu5
@pytest.mark.parametrize(
    "address",
    ["lean.hacker", "lean.nv", "lean.kb", "lean.0", "lean.1", "lean.02", "lean.1000", "lean.1785", "lean.31021985"],
)
def test_a_namesake_has_nothing_else(world: World, address: str) -> None:
    second(world, "stp.yml", address)
    problem = world.only_problem()
    assert (problem.field, problem.clause) == ("address", "Đ5.2")
    assert "“lean”" in problem.text


@pytest.mark.dieu5
def test_namesakes_of_one_agency_never_have_its_suffix(world: World) -> None:
    second(world, "snv.yml", "lean.nv")
    problem = world.only_problem()
    assert problem.clause == "Đ5.2c"
    assert "“lean”" in problem.text
    world.replace("snv.yml", "address: lean.nv", "address: lean.phuly")
    assert world.problems() == []


@pytest.mark.dieu5
def test_whoever_has_the_suffix_keeps_it_beside_a_later_namesake(world: World) -> None:
    second(world, "stp.yml", "lean.tp")
    second(world, "stp.yml", "lean.phuly", identity="v4b4n6")
    assert world.problems() == []


@pytest.mark.dieu5
@pytest.mark.parametrize(("back", "problems"), [("2024-03-01", 0), ("2024-02-29", 1)])
def test_whoever_takes_the_name_back_on_the_day_of_anothers_issue_may_have_come_after(
    world: World, back: str, problems: int
) -> None:
    world.happen(
        "v2b4n6",
        [
            f"{RENAME.replace('03-01', '02-20')}, was: lean, was_name: Lê An",
            f"{RENAME.replace('2024-03-01', back)}, was: tranbinh, was_name: Trần Bình",
        ],
    )
    aliases(world, "v2b4n6", "address: tranbinh")
    second(world, "snv.yml", "lean.nv", issued=ISSUED.replace("02-01", "03-01"))
    assert [problem.clause for problem in world.problems()] == ["Đ5.2c"] * problems


@pytest.mark.dieu5
@pytest.mark.dieu6
def test_a_suffix_of_a_former_agency_stays_after_a_transfer_beside_a_namesake_there(world: World) -> None:
    second(world, "snv.yml", "lean.tp")
    world.happen("v3b4n6", [f"{TRANSFER}, from: h3h3h3"])
    assert world.problems() == []


@pytest.mark.dieu5
@pytest.mark.dieu6
def test_a_former_suffix_of_the_agency_stays(world: World) -> None:
    second(world, "stp.yml", "lean.tp")
    world.replace("stp.yml", "suffix: tp", "suffix: tu")
    assert [problem.clause for problem in world.problems()] == ["Đ5.2"]
    world.happen_to_agency("stp.yml", f"{RENAME.replace('0002', '0007')}, was_suffix: tp")
    assert world.problems() == []


@pytest.mark.dieu5
def test_a_name_too_long_has_a_short_form_that_is_its_own(world: World) -> None:
    name = "Nguyễn Phương Thảo Trường Khương Nghiêm Thượng Quỳnh Hương Trương Nhường Nghiêng"
    for address in ("nguyenpttknghiemtqhtnghieng", "nguyennghieng", "nguyenphuongthaonghieng"):
        world.files = dict(FILES)
        second(world, "stp.yml", address, name=name)
        assert world.problems() == []
    for address in ("nguyenphuong", "nguyenthaophuongnghieng", "phuongnghieng", "nguyenxnghieng"):
        world.files = dict(FILES)
        second(world, "stp.yml", address, name=name)
        problem = world.only_problem()
        assert problem.field == "name" and "--address" in problem.text
    world.files = dict(FILES)
    second(world, "stp.yml", "lnga", name="Lê Thị Nga")
    assert world.only_problem().clause == "Đ5.2"


# --- changes of name, address, agency ---


@pytest.mark.dieu6
def test_a_person_with_a_new_name_keeps_the_address_or_gets_one_by_the_new_name(world: World) -> None:
    world.replace("snv.yml", "name: Lê An\n", "name: Lê Thị An\n")
    world.happen("v2b4n6", [f"{RENAME}, was_name: Lê An"])
    assert world.problems() == []
    world.replace("snv.yml", "address: lean\n", "address: lethian\n")
    world.replace("snv.yml", "was_name: Lê An}", "was: lean, was_name: Lê An}")
    aliases(world, "v2b4n6", "address: lean")
    read = world.load()
    assert read.mailboxes["v2b4n6"].history[-1] == Rename(
        "2024-0002", read.mailboxes["v2b4n6"].history[-1].done, "lean", "Lê An", read.mailboxes["v2b4n6"].source
    )


@pytest.mark.dieu5
def test_a_former_address_that_is_no_alias_any_more_is_refused(world: World) -> None:
    world.happen("v2b4n6", [f"{RENAME}, was: lean.nv"])
    problem = world.only_problem()
    assert (problem.field, problem.clause) == ("was", "Đ5.2")
    assert "“lean.nv” phải giữ làm bí danh" in problem.text


@pytest.mark.dieu5
def test_a_former_address_may_be_taken_back_by_its_owner(world: World) -> None:
    aliases(world, "v2b4n6", "address: lean.nv")
    world.happen("v2b4n6", [f"{RENAME}, was: lean", f"{RENAME}, was: lean.nv"])
    assert world.problems() == []


@pytest.mark.dieu6
@pytest.mark.parametrize(
    ("event", "field", "words"),
    [
        (RENAME, "event", "phải ghi địa chỉ cũ"),
        (f"{RENAME}, was: lean", "was", "trùng với địa chỉ mới"),
        (f"{RENAME}, was_name: Lê An", "was_name", "trùng với tên mới"),
        (f"{TRANSFER}, from: m4k7q2", "from", "từ một cơ quan khác"),
        (f"{TRANSFER}, from: z9z9z9", "from", "không có cơ quan nào"),
        (TRANSFER, "from", "thiếu"),
        (f"{MERGE}, from: h3h3h3", "from", "không ghi đã sáp nhập"),
    ],
)
def test_an_impossible_change_is_refused(world: World, event: str, field: str, words: str) -> None:
    world.happen("v2b4n6", [event])
    problem = world.only_problem()
    assert problem.field == field
    assert words in problem.text


@pytest.mark.dieu6
def test_a_transferred_mailbox_keeps_id_and_address(world: World) -> None:
    move_office_to_stp(world, f"{TRANSFER}, from: m4k7q2")
    mailbox = world.load().mailboxes["c2c2c2"]
    (event,) = [event for event in mailbox.history if isinstance(event, Move)]
    assert (mailbox.agency, mailbox.address, mailbox.origins) == ("h3h3h3", "pcc.snv", ("m4k7q2",))
    assert (event.cause, event.was) == (Cause.TRANSFER, None)


@pytest.mark.dieu6
def test_a_transferred_mailbox_may_get_a_new_address_and_keeps_the_old_one(world: World) -> None:
    move_office_to_stp(world, f"{TRANSFER}, from: m4k7q2, was: pcc.snv")
    world.replace("stp.yml", "address: pcc.snv\n", "address: pcc.stp\n")
    aliases(world, "c2c2c2", "address: pcc.snv, from: 2024-03-01, until: 2025-03-01")
    document = loading.desired_state(world.load())
    box = next(box for box in document["mailboxes"] if box["id"] == "c2c2c2")
    assert box["aliases"] == [{"address": "pcc.snv", "from": "2024-03-01", "until": "2025-03-01"}]
    assert box["document"]["event"] == "issue"


@pytest.mark.dieu6
def test_an_agencys_own_mailbox_is_never_transferred(world: World) -> None:
    world.happen("b3b3b3", [f"{TRANSFER.replace('0002', '0007')}, from: m4k7q2"])
    assert "chỉ sang cơ quan khác khi sáp nhập" in world.only_problem().text


@pytest.mark.dieu9
def test_a_clerk_who_left_the_agency_is_no_clerk_of_it_any_more(world: World) -> None:
    text = world.files["snv.yml"]
    start = text.index("  - id: v2b4n6")
    world.files["snv.yml"], world.files["stp.yml"] = text[:start], world.files["stp.yml"] + text[start:]
    world.happen("v2b4n6", [f"{TRANSFER}, from: m4k7q2"])
    assert (world.only_problem().field, world.only_problem().clause) == ("clerks", "Đ9.2")


@pytest.mark.dieu9
def test_a_clerk_named_twice_is_refused(world: World) -> None:
    world.replace("snv.yml", "clerks: [v2b4n6]", "clerks: [v2b4n6, v2b4n6]")
    assert "ghi hai lần" in world.only_problem().text


@pytest.mark.dieu5
@pytest.mark.parametrize("address", ["lean", "LEAN", "pcc.snv", "stp"])
def test_an_alias_never_takes_what_belongs_to_another(world: World, address: str) -> None:
    aliases(world, "b4b4b4", f"address: {address}")
    assert any("đã có ở" in problem.text and problem.clause == "Đ5" for problem in world.problems())


@pytest.mark.dieu4
@pytest.mark.parametrize("address", ["an@ngoai.example", "an@hanam.gov.vn", "|/bin/sh", "/root/x", ":include:/x"])
def test_an_alias_is_a_name_of_its_mailbox_and_leads_nowhere(world: World, address: str) -> None:
    aliases(world, "b4b4b4", f"address: '{address}'")
    assert (world.only_problem().field, world.only_problem().clause) == ("address", "Đ5")


@pytest.mark.dieu5
def test_the_address_of_a_closed_mailbox_stays_taken(world: World) -> None:
    world.replace("snv.yml", "    clerks: [v2b4n6]\n", "")
    world.happen("v2b4n6", ["event: revoke, request: 2024-0006, done: 2024-03-01"])
    aliases(world, "b3b3b3", "address: lean")
    assert "địa chỉ “lean” đã có ở" in world.only_problem().text


def test_an_alias_that_ends_before_it_begins_is_refused(world: World) -> None:
    aliases(world, "v2b4n6", "address: lean.nv, from: 2025-03-01, until: 2024-03-01")
    assert (world.only_problem().field, "trước ngày bắt đầu" in world.only_problem().text) == ("until", True)


# --- the history of a mailbox ---


@pytest.mark.dieu6
def test_a_notified_absence_leaves_the_state_and_reaches_the_accounts_host(world: World) -> None:
    world.happen("v2b4n6", ["event: absence, request: 2024-0004, done: 2024-03-01, from: 2024-03-01, to: 2027-06-30"])
    document = loading.desired_state(world.load())
    box = next(box for box in document["mailboxes"] if box["id"] == "v2b4n6")
    assert box["absences"] == [{"from": "2024-03-01", "to": "2027-06-30", "request": "2024-0004"}]
    assert box["state"] == "active"


@pytest.mark.dieu8
def test_the_last_change_of_the_quota_says_whether_it_may_shrink(world: World) -> None:
    quota = "event: quota, request: 2024-0002, done: 2024-03-01, quota: "
    world.happen("v2b4n6", [f"{quota}4GB", f"{quota}3GB, shrink: true"])
    document = loading.desired_state(world.load())
    assert {box["id"] for box in document["mailboxes"] if box["shrink"]} == {"v2b4n6"}


@pytest.mark.dieu8
def test_a_document_that_made_a_quota_smaller_says_nothing_of_a_later_lower_default(world: World) -> None:
    world.happen("v2b4n6", ["event: quota, request: 2024-0002, done: 2024-03-01, quota: 3GB, shrink: true"])
    read = world.load()
    default = replace(read.regulation, quota_personal_default_bytes=4 * 1024**3)
    document = loading.desired_state(replace(read, regulation=default))
    assert not any(box["shrink"] for box in document["mailboxes"])


@pytest.mark.dieu6
@pytest.mark.parametrize(
    ("event", "field", "words"),
    [
        ("event: absence, request: 2024-0004, done: 2024-03-01, from: 2024-04-01, to: 2024-03-31", "to", "trước ngày"),
        ("event: absence, request: 2024-0004, done: 2024-03-01, from: 2023-01-01, to: 2023-02-01", "to", "ngày cấp"),
        ("event: absence, request: 2024-0004, done: 2024-03-01, from: 2024-03-01", "to", "thiếu"),
        ("event: absence, done: 2024-03-01, from: 2024-03-01, to: 2024-03-31", "request", "thiếu"),
        ("event: restore, request: 2024-0005, done: 2024-03-01", "verified", "thiếu"),
        ("event: issue, request: 2024-0001, done: 2024-03-01", "event", "một lần"),
        ("event: revoke, request: 2024-0006, done: 2024-01-20", "done", "trước sự kiện liền trên"),
        ("event: revoke, request: 2024-0006, done: 2026-11-26", "done", "tương lai"),
        ("event: lock, request: 2024-0003, done: 20240301, reason: idle", "done", "YYYY-MM-DD"),
        ("event: quota, request: 2024-0002, done: 2024-03-01, quota: 99999999TB", "quota", "không hợp lệ"),
    ],
)
def test_an_impossible_event_is_refused(world: World, event: str, field: str, words: str) -> None:
    world.happen("c2c2c2", [event])
    problem = world.only_problem()
    assert problem.field == field
    assert words in problem.text


@pytest.mark.dieu6
def test_two_absences_that_begin_on_one_day_are_refused(world: World) -> None:
    """The accounts know an absence by its mailbox and first day; which is right, only the agency can tell."""
    absence = "event: absence, request: 2024-0004, done: 2024-03-01, from: 2024-04-01, to: 2024-0"
    world.happen("c2c2c2", [absence + "4-30", absence + "5-31"])
    problem = world.only_problem()
    assert (problem.field, problem.clause) == ("from", "Đ6.2c")
    assert "2024-04-01" in problem.text


@pytest.mark.parametrize("hidden", ["\\0", "\\x07", "\\u200b", "\\u202e", "\\t"])
@pytest.mark.parametrize("field", ["document", "ground"])
def test_a_text_with_a_hidden_character_is_refused_at_its_line(world: World, field: str, hidden: str) -> None:
    """A NUL no jsonb can hold; one that cannot be seen makes two numbers of what looks like one."""
    text = world.files["requests/2024.yml"]
    place = text.index(f"  {field}: ")
    end = text.index("\n", place)
    world.files["requests/2024.yml"] = f'{text[:place]}  {field}: "1/VB{hidden}."{text[end:]}'
    problem = world.only_problem()
    assert (problem.field, problem.line) == (field, text[:place].count("\n") + 1)
    assert "ký tự ẩn U+" in problem.text


@pytest.mark.dieu7
def test_dieu7_3_one_request_lifts_a_lock_once(world: World) -> None:
    restore = "event: restore, request: 2024-0005, done: 2024-03-01, verified: Trần Bình"
    world.happen("v2b4n6", [restore, restore])
    assert (world.only_problem().field, world.only_problem().clause) == ("request", "Đ7.3")


# --- requests ---


@pytest.mark.dieu6
@pytest.mark.parametrize(
    "event",
    [
        "event: quota, request: 2024-0001, done: 2024-03-01, quota: 12GB",
        "event: rename, request: 2024-0001, done: 2024-03-01, was_name: Phòng A",
        "event: lock, request: 2024-0001, done: 2024-03-01, reason: idle",
        "event: absence, request: 2024-0001, done: 2024-03-01, from: 2024-03-01, to: 2024-03-31",
        "event: restore, request: 2024-0001, done: 2024-03-01, verified: Trần Bình",
        "event: revoke, request: 2024-0001, done: 2024-03-01",
        "event: revoke, request: 2024-0009, done: 2024-03-01",
    ],
)
def test_dieu6_2_a_request_bears_only_what_it_asked_for(world: World, event: str) -> None:
    world.happen("c2c2c2", [event])
    problem = world.only_problem()
    assert (problem.field, problem.clause) == ("request", "Đ6.2b")
    assert "asks phải có" in problem.text


@pytest.mark.dieu6
@pytest.mark.parametrize(
    ("old", "new", "field", "words"),
    [
        ("  agency: h3h3h3\n", "  agency: z9z9z9\n", "agency", "không có cơ quan nào"),
        ("  agency: h3h3h3\n", "", "agency", "thiếu"),
        ("[change, revoke]", "[]", "asks", "danh sách trống"),
        ("[change, revoke]", "[change, change]", "asks", "ghi hai lần"),
        ("[change, revoke]", "[changes]", "asks", "không có giá trị “changes”"),
        ("[change, revoke]", "[[change]]", "asks", "danh sách các giá trị"),
    ],
)
def test_a_request_tells_who_asks_for_what(world: World, old: str, new: str, field: str, words: str) -> None:
    world.replace("requests/2024.yml", old, new)
    problem = world.only_problem()
    assert problem.field == field
    assert words in problem.text


@pytest.mark.dieu6
def test_a_refusal_names_its_document(world: World) -> None:
    answer = "result: done\n  reply: {document: 9/STTTT-CNTT, date: 2024-01-18}"
    world.replace("requests/2024.yml", answer, "result: refused\n  reply: {date: 2024-01-18}")
    problem = world.only_problem()
    assert (problem.field, problem.clause) == ("reply", "Đ6.2b")
    assert problem.text == "từ chối thì phải ghi số văn bản trả lời (document)"


@pytest.mark.dieu6
def test_the_number_of_what_was_granted_may_come_later(world: World) -> None:
    world.replace("requests/2024.yml", "reply: {document: 9/STTTT-CNTT, date:", "reply: {date:")
    assert world.problems() == []


@pytest.mark.dieu6
def test_a_request_of_an_agency_that_has_nothing_to_do_with_the_mailbox_is_refused(world: World) -> None:
    world.operator = "h6h6h6"
    world.files["requests/2024.yml"] = world.files["requests/2024.yml"].replace("agency: m4k7q2", "agency: h6h6h6")
    world.happen("c2c2c2", ["event: revoke, request: 2024-0007, done: 2024-03-01"])
    problem = world.only_problem()
    assert (problem.field, problem.clause) == ("request", "Đ6.2a")
    assert "là của “Sở Tư pháp”" in problem.text


@pytest.mark.dieu6
def test_who_asks_is_not_judged_while_no_operator_is_named(world: World) -> None:
    world.happen("c2c2c2", ["event: revoke, request: 2024-0007, done: 2024-03-01"])
    assert world.problems() == []


@pytest.mark.dieu6
def test_the_operator_a_former_agency_and_the_district_may_ask(world: World) -> None:
    world.operator = "m4k7q2"  # whose requests issue everything, but the commune's mailbox: its district's does
    move_office_to_stp(
        world,
        "event: transfer, request: 2024-0007, done: 2024-03-01, from: m4k7q2",
        "event: revoke, request: 2024-0007, done: 2024-03-02",
    )
    assert world.problems() == []


# --- written and read ---


def test_every_kind_of_event_is_written_as_it_was_read(world: World) -> None:
    merge_snv_into_stp(world)
    world.happen_to_agency("ubndkb.yml", f"{RENAME}, was_name: Ủy ban nhân dân huyện Kim Bảng cũ")
    world.happen(
        "b6b6b6",
        [
            "event: quota, request: 2024-0002, done: 2024-03-01, quota: 12GB, shrink: true",
            "event: lock, done: 2024-03-02, reason: idle",
            "event: absence, request: 2024-0004, done: 2024-03-03, from: 2024-03-01, to: 2024-09-01",
            "event: restore, request: 2024-0005, done: 2024-03-04, verified: Trần Bình",
            "event: rename, request: 2024-0002, done: 2024-03-05, was: bienhoa",
            "event: clerks, request: 2024-0002, done: 2024-03-05, was: [v2b4n6]",
            "event: revoke, request: 2024-0006, done: 2024-03-06",
        ],
    )
    aliases(world, "b6b6b6", "address: bienhoa, from: 2024-03-05, until: 2025-03-05")
    read = world.load()
    happened = {type(event) for box in read.mailboxes.values() for event in box.history}
    changed = {type(event) for agency in read.agencies.values() for event in agency.history}
    assert happened == set(get_args(Event.__value__))
    assert changed == set(get_args(AgencyEvent.__value__))
    for file, canonical_text in canonical.texts(read, world.folder / "mailboxes").items():
        world.files[str(file.relative_to(world.folder / "mailboxes"))] = canonical_text
    assert world.load() == read
