"""Where somebody is signed in: he sees and ends his own sessions, and nobody else's."""

import pytest

from tests.database.databases import Database
from tests.database.scratch import Scratch
from tests.database.test_held_spam import held, office
from tests.database.world import query, quoted

__all__ = ["held", "office"]
pytestmark = pytest.mark.dieu4

HA1, HA2 = "box00001", "box00002"
CLERK = "test2agency*test1person"


def note(held: Scratch, login: str, word: str, address: str = "192.0.2.7", program: str = "Firefox, Windows") -> None:
    given = ", ".join(map(quoted, (login, word, address, program)))
    held.psql(f"begin read write; select mail.webmail_visit_note({given}); commit", role="mail_webmail")


def listed(held: Scratch, login: str, word: str, what: str = "program, address, here") -> list[str]:
    return held.psql(
        f"select {what} from mail.webmail_visits({quoted(login)}, {quoted(word)}, 30)", role="mail_webmail"
    ).splitlines()


def end(held: Scratch, login: str, word: str, *keys: str, programs: bool = False) -> str:
    given = f"'{{{','.join(keys)}}}'::text[], {programs}"
    statement = f"select mail.webmail_visits_end({quoted(login)}, {quoted(word)}, {given})"
    return held.psql(f"begin read write; {statement}; commit", role="mail_webmail").strip()


def over(held: Scratch, word: str) -> str:
    return held.psql(f"select mail.webmail_visit_over({quoted(word)})", role="mail_webmail").strip()


def test_each_sees_his_own_sessions_that_of_the_question_first(office: Scratch) -> None:
    note(office, HA1, "mot")
    note(office, HA1, "hai", "2001:db8::9", "Chrome, Android")
    note(office, HA2, "ba")
    assert listed(office, HA1, "mot") == ["Firefox, Windows|192.0.2.7|t", "Chrome, Android|2001:db8::9|f"]
    assert listed(office, HA1, "hai")[0] == "Chrome, Android|2001:db8::9|t"
    assert listed(office, HA2, "ba") == ["Firefox, Windows|192.0.2.7|t"]
    assert listed(office, "khong-co", "mot") == []


def test_a_session_that_nobody_uses_is_shown_no_more_and_a_day_later_forgotten(office: Scratch) -> None:
    note(office, HA1, "mot")
    office.psql("update mail.webmail_visit set seen_at = now() - interval '31 minutes'")
    assert listed(office, HA1, "hai") == []
    note(office, HA1, "mot")
    assert len(listed(office, HA1, "hai")) == 1
    office.psql("update mail.webmail_visit set seen_at = now() - interval '25 hours'")
    note(office, HA1, "hai")
    assert office.psql("select count(*) from mail.webmail_visit").strip() == "1"


def test_what_is_ended_is_over_and_stays_so_and_the_one_that_asks_goes_on(office: Scratch) -> None:
    for word in ("mot", "hai", "ba"):
        note(office, HA1, word)
    keys = listed(office, HA1, "mot", "key")
    assert end(office, HA1, "mot", *keys) == "2"
    assert [over(office, word) for word in ("mot", "hai", "ba")] == ["f", "t", "t"]
    note(office, HA1, "hai")
    assert over(office, "hai") == "t"
    assert len(listed(office, HA1, "mot")) == 1
    assert end(office, HA1, "hai", *listed(office, HA1, "mot", "key")) == "0", "it was ended itself"
    told = office.psql("select actor, object, key, before from mail.audit where object = 'session'").splitlines()
    assert len(told) == 1
    assert told[0].endswith('|session|box00001|{"programs": false, "sessions": 2}')
    assert "@" in told[0].partition("|")[0]


def test_nobody_ends_anothers_session_by_its_key(office: Scratch) -> None:
    note(office, HA1, "mot")
    note(office, HA2, "hai")
    (key,) = listed(office, HA2, "hai", "key")
    assert end(office, HA1, "mot", key) == "0"
    assert over(office, "hai") == "f"
    assert office.psql("select count(*) from mail.audit where object = 'session'").strip() == "0"


def test_programs_are_cut_off_when_that_is_asked_for(office: Scratch) -> None:
    note(office, HA1, "mot")
    before = office.psql("select coalesce(max(seq), 0) from mail.outbox").strip()
    assert end(office, HA1, "mot", programs=True) == "0"
    assert office.psql(f"select topic, mailbox from mail.outbox where seq > {before}") == f"mailbox.access|{HA1}"


def test_a_session_that_left_is_gone_and_one_that_was_ended_stays_known(office: Scratch) -> None:
    note(office, HA1, "mot")
    note(office, HA1, "hai")
    keys = listed(office, HA1, "mot", "key")
    end(office, HA1, "mot", *keys)
    for word in ("mot", "hai"):
        office.psql(f"begin read write; select mail.webmail_visit_left('{word}'); commit", role="mail_webmail")
    assert (over(office, "mot"), over(office, "hai")) == ("f", "t")
    assert listed(office, HA1, "ba") == []


def test_a_clerks_session_in_the_agencys_mailbox_is_the_clerks(database: Database) -> None:
    noted = f"select mail.webmail_visit_note('{CLERK}', 'mot', '192.0.2.7', '')"
    shown = "select opened, address from mail.webmail_visits('{}', 'hai', 30)"
    (opened, _, address) = query(database, f"{noted}; {shown.format('test1person')}").splitlines()[-1].partition("|")
    assert ("@" in opened, address) == (True, "192.0.2.7")
    assert "192.0.2.7" not in query(database, f"{noted}; {shown.format('test2agency')}")


def test_where_the_right_password_was_given_is_shown_to_its_owner(database: Database) -> None:
    signed_in = (
        "select mail.sign_in_succeeded('test1person', mail.source_address('192.0.2.9'), 'imap', '192.0.2.9');"
        " select mail.sign_in_succeeded('test1person', mail.source_address('2001:db8::1'), 'smtp', '2001:db8::1')"
    )
    shown = "select address, protocols from mail.webmail_sign_ins('test1person') order by 1"
    assert query(database, f"{signed_in}; select '--'; {shown}").rpartition("--\n")[2].splitlines() == [
        "192.0.2.9|imap",
        "2001:db8::/64|smtp",
    ]
