-- Notices: written where the reason arises, sent by the job (hanam_mail/host/jobs/notices.py), each once.

-- A quota was passed upwards (Đ8.1, Đ12.4): Dovecot tells. At most one notice a day and percentage, however often a mailbox
-- goes up and down there.
create or replace function mail.quota_passed(mailbox text, percent int) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into mail.notice (mailbox_id, kind, round, due, payload)
    select m.id, 'quota', current_date || '/' || percent, current_date,
           jsonb_build_object('percent', percent, 'quota_bytes', m.quota_bytes)
    from mail.mailbox m
    where m.id = quota_passed.mailbox and m.state <> 'revoked'
    on conflict do nothing;
    return found;
end
$$;

-- Whom a notice goes to: the mailbox itself; beside it its agency's mailbox, for an agency's or office's its clerks. What
-- fills a mailbox, what was held of its mail, which provider fetches it, what it is opened by, and a letter that could not leave at its
-- hour concerns its owner alone. Of a stop of the service each has his own.
create or replace function mail.notice_recipients(mailbox text, kind text) returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(array_agg(distinct a.local_part || '@' || mail.setting_text('mail_domain')), '{}')
    from mail.mailbox m
    join mail.mailbox r on r.id = m.id
        or (notice_recipients.kind not in ('quota', 'collector', 'collector_refused', 'scheduled_stopped', 'scheduled_doubt', 'scheduled_unfiled')
            and notice_recipients.kind !~ '^(held|factor_|app_password_|maintenance)'
            and r.kind = 'agency' and r.agency_id = m.agency_id)
        or (notice_recipients.kind <> 'maintenance' and m.kind in ('agency', 'office') and exists (
            select from mail.mailbox_clerk k where k.mailbox_id = m.id and k.clerk_id = r.id
        ))
    join mail.address a on a.mailbox_id = r.id and a.kind = 'primary'
    where m.id = notice_recipients.mailbox and r.state <> 'revoked'
$$;

-- The notices that wait, those that failed before last, and before them those to everybody: of these so many at a time, since what arises
-- meanwhile waits for the end of the run.
create or replace function mail.notice_waiting() returns table (mailbox_id text, kind text, round text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    with waiting as (
        select n.*, row_number() over (partition by n.kind order by n.failure is not null, n.created_at, n.mailbox_id) as place
        from mail.notice n
        where n.sent_at is null
            -- What became of a reported message is told with the report: not before it is known, nor for ever after.
            and not exists (
                select from mail.user_report r
                where n.kind = 'user_report' and n.round = r.number::text and r.attached = 'due' and r.at > now() - interval '10 minutes')
    )
    select w.mailbox_id, w.kind, w.round from waiting w
    where w.kind <> 'maintenance' or w.place <= 500
    order by w.failure is not null, w.kind = 'maintenance', w.created_at, w.mailbox_id
$$;

-- What a letter says beside its payload, as it is when the letter goes: of held mail, since what strangers wrote stands in their messages
-- alone, and of what has its day. `send`: whether there is anything to tell. Of former releases some wait without advice.
create or replace function mail.notice_words(notice mail.notice) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when notice.kind = 'held_digest' then mail.held_digest(notice.mailbox_id, notice.round::date)
        when notice.kind in ('held_received', 'held_received_dropped') then coalesce((
            select jsonb_build_object(
                'arrived', to_char(h.arrived_at, 'HH24:MI "ngày" DD/MM/YYYY'), 'author', h.author, 'files', to_jsonb(h.file_names),
                'signed_in', h.login is not null, 'title', k.kind ->> 'title', 'why', k.kind ->> 'why',
                'days', (k.kind ->> 'drop_after_days')::int,
                'send', case notice.kind
                    when 'held_received' then exists (
                        select from mail.held_recipient r
                        where r.message_id = h.id and r.mailbox_id = notice.mailbox_id and r.state not in ('released', 'dropped'))
                    -- Of its end hears who had the word that it is held.
                    else exists (
                        select from mail.notice n
                        where n.mailbox_id = notice.mailbox_id and n.kind = 'held_received' and n.round = notice.round
                            and jsonb_array_length(coalesce(n.payload -> 'given', '[]')) > 0)
                end)
            from mail.held_message h, lateral (select mail.held_kind(h.kind) as kind) k
            where h.id = (notice.payload ->> 'number')::bigint), '{"send": false}')
        when notice.kind like 'user_report%' then mail.user_report_words((notice.payload ->> 'number')::bigint)
        when notice.kind = 'maintenance' then jsonb_build_object(
            'send', (notice.payload ->> 'end')::timestamp > localtimestamp and not mail.maintenance_replaced(
                (notice.payload ->> 'begin')::timestamp, (notice.payload ->> 'end')::timestamp))
        when notice.kind = 'yearly_report' then jsonb_build_object(
            'send', (notice.payload ->> 'before')::date > current_date, 'days', (notice.payload ->> 'before')::date - 1 - current_date)
        when notice.kind like 'held%' and not notice.payload ? 'advice' then jsonb_build_object('advice', coalesce((
            select mail.held_kind(h.kind) ->> 'advice' from mail.held_message h
            where h.id = (notice.payload ->> 'number')::bigint), ''))
        else '{}'
    end
$$;

-- One of them to send; no row when another sender has it or had it. Its row stays locked until the caller's transaction ends.
-- Those who have the notice already, by its payload, are not among the recipients.
create or replace function mail.notice_take(mailbox text, kind text, round text)
returns table (due date, payload jsonb, name text, address text, agency text, recipients text[])
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    with taken as (
        select n as whole, n.* from mail.notice n
        where n.mailbox_id = notice_take.mailbox and n.kind = notice_take.kind and n.round = notice_take.round
            and n.sent_at is null
        for update skip locked
    )
    select t.due, t.payload || mail.notice_words(t.whole), m.name, a.local_part || '@' || mail.setting_text('mail_domain'), g.name,
           array(
               select r from unnest(mail.notice_recipients(m.id, t.kind)) r
               where not coalesce(t.payload -> 'given' ? r, false)
               order by r
           )
    from taken t
    join mail.mailbox m on m.id = t.mailbox_id
    join mail.address a on a.mailbox_id = m.id and a.kind = 'primary'
    left join mail.agency g on g.id = m.agency_id
$$;

-- `given`: who took it this time. Sent once somebody has it and nobody is left to try again.
create or replace function mail.notice_done(
    mailbox text, kind text, round text, given text[], again boolean, failure text
) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    update mail.notice n
    set payload = jsonb_set(n.payload, '{given}', coalesce(n.payload -> 'given', '[]') || to_jsonb(notice_done.given)),
        failure = nullif(notice_done.failure, ''),
        sent_at = case when not again then now() end
    where n.mailbox_id = notice_done.mailbox and n.kind = notice_done.kind and n.round = notice_done.round
$$;
