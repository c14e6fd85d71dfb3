"""The operator's commands on a mailbox (Đ7.2, Đ7.3, Đ12.3), on the accounts host."""

import base64
import imaplib
import json
from collections.abc import Iterator
from typing import Any

import pyrage  # type: ignore[import-untyped]
import pytest
from testinfra.host import Host

from tests.lab import Lab, Sample, message
from tests.people import People

pytestmark = pytest.mark.dieu7


def command(host: Host, *words: str) -> dict[str, Any]:
    """Run a command as an operator, and check that it shows no password."""
    done = host.run("hanam-mail-db " + " ".join(["%s"] * len(words)) + " --json --actor lan", *words)
    assert done.rc == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def refusal(host: Host, *words: str) -> str:
    done = host.run("hanam-mail-db " + " ".join(["%s"] * len(words)), *words)
    assert done.rc == 1, done.stdout
    return str(done.stderr)


def slip(lab: Lab, host: Host, file: str) -> dict[str, str]:
    """The one slip of a sealed file, opened with the lab operator's key."""
    sealed = base64.b64decode(host.check_output("base64 %s", file))
    identity = pyrage.x25519.Identity.from_str(lab.variables["vault_lab_operator_key"])
    content = json.loads(pyrage.decrypt(sealed, [identity]))
    assert len(content["slips"]) == 1
    found: dict[str, str] = content["slips"][0]
    return found


def refused_with(lab: Lab, person: Sample, password: str) -> str:
    with pytest.raises(imaplib.IMAP4.error) as error:
        lab.imap(person.address, password)
    return str(error.value)


def test_the_labs_samples_get_their_password_again_after_it_was_changed(lab: Lab, person: Sample) -> None:
    """Whoever tried the page where passwords are changed may run `make up` again."""
    lab.sql(f"select mail.password_set('{person.mailbox}', 'Cua-rieng-toi-9#', false, false)")
    program = "cd / && runuser -u postgres -- python3 -I /usr/lib/hanam-mail/hanam-mail.pyz set-passwords"
    words = " --json --if-different --again --no-must-change --known-only"
    # By Lab.run: sudo would write a command line with the password to the journal.
    giving = f"{program}{words} <<'GIVEN'\n{json.dumps({person.address: person.password})}\nGIVEN\n"
    assert json.loads(lab.run("accounts", giving))["addresses"] == [person.address]
    lab.settle()
    lab.imap(person.address, person.password).logout()
    # Nothing to do: what is remembered of former passwords stays.
    remembered = f"select count(*) from mail.password_history where mailbox_id = '{person.mailbox}'"
    before = lab.sql(remembered)
    assert not json.loads(lab.run("accounts", giving))["changed"]
    assert lab.sql(remembered) == before != "0"


@pytest.fixture
def registered(lab: Lab, people: People) -> Iterator[Sample]:
    """Somebody whom the registry knows, and knows nobody else; as before afterwards."""
    people.retire()
    sample = lab.samples[5]
    yield sample
    lab.sql(f"select mail.restores_followed('{{{sample.mailbox}}}')")
    lab.give_password(sample.address, sample.password, must_change=False)


def test_a_plan_tells_of_a_restore_by_command_until_the_registry_has_it(
    lab: Lab, accounts_host: Host, registered: Sample
) -> None:
    person = registered
    command(accounts_host, "lock", person.address, "--reason", "compromised", "--note", "thử")
    command(accounts_host, "restore", person.address, "--document", "8/STP", "--verified", "Lan")
    # Nothing else changes: what the reader should know is told all the same.
    lab.sql(f"delete from mail.password_history where mailbox_id = '{person.mailbox}'")
    shown = lab.play("mailboxes.yml", "--check", "--diff")
    assert shown.returncode == 0, shown.stdout
    told = " ".join((shown.stdout + shown.stderr).split())
    assert "khôi phục bằng lệnh theo văn bản 8/STP, sổ đăng ký chưa có sự kiện restore" in told
    assert person.address in told


@pytest.mark.neighbours
@pytest.mark.dieu12
def test_a_leaked_password_locks_at_once_and_is_reset(lab: Lab, accounts_host: Host, person: Sample) -> None:
    """Đ7.2b and Đ12.3: locked, with a new password that serves once a document restores the mailbox."""
    answer = command(accounts_host, "reset-password", person.address, "--leaked", "--verified", "điện thoại cơ quan")
    found = slip(lab, accounts_host, answer["handover"])
    lab.settle()
    assert "[locked:compromised]" in refused_with(lab, person, found["password"])
    restored = command(accounts_host, "restore", person.address, "--document", "9/STP", "--verified", "Lan")
    assert restored["handover"] is None, "the password given after the lock serves"
    lab.settle()
    assert "[must_change:default]" in refused_with(lab, person, found["password"])


@pytest.mark.neighbours
@pytest.mark.dieu12
@pytest.mark.dieu4
def test_an_operator_reads_a_mailbox_by_document_only_and_the_owner_hears_of_it(
    lab: Lab, accounts_host: Host, person: Sample
) -> None:
    """Đ4.6, Đ12.7: no door of the mailbox opens; a sealed copy, after it stands in the audit."""
    assert "--document" in refusal(accounts_host, "open", person.address, "--note", "xem")
    with lab.submission(person.address, person.password) as client:
        sent = message(person.address, person.address)
        client.send_message(sent)
    lab.wait_for_message(person, str(sent["Subject"]))
    folder = "/var/lib/hanam-mail/test-open"
    words = [f"mailbox={person.address}", "document=12/TTra", "reason=don-to-cao", f"mailboxes_export_folder={folder}"]
    try:
        done = lab.play("open.yml", *(part for word in words for part in ("-e", word)))
        assert done.returncode == 0, done.stdout
        (archive,) = lab.run("mailstore", f"ls {folder}/*.age").split()
        assert lab.run("mailstore", f"stat -c %a {folder} {archive}").split() == ["700", "600"]
        sealed = base64.b64decode(lab.run("mailstore", f"base64 -w0 {archive}"))
        identity = pyrage.x25519.Identity.from_str(lab.variables["vault_lab_operator_key"])
        assert str(sent["Subject"]).encode() in pyrage.decrypt(sealed, [identity])
        without = lab.play("open.yml", "-e", words[0], "-e", words[2])
        assert (without.returncode != 0, "document=" in without.stdout) == (True, True)
    finally:
        lab.run("mailstore", f"rm -rf {folder}")
    audit = "select object, action, document, after ->> 'note' from mail.audit where object = 'opening'"
    assert (
        lab.sql(f"{audit} and key = '{person.mailbox}' order by seq desc limit 1")
        == "opening|insert|12/TTra|don-to-cao"
    )
    told = "select payload ->> 'document' from mail.notice where kind = 'opened' order by created_at desc limit 1"
    assert lab.sql(told) == "12/TTra"
    history = accounts_host.check_output("hanam-mail-db history %s", person.address)
    assert "lấy bản sao thư để đọc: don-to-cao" in history


@pytest.mark.neighbours
def test_show_tells_why_somebody_does_not_get_in(lab: Lab, accounts_host: Host, person: Sample) -> None:
    def shown(whom: Sample = person) -> str:
        return accounts_host.check_output("hanam-mail-db show %s", whom.address)

    # Of whom the registry has a document.
    assert "Căn cứ:       văn bản " in shown(lab.samples[0])
    assert "chủ hộp thư đặt ngày" in shown()
    command(
        accounts_host, "lock", person.address, "--reason", "forbidden_use", "--note", "phát tán", "--document", "5/KT"
    )
    assert "Khóa:         điểm c: dùng vào việc bị cấm, do lan khóa lúc" in shown()
    assert "Văn bản khóa: 5/KT\nGhi chú khóa: phát tán" in shown()
    command(accounts_host, "restore", person.address, "--document", "8/STP", "--verified", "Trần Thị Lan")
    assert "theo văn bản 8/STP, sổ đăng ký chưa có sự kiện restore" in shown()
    assert "chưa đổi, người xác minh: Trần Thị Lan\nBàn giao:     " in shown()
    lab.sql(
        "insert into mail.sign_in_lockout (kind, login, mailbox_id, address, failures)"
        f" values ('pair', '{person.mailbox}', '{person.mailbox}', '192.0.2.7', 10)",
    )
    try:
        assert "10 lần sai từ 192.0.2.7 (Đ4.6)" in shown()
        lab.sql("update mail.sign_in_lockout set lifted_at = now() where address = '192.0.2.7'")
        assert "192.0.2.7" not in shown()
    finally:
        lab.sql("delete from mail.sign_in_lockout where address = '192.0.2.7'")
