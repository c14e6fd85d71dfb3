"""The operator's commands on a mailbox (Đ7.2, Đ7.3, Đ12.3): what they refuse, what they leave in the database."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.database.scratch import Scratch, person, registry
from tests.database.world import quoted

pytestmark = pytest.mark.dieu7
ADDRESS, PASSWORD = "ha1@hanam.gov.vn", "Mat-khau-thu-1!"


@pytest.fixture
def official(scratch: Scratch) -> Scratch:
    """A province of one official with a password of her own."""
    scratch.apply(registry(person(1)))
    scratch.psql(f"select mail.password_set('box00001', '{PASSWORD}', false, false)")
    return scratch


def command(official: Scratch, *words: str) -> dict[str, Any]:
    """Run a command as an operator."""
    done = official.command(*words, "--json", "--actor", "lan")
    assert done.status == 0, done.complaint
    return done.json


def refusal(official: Scratch, *words: str) -> str:
    done = official.command(*words)
    assert done.status != 0, done.output
    return done.complaint


def slip(official: Scratch, file: str) -> dict[str, str]:
    """The one slip of a sealed file, opened with the operator's key."""
    content = official.open(Path(file).name)
    assert len(content["slips"]) == 1
    found: dict[str, str] = content["slips"][0]
    return found


def sign_in(official: Scratch, password: str) -> str:
    """What Dovecot is told: in, why not, or refused."""
    asked = (
        "select coalesce((select coalesce(reason, 'in')"
        f" from mail.dovecot_passdb('{ADDRESS}', {quoted(password)}, 'imap', 993, '198.51.100.7')), 'refused')"
    )
    return official.psql(asked)


def refused_with(official: Scratch, password: str) -> str:
    answer = sign_in(official, password)
    assert answer not in {"in", "refused"}
    return answer


def test_a_lock_needs_a_document_or_a_note(official: Scratch) -> None:
    assert "văn bản" in refusal(official, "lock", ADDRESS, "--reason", "idle")
    assert "Đ7.2" in refusal(official, "lock", ADDRESS, "--reason", "vui", "--note", "x")
    assert command(official, "lock", ADDRESS, "--reason", "idle", "--note", "thử")["changed"]
    assert not command(official, "lock", ADDRESS, "--reason", "compromised", "--note", "thử")["changed"]
    assert "[locked:idle]" in refused_with(official, PASSWORD)


def test_a_correction_opens_without_a_document_and_keeps_the_password(official: Scratch) -> None:
    command(official, "lock", ADDRESS, "--reason", "compromised", "--note", "cảnh báo nhầm")
    assert "do lan khóa" in refusal(official, "correct", ADDRESS, "--note", "máy sạch")
    assert command(official, "correct", ADDRESS, "--note", "máy sạch", "--of-person")["changed"]
    assert sign_in(official, PASSWORD) == "in"
    command(official, "lock", ADDRESS, "--reason", "forbidden_use", "--document", "5/KT")
    assert "5/KT" in refusal(official, "correct", ADDRESS, "--note", "máy sạch")


def test_a_restore_gives_a_new_default_password_in_a_sealed_file(official: Scratch) -> None:
    """Đ7.3: by document, verified by somebody; the change at the first access is forced."""
    assert "không bị tạm khóa" in refusal(official, "restore", ADDRESS, "--document", "8/STP", "--verified", "Lan")
    command(official, "lock", ADDRESS, "--reason", "forbidden_use", "--document", "5/KT")
    assert "--document" in refusal(official, "restore", ADDRESS, "--verified", "Lan")
    answer = command(official, "restore", ADDRESS, "--document", "8/STP", "--verified", "Trần Thị Lan")
    found = slip(official, answer["handover"])
    assert (found["address"], found["event"]) == (ADDRESS, "restore")
    assert found["password"] not in json.dumps(answer)
    assert "[must_change:default]" in refused_with(official, found["password"])
    assert sign_in(official, PASSWORD) == "refused"
    verified = official.psql("select verified from mail.credential where mailbox_id = 'box00001'")
    assert verified == "Trần Thị Lan"


@pytest.mark.dieu12
def test_a_forgotten_password_is_reset_without_a_lock(official: Scratch) -> None:
    answer = command(official, "reset-password", ADDRESS, "--verified", "gặp trực tiếp, thẻ công chức")
    found = slip(official, answer["handover"])
    assert found["event"] == "reset"
    assert "[must_change:default]" in refused_with(official, found["password"])
    assert official.psql("select mail.mailbox_state('box00001')") == "must_change"


@pytest.mark.dieu12
def test_a_leaked_password_stays_locked_out_when_no_new_one_can_be_given(official: Scratch) -> None:
    """The lock is for the thief at the door, the slip for later: a full disk must not open it again."""
    words = ("reset-password", ADDRESS, "--leaked", "--verified", "điện thoại", "--handover-folder")
    # No folder can be made there.
    told = refusal(official, *words, "/proc/1/fdinfo/none")
    assert "đã bị tạm khóa (Đ7.2b), nhưng chưa cấp được mật khẩu mới" in told
    assert "[locked:compromised]" in refused_with(official, PASSWORD)
    # Without keys to seal to neither.
    keys = official.psql("select value from mail.setting where name = 'handover_recipients'")
    official.psql("delete from mail.lock_state where mailbox_id = 'box00001'")
    official.psql("update mail.setting set value = '[]' where name = 'handover_recipients'")
    assert "mailboxes_operator_keys" in refusal(official, *words[:-1])
    official.psql(f"update mail.setting set value = '{keys}' where name = 'handover_recipients'")
    assert official.psql("select mail.state_cause('box00001')") == "compromised"
    # The same command again completes it.
    assert command(official, *words[:-1])["handover"]


@pytest.mark.dieu7
def test_a_restore_that_cannot_give_a_password_leaves_the_lock(official: Scratch) -> None:
    command(official, "lock", ADDRESS, "--reason", "idle", "--note", "thử")
    words = ("restore", ADDRESS, "--document", "8/STP", "--verified", "Lan")
    told = refusal(official, *words, "--handover-folder", "/proc/1/fdinfo/none")
    assert "không ghi được tệp bàn giao" in told
    assert official.psql("select mail.state_cause('box00001')") == "idle"


def test_a_locked_mailbox_gets_no_password_by_the_way(official: Scratch) -> None:
    command(official, "lock", ADDRESS, "--reason", "idle", "--note", "thử")
    assert "tạm khóa" in refusal(official, "reset-password", ADDRESS, "--verified", "Lan")
