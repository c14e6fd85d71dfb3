"""What the database makes of floods and their locks, in a real PostgreSQL (Đ4.3, Đ7.2b, Đ12.6)."""

import pytest

from tests.system.scratch import Scratch, person, registry

pytestmark = [pytest.mark.dieu4, pytest.mark.dieu7, pytest.mark.dieu12]


@pytest.fixture
def people(scratch: Scratch) -> Scratch:
    """A province of three people."""
    scratch.apply(registry(person(1), person(2), person(3)))
    return scratch


def holds(scratch: Scratch) -> int:
    """How often the queue of the first was asked to be held."""
    return int(scratch.psql("select count(*) from mail.outbox where topic = 'mailbox.hold' and mailbox = 'box00001'"))


def test_a_queue_is_held_when_a_lock_becomes_one_of_a_stolen_mailbox_and_never_again(people: Scratch) -> None:
    people.psql("select mail.mailbox_lock('box00001', 'idle', '')")
    people.psql("update mail.lock_state set automatic = true")
    assert holds(people) == 0
    people.psql("select mail.mailbox_lock('box00001', 'compromised', 'thử')")
    assert holds(people) == 1
    people.psql("select mail.mailbox_lock('box00001', 'compromised', 'ghi thêm')")
    people.psql("select mail.mailbox_correct('box00001', 'khóa nhầm', true)")
    assert holds(people) == 1, "what the person sends after the lock went must go"


def test_an_agent_hears_that_a_lock_does_not_stand_any_more(people: Scratch) -> None:
    """One that was away must not hold what the person sends since."""
    told = "select payload ->> 'locked' from mail.agent_next('node', 99) where topic = 'mailbox.hold'"
    people.psql("select mail.agent_register('node'); select mail.mailbox_lock('box00001', 'compromised', 'thử')")
    assert people.psql(told) == "true"
    people.psql("select mail.mailbox_correct('box00001', 'khóa nhầm', true)")
    assert people.psql(told) == "false"


@pytest.mark.parametrize("missing", ["{person}", "{person,recipients_hour}"])
def test_a_limit_that_is_not_there_is_an_error_and_no_freedom(people: Scratch, missing: str) -> None:
    """Then Postfix says 451, and somebody looks."""
    without = f"update mail.setting set value = value #- '{missing}' where name = 'sending_limits'"
    with pytest.raises(AssertionError, match="recipients_hour"):
        people.psql(f"{without}; select mail.postfix_recipient('box00001')")
