-- How much an account sends (Đ4.3, Đ12.6; numbers: sending.yml of the province). Postfix asks at every recipient and at the end of
-- every message; above the first limit it says "later", above the second the mailbox is locked (Đ7.2b).

-- The kind of mailbox whose numbers a login has: a clerk sends his agency's mail with his own.
create or replace function mail.sending_kind(mailbox text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select sends_for.kind
        from (
            select m.kind from mail.mailbox m where m.id = sending_kind.mailbox
            union all
            select m.kind from mail.mailbox_clerk k join mail.mailbox m on m.id = k.mailbox_id
            where k.clerk_id = sending_kind.mailbox
        ) sends_for
        order by array_position(array['agency', 'office', 'person', 'guest'], sends_for.kind)
        limit 1
    );
end
$$;

-- Counts what is offered now, and answers what is over: `span` is hour or day and NULL when nothing is, `locks` says that the
-- second limit is passed. Two at once come in turn, since both write the slot's row first. The counts may be lost by a crash.
-- A slot counts while any of it is within the hour or the day: else twice the limit would go out within 55 minutes.
create or replace function mail.sending_count(mailbox text, by_login boolean, kind text, messages int, recipients int)
returns table (span text, locks boolean, offered bigint, unit text)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    most jsonb := mail.setting_text('sending_limits')::jsonb -> sending_count.kind;
    percent bigint := mail.setting_int('sending_lock_percent');
    slot_length constant interval := '5 minutes';
    this_slot timestamptz := date_bin(slot_length, clock_timestamp(), 'epoch');
    unset text;
begin
    -- Nothing is more than a limit that is not there, so that it would limit nobody.
    select string_agg(n.name, ', ') into unset
    from unnest(array['messages_hour', 'messages_day', 'recipients_hour', 'recipients_day']) as n (name)
    where most ->> n.name is null;
    if unset is not null then
        raise exception 'thiếu tham số sending_limits: % của %', unset, coalesce(sending_count.kind, 'hộp thư không rõ loại')
            using errcode = 'undefined_parameter';
    end if;
    perform set_config('synchronous_commit', 'off', true);
    insert into mail.sending as s (mailbox_id, by_login, slot, messages, recipients)
    values (sending_count.mailbox, sending_count.by_login, this_slot, sending_count.messages, sending_count.recipients)
    on conflict (mailbox_id, by_login, slot) do update
        set messages = s.messages + excluded.messages, recipients = s.recipients + excluded.recipients;
    return query
        with recent as (
            select s.*, s.slot > clock_timestamp() - interval '1 hour' - slot_length as of_hour
            from mail.sending s
            where s.mailbox_id = sending_count.mailbox and s.by_login = sending_count.by_login
                and s.slot > clock_timestamp() - interval '1 day' - slot_length
        ),
        counted(span, unit, offered, refused) as (
            select 'hour', 'messages', sum(r.messages), sum(r.refused_messages) from recent r where r.of_hour
            union all
            select 'hour', 'recipients', sum(r.recipients), sum(r.refused_recipients) from recent r where r.of_hour
            union all
            select 'day', 'messages', sum(r.messages), sum(r.refused_messages) from recent r
            union all
            select 'day', 'recipients', sum(r.recipients), sum(r.refused_recipients) from recent r
        )
        select c.span, c.offered > x.limit_of * percent / 100, c.offered, c.unit
        from counted c
        cross join lateral (select (most ->> (c.unit || '_' || c.span))::bigint as limit_of) x
        where c.offered - c.refused > x.limit_of
            and case c.unit when 'messages' then sending_count.messages else sending_count.recipients end > 0
        order by 2 desc, c.span
        limit 1;
    if found then
        update mail.sending s
        set refused_messages = s.refused_messages + sending_count.messages,
            refused_recipients = s.refused_recipients + sending_count.recipients
        where s.mailbox_id = sending_count.mailbox and s.by_login = sending_count.by_login and s.slot = this_slot;
    end if;
end
$$;

-- Forgets what counts no more; how many slots. The nightly job's: it looks through the whole table.
create or replace function mail.sending_prune() returns int
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    with gone as (
        delete from mail.sending s where s.slot < clock_timestamp() - interval '2 days'
        returning 1
    )
    select count(*)::int from gone
$$;

-- Locks a mailbox that somebody else sends with, and has the operator told by mail.
create or replace function mail.sending_lock(mailbox text, cause text) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    perform set_config('synchronous_commit', 'on', true);
    if not mail.mailbox_lock(sending_lock.mailbox, 'compromised', 'hệ thống tự khóa: ' || sending_lock.cause) then
        return false;
    end if;
    insert into mail.notice (mailbox_id, kind, round, due, payload)
    values (sending_lock.mailbox, 'sending_lock', clock_timestamp()::text, current_date,
            jsonb_build_object('why', sending_lock.cause));
    return true;
end
$$;

-- What a client is told; nothing when nothing is over.
create or replace function mail.sending_text(span text) returns text
language sql immutable strict
set search_path = pg_catalog, pg_temp
as $$
    select case span
        when 'hour' then
            '450 4.7.1 Da gui qua nhieu thu hoac nguoi nhan trong mot gio, xin gui lai sau'
            ' / Too many messages or recipients within an hour, try again later'
        else
            '450 4.7.1 Da gui qua nhieu thu hoac nguoi nhan trong mot ngay, xin gui lai ngay mai'
            ' / Too many messages or recipients within a day, try again tomorrow'
    end
$$;

-- Postfix's answer to a login's next recipients or message, NULL to go on.
create or replace function mail.sending_of_login(login text, messages int, recipients int) returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    mailbox text := (select m.id from mail.mailbox m where m.id = login);
    over record;
begin
    if mailbox is null then
        return null;
    end if;
    select * into over
    from mail.sending_count(mailbox, true, mail.sending_kind(mailbox), sending_of_login.messages, sending_of_login.recipients);
    if over.locks then
        perform mail.sending_lock(mailbox, format(
            'đã gửi %s %s trong %s', over.offered, case over.unit when 'messages' then 'thư' else 'lượt người nhận' end,
            case over.span when 'hour' then 'một giờ' else 'một ngày' end));
    end if;
    return mail.sending_text(over.span);
end
$$;

-- The same for what is sent under an agency's or office's address, whichever clerk sends it. Nobody is locked for it: the clerk
-- whose login runs wild is by his own numbers.
create or replace function mail.sending_of_agency(address text, messages int, recipients int) returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    sender record;
begin
    select m.id, m.kind into sender from mail.mailbox m
    where position('@' in address) > 0 and m.id = mail.resolve(address) and m.kind in ('agency', 'office');
    if sender.id is null then
        return null;
    end if;
    return (
        select mail.sending_text(c.span)
        from mail.sending_count(sender.id, false, sender.kind, sending_of_agency.messages, sending_of_agency.recipients) c
    );
end
$$;

-- At each recipient.
create or replace function mail.postfix_recipient(login text) returns setof text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$ begin return next mail.sending_of_login(login, 0, 1); end $$;

create or replace function mail.postfix_recipient_as(address text) returns setof text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$ begin return next mail.sending_of_agency(address, 0, 1); end $$;

-- The filter refused a virus that this login wanted to send. Whether that locked it.
create or replace function mail.virus_sent(login text) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    number bigint;
begin
    if not exists (select from mail.mailbox m where m.id = login) then
        return false;
    end if;
    insert into mail.sending as s (mailbox_id, by_login, slot, viruses)
    values (login, true, date_bin('5 minutes', clock_timestamp(), 'epoch'), 1)
    on conflict (mailbox_id, by_login, slot) do update set viruses = s.viruses + 1;
    select sum(s.viruses) into number from mail.sending s
    where s.mailbox_id = login and s.by_login and s.slot > clock_timestamp() - interval '1 day 5 minutes';
    if number < mail.setting_int('sending_lock_viruses') then
        return false;
    end if;
    return mail.sending_lock(login, format('đã gửi %s thư có virus trong một ngày', number));
end
$$;

-- Who was locked because somebody else had his mailbox: what he sent and still waits in a queue is held there, until an
-- operator has looked at it. A lock that changes otherwise (its note, who stands for it) holds nothing anew: an operator may have
-- let go what was held.
create or replace function mail.lock_holds_queue() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'INSERT' then
        insert into mail.outbox (topic, mailbox)
        select 'mailbox.hold', n.mailbox_id from new_rows n where n.reason = 'compromised';
    else
        insert into mail.outbox (topic, mailbox)
        select 'mailbox.hold', n.mailbox_id
        from old_rows o
        join new_rows n using (mailbox_id)
        where n.reason = 'compromised' and o.reason <> n.reason;
    end if;
    return null;
end
$$;

create or replace trigger hold_new after insert on mail.lock_state
    referencing new table as new_rows for each statement execute function mail.lock_holds_queue();
create or replace trigger hold_changed after update on mail.lock_state
    referencing old table as old_rows new table as new_rows for each statement execute function mail.lock_holds_queue();
