-- Spam that is held for its receivers: the letter of the day, and the links in it, by which a receiver decides about his copy
-- (docs/decisions/0066-held-mail-and-its-receivers.md).

-- Which letters of today are due: a row each in mail.notice, and the copies that it names, held_digest_rows of them, the likeliest to be
-- wanted first; what it does not name is for those of the next days. One a day and mailbox, from the hour of
-- held_digest_at, and none while an earlier one waits. Whoever cannot open his mailbox now is told when he can: links that were made
-- before mean nothing then. How many.
create or replace function mail.held_digests() returns int
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    number int;
begin
    if localtime < mail.setting_text('held_digest_at')::time then
        return 0;
    end if;
    with fresh as (
        select distinct r.mailbox_id
        from mail.held_recipient r
        join mail.held_message h on h.id = r.message_id and h.kind = 'spam'
        where r.state = 'held' and r.digest is null and r.mailbox_id is not null
            and not exists (
                select from mail.notice n
                where n.mailbox_id = r.mailbox_id and n.kind = 'held_digest' and (n.sent_at is null or n.sent_at >= current_date))
    ), made as (
        insert into mail.notice (mailbox_id, kind, round, due, payload)
        select f.mailbox_id, 'held_digest', current_date::text, current_date, '{}' from fresh f
        where mail.mailbox_state(f.mailbox_id) = 'active'
        on conflict do nothing
        returning mailbox_id
    ), told as (
        update mail.held_recipient r set digest = current_date
        from (
            select w.number, row_number() over (partition by w.mailbox_id order by h.score nulls first, h.id desc, w.number) as place
            from made
            join mail.held_recipient w on w.mailbox_id = made.mailbox_id and w.state = 'held' and w.digest is null
            join mail.held_message h on h.id = w.message_id and h.kind = 'spam'
        ) named
        where r.number = named.number and r.state = 'held' and named.place <= mail.setting_int('held_digest_rows')
    )
    select count(*) into number from made;
    return number;
end
$$;

-- Who opens a mailbox, and since which password: its owner or its clerks. It is another one as soon as a password is changed, a clerk comes
-- or goes, or a clerk's mailbox is locked or closed.
create or replace function mail.held_holders(mailbox text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(string_agg(format('%s since %s', o.id, extract(epoch from c.changed_at)), ', ' order by o.id), '')
    from (
        select held_holders.mailbox as id
        union
        select k.clerk_id from mail.mailbox_clerk k
        where k.mailbox_id = held_holders.mailbox and mail.mailbox_state(k.clerk_id) not in ('locked', 'revoked')
    ) o
    left join mail.credential c on c.mailbox_id = o.id
$$;

-- Of a mailbox whose links have ended so, what waits is told again in the next letter, with new ones. What somebody decides at this moment
-- is waited for by nobody.
create or replace function mail.held_links_ended() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    whose text;
    ids text[];
begin
    if tg_table_name = 'mailbox' then
        whose := new.id;
    elsif tg_op = 'DELETE' then
        whose := old.mailbox_id;
    else
        whose := new.mailbox_id;
    end if;
    -- As an array, so that each of thousands of changes at once looks up its own rows alone.
    ids := array(select k.mailbox_id from mail.mailbox_clerk k where k.clerk_id = whose) || whose;
    with ended as (
        select r.number from mail.held_recipient r
        join mail.notice n on n.mailbox_id = r.mailbox_id and n.kind = 'held_digest' and n.round = r.digest::text
        where r.mailbox_id = any (ids) and r.state = 'held' and n.sent_at is not null
        for update of r skip locked
    )
    update mail.held_recipient r set digest = null from ended e where r.number = e.number;
    return null;
end
$$;

create or replace trigger held_links_ended after update of changed_at on mail.credential
    for each row when (old.changed_at is distinct from new.changed_at) execute function mail.held_links_ended();
create or replace trigger held_links_ended after insert or delete on mail.mailbox_clerk
    for each row execute function mail.held_links_ended();
create or replace trigger held_links_ended after insert or delete on mail.lock_state
    for each row execute function mail.held_links_ended();
create or replace trigger held_links_ended after update of state on mail.mailbox
    for each row when (old.state is distinct from new.state) execute function mail.held_links_ended();

-- What a link bears beside the copy's number and its last day: nobody who has not the secret can make it, for this copy or another.
create or replace function mail.held_mac(copy mail.held_recipient, until text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select left(encode(mail_crypto.hmac(
        convert_to(format('held copy %s of message %s for %s until %s of %s', copy.number, copy.message_id, copy.address, until,
                          mail.held_holders(copy.mailbox_id)), 'UTF8'),
        (select s.value from mail.secret s where s.name = 'held_key'), 'sha256'), 'hex'), 32)
$$;

-- What the letter of that day says: those of its copies that still wait, the likeliest to be wanted first, each with what its link bears,
-- and how many more the letters of the next days are to name.
create or replace function mail.held_digest(mailbox text, day date) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with last as (
        select current_date + mail.setting_int('held_link_days')::int as day
    ), waiting as (
        select r as copy, h.author, h.subject, h.arrived_at, row_number() over (order by h.score nulls first, h.id desc, r.number) as place
        from mail.held_recipient r
        join mail.held_message h on h.id = r.message_id
        where r.mailbox_id = held_digest.mailbox and r.digest = held_digest.day and r.state = 'held' and h.kind = 'spam'
    )
    select jsonb_build_object(
        'send', exists (select from waiting),
        'more', (
            select count(*) from mail.held_recipient r join mail.held_message h on h.id = r.message_id and h.kind = 'spam'
            where r.mailbox_id = held_digest.mailbox and r.state = 'held' and r.digest is null),
        'until', to_char(last.day, 'DD/MM/YYYY'),
        'days', (mail.held_kind('spam') ->> 'drop_after_days')::int,
        'rows', coalesce((
            select jsonb_agg(jsonb_build_object(
                'arrived', to_char(w.arrived_at, 'DD/MM/YYYY HH24:MI'), 'author', w.author, 'subject', w.subject,
                'link', format('%s-%s-%s', (w.copy).number, u.until, mail.held_mac(w.copy, u.until))) order by w.place)
            from waiting w, (select to_char(last.day, 'YYYYMMDD') as until) u), '[]'))
    from last
$$;

-- The copy that a link is for, of spam alone, and of a mailbox that can be opened now: `wrong` without a word where it was not made here,
-- what it was made for is gone, or others open the mailbox, or by another password, than when it was made; `expired`.
create or replace function mail.held_linked(link text) returns table (result text, copy mail.held_recipient)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    parts text[] := regexp_match(link, '^([0-9]{1,18})-([0-9]{8})-([0-9a-f]{32})$');
    found mail.held_recipient;
begin
    if parts is not null then
        select r.* into found from mail.held_recipient r
        join mail.held_message h on h.id = r.message_id and h.kind = 'spam'
        where r.number = parts[1]::bigint and mail.mailbox_state(r.mailbox_id) = 'active';
    end if;
    -- Compared by their digests, so that the time taken says nothing of how much was right. Without a secret no link is right.
    if found.number is null or mail_crypto.digest(parts[3], 'sha256')
        is distinct from mail_crypto.digest(mail.held_mac(found, parts[2]), 'sha256')
    then
        return query select 'wrong', null::mail.held_recipient;
    elsif parts[2] < to_char(current_date, 'YYYYMMDD') then
        return query select 'expired', null::mail.held_recipient;
    else
        return query select 'known', found;
    end if;
end
$$;

-- What the page behind a link shows. `refused`: it was let go and the mail server did not take it, its file is lost, or it has a file that
-- the filter marked; then an operator lets it go.
create or replace function mail.held_link_show(link text)
returns table (result text, author text, subject text, arrived text, state text, refused boolean)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select l.result, h.author, h.subject, to_char(h.arrived_at, 'HH24:MI "ngày" DD/MM/YYYY'), (l.copy).state,
           case when l.result = 'known' then
               (l.copy).state = 'held' and ((l.copy).failure is not null or mail.held_marked(h.reason))
               or (l.copy).state in ('held', 'releasing') and h.failure is not distinct from 'lost'
           end
    from mail.held_linked(link) l
    left join mail.held_message h on h.id = (l.copy).message_id
$$;

-- The receiver's decision about his copy, as the audit names him: `release` or `drop`, of spam alone, and once. `throttled`: there were
-- too many in this hour. What the page then shows.
create or replace function mail.held_link_decide(link text, decision text)
returns table (result text, author text, subject text, arrived text, state text, refused boolean)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    found mail.held_recipient;
    who text;
    why text;
begin
    select (l.copy).* into found from mail.held_linked(link) l where l.result = 'known';
    -- Who holds the message's row decides alone, an operator at the same moment too.
    perform from mail.held_message h where h.id = found.message_id for update;
    if decision in ('release', 'drop') and exists (
        select from mail.held_recipient r
        where r.number = found.number and r.state = 'held' and (decision = 'drop' or r.failure is null and not exists (
            select from mail.held_message h
            where h.id = r.message_id and (h.failure = 'lost' or mail.held_marked(h.reason)))))
    then
        select a.local_part || '@' || mail.setting_text('mail_domain') into who
        from mail.address a where a.mailbox_id = found.mailbox_id and a.kind = 'primary';
        if (select count(*) from mail.held_recipient r
            where r.mailbox_id = found.mailbox_id and r.changed_by = who and r.changed_at > now() - interval '1 hour')
            >= mail.setting_int('held_decisions_hour')
        then
            return query select 'throttled', null::text, null::text, null::text, null::text, null::boolean;
            return;
        end if;
        perform set_config('hanam.actor', who, true), set_config('hanam.document', '', true);
        -- Which of its clerks it was nobody knows: those who may have the letter.
        select 'người nhận tự quyết định bằng liên kết' || coalesce(' gửi cho ' || string_agg(c, ', ' order by c), '') into why
        from unnest(mail.notice_recipients(found.mailbox_id, 'held_digest')) c
        where c <> who;
        perform mail.held_decide(found.message_id, array[found.address], decision, why, false);
    end if;
    return query select * from mail.held_link_show(link);
end
$$;

-- --- Lessons ---

-- What is to teach the filter that it is no spam.
create or replace function mail.held_lessons() returns table (id bigint, file text, sha256 text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select h.id, h.file, h.sha256 from mail.held_message h
    where h.lesson = 'due' and h.lesson_next <= now() and h.failure is distinct from 'lost'
    order by h.lesson_next, h.id limit 20
$$;

-- Whether the filter has learnt it. What it has not learnt within three days is missed, as what people move is (role learn).
create or replace function mail.held_taught(id bigint, learnt boolean) returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    became text;
begin
    update mail.held_message h
    set lesson = case when learnt then 'given' when h.lesson_since < now() - interval '3 days' then 'missed' else 'due' end,
        lesson_next = now() + interval '1 minute'
    where h.id = held_taught.id and h.lesson = 'due'
    returning h.lesson into became;
    if became <> 'due' then
        perform mail.held_noted(held_taught.id, 'update', jsonb_build_object('lesson', became));
    end if;
    return became;
end
$$;

-- --- Time ---

-- Drops spam whose days are over: many at once, and one line in the audit for all. How many messages.
create or replace function mail.held_spam_expire() returns int
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    days int := (mail.held_kind('spam') ->> 'drop_after_days')::int;
    gone bigint[];
begin
    if days = 0 then
        return 0;
    end if;
    select array_agg(o.id) into gone from (
        select h.id from mail.held_message h
        where h.kind = 'spam' and h.decided_at is null and h.arrived_at < now() - days * interval '1 day'
            and exists (select from mail.held_recipient r where r.message_id = h.id and r.state = 'held')
        order by h.id for update) o;
    if gone is null then
        return 0;
    end if;
    update mail.held_recipient r
    set state = 'dropped', changed_at = now(), changed_by = 'life-cycle', reason = format('quá %s ngày không có quyết định', days),
        failure = null
    where r.message_id = any (gone) and r.state = 'held';
    perform mail.held_settle(o) from unnest(gone) o;
    perform mail.held_noted(gone[1], 'update', jsonb_build_object(
        'expired', cardinality(gone), 'last', gone[cardinality(gone)], 'days', days));
    return cardinality(gone);
end
$$;
