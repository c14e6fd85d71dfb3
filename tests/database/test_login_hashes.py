"""What passwords are hashed with: argon2id; what bcrypt hashed before is renewed (docs/decisions/0040-argon2id.md)."""

import re
from itertools import pairwise
from math import inf
from pathlib import Path

import pytest
import yaml

from tests.database.databases import Database, StatementError
from tests.database.scratch import Scratch
from tests.database.world import PASSWORD, WORLD, login, query, quoted, refused

IN = "test1person|y|||"
SIZES = yaml.safe_load((Path(__file__).parents[2] / "group_vars/all/sizes.yml").read_text("utf-8"))
PRODUCTION = {"memory": SIZES["accounts_argon2_memory"], "passes": SIZES["accounts_argon2_passes"]}
# A mailbox's hash, as some statement makes it.
HASH = "update mail.credential set hash = {1} where mailbox_id = '{0}';"
BCRYPT = f"mail_crypto.crypt({quoted(PASSWORD)}, mail_crypto.gen_salt('bf', {{}}))"
FORM = "split_part(hash, '$', 2) || '$' || split_part(hash, '$', 4)"


def at(memory: int, passes: int) -> str:
    """The statements that make argon2id cost so much from now on."""
    return (
        f"update mail.setting set value = '{memory}' where name = 'password_argon2_memory';"
        f"update mail.setting set value = '{passes}' where name = 'password_argon2_passes';"
    )


def bcrypt(mailbox: str, cost: int) -> str:
    """The statement that leaves a mailbox with a hash of before."""
    return HASH.format(mailbox, BCRYPT.format(cost))


# --- Forms ---


def test_a_new_hash_is_argon2id_with_a_salt_of_its_own(database: Database) -> None:
    world = at(64, 2) + WORLD
    shown = query(database, "select hash from mail.credential union all select mail.password_hash('x')", world=world)
    form = re.compile(r"\$argon2id\$v=19\$m=64,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}")
    assert len(shown.splitlines()) == 3
    assert all(form.fullmatch(line) for line in shown.splitlines())
    assert len({line.split("$")[4] for line in shown.splitlines()}) == 3


@pytest.mark.parametrize("made", ["", bcrypt("test1person", 4), bcrypt("test1person", 6)])
def test_what_either_form_hashed_opens_and_nothing_else_does(database: Database, made: str) -> None:
    assert query(database, login("test.nguoi"), world=WORLD + made) == IN
    for wrong in (PASSWORD + "!", PASSWORD[:-1], PASSWORD.swapcase(), "", "x"):
        assert query(database, login("test.nguoi", wrong), world=WORLD + made) == ""


def test_the_hash_is_that_of_rfc_9106s_argon2id(database: Database) -> None:
    """Made by the reference program: echo -n password | argon2 somesaltsomesalt -id -k 64 -t 2 -p 1 -l 32."""
    from argon2.low_level import Type, hash_secret

    judge = hash_secret("mật khẩu".encode(), b"somesaltsomesalt", 2, 64, 1, 32, Type.ID).decode()
    made = "mail_crypto.argon2id(convert_to('mật khẩu', 'UTF8'), 'somesaltsomesalt', 64, 2)"
    assert query(database, f"select {made}") == judge


SALT, TAG = "MDEyMzQ1Njc4OWFiY2RlZg", "J5L9qf3Gg0R/SDGCa3AT3YtCqSs82pvC3aTZR36BU8M"
STRANGE = {
    "DES": "rlFMSyNEpTYDQ",
    "extended DES": "_J9..rasmBYk8r9AiWNc",
    "MD5": "$1$abcdefgh$irWbblnpmw.5z7wgBnprh0",
    "SHA-512": "$6$saltsalt$" + "a" * 86,
    "yescrypt": "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
    "another bcrypt": "$2x$10$" + "a" * 53,
    "bcrypt of years": "$2a$31$" + "a" * 53,
    "argon2i": f"$argon2i$v=19$m=64,t=2,p=1${SALT}${TAG}",
    "argon2d": f"$argon2d$v=19$m=64,t=2,p=1${SALT}${TAG}",
    "old argon2id": f"$argon2id$v=16$m=64,t=2,p=1${SALT}${TAG}",
    "no version": f"$argon2id$m=64,t=2,p=1${SALT}${TAG}",
    "memory of 4 TB": f"$argon2id$v=19$m=4294967295,t=2,p=1${SALT}${TAG}",
    "memory of 100 MB": f"$argon2id$v=19$m=100000,t=2,p=1${SALT}${TAG}",
    "no memory": f"$argon2id$v=19$m=0,t=2,p=1${SALT}${TAG}",
    "many passes": f"$argon2id$v=19$m=64,t=10,p=1${SALT}${TAG}",
    "threads": f"$argon2id$v=19$m=64,t=2,p=2${SALT}${TAG}",
    "short salt": f"$argon2id$v=19$m=64,t=2,p=1${SALT[:11]}${TAG}",
    "short hash": f"$argon2id$v=19$m=64,t=2,p=1${SALT}${TAG[:22]}",
    "key id": f"$argon2id$v=19$m=64,t=2,p=1,keyid=AAAA${SALT}${TAG}",
    "two lines": f"$argon2id$v=19$m=64,t=2,p=1${SALT}${TAG}\n",
    "nothing": "",
}


@pytest.mark.dieu12
@pytest.mark.parametrize("hash_", STRANGE.values(), ids=STRANGE)
def test_no_other_form_is_stored(database: Database, hash_: str) -> None:
    assert "stored_hash" in refused(database, HASH.format("test1person", quoted(hash_)))
    history = f"insert into mail.password_history (mailbox_id, hash) values ('test1person', {quoted(hash_)})"
    assert "stored_hash" in refused(database, history)


@pytest.mark.dieu12
@pytest.mark.parametrize("hash_", [each for each in STRANGE.values() if not each.startswith(("$2a$", "$argon2id$"))])
def test_a_strange_form_is_no_right_password_either(database: Database, hash_: str) -> None:
    """Should the column ever admit it: crypt() would fall back to DES, of which eight letters count."""
    assert query(database, f"select mail.password_matches({quoted(hash_)}, 'rasmusle')") == "f"


# --- Renewal ---


@pytest.mark.parametrize(
    "before",
    [bcrypt("test1person", 4), at(8, 1) + HASH.format("test1person", f"mail.password_hash({quoted(PASSWORD)})")],
    ids=["bcrypt", "another cost"],
)
def test_a_sign_in_renews_the_hash_and_ends_no_session(database: Database, before: str) -> None:
    last = "select coalesce(max(seq), 0) from mail.outbox"
    since = "(select changed_at from mail.credential where mailbox_id = 'test1person')"
    hash_ = "(select hash from mail.credential where mailbox_id = 'test1person')"
    ask = (
        f"select set_config('t.last', ({last})::text, true), set_config('t.since', {since}::text, true),"
        f" set_config('t.hash', {hash_}, true); {login('test.nguoi', 'sai')};"
        f" select {hash_} = current_setting('t.hash'); {login('test.nguoi')};"
        f" select {FORM} from mail.credential where mailbox_id = 'test1person';"
        f" select ({last}) = current_setting('t.last')::bigint, {since} = current_setting('t.since')::timestamptz;"
        f" select set_config('t.hash', {hash_}, true) is null; {login('test.nguoi')}; {login('test.nguoi', 'sai')};"
        f" select {hash_} = current_setting('t.hash')"
    )
    shown = query(database, ask, world=WORLD + before + at(16, 3)).splitlines()
    assert shown[1:] == ["t", IN, "argon2id$m=16,t=3,p=1", "t|t", "f", IN, "t"]


@pytest.mark.dieu8
def test_a_first_password_is_renewed_though_it_opens_nothing(database: Database) -> None:
    first = bcrypt("test1person", 4) + "update mail.credential set must_change = true, is_default = true;"
    shown = query(
        database,
        f"{login('test.nguoi')}; select {FORM}, must_change, is_default from mail.credential"
        " where mailbox_id = 'test1person'",
        world=WORLD + first,
    )
    assert "[must_change:default]" in shown
    assert shown.splitlines()[1] == "argon2id$m=8,t=1,p=1|t|t"


def test_a_renewal_waits_for_nobody_and_undoes_no_change(scratch: Scratch) -> None:
    changed = "Thu-bay-Mua-7!"
    scratch.psql(WORLD + bcrypt("test1person", 4))
    before = scratch.psql("select hash from mail.credential where mailbox_id = 'test1person'")
    with scratch.database.connect() as changing:
        changing.execute("begin")
        changing.execute(f"select mail.change_password('test.nguoi', '{PASSWORD}', '{changed}', '192.0.2.1')")
        # The old one is right until the change is there, and nobody waits for that.
        elsewhere = login("test.nguoi", address="192.0.2.2")
        assert scratch.psql(f"set statement_timeout = '5s'; {elsewhere}") == IN
        changing.execute("commit")
    assert scratch.psql(login("test.nguoi")) == ""
    assert scratch.psql(login("test.nguoi", changed)) == IN
    # Verified before the change, renewed after it.
    after = scratch.psql("select hash from mail.credential where mailbox_id = 'test1person'")
    scratch.psql(f"select mail.password_renew('test1person', {quoted(before)}, {quoted(PASSWORD)})")
    assert scratch.psql("select hash from mail.credential where mailbox_id = 'test1person'") == after


def test_a_former_password_of_bcrypt_is_not_taken_again(database: Database) -> None:
    changed = "Thu-bay-Mua-7!"
    ask = (
        f"select result from mail.change_password('test.nguoi', '{PASSWORD}', '{changed}', '192.0.2.1');"
        f" select result, faults from mail.change_password('test.nguoi', '{changed}', '{PASSWORD}', '192.0.2.1')"
    )
    shown = query(database, ask, world=WORLD + bcrypt("test1person", 4))
    assert shown.splitlines() == ["changed", "rejected|{history}"]


# --- What a refusal costs ---

# Notes each hash that is made, by its form, with the work that it takes: in the very functions that all code calls.
_COUNTED = """
    create table mail_crypto.made (form text, work int);
    grant insert on mail_crypto.made to mail_owner;
    do $$ declare name text; begin
        foreach name in array array['crypt(text,text)', 'argon2id(bytea,bytea,int,int)', 'argon2id_matches(text,bytea)']
        loop
            name := pg_get_functiondef(('mail_crypto.' || name)::regprocedure);
            execute replace(name, 'mail_crypto.', 'mail_crypto.real_');
        end loop;
    end $$;
    create or replace function mail_crypto.crypt(text, text) returns text language plpgsql as $$ begin
        insert into mail_crypto.made values ('bcrypt', 1 << substr($2, 5, 2)::int);
        return mail_crypto.real_crypt($1, $2);
    end $$;
    create or replace function mail_crypto.argon2id(password bytea, salt bytea, memory int, passes int) returns text
    language plpgsql as $$ begin
        insert into mail_crypto.made values ('argon2id', memory * passes);
        return mail_crypto.real_argon2id(password, salt, memory, passes);
    end $$;
    create or replace function mail_crypto.argon2id_matches(hash text, password bytea) returns boolean
    language plpgsql as $$ declare cost text[] := regexp_match(hash, 'm=([0-9]+),t=([0-9]+)'); begin
        insert into mail_crypto.made values ('argon2id', cost[1]::int * cost[2]::int);
        return mail_crypto.real_argon2id_matches(hash, password);
    end $$;
"""
_MANY = "update mail.setting set value = '1000' where name like 'guessing%failures';"
_LOCKED = "select mail.mailbox_lock('test1person', 'compromised', '');"
_CHEAP = at(8, 1) + HASH.format("test1person", f"mail.password_hash({quoted(PASSWORD)})")
REFUSED = {
    "a wrong password": (login("test.nguoi", "sai"), ""),
    "none": (login("test.nguoi", ""), ""),
    "73 octets": (login("test.nguoi", "p" * 73), ""),
    "a name that does not exist": (login("khong.co.ai", "sai"), ""),
    "no password of its own": (login("test.so", "sai"), ""),
    "a first password's hash": (login("test.nguoi", "sai"), _CHEAP),
    "bcrypt": (login("test.nguoi", "sai"), bcrypt("test1person", 5)),
    "bcrypt of a low cost": (login("test.nguoi", "sai"), bcrypt("test1person", 4)),
    "revoked, with a wrong password": (login("test.socu", "sai"), ""),
    "locked, at a silent door": (login("test.nguoi", protocol="smtp"), _LOCKED),
    "locked, at a silent door, bcrypt": (login("test.nguoi", protocol="smtp"), _LOCKED + bcrypt("test1person", 5)),
    "locked, at a silent door, a low cost": (login("test.nguoi", protocol="smtp"), _LOCKED + _CHEAP),
}


@pytest.mark.dieu4
@pytest.mark.parametrize("kept", ["", bcrypt("test3closed", 6)], ids=["argon2id alone", "bcrypt is left"])
@pytest.mark.parametrize(("statement", "world"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_makes_the_same_hashes_whoever_it_is(
    database: Database, statement: str, world: str, kept: str
) -> None:
    """By time nobody learns who exists, how his password is hashed, or that it was right but locked."""
    dearest = 64 if kept else max([1 << int(cost) for cost in re.findall(r"'bf', (\d+)", world)], default=0)
    made = "select form, sum(work) from mail_crypto.made group by form order by form"
    shown = query(database, f"{statement}; {made}", world=WORLD + kept + world + at(64, 2) + _MANY + _COUNTED)
    assert shown.splitlines() == ["argon2id|128"] + ([f"bcrypt|{dearest}"] if dearest else [])


def test_a_sign_in_makes_one_hash_and_the_first_one_after_a_change_of_cost_two(database: Database) -> None:
    made = "select form, count(*), sum(work) from mail_crypto.made group by form order by form"
    ask = f"{login('test.nguoi')}; {made}; truncate mail_crypto.made; {login('test.nguoi')}; {made}"
    shown = query(database, ask, world=WORLD + bcrypt("test1person", 6) + at(64, 2) + _COUNTED)
    assert shown.splitlines() == [IN, "argon2id|1|128", "bcrypt|1|64", IN, "argon2id|1|128"]


@pytest.mark.dieu4
def test_a_refusal_takes_as_long_whoever_it_is(database: Database) -> None:
    """By time nobody learns who exists, who has a first password (of a cheap hash), or that it was right but locked."""
    cheap = "update mail.setting set value = '8' where name = 'password_argon2_memory';"
    cheap += HASH.format("test1person", "mail.password_hash('x')")
    # That can be told from all the rest that a decision takes, and from the cheap hash.
    costly = at(**PRODUCTION)

    def seconds(statement: str, world: str = WORLD) -> float:
        """The shortest of several: the machine may be busy, but never faster than it is."""
        clock = "select 'at ' || extract(epoch from clock_timestamp())"
        shown = query(
            database, f"{clock}; " + f"{statement}; {clock}; " * 5 + "select 1", world=costly + world + costly + _MANY
        )
        times = [float(line.split()[1]) for line in shown.splitlines() if line.startswith("at ")]
        return min(after - before for before, after in pairwise(times))

    cases = {
        "a wrong password": (login("test.nguoi", "sai"),),
        "a name that does not exist": (login("khong.co.ai", "sai"),),
        "a cheap hash": (login("test.nguoi", "sai"), WORLD + cheap),
        "locked, at a silent door": (login("test.nguoi", protocol="smtp"), WORLD + _LOCKED),
        "revoked, with a wrong password": (login("test.socu", "sai"),),
    }
    shortest = dict.fromkeys(cases, inf)
    # By turns: what is really slower stays so however often it is tried, what a busy machine delayed does not.
    for _ in range(8):
        for case, arguments in cases.items():
            shortest[case] = min(shortest[case], seconds(*arguments))
        if max(shortest.values()) / min(shortest.values()) < 3 / 2:
            return
    pytest.fail(f"seconds: {shortest}")


# --- At production's cost ---


def test_production_hashes_as_owasp_recommends_first() -> None:
    """19 MiB, two passes; less memory wants more passes."""
    assert PRODUCTION == {"memory": 19 * 1024, "passes": 2}


@pytest.mark.usefixtures("scratch")
def test_a_connection_takes_the_memory_of_one_hash_however_many_it_makes(scratch: Scratch) -> None:
    """So that all of them together are bounded by the number of connections."""
    with scratch.database.connect() as connection:
        connection.execute(WORLD.encode() + at(**PRODUCTION).encode())
        status = Path(f"/proc/{connection.info.backend_pid}/status")

        def kib(what: str) -> int:
            return int(re.search(rf"^{what}:\s+(\d+) kB", status.read_text(), re.M)[1])

        before = kib("VmRSS")
        for _ in range(3):
            assert connection.execute(login("test.nguoi").encode()).fetchone() is not None
            assert connection.execute(login("khong.co.ai", "sai").encode()).fetchone() is None
        shown = connection.execute(f"select {FORM} from mail.credential where mailbox_id = 'test1person'".encode())
        assert shown.fetchone() == (f"argon2id$m={PRODUCTION['memory']},t={PRODUCTION['passes']},p=1",)
        # What the interpreter and the rest of a connection take besides.
        assert kib("VmHWM") - before < PRODUCTION["memory"] + 12 * 1024


# --- Whose language it is ---


@pytest.mark.dieu12
@pytest.mark.parametrize("role", ["mail_apply", "mail_owner", "mail_dovecot"])
def test_nobody_else_writes_perl_or_hashes(database: Database, role: str) -> None:
    become = "" if role != "mail_owner" else "set local role mail_owner; "
    by = role if role != "mail_owner" else "mail_migrate"
    code = f"{become}do $x$ elog(NOTICE, 'here') $x$ language plperl"
    assert "permission denied for language plperl" in refused(database, code, world="", role=by)
    if role != "mail_owner":
        hash_ = "select mail_crypto.argon2id('x', '0123456789abcdef', 8, 1)"
        assert "permission denied for schema mail_crypto" in refused(database, hash_, world="", role=by)


@pytest.mark.dieu12
@pytest.mark.parametrize(
    "code",
    [
        "open(my $file, '<', '/etc/passwd')", "system('id')", "require Socket", "XSLoader::load('POSIX')",
        "DynaLoader::dl_load_file('/lib/x86_64-linux-gnu/libc.so.6')", "eval 'use POSIX; 1' or die $@",
    ],
)  # fmt: skip
def test_what_is_loaded_for_the_hashes_opens_no_way_out_of_the_trusted_language(database: Database, code: str) -> None:
    with pytest.raises(StatementError):
        database.run(f"do $x$ {code} $x$ language plperl")


@pytest.mark.dieu12
def test_the_untrusted_language_is_not_there(database: Database) -> None:
    languages = "select lanname, lanpltrusted from pg_language where lanname not in ('c', 'internal') order by lanname"
    assert database.run(languages).splitlines() == ["plperl|t", "plpgsql|t", "sql|t"]
