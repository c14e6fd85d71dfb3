"""The decision of a sign-in, as the database takes it (Đ4.6, Đ6, Đ7.1, Đ8.2a)."""

from itertools import pairwise

import pytest
from testinfra.host import Host

from tests.system.world import PASSWORD, WORLD, login, query, quoted, refused

LOCKED = WORLD + "select mail.mailbox_lock('test1person', 'compromised', '');"
IN = "test1person|y|||"


def aged(interval: str) -> str:
    """The world in which the person set his password so long ago."""
    return (
        WORLD
        + f"update mail.credential set changed_at = now() - interval '{interval}' where mailbox_id = 'test1person';"
    )


# --- Who it is ---


@pytest.mark.parametrize("name", ["test.nguoi@hanam.gov.vn", "Test.Nguoi", "test.nguoi.cu", "test1person"])
def test_the_right_password_leads_to_the_id_by_every_name(accounts_host: Host, name: str) -> None:
    assert query(accounts_host, login(name)) == IN


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("test.nguoi", "sai"),
        ("test.nguoi", ""),
        ("test.nguoi.hong", PASSWORD),
        ("khong.co.ai", PASSWORD),
        ("test.nguoi@example.org", PASSWORD),
        ("test.so", PASSWORD),
        ("", PASSWORD),
        ("' or true --", PASSWORD),
        ("%", PASSWORD),
        ("*", PASSWORD),
        ("test.nguoi", "' or true --"),
        ("n" * 10_000, "p" * 10_000),
    ],
    ids=[
        "wrong", "empty", "address ended", "unknown", "other domain", "no password of its own", "nobody",
        "SQL in the name", "percent", "star", "SQL in the password", "10 kB",
    ],
)  # fmt: skip
def test_everything_else_leads_nowhere(accounts_host: Host, name: str, password: str) -> None:
    assert query(accounts_host, login(name, password)) == ""


# --- States ---


@pytest.mark.dieu7
@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("idle", "khong su dung"),
        ("compromised", "chiem dung"),
        ("forbidden_use", "vi pham"),
        ("default_password", "mac dinh"),
    ],
)
def test_a_locked_mailbox_tells_why_to_the_right_password_only(accounts_host: Host, reason: str, words: str) -> None:
    """Each reason of the closed list Đ7.2."""
    lock = WORLD + f"select mail.mailbox_lock('test1person', '{reason}', '');"
    answer = query(accounts_host, login("test.nguoi"), world=lock).split("|")
    assert answer[:4] == ["test1person", "y", "", "y"]
    assert answer[4].isascii()
    assert "tam khoa" in answer[4]
    assert words in answer[4]
    assert answer[4].endswith(f"[locked:{reason}]")
    assert query(accounts_host, login("test.nguoi", "sai"), world=lock) == ""
    assert query(accounts_host, login("test.nguoi", protocol="smtp"), world=lock) == ""


@pytest.mark.dieu6
def test_a_revoked_mailbox_says_so_to_the_right_password_only(accounts_host: Host) -> None:
    answer = query(accounts_host, login("test.socu")).split("|")
    assert answer[3] == "y"
    assert "thu hoi" in answer[4]
    assert answer[4].endswith("[revoked]")
    assert query(accounts_host, login("test.socu", "sai")) == ""
    assert query(accounts_host, login("test.socu", protocol="smtp")) == ""


@pytest.mark.dieu8
def test_a_default_password_lets_nobody_in(accounts_host: Host) -> None:
    default = WORLD + "select mail.password_set('test1person', 'Mat-khau-khac-2!', true, false);"
    answer = query(accounts_host, login("test.nguoi", "Mat-khau-khac-2!"), world=default).split("|")
    assert answer[3] == "y"
    assert "https://mail.hanam.gov.vn/" in answer[4]
    assert answer[4].endswith("[must_change:default]")
    assert query(accounts_host, login("test.nguoi", "Mat-khau-khac-2!", "smtp"), world=default) == ""


@pytest.mark.dieu8
def test_an_expired_password_lets_nobody_in_and_is_never_called_a_lock(accounts_host: Host) -> None:
    """Đ8.2a: every 03 months. It is no lock of Đ7.2: no document is needed to go on."""
    expired = aged("4 months")
    answer = query(accounts_host, login("test.nguoi"), world=expired).split("|")
    assert answer[3] == "y"
    assert "het han" in answer[4]
    assert "tam khoa" not in answer[4]
    assert "locked" not in answer[4]
    assert answer[4].endswith("[must_change:expired]")
    assert query(accounts_host, login("test.nguoi", "sai"), world=expired) == ""
    assert query(accounts_host, login("test.nguoi", protocol="smtp"), world=expired) == ""
    assert query(accounts_host, "select mail.postfix_senders('test.nguoi@hanam.gov.vn')", world=expired) == ""


@pytest.mark.dieu8
@pytest.mark.parametrize(
    ("changed", "last_day"),
    [
        ("2026-01-12", "2026-04-13"),  # the 12th is a Sunday
        ("2025-11-30", "2026-03-02"),  # no 30th of February, and the 28th is a Saturday
        ("2026-03-10", "2026-06-10"),
    ],
)
def test_the_term_of_a_password_is_counted_in_calendar_months(accounts_host: Host, changed: str, last_day: str) -> None:
    """Bộ luật Dân sự, Điều 147-148: a missing day is the month's end; a day off gives way to the next working day."""
    world = WORLD + f"update mail.credential set changed_at = '{changed} 08:00' where mailbox_id = 'test1person';"
    ask = "select mail.password_expires_on(changed_at) from mail.credential where mailbox_id = 'test1person'"
    assert query(accounts_host, ask, world=world) == last_day
    for hour, state in ((f"{last_day} 23:59", "active"), (f"{last_day} 24:00", "must_change")):
        assert query(accounts_host, f"select mail.mailbox_state_at('test1person', '{hour}')", world=world) == state


@pytest.mark.dieu8
def test_a_stricter_maximum_age_counts_where_it_is_earlier(accounts_host: Host) -> None:
    stricter = "update mail.setting set value = '30' where name = 'password_max_age_days';"
    assert query(accounts_host, login("test.nguoi"), world=aged("31 days")) == IN
    assert "[must_change:expired]" in query(accounts_host, login("test.nguoi"), world=aged("31 days") + stricter)


@pytest.mark.dieu8
def test_passwords_whose_term_is_over_are_marked_so_that_open_sessions_end(accounts_host: Host) -> None:
    ask = (
        "with was as (select max(seq) as seq from mail.outbox) select mail.passwords_expire(now()) >= 1,"
        " (select must_change from mail.credential where mailbox_id = 'test1person') from was;"
        " select topic from mail.outbox where mailbox = 'test1person' order by seq desc limit 1;"
        " select mail.state_cause('test1person')"
    )
    shown = query(accounts_host, ask, world=aged("4 months")).splitlines()
    assert shown[0].startswith("t|")
    assert shown[1:] == ["mailbox.access", "expired"]


@pytest.mark.dieu7
def test_a_lock_needs_a_reason_of_the_closed_list(accounts_host: Host) -> None:
    assert "Đ7.2" in refused(accounts_host, "select mail.mailbox_lock('test1person', 'bored', '')")


# --- Ends of locks ---


@pytest.mark.dieu7
def test_a_mistaken_lock_is_lifted_by_a_correction_with_a_note_that_stays_in_the_audit(accounts_host: Host) -> None:
    assert "note" in refused(accounts_host, "select mail.mailbox_correct('test1person', ' ')", world=LOCKED)
    shown = query(
        accounts_host,
        "select mail.mailbox_correct('test1person', 'nhầm máy'); select mail.mailbox_state('test1person');"
        " select before ->> 'note' from mail.audit where object = 'lock_state' and key = 'test1person'"
        " and action = 'delete'",
        world=LOCKED,
    )
    assert shown.splitlines() == ["t", "active", "đính chính: nhầm máy"]


@pytest.mark.dieu7
def test_a_lock_with_a_document_is_not_lifted_by_a_correction(accounts_host: Host) -> None:
    """Đ7.3: it ends by the agency's document. A document that follows an emergency makes it such a lock."""
    follows = (
        LOCKED + "set local hanam.document = '7/STTTT'; select mail.mailbox_lock('test1person', 'compromised', '');"
    )
    assert "7/STTTT" in refused(accounts_host, "select mail.mailbox_correct('test1person', 'x')", world=follows)


# --- Passwords ---


@pytest.mark.dieu8
def test_passwords_are_compared_in_nfc_and_at_most_72_octets_long(accounts_host: Host) -> None:
    # The same letters, each accent a character of its own, as some keyboards write them.
    decomposed = r"U&'Ma\0323\0302t-kha\0302\0301u-so!'"
    one = WORLD + f"select mail.password_set('test1person', replace({decomposed}, 'so', '1M'), false, false);"
    assert query(accounts_host, login("test.nguoi", "Mật-khấu-1M!"), world=one) == IN
    long = "Aa1!" * 18
    assert "72" in refused(accounts_host, f"select mail.password_set('test1person', '{long}b', false, false)")
    set_long = WORLD + f"select mail.password_set('test1person', '{long}', false, false);"
    assert query(accounts_host, login("test.nguoi", long), world=set_long) == IN
    assert query(accounts_host, login("test.nguoi", long + "b"), world=set_long) == ""


@pytest.mark.parametrize(("octets", "answer"), [("", IN), ("ff", "")], ids=["right", "no UTF-8"])
def test_a_sealed_password_is_opened_with_the_shared_key(accounts_host: Host, octets: str, answer: str) -> None:
    sealed = (
        f"encode(mail_crypto.encrypt_iv('{PASSWORD}'::bytea || decode('{octets}', 'hex'), (select value from"
        " mail.secret where name = 'login_key'), decode(repeat('00', 16), 'hex'), 'aes-cbc/pad:pkcs'), 'hex')"
    )
    ask = f"select * from mail.dovecot_passdb_sealed('test.nguoi', {sealed}, 'imap', 993, '')"
    assert query(accounts_host, ask) == answer


def test_a_raised_cost_is_applied_at_the_next_sign_in_and_ends_no_session(accounts_host: Host) -> None:
    raised = "update mail.setting set value = '11' where name = 'password_bcrypt_cost';"
    last = "select coalesce(max(seq), 0) from mail.outbox"
    ask = (
        f"select set_config('t.last', ({last})::text, true); {login('test.nguoi', 'sai')}; {login('test.nguoi')};"
        " select left(hash, 7), mail.password_matches(hash, {}) from mail.credential where mailbox_id = 'test1person';"
        f" select ({last}) = current_setting('t.last')::bigint; {login('test.nguoi')}"
    ).format(quoted(PASSWORD))
    assert query(accounts_host, ask, world=WORLD + raised).splitlines()[1:] == [IN, "$2a$11$|t", "t", IN]


@pytest.mark.dieu4
def test_a_refusal_takes_as_long_whoever_it_is(accounts_host: Host) -> None:
    """By time nobody learns who exists, who has a first password (of a cheap hash), or that it was right but locked."""
    cheap = "update mail.credential set hash = mail_crypto.crypt('x', mail_crypto.gen_salt('bf', 4)) "
    cheap += "where mailbox_id = 'test1person';"
    many = "update mail.setting set value = '1000' where name like 'guessing%failures';"

    def seconds(statement: str, world: str = WORLD) -> float:
        """The shortest of several: the machine may be busy, but never faster than it is."""
        clock = "select 'at ' || extract(epoch from clock_timestamp())"
        shown = query(accounts_host, f"{clock}; " + f"{statement}; {clock}; " * 5 + "select 1", world=world + many)
        times = [float(line.split()[1]) for line in shown.splitlines() if line.startswith("at ")]
        return min(after - before for before, after in pairwise(times))

    known = seconds(login("test.nguoi", "sai"))
    for other in (
        seconds(login("khong.co.ai", "sai")),
        seconds(login("test.nguoi", "sai"), WORLD + cheap),
        seconds(login("test.nguoi", protocol="smtp"), LOCKED),
        seconds(login("test.socu", "sai")),
    ):
        assert 2 / 3 < known / other < 3 / 2
