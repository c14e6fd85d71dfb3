"""Where somebody is signed in: he sees and ends his own sessions, and nobody else's."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from hanam_mail.host.jobs import job_commands
from tests.database.databases import Database
from tests.database.scratch import Scratch
from tests.database.test_held_spam import held, office
from tests.database.world import query, quoted

__all__ = ["held", "office"]
pytestmark = pytest.mark.dieu4

HA1, HA2 = "box00001", "box00002"
CLERK = "test2agency*test1person"


def note(
    held: Scratch,
    login: str,
    word: str,
    address: str = "192.0.2.7",
    program: str = "Firefox, Windows",
    *,
    used: bool = True,
) -> None:
    given = ", ".join(map(quoted, (login, word, address, program)))
    held.psql(f"begin read write; select mail.webmail_visit_note({given}, {used}); commit", role="mail_webmail")


def listed(held: Scratch, login: str, word: str, what: str = "program, address, here") -> list[str]:
    return held.psql(
        f"select {what} from mail.webmail_visits({quoted(login)}, {quoted(word)}, 30)", role="mail_webmail"
    ).splitlines()


def end(held: Scratch, login: str, word: str, *keys: str, programs: bool = False, everything: bool = False) -> str:
    """How many ended and whether programs were cut off; nothing where that was refused."""
    given = "null" if everything else f"'{{{','.join(keys)}}}'"
    statement = f"select * from mail.webmail_visits_end({quoted(login)}, {quoted(word)}, {given}, {programs})"
    return held.psql(f"begin read write; {statement}; commit", role="mail_webmail").strip()


def over(held: Scratch, word: str) -> str:
    return held.psql(f"select ended from mail.webmail_visit_asked({quoted(word)})", role="mail_webmail").strip()


def aged(held: Scratch, what: str, interval: str, word: str) -> None:
    held.psql(
        f"update mail.webmail_visit set {what} = now() - interval '{interval}' where hash = mail.visit_hash('{word}')"
    )


def test_each_sees_his_own_sessions_that_of_the_question_first(office: Scratch) -> None:
    note(office, HA1, "mot")
    note(office, HA1, "hai", "2001:db8::9", "Chrome, Android")
    note(office, HA2, "ba")
    assert listed(office, HA1, "mot") == ["Firefox, Windows|192.0.2.7|t", "Chrome, Android|2001:db8::9|f"]
    assert listed(office, HA1, "hai")[0] == "Chrome, Android|2001:db8::9|t"
    assert listed(office, HA2, "ba") == ["Firefox, Windows|192.0.2.7|t"]


def test_only_an_open_session_of_that_person_asks(office: Scratch) -> None:
    note(office, HA1, "mot")
    note(office, HA1, "hai")
    office.psql("select mail.sign_in_succeeded('box00001', mail.source_address('192.0.2.9'), 'imap', '192.0.2.9')")
    places = "select count(*) from mail.webmail_sign_ins('{}', '{}')"
    asked = [(HA1, "mot", 2, "1"), (HA2, "mot", 0, "0"), (HA1, "la", 0, "0"), ("khong-co", "mot", 0, "0")]
    for login, word, sessions, addresses in asked:
        assert len(listed(office, login, word)) == sessions
        assert office.psql(places.format(login, word), role="mail_webmail") == addresses
    end(office, HA1, "mot", everything=True)
    assert listed(office, HA1, "hai") == []
    assert office.psql(places.format(HA1, "hai"), role="mail_webmail") == "0"


def test_a_session_that_nobody_uses_is_shown_no_more_and_a_day_later_forgotten(office: Scratch) -> None:
    note(office, HA1, "hai")
    note(office, HA1, "mot")
    aged(office, "seen_at", "31 minutes", "mot")
    assert len(listed(office, HA1, "hai")) == 1
    note(office, HA1, "mot")
    assert len(listed(office, HA1, "hai")) == 2
    assert office.psql("select mail.webmail_visits_prune()", role="mail_jobs") == "0"
    aged(office, "seen_at", "25 hours", "mot")
    note(office, HA1, "hai")
    assert office.psql("select count(*) from mail.webmail_visit") == "2", "no click forgets"
    assert office.psql("select mail.webmail_visits_prune()", role="mail_jobs") == "1"
    assert len(listed(office, HA1, "hai")) == 1


def test_an_ended_session_that_goes_on_asking_never_comes_back(office: Scratch) -> None:
    note(office, HA1, "mot")
    note(office, HA1, "hai")
    assert end(office, HA1, "mot", everything=True) == "1|f"
    for what in ("seen_at", "used_at", "ended_at"):
        aged(office, what, "5 months", "hai")
    note(office, HA1, "mot")
    office.psql("select mail.webmail_visits_prune()", role="mail_jobs")
    note(office, HA1, "hai")
    assert over(office, "hai") == "t"
    aged(office, "ended_at", "7 months", "hai")
    assert office.psql("select mail.webmail_visits_prune()", role="mail_jobs") == "1"


def test_the_nightly_job_forgets_sessions(office: Scratch) -> None:
    note(office, HA1, "mot")
    aged(office, "seen_at", "25 hours", "mot")
    with office.database.connect("mail_jobs") as connection:
        job_commands._prune(connection)
    assert office.psql("select count(*) from mail.webmail_visit") == "0"


def test_a_note_is_due_once_a_minute_of_a_person_and_more_seldom_of_a_page(office: Scratch) -> None:
    def asked() -> str:
        return office.psql("select ended, due, fading from mail.webmail_visit_asked('mot')", role="mail_webmail")

    assert asked() == "f|t|t"
    note(office, HA1, "mot")
    assert asked() == "f|f|f"
    aged(office, "used_at", "61 seconds", "mot")
    aged(office, "seen_at", "61 seconds", "mot")
    assert asked() == "f|t|f"
    aged(office, "seen_at", "6 minutes", "mot")
    assert asked() == "f|t|t"
    note(office, HA1, "mot", used=False)
    assert asked() == "f|t|f", "nobody used it"
    assert office.psql("select ended, due from mail.webmail_visit_asked(null)", role="mail_webmail") == "f|t"


def test_what_a_page_asks_by_itself_is_no_use_and_keeps_its_session_in_the_list(office: Scratch) -> None:
    note(office, HA1, "mot")
    aged(office, "used_at", "2 hours", "mot")
    aged(office, "seen_at", "29 minutes", "mot")
    (before,) = listed(office, HA1, "mot", "used")
    note(office, HA1, "mot", used=False)
    aged(office, "seen_at", "20 minutes", "mot")
    assert listed(office, HA1, "mot", "used") == [before]


SESSIONS = {
    "a password's": "mail.webmail_session('box00001', null, null)",
    "a token's": "mail.webmail_session_openid('box00001')",
}


@pytest.mark.parametrize("session", SESSIONS.values(), ids=SESSIONS)
def test_each_click_learns_of_its_session_in_one_round_trip(office: Scratch, session: str) -> None:
    """The question of hanam_session.php; by its user, which is a mailbox's id."""

    def told(word: str) -> str:
        question = f"select s.state, v.ended, v.due, v.fading from mail.webmail_visit_asked({word}) v"
        return office.psql(f"{question} cross join {session} s", role="mail_webmail")

    note(office, HA1, "mot")
    note(office, HA1, "hai")
    assert (told("'mot'"), told("'hai'"), told("null")) == ("active|f|f|f", "active|f|f|f", "active|f|t|t")
    assert end(office, HA1, "mot", everything=True) == "1|f"
    # The mailbox stays open: only that session is over.
    assert (told("'mot'"), told("'hai'")) == ("active|f|f|f", "active|t|f|f")
    office.psql("select mail.mailbox_lock('box00001', 'compromised', '')")
    assert (told("'mot'"), told("'hai'")) == ("locked|f|f|f", "locked|t|f|f")


def test_what_is_ended_is_over_and_stays_so_and_the_one_that_asks_goes_on(office: Scratch) -> None:
    note(office, HA1, "mot")
    note(office, HA1, "hai", "192.0.2.8", "Chrome, Android")
    note(office, HA1, "ba", "2001:db8::9", "")
    aged(office, "used_at", "1 minute", "ba")
    keys = listed(office, HA1, "mot", "key")
    assert end(office, HA1, "mot", *keys) == "2|f"
    assert [over(office, word) for word in ("mot", "hai", "ba")] == ["f", "t", "t"]
    note(office, HA1, "hai")
    assert over(office, "hai") == "t"
    assert len(listed(office, HA1, "mot")) == 1
    told = office.psql("select actor, key, before from mail.audit where object = 'session'").splitlines()
    assert len(told) == 1
    assert "@" in told[0].partition("|")[0]
    _, key, before = told[0].split("|", 2)
    assert (key, json.loads(before)) == (
        "box00001",
        {
            "programs": False,
            "sessions": [
                {"address": "192.0.2.8", "program": "Chrome, Android"},
                {"address": "2001:db8::9", "program": ""},
            ],
        },
    )


def test_the_history_of_the_mailbox_tells_what_was_ended(office: Scratch) -> None:
    note(office, HA1, "mot")
    note(office, HA1, "hai", "192.0.2.8", "Chrome, Android")
    end(office, HA1, "mot", programs=True, everything=True)
    told = office.command("history", "ha1").output
    assert "kết thúc từ nơi khác một phiên hộp thư trên web: Chrome, Android, địa chỉ mạng 192.0.2.8" in told
    assert "ngắt các chương trình thư; người thực hiện: ha1@" in told


def test_everything_is_all_others_however_many_and_however_long_unused(office: Scratch) -> None:
    note(office, HA1, "mot")
    note(office, HA2, "cua-ha2")
    office.psql(
        "insert into mail.webmail_visit (hash, mailbox_id, opened_id, program)"
        " select mail.visit_hash('s' || n), 'box00001', 'box00001', '' from generate_series(1, 300) n"
    )
    aged(office, "seen_at", "2 hours", "s1")
    assert end(office, HA1, "mot", everything=True) == "300|f"
    assert [over(office, word) for word in ("mot", "s1", "s300", "cua-ha2")] == ["f", "t", "t", "f"]
    assert end(office, HA1, "mot") == "0|f", "no keys are no session"


def test_a_refusal_is_no_number(office: Scratch) -> None:
    note(office, HA1, "mot")
    note(office, HA1, "hai")
    note(office, HA2, "ba")
    (key,) = [row for row in listed(office, HA1, "mot", "key, here") if row.endswith("|f")]
    key = key.partition("|")[0]
    for login, word in ((HA1, "la"), (HA1, "ba"), (HA2, "mot"), ("khong-co", "mot")):
        assert end(office, login, word, key, programs=True) == "", f"{login}, {word}"
        assert end(office, login, word, programs=True, everything=True) == "", f"{login}, {word}"
    assert end(office, HA1, "mot", key) == "1|f"
    assert end(office, HA1, "hai", programs=True, everything=True) == "", "it was ended itself"
    office.psql("update mail.mailbox set state = 'locked' where id = 'box00001'")
    assert end(office, HA1, "mot", programs=True, everything=True) == ""
    assert office.psql("select count(*) from mail.audit where object = 'session'") == "1"


def test_nobody_ends_anothers_session_by_its_key(office: Scratch) -> None:
    note(office, HA1, "mot")
    note(office, HA2, "hai")
    (key,) = listed(office, HA2, "hai", "key")
    assert end(office, HA1, "mot", key) == "0|f"
    assert over(office, "hai") == "f"
    assert office.psql("select count(*) from mail.audit where object = 'session'").strip() == "0"


def test_of_two_that_end_each_other_at_once_the_first_does(office: Scratch) -> None:
    note(office, HA1, "mot")
    note(office, HA1, "hai")
    first = f"select * from mail.webmail_visits_end('{HA1}', 'mot', null, false)"
    with office.database.connect("mail_webmail") as connection, ThreadPoolExecutor(1) as pool:
        connection.execute("begin read write")
        connection.execute(first)
        second = pool.submit(end, office, HA1, "hai", everything=True)
        office.wait_until(
            "exists (select from pg_locks where locktype = 'advisory' and not granted"
            " and database = (select oid from pg_database where datname = current_database()))"
        )
        connection.execute("commit")
        assert second.result(20) == ""
    assert (over(office, "mot"), over(office, "hai")) == ("f", "t")


def test_programs_are_cut_off_when_that_is_asked_for_and_once_a_minute_at_most(office: Scratch) -> None:
    note(office, HA1, "mot")
    before = office.psql("select coalesce(max(seq), 0) from mail.outbox").strip()
    cut = f"select topic, mailbox from mail.outbox where seq > {before}"
    assert end(office, HA1, "mot", programs=True) == "0|t"
    assert office.psql(cut) == f"mailbox.access|{HA1}"
    note(office, HA1, "hai")
    assert end(office, HA1, "mot", programs=True, everything=True) == "1|f"
    assert office.psql(cut) == f"mailbox.access|{HA1}"
    office.psql(
        "set session_replication_role = replica;"
        f" update mail.outbox set at = now() - interval '61 seconds' where seq > {before}"
    )
    assert end(office, HA1, "mot", programs=True, everything=True) == "0|t"


def test_a_session_that_left_is_gone_and_one_that_was_ended_stays_known(office: Scratch) -> None:
    for word in ("mot", "hai", "ba"):
        note(office, HA1, word)
    aged(office, "used_at", "1 minute", "hai")
    keys = listed(office, HA1, "ba", "key")
    assert end(office, HA1, "ba", keys[-1]) == "1|f"
    for word in ("mot", "hai"):
        office.psql(f"begin read write; select mail.webmail_visit_left('{word}'); commit", role="mail_webmail")
    assert (over(office, "mot"), over(office, "hai")) == ("f", "t")
    assert len(listed(office, HA1, "ba")) == 1


def test_a_session_goes_on_through_a_switch_of_mailboxes(office: Scratch) -> None:
    note(office, HA1, "hai")
    note(office, HA1, "mot")
    for login, opened in (("so*ha1", "so@"), (HA1, "")):
        note(office, login, "mot")
        shown = listed(office, login, "mot", "opened, here")
        assert [row.partition("@")[0] + "@" * ("@" in row) for row in shown] == [opened or "|t", "|f"]
    note(office, "so*ha1", "mot")
    assert end(office, HA1, "hai", everything=True) == "1|f"
    note(office, HA1, "mot")
    assert over(office, "mot") == "t"


def test_a_clerks_session_in_the_agencys_mailbox_is_the_clerks(database: Database) -> None:
    noted = f"select mail.webmail_visit_note('{CLERK}', 'mot', '192.0.2.7', '', true)"
    shown = "select opened, address from mail.webmail_visits('{}', 'mot', 30)"
    (opened, _, address) = query(database, f"{noted}; {shown.format('test1person')}").splitlines()[-1].partition("|")
    assert ("@" in opened, address) == (True, "192.0.2.7")
    assert "192.0.2.7" not in query(database, f"{noted}; {shown.format('test2agency')}")


def test_where_the_right_password_was_given_is_shown_to_its_owner(database: Database) -> None:
    signed_in = (
        "select mail.webmail_visit_note('test1person', 'mot', '192.0.2.7', '', true);"
        " select mail.sign_in_succeeded('test1person', mail.source_address('192.0.2.9'), 'imap', '192.0.2.9');"
        " select mail.sign_in_succeeded('test1person', mail.source_address('2001:db8::1'), 'smtp', '2001:db8::1')"
    )
    shown = "select address, protocols from mail.webmail_sign_ins('test1person', 'mot') order by 1"
    assert query(database, f"{signed_in}; select '--'; {shown}").rpartition("--\n")[2].splitlines() == [
        "192.0.2.9|imap",
        "2001:db8::/64|smtp",
    ]
