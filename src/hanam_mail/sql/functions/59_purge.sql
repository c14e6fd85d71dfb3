-- The end of a revoked mailbox's data (Đ6.2c), after its files were exported and deleted. The rows of mailbox and addresses
-- stay for good: an address is never given to another (Đ5.2).

-- When a mailbox was closed here. Apply writes documents, and one may bear any day; this it does not write.
create or replace function mail.mailbox_closed() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    new.revoked_at := case
        when new.state <> 'revoked' then null
        when tg_op = 'UPDATE' and old.state = 'revoked' then old.revoked_at
        else now()
    end;
    return new;
end
$$;

create or replace trigger mailbox_closed before insert or update on mail.mailbox
    for each row execute function mail.mailbox_closed();

-- Whether and since when a mailbox is closed.
create or replace function mail.purge_candidate(id text)
returns table (id text, name text, state text, revoked_on date, purged_at timestamptz)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select m.id, m.name, m.state, m.revoked_at::date, m.purged_at
    from mail.mailbox m where m.id = purge_candidate.id
$$;

create or replace function mail.mailbox_purge(id text) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    -- What the filter held of its mail is evidence that waits for somebody's decision: no purge decides by the way.
    if mail.held_of(mailbox_purge.id) > 0 then
        raise exception 'hộp thư % còn % thư bị giữ chưa được quyết định (hanam-mail-db quarantine list)', mailbox_purge.id,
            mail.held_of(mailbox_purge.id) using errcode = 'restrict_violation';
    end if;
    update mail.mailbox m set purged_at = now()
    where m.id = mailbox_purge.id and m.state = 'revoked' and m.purged_at is null;
    if not found then
        return false;
    end if;
    -- Of what was decided the facts stay their time, without the words.
    perform mail.held_forget(mailbox_purge.id);
    perform mail.user_reports_forget(mailbox_purge.id);
    delete from mail.credential c where c.mailbox_id = mailbox_purge.id;
    delete from mail.password_history h where h.mailbox_id = mailbox_purge.id;
    delete from mail.second_factor f where f.mailbox_id = mailbox_purge.id;
    delete from mail.app_password p where p.mailbox_id = mailbox_purge.id;
    delete from mail.scheduled s where mailbox_purge.id in (s.mailbox_id, s.sender_id);
    delete from mail.webmail_visit v where mailbox_purge.id in (v.mailbox_id, v.opened_id);
    delete from mail.activity a where a.mailbox_id = mailbox_purge.id;
    return true;
end
$$;
