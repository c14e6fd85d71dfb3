"""The operator's commands on a mailbox (Đ7.2, Đ7.3, Đ12.3), on the accounts host."""

import base64
import imaplib
import json
from collections.abc import Iterator
from typing import Any

import pyrage  # type: ignore[import-untyped]
import pytest
from testinfra.host import Host

from tests.lab import Lab, Sample
from tests.mail.accounts import reopen, settled, sql

pytestmark = pytest.mark.dieu7


@pytest.fixture
def person(lab: Lab) -> Iterator[Sample]:
    sample = lab.samples[5]
    reopen(lab, sample.mailbox)
    yield sample
    # The lab's password again, as if it had never been another.
    sql(
        lab,
        f"delete from mail.lock_state where mailbox_id = '{sample.mailbox}';"
        f" select mail.password_set('{sample.mailbox}', 'Khac-voi-tat-ca-1@', false, false);"
        f" delete from mail.password_history where mailbox_id = '{sample.mailbox}';"
        f" select mail.password_set('{sample.mailbox}', '{sample.password}', false, false);"
        f" delete from mail.password_history where mailbox_id = '{sample.mailbox}'",
    )
    reopen(lab, sample.mailbox)


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


def test_a_lock_needs_a_document_or_a_note(lab: Lab, accounts_host: Host, person: Sample) -> None:
    assert "văn bản" in refusal(accounts_host, "lock", person.address, "--reason", "idle")
    assert "Đ7.2" in refusal(accounts_host, "lock", person.address, "--reason", "vui", "--note", "x")
    assert command(accounts_host, "lock", person.address, "--reason", "idle", "--note", "thử")["changed"]
    assert not command(accounts_host, "lock", person.address, "--reason", "compromised", "--note", "thử")["changed"]
    settled(lab)
    assert "[locked:idle]" in refused_with(lab, person, person.password)


def test_a_correction_opens_without_a_document_and_keeps_the_password(
    lab: Lab, accounts_host: Host, person: Sample
) -> None:
    command(accounts_host, "lock", person.address, "--reason", "compromised", "--note", "cảnh báo nhầm")
    assert command(accounts_host, "correct", person.address, "--note", "máy sạch")["changed"]
    settled(lab)
    lab.imap(person.address, person.password).logout()
    command(accounts_host, "lock", person.address, "--reason", "forbidden_use", "--document", "5/KT")
    assert "5/KT" in refusal(accounts_host, "correct", person.address, "--note", "máy sạch")


def test_a_restore_gives_a_new_default_password_in_a_sealed_file(lab: Lab, accounts_host: Host, person: Sample) -> None:
    """Đ7.3: by document, verified by somebody; the change at the first access is forced."""
    assert "không bị tạm khóa" in refusal(
        accounts_host, "restore", person.address, "--document", "8/STP", "--verified", "Lan"
    )
    command(accounts_host, "lock", person.address, "--reason", "forbidden_use", "--document", "5/KT")
    assert "--document" in refusal(accounts_host, "restore", person.address, "--verified", "Lan")
    answer = command(accounts_host, "restore", person.address, "--document", "8/STP", "--verified", "Trần Thị Lan")
    found = slip(lab, accounts_host, answer["handover"])
    assert (found["address"], found["event"]) == (person.address, "restore")
    assert found["password"] not in json.dumps(answer)
    settled(lab)
    assert "[must_change:default]" in refused_with(lab, person, found["password"])
    assert "[" not in refused_with(lab, person, person.password).replace("[AUTHENTICATIONFAILED]", "")
    verified = sql(lab, f"select verified from mail.credential where mailbox_id = '{person.mailbox}'")
    assert verified == "Trần Thị Lan"


@pytest.mark.dieu12
def test_a_forgotten_password_is_reset_without_a_lock(lab: Lab, accounts_host: Host, person: Sample) -> None:
    answer = command(accounts_host, "reset-password", person.address, "--verified", "gặp trực tiếp, thẻ công chức")
    found = slip(lab, accounts_host, answer["handover"])
    settled(lab)
    assert found["event"] == "reset"
    assert "[must_change:default]" in refused_with(lab, person, found["password"])
    assert sql(lab, f"select mail.mailbox_state('{person.mailbox}')") == "must_change"


@pytest.mark.dieu12
def test_a_leaked_password_locks_at_once_and_is_reset(lab: Lab, accounts_host: Host, person: Sample) -> None:
    """Đ7.2b and Đ12.3: locked, with a new password that serves once a document restores the mailbox."""
    answer = command(accounts_host, "reset-password", person.address, "--leaked", "--verified", "điện thoại cơ quan")
    found = slip(lab, accounts_host, answer["handover"])
    settled(lab)
    assert "[locked:compromised]" in refused_with(lab, person, found["password"])
    restored = command(accounts_host, "restore", person.address, "--document", "9/STP", "--verified", "Lan")
    assert restored["handover"] is None, "the password given after the lock serves"
    settled(lab)
    assert "[must_change:default]" in refused_with(lab, person, found["password"])


def test_a_locked_mailbox_gets_no_password_by_the_way(accounts_host: Host, person: Sample) -> None:
    command(accounts_host, "lock", person.address, "--reason", "idle", "--note", "thử")
    assert "tạm khóa" in refusal(accounts_host, "reset-password", person.address, "--verified", "Lan")
