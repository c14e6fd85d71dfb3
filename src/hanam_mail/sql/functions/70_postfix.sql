-- Postfix asks at RCPT TO, MAIL FROM and end of data, so that an open session dies with the lock.

-- The mailbox id if mail to the address is accepted; a locked mailbox still receives (Đ7.1).
create or replace function mail.postfix_mailbox(address text) returns setof text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
        select m.id from mail.mailbox m
        where position('@' in address) > 0 and m.id = mail.resolve(address) and m.state <> 'revoked';
end
$$;

-- The logins that may send as the address: its own mailbox, and the clerks of an agency's or office's mailbox, each only
-- while nothing keeps him out.
create or replace function mail.postfix_senders(address text) returns setof text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
        with target as (select mail.resolve(address) as id where position('@' in address) > 0),
        -- Materialized: else the state of every clerk of the province is looked at, at each message that is sent.
        senders as materialized (
            select t.id from target t
            union
            select k.clerk_id from target t
            join mail.mailbox_clerk k on k.mailbox_id = t.id
            where mail.mailbox_state(t.id) not in ('locked', 'revoked')
        )
        select s.id
        from senders s
        where mail.mailbox_state(s.id) = 'active'
        order by s.id;
end
$$;

create or replace function mail.postfix_revoked(address text) returns setof text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
        select '5.2.1 Hop thu da bi thu hoi / Mailbox has been closed'
        from mail.mailbox m
        where position('@' in address) > 0 and m.id = mail.resolve(address) and m.state = 'revoked';
end
$$;
