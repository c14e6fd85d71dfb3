-- What a mailbox is at this moment, and the words for it.

-- The id behind an address (with or without the domain) or an id. An address row that has ended means nothing any more.
create or replace function mail.resolve(login text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when position('@' in login) > 0 then (
            select a.mailbox_id from mail.address a
            where a.local_part = lower(split_part(login, '@', 1))
                and lower(split_part(login, '@', 2)) = mail.setting_text('mail_domain')
                and split_part(login, '@', 3) = ''
                and current_date between a.valid_from and coalesce(a.valid_until, 'infinity')
        )
        else coalesce(
            (select m.id from mail.mailbox m where m.id = login),
            (
                select a.mailbox_id from mail.address a
                where a.local_part = lower(login)
                    and current_date between a.valid_from and coalesce(a.valid_until, 'infinity')
            )
        )
    end
$$;

-- active, must_change, locked or revoked. An agency's mailbox without a password of its own is active: its clerks open it.
create or replace function mail.mailbox_state(id text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when m.state = 'revoked' then 'revoked'
        when m.state = 'locked' or l.mailbox_id is not null then 'locked'
        when c.must_change then 'must_change'
        else 'active'
    end
    from mail.mailbox m
    left join mail.lock_state l on l.mailbox_id = m.id
    left join mail.credential c on c.mailbox_id = m.id
    where m.id = mailbox_state.id
$$;

-- What IMAP and POP3 tell the holder of the right password: ASCII, unaccented Vietnamese and English.
create or replace function mail.state_reason(id text, state text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select case state
        when 'must_change' then
            'Phai doi mat khau truoc khi dung hop thu, vao ' || mail.setting_text('webmail_url')
            || ' / Password must be changed there first'
        when 'locked' then
            'Hop thu dang tam khoa' || coalesce(
                case (
                    select coalesce(l.reason, m.document ->> 'reason')
                    from mail.mailbox m left join mail.lock_state l on l.mailbox_id = m.id
                    where m.id = state_reason.id
                )
                    when 'idle' then ' do khong su dung'
                    when 'compromised' then ' do bi chiem dung hoac lo mat khau'
                    when 'forbidden_use' then ' do vi pham quy che'
                    when 'default_password' then ' do khong doi mat khau mac dinh'
                end, '')
            || ', lien he don vi quan tri / Mailbox is locked, contact the administrator'
    end
$$;

-- The lock command (Đ7.2): the reason is one of the closed list in regulation.yml. Locking a locked mailbox again keeps
-- the first reason and time; the answer says whether anything changed.
create or replace function mail.mailbox_lock(id text, reason text, note text) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    changed boolean;
begin
    if not exists (
        select from mail.setting s where s.name = 'regulation_lock_reasons' and s.value ? mailbox_lock.reason
    ) then
        raise exception 'lock reason % is not in the list of the regulation (Đ7.2)', reason
            using errcode = 'invalid_parameter_value';
    end if;
    insert into mail.lock_state (mailbox_id, reason, note, locked_by)
    values (mailbox_lock.id, mailbox_lock.reason, mailbox_lock.note,
            coalesce(nullif(current_setting('hanam.actor', true), ''), session_user))
    on conflict (mailbox_id) do nothing
    returning true into changed;
    return coalesce(changed, false);
end
$$;

create or replace function mail.mailbox_unlock(id text) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from mail.lock_state l where l.mailbox_id = mailbox_unlock.id;
    return found;
end
$$;
