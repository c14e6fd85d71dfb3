"""What the functions of the accounts database answer, what their triggers refuse, and who may call them."""

import pytest

from tests.database.databases import Database
from tests.database.world import WORLD, query, refused

# --- Rights ---


@pytest.mark.parametrize(
    "statement",
    [
        "select * from mail.credential",
        "select mail.dovecot_passdb('a', 'b', 'imap', 1, '')",
        "update mail.audit set actor = 'x'",
        "delete from mail.address",
        "set role mail_owner",
    ],
)
def test_the_applying_role_cannot(database: Database, statement: str) -> None:
    assert "permission denied" in refused(database, statement, world="", role="mail_apply")


def test_functions_belong_to_their_roles_alone(database: Database) -> None:
    ask = (
        "select string_agg(r.rolname, ',' order by 1) from pg_roles r where r.rolcanlogin and not r.rolsuper"
        " and has_function_privilege(r.oid, 'mail.{}', 'execute');"
    )
    doors = ("dovecot_passdb_sealed(text,text,text,int,text)", "change_password_sealed(text,text,text,text)")
    assert [query(database, ask.format(door), world="") for door in doors] == ["mail_dovecot", "mail_change"]
    # In clear a password could stand in a log: nobody calls these from outside.
    for door in ("dovecot_passdb(text,text,text,int,text)", "change_password(text,text,text,text)"):
        assert query(database, ask.format(door), world="") == ""


# --- Postfix, Dovecot, webmail ---


@pytest.mark.dieu7
def test_a_locked_mailbox_still_receives_but_does_not_send(database: Database) -> None:
    lock = WORLD + "select mail.mailbox_lock('test1person', 'compromised', '');"
    address = "'test.nguoi@hanam.gov.vn'"
    assert query(database, f"select mail.postfix_mailbox({address})", world=lock) == "test1person"
    assert query(database, f"select mail.postfix_senders({address})", world=lock) == ""
    assert query(database, f"select mail.postfix_senders({address})") == "test1person"


@pytest.mark.dieu9
def test_a_clerk_sends_as_the_agency_until_he_is_locked(database: Database) -> None:
    ask = "select mail.postfix_senders('test.so@hanam.gov.vn')"
    assert query(database, ask).splitlines() == ["test1person", "test2agency"]
    lock = WORLD + "select mail.mailbox_lock('test1person', 'idle', '');"
    assert query(database, ask, world=lock) == "test2agency"


def test_who_may_send_as_an_address_is_asked_of_no_other_mailboxes_clerks(database: Database) -> None:
    more = (
        WORLD
        + """
        insert into mail.mailbox (id, kind, agency_id, name, shard, quota_bytes, state)
        select 'clerk' || n, 'person', 'test0agency', 'Thử', 0, 2000000000, 'active' from generate_series(1, 40) n;
        insert into mail.mailbox_clerk select 'test3closed', 'clerk' || n from generate_series(1, 40) n;
        analyze mail.mailbox_clerk;
        set local track_functions = 'all';
    """
    )
    ask = (
        "select mail.postfix_senders('{}@hanam.gov.vn');"
        " select calls from pg_stat_xact_user_functions where funcname = 'mailbox_state'"
    )
    # Of the address' own mailbox and of its clerk, some times each; there are forty other clerks.
    for address in ("test.nguoi", "test.so"):
        assert 0 < int(query(database, ask.format(address), world=more).splitlines()[-1]) < 10


@pytest.mark.dieu6
def test_a_revoked_mailbox_receives_nothing_and_says_so(database: Database) -> None:
    assert query(database, "select mail.postfix_mailbox('test.socu@hanam.gov.vn')") == ""
    reply = query(database, "select mail.postfix_revoked('test.socu@hanam.gov.vn')")
    assert reply.startswith("5.2.1 ")
    assert reply.isascii()
    assert query(database, "select mail.postfix_revoked('test.nguoi@hanam.gov.vn')") == ""
    assert query(database, "select * from mail.dovecot_userdb('test.socu')") == ""


def test_dovecot_is_told_home_owner_and_quota(database: Database) -> None:
    shown = query(database, "select * from mail.dovecot_userdb('test.nguoi@hanam.gov.vn')")
    # The empty column is for a locked mailbox, whose own rules stop (Đ4.5); then what the rules may send under (Đ4.6).
    assert shown.startswith("test1person|/srv/mail/te/test1person|5000|5000|2000000000B||test.nguoi@hanam.gov.vn|")
    assert shown.rpartition("|")[2].split(",")[0] == "test.nguoi@hanam.gov.vn"


def test_the_webmail_is_told_the_addresses_primary_first(database: Database) -> None:
    shown = query(database, "select * from mail.webmail_addresses('test1person')")
    assert shown.splitlines() == [
        "test.nguoi@hanam.gov.vn|Nguyễn Khắc Thử",
        "test.nguoi.cu@hanam.gov.vn|Nguyễn Khắc Thử",
    ]


# --- What can never happen ---


@pytest.mark.dieu5
@pytest.mark.parametrize(
    "statement",
    [
        "delete from mail.address where local_part = 'test.nguoi'",
        "update mail.address set mailbox_id = 'test2agency' where local_part = 'test.nguoi'",
        "insert into mail.address values ('Test.Nguoi', 'test2agency', 'alias')",
        "insert into mail.address values ('test.nguoi', 'test2agency', 'alias')",
        "update mail.mailbox set id = 'test9other' where id = 'test2agency'",
        "delete from mail.mailbox where id = 'test2agency'",
    ],
)
def test_an_address_never_changes_hands_even_by_the_superuser(database: Database, statement: str) -> None:
    refused(database, statement)


@pytest.mark.parametrize(
    "statement",
    ["update mail.audit set actor = 'x'", "delete from mail.audit", "truncate mail.audit"],
)
def test_the_audit_is_append_only(database: Database, statement: str) -> None:
    assert "nhật ký chỉ được ghi thêm" in refused(database, statement)


def test_the_audit_names_actor_commit_and_document_and_no_hash(database: Database) -> None:
    world = (
        "set local hanam.actor = 'lan'; set local hanam.git_commit = 'abc123'; set local hanam.document = '1/STTTT';"
    )
    shown = query(
        database,
        "select actor, git_commit, document, object, action, after ->> 'hash' from mail.audit"
        " where key = 'test1person' and object = 'credential'",
        world=world + WORLD,
    )
    assert shown == "lan|abc123|1/STTTT|credential|insert|***"


@pytest.mark.parametrize(
    ("table", "change", "old", "new"),
    [
        ("setting", "set name = 'mail_domains' where name = 'mail_domain'", "mail_domain", "mail_domains"),
        ("absence", "set begins = '2024-02-02' where begins = '2024-01-01'", "test1person/2024-01-01",
         "test1person/2024-02-02"),
        ("mailbox_clerk", "set clerk_id = 'test3closed' where clerk_id = 'test1person'", "test2agency/test1person",
         "test2agency/test3closed"),
        ("credential", "set mailbox_id = 'test2agency' where mailbox_id = 'test1person'", "test1person", "test2agency"),
    ],
)  # fmt: skip
def test_a_changed_key_stands_in_the_audit(database: Database, table: str, change: str, old: str, new: str) -> None:
    """A key is no field that only changes: under the old one something has gone, under the new one something come."""
    absence = "insert into mail.absence values ('test1person', '2024-01-01', '2024-06-30', '2024-0001');"
    shown = query(
        database,
        f"set local hanam.actor = 'tester'; update mail.{table} {change};"
        f" select a.key, a.action, a.before is not null, a.after is not null, position('$2a$' in a::text)"
        f" from mail.audit a where a.object = '{table}' and a.actor = 'tester' order by a.seq",
        world=WORLD + absence,
    )
    assert shown.splitlines() == [f"{old}|delete|t|f|0", f"{new}|insert|f|t|0"]
