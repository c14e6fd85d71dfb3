-- An operator reads somebody's mail (Đ4.6, Đ12.7): only by a document, and only after it stands in the audit and the owner's
-- notice waits. docs/decisions/0021-reading-a-mailbox-by-document.md

-- The number of the opening: that of its row in the audit, which bears who, when and the document.
create or replace function mail.mailbox_open(id text, note text) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    paper text := nullif(btrim(current_setting('hanam.document', true)), '');
    who text := coalesce(nullif(current_setting('hanam.actor', true), ''), session_user);
    opening bigint;
begin
    if paper is null or btrim(note) = '' then
        raise exception 'mở hộp thư cần có văn bản và lý do (Đ4.6)' using errcode = 'restrict_violation';
    end if;
    insert into mail.audit (actor, document, object, key, action, after)
    select who, paper, 'opening', m.id, 'insert', jsonb_build_object('note', mailbox_open.note)
    from mail.mailbox m where m.id = mailbox_open.id
    returning seq into strict opening;
    insert into mail.notice (mailbox_id, kind, round, due, payload)
    values (mailbox_open.id, 'opened', opening::text, current_date,
            jsonb_build_object('document', paper, 'note', mailbox_open.note, 'opened_by', who));
    return opening;
end
$$;
