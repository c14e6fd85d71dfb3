"""What an operator or a reviewer reads of a plan."""

from dataclasses import replace
from datetime import date

import pytest
from tests.unit.plan.test_compare import accounts, entry, plan

from hanam_mail import vietnamese
from hanam_mail.plan import wording
from hanam_mail.plan.accounts import RestoreByCommand, RuntimeLock


def told(*pair: object, **options: object) -> str:
    return "\n".join(wording.lines(plan(*pair, **options)))  # type: ignore[arg-type]


LAST = {"event": "quota", "done": "2026-11-20", "request": "2026-0007", "number": "31/SYT-VP", "dated": "2026-11-18"}


def test_nothing_to_do_is_said() -> None:
    both = accounts(entry())
    assert wording.lines(plan(both, both)) == ["Không có thay đổi."]


def test_counts_come_first_and_ids_last() -> None:
    lines = wording.lines(plan(accounts(), accounts(entry(), entry("t5v9c2", name="Lê Văn Bình"))))
    assert lines[:2] == ["Cơ quan mới: 1", "Cấp mới: 2"]
    assert lines[-1] == (
        "  + Nguyễn Thị Hà <ha.p3x8d1@hanam.gov.vn>, cá nhân, Sở Y tế, 2 GB; "
        "văn bản 12/SYT-VP ngày 23/06/2023 (2023-0004) [p3x8d1]"
    )


@pytest.mark.dieu8
def test_a_quota_is_told_in_gigabytes_with_the_document_that_decided_it() -> None:
    text = told(accounts(entry()), accounts(entry(quota_bytes=4 * 2**30, last=LAST)))
    assert "Dung lượng: 2 GB -> 4 GB" in text
    assert "văn bản 31/SYT-VP ngày 18/11/2026 (2026-0007)" in text


@pytest.mark.dieu7
def test_a_lock_names_its_point() -> None:
    locked = entry(state="locked", document={"event": "lock", "reason": "forbidden_use", "number": None})
    text = told(accounts(entry()), accounts(locked))
    assert "Tạm khóa (1):" in text
    assert "điểm c: dùng vào việc bị cấm; không có văn bản [p3x8d1]" in text


def test_a_new_name_and_address_are_told_field_by_field() -> None:
    have = accounts(entry(address="cu"))
    moi = entry(
        address="moi", name="Nguyễn Hà", aliases=[{"address": "cu", "from": "2026-11-25", "until": "2027-11-25"}]
    )
    lines = wording.lines(plan(have, accounts(moi)))
    assert [line.strip() for line in lines[-3:]] == [
        "Tên: Nguyễn Thị Hà -> Nguyễn Hà",
        "Địa chỉ chính: cu -> moi",
        "Địa chỉ phụ: thêm cu từ 25/11/2026 đến hết 25/11/2027",
    ]


def test_clerks_are_named_not_numbered() -> None:
    box, person = entry("t5v9c2", kind="agency", clerks=[]), entry()
    text = told(accounts(box, person), accounts({**box, "clerks": ["p3x8d1"]}, person))
    assert "Văn thư: thêm Nguyễn Thị Hà <ha.p3x8d1@hanam.gov.vn>" in text


@pytest.mark.dieu6
def test_an_absence_is_told_with_its_days() -> None:
    away = entry(absences=[{"from": "2024-01-01", "to": "2024-06-30", "request": "2023-0009"}])
    assert "Vắng mặt: thêm 01/01/2024 - 30/06/2024 (yêu cầu 2023-0009)" in told(accounts(entry()), accounts(away))
    assert "Vắng mặt: bỏ 01/01/2024" in told(accounts(away), accounts(entry()))


LOCKS = {"p3x8d1": RuntimeLock("compromised", date(2026, 11, 25)), "t5v9c2": RuntimeLock("idle", date(2026, 11, 25))}


@pytest.mark.dieu7
def test_restores_without_an_event_and_locks_that_a_restore_leaves_are_notes() -> None:
    have = replace(accounts(entry()), restored={"p3x8d1": RestoreByCommand("8/STP", date(2026, 11, 24))})
    (line,) = wording.notes(plan(have, accounts(entry())))
    assert "đã được khôi phục bằng lệnh theo văn bản 8/STP, sổ đăng ký chưa có sự kiện restore [p3x8d1]" in line
    restored = entry(document={"event": "restore", "done": "2026-11-24", "request": "2026-0009"})
    have = replace(accounts(entry()), locks=LOCKS, credentials=frozenset({"p3x8d1"}))
    (line,) = wording.notes(plan(have, accounts(restored)))
    assert "vẫn bị khóa (điểm b" in line
    assert "25/11/2026" in line
    (line,) = wording.notes(plan(replace(have, locks={}), accounts(restored)))
    assert "không bị khóa" in line
    assert "không cấp mật khẩu mới" in line


@pytest.mark.dieu7
def test_an_emergency_lock_is_a_note_until_its_event_follows() -> None:
    have = replace(accounts(entry(), entry("t5v9c2")), locks=LOCKS)
    result = plan(have, accounts(entry(), entry("t5v9c2")))
    assert not result.changed
    lines = wording.lines(result)
    assert any("đang bị khóa khẩn cấp (điểm b" in line and "[p3x8d1]" in line for line in lines)
    (warning,) = wording.warnings(result)
    assert "[p3x8d1]" in warning
    assert "  ! 1 hộp thư đang bị hệ thống tự khóa (Đ7.2a, Đ7.2d)" in lines
    locked = entry(state="locked", document={"event": "lock", "reason": "compromised"})
    followed = plan(have, accounts(locked, entry("t5v9c2")))
    assert [note.id for note in followed.notes] == ["t5v9c2"]


def test_long_groups_are_cut_for_the_terminal_and_whole_for_programs() -> None:
    result = plan(accounts(), accounts(*(entry(f"box{number:05}") for number in range(2000))))
    cut = wording.lines(result, limit=20)
    assert len(cut) < 40
    assert cut[-1] == "  … và 1.980 hộp thư khác"
    assert len(wording.lines(result)) > 2000
    assert len(result.as_dict()["entries"]) == 2001


def test_sections_serve_a_table() -> None:
    first, second = wording.sections(plan(accounts(), accounts(entry())))
    assert (first.title, second.title) == ("Cơ quan mới", "Cấp mới")
    assert second.rows[0].id == "p3x8d1"
    assert second.rows[0].document.startswith("văn bản 12/SYT-VP")


@pytest.mark.parametrize(
    ("octets", "text"),
    [(2 * 2**30, "2 GB"), (2**30 * 5 // 2, "2,5 GB"), (512 * 2**20, "512 MB"), (1000, "1.000 byte")],
)
def test_sizes_are_written_as_vietnamese_does(octets: int, text: str) -> None:
    assert vietnamese.size(octets) == text
