"""The functions and rights of the accounts database are those of the files, whatever a former release left."""

import psycopg

from hanam_mail.host.database import schema
from tests.database.scratch import Scratch, person, registry


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


def test_a_database_with_mailboxes_takes_what_is_new_without_loss(scratch: Scratch) -> None:
    """As it stood before mailboxes had a post: everything else stays to the octet, and a post can be written."""
    scratch.apply(registry(person(1), person(2)))
    scratch.psql("alter table mail.mailbox drop column post; delete from mail_schema.migration where number >= 11")
    rows = (
        "select md5(string_agg(x.line, ';' order by x.line)) from ("
        " select (to_jsonb(m) - 'post')::text from mail.mailbox m union all select c::text from mail.credential c"
        " union all select a::text from mail.address a union all select a::text from mail.audit a"
        " union all select o::text from mail.outbox o) x(line)"
    )
    before = scratch.psql(rows)
    assert "migration 0011_post.sql: applied" in brought(scratch)
    assert scratch.psql(rows) == before
    assert scratch.psql("select string_agg(post, '|') from mail.mailbox") == "|"
    assert scratch.apply(registry(person(1, post="Chuyên viên"), person(2)))["changed"]
