-- An agency's or office's mailbox is opened by its named clerks, each with his own login and password (Đ9.2, Đ12.3): they type
-- agency*person, by addresses or ids, in any client. docs/decisions/0019-delegated-login.md

-- Whose password a login asks for: the clerk of agency*person, else the mailbox itself. NULL when there is nobody, or no such
-- clerk: it is refused as a wrong password is.
create or replace function mail.login_person(login text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if position('*' in login) = 0 then
        return mail.resolve(login);
    end if;
    return (
        select k.clerk_id from mail.mailbox_clerk k
        where k.mailbox_id = mail.resolve(split_part(login, '*', 1))
            and k.clerk_id = mail.resolve(split_part(login, '*', 2))
            and (split_part(login, '*', 3) = '' or mail.login_only_counts(login)) and split_part(login, '*', 4) = ''
    );
end
$$;

-- The mailbox that a login opens.
create or replace function mail.login_mailbox(login text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return case
        when position('*' in login) = 0 then mail.resolve(login)
        when mail.login_person(login) is not null then mail.resolve(split_part(login, '*', 1))
    end;
end
$$;

-- Every name under which a login may be typed for a mailbox itself: id, local parts, addresses; ended ones too.
create or replace function mail.mailbox_names(id text) returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select array_remove(mailbox_names.id || array(
        select unnest(array[a.local_part, a.local_part || '@' || mail.setting_text('mail_domain')])
        from mail.address a where a.mailbox_id = mailbox_names.id
        order by 1
    ), null)
$$;

-- Every name under which a clerk may have opened a mailbox, or the webmail counted in it for him.
create or replace function mail.delegated_names(mailbox text, clerk text) returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select array(
        select m.name || '*' || c.name || way.word
        from unnest(mail.mailbox_names(delegated_names.mailbox)) m(name),
            unnest(mail.mailbox_names(delegated_names.clerk)) c(name),
            (values (''), ('*dem')) way(word)
    )
$$;

-- Every login that leads to the mailbox or asks for its owner's password: what a cache may hold of it.
create or replace function mail.cached_logins(id text) returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select mail.mailbox_names(cached_logins.id) || array(
        select unnest(mail.delegated_names(k.mailbox_id, k.clerk_id))
        from mail.mailbox_clerk k
        where cached_logins.id in (k.mailbox_id, k.clerk_id)
    )
$$;

-- A clerk who comes or goes: his way into the mailbox works, or is cut, at once. The names go along, since nothing else knows
-- them any more afterwards.
create or replace function mail.clerk_announce() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into mail.outbox (topic, mailbox, payload)
    select 'mailbox.access', r.mailbox_id, jsonb_build_object(
        'cause', 'clerk', 'logins', to_jsonb(mail.delegated_names(r.mailbox_id, r.clerk_id)))
    from changed_rows r;
    -- Of a clerk a second factor may be demanded, for his own mailbox too: what was remembered of his sign-ins counts no more.
    if mail.second_factor_asks('clerks') then
        insert into mail.outbox (topic, mailbox, payload)
        select case when mail.second_factor_demanded(r.clerk_id) then 'mailbox.access' else 'mailbox.profile' end, r.clerk_id,
               '{"cause": "second_factor"}'
        from (select distinct c.clerk_id from changed_rows c) r
        where not mail.second_factor_on(r.clerk_id)
        order by 2;
    end if;
    return null;
end
$$;

create or replace trigger announce_insert after insert on mail.mailbox_clerk
    referencing new table as changed_rows for each statement execute function mail.clerk_announce();
create or replace trigger announce_delete after delete on mail.mailbox_clerk
    referencing old table as changed_rows for each statement execute function mail.clerk_announce();
