"""The functions and rights of the accounts database are those of the files, whatever a former release left."""

import shlex

from tests.system.scratch import DATABASE, Scratch

# Runs the part of `migrate` that makes functions, triggers and rights, and prints what changed.
_SCHEMA = f"""
import sys
sys.path.insert(0, "/usr/lib/hanam-mail/hanam-mail.pyz")
import psycopg
from hanam_mail import db
with psycopg.connect("host=/run/postgresql dbname={DATABASE} user=postgres") as mail:
    mail.execute("SET ROLE mail_owner")
    print(list(db._schema(mail)))
"""
# As if an earlier release had made them: a function, one of the same name with other arguments, a trigger.
_LEFT = """
set role mail_owner;
create function mail.left_over() returns trigger language plpgsql as 'begin return null; end';
create function mail.resolve(login text, old boolean) returns text language sql as 'select login';
create trigger left_over after insert on mail.agency for each row execute function mail.left_over();
create trigger second after insert on mail.agency for each row execute function mail.outbox_notify();
"""


def test_what_the_files_make_no_more_leaves_the_database(scratch: Scratch) -> None:
    lab = scratch.lab
    lab.run(
        "accounts",
        f"cd / && runuser -u postgres -- sh -c 'pg_dump --data-only -t mail_schema.* mail | psql -qX -d {DATABASE}'",
    )
    run = f"cd / && python3 -I -c {shlex.quote(_SCHEMA)}"
    everything = (
        "select string_agg(x.line, ';' order by x.line) from ("
        " select p.oid::regprocedure::text || coalesce(p.proacl::text, '') from pg_proc p"
        "  where p.pronamespace = 'mail'::regnamespace"
        " union all select pg_get_triggerdef(t.oid) from pg_trigger t where not t.tgisinternal) x(line)"
    )
    lab.run("accounts", run)
    before = scratch.psql(everything)
    assert lab.run("accounts", run).strip() == "[]"
    scratch.psql(_LEFT)
    assert scratch.psql(everything) != before
    assert "created anew" in lab.run("accounts", run)
    assert scratch.psql(everything) == before
    assert lab.run("accounts", run).strip() == "[]"
