-- Agencies' mailboxes in their clerks' webmail: which there are, whether anything waits there, and who of the clerks answered (Đ9.2).
-- docs/decisions/0077-agency-mailbox-and-search.md

-- The third word of a login: agency*person*dem ("count"). It opens the agency's mailbox like agency*person, for the webmail alone
-- (60_dovecot.sql), to count what is unread while the clerk looks at his own. Nobody has looked into the mailbox by that, so it is
-- no use of it (90_sign_in.sql): Đ9.2 asks for people who open it.
create or replace function mail.login_only_counts(login text) returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select split_part(login_only_counts.login, '*', 3) = 'dem' $$;

-- What the person behind the webmail's user may open: his own mailbox first, then those he is a clerk of. `signs_in` is what he would
-- type, `counts` what the webmail signs in with to count. A mailbox that would not let him in is none.
create or replace function mail.webmail_mailboxes(login text)
returns table (id text, signs_in text, counts text, address text, name text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    with me as (select mail.login_person(webmail_mailboxes.login) as id),
    opened as (
        select m.id, m.name, m.id = me.id as own, (
            select a.local_part || '@' || mail.setting_text('mail_domain')
            from mail.address a
            where a.mailbox_id = m.id and current_date between a.valid_from and coalesce(a.valid_until, 'infinity')
            order by a.kind = 'alias', a.local_part
            limit 1
        ) as address
        from me
        join mail.mailbox m on m.id = me.id
            or m.id in (select k.mailbox_id from mail.mailbox_clerk k where k.clerk_id = me.id)
        where m.id = me.id or mail.mailbox_state(m.id) not in ('locked', 'revoked')
    )
    select o.id, case when o.own then o.address else o.address || '*' || mine.address end,
        case when not o.own then o.address || '*' || mine.address || '*dem' end, o.address, o.name
    from opened o, (select p.address from opened p where p.own) mine
    where o.address is not null and mine.address is not null
    order by o.own desc, o.name, o.id
$$;

-- Whose marks an agency's mailbox may bear: its clerks, and those who were and opened it while they were. Nothing of a person's own.
create or replace function mail.webmail_clerks(login text) returns table (id text, name text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select p.id, p.name
    from mail.mailbox p
    where p.id in (
        select k.clerk_id from mail.mailbox_clerk k where k.mailbox_id = mail.login_mailbox(webmail_clerks.login)
        union
        select s.clerk_id from mail.sign_in s where s.mailbox_id = mail.login_mailbox(webmail_clerks.login)
    )
$$;
