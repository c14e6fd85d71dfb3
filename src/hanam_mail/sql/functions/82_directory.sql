-- What the public directory shows (Đ11.5): name, post and address of those whom one can write to, and nothing more.

-- Open mailboxes of agencies, offices and people, under their primary address. Not: what is locked or revoked, by document or by
-- running, since nobody reads it; guests (Đ14.1), who are no part of an agency; what the registry withholds. A password that is to be
-- changed is no lock (Đ8.2a).
create or replace function mail.directory()
returns table (agency_code text, agency_kind text, agency_name text, kind text, name text, post text, address text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select g.code, g.kind, g.name, m.kind, m.name, m.post, a.local_part || '@' || d.domain
    from (select mail.setting_text('mail_domain') as domain) d
    cross join mail.agency g
    join mail.mailbox m on m.agency_id = g.id
    join mail.address a on a.mailbox_id = m.id and a.kind = 'primary'
    where g.withheld = '' and m.withheld = '' and m.state = 'active' and m.kind in ('agency', 'office', 'person')
        and current_date between a.valid_from and coalesce(a.valid_until, 'infinity')
        and not exists (select from mail.lock_state l where l.mailbox_id = m.id)
$$;

-- How many mailboxes are open at all: where nobody is shown, nobody being there is a database that is not restored yet; all of them
-- withheld is a decision.
create or replace function mail.directory_open() returns bigint
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$ select count(*) from mail.mailbox m where m.state <> 'revoked' $$;
