-- Reports of others (numbers: incoming_reports.yml of the province). hanam-reports-load brings them, each once; the notices' job tells.

-- Is it our mail domain, or a name below it?
create or replace function mail.report_is_ours(domain text) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$ select domain = ours or right(domain, length(ours) + 1) = '.' || ours from mail.setting_text('mail_domain') as ours $$;

-- Counts what does not count as a report.
create or replace function mail.report_refuse(reason text, number int, sender text, detail text) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    insert into mail.report_refused as r (day, reason, number, last_at, sender, detail)
    values (current_date, left(report_refuse.reason, 64), report_refuse.number, now(), left(report_refuse.sender, 255),
            left(report_refuse.detail, 255))
    on conflict (day, reason) do update
        set number = r.number + excluded.number, last_at = excluded.last_at, sender = excluded.sender, detail = excluded.detail
$$;

-- Why a report does not count, "" when it does: one that is known, of nothing of ours, of a time that cannot be, or more than one
-- sender, or all of them, may bring in a day.
create or replace function mail.report_objection(sender text, report jsonb) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    domains text[] := case report ->> 'kind'
        when 'dmarc' then array[report ->> 'domain']
        else array(select p ->> 'domain' from jsonb_array_elements(report -> 'policies') p)
    end;
    began timestamptz := (report ->> 'begins')::timestamptz;
    ended timestamptz := (report ->> 'ends')::timestamptz;
    yesterday timestamptz := now() - interval '1 day';
begin
    if exists (
        select from mail.report r
        where r.kind = report ->> 'kind' and r.sender = report_objection.sender
            and r.organization = report ->> 'organization' and r.report_id = report ->> 'report_id'
    ) then
        return 'known';
    elsif not exists (select from unnest(domains) d where mail.report_is_ours(d)) then
        return 'foreign';
    elsif ended < began or ended - began > interval '32 days' or ended > now() + interval '2 days'
        or ended < now() - make_interval(days => mail.setting_int('reports_keep_days')::int) then
        return 'period';
    elsif (
        select count(*) from mail.report r where r.sender = report_objection.sender and r.received_at > yesterday
    ) >= mail.setting_int('reports_sender_day_limit') then
        return 'sender limit';
    elsif (
        select count(*) from mail.report r left join mail.report_dmarc d on d.report = r.seq where r.received_at > yesterday
    ) + (
        select count(*) from mail.report r join mail.report_tls_failure f on f.report = r.seq where r.received_at > yesterday
    ) >= mail.setting_int('reports_day_lines_limit') then
        return 'day limit';
    end if;
    return '';
end
$$;

-- Takes a report as incoming_dmarc.py or incoming_tls.py gives it. Answers "new", or why it does not count.
create or replace function mail.report_note(sender text, report jsonb) returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    objection text := mail.report_objection(report_note.sender, report);
    number bigint;
begin
    if objection = '' then
        insert into mail.report (kind, sender, organization, report_id, contact, begins, ends, published)
        values (report ->> 'kind', report_note.sender, report ->> 'organization', report ->> 'report_id', report ->> 'contact',
                (report ->> 'begins')::timestamptz, (report ->> 'ends')::timestamptz, coalesce(report -> 'published', '{}'))
        on conflict do nothing
        returning seq into number;
        -- Another host's program was faster.
        objection := case when number is null then 'known' else '' end;
    end if;
    if objection <> '' then
        perform mail.report_refuse(objection, 1, report_note.sender, '');
        return objection;
    end if;
    if report ->> 'kind' = 'dmarc' then
        insert into mail.report_dmarc
        select number, x.line, (x.said ->> 'source')::inet, (x.said ->> 'messages')::bigint, x.said ->> 'disposition',
               (x.said ->> 'dkim')::boolean, (x.said ->> 'spf')::boolean, x.said ->> 'header_from', x.said ->> 'envelope_from',
               x.said ->> 'envelope_to', x.said -> 'dkim_results', x.said -> 'spf_results', x.said -> 'reasons'
        from jsonb_array_elements(report -> 'rows') with ordinality as x (said, line);
        return 'new';
    end if;
    -- A report may tell of other domains besides; they are nobody's here.
    insert into mail.report_tls
    select number, x.line, x.said ->> 'policy', x.said ->> 'domain', (x.said ->> 'successes')::bigint,
           (x.said ->> 'failures')::bigint
    from jsonb_array_elements(report -> 'policies') with ordinality as x (said, line)
    where mail.report_is_ours(x.said ->> 'domain');
    insert into mail.report_tls_failure
    select number, x.line, f.part, f.said ->> 'failure', (f.said ->> 'sessions')::bigint, (f.said ->> 'sending')::inet,
           (f.said ->> 'receiving')::inet, f.said ->> 'mx', f.said ->> 'reason'
    from jsonb_array_elements(report -> 'policies') with ordinality as x (said, line)
    cross join lateral jsonb_array_elements(x.said -> 'details') with ordinality as f (said, part)
    where mail.report_is_ours(x.said ->> 'domain');
    return 'new';
end
$$;

-- The addresses from which our own hosts send, each with its host's name.
create or replace function mail.report_own_hosts() returns table (address inet, host text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$ select h.key::inet, h.value from mail.setting s, jsonb_each_text(s.value) h where s.name = 'reports_own_hosts' $$;

-- What came since the operator was last told and is more than he should not hear of: `what` is tls, own or refused, with its subject,
-- its count and what of it failed. Nothing within a day after he was told, so that he hears once a day at most.
create or replace function mail.reports_to_tell() returns table (what text, subject text, number bigint, failed bigint, reporters text[])
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    told timestamptz := (select max(t.at) from mail.report_told t);
    since timestamptz := greatest(told, now() - interval '1 day');
begin
    -- One sender of notices at a time.
    perform pg_advisory_xact_lock(hashtext('hanam-mail reports_to_tell'));
    if told > now() - interval '1 day' then
        return;
    end if;
    return query
        with sessions as (
            select r.seq, r.sender, sum(t.successes) as successes, sum(t.failures) as failures
            from mail.report r join mail.report_tls t on t.report = r.seq
            where r.received_at > since
            group by r.seq
        ),
        sums as (
            select coalesce(sum(s.successes + s.failures), 0) as number, coalesce(sum(s.failures), 0) as failed from sessions s
        )
        select 'tls', coalesce(k.failure, ''), s.number::bigint, coalesce(k.sessions, s.failed)::bigint, coalesce(k.senders, (
            select array_agg(distinct x.sender order by x.sender) from sessions x where x.failures > 0
        ))
        from sums s
        left join (
            select f.failure, sum(f.sessions) as sessions, array_agg(distinct x.sender order by x.sender) as senders
            from sessions x join mail.report_tls_failure f on f.report = x.seq
            group by f.failure
        ) k on true
        where s.failed >= mail.setting_int('reports_tls_failed_sessions')
            and s.failed * 100 >= s.number * mail.setting_int('reports_tls_failed_percent')
        order by 4 desc, 2;
    return query
        select 'own', format('%s (%s)', h.host, host(d.source)), sum(d.messages)::bigint,
               coalesce(sum(d.messages) filter (where not d.dkim and not d.spf), 0)::bigint,
               array_agg(distinct r.sender order by r.sender) filter (where not d.dkim and not d.spf)
        from mail.report r
        join mail.report_dmarc d on d.report = r.seq
        join mail.report_own_hosts() h on h.address = d.source
        where r.received_at > since
        group by h.host, d.source
        having sum(d.messages) filter (where not d.dkim and not d.spf) >= mail.setting_int('reports_own_failed_messages')
        order by 4 desc;
    return query
        with refused as (
            select x.reason, sum(x.number - x.told)::bigint as number, array_agg(distinct x.sender) filter (where x.sender <> '') as senders
            from mail.report_refused x
            -- The same report twice is nobody's fault, and what nobody is proven to have sent is no report.
            where x.last_at > now() - interval '1 day' and x.number > x.told and x.reason not in ('known', 'unproven')
            group by x.reason
        )
        select 'refused', x.reason, x.number, x.number, x.senders from refused x
        where (select sum(y.number) from refused y) >= mail.setting_int('reports_refused_letters')
        order by 3 desc;
end
$$;

create or replace function mail.reports_told() returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    insert into mail.report_told values (clock_timestamp()) on conflict do nothing;
    update mail.report_refused set told = number where told < number;
$$;

-- Forgets what is older than reports are kept; how many reports.
create or replace function mail.reports_prune() returns int
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    days int := mail.setting_int('reports_keep_days');
    removed int;
begin
    delete from mail.report r where r.ends < now() - make_interval(days => days);
    get diagnostics removed = row_count;
    delete from mail.report_refused r where r.day < current_date - days;
    delete from mail.report_told t where t.at < now() - make_interval(days => days);
    return removed;
end
$$;
