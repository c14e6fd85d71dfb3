-- Guessing of passwords (Đ4.6): what failed is counted by account and source address, and who failed too often is not heard,
-- right or wrong. docs/decisions/0016-guessing.md tells why the limits are as they are.

-- The source as failures are counted: an IPv6 network of 64 bits is one source, since one machine has all of it. Without an
-- address it is the host itself.
create or replace function mail.source_address(remote_ip text) returns inet
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    address inet := coalesce(nullif(remote_ip, ''), '127.0.0.1')::inet;
begin
    -- An IPv4 client of a socket that speaks both.
    if family(address) = 6 and address <<= '::ffff:0:0/96' then
        return split_part(host(address), '::ffff:', 2)::inet;
    end if;
    return case family(address) when 6 then network(set_masklen(address, 64))::inet else address end;
end
$$;

-- The account as failures are counted: the mailbox, by whichever address it was tried; a name that is none as it was typed.
create or replace function mail.failure_login(login text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$ select coalesce(mail.login_person(login), left(lower(login), 255)) $$;

-- The province's own networks (its NAT addresses, the webmail's hosts): many people behind one address.
create or replace function mail.source_is_own(source inet) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select from mail.setting s, jsonb_array_elements_text(s.value) n(network)
        where s.name = 'guessing_own_networks' and source <<= n.network::inet
    )
$$;

-- Whether the mailbox's owner signed in from there of late.
create or replace function mail.source_is_known(login text, source inet) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select from mail.sign_in_address k
        where k.mailbox_id = source_is_known.login and k.address = source_is_known.source
            and k.last_at > now() - make_interval(days => mail.setting_int('guessing_known_days')::int)
    )
$$;

-- How many failures there were since, of an account, a source, or the two together (NULL: any).
create or replace function mail.failures(login text, source inet, since timestamptz) returns int
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if login is null then
        return (select count(*) from mail.sign_in_failure f where f.address = source and f.at > since);
    elsif source is null then
        return (select count(*) from mail.sign_in_failure f where f.login = failures.login and f.at > since);
    end if;
    return (
        select count(*) from mail.sign_in_failure f
        where f.login = failures.login and f.address = source and f.at > since
    );
end
$$;

-- Why a sign-in is not heard at all, NULL when it is. `login` as failure_login() gives it, so that a name without a mailbox is
-- treated like one with. A password is not looked at before: the answer tells nothing about it.
--   pair         this source failed too often for this account
--   address      this source failed too often, whoever it tried
--   account      the account is being guessed at from elsewhere, or the source at others, and this source had its few tries
--   account_day  so many failures in a day come from a herd of machines: only known sources are heard
-- A source from which the owner signed in of late is held to its pair limit only.
create or replace function mail.sign_in_barred(login text, source inet) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    since timestamptz := clock_timestamp() - make_interval(mins => mail.setting_int('guessing_window_minutes')::int);
    day timestamptz := clock_timestamp() - interval '1 day';
    own boolean := mail.source_is_own(source);
    known boolean := mail.source_is_known(login, source);
    suspect boolean;
begin
    if mail.failures(login, source, since) >= mail.setting_int(
        case when own or known then 'guessing_own_pair_failures' else 'guessing_pair_failures' end
    ) then
        return 'pair';
    end if;
    if known then
        return null;
    end if;
    if mail.failures(null, source, since) >= mail.setting_int(
        case when own then 'guessing_own_address_failures' else 'guessing_address_failures' end
    ) then
        if not own then
            return 'address';
        end if;
        suspect := true;
    end if;
    suspect := suspect or mail.failures(login, null, since) >= mail.setting_int('guessing_account_failures');
    if suspect and mail.failures(login, source, day) >= mail.setting_int('guessing_suspect_failures') then
        return 'account';
    end if;
    if not own and mail.failures(login, null, day) >= mail.setting_int('guessing_account_day_failures') then
        return 'account_day';
    end if;
    return null;
end
$$;

-- Notes that a limit has been reached, and tells the operator, once in its time.
create or replace function mail.lockout_note(kind text, login text, source inet, failures int, since timestamptz) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    mailbox text := (select m.id from mail.mailbox m where m.id = lockout_note.login);
begin
    if exists (
        select from mail.sign_in_lockout o
        where o.kind = lockout_note.kind and o.login is not distinct from lockout_note.login
            and o.address is not distinct from source and o.at > since
    ) then
        return;
    end if;
    insert into mail.sign_in_lockout (kind, login, mailbox_id, address, failures)
    values (lockout_note.kind, lockout_note.login, mailbox, source, lockout_note.failures);
    insert into mail.outbox (topic, mailbox, payload) values (
        'sign_in.lockout', mailbox,
        jsonb_strip_nulls(jsonb_build_object(
            'kind', lockout_note.kind, 'login', lockout_note.login, 'address', host(source),
            'failures', lockout_note.failures
        ))
    );
end
$$;

-- Counts a wrong password. The one before the present is none: after a change every telephone goes on trying it, at places where
-- its owner signed in. Looking costs a hash, so it is done for these alone: strangers' guesses shall cost as little as they can.
create or replace function mail.sign_in_failed(id text, login text, source inet, protocol text, plain text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    since timestamptz := clock_timestamp() - make_interval(mins => mail.setting_int('guessing_window_minutes')::int);
    day timestamptz := clock_timestamp() - interval '1 day';
    own boolean := mail.source_is_own(source);
    previous text := (
        select h.hash from mail.password_history h where h.mailbox_id = sign_in_failed.id
        order by h.retired_at desc limit 1
    );
    reached record;
begin
    if mail.source_is_known(login, source) and mail.password_matches(previous, plain) then
        return;
    end if;
    insert into mail.sign_in_failure (login, address, protocol) values (sign_in_failed.login, source, left(protocol, 32));
    for reached in
        select * from (values
            ('pair', sign_in_failed.login, source, mail.failures(login, source, since), mail.setting_int(
                case when own or mail.source_is_known(login, source)
                    then 'guessing_own_pair_failures' else 'guessing_pair_failures' end), since),
            ('address', null, source, mail.failures(null, source, since), mail.setting_int(
                case when own then 'guessing_own_address_failures' else 'guessing_address_failures' end), since),
            ('account', sign_in_failed.login, null, mail.failures(login, null, since),
                mail.setting_int('guessing_account_failures'), since),
            ('account_day', sign_in_failed.login, null, mail.failures(login, null, day),
                mail.setting_int('guessing_account_day_failures'), day)
        ) r(kind, login, source, failures, most, since)
        where r.failures >= r.most
    loop
        perform mail.lockout_note(reached.kind, reached.login, reached.source, reached.failures, reached.since);
    end loop;
    -- Now and then, so that no job is needed: failures and addresses that count no more.
    if random() < 0.01 then
        delete from mail.sign_in_failure f
        where f.at < now() - make_interval(days => mail.setting_int('guessing_keep_days')::int);
        delete from mail.sign_in_address k
        where k.last_at < now() - make_interval(days => mail.setting_int('guessing_known_days')::int);
    end if;
end
$$;

-- Remembers where a mailbox's owner signed in from; once a day at most, since every sign-in comes by here.
create or replace function mail.sign_in_succeeded(id text, source inet) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (
        select from mail.sign_in_address k
        where k.mailbox_id = sign_in_succeeded.id and k.address = source and k.last_at > now() - interval '1 day'
    ) then
        insert into mail.sign_in_address as k (mailbox_id, address) values (sign_in_succeeded.id, source)
        on conflict (mailbox_id, address) do update set last_at = now();
    end if;
end
$$;
