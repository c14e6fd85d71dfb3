-- The only door to the passwords: EXECUTE for mail_dovecot alone (grants.sql).

create or replace function mail.dovecot_passdb(
    login text, plain text, protocol text, local_port int, remote_ip text
) returns table ("user" text, nopassword text, "password" text, nologin text, reason text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    id text := mail.resolve(dovecot_passdb.login);
    state text := mail.mailbox_state(id);
    hash text;
begin
    if state <> 'revoked' then
        select c.hash into hash from mail.credential c where c.mailbox_id = id;
    end if;
    if not mail.password_matches(hash, dovecot_passdb.plain) then
        return;
    end if;
    if state = 'active' then
        return query select id, 'y'::text, null::text, null::text, null::text;
    elsif dovecot_passdb.protocol not in ('smtp', 'submission') then
        -- Postfix's SASL knows no nologin: for it this is a wrong password, told without a reason.
        return query select id, 'y'::text, null::text, 'y'::text, mail.state_reason(id, state);
    end if;
end
$$;

-- The same with the password sealed, as Dovecot should send it: it logs the whole statement when the database fails under
-- it. AES-256-CBC with the key of both sides and an IV of zeros, in hexadecimal:
--   %{password | encrypt(algorithm='aes-256-cbc', key='<key>', iv='00000000000000000000000000000000', raw=1) | hexlify}
-- Octets that are no UTF-8 are a wrong password. A seal of another key is an error, not a wrong password.
create or replace function mail.dovecot_passdb_sealed(
    login text, sealed text, protocol text, local_port int, remote_ip text
) returns table ("user" text, nopassword text, "password" text, nologin text, reason text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    octets bytea := mail_crypto.decrypt_iv(
        decode(sealed, 'hex'), (select s.value from mail.secret s where s.name = 'login_key'),
        decode(repeat('00', 16), 'hex'), 'aes-cbc/pad:pkcs'
    );
    plain text;
begin
    begin
        plain := convert_from(octets, 'UTF8');
    exception when character_not_in_repertoire then
        return;
    end;
    return query
        select * from mail.dovecot_passdb(
            dovecot_passdb_sealed.login, plain, dovecot_passdb_sealed.protocol, dovecot_passdb_sealed.local_port,
            dovecot_passdb_sealed.remote_ip
        );
end
$$;

create or replace function mail.dovecot_userdb(login text)
returns table ("user" text, home text, uid int, gid int, quota_storage_size text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select m.id, mail.setting_text('vmail_home') || '/' || left(m.id, 2) || '/' || m.id,
           mail.setting_int('vmail_uid')::int, mail.setting_int('vmail_gid')::int, m.quota_bytes || 'B'
    from mail.mailbox m
    where m.id = mail.resolve(login) and m.state <> 'revoked'
$$;

create or replace function mail.dovecot_iterate() returns table ("user" text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$ select m.id from mail.mailbox m where m.purged_at is null order by m.id $$;
