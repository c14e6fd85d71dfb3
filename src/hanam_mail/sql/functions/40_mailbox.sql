-- What a mailbox is at this moment, and the words for it.

-- The id behind an address (with or without the domain) or an id. An address row that has ended means nothing any more.
create or replace function mail.resolve(login text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    typed text := lower(split_part(login, '@', 1));
begin
    if position('@' in login) = 0 then
        if exists (select from mail.mailbox m where m.id = login) then
            return login;
        end if;
    elsif lower(split_part(login, '@', 2)) <> mail.setting_text('mail_domain') or split_part(login, '@', 3) <> '' then
        return null;
    end if;
    return (
        select a.mailbox_id from mail.address a
        where a.local_part = typed
            and current_date between a.valid_from and coalesce(a.valid_until, 'infinity')
    );
end
$$;

-- The last day of a password's term (Đ8.2a), or an earlier one where the installation is stricter. NULL where it cannot be told
-- because nobody confirmed the year: until somebody does, no password is over by it.
create or replace function mail.password_expires_on(changed_at timestamptz) returns date
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    stricter int := mail.setting_int('password_max_age_days');
    result date := mail.term_known(changed_at::date, mail.setting_int('regulation_password_max_age_months'));
begin
    return case when stricter > 0 then least(result, changed_at::date + stricter) else result end;
end
$$;

-- active, must_change, locked or revoked, as it is or will be on a day. An agency's mailbox without a password of its own
-- is active: its clerks open it.
create or replace function mail.mailbox_state_at(id text, as_of timestamptz) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select case
            when m.state = 'revoked' then 'revoked'
            when m.state = 'locked' or l.mailbox_id is not null then 'locked'
            when c.must_change or as_of::date > mail.password_expires_on(c.changed_at) then 'must_change'
            else 'active'
        end
        from mail.mailbox m
        left join mail.lock_state l on l.mailbox_id = m.id
        left join mail.credential c on c.mailbox_id = m.id
        where m.id = mailbox_state_at.id
    );
end
$$;

create or replace function mail.mailbox_state(id text) returns text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return mail.mailbox_state_at(id, now());
end
$$;

-- Why it is not active, in one word for programs: of a lock its reason (Đ7.2), of a password to change default or expired.
create or replace function mail.state_cause(id text) returns text
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select case mail.mailbox_state(m.id)
        when 'locked' then coalesce(l.reason, m.document ->> 'reason')
        when 'must_change' then case when c.is_default then 'default' else 'expired' end
    end
    from mail.mailbox m
    left join mail.lock_state l on l.mailbox_id = m.id
    left join mail.credential c on c.mailbox_id = m.id
    where m.id = state_cause.id
$$;

-- What IMAP, POP3 and ManageSieve tell the holder of the right password: ASCII, unaccented Vietnamese and English, and at
-- the end state and cause for programs. An expired password is never called a lock: it needs no document, only a new one.
create or replace function mail.state_reason(id text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with s as (select mail.mailbox_state(state_reason.id) as state, mail.state_cause(state_reason.id) as cause)
    select case s.state
        when 'must_change' then
            case s.cause
                when 'expired' then 'Mat khau da het han, hay doi mat khau tai '
                else 'Phai doi mat khau mac dinh truoc khi dung hop thu, tai '
            end
            || mail.setting_text('webmail_url') || ' / '
            || case s.cause
                when 'expired' then 'Password has expired, change it there'
                else 'Default password must be changed there first'
            end
        when 'locked' then
            'Hop thu dang tam khoa' || coalesce(
                case s.cause
                    when 'idle' then ' do lau khong su dung'
                    when 'compromised' then ' do bi chiem dung hoac lo mat khau'
                    when 'forbidden_use' then ' do vi pham quy che'
                    when 'default_password' then ' do khong doi mat khau mac dinh'
                end, '')
            || ', lien he don vi quan tri / Mailbox is locked, contact the administrator'
        when 'revoked' then 'Hop thu da bi thu hoi / Mailbox has been closed'
    end || ' [' || s.state || coalesce(':' || s.cause, '') || ']'
    from s
    where s.state <> 'active'
$$;

-- The lock of Đ7.2: the reason is one of the closed list in regulation.yml. The answer says whether this locked it. What a job,
-- an agent or Postfix's question locks is automatic: nobody judged it yet. A person's lock takes the place of an automatic one, and begins anew:
-- what was given or restored before it does not count. A lock of a person stays as it is but for what follows it: a document
-- with its reason, a further note.
create or replace function mail.mailbox_lock(id text, reason text, note text) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    paper text := nullif(current_setting('hanam.document', true), '');
    who text := coalesce(nullif(current_setting('hanam.actor', true), ''), session_user);
    machine boolean := session_user in ('mail_jobs', 'mail_agent', 'mail_postfix');
    held mail.lock_state%rowtype;
begin
    if not exists (
        select from mail.setting s where s.name = 'regulation_lock_reasons' and s.value ? mailbox_lock.reason
    ) then
        raise exception 'lý do khóa % không có trong danh mục của quy chế (Đ7.2); có: %', reason, (
            select string_agg(known.reason, ', ' order by s.value -> known.reason ->> 'clause')
            from mail.setting s, jsonb_object_keys(s.value) as known (reason)
            where s.name = 'regulation_lock_reasons'
        ) using errcode = 'invalid_parameter_value';
    elsif not exists (select from mail.mailbox m where m.id = mailbox_lock.id) then
        raise exception 'không có hộp thư này, không khóa được gì' using errcode = 'no_data_found';
    end if;
    loop
        insert into mail.lock_state (mailbox_id, reason, note, locked_by, automatic, document)
        values (mailbox_lock.id, mailbox_lock.reason, mailbox_lock.note, who, machine, paper)
        on conflict (mailbox_id) do nothing;
        if found then
            return true;
        end if;
        select l.* into held from mail.lock_state l where l.mailbox_id = mailbox_lock.id for update;
        exit when found;
        -- The lock that stood in the way was lifted in between.
    end loop;
    if machine then
        return false;
    end if;
    if held.automatic then
        update mail.lock_state l
        set reason = mailbox_lock.reason, note = mailbox_lock.note, locked_by = who, locked_at = now(), automatic = false,
            document = paper
        where l.mailbox_id = mailbox_lock.id;
        return true;
    end if;
    update mail.lock_state l
    set reason = case when held.document is null and paper is not null then mailbox_lock.reason else held.reason end,
        document = coalesce(held.document, paper),
        note = case
            when mailbox_lock.note in ('', held.note) and mailbox_lock.reason = held.reason then held.note
            else concat_ws(' | ', nullif(held.note, ''), concat_ws(': ', mailbox_lock.reason, nullif(mailbox_lock.note, '')))
        end
    where l.mailbox_id = mailbox_lock.id and (held.document is null or paper is null or held.document = paper);
    return false;
end
$$;

-- Lifts the lock that running brought about. One that the registry's documents say stands until they say otherwise. For
-- mailbox_restore only. What was sent before counts no more, or the next message would lock it again.
create or replace function mail.mailbox_unlock(id text) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from mail.sending s where s.mailbox_id = mailbox_unlock.id and s.by_login;
    delete from mail.lock_state l where l.mailbox_id = mailbox_unlock.id;
    return found;
end
$$;

-- Restores a locked mailbox by document (Đ7.3). A command names it and is remembered until the registry has its event; apply
-- has it in the registry already.
create or replace function mail.mailbox_restore(id text) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    paper text := nullif(current_setting('hanam.document', true), '');
begin
    if paper is null and not exists (
        select from mail.mailbox m where m.id = mailbox_restore.id and m.document ->> 'event' = 'restore'
    ) then
        raise exception 'khôi phục cần có văn bản (Đ7.3)' using errcode = 'restrict_violation';
    end if;
    if not mail.mailbox_unlock(id) then
        return false;
    end if;
    if paper is not null then
        update mail.mailbox m
        set restored_by_command = jsonb_build_object('document', paper, 'on', current_date)
        where m.id = mailbox_restore.id;
    end if;
    return true;
end
$$;

-- The registry has the events of these mailboxes' restores by command.
create or replace function mail.restores_followed(ids text[]) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$ update mail.mailbox m set restored_by_command = null where m.id = any (ids) and m.restored_by_command is not null $$;

-- Lifts a lock that was a mistake: an automatic one, or, where it is asked for as such, a person's in an emergency that no
-- document followed. The note says what was wrong; it goes into the audit with the lock. A lock with a document ends by a
-- document (Đ7.3).
create or replace function mail.mailbox_correct(id text, note text, of_person boolean default false) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    held mail.lock_state%rowtype;
begin
    if btrim(note) = '' then
        raise exception 'đính chính cần có ghi chú' using errcode = 'invalid_parameter_value';
    end if;
    if not exists (select from mail.lock_state l where l.mailbox_id = mailbox_correct.id) then
        return false;
    end if;
    -- What was sent counts no more. Before the lock's row is taken, in the order of a login that still sends: the other way
    -- round each of the two would wait for the other.
    delete from mail.sending s where s.mailbox_id = mailbox_correct.id and s.by_login;
    select l.* into held from mail.lock_state l where l.mailbox_id = mailbox_correct.id for update;
    if not found then
        return false;
    end if;
    if held.document is not null then
        raise exception 'khóa này theo văn bản %: chỉ văn bản mới chấm dứt được (Đ7.3)', held.document
            using errcode = 'restrict_violation';
    end if;
    if not held.automatic and not of_person then
        raise exception 'khóa này không phải tự động: do % đặt', held.locked_by using errcode = 'restrict_violation';
    end if;
    update mail.lock_state l set note = concat_ws(' | ', nullif(held.note, ''), 'đính chính: ' || mailbox_correct.note)
    where l.mailbox_id = mailbox_correct.id;
    delete from mail.lock_state l where l.mailbox_id = mailbox_correct.id;
    return true;
end
$$;
