-- Terms of the regulation. Calendar months; the first day is not counted, a missing day is the month's end, and a term that
-- would end on a day off ends with the next working day (Bộ luật Dân sự, Điều 147-148).

-- NULL in a year whose days off nobody confirmed (calendar.yml): nothing is counted by a guess.
create or replace function mail.works(calendar jsonb, day date) returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if coalesce(calendar -> 'years' ? extract(year from day)::text, false) then
        return calendar -> 'worked' ? day::text or (extract(isodow from day) < 6 and not calendar -> 'off' ? day::text);
    end if;
    return null;
end
$$;

create or replace function mail.refuse_year(day date) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception 'lịch nghỉ năm % chưa được xác nhận nên không tính được ngày làm việc (calendar_confirmed_years)',
        extract(year from day) using errcode = 'object_not_in_prerequisite_state';
end
$$;

create or replace function mail.is_working_day(day date) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    result boolean := mail.works((select c.value from mail.setting c where c.name = 'life_cycle_calendar'), day);
begin
    if result is null then
        perform mail.refuse_year(day);
    end if;
    return result;
end
$$;

-- The last day of a term that began on `since`; NULL where it would end in a year that nobody confirmed. For decisions that
-- must go on without it: nobody is shut out, warned or locked by a day that cannot be told, and the nightly job says so.
create or replace function mail.term_known(since date, months bigint) returns date
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    calendar jsonb := (select c.value from mail.setting c where c.name = 'life_cycle_calendar');
    day date := since + make_interval(months => months::int);
    result boolean := mail.works(calendar, day);
begin
    while not result loop
        day := day + 1;
        result := mail.works(calendar, day);
    end loop;
    return case when result then day end;
end
$$;

-- The same, refused where it cannot be told.
create or replace function mail.term_end(since date, months bigint) returns date
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    result date := mail.term_known(since, months);
begin
    if result is null then
        perform mail.refuse_year((since + make_interval(months => months::int))::date);
    end if;
    return result;
end
$$;

-- A lock that is lifted, and a document that opens a mailbox again, start the clocks anew (Đ7.3).
create or replace function mail.lock_lifted() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    update mail.mailbox m set restored_at = now() from old_rows o where m.id = o.mailbox_id;
    return null;
end
$$;

create or replace function mail.mailbox_reopened() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    new.restored_at := now();
    return new;
end
$$;

create or replace trigger lock_lifted after delete on mail.lock_state
    referencing old table as old_rows for each statement execute function mail.lock_lifted();
create or replace trigger mailbox_reopened before update on mail.mailbox
    for each row when (old.state <> 'active' and new.state = 'active') execute function mail.mailbox_reopened();

-- Since when each mailbox that somebody can open lies idle, and what was last: activity, issue, restore, reset (a given
-- password) or a notified absence, which ends the clock's run while it lasts. A mailbox without a password of its own and
-- without a clerk who has one cannot be idle: nobody could have used it.
-- `among`: of these mailboxes, NULL for all.
create or replace function mail.idle_since(as_of date, among text[] default null) returns table (mailbox_id text, since date, cause text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select m.id, latest.day, latest.cause
    from mail.mailbox m
    cross join lateral (
        select x.day, x.cause
        from (
            select m.created_at::date, 'issue' where m.created_at is not null
            union all
            select m.restored_at::date, 'restore' where m.restored_at is not null
            union all
            select c.given_at::date, 'reset' from mail.credential c where c.mailbox_id = m.id
            union all
            select to_timestamp(a.last_access)::date, 'activity' from mail.activity a where a.mailbox_id = m.id
            union all
            select least(b.ends, as_of), 'absence' from mail.absence b where b.mailbox_id = m.id and b.begins <= as_of
        ) x(day, cause)
        order by x.day desc, x.cause
        limit 1
    ) latest
    where m.state <> 'revoked' and (idle_since.among is null or m.id = any(idle_since.among))
        and (
            exists (select from mail.credential c where c.mailbox_id = m.id)
            or exists (
                select from mail.mailbox_clerk k
                join mail.credential c on c.mailbox_id = k.clerk_id
                where k.mailbox_id = m.id
            )
        )
$$;
