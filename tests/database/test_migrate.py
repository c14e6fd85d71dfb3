"""The functions and rights of the accounts database are those of the files, whatever a former release left."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hanam_mail.host.database import migrate, roles, schema
from hanam_mail.host.database.errors import DatabaseError
from hanam_mail.host.database.session import one
from tests.database.conftest import NewDatabase
from tests.database.scratch import Scratch
from tests.database.server import Server


def brought(scratch: Scratch) -> list[str]:
    """Run the part of `migrate` that makes tables, functions, triggers and rights; what changed."""
    with psycopg.connect(scratch.dsn("postgres")) as mail:
        mail.execute("SET ROLE mail_owner")
        return list(schema.bring(mail))


# As if an earlier release had made them: a function, one of the same name with other arguments, a trigger.
_LEFT = """
set role mail_owner;
create function mail.left_over() returns trigger language plpgsql as 'begin return null; end';
create function mail.resolve(login text, old boolean) returns text language sql as 'select login';
create trigger left_over after insert on mail.agency for each row execute function mail.left_over();
create trigger second after insert on mail.agency for each row execute function mail.outbox_notify();
"""


def test_what_the_files_make_no_more_leaves_the_database(scratch: Scratch) -> None:
    everything = (
        "select string_agg(x.line, ';' order by x.line) from ("
        " select p.oid::regprocedure::text || coalesce(p.proacl::text, '') from pg_proc p"
        "  where p.pronamespace = 'mail'::regnamespace"
        " union all select pg_get_triggerdef(t.oid) from pg_trigger t where not t.tgisinternal) x(line)"
    )
    before = scratch.psql(everything)
    assert brought(scratch) == []
    scratch.psql(_LEFT)
    assert scratch.psql(everything) != before
    assert brought(scratch) == ["functions and grants: created anew"]
    assert scratch.psql(everything) == before
    assert brought(scratch) == []


def test_what_hashes_passwords_is_the_superusers_and_as_the_file_has_it(scratch: Scratch) -> None:
    def made() -> list[str]:
        with psycopg.connect(scratch.dsn("postgres")) as superuser:
            return list(schema.bring_crypto(superuser))

    assert made() == []
    owners = "select distinct proowner::regrole from pg_proc where pronamespace = 'mail_crypto'::regnamespace"
    assert scratch.psql(owners) == "postgres"
    for spoilt in (
        "create or replace function mail_crypto.argon2id_matches(hash text, password bytea) returns boolean"
        " language plperl as 'return 1'",
        "grant usage on language plperl to public",
        "grant execute on function mail_crypto.argon2id_matches(text, bytea) to public",
        "drop function mail_crypto.argon2id_matches(text, bytea)",
    ):
        scratch.psql(spoilt)
        assert made() == ["functions that hash passwords: created anew"], spoilt
        assert made() == []


def test_a_check_before_the_language_is_installed_tells_of_it(
    postgresql: Server, wanted: migrate.WantedDatabase, monkeypatch: pytest.MonkeyPatch, new_database: NewDatabase
) -> None:
    new_database()
    mail, *others = roles.DATABASES
    monkeypatch.setattr(roles, "DATABASES", (replace(mail, languages=("plperl", "plnothing")), *others))
    where = {"admin": postgresql.conninfo(), "owner": postgresql.conninfo(user="mail_migrate")}
    assert migrate.migrate(wanted, check=True, **where) == ["database mail: language plnothing"]
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="plnothing"):
        migrate.migrate(wanted, check=False, **where)


def test_a_superuser_runs_nothing_that_others_planted(
    postgresql: Server, wanted: migrate.WantedDatabase, monkeypatch: pytest.MonkeyPatch, new_database: NewDatabase
) -> None:
    """A function in schema public that fits better than PostgreSQL's own, of whoever may create there."""
    new_database()
    paths = []
    connect = psycopg.connect

    def noted(conninfo: str, **options: Any) -> psycopg.Connection:
        connection = connect(conninfo, **options)
        if "user=postgres" in conninfo:
            paths.append(one(connection, "show search_path")[0])
            connection.rollback()
        return connection

    monkeypatch.setattr(psycopg, "connect", noted)
    migrate.migrate(wanted, check=True, admin=postgresql.conninfo(), owner=postgresql.conninfo(user="mail_migrate"))
    assert paths == ["pg_catalog,pg_temp"] * 3


BEFORE = sorted((Path(__file__).parent / "before_baseline").glob("*.sql"))
"""The migrations whose place the baseline took, as they were applied."""


@pytest.fixture(params=sorted(schema.BEFORE))
def old(scratch: Scratch, request: pytest.FixtureRequest) -> Scratch:
    """A database where one of the former releases left it, with an agency and two people."""
    scratch.psql("drop schema mail cascade; drop schema mail_schema cascade")
    with psycopg.connect(scratch.dsn("postgres")) as mail:
        mail.execute("set role mail_owner")
        mail.execute("create schema mail_schema")
        mail.execute(
            "create table mail_schema.migration (number int primary key, name text not null,"
            " checksum text not null, applied_at timestamptz not null default now())"
        )
        mail.execute("create table mail_schema.code (checksum text not null, as_created text not null)")
        for path in (path for path in BEFORE if path.name <= request.param):
            mail.execute(path.read_bytes())
            checksum = hashlib.sha256(path.read_bytes()).hexdigest()
            mail.execute(
                "insert into mail_schema.migration values (%s, %s, %s)", [int(path.name[:4]), path.name, checksum]
            )
        mail.execute(
            "insert into mail.agency (id, kind, name, code, suffix) values ('k7q2m4', 'unit', 'Sở Y tế', 'syt', 'yt');"
            " insert into mail.person values ('box00001', 'Hà'), ('box00002', 'Hoa');"
            " insert into mail.mailbox (id, kind, agency_id, person_id, name, shard, quota_bytes, state)"
            "  select id, 'person', 'k7q2m4', id, name, 0, 1, 'active' from mail.person;"
            " insert into mail.credential (mailbox_id, hash, must_change)"
            "  select id, '$2a$04$' || repeat('.', 53), false from mail.person;"
            " insert into mail.audit (actor, object, key, action) values ('lan', 'person', 'box00001', 'insert')"
        )
    return scratch


def test_a_database_of_the_former_migrations_becomes_what_the_baseline_makes(
    old: Scratch, new_database: NewDatabase
) -> None:
    kept = (
        "select md5(string_agg(x.line, ';' order by x.line)) from ("
        " select (to_jsonb(m) - '{person_id,post,phone,withheld}'::text[])::text || coalesce(to_jsonb(m)->>'post', '')"
        " from mail.mailbox m"
        " union all select c::text from mail.credential c"
        " union all select (to_jsonb(a) - '{suffix,withheld}'::text[])::text from mail.agency a"
        " union all select a::text from mail.audit a"
        ") x(line)"
    )
    before = old.psql(kept)
    last = old.psql("select max(name) from mail_schema.migration").strip()
    assert brought(old) == [
        f"migrations up to {last}: now 0012_baseline.sql",
        *(f"migration {script.name}: applied" for script in schema.scripts("migrations")[1:]),
        "functions and grants: created anew",
    ]
    assert old.psql(kept) == before
    fresh = new_database()
    dump = ("--schema-only", "--restrict-key=same")
    shape = [fresh.server.run("pg_dump", *dump, name) for name in (old.database.name, fresh.name)]
    assert shape[0] == shape[1]
    rows = "select string_agg(concat_ws(' ', number, name, checksum), ';' order by number) from mail_schema.migration"
    assert old.psql(rows) == fresh.run(rows).strip()
    assert brought(old) == []


@pytest.mark.parametrize(
    "spoilt",
    [
        "delete from mail_schema.migration where number in (8, 11)",
        "update mail_schema.migration set checksum = 'x' where number in (8, 11)",
        "update mail_schema.migration set checksum = 'x' where number = 3",
        "delete from mail_schema.migration where number = 3",
    ],
    ids=["older", "another last one", "another in between", "a gap"],
)
def test_a_database_of_before_the_last_of_them_is_refused(old: Scratch, spoilt: str) -> None:
    old.psql(spoilt)
    with pytest.raises(DatabaseError, match="this package goes on from 0011_post"):
        brought(old)
    assert old.psql("select count(*) from mail.person") == "2"
