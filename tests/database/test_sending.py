"""What the database makes of floods and their locks, in a real PostgreSQL (Đ4.3, Đ7.2b, Đ12.6)."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.database.databases import StatementError
from tests.database.scratch import Scratch, person, registry
from tests.lab import wait_for

pytestmark = [pytest.mark.dieu4, pytest.mark.dieu7, pytest.mark.dieu12]


@pytest.fixture
def people(scratch: Scratch) -> Scratch:
    """A province of three people, who have had their passwords for a while."""
    scratch.apply(registry(person(1), person(2), person(3)))
    scratch.psql("update mail.credential set must_change = false")
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


SPANS = {
    "hour": ("59 minutes", "70 minutes", "trong mot gio"),
    "day": ("23 hours 59 minutes", "25 hours", "trong mot ngay"),
}
"""When what still counts was sent, when what counts no more, and what a client is told."""
QUESTIONS = {"messages": "postfix_sent", "recipients": "postfix_recipient"}
UNITS = {"messages": "thư", "recipients": "lượt người nhận"}


def limits_of(scratch: Scratch, name: str) -> tuple[int, int]:
    """What a person may send, and what locks him."""
    limits: dict[str, dict[str, int]] = json.loads(scratch.psql("select mail.setting_text('sending_limits')"))
    first = limits["person"][name]
    return first, first * int(scratch.psql("select mail.setting_int('sending_lock_percent')")) // 100


def sent(unit: str, number: int, ago: str) -> str:
    """As if the first had sent so much then."""
    return (
        f"insert into mail.sending (mailbox_id, by_login, slot, {unit})"
        f" values ('box00001', true, date_bin('5 minutes', now() - interval '{ago}', 'epoch'), {number});"
    )


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("unit", QUESTIONS)
def test_dieu12_6_the_last_one_of_each_number_goes_and_the_next_waits_and_locks_nobody(
    people: Scratch, unit: str, span: str
) -> None:
    limit, second = limits_of(people, f"{unit}_{span}")
    question, (ago, long_ago, told) = f"mail.{QUESTIONS[unit]}('box00001')", SPANS[span]
    people.psql(sent(unit, limit - 1, ago))
    assert people.psql(f"select {question}") == ""
    answer = people.psql(f"select {question}")
    assert answer.startswith("450 4.7.1 ") and told in answer
    refused = f"select count(answer) from (select {question} answer from generate_series(1, {second - limit - 1})) x"
    assert people.psql(refused) == str(second - limit - 1)
    assert people.psql("select mail.mailbox_state('box00001')") == "active"
    # What was refused keeps nobody out once what was taken counts no more.
    people.psql(f"update mail.sending set slot = slot - interval '{long_ago}' where {unit} = {limit - 1}")
    assert people.psql(f"select {question}") == ""


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("unit", QUESTIONS)
def test_dieu7_2b_the_second_number_locks_and_counts_what_was_refused(people: Scratch, unit: str, span: str) -> None:
    _, second = limits_of(people, f"{unit}_{span}")
    ask, (ago, _, told) = f"select mail.{QUESTIONS[unit]}('box00001')", SPANS[span]
    people.psql(sent(unit, second - 1, ago))
    assert told in people.psql(ask)
    assert people.psql("select mail.mailbox_state('box00001')") == "active"
    assert told in people.psql(ask)
    locked = "select mail.mailbox_state('box00001') || ':' || mail.state_cause('box00001')"
    assert people.psql(locked) == "locked:compromised"
    why = people.psql("select payload ->> 'why' from mail.notice where kind = 'sending_lock'")
    assert why == f"đã gửi {second + 1} {UNITS[unit]} trong một {'giờ' if span == 'hour' else 'ngày'}"


def test_dieu12_6_two_thousand_over_each_of_four_connections_are_counted_as_if_over_one(people: Scratch) -> None:
    """Postfix asks whether the login may use the sender, at each recipient and at the end of the message."""
    limit, second = limits_of(people, "messages_hour")
    people.psql("create table taken (at timestamptz)")
    # All in one slot, which each of them writes first.
    slot = "extract(epoch from date_bin('5 minutes', now(), 'epoch') + interval '5 minutes' - now())"
    people.psql(f"select pg_sleep({slot}) where {slot} < 30")
    # Each question is a transaction of its own.
    flood = (
        "do $$ begin for number in 1..2000 loop"
        " if exists (select from mail.postfix_senders('ha1@hanam.gov.vn')) then"
        " if (select mail.postfix_recipient('box00001')) is null then commit;"
        " if (select mail.postfix_sent('box00001')) is null then insert into taken values (now()); end if;"
        " end if; end if; commit; end loop; end $$"
    )
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(people.psql, [flood] * 4)) == [""] * 4
    assert people.psql("select count(*) from taken") == str(limit)
    assert people.psql("select mail.mailbox_state('box00001')") == "locked"
    whys = people.psql("select string_agg(payload ->> 'why', ' ') from mail.notice where kind = 'sending_lock'")
    assert whys == f"đã gửi {second + 1} thư trong một giờ"
    assert holds(people) == 1


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
