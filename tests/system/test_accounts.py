"""The accounts database as it runs: who gets in, what the functions answer, what stays in the log.

Statements about accounts run in a transaction that is rolled back, so no mailbox of the lab is touched.
"""

import json

import pytest
from testinfra.host import Host

from tests.lab import Lab
from tests.system.world import WORLD, login, query, refused

# --- Service ---


def test_the_cluster_runs_and_starts_at_boot(accounts_host: Host) -> None:
    unit = accounts_host.service("postgresql@17-main")
    assert unit.is_running
    assert unit.is_enabled


def test_the_unit_is_confined(accounts_host: Host) -> None:
    shown = accounts_host.check_output(
        "systemctl show postgresql@17-main -p NoNewPrivileges -p ProtectSystem -p ProtectHome -p PrivateDevices"
    )
    assert set(shown.split()) == {
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateDevices=yes",
    }


def test_nobody_listens_on_the_network_unless_a_neighbour_needs_it(lab: Lab, accounts_host: Host) -> None:
    clients = {lab.host(group) for group in ("mx", "submission", "mailstore", "webmail")}
    listening = accounts_host.check_output("ss -Hltn 'sport = 5432'")
    assert bool(listening) == bool(clients - {lab.host("accounts")})


def test_an_os_user_is_its_own_role_and_no_other(accounts_host: Host) -> None:
    query(accounts_host, "select 1", world="", user="hanam-mail", role="mail_apply")
    for role in ("mail_dovecot", "mail_migrate", "postgres"):
        assert "Peer authentication failed" in refused(
            accounts_host, "select 1", world="", user="hanam-mail", role=role
        )


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
def test_the_applying_role_cannot(accounts_host: Host, statement: str) -> None:
    assert "permission denied" in refused(accounts_host, statement, world="", user="hanam-mail", role="mail_apply")


def test_functions_belong_to_their_roles_alone(accounts_host: Host) -> None:
    ask = (
        "select string_agg(r.rolname, ',' order by 1) from pg_roles r where r.rolcanlogin and not r.rolsuper"
        " and has_function_privilege(r.oid, 'mail.{}', 'execute');"
    )
    doors = ("dovecot_passdb_sealed(text,text,text,int,text)", "change_password_sealed(text,text,text,text)")
    assert [query(accounts_host, ask.format(door), world="") for door in doors] == ["mail_dovecot", "mail_change"]
    # In clear a password could stand in a log: nobody calls these from outside.
    for door in ("dovecot_passdb(text,text,text,int,text)", "change_password(text,text,text,text)"):
        assert query(accounts_host, ask.format(door), world="") == ""


# --- Postfix, Dovecot, webmail ---


@pytest.mark.dieu7
def test_a_locked_mailbox_still_receives_but_does_not_send(accounts_host: Host) -> None:
    lock = WORLD + "select mail.mailbox_lock('test1person', 'compromised', '');"
    address = "'test.nguoi@hanam.gov.vn'"
    assert query(accounts_host, f"select mail.postfix_mailbox({address})", world=lock) == "test1person"
    assert query(accounts_host, f"select mail.postfix_senders({address})", world=lock) == ""
    assert query(accounts_host, f"select mail.postfix_senders({address})") == "test1person"


@pytest.mark.dieu9
def test_a_clerk_sends_as_the_agency_until_he_is_locked(accounts_host: Host) -> None:
    ask = "select mail.postfix_senders('test.so@hanam.gov.vn')"
    assert query(accounts_host, ask).splitlines() == ["test1person", "test2agency"]
    lock = WORLD + "select mail.mailbox_lock('test1person', 'idle', '');"
    assert query(accounts_host, ask, world=lock) == "test2agency"


@pytest.mark.dieu6
def test_a_revoked_mailbox_receives_nothing_and_says_so(accounts_host: Host) -> None:
    assert query(accounts_host, "select mail.postfix_mailbox('test.socu@hanam.gov.vn')") == ""
    reply = query(accounts_host, "select mail.postfix_revoked('test.socu@hanam.gov.vn')")
    assert reply.startswith("5.2.1 ")
    assert reply.isascii()
    assert query(accounts_host, "select mail.postfix_revoked('test.nguoi@hanam.gov.vn')") == ""
    assert query(accounts_host, "select * from mail.dovecot_userdb('test.socu')") == ""


def test_dovecot_is_told_home_owner_and_quota(accounts_host: Host) -> None:
    shown = query(accounts_host, "select * from mail.dovecot_userdb('test.nguoi@hanam.gov.vn')")
    # The empty column is for a locked mailbox, whose own rules stop (Đ4.5); then what the rules may send under (Đ4.6).
    assert shown.startswith("test1person|/srv/mail/te/test1person|5000|5000|2000000000B||test.nguoi@hanam.gov.vn|")
    assert shown.rpartition("|")[2].split(",")[0] == "test.nguoi@hanam.gov.vn"


def test_the_webmail_is_told_the_addresses_primary_first(accounts_host: Host) -> None:
    shown = query(accounts_host, "select * from mail.webmail_addresses('test1person')")
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
def test_an_address_never_changes_hands_even_by_the_superuser(accounts_host: Host, statement: str) -> None:
    refused(accounts_host, statement)


@pytest.mark.parametrize(
    "statement",
    ["update mail.audit set actor = 'x'", "delete from mail.audit", "truncate mail.audit"],
)
def test_the_audit_is_append_only(accounts_host: Host, statement: str) -> None:
    assert "nhật ký chỉ được ghi thêm" in refused(accounts_host, statement)


def test_the_audit_names_actor_commit_and_document_and_no_hash(accounts_host: Host) -> None:
    world = (
        "set local hanam.actor = 'lan'; set local hanam.git_commit = 'abc123'; set local hanam.document = '1/STTTT';"
    )
    shown = query(
        accounts_host,
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
def test_a_changed_key_stands_in_the_audit(accounts_host: Host, table: str, change: str, old: str, new: str) -> None:
    """A key is no field that only changes: under the old one something has gone, under the new one something come."""
    absence = "insert into mail.absence values ('test1person', '2024-01-01', '2024-06-30', '2024-0001');"
    shown = query(
        accounts_host,
        f"set local hanam.actor = 'tester'; update mail.{table} {change};"
        f" select a.key, a.action, a.before is not null, a.after is not null, position('$2a$' in a::text)"
        f" from mail.audit a where a.object = '{table}' and a.actor = 'tester' order by a.seq",
        world=WORLD + absence,
    )
    assert shown.splitlines() == [f"{old}|delete|t|f|0", f"{new}|insert|f|t|0"]


# --- Commands ---


def test_a_second_run_of_apply_changes_nothing_and_a_bad_document_is_refused(accounts_host: Host) -> None:
    empty = accounts_host.run(
        "echo %s | hanam-mail-db apply - --check --limit-percent 5 --limit-count 50",
        json.dumps({"agencies": [], "mailboxes": []}),
    )
    assert empty.rc == 1
    assert "không còn trong sổ đăng ký" in empty.stderr
    assert json.loads(empty.stdout)["failed"]


def test_show_speaks_vietnamese(lab: Lab, accounts_host: Host) -> None:
    shown = accounts_host.check_output("hanam-mail-db show %s", lab.samples[0].address)
    assert "Tình trạng:" in shown
    assert lab.samples[0].name in shown


def test_no_password_reaches_the_log(lab: Lab, accounts_host: Host) -> None:
    secret = "Bi-mat-nhat-ky-7#"
    # As Dovecot writes it: inside the statement, here with an error in it.
    for statement in (login("ai.do", secret), f"select mail.khong_co('{secret}')", f"select '{secret}'::int"):
        accounts_host.run("cd / && psql -U mail_dovecot -d mail -c %s", statement)
    program = "cd / && echo %s | runuser -u postgres -- python3 -I /usr/lib/hanam-mail/hanam-mail.pyz set-passwords"
    done = accounts_host.run(program, json.dumps({lab.samples[0].address: secret.lower()}))
    assert "Đ8.2b" in done.stderr
    assert accounts_host.run("grep -rFi -e %s /var/log/postgresql", secret).rc == 1
