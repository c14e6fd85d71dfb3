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
-- `again` in the payload of mailbox.access: whoever got in at that moment must be cut as well, so the agent kicks once more a
-- little later: where somebody is locked, was a clerk, or came by what the second factor shut. Not where somebody is let in or
-- changed his password: that would cut the session he has just begun.
-- `locked` in that of mailbox.hold: whether the lock still stands. One that was lifted meanwhile must not hold what the person
-- sends since.
-- An agent that was away for longer than the outbox is kept has missed changes: one row, `everything`, tells it so.
create or replace function mail.agent_next(node text, max_rows int)
returns table (seq bigint, topic text, mailbox text, logins text[], payload jsonb)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    with cursor as (
        select c.seq, p.seq as pruned, coalesce(c.seq < p.seq, false) as missed
        from mail.agent_cursor c
        left join mail.outbox_pruned p on true
        where c.node = agent_next.node
    ),
    waiting as (
        select o.* from mail.outbox o, cursor c
        where o.seq > c.seq and not c.missed
        order by o.seq
        limit max_rows
    )
    select c.pruned, 'everything', null, '{}'::text[], '{}'::jsonb from cursor c where c.missed
    union all
    select w.seq, w.topic, t.mailbox,
           mail.cached_logins(t.mailbox) || array(select jsonb_array_elements_text(w.payload -> 'logins')),
           w.payload || case w.topic
               when 'mailbox.access' then jsonb_build_object(
                   'again', w.payload ->> 'cause' in ('clerk', 'second_factor') or mail.mailbox_state(w.mailbox) is distinct from 'active')
               when 'mailbox.hold' then jsonb_build_object(
                   'locked', exists (
                       select from mail.lock_state l where l.mailbox_id = w.mailbox and l.reason = 'compromised'))
               else '{}'::jsonb
           end
    from waiting w
    cross join lateral (
        select w.mailbox as mailbox
        union
        select k.mailbox_id from mail.mailbox_clerk k where k.clerk_id = w.mailbox and w.topic = 'mailbox.access'
    ) t
    order by 1, 3
$$;

-- Never backwards: two agents of one name must not undo each other.
create or replace function mail.agent_done(node text, seq bigint) returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
    update mail.agent_cursor c set seq = greatest(c.seq, agent_done.seq), seen_at = now() where c.node = agent_done.node
$$;

-- Removes what is older than life_cycle_outbox_keep_days and read by every agent, at most so many rows; how many they were. An
-- agent that has not been seen for life_cycle_agent_away_days is not waited for.
create or replace function mail.outbox_prune(most int) returns int
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    read_by_all bigint := (
        select min(c.seq) from mail.agent_cursor c
        where c.seen_at > now() - make_interval(days => mail.setting_int('life_cycle_agent_away_days')::int)
    );
    removed int;
    last bigint;
begin
    with gone as (
        delete from mail.outbox o
        where o.seq in (
            select p.seq from mail.outbox p
            where p.at < now() - make_interval(days => mail.setting_int('life_cycle_outbox_keep_days')::int)
                and (read_by_all is null or p.seq <= read_by_all)
            order by p.seq
            limit most
        )
        returning o.seq
    )
    select count(*), max(g.seq) into removed, last from gone g;
    if removed > 0 then
        insert into mail.outbox_pruned as p (seq) values (last)
        on conflict (one) do update set seq = greatest(p.seq, excluded.seq);
    end if;
    return removed;
end
$$;

-- Lockouts are kept for reports so many days.
create or replace function mail.lockouts_prune() returns int
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    with gone as (
        delete from mail.sign_in_lockout o
        where o.at < now() - make_interval(days => mail.setting_int('guessing_lockout_keep_days')::int)
        returning 1
    )
    select count(*)::int from gone
$$;
