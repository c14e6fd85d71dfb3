-- Notices: written where the reason arises, sent by the job (hanam_mail/notices.py), each once.

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
-- fills a mailbox concerns its owner alone.
create or replace function mail.notice_recipients(mailbox text, kind text) returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(array_agg(distinct a.local_part || '@' || mail.setting_text('mail_domain')), '{}')
    from mail.mailbox m
    join mail.mailbox r on r.id = m.id
        or (notice_recipients.kind <> 'quota' and r.kind = 'agency' and r.agency_id = m.agency_id)
        or (m.kind in ('agency', 'office') and exists (
            select from mail.mailbox_clerk k where k.mailbox_id = m.id and k.clerk_id = r.id
        ))
    join mail.address a on a.mailbox_id = r.id and a.kind = 'primary'
    where m.id = notice_recipients.mailbox and r.state <> 'revoked'
$$;

-- The next notices to send, oldest first. Their rows stay locked until the caller's transaction ends, so that two senders
-- never send one twice.
create or replace function mail.notice_next(max_rows int)
returns table (
    mailbox_id text, kind text, round text, due date, payload jsonb, mailbox_kind text, name text, address text, agency text,
    agency_code text, recipients text[]
)
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    with waiting as (
        select n.* from mail.notice n
        where n.sent_at is null
        order by n.failure is not null, n.created_at
        limit max_rows
        for update skip locked
    )
    select w.mailbox_id, w.kind, w.round, w.due, w.payload, m.kind, m.name,
           (
               select a.local_part || '@' || mail.setting_text('mail_domain')
               from mail.address a where a.mailbox_id = m.id and a.kind = 'primary'
           ),
           g.name, g.code,
           -- Those who have it already are in the payload.
           array(
               select r from unnest(mail.notice_recipients(m.id, w.kind)) r
               where not coalesce(w.payload -> 'given' ? r, false)
               order by r
           )
    from waiting w
    join mail.mailbox m on m.id = w.mailbox_id
    left join mail.agency g on g.id = m.agency_id
    order by w.created_at, w.mailbox_id
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
