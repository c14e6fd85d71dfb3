"""The backups of the earlier release are read by this one's programs, and go on in the same repository (Đ10.7)."""

import re
from typing import Any

import pytest

from tests.lab import Lab
from tests.upgrade import state
from tests.upgrade.content import DOCUMENT, FOLDER, Owners

pytestmark = pytest.mark.dieu10


def _of_before(lab: Lab, before: dict[str, Any]) -> str:
    """The newest snapshot of before the upgrade, as the command lists it."""
    listed = re.findall(r"\b[0-9a-f]{8,}\b", lab.run("mailstore", "hanam-mail-restore --list"))
    found = [name for name in listed if any(whole.startswith(name) for whole in before["snapshots"])]
    assert found, listed
    return found[-1]


def test_no_snapshot_is_lost(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert before["snapshots"]
    assert set(before["snapshots"]) - set(after["snapshots"]) == set()


def test_a_deleted_folder_returns_from_a_backup_of_before(lab: Lab, before: dict[str, Any], owners: Owners) -> None:
    person = owners.reader

    def of_folder() -> list[str]:
        query = f"doveadm -f tab fetch -u {person.mailbox} 'guid flags date.received' mailbox 'Công văn đến'"
        return sorted(lab.run("mailstore", query).splitlines())

    def of_others() -> list[str]:
        found: list[str] = state.mail(lab, person.mailbox)["messages"]
        return [row for row in found if not row.startswith("Công văn đến\t")]

    was, others = of_folder(), of_others()
    assert len(was) == 3, "a heading and two messages"
    assert any(row.startswith("INBOX\t") for row in others)
    with lab.imap(person.address, person.password) as client:
        client.unsubscribe(FOLDER)
        assert client.delete(FOLDER)[0] == "OK"
    snapshot = _of_before(lab, before)
    restore = f"hanam-mail-restore {person.address} --snapshot {snapshot} --document {DOCUMENT}"
    looked_at = lab.run("mailstore", f"{restore} --dry-run")
    assert re.search("^2 messages would be brought back", looked_at, re.MULTILINE), looked_at
    assert of_others() == others
    lab.run("mailstore", f"{restore} --yes")
    assert of_folder() == was
    # With UIDs and GUIDs: the mailbox lies in a Maildir still, its copy does not.
    assert of_others() == others
    with lab.imap(person.address, person.password) as client:
        _, subscribed = client.lsub()
    assert any(FOLDER.encode() in line for line in subscribed if isinstance(line, bytes))


def test_new_backups_go_on_in_the_same_repository_which_is_sound(lab: Lab, before: dict[str, Any]) -> None:
    lab.run("mailstore", "hanam-mail-backup")
    lab.run("mailstore", "hanam-mail-backup --status")
    now = set(state.snapshots(lab))
    assert set(before["snapshots"]) < now
    for work in ("check", "prune"):
        lab.run("backup_repository", f"systemctl start hanam-backup-maintain@{work}.service")
    assert _of_before(lab, before)
