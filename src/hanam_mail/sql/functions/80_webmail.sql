-- What the webmail needs to know of an account: its id and the names it writes under.

create or replace function mail.webmail_login(address text) returns setof text
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$ select m.id from mail.mailbox m where m.id = mail.resolve(address) and m.state <> 'revoked' $$;

create or replace function mail.webmail_addresses(id text) returns table (address text, name text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select a.local_part || '@' || mail.setting_text('mail_domain'), m.name
    from mail.mailbox m
    join mail.address a on a.mailbox_id = m.id
    where m.id = webmail_addresses.id and m.state <> 'revoked'
        and current_date between a.valid_from and coalesce(a.valid_until, 'infinity')
    order by a.kind = 'alias', a.local_part
$$;
