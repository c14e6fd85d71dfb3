"""Mail outlives the upgrade with all that clients and people know of it, and goes in and out after it."""

import uuid
from typing import Any

import pytest

from tests.foreign import AN, BINH, Foreign
from tests.lab import Lab, message
from tests.upgrade.content import PAGE_SIZE, SCRIPT, Owners


def test_an_open_session_of_the_webmail_goes_on(after: dict[str, Any]) -> None:
    """Opened with the former release, which put no stamp of the password into it."""
    assert after["went_on"] == {"status": 200, "location": "", "messages": True}


def test_every_message_is_where_it_was_with_uid_flags_and_keywords(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert before["mail"].keys() - after["mail"].keys() == set()
    lost = {
        mailbox: sorted(set(old["messages"]) - set(after["mail"][mailbox]["messages"]))
        for mailbox, old in before["mail"].items()
    }
    assert {mailbox: messages for mailbox, messages in lost.items() if messages} == {}


@pytest.mark.parametrize("what", ["messages", "content", "folders", "subscribed", "scripts", "script", "limits"])
def test_a_persons_mailbox_is_the_same_to_the_last_octet(
    before: dict[str, Any], after: dict[str, Any], owners: Owners, what: str
) -> None:
    old, new = (state["mail"][owners.reader.mailbox][what] for state in (before, after))
    assert old, "something was there"
    assert new == old


def test_the_limit_of_size_of_every_mailbox_is_what_it_was(before: dict[str, Any], after: dict[str, Any]) -> None:
    for mailbox, old in before["mail"].items():
        assert {kind: limit for kind, (_, limit) in after["mail"][mailbox]["limits"].items()} == {
            kind: limit for kind, (_, limit) in old["limits"].items()
        }, mailbox


def test_what_people_set_in_the_webmail_is_kept(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert f"i:{PAGE_SIZE};" in "".join(before["webmail"])
    assert after["webmail"] == before["webmail"]


def test_a_script_of_before_goes_on_sorting(lab: Lab, owners: Owners) -> None:
    reader, sender = owners.reader, owners.sender
    assert "ACTIVE" in lab.run("mailstore", f"doveadm sieve list -u {reader.mailbox}")
    assert "bao cao" in SCRIPT
    mail = message(sender.address, reader.address)
    subject = f"bao cao {mail['Subject']}"
    mail.replace_header("Subject", subject)
    with lab.submission(sender.address, sender.password) as client:
        client.send_message(mail)
    lab.wait_for_message(reader, subject, folder='"Bao cao"')


@pytest.mark.dieu8
@pytest.mark.dieu12
def test_what_a_mailbox_of_before_deletes_comes_back(lab: Lab, owners: Owners) -> None:
    """A copy in the mailbox itself, so that nothing of what others look for goes."""
    reader, place = owners.reader, lab.variables["undelete_prefix"]
    subject = f"xoa sau nang cap {uuid.uuid4().hex[:12]}"
    with lab.imap(reader.address, reader.password) as client:
        assert client.append("INBOX", "", "", f"Subject: {subject}\r\n\r\nx\r\n".encode())[0] == "OK"
        client.select("INBOX")
        number = client.search(None, "SUBJECT", f'"{subject}"')[1][0].decode()
        client.store(number, "+FLAGS.SILENT", "(\\Deleted)")
        client.expunge()
        _, (number,) = client.select(f'"{place}INBOX"')
        assert number, "kept"
        # The last is the one that was deleted last.
        assert client.copy(number.decode(), "INBOX")[0] == "OK"
    lab.wait_for_message(reader, subject)


def test_mail_comes_in_and_goes_out(lab: Lab, owners: Owners) -> None:
    foreign = Foreign(lab)
    incoming = message(AN, owners.reader.address)
    foreign.send(incoming, AN, owners.reader.address)
    outgoing = message(owners.reader.address, BINH)
    with lab.submission(owners.reader.address, owners.reader.password) as client:
        client.send_message(outgoing)
    lab.wait_for_message(owners.reader, incoming["Subject"])
    foreign.wait_for(BINH, outgoing["Subject"])
