-- A restore from the backup (Đ4.6, Đ12.7): no document, no restore. The number of its row in the audit.
-- docs/decisions/0038-restore.md
create or replace function mail.restore_noted(key text, who text, paper text, detail jsonb) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    noted bigint;
begin
    if coalesce(btrim(paper), '') = '' or coalesce(btrim(who), '') = '' then
        raise exception 'khôi phục từ bản sao lưu cần có văn bản và người làm (Đ4.6)' using errcode = 'restrict_violation';
    end if;
    insert into mail.audit (actor, document, object, key, action, after)
    values (btrim(who), btrim(paper), 'restore', restore_noted.key, 'insert', detail)
    returning seq into strict noted;
    return noted;
end
$$;
