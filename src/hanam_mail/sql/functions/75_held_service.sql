-- What the quarantine's service asks: its files, and what is to go out (src/hanam_mail/host/quarantine/).

-- Which of these files the database knows, whatever became of them.
create or replace function mail.held_known(files text[]) returns setof text
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$ select h.file from mail.held_message h where h.file = any (files) $$;

-- The files that there should be.
create or replace function mail.held_files() returns table (id bigint, file text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$ select h.id, h.file from mail.held_message h where h.decided_at is null and h.failure is distinct from 'lost' $$;

-- A message whose file is not there: what waits can never go out, and the operator hears of it, once. Nobody learns from it either, so
-- that it is forgotten in its time.
create or replace function mail.held_lost(id bigint) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    update mail.held_message h
    set failure = 'lost', told_at = null, lesson = case when h.lesson = 'due' then 'missed' else h.lesson end
    where h.id = held_lost.id;
    perform mail.held_noted(held_lost.id, 'update', '{"file": "lost"}');
end
$$;

-- These files are there. After a restore one that was lost may be, and so may one whose message was decided: to be erased again.
create or replace function mail.held_found(files text[]) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    update mail.held_message h set failure = null, told_at = null where h.file = any (files) and h.failure = 'lost';
    update mail.held_message h set erased_at = null
    where h.file = any (files) and h.decided_at is not null and h.erased_at is not null;
$$;

-- Files that nobody needs any more, so many in a round that nothing else waits for long; one that is to teach the filter is needed.
create or replace function mail.held_erasable() returns table (id bigint, file text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select h.id, h.file from mail.held_message h
    where h.decided_at is not null and h.erased_at is null and h.lesson is distinct from 'due'
    order by h.id limit 200
$$;

create or replace function mail.held_erased(id bigint) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$ update mail.held_message h set erased_at = now() where h.id = held_erased.id and h.decided_at is not null $$;

-- What is to go out now, each with those it goes to.
create or replace function mail.held_due()
returns table (id bigint, file text, sha256 text, sender text, envelope jsonb, tries int, recipients jsonb)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select h.id, h.file, h.sha256, h.sender, h.envelope, h.tries,
           jsonb_agg(r.dsn || jsonb_build_object('address', r.address) order by r.address)
    from mail.held_message h
    join mail.held_recipient r on r.message_id = h.id and r.state = 'releasing'
    where h.next_try <= now() and h.failure is distinct from 'lost'
    group by h.id
    order by h.id
$$;

-- The last word before it goes: from here on nobody drops it, and whoever is interrupted leaves a doubt. False, and nothing is
-- changed, when one of them was decided otherwise meanwhile.
create or replace function mail.held_sending(id bigint, addresses text[]) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform set_config('synchronous_commit', 'on', true);
    perform from mail.held_message h where h.id = held_sending.id for update;
    if (select count(*) from mail.held_recipient r
        where r.message_id = held_sending.id and r.address = any (addresses) and r.state = 'releasing') <> cardinality(addresses)
    then
        return false;
    end if;
    update mail.held_recipient r set state = 'sending'
    where r.message_id = held_sending.id and r.address = any (addresses);
    return true;
end
$$;

-- What came of it: `delivered` have it; `refused` are refused for good, by address the words, and are held again; `later` are to be
-- tried again; of `doubted` nobody knows.
create or replace function mail.held_result(
    id bigint, delivered text[], queued_as text, refused jsonb, later jsonb, doubted text[]
) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    number int;
begin
    perform set_config('synchronous_commit', 'on', true);
    perform from mail.held_message h where h.id = held_result.id for update;
    update mail.held_recipient r
    set state = case
            when r.address = any (delivered) then 'released'
            when refused ? r.address then 'held'
            when later ? r.address then 'releasing'
            else 'doubt'
        end,
        changed_at = now(),
        queued_as = case when r.address = any (delivered) then held_result.queued_as end,
        failure = coalesce(refused ->> r.address, later ->> r.address)
    where r.message_id = held_result.id and r.state in ('releasing', 'sending')
        and (r.address = any (delivered || doubted) or refused ? r.address or later ? r.address);
    get diagnostics number = row_count;
    if number = 0 then
        return;
    end if;
    update mail.held_message h
    set tries = h.tries + 1, next_try = now() + least(power(2, least(h.tries, 6)), 30) * interval '1 minute',
        told_at = case when refused = '{}' and cardinality(doubted) = 0 then h.told_at end,
        -- Whoever lets spam go, it was none.
        lesson = case when h.kind = 'spam' and cardinality(delivered) > 0 then coalesce(h.lesson, 'due') else h.lesson end,
        lesson_since = coalesce(h.lesson_since, now()),
        lesson_next = coalesce(h.lesson_next, now())
    where h.id = held_result.id;
    perform mail.held_settle(held_result.id);
    -- A server that is away is tried every half hour: no row each time.
    if cardinality(delivered || doubted) > 0 or refused <> '{}' then
        perform mail.held_noted(held_result.id, 'update', jsonb_build_object(
            'delivered', to_jsonb(delivered), 'queued_as', held_result.queued_as, 'refused', refused, 'doubt', to_jsonb(doubted)));
    end if;
    if cardinality(delivered) > 0 then
        perform mail.held_notice(held_result.id, 'held_released', held_result.id || '/' || clock_timestamp(),
                                 jsonb_build_object('recipients', array_to_string(delivered, ', ')));
    end if;
end
$$;

-- What was on its way when the service ended: nobody knows whether it arrived. How many messages.
create or replace function mail.held_interrupted() returns int
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    each record;
    number int := 0;
begin
    for each in
        select r.message_id, array_agg(r.address order by r.address) as addresses from mail.held_recipient r
        where r.state = 'sending' group by r.message_id
    loop
        perform mail.held_result(each.message_id, '{}', null, '{}', '{}', each.addresses);
        number := number + 1;
    end loop;
    return number;
end
$$;

-- --- Of the jobs ---

-- What the operator is to be told: all that is new to him, and once a day, from the hour of held_reminder_at, all that still waits. Of spam,
-- which its receivers are told of, only what is no receiver's of ours, could not go out, or is lost.
create or replace function mail.held_to_tell()
returns table (id bigint, news boolean, kind text, title text, login text, sender text, arrived_at timestamptz, lost boolean, held int,
               releasing int, doubt int, failure text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    with hour as (select mail.setting_text('held_reminder_at')::interval as of_day)
    select h.id, h.told_at is null, h.kind, mail.held_kind(h.kind) ->> 'title',
           coalesce((select a.local_part || '@' || mail.setting_text('mail_domain') from mail.address a
                     where a.mailbox_id = h.login and a.kind = 'primary'), ''),
           h.sender, h.arrived_at, coalesce(h.failure = 'lost', false), r.held, r.releasing, r.doubt, r.failure
    from mail.held_message h, hour,
        lateral (
            select count(*) filter (where state = 'held')::int as held,
                   count(*) filter (where state in ('releasing', 'sending'))::int as releasing,
                   count(*) filter (where state = 'doubt')::int as doubt,
                   max(failure) filter (where state in ('held', 'releasing')) as failure,
                   bool_or(mailbox_id is null and state = 'held') as unowned
            from mail.held_recipient where message_id = h.id
        ) r
    where h.decided_at is null
        and (h.told_at is null or h.told_at < date_trunc('day', now() - hour.of_day) + hour.of_day)
        and (h.kind <> 'spam' or h.failure = 'lost' or r.unowned or r.doubt > 0 or r.failure is not null)
    order by h.told_at is not null, h.id
$$;

create or replace function mail.held_told(ids bigint[]) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$ update mail.held_message h set told_at = now() where h.id = any (ids) $$;

-- Drops what its kind's days are over for, each as a decision that stands in the audit. How many messages.
create or replace function mail.held_expire() returns int
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    each record;
    number int := 0;
begin
    perform set_config('hanam.actor', 'life-cycle', true);
    for each in
        select h.id, k.days from mail.held_message h,
            lateral (select (mail.held_kind(h.kind) ->> 'drop_after_days')::int as days) k
        where h.decided_at is null and h.kind <> 'spam' and k.days > 0 and h.arrived_at < now() - k.days * interval '1 day'
        order by h.id
    loop
        number := number + (cardinality(mail.held_decide(
            each.id, null, 'drop', format('quá %s ngày không có quyết định', each.days), false)) > 0)::int;
    end loop;
    return number + mail.held_spam_expire();
end
$$;

-- The words of messages that were decided go with the mailboxes they are of: their sender's, or, of a stranger's, the last of its
-- receivers'. Of one mailbox whose data have gone, or of all.
create or replace function mail.held_forget(mailbox text default null) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    with gone as (
        select m.id from mail.mailbox m
        where m.purged_at is not null and (held_forget.mailbox is null or m.id = held_forget.mailbox)
    )
    update mail.held_message h set subject = '', author = '', message_id = '', file_names = '{}'
    where h.decided_at is not null and (h.subject, h.author, h.message_id, h.file_names) <> ('', '', '', '{}'::text[])
        and (h.mailbox_id in (select g.id from gone g) or h.login in (select g.id from gone g)
            or h.mailbox_id is null and h.login is null
            and h.id in (select r.message_id from mail.held_recipient r join gone g on g.id = r.mailbox_id)
            and not exists (
                select from mail.held_recipient r
                join mail.mailbox m on m.id = r.mailbox_id and m.purged_at is null
                where r.message_id = h.id))
$$;

-- Forgets messages that were decided long ago, where its kind says so sooner than others. What was decided about them stays in the audit.
-- How many.
create or replace function mail.held_prune() returns int
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    select mail.held_forget();
    with gone as (
        delete from mail.held_message h
        where h.erased_at is not null and h.decided_at < now() - interval '1 day'
            * coalesce((mail.held_kind(h.kind) ->> 'facts_days')::bigint, mail.setting_int('held_facts_days'))
        returning 1
    )
    select count(*)::int from gone
$$;

-- --- Of a mailbox whose data go for good ---

-- How many messages of this mailbox wait for a decision.
create or replace function mail.held_of(mailbox text) returns int
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select count(*)::int from mail.held_message h
    where held_of.mailbox in (h.mailbox_id, h.login) and h.decided_at is null
$$;
