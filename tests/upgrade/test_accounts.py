"""Accounts outlive the upgrade: who has which mailbox, with which password, what is locked, and what was ever done."""

import imaplib
import json
from typing import Any

import pytest

from tests.lab import Lab, message, wait_for
from tests.upgrade.content import DOCUMENT, NOTE, SUBJECTS, Owners
from tests.upgrade.state import kept

KEYS = {
    "agency": ("id",),
    "mailbox": ("id",),
    "mailbox_clerk": ("mailbox_id", "clerk_id"),
    "address": ("local_part",),
    "credential": ("mailbox_id",),
    "lock_state": ("mailbox_id",),
    "audit": ("seq",),
}


@pytest.mark.parametrize("table", KEYS)
def test_every_row_of_the_accounts_is_what_it_was(before: dict[str, Any], after: dict[str, Any], table: str) -> None:
    def by_key(state: dict[str, Any]) -> dict[tuple[Any, ...], dict[str, Any]]:
        return {tuple(row[name] for name in KEYS[table]): row for row in state["tables"][table]}

    old, new = by_key(before), by_key(after)
    assert old, "something was there"
    assert old.keys() - new.keys() == set(), "lost"
    if table != "audit":
        assert new.keys() - old.keys() == set(), "nobody asked for it"
    assert [(row, new[key]) for key, row in old.items() if not kept(row, new[key])] == []


def test_no_audit_row_of_the_upgrade_is_of_a_password_or_a_lock(before: dict[str, Any], after: dict[str, Any]) -> None:
    last = max(row["seq"] for row in before["tables"]["audit"])
    new = [row for row in after["tables"]["audit"] if row["seq"] > last]
    assert [row for row in new if row["object"] in ("credential", "lock")] == []


@pytest.mark.dieu8
def test_dieu8_a_password_that_was_chosen_before_opens_and_the_one_before_it_does_not(
    lab: Lab, before: dict[str, Any], owners: Owners
) -> None:
    person = owners.changed
    with lab.imap(person.address, person.password) as client:
        assert client.select("INBOX", readonly=True)[1] == [b"1"]
    with lab.submission(person.address, person.password):
        pass
    with pytest.raises(imaplib.IMAP4.error):
        lab.imap(person.address, before["former_password"])


@pytest.mark.dieu7
def test_dieu7_a_lock_holds_with_its_reason_and_the_mailbox_receives(lab: Lab, owners: Owners) -> None:
    person = owners.locked
    with pytest.raises(imaplib.IMAP4.error):
        lab.imap(person.address, person.password)
    reason = lab.sql(f"select reason || '/' || note from mail.lock_state where mailbox_id = '{person.mailbox}'")
    assert reason == f"compromised/{NOTE}"
    mail = message(owners.sender.address, person.address)
    with lab.submission(owners.sender.address, owners.sender.password) as client:
        client.send_message(mail)
    search = f"doveadm search -u {person.mailbox} mailbox INBOX header subject '{mail['Subject']}'"
    wait_for(lambda: lab.run("mailstore", search).strip(), "mail for a locked mailbox")


def test_this_releases_command_tells_what_the_earlier_one_wrote_down(lab: Lab, owners: Owners) -> None:
    entries = json.loads(lab.run("accounts", f"hanam-mail-db history {owners.locked.address} --json"))
    told = json.dumps(entries, ensure_ascii=False)
    assert NOTE in told
    assert DOCUMENT in told
    assert DOCUMENT in lab.run("accounts", f"hanam-mail-db history {owners.locked.address}")


def test_the_address_book_has_the_mailboxes_of_before(lab: Lab, before: dict[str, Any], owners: Owners) -> None:
    """Triggers write its table: for what was there before them the migration or the apply does."""
    known = {row["mailbox_id"] for row in json.loads(lab.sql("select json_agg(b) from mail.book b"))}
    assert {row["id"] for row in before["tables"]["mailbox"] if row["agency_id"]} - known == set()
    typed = owners.reader.address.partition("@")[0]
    assert owners.reader.address in lab.sql(f"select address from mail.book_search('{typed}', null, 0, 1000)").split()


@pytest.mark.dieu9
def test_dieu9_a_clerk_opens_the_agencys_mailbox_as_before(lab: Lab, owners: Owners) -> None:
    agency = owners.agency
    with lab.imap(agency.login, agency.clerk.password) as client:
        client.select("INBOX", readonly=True)
        assert client.search(None, "SUBJECT", f'"{SUBJECTS[0]}"')[1][0]
