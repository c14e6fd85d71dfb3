-- What the webmail needs to know of an account: its id and the names it writes under.

-- Roundcube's user, by which it signs in to IMAP and submission too: the mailbox id, or for a clerk both ids, so that each
-- clerk of an agency has settings of his own.
create or replace function mail.webmail_login(address text) returns setof text
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select m.id || case when p.id <> m.id then '*' || p.id else '' end
    from mail.mailbox m, mail.mailbox p
    where m.id = mail.login_mailbox(address) and p.id = mail.login_person(address)
        and m.state <> 'revoked' and p.state <> 'revoked'
$$;

create or replace function mail.webmail_addresses(id text) returns table (address text, name text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select a.local_part || '@' || mail.setting_text('mail_domain'), m.name
    from mail.mailbox m
    join mail.address a on a.mailbox_id = m.id
    where m.id = mail.login_mailbox(webmail_addresses.id) and m.state <> 'revoked'
        and current_date between a.valid_from and coalesce(a.valid_until, 'infinity')
    order by a.kind = 'alias', a.local_part
$$;
