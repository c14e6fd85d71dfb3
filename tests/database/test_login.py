"""The decision of a sign-in, as the database takes it (Đ4.6, Đ6, Đ7.1, Đ8.2a)."""

import pytest

from tests.database.databases import Database
from tests.database.world import PASSWORD, WORLD, login, query, refused

AUTOMATIC = "update mail.lock_state set automatic = true where mailbox_id = 'test1person';"
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
def test_the_right_password_leads_to_the_id_by_every_name(database: Database, name: str) -> None:
    assert query(database, login(name)) == IN


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
def test_everything_else_leads_nowhere(database: Database, name: str, password: str) -> None:
    assert query(database, login(name, password)) == ""


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
def test_a_locked_mailbox_tells_why_to_the_right_password_only(database: Database, reason: str, words: str) -> None:
    """Each reason of the closed list: Đ7.2a, Đ7.2b, Đ7.2c, Đ7.2d."""
    lock = WORLD + f"select mail.mailbox_lock('test1person', '{reason}', '');"
    answer = query(database, login("test.nguoi"), world=lock).split("|")
    assert answer[:4] == ["test1person", "y", "", "y"]
    assert answer[4].isascii()
    assert "tam khoa" in answer[4]
    assert words in answer[4]
    assert answer[4].endswith(f"[locked:{reason}]")
    assert query(database, login("test.nguoi", "sai"), world=lock) == ""
    assert query(database, login("test.nguoi", protocol="smtp"), world=lock) == ""


@pytest.mark.dieu6
def test_a_revoked_mailbox_says_so_to_the_right_password_only(database: Database) -> None:
    answer = query(database, login("test.socu")).split("|")
    assert answer[3] == "y"
    assert "thu hoi" in answer[4]
    assert answer[4].endswith("[revoked]")
    assert query(database, login("test.socu", "sai")) == ""
    assert query(database, login("test.socu", protocol="smtp")) == ""


@pytest.mark.dieu8
def test_a_default_password_lets_nobody_in(database: Database) -> None:
    default = WORLD + "select mail.password_set('test1person', 'Mat-khau-khac-2!', true, false);"
    answer = query(database, login("test.nguoi", "Mat-khau-khac-2!"), world=default).split("|")
    assert answer[3] == "y"
    assert "https://mail.hanam.gov.vn/" in answer[4]
    assert answer[4].endswith("[must_change:default]")
    assert query(database, login("test.nguoi", "Mat-khau-khac-2!", "smtp"), world=default) == ""


@pytest.mark.dieu8
def test_an_expired_password_lets_nobody_in_and_is_never_called_a_lock(database: Database) -> None:
    """Đ8.2a: every 03 months. It is no lock of Đ7.2: no document is needed to go on."""
    expired = aged("4 months")
    answer = query(database, login("test.nguoi"), world=expired).split("|")
    assert answer[3] == "y"
    assert "het han" in answer[4]
    assert "tam khoa" not in answer[4]
    assert "locked" not in answer[4]
    assert answer[4].endswith("[must_change:expired]")
    assert query(database, login("test.nguoi", "sai"), world=expired) == ""
    assert query(database, login("test.nguoi", protocol="smtp"), world=expired) == ""
    assert query(database, "select mail.postfix_senders('test.nguoi@hanam.gov.vn')", world=expired) == ""


@pytest.mark.dieu8
@pytest.mark.parametrize(
    ("changed", "last_day"),
    [
        ("2026-01-12", "2026-04-13"),  # the 12th is a Sunday
        ("2025-11-30", "2026-03-02"),  # no 30th of February, and the 28th is a Saturday
        ("2026-03-10", "2026-06-10"),
    ],
)
def test_the_term_of_a_password_is_counted_in_calendar_months(database: Database, changed: str, last_day: str) -> None:
    """Bộ luật Dân sự, Điều 147-148: a missing day is the month's end; a day off gives way to the next working day."""
    world = WORLD + f"update mail.credential set changed_at = '{changed} 08:00' where mailbox_id = 'test1person';"
    ask = "select mail.password_expires_on(changed_at) from mail.credential where mailbox_id = 'test1person'"
    assert query(database, ask, world=world) == last_day
    for hour, state in ((f"{last_day} 23:59", "active"), (f"{last_day} 24:00", "must_change")):
        assert query(database, f"select mail.mailbox_state_at('test1person', '{hour}')", world=world) == state


@pytest.mark.dieu8
def test_a_stricter_maximum_age_counts_where_it_is_earlier(database: Database) -> None:
    stricter = "update mail.setting set value = '30' where name = 'password_max_age_days';"
    assert query(database, login("test.nguoi"), world=aged("31 days")) == IN
    assert "[must_change:expired]" in query(database, login("test.nguoi"), world=aged("31 days") + stricter)


@pytest.mark.dieu8
def test_passwords_whose_term_is_over_are_marked_so_that_open_sessions_end(database: Database) -> None:
    ask = (
        "with was as (select max(seq) as seq from mail.outbox) select mail.passwords_expire(now()) >= 1,"
        " (select must_change from mail.credential where mailbox_id = 'test1person') from was;"
        " select topic from mail.outbox where mailbox = 'test1person' order by seq desc limit 1;"
        " select mail.state_cause('test1person')"
    )
    shown = query(database, ask, world=aged("4 months")).splitlines()
    assert shown[0].startswith("t|")
    assert shown[1:] == ["mailbox.access", "expired"]


@pytest.mark.dieu7
def test_a_lock_needs_a_reason_of_the_closed_list(database: Database) -> None:
    assert "Đ7.2" in refused(database, "select mail.mailbox_lock('test1person', 'bored', '')")


# --- Ends of locks ---


@pytest.mark.dieu7
def test_a_mistaken_lock_is_lifted_by_a_correction_with_a_note_that_stays_in_the_audit(database: Database) -> None:
    locked = LOCKED + AUTOMATIC
    assert "ghi chú" in refused(database, "select mail.mailbox_correct('test1person', ' ')", world=locked)
    shown = query(
        database,
        "select mail.mailbox_correct('test1person', 'nhầm máy'); select mail.mailbox_state('test1person');"
        " select before ->> 'note' from mail.audit where object = 'lock_state' and key = 'test1person'"
        " and action = 'delete'",
        world=locked,
    )
    assert shown.splitlines() == ["t", "active", "đính chính: nhầm máy"]


@pytest.mark.dieu7
def test_a_persons_lock_takes_the_place_of_an_automatic_one(database: Database) -> None:
    """Idle for months, and then somebody else is in it: the weightier reason must not get lost."""
    idle = (
        WORLD
        + "select mail.mailbox_lock('test1person', 'idle', 'hết hạn');"
        + AUTOMATIC
        + "update mail.lock_state set locked_at = now() - interval '9 days' where mailbox_id = 'test1person';"
        + "set local hanam.actor = 'lan'; select mail.mailbox_lock('test1person', 'compromised', 'máy nhiễm virus');"
    )
    shown = query(
        database,
        "select reason, note, automatic, locked_by, locked_at = now() from mail.lock_state"
        " where mailbox_id = 'test1person';"
        " select mail.state_cause('test1person');"
        " select actor, before ->> 'reason', after ->> 'reason', after ->> 'note' from mail.audit"
        " where object = 'lock_state' and key = 'test1person' and action = 'update' order by seq desc limit 1",
        world=idle,
    )
    assert shown.splitlines() == [
        "compromised|máy nhiễm virus|f|lan|t",
        "compromised",
        "lan|idle|compromised|máy nhiễm virus",
    ]
    assert "lan" in refused(database, "select mail.mailbox_correct('test1person', 'chưa quá hạn')", world=idle)
    by_name = "select mail.mailbox_correct('test1person', 'nhầm địa chỉ', true)"
    assert query(database, by_name, world=idle) == "t"


@pytest.mark.dieu7
def test_what_follows_a_persons_lock_is_kept_with_it(database: Database) -> None:
    shown = query(
        database,
        "select mail.mailbox_lock('test1person', 'forbidden_use', 'phát tán');"
        " select reason, note from mail.lock_state where mailbox_id = 'test1person';"
        " set local hanam.document = '7/STTTT';"
        " select mail.mailbox_lock('test1person', 'forbidden_use', '');"
        " select reason, document from mail.lock_state where mailbox_id = 'test1person'",
        world=LOCKED,
    )
    assert shown.splitlines() == ["f", "compromised|forbidden_use: phát tán", "f", "forbidden_use|7/STTTT"]


@pytest.mark.dieu7
def test_a_restore_needs_a_document_and_is_remembered_until_the_registry_has_it(database: Database) -> None:
    assert "Đ7.3" in refused(database, "select mail.mailbox_restore('test1person')", world=LOCKED)
    shown = query(
        database,
        "set local hanam.document = '8/STP'; select mail.mailbox_restore('test1person');"
        " select mail.mailbox_state(id), restored_by_command ->> 'document',"
        " restored_by_command ->> 'on' = current_date::text from mail.mailbox where id = 'test1person';"
        " select mail.mailbox_restore('test1person');"
        " select mail.restores_followed('{test1person}');"
        " select restored_by_command is null from mail.mailbox where id = 'test1person'",
        world=LOCKED,
    )
    assert [line for line in shown.splitlines() if line] == ["t", "active|8/STP|t", "f", "t"]


# --- Least privilege ---


@pytest.mark.dieu12
@pytest.mark.parametrize(
    "statement",
    ["select mail.mailbox_unlock('x')", "select mail.password_set('x', 'Mat-khau-thu-1!', false, false)"],
)
def test_the_operators_role_neither_unlocks_without_a_document_nor_chooses_a_password(
    database: Database, statement: str
) -> None:
    assert "permission denied" in refused(database, statement, world="", role="mail_apply")


@pytest.mark.dieu12
@pytest.mark.parametrize("value", ["false", None])
def test_outside_of_a_laboratory_nobody_may_choose_a_password_for_another(
    database: Database, value: str | None
) -> None:
    off = (
        f"update mail.setting set value = '{value}' where name = 'password_chosen_for_others';"
        if value
        else "delete from mail.setting where name = 'password_chosen_for_others';"
    )
    complaint = refused(
        database, "select mail.password_set('test1person', 'Mat-khau-khac-2!', true, false)", world=WORLD + off
    )
    assert "password_chosen_for_others" in complaint


# --- Revocations ---


@pytest.mark.dieu6
def test_data_are_kept_from_the_day_the_mailbox_was_closed_here_whatever_its_document_says(database: Database) -> None:
    closed = WORLD + (
        'update mail.mailbox set state = \'revoked\', document = \'{"event": "revoke", "done": "2020-01-01"}\''
        " where id = 'test1person';"
    )
    ask = "select revoked_on = current_date, state from mail.purge_candidate('test1person')"
    assert query(database, ask, world=closed) == "t|revoked"
    # Nobody's UPDATE moves it, and a mailbox that is open again has none.
    moved = closed + "update mail.mailbox set revoked_at = now() - interval '1 year' where id = 'test1person';"
    assert query(database, ask, world=moved) == "t|revoked"
    opened = closed + "update mail.mailbox set state = 'active' where id = 'test1person';"
    assert query(database, "select revoked_on is null from mail.purge_candidate('test1person')", world=opened) == "t"


@pytest.mark.dieu7
def test_a_lock_with_a_document_is_not_lifted_by_a_correction(database: Database) -> None:
    """Đ7.3: it ends by the agency's document. A document that follows an emergency makes it such a lock."""
    follows = (
        LOCKED + "set local hanam.document = '7/STTTT'; select mail.mailbox_lock('test1person', 'compromised', '');"
    )
    assert "7/STTTT" in refused(database, "select mail.mailbox_correct('test1person', 'x')", world=follows)


# --- Passwords ---


@pytest.mark.dieu8
def test_passwords_are_compared_in_nfc_and_at_most_72_octets_long(database: Database) -> None:
    # The same letters, each accent a character of its own, as some keyboards write them.
    decomposed = r"U&'Ma\0323\0302t-kha\0302\0301u-so!'"
    one = WORLD + f"select mail.password_set('test1person', replace({decomposed}, 'so', '1M'), false, false);"
    assert query(database, login("test.nguoi", "Mật-khấu-1M!"), world=one) == IN
    long = "Aa1!" * 18
    assert "72" in refused(database, f"select mail.password_set('test1person', '{long}b', false, false)")
    set_long = WORLD + f"select mail.password_set('test1person', '{long}', false, false);"
    assert query(database, login("test.nguoi", long), world=set_long) == IN
    assert query(database, login("test.nguoi", long + "b"), world=set_long) == ""


@pytest.mark.parametrize(("octets", "answer"), [("", IN), ("ff", "")], ids=["right", "no UTF-8"])
def test_a_sealed_password_is_opened_with_the_shared_key(database: Database, octets: str, answer: str) -> None:
    sealed = (
        f"encode(mail_crypto.encrypt_iv('{PASSWORD}'::bytea || decode('{octets}', 'hex'), (select value from"
        " mail.secret where name = 'login_key'), decode(repeat('00', 16), 'hex'), 'aes-cbc/pad:pkcs'), 'hex')"
    )
    ask = f"select * from mail.dovecot_passdb_sealed('test.nguoi', {sealed}, 'imap', 993, '')"
    assert query(database, ask) == answer
