-- Letters that leave at a chosen hour: what the service asks that hands them over (src/hanam_mail/host/scheduled/). Each step is a
-- transaction of its own; whatever ends between two leaves a letter that was not handed over, or a doubt.

-- The end of a letter's time in the service's hand: what it signed in with opens nothing any more, and Dovecot forgets it.
create or replace function mail.scheduled_let_go(number bigint) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    who text;
begin
    update mail.scheduled s set word_hash = null, word_ends = null
    where s.number = scheduled_let_go.number and s.word_hash is not null
    returning s.sender_id into who;
    if who is not null then
        insert into mail.outbox (topic, mailbox, payload) values ('mailbox.profile', who, '{"cause": "scheduled"}');
    end if;
end
$$;

-- Not sent, and its writer hears of it; where a lock, a revocation or the clerk's end stood in the way, the agency does as well.
create or replace function mail.scheduled_stop(number bigint, state text, reason text, detail text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    update mail.scheduled s
    set state = scheduled_stop.state, reason = scheduled_stop.reason, detail = left(scheduled_stop.detail, 500), ended_at = now()
    where s.number = scheduled_stop.number;
    perform mail.scheduled_let_go(scheduled_stop.number);
    perform mail.scheduled_noted(scheduled_stop.number, 'update', jsonb_build_object('reason', scheduled_stop.reason));
    insert into mail.notice (mailbox_id, kind, round, due, payload)
    -- An agency's mailbox: its clerks hear of it too (notice_recipients).
    select s.mailbox_id,
           case when scheduled_stop.state = 'doubt' then 'scheduled_doubt'
                when scheduled_stop.reason in ('locked', 'revoked', 'closed') then 'scheduled_shut' else 'scheduled_stopped' end,
           s.number || '/' || clock_timestamp(), current_date,
           jsonb_build_object('hour', mail.scheduled_hour(s.due), 'why', mail.scheduled_text(s.reason, s.detail))
    from mail.scheduled s
    where s.number = scheduled_stop.number
    on conflict do nothing;
end
$$;

-- Whether its time is over: so long after its hour, or after its writer said "now", nothing is tried any more.
create or replace function mail.scheduled_is_late(letter mail.scheduled) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select greatest(letter.due, letter.made_at) < now() - make_interval(hours => mail.setting_int('sending_later_try_hours')::int)
$$;

-- Not now; or, after so many hours, not at all. The longer it lasts the less often it is tried.
create or replace function mail.scheduled_put_off(letter mail.scheduled, words text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    if mail.scheduled_is_late(letter) then
        perform mail.scheduled_stop(letter.number, 'stopped', 'late', words);
        return;
    end if;
    update mail.scheduled s
    set state = 'waiting', tries = s.tries + 1, detail = left(words, 500),
        next_try = now() + least(power(2, least(s.tries, 4)), 15) * interval '1 minute'
    where s.number = letter.number;
    perform mail.scheduled_let_go(letter.number);
end
$$;

-- It was sent, and after so many tries it does not get among what was sent: it stays where it lies, and its writer hears of it.
create or replace function mail.scheduled_leave(number bigint) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    update mail.scheduled s set reason = 'unfiled' where s.number = scheduled_leave.number;
    perform mail.scheduled_let_go(scheduled_leave.number);
    perform mail.scheduled_noted(scheduled_leave.number, 'update', '{"reason": "unfiled"}');
    insert into mail.notice (mailbox_id, kind, round, due, payload)
    select s.mailbox_id, 'scheduled_unfiled', s.number || '/' || clock_timestamp(), current_date,
           jsonb_build_object('hour', mail.scheduled_hour(s.due), 'why', coalesce(nullif(s.detail, ''), 'không rõ lý do'))
    from mail.scheduled s
    where s.number = scheduled_leave.number
    on conflict do nothing;
end
$$;

-- What was in hand when the service ended, or its host: nothing was handed over, so it waits again; or nobody knows.
create or replace function mail.scheduled_interrupted() returns int
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    each mail.scheduled%rowtype;
    doubts int := 0;
begin
    for each in select s.* from mail.scheduled s where s.state in ('taken', 'sending') for update loop
        if each.state = 'sending' then
            perform mail.scheduled_stop(each.number, 'doubt', 'doubt', null);
            doubts := doubts + 1;
        else
            -- It may be the letter that ends the service: others come first, and its tries end.
            perform mail.scheduled_put_off(each, 'hệ thống gửi bị ngắt giữa chừng');
        end if;
    end loop;
    return doubts;
end
$$;

-- The next letter in turn, with a word by which it is signed in for; no row when none is due. One of those that were sent and are to be
-- filed has `file`. Whoever may not send now is stopped on the way.
create or replace function mail.scheduled_take()
returns table (number bigint, login text, sender text, word text, validity bigint, uid bigint, dsn boolean, file boolean)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    each mail.scheduled%rowtype;
    fault text;
begin
    loop
        select s.* into each from mail.scheduled s
        where s.next_try <= now()
            and (s.state = 'waiting' and s.due <= now() or s.state = 'sent' and s.filed_at is null and s.reason is null)
        -- In the order of their hours; who asks by "now" is in nobody's way.
        order by s.due, s.number
        limit 1
        for update skip locked;
        if not found then
            return;
        end if;
        fault := mail.scheduled_fault(each.login, each.mailbox_id, each.sender_id);
        -- After a long stop, or a restore, nobody expects it any more at this hour.
        if fault is null and each.state = 'waiting' and mail.scheduled_is_late(each) then
            fault := 'late';
        end if;
        -- Tried for a day and more, and each try is counted as it begins: one that ends the service has no result.
        if fault is null and each.state = 'sent' and each.tries >= 30 then
            perform mail.scheduled_leave(each.number);
            continue;
        end if;
        exit when fault is null;
        if each.state = 'waiting' then
            perform mail.scheduled_stop(each.number, 'stopped', fault, case fault when 'late' then each.detail end);
        else
            -- It lies in the folder until its mailbox is open again.
            update mail.scheduled s set next_try = now() + interval '1 hour' where s.number = each.number;
        end if;
    end loop;
    word := 'scheduled-' || encode(mail_crypto.gen_random_bytes(24), 'hex');
    update mail.scheduled s
    set state = case each.state when 'waiting' then 'taken' else each.state end,
        word_hash = mail.second_key_hash(each.sender_id, scheduled_take.word), word_ends = now() + interval '15 minutes',
        -- Should this end without a result: filing is tried again, sending is taken up by scheduled_interrupted().
        tries = s.tries + (each.state = 'sent')::int,
        next_try = case each.state when 'waiting' then s.next_try else now() + interval '10 minutes' end
    where s.number = each.number;
    return query select each.number, each.login, each.sender_id, scheduled_take.word, each.validity, each.uid, each.dsn,
                        each.state = 'sent';
end
$$;

-- Whether a letter is still in the hand that has this word; a program of a former release shows none.
create or replace function mail.scheduled_is_held(letter mail.scheduled, word text) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select word is null or letter.word_hash is not distinct from mail.second_key_hash(letter.sender_id, word)
$$;

-- The last word before it goes: from here on nobody calls it off. False, and nothing is changed, when it was called off meanwhile, when
-- its writer may not send any more, or when another has it in hand.
create or replace function mail.scheduled_sending(number bigint, word text default null) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    held mail.scheduled%rowtype;
begin
    perform set_config('synchronous_commit', 'on', true);
    select s.* into held from mail.scheduled s where s.number = scheduled_sending.number for update;
    if held.state is distinct from 'taken' or not mail.scheduled_is_held(held, word)
        or mail.scheduled_fault(held.login, held.mailbox_id, held.sender_id) is not null
    then
        return false;
    end if;
    -- The server notes the person's use now, and the agency's.
    perform mail.scheduled_used(held.number, held.sender_id, 'smtp', held.sender_id);
    if held.mailbox_id <> held.sender_id then
        perform mail.scheduled_used(held.number, held.mailbox_id, 'smtp', held.sender_id);
    end if;
    update mail.scheduled s set state = 'sending' where s.number = scheduled_sending.number;
    return true;
end
$$;

-- What came of it: sent, filed; refused or gone for good; later, for now; doubt; broken, by a fault of the service's own. What was called
-- off meanwhile stays so, and what another has in hand is his. `words` are shown to the writer as they are.
create or replace function mail.scheduled_result(number bigint, outcome text, words text, word text default null) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    held mail.scheduled%rowtype;
    fault text;
begin
    perform set_config('synchronous_commit', 'on', true);
    select s.* into held from mail.scheduled s where s.number = scheduled_result.number for update;
    if not mail.scheduled_is_held(held, word) then
        return;
    end if;
    if outcome = 'sent' and held.state = 'sending' then
        -- The word stays until it is filed.
        update mail.scheduled s
        set state = 'sent', ended_at = now(), queued_as = words, detail = null, tries = 1, next_try = now() + interval '10 minutes'
        where s.number = held.number;
        perform mail.scheduled_noted(held.number, 'update', jsonb_build_object('queued_as', words));
        return;
    elsif outcome = 'filed' and held.state = 'sent' then
        update mail.scheduled s set filed_at = now() where s.number = held.number;
    elsif held.state = 'sent' then
        update mail.scheduled s
        set next_try = now() + least(power(2, least(greatest(s.tries - 1, 0), 6)), 60) * interval '1 minute', detail = left(words, 500)
        where s.number = held.number;
    elsif outcome in ('doubt', 'broken') and held.state = 'sending' then
        perform mail.scheduled_stop(held.number, 'doubt', 'doubt', null);
    elsif held.state in ('taken', 'sending') then
        fault := mail.scheduled_fault(held.login, held.mailbox_id, held.sender_id);
        if fault is not null or outcome in ('refused', 'gone') then
            perform mail.scheduled_stop(held.number, 'stopped', coalesce(fault, outcome), case when fault is null then words end);
        else
            perform mail.scheduled_put_off(held, words);
        end if;
    end if;
    perform mail.scheduled_let_go(scheduled_result.number);
end
$$;

-- Forgets what ended a good while ago; how many.
create or replace function mail.scheduled_prune() returns int
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    with uses as (delete from mail.scheduled_use u where u.ends < now()),
    gone as (
        delete from mail.scheduled s
        where s.ended_at < now() - interval '90 days' and (s.filed_at is not null or s.reason = 'unfiled' or s.state in ('cancelled', 'stopped', 'doubt'))
        returning 1
    )
    select count(*)::int from gone
$$;

-- Whether this is a word of the service, for a letter that it has in hand now. NULL when it has not the form. Sending ends with the sending.
-- From elsewhere than the service's own hosts it opens nothing.
create or replace function mail.scheduled_word(id text, plain text, protocol text, remote_ip text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if plain !~ '^scheduled-[0-9a-f]{48}$' then
        return null;
    end if;
    return coalesce((
        select case
            when (scheduled_word.protocol = 'imap'
                  or scheduled_word.protocol in ('smtp', 'submission') and s.state in ('taken', 'sending'))
                and mail.comes_from('scheduled_networks', remote_ip)
            then 'fits' else 'scope' end
        from mail.scheduled s
        where s.sender_id = scheduled_word.id and s.word_hash = mail.second_key_hash(scheduled_word.id, plain) and s.word_ends > now()
    ), 'gone');
end
$$;

-- A note of use is to come that is the service's own: no use of the mailbox by a person (Đ7.2a, Đ9.2).
create or replace function mail.scheduled_used(number bigint, mailbox text, protocol text, person text) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    insert into mail.scheduled_use (number, mailbox_id, protocol, person_id, ends) values
        (number, mailbox, protocol, person, now() + interval '2 minutes')
$$;

-- The same of a sign-in by the service's word.
create or replace function mail.scheduled_signed_in(id text, plain text, protocol text) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    select mail.scheduled_used(s.number, s.mailbox_id, scheduled_signed_in.protocol, s.sender_id) from mail.scheduled s
    where scheduled_signed_in.protocol = 'imap' and s.sender_id = scheduled_signed_in.id
        and s.word_hash = mail.second_key_hash(scheduled_signed_in.id, plain)
$$;

-- Whether this note of use is one of those; it is taken off. Which of two of the same moment and person it was makes no difference: one is
-- noted. Of an agency's message Postfix does not name the clerk.
create or replace function mail.scheduled_use_take(mailbox text, protocol text, person text) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    place tid;
begin
    select u.ctid into place from mail.scheduled_use u
    where u.mailbox_id = mailbox and u.protocol = scheduled_use_take.protocol and u.ends > now()
        and (u.person_id = person or u.protocol = 'smtp')
    order by u.ends limit 1
    for update skip locked;
    if not found then
        return false;
    end if;
    delete from mail.scheduled_use u where u.ctid = place;
    return true;
end
$$;

-- Whoever is locked, or whose mailbox is closed, sends nothing of what waits, even if he is let in again before its hour: a stranger may have
-- written it.
create or replace function mail.scheduled_lock() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    each record;
begin
    for each in
        select s.number from mail.scheduled s
        join new_rows n on n.mailbox_id in (s.mailbox_id, s.sender_id)
        where s.state = 'waiting' order by s.number
    loop
        perform mail.scheduled_stop(each.number, 'stopped', 'locked', null);
    end loop;
    return null;
end
$$;

create or replace trigger scheduled_lock after insert on mail.lock_state
    referencing new table as new_rows for each statement execute function mail.scheduled_lock();
