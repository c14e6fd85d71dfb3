-- What time does to a mailbox (Đ6.2c, Đ7.2a, Đ7.2d, Đ8.2a). `as_of` is the day it is asked for, so that tests travel.
-- docs/decisions/0017-life-cycle-jobs.md

-- When a mailbox is locked: the day after its term, but never before its owner had the whole time of warning: after a long
-- stop of the job the warning comes first. A warning counts from the day it was sent.
create or replace function mail.lock_day(mailbox_id text, kind text, clock date, ends date, warning_days int, as_of date)
returns date
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select greatest(ends + 1, coalesce(min(greatest(n.due, coalesce(n.sent_at::date, as_of))), as_of) + warning_days)
    from mail.notice n
    where n.mailbox_id = lock_day.mailbox_id and n.kind = lock_day.kind and n.round like clock || '/%'
$$;

-- Whether the first warning of this clock was sent, not only written.
create or replace function mail.was_warned(mailbox_id text, kind text, clock date) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select from mail.notice n
        where n.mailbox_id = was_warned.mailbox_id and n.kind = was_warned.kind and n.round like clock || '/%'
            and n.sent_at is not null
    )
$$;

-- The smallest of the numbers that is not below `days`; NULL while it is too early for any.
create or replace function mail.warning_due(numbers jsonb, days int) returns int
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select min(n.value::int) from jsonb_array_elements_text(numbers) n where n.value::int >= days $$;

-- The mailboxes that can be locked: open by document, and no lock stands. `among`, here and below: of these mailboxes, NULL for all.
create or replace function mail.lockable(among text[]) returns table (mailbox_id text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select m.id
    from mail.mailbox m
    where m.state = 'active' and (lockable.among is null or m.id = any (lockable.among))
        and not exists (select from mail.lock_state l where l.mailbox_id = m.id)
$$;

-- The numbers of days ahead that one setting lists, and the largest of them: then the first word is said.
create or replace function mail.warnings(setting text) returns table (days jsonb, first int)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select s.value, (select max(n.value::int) from jsonb_array_elements_text(s.value) n)
    from mail.setting s
    where s.name = setting
$$;

-- What a term that ends in a lock asks for once its warnings begin: one of them while the lock is to come, the lock when its day
-- is there and a warning was sent. `clock` is the day on which the term began.
create or replace function mail.lock_step(
    mailbox_id text, reason text, clock date, cause text, ends date, warnings jsonb, first_warning int, as_of date
)
returns table (step text, round text, payload jsonb)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    day date := mail.lock_day(mailbox_id, reason || '_warning', clock, ends, first_warning, as_of);
begin
    payload := jsonb_build_object('since', clock, 'cause', cause);
    if as_of < day then
        step := reason || '_warning';
        round := clock || '/' || mail.warning_due(warnings, day - 1 - as_of);
        payload := payload || jsonb_build_object('locks_on', day, 'days', day - as_of);
        return next;
    elsif mail.was_warned(mailbox_id, reason || '_warning', clock) then
        step := reason || '_lock';
        round := clock::text;
        payload := payload || jsonb_build_object('ended', ends);
        return next;
    end if;
end
$$;

-- Of mailboxes that nobody uses: warnings and the lock (Đ7.2a), the proposal to revoke (Đ6.2c).
create or replace function mail.idle_steps(as_of date, among text[])
returns table (mailbox_id text, step text, round text, payload jsonb)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with
    number as materialized (
        select mail.setting_int('regulation_idle_lock_months') as lock_months,
               mail.setting_int('regulation_idle_revoke_months') as revoke_months,
               -- A stricter number of days; 0: none, the regulation's months alone.
               nullif(mail.setting_int('life_cycle_idle_lock_days'), 0)::int as lock_days,
               w.days as warnings, w.first as first_warning
        from mail.warnings('life_cycle_idle_warning_days') w
    ),
    -- A term never ends before its months or days are over, so most mailboxes need no calendar: the day is far.
    near as (
        select i.mailbox_id, i.since, i.cause, n.*
        from mail.idle_since(idle_steps.as_of, idle_steps.among) i, number n
        where idle_steps.as_of >= least(i.since + make_interval(months => n.lock_months::int), i.since + n.lock_days)::date
            - n.first_warning
    ),
    term as (
        select n.mailbox_id, n.since, n.cause, n.warnings, n.first_warning,
               least(mail.term_known(n.since, n.lock_months), n.since + n.lock_days) as ends,
               mail.term_known(n.since, n.revoke_months) as revoke_ends
        from near n
    )
    select t.mailbox_id, s.step, s.round, s.payload
    from term t
    join mail.lockable(idle_steps.among) o on o.mailbox_id = t.mailbox_id
    cross join lateral mail.lock_step(
        t.mailbox_id, 'idle', t.since, t.cause, t.ends, t.warnings, t.first_warning, idle_steps.as_of
    ) s
    where idle_steps.as_of >= t.ends - t.first_warning
    union all
    select t.mailbox_id, 'revoke_proposal', t.since::text,
           jsonb_build_object('since', t.since, 'cause', t.cause, 'ended', t.revoke_ends)
    from term t
    where idle_steps.as_of > t.revoke_ends
$$;

-- Of passwords as the operator gave them: warnings and the lock (Đ7.2d).
create or replace function mail.default_password_steps(as_of date, among text[])
returns table (mailbox_id text, step text, round text, payload jsonb)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with number as materialized (
        select mail.setting_int('regulation_default_password_months') as months,
               w.days as warnings, w.first as first_warning
        from mail.warnings('life_cycle_default_password_warning_days') w
    )
    select c.mailbox_id, s.step, s.round, s.payload
    from mail.credential c
    join mail.mailbox m on m.id = c.mailbox_id
    join mail.lockable(default_password_steps.among) o on o.mailbox_id = c.mailbox_id
    cross join number n
    cross join lateral (
        select greatest(c.given_at, m.restored_at)::date, case when m.restored_at > c.given_at then 'restore' else 'reset' end
    ) x(clock, cause)
    cross join lateral (select mail.term_known(x.clock, n.months)) e(ends)
    cross join lateral mail.lock_step(
        c.mailbox_id, 'default_password', x.clock, x.cause, e.ends, n.warnings, n.first_warning,
        default_password_steps.as_of
    ) s
    where c.is_default and default_password_steps.as_of >= e.ends - n.first_warning
$$;

-- Of passwords that their owners chose: reminders that they end (Đ8.2a).
create or replace function mail.reminder_steps(as_of date, among text[])
returns table (mailbox_id text, step text, round text, payload jsonb)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select c.mailbox_id, 'password_reminder',
           c.changed_at::date || '/' || mail.warning_due(n.value, x.ends - reminder_steps.as_of),
           jsonb_build_object('changed', c.changed_at::date, 'ends', x.ends, 'days', x.ends - reminder_steps.as_of)
    from mail.credential c
    join mail.lockable(reminder_steps.among) o on o.mailbox_id = c.mailbox_id
    join mail.setting n on n.name = 'regulation_password_reminder_days'
    cross join lateral (select mail.password_expires_on(c.changed_at)) x(ends)
    where not c.must_change and not c.is_default and reminder_steps.as_of <= x.ends
$$;

-- Of agencies: reminders of the yearly report (Đ11.8), which has to be there before a day of the year, this or the next. `last`: the
-- last day for it.
create or replace function mail.report_steps(as_of date, among text[])
returns table (mailbox_id text, step text, round text, payload jsonb)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select m.id, 'yearly_report', extract(year from x.before) || '/' || mail.warning_due(n.value, x.before - report_steps.as_of),
           jsonb_build_object('before', x.before, 'last', x.before - 1, 'days', x.before - 1 - report_steps.as_of)
    from mail.mailbox m
    join mail.lockable(report_steps.among) o on o.mailbox_id = m.id
    join mail.setting n on n.name = 'life_cycle_report_reminder_days'
    cross join lateral (
        select min(d.day) from generate_series(0, 1) y(later), lateral (select to_date(
            mail.setting_text('regulation_yearly_report_before') || (extract(year from report_steps.as_of) + y.later)::text, 'DD/MMYYYY'
        )) d(day)
        where report_steps.as_of < d.day
    ) x(before)
    where m.kind = 'agency'
$$;

-- Everything that is due on the day and not done yet. Reads only: the job's preview and what it acts on.
create or replace function mail.life_cycle_due(as_of date, among text[] default null)
returns table (mailbox_id text, step text, round text, payload jsonb)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select s.mailbox_id, s.step, s.round, s.payload
    from (
        select * from mail.idle_steps(life_cycle_due.as_of, life_cycle_due.among)
        union all
        select * from mail.default_password_steps(life_cycle_due.as_of, life_cycle_due.among)
        union all
        select * from mail.reminder_steps(life_cycle_due.as_of, life_cycle_due.among)
        union all
        select * from mail.report_steps(life_cycle_due.as_of, life_cycle_due.among)
    ) s
    where s.round is not null
        and not exists (
            select from mail.notice d where d.mailbox_id = s.mailbox_id and d.kind = s.step and d.round = s.round
        )
    order by s.mailbox_id, s.step
$$;

-- Does what is due: marks passwords whose term is over, writes the notices, locks. The answer is what was done; a second run on
-- the same day does nothing, and nothing is done for a reason that is none any more. The job does it a few mailboxes at a time (`among`, whose passwords it has marked before), each in
-- a transaction of its own: locks hold the outbox until their commit, and an emergency lock must not wait for 20,000 others.
create or replace function mail.life_cycle(as_of date, among text[] default null)
returns table (mailbox_id text, step text, round text, payload jsonb)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    due record;
begin
    perform pg_advisory_xact_lock(hashtext('mail.life_cycle'));
    -- Who changes what the look below goes by is waited for, and waits until the deed is done: an apply, an operator's command,
    -- which holds the mailbox's row (writers.py), and the owner, whose change of password holds the credential's.
    perform pg_advisory_xact_lock(hashtext('mail.apply'));
    perform from mail.mailbox m where life_cycle.among is null or m.id = any (life_cycle.among) order by m.id for no key update;
    perform from mail.credential c where life_cycle.among is null or c.mailbox_id = any (life_cycle.among)
    order by c.mailbox_id for no key update;
    perform set_config('hanam.actor', 'life-cycle', true);
    if among is null then
        perform mail.passwords_expire(life_cycle.as_of);
    end if;
    for due in select d.* from mail.life_cycle_due(life_cycle.as_of, life_cycle.among) d loop
        if due.step in ('idle_lock', 'default_password_lock') then
            perform mail.mailbox_lock(due.mailbox_id, regexp_replace(due.step, '_lock$', ''),
                                      'hết hạn ' || (due.payload ->> 'ended') || ', tính từ ' || (due.payload ->> 'since'));
        end if;
        insert into mail.notice (mailbox_id, kind, round, due, payload)
        values (due.mailbox_id, due.step, due.round, life_cycle.as_of, due.payload);
        return query select due.mailbox_id, due.step, due.round, due.payload;
    end loop;
end
$$;

-- The years that the day's work has to count in, warnings ahead included, and that nobody confirmed. What would end in them is
-- not warned of, locked or proposed: the job does the rest and then says which year is missing.
create or replace function mail.life_cycle_unconfirmed(as_of date) returns int[]
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(array_agg(distinct y.year order by y.year), '{}')
    from mail.setting c,
        lateral (
            select as_of as day
            union all
            select as_of + w.value::int
            from mail.setting s, jsonb_array_elements_text(s.value) w
            where s.name in (
                'life_cycle_idle_warning_days', 'life_cycle_default_password_warning_days', 'regulation_password_reminder_days'
            )
        ) d,
        lateral (select extract(year from d.day)::int as year) y
    where c.name = 'life_cycle_calendar' and mail.works(c.value, d.day) is null
$$;

-- Marks passwords whose term is over, at most so many; how many they were. The job of midnight does it, since sessions that are
-- open do not notice by themselves that a day began.
create or replace function mail.life_cycle_expire(as_of date, most int) returns int
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform set_config('hanam.actor', 'life-cycle', true);
    return mail.passwords_expire(as_of, most);
end
$$;

-- Tells the daemons of addresses that ended with the day before; how many mailboxes. Of the last days, in case a run was missed,
-- each once. One that begins needs no word: nobody caches that an address is unknown.
create or replace function mail.addresses_end(as_of date) returns int
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    told int;
begin
    insert into mail.outbox (topic, mailbox, payload)
    select 'mailbox.profile', a.mailbox_id, jsonb_build_object('ended', jsonb_agg(e.mark order by e.mark))
    from mail.address a
    cross join lateral (select a.local_part || ' ' || a.valid_until) e(mark)
    where a.valid_until between addresses_end.as_of - 7 and addresses_end.as_of - 1
        and not exists (
            select from mail.outbox o
            where o.at > now() - interval '9 days' and o.mailbox = a.mailbox_id and o.payload -> 'ended' ? e.mark
        )
    group by a.mailbox_id
    order by a.mailbox_id;
    get diagnostics told = row_count;
    return told;
end
$$;

-- The mailboxes whose revocation is proposed on the day (Đ6.2c), whether told before or not. Nothing here revokes.
create or replace function mail.revoke_proposals(as_of date)
returns table (
    mailbox_id text, name text, address text, agency text, agency_code text, since date, cause text, ended date, state text
)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select m.id, m.name, a.local_part, g.name, g.code, i.since, i.cause, x.ended, mail.mailbox_state(m.id)
    from mail.idle_since(as_of) i
    join mail.mailbox m on m.id = i.mailbox_id
    join mail.address a on a.mailbox_id = m.id and a.kind = 'primary'
    left join mail.agency g on g.id = m.agency_id
    cross join lateral (select mail.term_known(i.since, mail.setting_int('regulation_idle_revoke_months'))) x(ended)
    where as_of > x.ended
    order by a.local_part
$$;
