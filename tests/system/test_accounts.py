# ruff: noqa: S608 - statements are put together from this file's own words
"""The accounts database as it runs: who gets in, what the functions answer, what stays in the log.

Statements about accounts run in a transaction that is rolled back, so no mailbox of the lab is touched.
"""

import json

import pytest
from testinfra.host import Host

from tests.lab import Lab

PASSWORD = "Mat-khau-thu-1!"
# A person, an agency's mailbox he is the clerk of, a closed mailbox; addresses beside the registry's.
WORLD = f"""
    insert into mail.agency values ('test0agency', 'department', 'Sở Thử', 'test.so', 'th');
    insert into mail.person values ('test1person', 'Người Thử');
    insert into mail.mailbox (id, kind, agency_id, person_id, name, shard, quota_bytes, state) values
        ('test1person', 'person', 'test0agency', 'test1person', 'Người Thử', 0, 2147483648, 'active'),
        ('test2agency', 'agency', 'test0agency', null, 'Sở Thử', 0, 10737418240, 'active'),
        ('test3closed', 'agency', 'test0agency', null, 'Sở Cũ', 0, 10737418240, 'revoked');
    insert into mail.mailbox_clerk values ('test2agency', 'test1person');
    insert into mail.address (local_part, mailbox_id, kind, valid_until) values
        ('test.nguoi', 'test1person', 'primary', null),
        ('test.nguoi.cu', 'test1person', 'alias', current_date),
        ('test.nguoi.hong', 'test1person', 'alias', current_date - 1),
        ('test.so', 'test2agency', 'primary', null),
        ('test.socu', 'test3closed', 'primary', null);
    select mail.password_set('test1person', '{PASSWORD}', false, false);
    select mail.password_set('test3closed', '{PASSWORD}', false, false);
"""


def query(host: Host, statements: str, *, world: str = WORLD, user: str = "postgres", role: str = "postgres") -> str:
    """Run statements after building the world, roll back, and return what the last of them printed."""
    done = host.run(
        "cd / && runuser -u %s -- psql -qtAX -v ON_ERROR_STOP=1 -U %s -d mail -c %s",
        user,
        role,
        f"begin; {world} select '--'; {statements}; rollback;",
    )
    assert done.rc == 0, done.stderr
    return str(done.stdout).rpartition("--\n")[2].strip()


def refused(host: Host, statements: str, *, world: str = WORLD, user: str = "postgres", role: str = "postgres") -> str:
    done = host.run(
        "cd / && runuser -u %s -- psql -qtAX -v ON_ERROR_STOP=1 -U %s -d mail -c %s",
        user,
        role,
        f"begin; {world} {statements}; rollback;",
    )
    assert done.rc != 0, done.stdout
    return str(done.stderr)


def login(name: str, password: str = PASSWORD, protocol: str = "imap") -> str:
    return f"select * from mail.dovecot_passdb('{name}', '{password}', '{protocol}', 993, '192.0.2.1')"


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
    shown = query(
        accounts_host,
        "select string_agg(r.rolname, ',' order by 1) from pg_roles r where r.rolcanlogin and not r.rolsuper"
        " and has_function_privilege(r.oid, 'mail.dovecot_passdb(text,text,text,int,text)', 'execute')",
        world="",
    )
    assert shown == "mail_dovecot"


# --- Login ---


@pytest.mark.parametrize("name", ["test.nguoi@hanam.gov.vn", "Test.Nguoi", "test.nguoi.cu", "test1person"])
def test_the_right_password_leads_to_the_id_by_every_name(accounts_host: Host, name: str) -> None:
    assert query(accounts_host, login(name)) == "test1person|y|||"


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("test.nguoi", "sai"),
        ("test.nguoi", ""),
        ("test.nguoi.hong", PASSWORD),
        ("khong.co.ai", PASSWORD),
        ("test.nguoi@example.org", PASSWORD),
        ("test.so", PASSWORD),
    ],
    ids=["wrong", "empty", "address ended", "unknown", "other domain", "no password of its own"],
)
def test_everything_else_leads_nowhere(accounts_host: Host, name: str, password: str) -> None:
    assert query(accounts_host, login(name, password)) == ""


@pytest.mark.dieu6
def test_a_revoked_mailbox_is_like_a_wrong_password(accounts_host: Host) -> None:
    assert query(accounts_host, login("test.socu")) == ""


@pytest.mark.dieu7
def test_a_locked_mailbox_tells_why_to_the_right_password_only(accounts_host: Host) -> None:
    lock = WORLD + "select mail.mailbox_lock('test1person', 'compromised', '');"
    answer = query(accounts_host, login("test.nguoi"), world=lock).split("|")
    assert answer[:4] == ["test1person", "y", "", "y"]
    assert answer[4].isascii()
    assert "tam khoa" in answer[4]
    assert "locked" in answer[4]
    assert query(accounts_host, login("test.nguoi", "sai"), world=lock) == ""
    assert query(accounts_host, login("test.nguoi", protocol="smtp"), world=lock) == ""


@pytest.mark.dieu7
def test_a_lock_needs_a_reason_of_the_closed_list(accounts_host: Host) -> None:
    assert "Đ7.2" in refused(accounts_host, "select mail.mailbox_lock('test1person', 'bored', '')")


@pytest.mark.dieu8
def test_a_password_to_change_lets_nobody_in(accounts_host: Host) -> None:
    default = WORLD + f"select mail.password_set('test1person', '{PASSWORD}', true, false);"
    answer = query(accounts_host, login("test.nguoi"), world=default).split("|")
    assert answer[3] == "y"
    assert "https://mail.hanam.gov.vn/" in answer[4]
    assert query(accounts_host, login("test.nguoi", protocol="smtp"), world=default) == ""


@pytest.mark.dieu8
def test_passwords_are_compared_in_nfc_and_at_most_72_octets_long(accounts_host: Host) -> None:
    decomposed = WORLD + r"select mail.password_set('test1person', U&'Ma\0323\0302t-kha\0302\0301u-1!', false, false);"
    assert query(accounts_host, login("test.nguoi", "Mật-khấu-1!"), world=decomposed) == "test1person|y|||"
    long = "a" * 72
    assert "72" in refused(accounts_host, f"select mail.password_set('test1person', '{long}b', false, false)")
    set_long = WORLD + f"select mail.password_set('test1person', '{long}', false, false);"
    assert query(accounts_host, login("test.nguoi", long), world=set_long) == "test1person|y|||"
    assert query(accounts_host, login("test.nguoi", long + "b"), world=set_long) == ""


@pytest.mark.parametrize(("octets", "answer"), [("", "test1person|y|||"), ("ff", "")], ids=["right", "no UTF-8"])
def test_a_sealed_password_is_opened_with_the_shared_key(accounts_host: Host, octets: str, answer: str) -> None:
    sealed = (
        f"encode(mail_crypto.encrypt_iv('{PASSWORD}'::bytea || decode('{octets}', 'hex'), (select value from"
        " mail.secret where name = 'login_key'), decode(repeat('00', 16), 'hex'), 'aes-cbc/pad:pkcs'), 'hex')"
    )
    ask = f"select * from mail.dovecot_passdb_sealed('test.nguoi', {sealed}, 'imap', 993, '')"
    assert query(accounts_host, ask) == answer


def test_a_refusal_takes_as_long_for_nobody_as_for_somebody(accounts_host: Host) -> None:
    def seconds(name: str) -> float:
        clock = "select extract(epoch from clock_timestamp())"
        world = WORLD + f"select set_config('t.start', (({clock})::text), true);"
        calls = "; ".join([login(name, "sai")] * 5)
        shown = query(accounts_host, f"{calls}; {clock} - current_setting('t.start')::numeric", world=world)
        return float(shown.splitlines()[-1])

    known, unknown = seconds("test.nguoi"), seconds("khong.co.ai")
    assert 1 / 3 < known / unknown < 3


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
    assert shown == "test1person|/srv/mail/te/test1person|5000|5000|2147483648B"


def test_the_webmail_is_told_the_addresses_primary_first(accounts_host: Host) -> None:
    shown = query(accounts_host, "select * from mail.webmail_addresses('test1person')")
    assert shown.splitlines() == [
        "test.nguoi@hanam.gov.vn|Người Thử",
        "test.nguoi.cu@hanam.gov.vn|Người Thử",
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
    assert "append-only" in refused(accounts_host, statement)


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


# --- Commands ---


def test_a_second_run_of_apply_changes_nothing_and_a_bad_document_is_refused(accounts_host: Host) -> None:
    empty = accounts_host.run("echo %s | hanam-mail-db apply - --check", json.dumps({"agencies": [], "mailboxes": []}))
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
    accounts_host.run("echo %s | hanam-mail-db set-password khong.co.ai", secret)
    assert accounts_host.run("grep -rF -e %s /var/log/postgresql", secret).rc == 1
