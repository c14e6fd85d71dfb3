-- Passwords: compared in NFC, at most 72 octets (bcrypt ignores what lies beyond), hashed with argon2id; what bcrypt hashed before
-- is still compared. docs/decisions/0002-password-verification-in-the-database.md, 0040-argon2id.md

-- A program's text, sealed by it with AES-256-CBC under a key of mail.secret, in hexadecimal. NULL when it is no UTF-8: such
-- octets are no password. A seal of another key is an error, not a wrong password.
create or replace function mail.unseal(key_name text, sealed text, iv bytea) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    octets bytea := mail_crypto.decrypt_iv(
        decode(sealed, 'hex'), (select s.value from mail.secret s where s.name = key_name), iv, 'aes-cbc/pad:pkcs'
    );
begin
    return convert_from(octets, 'UTF8');
exception when character_not_in_repertoire then
    return null;
end
$$;

-- What a hash of the present cost begins with. Another form, or another cost, is renewed at its owner's next sign-in.
create or replace function mail.password_form() returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return format(
        '$argon2id$v=19$m=%s,t=%s,p=1$', mail.setting_int('password_argon2_memory'), mail.setting_int('password_argon2_passes')
    );
end
$$;

create or replace function mail.password_hash(plain text) returns text
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    select mail_crypto.argon2id(
        convert_to(normalize(plain, nfc), 'UTF8'), mail_crypto.gen_random_bytes(16),
        mail.setting_int('password_argon2_memory')::int, mail.setting_int('password_argon2_passes')::int
    )
$$;

-- Whether that is the hash of the password, at the cost of looking. NULL is the hash of none.
create or replace function mail.password_is(hash text, password text) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    plain text := normalize(password, nfc);
    fits boolean := coalesce(octet_length(plain) between 1 and 72, false);
    tried text := case when fits then plain else 'x' end;
    right_one boolean := false;
begin
    if starts_with(hash, '$argon2id$') then
        right_one := mail_crypto.argon2id_matches(hash, convert_to(tried, 'UTF8'));
    elsif starts_with(hash, '$2a$') then
        right_one := mail_crypto.crypt(tried, hash) = hash;
    end if;
    return fits and right_one;
end
$$;

-- Costs what looking at `hash` has not cost, so that the time of a refusal tells neither who exists nor how his hash was made. All
-- refusals together cost an argon2id of the present cost and a bcrypt of the highest that somebody still has. Argon2id takes
-- memory times passes, so that the rest is one of less memory; bcrypt twice as long at each cost, so that costs n, n + 1 ... m - 1
-- are what m takes longer than n. The cost of argon2id was lowered: what is dearer still can be told until it is renewed.
create or replace function mail.password_pretend(hash text) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    spent text[] := regexp_match(hash, '^\$argon2id\$v=19\$m=([0-9]+),t=([0-9]+),');
    passes int := mail.setting_int('password_argon2_passes');
    memory int := mail.setting_int('password_argon2_memory') - coalesce(spent[1]::int * spent[2]::int, 0) / passes;
    dearest int := (select max(substr(c.hash, 5, 2)) from mail.credential c where c.hash like '$2a$%');
    tried int := case when starts_with(hash, '$2a$') then substr(hash, 5, 2) end;
begin
    -- The least that argon2id knows is 8 KiB.
    if memory >= 8 then
        perform mail_crypto.argon2id('x', '0123456789abcdef', memory, passes);
    end if;
    if dearest is not null then
        for cost in coalesce(tried, dearest) .. dearest - (tried is not null)::int loop
            perform mail_crypto.crypt('x', '$2a$' || lpad(cost::text, 2, '0') || '$' || repeat('.', 22));
        end loop;
    end if;
end
$$;

-- Whether a password that somebody signs in with is right. A wrong one costs the same whatever there is to compare it with.
create or replace function mail.password_matches(hash text, password text) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if mail.password_is(hash, password) then
        return true;
    end if;
    perform mail.password_pretend(hash);
    return false;
end
$$;

-- Puts a new password in the place of the old one, which goes into the history. is_default: the operator gave it, so its
-- owner must change it (Đ8.2a) and both clocks of Đ7.2 begin.
create or replace function mail.password_replace(id text, plain text, is_default boolean) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into mail.password_history (mailbox_id, hash, retired_at)
    select c.mailbox_id, c.hash, clock_timestamp() from mail.credential c where c.mailbox_id = password_replace.id;
    -- The last one stays in any case: programs that still try it are not guessing.
    delete from mail.password_history h
    where h.mailbox_id = password_replace.id and h.retired_at < (
        select min(k.retired_at) from (
            select i.retired_at from mail.password_history i where i.mailbox_id = password_replace.id
            order by i.retired_at desc limit greatest(mail.setting_int('password_history_count'), 1)
        ) k
    );
    insert into mail.credential as c (mailbox_id, hash, must_change, is_default)
    values (
        password_replace.id, mail.password_hash(plain), password_replace.is_default, password_replace.is_default
    )
    on conflict (mailbox_id) do update
        set hash = excluded.hash, must_change = excluded.must_change, is_default = excluded.is_default,
            changed_at = now(), given_at = case when excluded.is_default then now() else c.given_at end,
            handover = case when excluded.is_default then null else c.handover end,
            verified = case when excluded.is_default then null else c.verified end;
end
$$;

-- Sets a password that somebody chose for a mailbox, under the same policy as the owner's own change. That is for laboratories,
-- whose inventory switches it on: elsewhere an operator gives random ones to be changed (first_passwords_give). With only_if_different a
-- password that already matches is left alone, hash and date as they are; must_change is set in any case. The answer says
-- whether anything changed.
create or replace function mail.password_set(id text, password text, must_change boolean, only_if_different boolean)
returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    plain text := normalize(password, nfc);
    old mail.credential%rowtype;
    faults text[];
begin
    if not exists (select from mail.setting s where s.name = 'password_chosen_for_others' and s.value = 'true') then
        raise exception 'chỉ phòng thử nghiệm được đặt mật khẩu do người khác chọn (password_chosen_for_others)'
            using errcode = 'insufficient_privilege';
    end if;
    select c.* into old from mail.credential c where c.mailbox_id = password_set.id for update;
    if only_if_different and mail.password_is(old.hash, plain) then
        if old.must_change = password_set.must_change then
            return false;
        end if;
        update mail.credential c set must_change = password_set.must_change, is_default = password_set.must_change
        where c.mailbox_id = password_set.id;
        return true;
    end if;
    faults := mail.password_faults(id, plain);
    if faults <> '{}' then
        raise exception 'mật khẩu không đạt yêu cầu (Đ8.2b): %', array_to_string(mail.password_fault_texts(faults), '; ')
            using errcode = 'invalid_parameter_value', detail = array_to_string(faults, ',');
    end if;
    perform mail.password_replace(id, plain, must_change);
    return true;
end
$$;

-- Notes who made sure of the owner before a password was given to him (Đ7.3, Đ12.3).
create or replace function mail.password_verified(id text, verified text) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if btrim(verified) = '' then
        raise exception 'phải ghi ai đã xác minh chủ hộp thư (Đ7.3, Đ12.3)'
            using errcode = 'invalid_parameter_value';
    end if;
    update mail.credential c set verified = password_verified.verified where c.mailbox_id = password_verified.id;
end
$$;

-- Hashes again what was just verified where form or cost are others by now. Nobody's session ends by it: the date stays. A password
-- that was changed meanwhile stays as it is, and who is changing it is not waited for: the next sign-in comes by here as well.
create or replace function mail.password_renew(id text, hash text, plain text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    if starts_with(hash, mail.password_form()) then
        return;
    end if;
    perform from mail.credential c
    where c.mailbox_id = password_renew.id and c.hash = password_renew.hash
    for update skip locked;
    if found then
        update mail.credential c set hash = mail.password_hash(plain) where c.mailbox_id = password_renew.id;
    end if;
end
$$;

-- Marks the passwords whose term is over (Đ8.2a): sign-in knows without it, but sessions that are open hear of it so.
-- `most`: at most so many at once, NULL for all. A term never ends before its months or days are over: most need no calendar.
create or replace function mail.passwords_expire(as_of timestamptz, most int default null) returns int
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    marked int;
begin
    update mail.credential c set must_change = true
    from (
        select x.mailbox_id, x.changed_at
        from mail.credential x, (
            select mail.setting_int('password_max_age_days')::int as days,
                   mail.setting_int('regulation_password_max_age_months')::int as months
        ) n
        where not x.must_change
            and as_of::date > least(
                x.changed_at::date + make_interval(months => n.months),
                case when n.days > 0 then x.changed_at::date + n.days end
            )::date
            and as_of::date > mail.password_expires_on(x.changed_at)
        order by x.mailbox_id
        limit most
    ) over
    -- Asked of the row itself: its owner may be changing it now, and then it is waited for.
    where c.mailbox_id = over.mailbox_id and c.changed_at = over.changed_at and not c.must_change;
    get diagnostics marked = row_count;
    return marked;
end
$$;
