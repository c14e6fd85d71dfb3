-- The audit and the rules that no role may go round: triggers, in the transaction of the change itself.

-- Arguments: the columns that make the key. Statement level with transition tables, so that 20,000 rows of one
-- MERGE cost one INSERT. The plan is cached with the size of the first transition table it saw, perhaps an empty one:
-- without enable_nestloop off, 20,000 rows were then joined in 98 s instead of 2. A password's hash is never written, only that it changed.
create or replace function mail.audit_write() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_nestloop = off
as $$
declare
    who text := coalesce(nullif(current_setting('hanam.actor', true), ''), session_user);
    revision text := nullif(current_setting('hanam.git_commit', true), '');
    paper text := nullif(current_setting('hanam.document', true), '');
begin
    if tg_op = 'INSERT' then
        insert into mail.audit (actor, git_commit, document, object, key, action, after)
        select who, revision, paper, tg_table_name, mail.audit_key(to_jsonb(n), tg_argv), 'insert',
               mail.audit_redact(to_jsonb(n))
        from new_rows n;
    elsif tg_op = 'DELETE' then
        insert into mail.audit (actor, git_commit, document, object, key, action, before)
        select who, revision, paper, tg_table_name, mail.audit_key(to_jsonb(o), tg_argv), 'delete',
               mail.audit_redact(to_jsonb(o))
        from old_rows o;
    else
        insert into mail.audit (actor, git_commit, document, object, key, action, before, after)
        select who, revision, paper, tg_table_name, o.key, 'update',
               mail.audit_changed(o.data, n.data), mail.audit_changed(n.data, o.data)
        from (select mail.audit_key(to_jsonb(r), tg_argv) as key, to_jsonb(r) as data from old_rows r) o
        join (select mail.audit_key(to_jsonb(r), tg_argv) as key, to_jsonb(r) as data from new_rows r) n
            on n.key = o.key
        where o.data <> n.data;
        -- A row that changed its key has gone under the one and come under the other.
        insert into mail.audit (actor, git_commit, document, object, key, action, before)
        select who, revision, paper, tg_table_name, o.key, 'delete', o.data
        from (select mail.audit_key(to_jsonb(r), tg_argv) as key, mail.audit_redact(to_jsonb(r)) as data from old_rows r) o
        where not exists (select from new_rows n where mail.audit_key(to_jsonb(n), tg_argv) = o.key);
        insert into mail.audit (actor, git_commit, document, object, key, action, after)
        select who, revision, paper, tg_table_name, n.key, 'insert', n.data
        from (select mail.audit_key(to_jsonb(r), tg_argv) as key, mail.audit_redact(to_jsonb(r)) as data from new_rows r) n
        where not exists (select from old_rows o where mail.audit_key(to_jsonb(o), tg_argv) = n.key);
    end if;
    return null;
end
$$;

-- What no row of a table tells: a deed, with facts of it. The audit never has a secret.
create or replace function mail.audit_note(object text, key text, action text, facts jsonb) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    insert into mail.audit (actor, document, object, key, action, before, after)
    values (
        coalesce(nullif(current_setting('hanam.actor', true), ''), session_user),
        nullif(btrim(current_setting('hanam.document', true)), ''), audit_note.object, audit_note.key, audit_note.action,
        case when audit_note.action = 'delete' then facts end, case when audit_note.action <> 'delete' then facts end
    )
$$;

create or replace function mail.audit_key(data jsonb, columns text[]) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select string_agg(data ->> c.name, '/' order by c.position) from unnest(columns) with ordinality c(name, position) $$;

create or replace function mail.audit_redact(data jsonb) returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select case when data ? 'hash' then jsonb_set(data, '{hash}', '"***"') else data end $$;

-- The fields of `data` that differ from `other`.
create or replace function mail.audit_changed(data jsonb, other jsonb) returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(jsonb_object_agg(d.key, case when d.key = 'hash' then '"***"'::jsonb else d.value end), '{}')
    from jsonb_each(data) d
    where d.value is distinct from other -> d.key
$$;

create or replace function mail.refuse() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception 'không được % ở bảng mail.%: %', tg_op, tg_table_name, tg_argv[0] using errcode = 'restrict_violation';
end
$$;

create or replace function mail.mailbox_keep_identity() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if new.id <> old.id or new.kind <> old.kind then
        raise exception 'hộp thư %: id và loại được ấn định khi cấp, không đổi được', old.id using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;

create or replace function mail.address_keep_identity() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if new.local_part <> old.local_part or new.mailbox_id <> old.mailbox_id then
        raise exception 'địa chỉ %: đã cấp thì không bao giờ chuyển cho hộp thư khác (Đ5.2)', old.local_part
            using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;

create or replace trigger audit_no_change before update or delete or truncate on mail.audit
    for each statement execute function mail.refuse('nhật ký chỉ được ghi thêm');
create or replace trigger mailbox_no_delete before delete or truncate on mail.mailbox
    for each statement execute function mail.refuse('hộp thư chỉ thu hồi, không xóa');
create or replace trigger address_no_delete before delete or truncate on mail.address
    for each statement execute function mail.refuse('địa chỉ chỉ đóng, không xóa (Đ5.2)');
create or replace trigger mailbox_keep_identity before update on mail.mailbox
    for each row execute function mail.mailbox_keep_identity();
create or replace trigger address_keep_identity before update on mail.address
    for each row execute function mail.address_keep_identity();

-- Three triggers a table, since each kind of statement has its own transition tables.
do $$
declare
    audited record;
begin
    for audited in
        select * from (values
            ('setting', array['name']),
            ('agency', array['id']),
            ('mailbox', array['id']),
            ('mailbox_clerk', array['mailbox_id', 'clerk_id']),
            ('address', array['local_part']),
            ('credential', array['mailbox_id']),
            ('absence', array['mailbox_id', 'begins']),
            ('lock_state', array['mailbox_id'])
        ) as t(name, key)
    loop
        execute format(
            'create or replace trigger audit_insert after insert on mail.%1$I referencing new table as new_rows '
            'for each statement execute function mail.audit_write(%2$s)', audited.name,
            (select string_agg(quote_literal(k), ', ') from unnest(audited.key) k));
        execute format(
            'create or replace trigger audit_update after update on mail.%1$I '
            'referencing old table as old_rows new table as new_rows '
            'for each statement execute function mail.audit_write(%2$s)', audited.name,
            (select string_agg(quote_literal(k), ', ') from unnest(audited.key) k));
        execute format(
            'create or replace trigger audit_delete after delete on mail.%1$I referencing old table as old_rows '
            'for each statement execute function mail.audit_write(%2$s)', audited.name,
            (select string_agg(quote_literal(k), ', ') from unnest(audited.key) k));
    end loop;
end
$$;
