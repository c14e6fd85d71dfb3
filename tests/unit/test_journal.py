"""Which lines of a journal are a fault: those that no test had declared by then, or not any more."""

import re

import pytest
from tests import journal
from tests.journal import LATE, Line, Window, judge

LOCKED = "hanam-agent x9x9p1 sent viruses and is locked"
SENDS = Window("test_sends", 400, 410, frozenset({journal.VIRUSES}))
BOOT = Window("before the first test", 0, 50, frozenset({journal.CONVERGING, journal.DATABASE_AWAY}))
BEFORE = Window("test_before", 390, 395, frozenset())
AFTER = Window("test_after", 420, 430, frozenset())
WINDOWS = [BOOT, BEFORE, SENDS, AFTER]


@pytest.mark.parametrize("when", [400, 405, 410, 425, 410 + LATE], ids=str)
def test_what_a_test_provokes_may_be_said_while_it_runs_and_for_a_while_afterwards(when: float) -> None:
    assert judge([Line(when, LOCKED)], WINDOWS) == []


@pytest.mark.parametrize(
    ("when", "named"), [(40, "before the first test"), (392, "test_before"), (411 + LATE, "test_after")], ids=str
)
def test_the_same_line_at_another_time_is_a_fault_and_names_the_test_that_ran(when: float, named: str) -> None:
    assert judge([Line(when, LOCKED)], WINDOWS) == [f"{named}: {LOCKED}"]


def test_what_nobody_knows_is_a_fault_whatever_is_provoked() -> None:
    everything = Window("test_all", 0, 100, frozenset(journal.KNOWN))
    assert judge([Line(50, "dovecot imap: Error: something new")], [everything]) != []


@pytest.mark.parametrize(
    "said", ["", "UID 3: Failed to read stream: ", "Precache for UID=3 failed: Failed to read stream: "], ids=str
)
@pytest.mark.parametrize("program", ["imap(tta2)<17669><KSH>", "indexer-worker(tta2)<17675><KSH:0Ns>"], ids=str)
def test_a_folder_may_be_renamed_or_deleted_while_its_messages_are_read(program: str, said: str) -> None:
    """Of a message that is really gone the same session says more."""
    lost = f"dovecot {program}: Error: Mailbox Công việc: {said}Unexpectedly lost uid 3"
    assert judge([Line(450, lost)], WINDOWS) == []
    rebuilt = f"dovecot {program}: Warning: Mailbox Công việc: Rebuilding index"
    assert judge([Line(450, lost), Line(450, rebuilt)], WINDOWS) == [f"test_after: {rebuilt}"]


def test_what_converges_is_known_before_the_first_test_alone() -> None:
    line = "nsd signal received, shutting down in 3 seconds"
    assert judge([Line(10, line)], WINDOWS) == []
    assert judge([Line(392, line)], WINDOWS) != []


def test_hosts_that_boot_ask_for_the_database_until_it_is_there() -> None:
    line = 'hanam-agent connection failed: connection to server at "10.27.2.11", port 5432 failed: Connection refused'
    assert judge([Line(10, line)], WINDOWS) == []
    assert judge([Line(392, line)], WINDOWS) != []


def test_each_line_of_a_connection_that_the_database_closed_is_known() -> None:
    """Dovecot writes libpq's message line by line, each with its own words before it."""
    said = ("server closed the connection unexpectedly", "\tThis probably means the server terminated abnormally")
    lines = [*said, "\tbefore or while processing the request."]
    found = [Line(10, f"dovecot auth: Warning: sqlpool(pgsql): Query failed, retrying: {line}") for line in lines]
    assert judge(found, WINDOWS) == []


def test_a_question_that_a_reload_cut_off_has_no_reason_behind_it() -> None:
    line = "dovecot auth: Warning: sqlpool(pgsql): Query failed, retrying: "
    reloads = Window("test_reloads", 400, 410, frozenset({journal.DOVECOT_AWAY}))
    assert judge([Line(405, line)], [reloads]) == []
    assert judge([Line(405, line + "ERROR: permission denied for function dovecot_userdb")], [reloads]) != []
    assert judge([Line(405, line)], WINDOWS) != []


def test_what_these_hosts_always_say_is_no_fault() -> None:
    line = "dovecot master: Warning: Time moved forward by {} seconds"
    assert judge([Line(392, line.format("0.3")), Line(392, line.format("18.204"))], WINDOWS) == []
    assert judge([Line(392, line.format("3600.5"))], WINDOWS) != []


@pytest.mark.parametrize(
    "line",
    [
        "dovecot auth(tt4907a5f9cfa8,10.27.1.1,sasl:plain)<OkMXMphhluYKGwEB>: Error: user not found from any userdbs",
        "dovecot imap(11067): Error: auth-master: login: request [2937323527]: Login auth request failed: Authenticated"
        " user not found from userdb, auth lookup id=2937323527 (auth connected 27297 msecs ago)",
    ],
    ids=["auth", "imap"],
)
def test_a_mailbox_may_be_revoked_between_the_two_questions_of_a_sign_in_where_a_test_does_so(line: str) -> None:
    """Without one it says that those who may sign in are not those who have a mailbox."""
    revokes = Window("test_revokes", 400, 410, frozenset({journal.REVOKED_WHILE_OPENING}))
    assert judge([Line(405, line)], [revokes]) == []
    assert judge([Line(405, line)], WINDOWS) != []


def test_dovecots_sign_in_may_crash_as_it_ends_and_not_while_it_serves() -> None:
    line = "dovecot auth: Fatal: master: service(auth): child 15839 killed with signal 11 (core dumps disabled - x)"
    stops = Window("test_stops", 400, 410, frozenset({journal.DOVECOT_AWAY}))
    assert judge([Line(405, line)], [stops]) == []
    assert judge([Line(405, line)], WINDOWS) != []


def test_every_pattern_is_sound_and_stands_in_a_group_that_a_mark_can_name() -> None:
    names = {value for name, value in vars(journal).items() if name.isupper() and isinstance(value, str)}
    assert set(journal.KNOWN) <= names
    for patterns in journal.KNOWN.values():
        assert all(re.compile(pattern) for pattern in patterns)
