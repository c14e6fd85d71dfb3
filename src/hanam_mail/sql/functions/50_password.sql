-- Passwords: compared in NFC, at most 72 octets (bcrypt ignores what lies beyond), hashed by pgcrypto's bcrypt only.
-- docs/decisions/0002-password-verification-in-the-database.md

-- Sets the password. With only_if_different a password that already matches is left alone, hash and date as they are;
-- must_change is set in any case. The answer says whether anything changed.
create or replace function mail.password_set(id text, password text, must_change boolean, only_if_different boolean)
returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    plain text := normalize(password, nfc);
    old mail.credential%rowtype;
begin
    if plain = '' then
        raise exception 'the password is empty' using errcode = 'invalid_parameter_value';
    end if;
    if octet_length(plain) > 72 then
        raise exception 'the password is longer than 72 octets' using errcode = 'invalid_parameter_value';
    end if;
    select c.* into old from mail.credential c where c.mailbox_id = password_set.id for update;
    if only_if_different and old.hash is not null and mail_crypto.crypt(plain, old.hash) = old.hash then
        if old.must_change = password_set.must_change then
            return false;
        end if;
        update mail.credential c set must_change = password_set.must_change where c.mailbox_id = password_set.id;
        return true;
    end if;
    insert into mail.credential as c (mailbox_id, hash, must_change)
    values (
        password_set.id,
        mail_crypto.crypt(plain, mail_crypto.gen_salt('bf', mail.setting_int('password_bcrypt_cost')::int)),
        password_set.must_change
    )
    on conflict (mailbox_id) do update
        set hash = excluded.hash, must_change = excluded.must_change, changed_at = now();
    return true;
end
$$;

-- Whether the password is right. Costs the same when there is nothing to compare with, so that the time of a refusal
-- does not tell who exists.
create or replace function mail.password_matches(hash text, password text) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    plain text := normalize(password, nfc);
    fits boolean := octet_length(plain) between 1 and 72;
    salt text := coalesce(
        hash,
        '$2a$' || lpad(mail.setting_text('password_bcrypt_cost'), 2, '0') || '$' || repeat('.', 22)
    );
    result text := mail_crypto.crypt(case when fits then plain else 'x' end, salt);
begin
    return hash is not null and fits and result = hash;
end
$$;
