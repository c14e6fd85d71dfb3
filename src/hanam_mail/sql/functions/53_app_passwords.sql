-- Passwords of mail programs, and what the webmail signs in by once both steps are done. Both are made here, at random, so that a
-- plain digest keeps them: there is nothing to guess, and looking costs next to nothing. docs/decisions/0074-second-factor.md

create or replace function mail.second_key_hash(id text, plain text) returns bytea
language plpgsql immutable strict
set search_path = pg_catalog, pg_temp
as $$
begin
    return sha256(convert_to(id || ':' || plain, 'UTF8'));
end
$$;

-- What one may be made for: the address book only where it is served by CardDAV.
create or replace function mail.app_password_scopes() returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select case when exists (select from mail.setting s where s.name = 'book_carddav' and s.value = 'true')
        then '{imap,smtp,dav}'::text[] else '{imap,smtp}'::text[] end
$$;

-- A new one, as its owner is shown it once.
create or replace function mail.app_password_new(id text, name text, scopes text[], ends_on date) returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    plain text := mail.random_word(20);
    made bigint;
begin
    insert into mail.app_password (mailbox_id, hash, name, scopes, ends_on)
    values (app_password_new.id, mail.second_key_hash(app_password_new.id, plain), app_password_new.name,
            app_password_new.scopes, app_password_new.ends_on)
    returning number into made;
    perform mail.audit_note('app_password', id, 'insert', jsonb_build_object(
        'number', made, 'name', app_password_new.name, 'scopes', to_jsonb(app_password_new.scopes),
        'ends_on', app_password_new.ends_on));
    perform mail.second_factor_tell(id, 'app_password_made', jsonb_build_object(
        'names', jsonb_build_array(app_password_new.name), 'scopes', to_jsonb(app_password_new.scopes),
        'ends_on', app_password_new.ends_on));
    return mail.grouped(plain, 5);
end
$$;

-- Ends one of its owner's, or all (NULL); how many.
create or replace function mail.app_passwords_end(id text, one bigint, why text) returns int
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    ended bigint[];
    names text[];
begin
    with gone as (
        update mail.app_password a set ended_at = now()
        where a.mailbox_id = app_passwords_end.id and a.ended_at is null and (one is null or a.number = one)
        returning a.number, a.name
    )
    select array_agg(g.number order by g.number), array_agg(g.name order by g.number) into ended, names from gone g;
    if ended is not null then
        perform mail.audit_note('app_password', id, 'delete', jsonb_build_object('numbers', to_jsonb(ended), 'why', why));
        -- Of a lock and a revocation, and of the factor's own end, another letter tells.
        if why in ('owner', 'password', 'term') then
            perform mail.second_factor_tell(id, 'app_password_ended', jsonb_build_object('names', to_jsonb(names), 'why', why));
        end if;
    end if;
    return coalesce(cardinality(ended), 0);
end
$$;

-- All that signs in beside the password ends with it, with a lock, with a revocation. The factor itself stays. A session of the
-- webmail is told of a lock as any other is, so its word is still known then.
create or replace function mail.second_keys_end(id text, why text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from mail.second_step s where s.mailbox_id = second_keys_end.id and why not in ('lock', 'revocation');
    perform mail.app_passwords_end(id, null, why);
end
$$;

-- Arguments: why. Called where an account's own password, or its right to be used, has changed. Of thousands of rows of an apply
-- those alone are looked at that have something to end.
create or replace function mail.second_keys_follow() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_nestloop = off
as $$
begin
    if tg_table_name = 'credential' then
        perform mail.second_keys_end(n.mailbox_id, 'password')
        from old_rows o join new_rows n using (mailbox_id)
        where o.changed_at is distinct from n.changed_at;
    elsif tg_table_name = 'lock_state' then
        perform mail.second_keys_end(n.mailbox_id, 'lock') from new_rows n;
    else
        perform mail.second_keys_end(n.id, case n.state when 'locked' then 'lock' else 'revocation' end)
        from old_rows o join new_rows n using (id)
        where o.state <> n.state and n.state <> 'active';
        -- Another post may make a leader, or end one (51_second_factor.sql).
        if mail.second_factor_asks('leaders') then
            insert into mail.outbox (topic, mailbox, payload)
            select case when mail.second_factor_demanded(n.id) then 'mailbox.access' else 'mailbox.profile' end, n.id,
                   '{"cause": "second_factor"}'
            from old_rows o join new_rows n using (id)
            where o.post <> n.post and not mail.second_factor_on(n.id)
            order by n.id;
        end if;
    end if;
    return null;
end
$$;

create or replace trigger second_keys_follow after update on mail.credential
    referencing old table as old_rows new table as new_rows
    for each statement execute function mail.second_keys_follow();
create or replace trigger second_keys_follow after insert on mail.lock_state
    referencing new table as new_rows for each statement execute function mail.second_keys_follow();
create or replace trigger second_keys_follow after update on mail.mailbox
    referencing old table as old_rows new table as new_rows
    for each statement execute function mail.second_keys_follow();

-- Whether a server of the system itself is at that address, by the setting that names its networks; of the province's networks behind it
-- nobody is.
create or replace function mail.comes_from(setting text, remote_ip text) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    place inet := mail.source_address(comes_from.remote_ip);
begin
    return exists (
        select from mail.setting s, jsonb_array_elements_text(s.value) n(network)
        where s.name = comes_from.setting
            -- The source as failures are counted is a whole network of IPv6.
            and case family(place) when 4 then place else comes_from.remote_ip::inet end <<= n.network::inet
    );
end
$$;

create or replace function mail.is_webmail(remote_ip text) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$ select mail.comes_from('webmail_networks', remote_ip) $$;

-- Whether what somebody signs in with is neither his password nor a guess. NULL: it has not the form, or is nobody's.
--   fits     it opens what this protocol asks for
--   scope    it is his and opens other things
--   over     it was his and has ended
--   gone     a word of the webmail, or of what sends at a chosen hour (97_scheduled_service.sql), that nobody has, or no more: long sessions
--            end so, and nobody guesses one
-- A session of the webmail opens nothing from elsewhere: what the webmail's server sends or files comes from its own address.
create or replace function mail.second_key(id text, plain text, protocol text, remote_ip text) returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    typed text;
    found_one mail.app_password%rowtype;
    scope text := case
        when second_key.protocol in ('smtp', 'submission') then 'smtp'
        when second_key.protocol = 'dav' then 'dav'
        else 'imap'
    end;
begin
    if length(plain) > 60 or length(plain) < 20 then
        return null;
    elsif plain ~ '^webmail-[0-9a-f]{48}$' then
        perform from mail.second_step s
        where s.hash = mail.second_key_hash(second_key.id, plain) and s.mailbox_id = second_key.id and s.door = 'webmail'
            and s.ends_at > now();
        return case
            when not found then 'gone'
            when second_key.protocol = 'webmail'
                or second_key.protocol in ('smtp', 'submission', 'sieve') and mail.is_webmail(remote_ip) then 'fits'
            else 'scope'
        end;
    elsif plain ~ '^scheduled-' then
        return mail.scheduled_word(second_key.id, plain, second_key.protocol, remote_ip);
    end if;
    typed := mail.ungrouped(plain);
    if typed !~ '^[a-z2-9]{20}$' then
        return null;
    end if;
    select a.* into found_one from mail.app_password a
    where a.mailbox_id = second_key.id and a.hash = mail.second_key_hash(second_key.id, typed);
    if not found then
        return null;
    elsif found_one.ended_at is not null or found_one.ends_on < current_date then
        return 'over';
    elsif second_key.protocol = 'webmail' or not scope = any (found_one.scopes) then
        return 'scope';
    end if;
    -- Who signs in every minute is written down once in an hour, and whenever he comes from elsewhere.
    if (found_one.last_at > now() - interval '1 hour' and found_one.last_protocol = second_key.protocol
        and found_one.last_address is not distinct from nullif(remote_ip, '')::inet) is not true
    then
        update mail.app_password a
        set last_at = now(), last_protocol = second_key.protocol, last_address = nullif(remote_ip, '')::inet
        where a.number = found_one.number;
    end if;
    return 'fits';
end
$$;

create or replace function mail.second_key_reason(verdict text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return case verdict
        when 'scope' then 'Mat khau ung dung nay khong dung duoc o day'
        else 'Mat khau ung dung nay da het han hoac da thu hoi'
    end || ', tao mat khau khac tai ' || mail.setting_text('webmail_url')
        || 'mat-khau/hai-buoc / Make another app password there [app_password:' || verdict || ']';
end
$$;

-- Ends what is over by its own term, of at most so many mailboxes; of how many. Dovecot remembers for weeks whom it let in, so the
-- end of a term is told to it as any other end is. A job calls this every few minutes, and right after midnight.
create or replace function mail.second_keys_over(most int) returns int
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    who text;
    ended int := 0;
begin
    for who in
        select s.mailbox_id from mail.second_step s where s.door = 'webmail' and s.ends_at <= now()
        union
        select a.mailbox_id from mail.app_password a where a.ended_at is null and a.ends_on < current_date
        order by 1 limit most
    loop
        delete from mail.second_step s where s.mailbox_id = who and s.door = 'webmail' and s.ends_at <= now();
        perform mail.app_passwords_end(who, a.number, 'term')
        from mail.app_password a
        where a.mailbox_id = who and a.ended_at is null and a.ends_on < current_date;
        perform mail.second_factor_announce(who);
        ended := ended + 1;
    end loop;
    return ended;
end
$$;

-- Forgets what ended long ago: visits at once, programs' passwords after a year. The nightly job's. Words of the webmail end above.
create or replace function mail.second_keys_prune() returns int
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    with visits as (delete from mail.second_step s where s.door = 'page' and s.ends_at < now() returning 1),
    programs as (
        delete from mail.app_password a
        where least(a.ended_at, a.ends_on + interval '1 day') < now() - interval '1 year' returning 1
    ),
    begun as (
        delete from mail.second_factor f where f.confirmed_at is null and f.begun_at < now() - interval '1 day' returning 1
    )
    select (select count(*) from visits)::int + (select count(*) from programs)::int + (select count(*) from begun)::int
$$;
