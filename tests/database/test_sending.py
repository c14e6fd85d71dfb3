"""What the database makes of floods and their locks, in a real PostgreSQL (Đ4.3, Đ7.2b, Đ12.6)."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.database.databases import StatementError
from tests.database.scratch import Scratch, person, registry
from tests.lab import wait_for

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
    with pytest.raises(StatementError, match="recipients_hour"):
        people.psql(f"{without}; select mail.postfix_recipient('box00001')")


def test_the_kind_of_a_login_is_the_highest_of_the_mailboxes_it_sends_for_and_found_by_key(people: Scratch) -> None:
    """Postfix asks at every recipient: a look through all mailboxes each time is too much for a province."""
    people.psql(
        "set session_replication_role = replica;"
        " update mail.mailbox set kind = 'office' where id = 'box00002';"
        " insert into mail.mailbox_clerk (mailbox_id, clerk_id) values ('box00002', 'box00001');"
        " insert into mail.mailbox (id, kind, agency_id, name, shard, quota_bytes, state)"
        " select 'more' || n, 'person', agency_id, name, 0, 1, 'active'"
        " from mail.mailbox, generate_series(1, 2000) n where id = 'box00001'"
    )
    people.psql("analyze mail.mailbox")
    kinds = "select string_agg(mail.sending_kind(id), ' ' order by id) from mail.mailbox where id like 'box%'"
    assert people.psql(kinds) == "office office person"
    read = "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relid = 'mail.mailbox'::regclass"
    *_, rows = people.psql(f"set enable_seqscan = off; select mail.sending_kind('box00001'); {read}").split()
    assert 0 < int(rows) < 10


def test_a_lock_can_be_lifted_while_the_account_still_sends(people: Scratch) -> None:
    """Both write what was sent and the lock: in one order, or one of them fails as a deadlock."""
    sends = "select mail.sending_count('box00001', true, 'person', 1, 0)"
    people.psql(sends)
    people.psql("select mail.mailbox_lock('box00001', 'compromised', 'thử')")
    sleeping = "select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'"
    with ThreadPoolExecutor() as pool:
        waits = "select pg_sleep(1); select mail.mailbox_lock('box00001', 'compromised', '')"
        client = pool.submit(people.psql, f"{sends}; {waits}")
        wait_for(lambda: people.psql(sleeping) == "1", "the client that has been counted")
        people.psql("select mail.mailbox_correct('box00001', 'khóa nhầm', true)")
        client.result()
    assert people.psql("select count(*) from mail.lock_state") == "0"
    assert people.psql("select count(*) from mail.sending") == "0"


def test_what_was_sent_long_ago_is_forgotten_at_night_and_no_client_waits_for_it(people: Scratch) -> None:
    people.psql(
        "insert into mail.sending (mailbox_id, by_login, slot, messages)"
        " select 'box00002', true, date_bin('5 minutes', now() - d * interval '1 day', 'epoch'), 1"
        " from generate_series(0, 9) d"
    )
    people.psql("select count(mail.sending_of_login('box00001', 0, 1)) from generate_series(1, 500)")
    assert people.psql("select count(*) from mail.sending where mailbox_id = 'box00002'") == "10"
    assert people.psql("set role mail_jobs; select mail.sending_prune()") == "8"
    assert people.psql("select count(*) from mail.sending where mailbox_id = 'box00002'") == "2"
