-- What reports to domains tell, counted by the hosts that see it: verdicts on mail in their name (kind `dmarc`, RFC 9990), and TLS to
-- their servers (kind `tls`, RFC 8460), whose "messages" are sessions. The job sends them (hanam_mail/host/reports/outgoing_send.py).

-- A file of counts, brought by the agent of a host; false where it was taken before. `lines`: day, domain, published, row and
-- messages of each. A stranger chooses how many domains and kinds of messages there are: what is beyond the limits, which each kind
-- of reports has for itself, is counted and in no row.
create or replace function mail.outgoing_take(kind text, file text, lines jsonb, lost bigint) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    most_domains constant int := 5000;
    most_rows constant int := 10000;
    most_rows_day constant int := 100000;
    today constant date := (now() at time zone 'UTC')::date;
    missing bigint := outgoing_take.lost;
    report record;
    counted_day date;
    room bigint;
    taken bigint;
    more bigint;
begin
    insert into mail.outgoing_file (kind, name) values (outgoing_take.kind, outgoing_take.file) on conflict do nothing;
    if not found then
        return false;
    end if;
    for report in
        select x.day, x.domain, (array_agg(x.published))[count(*)] as published, sum(x.messages)::bigint as messages
        from jsonb_to_recordset(outgoing_take.lines) as x(day date, domain text, published jsonb, messages int)
        group by x.day, x.domain
        order by x.day, x.domain
    loop
        -- A clock that was wrong, or a file that lay for weeks.
        if report.day not between today - 7 and today + 1 then
            missing := missing + report.messages;
            continue;
        end if;
        if report.day is distinct from counted_day then
            counted_day := report.day;
            room := most_rows_day - (select count(*) from mail.outgoing_seen s
                where s.kind = outgoing_take.kind and s.day = report.day);
        end if;
        insert into mail.outgoing_report as r (kind, day, domain, published)
            select outgoing_take.kind, report.day, report.domain, report.published
            where exists (select from mail.outgoing_report o
                    where o.kind = outgoing_take.kind and o.day = report.day and o.domain = report.domain)
                or (select count(*) from mail.outgoing_report o
                    where o.kind = outgoing_take.kind and o.day = report.day) < most_domains
            on conflict on constraint outgoing_report_pkey do update
                set published = case when r.closed_at is null then excluded.published else r.published end;
        if not found then
            missing := missing + report.messages;
            continue;
        end if;
        -- Its row is locked by now: what is closed meanwhile is closed for all of these.
        with incoming as (
            select sha256(convert_to(x."row"::text, 'UTF8')) as digest, x."row" as seen, sum(x.messages) as messages
            from jsonb_to_recordset(outgoing_take.lines) as x(day date, domain text, "row" jsonb, messages int)
            where x.day = report.day and x.domain = report.domain
                and (select r.closed_at is null from mail.outgoing_report r
                    where r.kind = outgoing_take.kind and r.day = report.day and r.domain = report.domain)
            group by x."row"
        ), counted as (
            update mail.outgoing_seen s set messages = s.messages + i.messages
            from incoming i
            where s.kind = outgoing_take.kind and s.day = report.day and s.domain = report.domain and s.digest = i.digest
            returning s.digest, i.messages
        ), added as (
            insert into mail.outgoing_seen (kind, day, domain, digest, seen, messages)
            select outgoing_take.kind, report.day, report.domain, i.digest, i.seen, i.messages
            from incoming i
            where not exists (select from mail.outgoing_seen s
                where s.kind = outgoing_take.kind and s.day = report.day and s.domain = report.domain and s.digest = i.digest)
            order by i.messages desc
            limit greatest(0, least(room, most_rows
                - (select count(*) from mail.outgoing_seen s
                    where s.kind = outgoing_take.kind and s.day = report.day and s.domain = report.domain)))
            returning messages
        )
        select coalesce((select sum(c.messages) from counted c), 0) + coalesce((select sum(a.messages) from added a), 0),
               (select count(*) from added)
        into taken, more;
        room := room - more;
        update mail.outgoing_report r
        set messages = r.messages + report.messages, left_out = r.left_out + report.messages - taken
        where r.kind = outgoing_take.kind and r.day = report.day and r.domain = report.domain;
    end loop;
    update mail.outgoing_file f set lost = missing
    where f.kind = outgoing_take.kind and f.name = outgoing_take.file and missing > 0;
    return true;
end
$$;

-- Reports that wait to be sent: of days that are over, and have been for as long as their last counts take to come.
create or replace function mail.outgoing_waiting(kind text) returns table (day date, domain text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select r.day, r.domain from mail.outgoing_report r
    where r.kind = outgoing_waiting.kind and r.outcome is null and r.day < ((now() - interval '1 hour') at time zone 'UTC')::date
    order by r.tries, r.day, r.domain
$$;

-- One of them, closed from now on; no row when it is done.
create or replace function mail.outgoing_close(kind text, day date, domain text)
returns table (published jsonb, messages bigint, given text[])
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    update mail.outgoing_report r
    set closed_at = coalesce(r.closed_at, now()), tries = r.tries + 1
    where r.kind = outgoing_close.kind and r.day = outgoing_close.day and r.domain = outgoing_close.domain and r.outcome is null
    returning r.published, r.messages, r.given
$$;

-- Its rows, in an order that is the same each time.
create or replace function mail.outgoing_rows(kind text, day date, domain text) returns table (seen jsonb, messages bigint)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select s.seen, s.messages from mail.outgoing_seen s
    where s.kind = outgoing_rows.kind and s.day = outgoing_rows.day and s.domain = outgoing_rows.domain
    order by s.messages desc, s.digest
$$;

-- An address has it.
create or replace function mail.outgoing_given(kind text, day date, domain text, address text) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    update mail.outgoing_report r set given = array_append(r.given, outgoing_given.address)
    where r.kind = outgoing_given.kind and r.day = outgoing_given.day and r.domain = outgoing_given.domain
$$;

-- Addresses that have reports of a day, each as often as it has one.
create or replace function mail.outgoing_given_on(kind text, day date) returns setof text
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select unnest(r.given) from mail.outgoing_report r
    where r.kind = outgoing_given_on.kind and r.day = outgoing_given_on.day
$$;

-- What became of it; without an outcome it goes on waiting, for that reason.
create or replace function mail.outgoing_done(kind text, day date, domain text, outcome text, reason text) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    update mail.outgoing_report r
    set outcome = outgoing_done.outcome, reason = nullif(outgoing_done.reason, ''),
        done_at = case when outgoing_done.outcome is not null then now() end
    where r.kind = outgoing_done.kind and r.day = outgoing_done.day and r.domain = outgoing_done.domain and r.outcome is null
$$;

-- Days of which reports are overdue: something was seen, and so many hours after its end it is neither sent nor said why not.
-- Counted from what was seen, not from what the job believes to have done. That a stranger's DNS does not answer is a reason; where
-- that is so of most domains of a day, it is ours that does not. Told for two days as well: that a tenth of a day's messages or more is in
-- no report.
create or replace function mail.outgoing_overdue(kind text, hours int) returns table (day date, domains bigint, reason text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    with due as (
        select r.day, r.outcome, coalesce(r.reason, '') as reason, r.done_at, r.given, r.messages, r.left_out,
               exists (select from mail.outgoing_seen s
                   where s.kind = r.kind and s.day = r.day and s.domain = r.domain) as seen
        from mail.outgoing_report r
        where r.kind = outgoing_overdue.kind
            and (r.day + 1)::timestamp at time zone 'UTC' + make_interval(hours => outgoing_overdue.hours) < now()
    ), unanswered as (
        select d.day from due d
        group by d.day
        having count(*) filter (where d.reason = 'dns' and (d.outcome is null or d.done_at > now() - interval '1 day')) >= 5
            and count(*) filter (where d.reason = 'dns') * 2 > count(*)
    ), lost as (
        select (f.taken_at at time zone 'UTC')::date as day, sum(f.lost) as messages
        from mail.outgoing_file f
        where f.kind = outgoing_overdue.kind and f.lost > 0
        group by 1
    )
    select d.day, count(*), min(nullif(d.reason, ''))
    from due d
    where d.seen
        and ((d.outcome is null and (d.reason <> 'dns' or d.day in (select u.day from unanswered u)))
            or (d.outcome = 'failed' and d.done_at > now() - interval '1 day')
            or (d.outcome = 'sent' and d.given = '{}') or (d.outcome = 'none' and d.reason = '')
            or (d.outcome = 'none' and d.reason = 'dns' and d.day in (select u.day from unanswered u)))
    group by d.day
    union all
    -- Also of a day of which nothing else is known.
    select day, coalesce(x.domains, 0), 'lost'
    from (select d.day, count(*) as domains, sum(d.left_out) as left_out, sum(d.messages) as messages from due d group by d.day) x
    full join lost l using (day)
    where day >= (now() at time zone 'UTC')::date - 2
        and (day + 1)::timestamp at time zone 'UTC' + make_interval(hours => outgoing_overdue.hours) < now()
        and (coalesce(x.left_out, 0) + coalesce(l.messages, 0)) * 10 > coalesce(x.messages, 0) + coalesce(l.messages, 0)
    order by 1, 3
$$;

-- Forget what is older than reports.yml of the province says. Rows of what was seen go with their report, or two days after it is done: strangers choose how
-- many these are.
create or replace function mail.outgoing_prune() returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    days int := mail.setting_int('reports_sent_keep_days');
    gone bigint;
begin
    delete from mail.outgoing_report r where r.day < (now() at time zone 'UTC')::date - days;
    get diagnostics gone = row_count;
    delete from mail.outgoing_seen s
    using mail.outgoing_report r
    where r.kind = s.kind and r.day = s.day and r.domain = s.domain and r.done_at < now() - interval '2 days';
    -- A file that is still brought after that long counts nothing: its days are too old.
    delete from mail.outgoing_file f where f.taken_at < now() - make_interval(days => greatest(days, 30));
    return gone;
end
$$;
