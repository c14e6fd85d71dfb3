-- What the public directory shows (Đ11.5): name, post and address of those whom one can write to, and nothing more.

-- All who are listed (mail.listed).
create or replace function mail.directory()
returns table (agency_code text, agency_kind text, agency_name text, kind text, name text, post text, address text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select l.code, l.agency_kind, l.agency_name, l.kind, l.name, l.post, l.local_part || '@' || d.domain
    from (select mail.setting_text('mail_domain') as domain) d
    cross join mail.listed l
$$;

-- How many mailboxes are open at all: where nobody is shown, nobody being there is a database that is not restored yet; all of them
-- withheld is a decision.
create or replace function mail.directory_open() returns bigint
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$ select count(*) from mail.mailbox m where m.state <> 'revoked' $$;
