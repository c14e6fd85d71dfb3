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

-- The account as failures are counted: the mailbox, by whichever address it was tried. For a name that is none a digest under
-- a key that only the database has: people type passwords into the field of the name. No mailbox id begins with "?".
create or replace function mail.failure_login(login text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(mail.login_person(login), '?' || left(encode(mail_crypto.hmac(
        convert_to('name without a mailbox ' || lower(login), 'UTF8'),
        (select s.value from mail.secret s where s.name = 'login_key'), 'sha256'
    ), 'hex'), 16));
end
$$;

-- The province's own networks (its NAT addresses, the webmail's hosts): many people behind one address.
create or replace function mail.source_is_own(source inet) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select from mail.setting s, jsonb_array_elements_text(s.value) n(network)
        where s.name = 'guessing_own_networks' and source <<= n.network::inet
    );
end
$$;

-- Whether the mailbox's owner signed in from there of late.
create or replace function mail.source_is_known(login text, source inet) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select from mail.sign_in_address k
        where k.mailbox_id = source_is_known.login and k.address = source_is_known.source
            and k.last_at > now() - make_interval(days => mail.setting_int('guessing_known_days')::int)
    );
end
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

-- How many failures are too many. `friendly`: of the province's own networks, or a source from which the owner signed in of late.
create or replace function mail.guessing_limit(kind text, friendly boolean) returns int
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return mail.setting_int('guessing_' || case when friendly and kind in ('pair', 'address') then 'own_' else '' end
        || kind || '_failures')::int;
end
$$;

-- Since when the failures of a kind of limit count.
create or replace function mail.guessing_since(kind text) returns timestamptz
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    return clock_timestamp() - case
        when kind like '%_day' then interval '1 day'
        else make_interval(mins => mail.setting_int('guessing_window_minutes')::int)
    end;
end
$$;

-- Why a sign-in is not heard at all, NULL when it is. `login` as failure_login() gives it, so that a name without a mailbox is
-- treated like one with. A password is not looked at before: the answer tells nothing about it.
--   pair         this source failed too often for this account
--   pair_day     the same, slowly over a day: also from the owner's own place an account has only so many tries
--   address      this source failed too often, whoever it tried
--   account      the account is being guessed at from elsewhere, or the source at others, and this source had its few tries
--   account_day  so many failures in a day come from a herd of machines: only known sources are heard
-- A source from which the owner signed in of late is held to its pair limits only: the generous one, and while it fails for
-- many accounts (a sick machine of his office) a stranger's. His colleagues at whom nobody guessed notice nothing.
create or replace function mail.sign_in_barred(login text, source inet) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    since timestamptz := mail.guessing_since('pair');
    day timestamptz := mail.guessing_since('pair_day');
    own boolean := mail.source_is_own(source);
    known boolean := mail.source_is_known(login, source);
    tries int := mail.failures(login, source, since);
    tries_of_day int;
    storm boolean;
begin
    if tries >= mail.guessing_limit('pair', own or known) then
        return 'pair';
    end if;
    tries_of_day := mail.failures(login, source, day);
    if tries_of_day >= mail.guessing_limit('pair_day', own or known) then
        return 'pair_day';
    end if;
    storm := mail.failures(null, source, since) >= mail.guessing_limit('address', own or known);
    if known then
        return case when storm and tries >= mail.guessing_limit('pair', false) then 'pair' end;
    elsif storm and not own then
        return 'address';
    end if;
    if tries_of_day >= mail.setting_int('guessing_suspect_failures')
        and (storm or mail.failures(login, null, since) >= mail.guessing_limit('account', false))
    then
        return 'account';
    end if;
    if not own and mail.failures(login, null, day) >= mail.guessing_limit('account_day', false) then
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
            and o.address is not distinct from source and o.at > since and o.lifted_at is null
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
    known boolean := mail.source_is_known(login, source);
    own boolean := mail.source_is_own(source);
    previous text := (
        select h.hash from mail.password_history h where h.mailbox_id = sign_in_failed.id
        order by h.retired_at desc limit 1
    );
    reached record;
begin
    if known and mail.password_matches(previous, plain) then
        return;
    end if;
    insert into mail.sign_in_failure (login, address, protocol) values (sign_in_failed.login, source, left(protocol, 32));
    for reached in
        select r.kind, r.login, r.source, x.failures, x.since
        from (values
            ('pair', sign_in_failed.login, source),
            ('pair_day', sign_in_failed.login, source),
            ('address', null, source),
            ('account', sign_in_failed.login, null),
            ('account_day', sign_in_failed.login, null)
        ) r(kind, login, source)
        cross join lateral (select mail.guessing_since(r.kind) as since) s
        cross join lateral (select s.since, mail.failures(r.login, r.source, s.since) as failures) x
        -- Of a source as such only the province's own is friendly: for others than who knows it, it is shut at a stranger's number
        -- already, and as those are not heard any more, nobody else would note it.
        where x.failures >= mail.guessing_limit(r.kind, own or (known and r.kind <> 'address'))
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

-- Remembers where a mailbox's owner signed in from, by what, and which mailbox his mail program opened; once a day at most, since
-- every sign-in comes by here.
create or replace function mail.sign_in_succeeded(
    id text, source inet, protocol text, remote_ip text, opened text default null
) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    fetched text[] := case
        when sign_in_succeeded.protocol = any (mail.collector_protocols())
        then array[coalesce(sign_in_succeeded.opened, sign_in_succeeded.id)] else '{}'
    end;
begin
    if not exists (
        select from mail.sign_in_address k
        where k.mailbox_id = sign_in_succeeded.id and k.address = source and k.last_at > now() - interval '1 day'
            and sign_in_succeeded.protocol = any (k.protocols) and k.opened @> fetched
    ) then
        insert into mail.sign_in_address as k (mailbox_id, address, protocols, opened, client)
        values (
            sign_in_succeeded.id, source, array[left(sign_in_succeeded.protocol, 32)], fetched,
            nullif(remote_ip, '')::inet
        )
        on conflict (mailbox_id, address) do update
            set last_at = now(), client = excluded.client,
                protocols = array(select distinct unnest(k.protocols || excluded.protocols) order by 1),
                opened = array(select distinct unnest(k.opened || excluded.opened) order by 1);
    end if;
end
$$;

-- --- What the operator sees of it, and does ---

-- The mailbox of a lockout as people write it.
create or replace function mail.lockout_owner(mailbox text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select a.local_part || '@' || mail.setting_text('mail_domain') from mail.address a
    where a.mailbox_id = lockout_owner.mailbox and a.kind = 'primary'
$$;

-- The lockouts that stand at this moment, the newest first, and until when each does if nobody fails any more: tries that are
-- not heard are not counted. `owner`: the mailbox's address, NULL for a name that is none.
create or replace function mail.lockouts_standing()
returns table (kind text, login text, owner text, source inet, failures int, began timestamptz, ends timestamptz)
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    select o.kind, o.login, mail.lockout_owner(o.mailbox_id), o.address, x.failures, o.at,
           (
               select f.at + (clock_timestamp() - x.since) from mail.sign_in_failure f
               where (o.login is null or f.login = o.login) and (o.address is null or f.address = o.address)
               order by f.at desc offset x.most - 1 limit 1
           )
    from (
        select distinct on (l.kind, l.login, l.address) l.* from mail.sign_in_lockout l
        where l.lifted_at is null and l.at > now() - interval '1 day'
        order by l.kind, l.login, l.address, l.at desc
    ) o
    cross join lateral (select mail.guessing_since(o.kind) as since) s
    cross join lateral (
        select s.since, mail.failures(o.login, o.address, s.since) as failures,
               mail.guessing_limit(o.kind, o.address is not null and (
                   mail.source_is_own(o.address) or o.login is not null and mail.source_is_known(o.login, o.address)
               )) as most
    ) x
    where x.failures >= x.most
    order by o.at desc, o.seq desc
$$;

-- Ends the lockouts of an account, of a source, or of the two together: what failed is forgotten, that it was stands in the audit
-- under the mailbox, or the source. `login` is typed by the operator: an address, an id, or the digest of a name that is none.
-- The answer is how many failures count no more; NULL when there is no such account.
create or replace function mail.lockout_lift(login text, source inet, note text) returns int
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    who text := coalesce(nullif(current_setting('hanam.actor', true), ''), session_user);
    account text := case when login like '?%' then login else mail.resolve(login) end;
    place inet := case when source is not null then mail.source_address(host(source)) end;
    forgotten int;
begin
    if btrim(note) = '' then
        raise exception 'gỡ chặn đăng nhập cần có ghi chú' using errcode = 'invalid_parameter_value';
    elsif (login is null) = (account is not null) or (login is null and source is null) then
        return null;
    end if;
    delete from mail.sign_in_failure f
    where (account is null or f.login = account) and (place is null or f.address = place);
    get diagnostics forgotten = row_count;
    update mail.sign_in_lockout o set lifted_at = now(), announced_at = coalesce(o.announced_at, now())
    where o.lifted_at is null and (account is null or o.login = account) and (place is null or o.address = place);
    insert into mail.audit (actor, document, object, key, action, before, after)
    values (who, nullif(current_setting('hanam.document', true), ''), 'sign_in_lockout', coalesce(account, host(place)),
            'update', jsonb_build_object('failures', forgotten),
            jsonb_strip_nulls(jsonb_build_object(
                'note', lockout_lift.note, 'address', host(place))));
    return forgotten;
end
$$;

-- The lockouts that the operator was not told of; none while he heard of others a short while ago, so that a storm is one letter
-- in that time, with all in it. Locked until the caller's transaction ends.
create or replace function mail.lockouts_to_tell()
returns table (seq bigint, kind text, login text, owner text, source inet, failures int, at timestamptz)
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    select o.seq, o.kind, o.login, mail.lockout_owner(o.mailbox_id), o.address, o.failures, o.at
    from mail.sign_in_lockout o
    where o.announced_at is null and not exists (
        select from mail.sign_in_lockout t
        where t.announced_at > now() - make_interval(mins => mail.setting_int('guessing_notice_minutes')::int)
            and t.lifted_at is null
    )
    order by o.seq
    for update skip locked
$$;

create or replace function mail.lockouts_told(seqs bigint[]) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$ update mail.sign_in_lockout o set announced_at = clock_timestamp() where o.seq = any(seqs) $$;
