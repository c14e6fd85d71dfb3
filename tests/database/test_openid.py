"""Whom a token of the province's account service lets in, once Dovecot has found it valid (record 0082)."""

import pytest

from tests.database.databases import Database
from tests.database.world import WORLD, query, quoted, refused

NAMED = WORLD + (
    "update mail.setting set value = '\"hanam.gov.vn\"' where name = 'mail_domain';"
    "update mail.setting set value = '[\"192.0.2.7/32\"]' where name = 'webmail_networks';"
)
PERSON = "test.nguoi@hanam.gov.vn"
IN = "test1person|y|||"
LOCK = "select from mail.mailbox_lock('test1person', 'compromised', '')"


def asked(
    database: Database,
    login: str = PERSON,
    *,
    before: str = "select",
    protocol: str = "webmail",
    mechanism: str = "XOAUTH2",
    address: str = "192.0.2.1",
) -> str:
    """What Dovecot is answered, after something happened."""
    asks = f"select * from mail.dovecot_openid({quoted(login)}, '{mechanism}', '{protocol}', '{address}')"
    return query(database, f"{before}; select '--'; {asks}", world=NAMED).rpartition("--")[2].strip()


def test_a_person_is_let_in_by_each_address_that_is_his_today(database: Database) -> None:
    assert asked(database) == IN
    assert asked(database, "test.nguoi.cu@hanam.gov.vn") == IN


@pytest.mark.parametrize(
    "login",
    [
        "", "test.nguoi", "test1person", "test.nguoi@", "test.nguoi@khac.vn", "test.nguoi@hanam.gov.vn@khac.vn",
        "test.nguoi@HANAM.gov.vn", "Test.nguoi@hanam.gov.vn", "test.nguoi+a@hanam.gov.vn", "test.nguoi @hanam.gov.vn",
        "test.nguoi@hanam.gov.vn.", "test.nguoi.hong@hanam.gov.vn", "khong.co@hanam.gov.vn", "test1person@hanam.gov.vn",
        # What clerks open, by its own name and by theirs.
        "test.so@hanam.gov.vn", "test.so@hanam.gov.vn*test.nguoi@hanam.gov.vn", "test2agency*test1person",
    ],
)  # fmt: skip
def test_no_other_form_of_an_address_opens_anything(database: Database, login: str) -> None:
    assert asked(database, login) == ""


@pytest.mark.dieu7
def test_dieu7_a_lock_and_a_revocation_are_told_and_sending_is_refused(database: Database) -> None:
    locked = asked(database, before=LOCK)
    assert locked.startswith("test1person|y||y|")
    assert locked.endswith("[locked:compromised]")
    revoked = "update mail.mailbox set state = 'revoked' where id = 'test1person'"
    assert asked(database, before=revoked).endswith("[revoked]")
    for state in (LOCK, revoked):
        assert asked(database, before=state, protocol="smtp", address="192.0.2.7") == ""


def test_the_age_of_a_password_that_nobody_typed_is_no_matter(database: Database) -> None:
    for default in ("true", "false"):
        must = f"update mail.credential set must_change = true, is_default = {default} where mailbox_id = 'test1person'"
        assert asked(database, before=must) == IN
        told = f"{must}; select '--'; select state, cause, stamp, days from mail.webmail_session_openid('test1person')"
        assert query(database, told, world=NAMED).endswith("active|||")


def test_a_token_is_heard_only_from_who_speaks_for_a_browser_and_from_the_webmails_own_host(database: Database) -> None:
    for protocol in ("imap", "pop3", "lmtp", ""):
        assert asked(database, protocol=protocol, address="192.0.2.7") == ""
    for protocol in ("smtp", "submission", "sieve"):
        assert asked(database, protocol=protocol) == ""
        assert asked(database, protocol=protocol, address="") == ""
        assert asked(database, protocol=protocol, address="192.0.2.7") == IN


def test_a_password_that_nobody_looked_at_opens_nothing(database: Database) -> None:
    for mechanism in ("PLAIN", "LOGIN", "", "ANONYMOUS"):
        assert asked(database, mechanism=mechanism) == ""


@pytest.mark.dieu9
def test_dieu9_the_sign_in_is_noted_with_the_browsers_place(database: Database) -> None:
    noted = "select host(client), protocols from mail.sign_in_address where mailbox_id = 'test1person'"
    sign_in = f"select from mail.dovecot_openid('{PERSON}', 'XOAUTH2', 'webmail', '192.0.2.1')"
    assert query(database, f"{sign_in}; {noted}", world=NAMED).endswith("192.0.2.1|{webmail}")
    assert query(database, f"{LOCK}; {sign_in}; {noted}", world=NAMED) == ""


@pytest.mark.dieu7
def test_dieu7_an_open_session_ends_with_what_shuts_the_mailbox_and_not_with_a_password(database: Database) -> None:
    def told(before: str, id: str = "test1person") -> str:
        asks = f"select state, cause from mail.webmail_session_openid('{id}')"
        return query(database, f"{before}; select '--'; {asks}", world=NAMED).rpartition("--\n")[2]

    assert told("select") == "active|"
    assert told("select mail.password_set('test1person', 'Mua-Gat-2026@', false, false)") == "active|"
    assert told(LOCK) == "locked|compromised"
    assert told("update mail.mailbox set state = 'revoked' where id = 'test1person'") == "revoked|"
    for nobody in ("", "nobody", "test2agency", "test2agency*test1person"):
        assert told("select", nobody).startswith("closed")


def test_only_dovecot_asks_and_only_the_webmail_looks(database: Database) -> None:
    asks = f"select from mail.dovecot_openid('{PERSON}', 'XOAUTH2', 'webmail', '192.0.2.1')"
    looks = "select state from mail.webmail_session_openid('test1person')"
    for role, statement in (("mail_webmail", asks), ("mail_dovecot", looks), ("mail_agent", asks)):
        assert "permission denied" in refused(database, f"set role {role}; {statement}")
