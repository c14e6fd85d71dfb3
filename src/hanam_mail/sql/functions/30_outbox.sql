-- How a change reaches the daemons: an outbox row and a NOTIFY in the transaction that made it.
-- Topics: mailbox.created (forget that it was unknown), mailbox.profile (forget what is cached: quota, name, address),
-- mailbox.access (forget, and cut the sessions: state, lock, password); mailbox.hold (keep back what it sent and still waits in
-- a queue); sign_in.lockout (somebody guesses: the operator hears
-- of it from the agents' journal).

-- The number is drawn under a lock held until commit, so that numbers become visible in their order: a reader that has
-- seen n has seen everything below n.
create or replace function mail.outbox_number() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform pg_advisory_xact_lock(hashtext('mail.outbox'));
    new.seq := nextval('mail.outbox_seq');
    return new;
end
$$;

create or replace function mail.outbox_notify() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    notify mail_outbox;
    return null;
end
$$;

create or replace trigger outbox_number before insert on mail.outbox
    for each row execute function mail.outbox_number();
create or replace trigger outbox_notify after insert on mail.outbox
    for each statement execute function mail.outbox_notify();
create or replace trigger outbox_no_change before update or truncate on mail.outbox
    for each statement execute function mail.refuse('hàng đợi thông báo chỉ ghi một lần');

create or replace function mail.mailbox_announce_insert() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into mail.outbox (topic, mailbox) select 'mailbox.created', n.id from new_rows n order by n.id;
    return null;
end
$$;

create or replace function mail.mailbox_announce_update() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_nestloop = off
as $$
begin
    insert into mail.outbox (topic, mailbox, payload)
    select case when o.state <> n.state then 'mailbox.access' else 'mailbox.profile' end, n.id,
           case when o.state <> n.state then jsonb_build_object('state', n.state) else '{}' end
    from old_rows o
    join new_rows n using (id)
    where (o.state, o.quota_bytes, o.shard, o.name) is distinct from (n.state, n.quota_bytes, n.shard, n.name)
    order by n.id;
    return null;
end
$$;

create or replace function mail.address_announce_insert() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_nestloop = off
as $$
begin
    -- The first address comes with the mailbox, which announces itself.
    insert into mail.outbox (topic, mailbox)
    select distinct 'mailbox.profile', n.mailbox_id
    from new_rows n
    where exists (
        select from mail.address a
        where a.mailbox_id = n.mailbox_id and a.local_part not in (select local_part from new_rows)
    );
    return null;
end
$$;

create or replace function mail.address_announce_update() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_nestloop = off
as $$
begin
    insert into mail.outbox (topic, mailbox)
    select distinct 'mailbox.profile', n.mailbox_id
    from old_rows o
    join new_rows n using (local_part)
    where (o.kind, o.valid_until) is distinct from (n.kind, n.valid_until);
    return null;
end
$$;

create or replace function mail.access_announce_new() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into mail.outbox (topic, mailbox, payload)
    select 'mailbox.access', n.mailbox_id, jsonb_build_object('cause', tg_table_name) from new_rows n;
    return null;
end
$$;

-- A hash that was only made anew, or a note beside the password, changes nobody's access.
create or replace function mail.credential_announce_update() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_nestloop = off
as $$
begin
    insert into mail.outbox (topic, mailbox, payload)
    select 'mailbox.access', n.mailbox_id, jsonb_build_object('cause', tg_table_name)
    from old_rows o
    join new_rows n using (mailbox_id)
    where (o.must_change, o.changed_at) is distinct from (n.must_change, n.changed_at);
    return null;
end
$$;

create or replace function mail.access_announce_old() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into mail.outbox (topic, mailbox, payload)
    select 'mailbox.access', o.mailbox_id, jsonb_build_object('cause', tg_table_name) from old_rows o;
    return null;
end
$$;

create or replace trigger announce_insert after insert on mail.mailbox
    referencing new table as new_rows for each statement execute function mail.mailbox_announce_insert();
create or replace trigger announce_update after update on mail.mailbox
    referencing old table as old_rows new table as new_rows
    for each statement execute function mail.mailbox_announce_update();
create or replace trigger announce_insert after insert on mail.address
    referencing new table as new_rows for each statement execute function mail.address_announce_insert();
create or replace trigger announce_update after update on mail.address
    referencing old table as old_rows new table as new_rows
    for each statement execute function mail.address_announce_update();
create or replace trigger announce_insert after insert on mail.credential
    referencing new table as new_rows for each statement execute function mail.access_announce_new();
create or replace trigger announce_update after update on mail.credential
    referencing old table as old_rows new table as new_rows
    for each statement execute function mail.credential_announce_update();
create or replace trigger announce_insert after insert on mail.lock_state
    referencing new table as new_rows for each statement execute function mail.access_announce_new();
create or replace trigger announce_update after update on mail.lock_state
    referencing new table as new_rows for each statement execute function mail.access_announce_new();
create or replace trigger announce_delete after delete on mail.lock_state
    referencing old table as old_rows for each statement execute function mail.access_announce_old();
