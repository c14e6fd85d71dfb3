"""What an open session of the webmail is told at each click: whether it goes on, and of what to remind its person."""

import pytest

from tests.database.databases import Database
from tests.database.world import PASSWORD, WORLD, query, quoted, refused

PERSON, CLERK = "test1person", "test2agency*test1person"
# Told at the sign-in, like its session does.
STAMP = "(select changed_at from mail.credential where mailbox_id = 'test1person')"
LONG_AGO = "update mail.credential set changed_at = now() - interval '1 hour' where mailbox_id = 'test1person'"


def told(database: Database, user: str, *, before: str = "select", columns: str = "state, cause") -> str:
    """The answer to a session that was opened with the password of the world, after something happened."""
    world = f"{WORLD} {LONG_AGO}; create temporary table opened on commit drop as select {STAMP} as stamp;"
    asked = f"select {columns} from opened, mail.webmail_session({quoted(user)}, opened.stamp)"
    return query(database, f"{before}; select '--'; {asked}", world=world).rpartition("--\n")[2]


@pytest.mark.parametrize("user", [PERSON, CLERK])
def test_a_session_goes_on_while_nothing_happens(database: Database, user: str) -> None:
    assert told(database, user) == "active|"


@pytest.mark.dieu7
@pytest.mark.parametrize("user", [PERSON, CLERK])
@pytest.mark.parametrize(
    ("statement", "state"),
    [
        ("select mail.mailbox_lock('test1person', 'compromised', '')", "locked|compromised"),
        ("update mail.mailbox set state = 'revoked' where id = 'test1person'", "revoked|"),
        ("update mail.credential set must_change = true, is_default = false where mailbox_id = 'test1person'",
         "must_change|expired"),
        ("update mail.credential set must_change = true, is_default = true where mailbox_id = 'test1person'",
         "must_change|default"),
        # The term is over and no job has marked it yet.
        ("update mail.credential set changed_at = now() - interval '1 year', is_default = false"
         " where mailbox_id = 'test1person'", "must_change|expired"),
    ],
)  # fmt: skip
def test_dieu7_what_would_refuse_a_sign_in_ends_the_session_with_its_reason(
    database: Database, user: str, statement: str, state: str
) -> None:
    assert told(database, user, before=statement) == state


@pytest.mark.dieu7
@pytest.mark.parametrize(
    ("statement", "state"),
    [
        ("select mail.mailbox_lock('test2agency', 'forbidden_use', '')", "locked|forbidden_use"),
        ("update mail.mailbox set state = 'revoked' where id = 'test2agency'", "revoked|"),
        ("delete from mail.mailbox_clerk where mailbox_id = 'test2agency'", "closed|"),
    ],
)
def test_dieu7_what_shuts_an_agencys_mailbox_ends_its_clerks_sessions_and_not_their_own(
    database: Database, statement: str, state: str
) -> None:
    assert told(database, CLERK, before=statement) == state
    assert told(database, PERSON, before=statement) == "active|"


@pytest.mark.dieu8
@pytest.mark.parametrize("user", [PERSON, CLERK])
def test_another_password_ends_the_sessions_that_the_former_one_opened(database: Database, user: str) -> None:
    other = "select mail.password_set('test1person', 'Mua-Gat-2026@', {}, false)"
    assert told(database, user, before=other.format("false")) == "changed|"
    # The operator's too, which is to be changed: that is told to who has it, at the sign-in.
    assert told(database, user, before=other.format("true")) == "changed|"
    locked = f"{other.format('true')}; select mail.mailbox_lock('test1person', 'compromised', '')"
    assert told(database, user, before=locked) == "locked|compromised"


def test_a_session_that_was_opened_since_goes_on(database: Database) -> None:
    after = f"select state from mail.webmail_session('{PERSON}', {STAMP})"
    assert query(database, after) == "active"
    # One without a stamp, and one whose database was restored to an earlier day: the mail store knows.
    assert query(database, f"select state, stamp = {STAMP} from mail.webmail_session('{PERSON}', null)") == "active|t"
    older = f"{STAMP} + interval '1 day'"
    assert query(database, f"select state from mail.webmail_session('{PERSON}', {older})") == "active"


def test_a_hash_that_is_renewed_at_a_sign_in_ends_no_session(database: Database) -> None:
    renewed = (
        "update mail.setting set value = '16' where name = 'password_argon2_memory';"
        f"select from mail.dovecot_passdb('{PERSON}', {quoted(PASSWORD)}, 'imap', 993, '192.0.2.1')"
    )
    assert told(database, PERSON, before=renewed) == "active|"


@pytest.mark.parametrize("user", ["", "nobody", "test1person*test2agency", "test3closed*test1person", "a*b*c"])
def test_who_is_nobody_has_no_session(database: Database, user: str) -> None:
    assert told(database, user) == "closed|"


@pytest.mark.dieu8
@pytest.mark.parametrize(("left", "told_of"), [(15, "|"), (14, "14|14"), (1, "1|1"), (0, "0|0")])
def test_dieu8_the_end_of_a_password_is_told_from_the_first_day_of_the_regulations_reminders(
    database: Database, left: int, told_of: str
) -> None:
    # By days, as a stricter installation reckons: months may end on a day off, or in a year that nobody confirmed.
    begin = (
        "update mail.setting set value = '30' where name = 'password_max_age_days';"
        f"update mail.credential set changed_at = now() - interval '{30 - left} days' where mailbox_id = '{PERSON}'"
    )
    for user in (PERSON, CLERK):
        shown = f"select ends - current_date, days from mail.webmail_session('{user}', null)"
        assert query(database, f"{begin}; {shown}") == told_of


def test_a_term_that_cannot_be_told_reminds_nobody(database: Database) -> None:
    unknown = "update mail.setting set value = '{\"years\": {}}' where name = 'life_cycle_calendar'"
    shown = f"select state, ends, days from mail.webmail_session('{PERSON}', null)"
    assert query(database, f"{unknown}; {shown}") == "active||"


STEP = "create temp table step as select mail.second_step_new('test1person', 'webmail', interval '1 hour') as word"
ITS = "encode(mail.second_key_hash('test1person', (select word from step)), 'hex')"
TURNED_ON = "insert into mail.second_factor (mailbox_id, secret, confirmed_at) values ('test1person', '', now())"


@pytest.mark.parametrize("user", [PERSON, CLERK])
@pytest.mark.parametrize(
    ("happened", "word", "state"),
    [
        (TURNED_ON, ITS, "active"),
        ("update mail.second_step set ends_at = now()", ITS, "second_step"),
        ("delete from mail.second_step", ITS, "second_step"),
        ("update mail.second_step set door = 'page'", ITS, "second_step"),
        ("update mail.second_step set mailbox_id = 'test2agency'", ITS, "second_step"),
        # Turned on elsewhere, since: the password alone opens nothing any more.
        (TURNED_ON, "''", "second_step"),
        # A webmail of an earlier release does not tell.
        (TURNED_ON, "null", "active"),
        ("delete from mail.second_step; select mail.mailbox_lock('test1person', 'compromised', '')", ITS, "locked"),
    ],
)  # fmt: skip
def test_a_session_that_lost_its_second_step_ends_at_its_next_click(
    database: Database, user: str, happened: str, word: str, state: str
) -> None:
    asked = f"select state from mail.webmail_session('{user}', {STAMP}, {word})"
    assert query(database, f"{STEP}; {happened}; {asked}").splitlines()[-1] == state


def test_the_webmail_may_ask_this_and_not_look_itself(database: Database) -> None:
    asked = f"select state from mail.webmail_session('{PERSON}', null)"
    for role in ("mail_directory", "mail_change", "mail_held"):
        assert "permission denied" in refused(database, f"set local role {role}; {asked}")
    assert query(database, f"set local role mail_webmail; {asked}") == "active"
