-- A stop of the service is announced to every mailbox (Đ10.5), and what was done about it stands in the audit
-- (docs/decisions/0087-maintenance.md). Whether it may be, the playbook judges by the calendar (playbooks/maintenance.yml).

create or replace function mail.maintenance_key(begins timestamp, ends timestamp) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select to_char(begins, 'YYYY-MM-DD HH24:MI') || '/' || to_char(ends, 'YYYY-MM-DD HH24:MI')
$$;

-- Whether that announcement was replaced by a later one of the same begin.
create or replace function mail.maintenance_replaced(begins timestamp, ends timestamp) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select from mail.maintenance m join mail.maintenance n on n.begins_at = m.begins_at and n.announced_at > m.announced_at
        where m.begins_at = begins and m.ends_at = ends)
$$;

-- One notice for each mailbox that is not revoked, for each begin and end; how many are new. Told again it reaches who was issued since.
-- Another end of the same begin replaces what was announced before it. `page`: where everybody may look how it stands.
create or replace function mail.maintenance_announce(
    begins timestamp, ends timestamp, what text, services text, emergency text, page text
) returns int
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    written int;
    former timestamp;
    form constant text := 'HH24:MI "ngày" DD/MM/YYYY';
begin
    if ends <= localtimestamp then
        raise exception 'lần tạm ngừng đã qua' using errcode = 'restrict_violation';
    end if;
    if mail.maintenance_replaced(begins, ends) then
        raise exception 'giờ kết thúc % đã được thay bằng một thông báo sau: ghi end lệch đi một phút', to_char(ends, form)
            using errcode = 'restrict_violation';
    end if;
    insert into mail.maintenance (begins_at, ends_at, what, services, emergency)
    values (begins, ends, maintenance_announce.what, maintenance_announce.services, maintenance_announce.emergency)
    on conflict do nothing;
    select m.ends_at into former from mail.maintenance m
    where m.begins_at = begins and m.ends_at <> ends order by m.announced_at desc, m.ends_at desc limit 1;
    insert into mail.notice (mailbox_id, kind, round, due, payload)
    select m.id, 'maintenance', mail.maintenance_key(begins, ends), current_date, jsonb_build_object(
        'begin', begins, 'end', ends, 'from_when', to_char(begins, form), 'until_when', to_char(ends, form),
        'what', rtrim(maintenance_announce.what, ' .'), 'services', rtrim(maintenance_announce.services, ' .'), 'page', page,
        'former', coalesce(' Thay cho thông báo trước: tạm ngừng đến ' || to_char(former, form) || '.', ''),
        'urgent', case when maintenance_announce.emergency = '' then '' else
            ' Đây là trường hợp khẩn cấp nên không báo trước đủ thời gian quy định: ' || rtrim(maintenance_announce.emergency, ' .') || '.' end)
    from mail.mailbox m where m.state <> 'revoked'
    on conflict do nothing;
    get diagnostics written = row_count;
    if written > 0 then
        perform mail.audit_note('maintenance', mail.maintenance_key(begins, ends), 'insert', jsonb_build_object(
            'what', maintenance_announce.what, 'services', maintenance_announce.services,
            'emergency', maintenance_announce.emergency, 'mailboxes', written));
    end if;
    return written;
end
$$;

-- What is known of announcements of that stop; no row when none of the same begin was made. `announced_on`: the day of the first of them,
-- `current`: that the last one names this end, `waiting`: how many of its notices were not yet tried.
create or replace function mail.maintenance_announced(begins timestamp, ends timestamp)
returns table (announced_on date, current boolean, waiting bigint)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select min(m.announced_at)::date, bool_or(m.ends_at = ends) and not mail.maintenance_replaced(begins, ends), (
        select count(*) from mail.notice n
        where n.kind = 'maintenance' and n.round = mail.maintenance_key(begins, ends) and n.sent_at is null and n.failure is null
    )
    from mail.maintenance m where m.begins_at = begins
    having count(*) > 0
$$;

-- Notes that the service was closed for that stop, or opened; whether that is news. `turned`: a host of the webmail was closed or opened just
-- now; without it this is what an earlier run could not note. What is opened is what was closed last, whatever is declared by now.
create or replace function mail.maintenance_done(deed text, begins timestamp, ends timestamp, turned boolean) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    last_key text;
    last_deed text;
begin
    select a.key, a.after ->> 'deed' into last_key, last_deed from mail.audit a
    where a.object = 'maintenance' and a.after ? 'deed' order by a.seq desc limit 1;
    if not turned and deed = coalesce(last_deed, 'open') then
        return false;
    end if;
    perform mail.audit_note(
        'maintenance', coalesce(case when deed = 'open' and last_deed = 'close' then last_key end, mail.maintenance_key(begins, ends), ''),
        'update', jsonb_build_object('deed', deed));
    return true;
end
$$;
