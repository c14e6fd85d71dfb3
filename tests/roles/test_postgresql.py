"""The accounts database as it runs: who gets in, what the operator's commands answer, what stays in the log."""

import json

from testinfra.host import Host

from tests.database.world import login
from tests.lab import Lab, Sample

# --- Service ---


def test_the_cluster_runs_and_starts_at_boot(accounts_host: Host) -> None:
    unit = accounts_host.service("postgresql@17-main")
    assert unit.is_running
    assert unit.is_enabled


def test_the_unit_is_confined(accounts_host: Host) -> None:
    shown = accounts_host.service("postgresql@17-main").systemd_properties
    assert (shown["NoNewPrivileges"], shown["ProtectSystem"]) == ("yes", "strict")
    assert (shown["ProtectHome"], shown["PrivateDevices"]) == ("yes", "yes")


def test_nobody_listens_on_the_network_unless_a_neighbour_needs_it(lab: Lab, accounts_host: Host) -> None:
    clients = {lab.host(group) for group in ("mx", "submission", "mailstore", "webmail")}
    listening = accounts_host.check_output(f"ss -Hltn 'sport = {lab.port('postgresql')}'")
    assert bool(listening) == bool(clients - {lab.host("accounts")})


def test_an_os_user_is_its_own_role_and_no_other(accounts_host: Host) -> None:
    line = "cd / && runuser -u hanam-mail -- psql -qtAX -U %s -d mail -c 'select 1'"
    assert accounts_host.check_output(line, "mail_apply") == "1"
    for role in ("mail_dovecot", "mail_migrate", "postgres"):
        assert "Peer authentication failed" in accounts_host.run(line, role).stderr


# --- What hashes passwords ---


def test_the_trusted_language_alone_is_there_and_has_the_module_from_the_start(lab: Lab) -> None:
    languages = "select lanname, lanpltrusted from pg_language where lanname not in ('c', 'internal') order by lanname"
    assert lab.sql(languages).splitlines() == ["plperl|t", "plpgsql|t", "sql|t"]
    assert lab.sql("show plperl.on_init") == "require Crypt::Argon2"
    hash_ = "select split_part(mail_crypto.argon2id('x', '0123456789abcdef', 8, 1), '$', 2)"
    assert lab.sql(hash_) == "argon2id"


def test_its_memory_is_in_large_pages(accounts_host: Host) -> None:
    """Where the kernel gives them to who asks alone, a hash would take half as long again."""
    asked = accounts_host.check_output(
        "tr '\\0' '\\n' < /proc/$(systemctl show postgresql@17-main -p MainPID --value)/environ | grep ^GLIBC_TUNABLES="
    )
    assert asked == "GLIBC_TUNABLES=glibc.malloc.hugetlb=1"


def test_a_daemon_of_mail_cannot_write_in_that_language(accounts_host: Host) -> None:
    line = "cd / && psql -U mail_dovecot -d mail -c %s"
    done = accounts_host.run(line, "do $x$ elog(NOTICE, 'here') $x$ language plperl")
    assert "permission denied for language plperl" in done.stderr


def test_a_sign_in_leaves_argon2id_of_the_cost_that_is_set(lab: Lab, person: Sample) -> None:
    old = "mail_crypto.crypt('{}', mail_crypto.gen_salt('bf', 4))".format(person.password.replace("'", "''"))
    lab.sql(f"update mail.credential set hash = {old} where mailbox_id = '{person.mailbox}'")
    lab.imap(person.address, person.password).logout()
    form = f"select starts_with(hash, mail.password_form()) from mail.credential where mailbox_id = '{person.mailbox}'"
    assert lab.sql(form) == "t"


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
