"""The second factor at the doors of a mailbox (issue 13): what the password opens, and what a program's does."""

from collections.abc import Iterator

import pytest

from tests import carddav, journal
from tests.lab import Lab, Sample, wait_for
from tests.mail.accounts import Protocol, forget_failures
from tests.second_factor import Owner

pytestmark = [pytest.mark.neighbours, pytest.mark.provokes(journal.REFUSED_SIGN_IN)]

READING = (Protocol.IMAP, Protocol.POP3, Protocol.MANAGESIEVE)
SENDING = (Protocol.SUBMISSIONS, Protocol.SUBMISSION)
WEB = (Protocol.WEBMAIL, Protocol.WEBMAIL_IMAP)


@pytest.fixture
def owner(lab: Lab, person: Sample) -> Iterator[Owner]:
    """Somebody who has just turned the factor on."""
    person_before = f"select count(*) from mail.second_factor where mailbox_id = '{person.mailbox}'"
    assert lab.sql(person_before).strip() == "0"
    owner = Owner(lab, person)
    # The password opens every door, and Dovecot remembers it, until the factor is on.
    for door in (*READING, *SENDING, *WEB):
        assert door.attempt(lab, person, person.password).opened, door
    owner.turn_on()
    yield owner
    lab.sql(
        f"delete from mail.second_factor where mailbox_id = '{person.mailbox}';"
        f" delete from mail.app_password where mailbox_id = '{person.mailbox}'"
    )
    forget_failures(lab)


def failures(lab: Lab, owner: Owner) -> str:
    """How many sign-ins of this owner were counted as failures; others of the lab may fail meanwhile."""
    return lab.sql(f"select count(*) from mail.sign_in_failure where login = '{owner.person.mailbox}'").strip()


def test_the_password_opens_no_door_any_more_and_programs_are_told_where_to_go(lab: Lab, owner: Owner) -> None:
    for door in READING:
        told = door.attempt(lab, owner.person, owner.person.password)
        assert not told.opened, door
        assert "mat-khau/hai-buoc" in told.text
        assert "[second_factor:on]" in told.text
    for door in SENDING:
        assert not door.attempt(lab, owner.person, owner.person.password).opened, door
    for door in WEB:
        assert not door.attempt(lab, owner.person, owner.person.password).opened, door
    book = carddav.Program(lab, owner.person.address, owner.person.password).ask("PROPFIND")
    assert (book.status, "[second_factor:on]" in book.text) == (403, True)
    assert failures(lab, owner) == "0"


def test_a_programs_password_opens_the_doors_it_was_made_for_until_it_is_revoked(lab: Lab, owner: Owner) -> None:
    reads, sends, book = (owner.app_password(scope) for scope in ("imap", "smtp", "dav"))
    for door in READING:
        assert door.attempt(lab, owner.person, reads).opened, door
        assert "[app_password:scope]" in door.attempt(lab, owner.person, sends).text
    for door in SENDING:
        assert door.attempt(lab, owner.person, sends).opened, door
        assert not door.attempt(lab, owner.person, reads).opened, door
    for door in WEB:
        assert not door.attempt(lab, owner.person, reads).opened, door
    for word, status in ((book, 207), (reads, 403), (sends, 403)):
        assert carddav.Program(lab, owner.person.address, word).ask("PROPFIND").status == status
    assert not Protocol.IMAP.attempt(lab, owner.person, book).opened
    used = lab.sql(
        f"select last_protocol from mail.app_password where mailbox_id = '{owner.person.mailbox}' order by 1"
    )
    assert set(used.split()) <= {"imap", "pop3", "sieve", "smtp", "submission", "dav"}
    assert used.strip()
    owner.revoke_all()

    def shut() -> bool:
        return not any(door.attempt(lab, owner.person, reads).opened for door in READING)

    wait_for(shut, "the revoked password opens nothing")
    assert not any(door.attempt(lab, owner.person, sends).opened for door in SENDING)
    assert failures(lab, owner) == "0"


def test_the_operator_takes_a_lost_factor_away_and_the_password_opens_again(lab: Lab, owner: Owner) -> None:
    reads = owner.app_password("imap")
    assert "Hai bước:     bật từ" in lab.run("accounts", f"hanam-mail-db show {owner.person.address}")
    lab.run("accounts", f"hanam-mail-db second-factor-reset {owner.person.address} --verified 'Lan, gặp trực tiếp'")
    lab.outwait_cuts()
    lab.settle()
    for door in (*READING, *SENDING, *WEB):
        assert door.attempt(lab, owner.person, owner.person.password).opened, door
    assert not Protocol.IMAP.attempt(lab, owner.person, reads).opened
