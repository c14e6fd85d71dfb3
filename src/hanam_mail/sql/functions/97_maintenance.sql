-- A stop of the service is announced to every mailbox (Đ10.5), and what was done about it stands in the audit
-- (docs/decisions/0087-maintenance.md). Whether it may be, the playbook judges by the calendar (playbooks/maintenance.yml).

create or replace function mail.maintenance_key(begins timestamp, ends timestamp) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select to_char(begins, 'YYYY-MM-DD HH24:MI') || '/' || to_char(ends, 'YYYY-MM-DD HH24:MI')
$$;

create or replace function mail.maintenance_note(begins timestamp, ends timestamp, action text, facts jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into mail.audit (actor, document, object, key, action, after)
    values (
        coalesce(nullif(current_setting('hanam.actor', true), ''), session_user),
        nullif(current_setting('hanam.document', true), ''), 'maintenance', mail.maintenance_key(begins, ends),
        maintenance_note.action, facts
    );
end
$$;

-- One notice for each mailbox that is not revoked, for each begin and end; how many are new. Told again it reaches who was issued since.
-- `page`: where everybody may look how it stands.
create or replace function mail.maintenance_announce(
    begins timestamp, ends timestamp, what text, services text, emergency text, page text
) returns int
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    written int;
begin
    if ends <= localtimestamp then
        raise exception 'lần tạm ngừng đã qua' using errcode = 'restrict_violation';
    end if;
    insert into mail.maintenance (begins_at, ends_at, what, services, emergency)
    values (begins, ends, maintenance_announce.what, maintenance_announce.services, maintenance_announce.emergency)
    on conflict do nothing;
    insert into mail.notice (mailbox_id, kind, round, due, payload)
    select m.id, 'maintenance', mail.maintenance_key(begins, ends), current_date, jsonb_build_object(
        'from_when', to_char(begins, 'HH24:MI "ngày" DD/MM/YYYY'), 'until_when', to_char(ends, 'HH24:MI "ngày" DD/MM/YYYY'),
        'what', maintenance_announce.what, 'services', maintenance_announce.services, 'page', page,
        'urgent', case when maintenance_announce.emergency = '' then '' else
            ' Đây là trường hợp khẩn cấp nên không báo trước đủ thời gian quy định: ' || maintenance_announce.emergency || '.' end)
    from mail.mailbox m where m.state <> 'revoked'
    on conflict do nothing;
    get diagnostics written = row_count;
    if written > 0 then
        perform mail.maintenance_note(begins, ends, 'insert', jsonb_build_object(
            'what', maintenance_announce.what, 'services', maintenance_announce.services,
            'emergency', maintenance_announce.emergency, 'mailboxes', written));
    end if;
    return written;
end
$$;

-- When that stop was announced, and how many of its notices are still on their way; no row when it was not.
create or replace function mail.maintenance_announced(begins timestamp, ends timestamp)
returns table (announced_on date, waiting bigint)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select m.announced_at::date, (
        select count(*) from mail.notice n
        where n.kind = 'maintenance' and n.round = mail.maintenance_key(begins, ends) and n.sent_at is null
    )
    from mail.maintenance m where m.begins_at = begins and m.ends_at = ends
$$;

-- That the service was closed for it, or opened again.
create or replace function mail.maintenance_done(begins timestamp, ends timestamp, deed text) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform mail.maintenance_note(begins, ends, 'update', jsonb_build_object('deed', deed));
end
$$;
