-- The decision of a sign-in, and what Dovecot needs to know of a mailbox. The only door to the passwords besides the change
-- of one: EXECUTE for mail_dovecot alone (grants.sql).

-- No row: refused without a reason, be it a wrong name, a wrong password or too many failures. With nologin: the password is
-- right, and its holder is told why it opens nothing. Postfix's SASL knows no nologin, so for it that is a refusal as well; it
-- takes as long as one. A clerk who opens an agency's mailbox is asked for his own password; what he sends is sent by himself
-- (Postfix lets him use the agency's address), so that a lock of his ends it. A private provider that fetches (55_collectors.sql) has the
-- right password and is told that it may not, or to wait until it is known; neither is a failure. As it sends Postfix says so, after
-- the sign-in. Where a second factor is on, or demanded, the password alone opens nothing: programs have passwords of their own, and
-- the webmail a word for each session (53_app_passwords.sql).
create or replace function mail.dovecot_passdb(
    login text, plain text, protocol text, local_port int, remote_ip text
) returns table ("user" text, nopassword text, "password" text, nologin text, reason text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    name text := mail.failure_login(dovecot_passdb.login);
    source inet := mail.source_address(dovecot_passdb.remote_ip);
    id text;
    opened text;
    hash text;
    shut text;
    sends boolean := dovecot_passdb.protocol in ('smtp', 'submission');
    provider text;
    refused boolean := false;
    waits boolean := false;
    second text;
    needed text;
begin
    -- First of all: a storm of guesses shall cost next to nothing.
    if mail.sign_in_barred(name, source) is not null then
        return;
    end if;
    -- Counting is the webmail's alone: any other program would read without a trace of use.
    if mail.login_only_counts(dovecot_passdb.login) and dovecot_passdb.protocol <> 'webmail' then
        return;
    end if;
    id := mail.login_person(dovecot_passdb.login);
    opened := mail.login_mailbox(dovecot_passdb.login);
    hash := (select c.hash from mail.credential c where c.mailbox_id = id);
    second := mail.second_key(id, dovecot_passdb.plain, dovecot_passdb.protocol, dovecot_passdb.remote_ip);
    if second = 'gone' then
        return;
    elsif second is null and not mail.password_matches(hash, dovecot_passdb.plain) then
        perform mail.sign_in_failed(id, name, source, dovecot_passdb.protocol, dovecot_passdb.plain);
        return;
    end if;
    shut := case
        when mail.mailbox_state(id) <> 'active' then id
        when mail.mailbox_state(opened) in ('locked', 'revoked') then opened
    end;
    if shut is not null and sends then
        perform mail.password_pretend(hash);
        if mail.source_is_known(name, source) then
            perform mail.password_matches(null, dovecot_passdb.plain);
        end if;
        return;
    end if;
    if second is null then
        perform mail.password_renew(id, hash, dovecot_passdb.plain);
        needed := mail.second_factor_needed(id);
    end if;
    if shut is null and (needed is not null or second <> 'fits') then
        if sends and needed is not null then
            perform mail.password_pretend(hash);
        elsif not sends then
            return query select opened, 'y'::text, null::text, 'y'::text,
                coalesce(mail.second_factor_reason(needed), mail.second_key_reason(second));
        end if;
        return;
    end if;
    if shut is null and dovecot_passdb.protocol = any (mail.collector_protocols()) then
        provider := mail.collector_of(source);
        waits := provider is null and not sends
            and mail.collector_put_off(opened, id, source, dovecot_passdb.remote_ip);
    end if;
    if provider is not null then
        refused := mail.collectors_refused();
        perform mail.collector_note(
            opened, provider, source, array[dovecot_passdb.protocol], current_date, refused::int
        );
    end if;
    if waits or refused and not sends then
        return query select opened, 'y'::text, null::text, 'y'::text,
            case when waits then mail.collector_put_off_reason() else mail.collector_reason() end;
    elsif shut is null then
        -- The service that sends at a chosen hour is no place of his.
        if dovecot_passdb.plain ~ '^scheduled-' and second = 'fits' then
            perform mail.scheduled_signed_in(id, dovecot_passdb.plain, dovecot_passdb.protocol);
        elsif not refused then
            perform mail.sign_in_succeeded(id, source, dovecot_passdb.protocol, dovecot_passdb.remote_ip, opened);
        end if;
        return query select case when sends then id else opened end, 'y'::text, null::text, null::text, null::text;
    else
        return query select opened, 'y'::text, null::text, 'y'::text, mail.state_reason(shut);
    end if;
end
$$;

-- The same with the password sealed, as Dovecot should send it: it logs the whole statement when the database fails under
-- it. AES-256-CBC with the key of both sides and an IV of zeros, in hexadecimal:
--   %{password | encrypt(algorithm='aes-256-cbc', key='<key>', iv='00000000000000000000000000000000', raw=1) | hexlify}
-- Octets that are no UTF-8 are a wrong password.
create or replace function mail.dovecot_passdb_sealed(
    login text, sealed text, protocol text, local_port int, remote_ip text
) returns table ("user" text, nopassword text, "password" text, nologin text, reason text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select d.* from mail.dovecot_passdb(
        login, coalesce(mail.unseal('login_key', sealed, decode(repeat('00', 16), 'hex')), ''), protocol, local_port,
        remote_ip
    ) d;
end
$$;

-- A locked mailbox still receives, but its owner's rules (vacation, redirect, whatever they do) stop: his active script is looked
-- for where there is none.
-- own_address and own_addresses: under which mail of the owner's rules goes out.
create or replace function mail.dovecot_userdb(login text)
returns table (
    "user" text, home text, uid int, gid int, quota_storage_size text, "sieve_script/personal/active_path" text,
    own_address text, own_addresses text
)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
        select m.id, mail.setting_text('vmail_home') || '/' || left(m.id, 2) || '/' || m.id,
               mail.setting_int('vmail_uid')::int, mail.setting_int('vmail_gid')::int, m.quota_bytes || 'B',
               case when mail.mailbox_state(m.id) = 'locked' then '/nonexistent/locked' end, o.own[1],
               array_to_string(o.own, ',')
        from mail.mailbox m
        cross join lateral (select array(
            select a.local_part || '@' || mail.setting_text('mail_domain')
            from mail.address a
            where a.mailbox_id = m.id and current_date between a.valid_from and coalesce(a.valid_until, 'infinity')
            order by a.kind = 'alias', a.local_part
        ) as own) o
        where m.id = mail.resolve(login) and m.state <> 'revoked';
end
$$;

create or replace function mail.dovecot_iterate() returns table ("user" text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$ select m.id from mail.mailbox m where m.purged_at is null order by m.id $$;
