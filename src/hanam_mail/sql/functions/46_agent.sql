-- The agent's side. A node seen for the first time starts at the end: it has nothing cached yet.
create or replace function mail.agent_register(node text) returns bigint
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
    insert into mail.agent_cursor as c (node, seq)
    values (agent_register.node, (select coalesce(max(o.seq), 0) from mail.outbox o))
    on conflict on constraint agent_cursor_pkey do update set seen_at = now()
    returning c.seq
$$;

-- `logins` are all the names under which Dovecot may have cached the mailbox: it keys its cache by the name that was typed,
-- not by the id it led to. Where a clerk's access changed, the sessions of the mailboxes that he opens are cut as well: a row
-- for each of them under the same number.
create or replace function mail.agent_next(node text, max_rows int)
returns table (seq bigint, topic text, mailbox text, logins text[], payload jsonb)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    with waiting as (
        select o.* from mail.outbox o
        where o.seq > (select c.seq from mail.agent_cursor c where c.node = agent_next.node)
        order by o.seq
        limit max_rows
    )
    select w.seq, w.topic, t.mailbox,
           mail.cached_logins(t.mailbox) || array(select jsonb_array_elements_text(w.payload -> 'logins')), w.payload
    from waiting w
    cross join lateral (
        select w.mailbox as mailbox
        union
        select k.mailbox_id from mail.mailbox_clerk k where k.clerk_id = w.mailbox and w.topic = 'mailbox.access'
    ) t
    order by w.seq, t.mailbox
$$;

-- Never backwards: two agents of one name must not undo each other.
create or replace function mail.agent_done(node text, seq bigint) returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
    update mail.agent_cursor c set seq = greatest(c.seq, agent_done.seq), seen_at = now() where c.node = agent_done.node
$$;
