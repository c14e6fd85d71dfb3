"""Agencies' mailboxes in their clerks' webmail: which there are, counting in them, who answered (Đ9.2, Đ12.3)."""

import pytest

from tests.database.databases import Database
from tests.database.world import PASSWORD, WORLD, login, query, refused

pytestmark = [pytest.mark.dieu9]

COUNTING = "test.so*test.nguoi*dem"
MINE = "test1person|test.nguoi@hanam.gov.vn||test.nguoi@hanam.gov.vn|Nguyễn Khắc Thử"
ITS = (
    "test2agency|test.so@hanam.gov.vn*test.nguoi@hanam.gov.vn|test.so@hanam.gov.vn*test.nguoi@hanam.gov.vn*dem"
    "|test.so@hanam.gov.vn|Sở Thử"
)
OTHER = (
    WORLD
    + """
    insert into mail.mailbox (id, kind, agency_id, name, shard, quota_bytes, state)
    values ('test4person', 'person', 'test0agency', 'Trần Văn Khác', 0, 2000000000, 'active');
    insert into mail.address (local_part, mailbox_id, kind) values ('test.khac', 'test4person', 'primary');
    select mail.password_set('test4person', 'Mat-khau-khac-1!', false, false);
"""
)


def mailboxes(database: Database, user: str, world: str = WORLD) -> list[str]:
    return query(database, f"select * from mail.webmail_mailboxes('{user}')", world=world).splitlines()


# --- Which there are ---


@pytest.mark.parametrize("user", ["test1person", "test2agency*test1person"])
def test_dieu9_2_a_clerk_finds_his_own_mailbox_and_the_agencys_from_either(database: Database, user: str) -> None:
    assert mailboxes(database, user) == [MINE, ITS]


@pytest.mark.dieu12
def test_dieu12_3_whoever_is_no_clerk_finds_his_own_mailbox_only(database: Database) -> None:
    assert [row.partition("|")[0] for row in mailboxes(database, "test4person", OTHER)] == ["test4person"]
    assert mailboxes(database, "test2agency*test4person", OTHER) == []
    assert mailboxes(database, "test4person*test1person", OTHER) == []
    assert mailboxes(database, "") == []


@pytest.mark.parametrize(
    "change",
    [
        "select mail.mailbox_lock('test2agency', 'forbidden_use', '')",
        "update mail.mailbox set state = 'revoked' where id = 'test2agency'",
        "delete from mail.mailbox_clerk where mailbox_id = 'test2agency'",
    ],
    ids=["locked", "revoked", "no clerk any more"],
)
def test_a_mailbox_that_would_not_let_him_in_is_not_offered(database: Database, change: str) -> None:
    assert mailboxes(database, "test1person", f"{WORLD} {change};") == [MINE]


def test_what_is_offered_signs_in(database: Database) -> None:
    for row, opens in zip(mailboxes(database, "test1person"), ("test1person", "test2agency"), strict=True):
        assert query(database, login(row.split("|")[1])) == f"{opens}|y|||"


# --- Counting ---


def test_the_webmail_counts_in_the_agencys_mailbox_and_no_other_program_does(database: Database) -> None:
    assert query(database, login(COUNTING, protocol="webmail")) == "test2agency|y|||"
    for protocol in ("imap", "pop3", "smtp", "submission", "sieve"):
        assert query(database, login(COUNTING, protocol=protocol)) == ""
    assert query(database, login(COUNTING, PASSWORD + "x", protocol="webmail")) == ""


@pytest.mark.parametrize(
    "name", ["test.so*test.nguoi*xem", "test.so*test.nguoi*dem*dem", "test.so*test.nguoi**dem", "test.nguoi*dem"]
)
def test_no_other_third_word_opens_anything(database: Database, name: str) -> None:
    assert query(database, login(name, protocol="webmail")) == ""


def test_counting_ends_with_the_clerks_lock(database: Database) -> None:
    lock = WORLD + "select mail.mailbox_lock('test1person', 'compromised', '');"
    assert query(database, login(COUNTING, protocol="webmail"), world=lock).split("|")[3] == "y"


def test_counting_is_nobodys_sign_in_to_the_webmail(database: Database) -> None:
    assert query(database, "select mail.webmail_login('test.so*test.nguoi@hanam.gov.vn')") == "test2agency*test1person"
    assert query(database, "select mail.webmail_login('test.so*test.nguoi*dem@hanam.gov.vn')") == ""


def test_dieu9_2_counting_is_no_check_of_the_mailbox_and_opening_it_is(database: Database) -> None:
    used = "select mailbox_id, clerk_id from mail.sign_in"
    feed = "insert into mail.sign_in_feed values ('test2agency', 'imap', '{}', extract(epoch from now())::bigint)"
    assert query(database, f"{feed.format(COUNTING)}; {used}; select count(*) from mail.activity") == "0"
    assert query(database, f"{feed.format('test.so*test.nguoi')}; {used}") == "test2agency|test1person"


def test_dieu9_2_the_switch_checks_the_mailbox_in_the_half_of_the_day_of_its_press(database: Database) -> None:
    at = "extract(epoch from ((current_date - 1) + time '{}')::timestamptz)::bigint"
    feed = "insert into mail.sign_in_feed values ('test2agency', 'imap', '{}', {})"
    presses = "; ".join(
        feed.format(name, at.format(time))
        for name, time in (("test.so*test.nguoi", "07:40"), (COUNTING, "14:00"), ("test.so*test.nguoi", "13:35"))
    )
    halves = "select half, clerk_id, times from mail.sign_in order by half"
    assert query(database, f"{presses}; {halves}").splitlines() == ["0|test1person|1", "1|test1person|1"]


def test_what_is_remembered_of_counting_is_forgotten_with_the_rest(database: Database) -> None:
    names = query(database, "select unnest(mail.cached_logins('test1person'))").splitlines()
    assert {COUNTING, "test.so*test.nguoi", "test2agency*test1person*dem"} <= set(names)
    gone = query(
        database,
        "delete from mail.mailbox_clerk where mailbox_id = 'test2agency';"
        " select jsonb_array_elements_text(payload -> 'logins') from mail.outbox where payload ->> 'cause' = 'clerk'",
    )
    assert COUNTING in gone.splitlines()


# --- Who answered ---


def test_dieu9_2_the_clerks_of_a_mailbox_are_named_those_that_were_too(database: Database) -> None:
    clerks = "select id from mail.webmail_clerks('test2agency*test1person')"
    assert query(database, clerks) == "test1person"
    former = (
        OTHER
        + "insert into mail.sign_in (mailbox_id, day, half, protocol, clerk_id, first_at, last_at)"
        + " values ('test2agency', current_date - 90, 0, 'imap', 'test4person', now(), now());"
    )
    assert query(database, clerks, world=former).splitlines() == ["test1person", "test4person"]
    assert query(database, "select id from mail.webmail_clerks('test1person')", world=former) == ""


@pytest.mark.parametrize("function", ["webmail_mailboxes", "webmail_clerks"])
def test_the_webmail_asks_by_function_and_nobody_else_does(database: Database, function: str) -> None:
    ask = f"select count(*) from mail.{function}('test2agency*test1person')"
    assert query(database, ask, world="", role="mail_webmail") == "0"
    assert "permission denied" in refused(database, ask, world="", role="mail_change")
    assert "permission denied" in refused(database, "select from mail.mailbox_clerk", world="", role="mail_webmail")
