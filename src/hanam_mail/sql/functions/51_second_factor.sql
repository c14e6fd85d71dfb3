-- The second factor: codes that change with time (RFC 6238) and printed ones that open once. The key under which secrets are
-- sealed comes with each call and is kept nowhere here: who has the database, or a copy of it, has no secret. What calls is the page
-- and the webmail (53_second_step.sql); neither decides. docs/decisions/0074-second-factor.md

-- RFC 4226: six digits of HMAC-SHA-1, which is what every program on telephones knows.
create or replace function mail.totp(secret bytea, step bigint) returns text
language plpgsql immutable strict
set search_path = pg_catalog, pg_temp
as $$
declare
    digest bytea := mail_crypto.hmac(int8send(step), secret, 'sha1');
    first int := get_byte(digest, 19) & 15;
    number bigint := ((get_byte(digest, first) & 127)::bigint << 24) | (get_byte(digest, first + 1) << 16)
        | (get_byte(digest, first + 2) << 8) | get_byte(digest, first + 3);
begin
    return lpad((number % 1000000)::text, 6, '0');
end
$$;

create or replace function mail.totp_step() returns bigint
language sql volatile
set search_path = pg_catalog, pg_temp
as $$ select floor(extract(epoch from clock_timestamp()) / 30)::bigint $$;

-- Sealed: the IV, then AES-256-CBC.
create or replace function mail.factor_seal(secret bytea, key bytea) returns bytea
language plpgsql volatile strict
set search_path = pg_catalog, pg_temp
as $$
declare
    iv bytea := mail_crypto.gen_random_bytes(16);
begin
    return iv || mail_crypto.encrypt_iv(secret, key, iv, 'aes-cbc/pad:pkcs');
end
$$;

create or replace function mail.factor_unseal(sealed bytea, key bytea) returns bytea
language plpgsql immutable strict
set search_path = pg_catalog, pg_temp
as $$
begin
    return mail_crypto.decrypt_iv(substr(sealed, 17), key, substr(sealed, 1, 16), 'aes-cbc/pad:pkcs');
end
$$;

-- A printed code is short enough to be tried out against a plain digest; under the key nobody can who has only the database.
create or replace function mail.recovery_hash(id text, code text, key bytea) returns bytea
language sql immutable strict
set search_path = pg_catalog, pg_temp
as $$ select mail_crypto.hmac(convert_to(id || ':' || code, 'UTF8'), key, 'sha256') $$;

-- Letters and digits that look like no other, for what people type from paper.
create or replace function mail.random_word(signs int) returns text
language plpgsql volatile strict
set search_path = pg_catalog, pg_temp
as $$
declare
    octets bytea := mail_crypto.gen_random_bytes(signs);
    word text := '';
begin
    for place in 0 .. signs - 1 loop
        word := word || substr('abcdefghijkmnpqrstuvwxyz23456789', (get_byte(octets, place) & 31) + 1, 1);
    end loop;
    return word;
end
$$;

-- So that it can be read aloud and typed: a hyphen after so many signs.
create or replace function mail.grouped(word text, signs int) returns text
language sql immutable strict
set search_path = pg_catalog, pg_temp
as $$ select btrim(regexp_replace(word, '(.{' || signs || '})', '\1-', 'g'), '-') $$;

create or replace function mail.ungrouped(typed text) returns text
language plpgsql immutable strict
set search_path = pg_catalog, pg_temp
as $$
begin
    return regexp_replace(lower(typed), '[\s-]', '', 'g');
end
$$;

-- Whether its owner turned the factor on.
create or replace function mail.second_factor_on(id text) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select from mail.second_factor f where f.mailbox_id = second_factor_on.id and f.confirmed_at is not null
    );
end
$$;

-- Whether the policy names this kind of people.
create or replace function mail.second_factor_asks(kind text) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce((select s.value ? kind from mail.setting s where s.name = 'password_second_factor'), false);
end
$$;

-- Whether the policy demands it of this mailbox: of everybody; of clerks, and of the mailboxes that they open where these
-- have a password of their own; of leaders, by the post in the registry; of operators, whom the registry does not know and the
-- policy names.
create or replace function mail.second_factor_demanded(id text) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    kinds jsonb := (select s.value from mail.setting s where s.name = 'password_second_factor');
begin
    if kinds = '[]' then
        return false;
    end if;
    return coalesce(
        kinds ? 'all'
        or kinds ? 'clerks' and exists (
            select from mail.mailbox_clerk k where second_factor_demanded.id in (k.clerk_id, k.mailbox_id)
        )
        or kinds ? 'leaders' and exists (
            select from mail.mailbox m, mail.setting s, jsonb_array_elements_text(s.value) p(post)
            where m.id = second_factor_demanded.id and s.name = 'leader_posts'
                and starts_with(mail.fold(m.post) || ' ', mail.fold(p.post) || ' ')
        )
        or kinds ? 'operators' and exists (
            select from mail.setting s, jsonb_array_elements_text(s.value) o(login)
            where s.name = 'password_second_factor_operators' and mail.resolve(o.login) = second_factor_demanded.id
        ), false);
end
$$;

-- What stands between the right password and a mail program: 'on', 'required' (demanded and not on yet), NULL for nothing.
create or replace function mail.second_factor_needed(id text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return case
        when mail.second_factor_on(id) then 'on'
        when mail.second_factor_demanded(id) then 'required'
    end;
end
$$;

-- The same in words, in the form of state_reason().
create or replace function mail.second_factor_reason(need text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    page text := mail.setting_text('webmail_url') || 'mat-khau/hai-buoc';
begin
    return case need
        when 'on' then 'Hop thu da bat xac thuc hai buoc: chuong trinh thu dung mat khau ung dung, tao tai ' || page
            || ' / Use an app password, made there [second_factor:on]'
        when 'required' then 'Phai bat xac thuc hai buoc truoc khi dung hop thu, tai ' || page
            || ' / Turn on two-step sign-in there first [second_factor:required]'
    end;
end
$$;

-- A letter to the owner (93_notice.sql): who has got hold of his password shall not do it unseen. From where, the door has set.
create or replace function mail.second_factor_tell(id text, kind text, facts jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into mail.notice (mailbox_id, kind, round, due, payload)
    values (second_factor_tell.id, second_factor_tell.kind, clock_timestamp()::text, current_date, facts || jsonb_build_object(
        'done_at', to_char(now(), 'HH24:MI "ngày" DD/MM/YYYY'), 'place', coalesce(current_setting('hanam.place', true), '')))
    on conflict do nothing;
end
$$;

-- Whether what was typed is the code of now (or of the step beside it: clocks differ) that was not used, or a printed one.
-- The answer is which, NULL for neither; it is spent by this.
create or replace function mail.second_factor_spend(id text, typed text, key bytea) returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    code text := mail.ungrouped(typed);
    held mail.second_factor%rowtype;
    present bigint := mail.totp_step();
begin
    select f.* into held from mail.second_factor f where f.mailbox_id = second_factor_spend.id for update;
    if not found then
        return null;
    end if;
    if code ~ '^[0-9]{6}$' then
        for step in greatest(present - 1, held.last_step + 1) .. present + 1 loop
            if mail.totp(mail.factor_unseal(held.secret, key), step) = code then
                update mail.second_factor f set last_step = step where f.mailbox_id = second_factor_spend.id;
                return 'code';
            end if;
        end loop;
        return null;
    end if;
    update mail.recovery_code r set used_at = now()
    where r.mailbox_id = second_factor_spend.id and r.used_at is null
        and r.hash = mail.recovery_hash(second_factor_spend.id, code, key);
    if found then
        perform mail.audit_note('second_factor', id, 'update', jsonb_build_object('recovery_code', 'used'));
        return 'recovery';
    end if;
    return null;
end
$$;

-- Ten new printed codes in the place of those before.
create or replace function mail.recovery_codes_give(id text, key bytea) returns text[]
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    codes text[] := array(select mail.random_word(12) from generate_series(1, 10));
begin
    delete from mail.recovery_code r where r.mailbox_id = recovery_codes_give.id;
    insert into mail.recovery_code (mailbox_id, hash)
    select recovery_codes_give.id, mail.recovery_hash(recovery_codes_give.id, c.code, key) from unnest(codes) c(code);
    perform mail.audit_note('second_factor', id, 'update', jsonb_build_object('recovery_codes', 10));
    return array(select mail.grouped(c.code, 4) from unnest(codes) c(code));
end
$$;

-- The secret that this visit is shown: the same whenever its page is loaded again, for a telephone may have read it already. Another
-- visit has another: who knows only the password shall not come to share one. NULL: the factor is on by now.
create or replace function mail.second_factor_begin(id text, visit bytea, key bytea) returns bytea
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    secret bytea := mail_crypto.gen_random_bytes(20);
    sealed bytea;
begin
    insert into mail.second_factor as f (mailbox_id, secret, visit)
    values (second_factor_begin.id, mail.factor_seal(secret, key), second_factor_begin.visit)
    on conflict (mailbox_id) do update
        set secret = excluded.secret, visit = excluded.visit, begun_at = now(), last_step = 0
        where f.confirmed_at is null
            and (f.visit is distinct from excluded.visit or f.begun_at < now() - interval '15 minutes');
    select f.secret into sealed from mail.second_factor f
    where f.mailbox_id = second_factor_begin.id and f.confirmed_at is null and f.visit = second_factor_begin.visit;
    return mail.factor_unseal(sealed, key);
end
$$;

-- Whether it was this visit that was shown the secret which waits for its first code.
create or replace function mail.second_factor_begun(id text, visit bytea) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select from mail.second_factor f
        where f.mailbox_id = second_factor_begun.id and f.confirmed_at is null and f.visit = second_factor_begun.visit
    );
end
$$;

-- Sessions that are open end, and what Dovecot remembers of sign-ins is forgotten.
create or replace function mail.second_factor_announce(id text) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    insert into mail.outbox (topic, mailbox, payload)
    values ('mailbox.access', second_factor_announce.id, '{"cause": "second_factor"}')
$$;

-- A telephone was lost, with the printed codes: an operator takes the factor away, and all that was opened or made by it.
create or replace function mail.second_factor_reset(id text, note text) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if btrim(note) = '' then
        raise exception 'đặt lại xác thực hai bước phải ghi ai đã xác minh chủ hộp thư (Đ7.3, Đ12.3)'
            using errcode = 'invalid_parameter_value';
    end if;
    delete from mail.second_factor f where f.mailbox_id = second_factor_reset.id;
    if not found then
        return false;
    end if;
    perform mail.second_keys_end(id, 'operator');
    perform mail.audit_note('second_factor', id, 'delete', jsonb_build_object('note', second_factor_reset.note));
    perform mail.second_factor_tell(id, 'factor_reset', '{}');
    perform mail.second_factor_announce(id);
    return true;
end
$$;

-- What operators see of it.
create or replace function mail.second_factor_facts(id text)
returns table (since timestamptz, demanded boolean, codes_left int, app_passwords int)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select
        (select f.confirmed_at from mail.second_factor f where f.mailbox_id = second_factor_facts.id),
        mail.second_factor_demanded(second_factor_facts.id),
        (select count(*)::int from mail.recovery_code r
         where r.mailbox_id = second_factor_facts.id and r.used_at is null),
        (select count(*)::int from mail.app_password a
         where a.mailbox_id = second_factor_facts.id and a.ended_at is null and a.ends_on >= current_date);
end
$$;
