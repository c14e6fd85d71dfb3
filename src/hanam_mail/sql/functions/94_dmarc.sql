-- Verdicts on mail from outside, counted for the reports to their authors' domains (RFC 9990); the job sends them
-- (hanam_mail/host/reports/outgoing_send.py).

-- A file of counted verdicts, brought by the filter's host; false where it was taken before. `lines`: day, domain, published, row and
-- messages of each. A stranger chooses how many domains and kinds of messages there are: what is beyond the limits is counted and
-- in no row.
create or replace function mail.dmarc_take(file text, lines jsonb, lost bigint) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    most_domains constant int := 5000;
    most_rows constant int := 10000;
    today constant date := (now() at time zone 'UTC')::date;
    missing bigint := dmarc_take.lost;
    report record;
    taken bigint;
begin
    insert into mail.dmarc_file (name) values (dmarc_take.file) on conflict do nothing;
    if not found then
        return false;
    end if;
    for report in
        select x.day, x.domain, (array_agg(x.published))[count(*)] as published, sum(x.messages)::bigint as messages
        from jsonb_to_recordset(dmarc_take.lines) as x(day date, domain text, published jsonb, messages int)
        group by x.day, x.domain
        order by x.day, x.domain
    loop
        -- A clock that was wrong, or a file that lay for weeks.
        if report.day not between today - 7 and today + 1 then
            missing := missing + report.messages;
            continue;
        end if;
        insert into mail.dmarc_report as r (day, domain, published)
            select report.day, report.domain, report.published
            where exists (select from mail.dmarc_report o where o.day = report.day and o.domain = report.domain)
                or (select count(*) from mail.dmarc_report o where o.day = report.day) < most_domains
            on conflict (day, domain) do update
                set published = case when r.closed_at is null then excluded.published else r.published end;
        if not found then
            missing := missing + report.messages;
            continue;
        end if;
        -- Its row is locked by now: what is closed meanwhile is closed for all of these.
        with incoming as (
            select sha256(convert_to(x."row"::text, 'UTF8')) as digest, x."row" as seen, sum(x.messages) as messages
            from jsonb_to_recordset(dmarc_take.lines) as x(day date, domain text, "row" jsonb, messages int)
            where x.day = report.day and x.domain = report.domain
                and (select r.closed_at is null from mail.dmarc_report r where r.day = report.day and r.domain = report.domain)
            group by x."row"
        ), counted as (
            update mail.dmarc_seen s set messages = s.messages + i.messages
            from incoming i
            where s.day = report.day and s.domain = report.domain and s.digest = i.digest
            returning s.digest, i.messages
        ), added as (
            insert into mail.dmarc_seen (day, domain, digest, seen, messages)
            select report.day, report.domain, i.digest, i.seen, i.messages
            from incoming i
            where not exists (select from mail.dmarc_seen s
                where s.day = report.day and s.domain = report.domain and s.digest = i.digest)
            order by i.messages desc
            limit greatest(0, most_rows
                - (select count(*) from mail.dmarc_seen s where s.day = report.day and s.domain = report.domain))
            returning messages
        )
        select coalesce((select sum(c.messages) from counted c), 0) + coalesce((select sum(a.messages) from added a), 0)
        into taken;
        update mail.dmarc_report r
        set messages = r.messages + report.messages, left_out = r.left_out + report.messages - taken
        where r.day = report.day and r.domain = report.domain;
    end loop;
    update mail.dmarc_file f set lost = missing where f.name = dmarc_take.file and missing > 0;
    return true;
end
$$;

-- Reports that wait to be sent: of days that are over, and have been for as long as their last verdicts take to come.
create or replace function mail.dmarc_waiting() returns table (day date, domain text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select r.day, r.domain from mail.dmarc_report r
    where r.outcome is null and r.day < ((now() - interval '1 hour') at time zone 'UTC')::date
    order by r.tries, r.day, r.domain
$$;

-- One of them, closed from now on; no row when it is done.
create or replace function mail.dmarc_close(day date, domain text)
returns table (published jsonb, messages bigint, given text[])
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    update mail.dmarc_report r
    set closed_at = coalesce(r.closed_at, now()), tries = r.tries + 1, tried_at = now()
    where r.day = dmarc_close.day and r.domain = dmarc_close.domain and r.outcome is null
    returning r.published, r.messages, r.given
$$;

-- Its rows, in an order that is the same each time.
create or replace function mail.dmarc_rows(day date, domain text) returns table (seen jsonb, messages bigint)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select s.seen, s.messages from mail.dmarc_seen s
    where s.day = dmarc_rows.day and s.domain = dmarc_rows.domain
    order by s.messages desc, s.digest
$$;

-- An address has it.
create or replace function mail.dmarc_given(day date, domain text, address text) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    update mail.dmarc_report r set given = array_append(r.given, dmarc_given.address)
    where r.day = dmarc_given.day and r.domain = dmarc_given.domain
$$;

-- What became of it; without an outcome it goes on waiting, for that reason.
create or replace function mail.dmarc_done(day date, domain text, outcome text, reason text) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    update mail.dmarc_report r
    set outcome = dmarc_done.outcome, reason = nullif(dmarc_done.reason, ''),
        done_at = case when dmarc_done.outcome is not null then now() end
    where r.day = dmarc_done.day and r.domain = dmarc_done.domain and r.outcome is null
$$;

-- Days of which reports are overdue: something was seen, and so many hours after its end it is neither sent nor said why not.
-- Counted from what was seen, not from what the job believes to have done. That a stranger's DNS does not answer is a reason.
create or replace function mail.dmarc_overdue(hours int) returns table (day date, domains bigint, reason text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select s.day, count(*), min(r.reason)
    from (select distinct x.day, x.domain from mail.dmarc_seen x) s
    left join mail.dmarc_report r using (day, domain)
    where (s.day + 1)::timestamp at time zone 'UTC' + make_interval(hours => dmarc_overdue.hours) < now()
        and ((r.outcome is null and coalesce(r.reason, '') <> 'dns')
            or (r.outcome = 'failed' and r.done_at > now() - interval '1 day')
            or (r.outcome = 'sent' and r.given = '{}') or (r.outcome = 'none' and r.reason is null))
    group by s.day
    order by s.day
$$;

-- Forget what is older than so many days: rows of what was seen go with their report.
create or replace function mail.dmarc_prune(days int) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    gone bigint;
begin
    delete from mail.dmarc_report r where r.day < (now() at time zone 'UTC')::date - dmarc_prune.days;
    get diagnostics gone = row_count;
    -- A file that is still brought after that long counts nothing: its days are too old.
    delete from mail.dmarc_file f where f.taken_at < now() - make_interval(days => greatest(dmarc_prune.days, 30));
    return gone;
end
$$;
