-- Private providers that fetch an official mailbox (Đ4.5), known by their networks and by names that DNS confirms: the operator's list
-- is collectors.yml of the province. Sign-ins only compare; hanam-mail-db collectors-look asks DNS, later.

-- The protocols by which a mailbox is fetched or sent from. The webmail is its owner's browser, wherever that stands.
create or replace function mail.collector_protocols() returns text[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select array['imap', 'pop3', 'smtp', 'submission'] $$;

-- The provider to whom a source of sign-ins belongs, by the key of the list; NULL: nobody's, or not known yet.
-- A network that the operator lists counts among the province's own too, as in Postfix; a name does not.
create or replace function mail.collector_of(source inet) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    own boolean := mail.source_is_own(source);
begin
    return (
        select p.key
        from mail.setting s, jsonb_each(s.value) p(key, value)
        where s.name = 'collectors_providers' and (
            exists (
                select from jsonb_array_elements_text(p.value -> 'networks') n(network)
                where source <<= n.network::inet
            )
            or not own and exists (
                select from mail.source_name k, unnest(k.names) c(name), jsonb_array_elements_text(p.value -> 'names') e(ending)
                where k.address = source and ('.' || c.name) like ('%.' || replace(e.ending, '_', '\_'))
                    -- What DNS has not confirmed for so long may be somebody else's by now.
                    and k.looked_at > now() - 4 * make_interval(days => mail.setting_int('collectors_look_days')::int)
            )
        )
        order by p.key
        limit 1
    );
end
$$;

create or replace function mail.collectors_refused() returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return mail.setting_text('collectors_policy') = 'refuse';
end
$$;

-- What a provider is told that may not fetch: ASCII, as every reply.
create or replace function mail.collector_reason() returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select 'Nha cung cap thu rieng khong duoc lay thu cua hop thu cong vu (khoan 5 Dieu 4), hay xoa hop thu nay khoi dich vu do'
        || ' / A private provider may not fetch official mail, remove this account there [collector]'
$$;

-- Notes a provider's sign-in, and lets its owner know: once in a while, not at each try. `refused`: how often since the last note.
create or replace function mail.collector_note(
    mailbox text, provider text, source inet, protocols text[], on_day date, refused int
) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    shown text := (
        select s.value -> collector_note.provider ->> 'name' from mail.setting s where s.name = 'collectors_providers'
    );
    of_kind text := case when mail.collectors_refused() then 'collector_refused' else 'collector' end;
begin
    insert into mail.collector_use as u (day, mailbox_id, provider, name, address, protocols, refused, remembered)
    values (on_day, mailbox, provider, shown, source, protocols, refused, refused > 0)
    on conflict (day, mailbox_id, provider, address) do update
        set refused = u.refused + excluded.refused, remembered = u.remembered or excluded.remembered,
            protocols = array(select distinct unnest(u.protocols || excluded.protocols) order by 1);
    -- Two at once have the same round.
    insert into mail.notice (mailbox_id, kind, round, due, payload)
    select collector_note.mailbox, of_kind, collector_note.provider || '/' || current_date, current_date,
           jsonb_build_object('provider', shown)
    where not exists (
        select from mail.notice n
        where n.mailbox_id = collector_note.mailbox and n.kind = of_kind
            and starts_with(n.round, collector_note.provider || '/')
            and n.created_at > now() - make_interval(days => mail.setting_int('collectors_notice_days')::int)
    )
    on conflict do nothing;
end
$$;

-- --- What the quarter-hourly job does ---

-- Sources whose names are to be asked for, those last used first. `client`: the address to ask about.
create or replace function mail.sources_unnamed(most int) returns table (address inet, client inet)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    with own as materialized (
        select o.network::inet as network
        from mail.setting s, jsonb_array_elements_text(s.value) o(network)
        where s.name = 'guessing_own_networks'
    )
    select k.address, (array_agg(coalesce(k.client, k.address) order by k.last_at desc))[1]
    from mail.sign_in_address k
    left join mail.source_name n on n.address = k.address
    where k.protocols && mail.collector_protocols()
        and not exists (select from own o where k.address <<= o.network)
        -- Asked once, not for each row.
        and coalesce(n.looked_at, '-infinity')
            < (select now() - make_interval(days => mail.setting_int('collectors_look_days')::int))
        and coalesce(n.tried_at, '-infinity') < now() - interval '6 hours'
    group by k.address
    order by max(k.last_at) desc
    limit most
$$;

-- The names that DNS confirms; NULL: it does not say, and what it said before stands.
create or replace function mail.source_named(address inet, names text[]) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    insert into mail.source_name as n (address, names, looked_at, tried_at)
    values (address, coalesce(names, '{}'), case when names is not null then now() end, now())
    on conflict (address) do update
        set names = case when source_named.names is null then n.names else source_named.names end,
            looked_at = coalesce(excluded.looked_at, n.looked_at), tried_at = now()
$$;

-- Sign-ins of providers that were let in, of late.
create or replace function mail.collector_sign_ins()
returns table (mailbox_id text, address inet, protocols text[], last_at timestamptz, provider text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with listed as materialized (
        select n.network::inet as network
        from mail.setting s, jsonb_each(s.value) p(key, value), jsonb_array_elements_text(p.value -> 'networks') n(network)
        where s.name = 'collectors_providers'
    ),
    endings as materialized (
        select '%.' || replace(e.ending, '_', '\_') as pattern
        from mail.setting s, jsonb_each(s.value) p(key, value), jsonb_array_elements_text(p.value -> 'names') e(ending)
        where s.name = 'collectors_providers'
    ),
    of_interest as materialized (
        select n.address from mail.source_name n, unnest(n.names) c(name), endings e where '.' || c.name like e.pattern
        union
        select k.address from mail.sign_in_address k join listed l on k.address <<= l.network
    ),
    judged as materialized (select i.address, mail.collector_of(i.address) as provider from of_interest i)
    select k.mailbox_id, k.address, k.protocols, k.last_at, j.provider
    from judged j
    join mail.sign_in_address k on k.address = j.address
    where j.provider is not null and k.protocols && mail.collector_protocols()
        -- What was forgotten is not noted anew.
        and k.last_at::date >= (select current_date - mail.setting_int('collectors_keep_days')::int)
$$;

-- Notes what was let in before anybody knew whose it was. Where providers are refused their sessions end, and what Dovecot
-- remembers of the mailbox; where one is refused no more, what it remembers of that. How many, `most` at once.
create or replace function mail.collectors_follow(most int) returns int
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    refuse boolean := mail.collectors_refused();
    found record;
    done int := 0;
begin
    for found in
        select c.* from mail.collector_sign_ins() c
        where refuse or not exists (
            select from mail.collector_use u
            where u.day = c.last_at::date and u.mailbox_id = c.mailbox_id and u.provider = c.provider and u.address = c.address
                and u.protocols @> (select array_agg(p) from unnest(c.protocols) p where p = any (mail.collector_protocols()))
        )
        order by c.mailbox_id, c.address
        limit most
    loop
        perform mail.collector_note(
            found.mailbox_id, found.provider, found.address,
            array(select p from unnest(found.protocols) p where p = any (mail.collector_protocols()) order by p),
            found.last_at::date, 0
        );
        if refuse then
            delete from mail.sign_in_address k where k.mailbox_id = found.mailbox_id and k.address = found.address;
            insert into mail.outbox (topic, mailbox, payload)
            values ('mailbox.access', found.mailbox_id, jsonb_build_object('cause', 'collector'));
        end if;
        done := done + 1;
    end loop;
    for found in
        update mail.collector_use u set remembered = false
        where u.seq in (
            select r.seq from mail.collector_use r
            where r.remembered and (not refuse or mail.collector_of(r.address) is distinct from r.provider)
            order by r.mailbox_id
            limit most
        )
        returning u.mailbox_id
    loop
        insert into mail.outbox (topic, mailbox) values ('mailbox.profile', found.mailbox_id);
        done := done + 1;
    end loop;
    return done;
end
$$;

-- Forgets what nobody needs any more; how many rows. The nightly job's.
create or replace function mail.collectors_prune() returns int
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    with uses as (
        delete from mail.collector_use u
        where u.day < current_date - mail.setting_int('collectors_keep_days')::int
        returning 1
    ),
    names as (
        delete from mail.source_name n
        where n.tried_at < now() - interval '1 day'
            and not exists (select from mail.sign_in_address k where k.address = n.address)
            and not exists (select from mail.collector_use u where u.address = n.address and u.remembered)
            and not n.names <> '{}'
        returning 1
    )
    select (select count(*) from uses)::int + (select count(*) from names)::int
$$;

-- What the operator does not know yet: a provider and a mailbox, once in a while; at most a letter a day.
create or replace function mail.collectors_to_tell()
returns table (seq bigint, owner text, name text, address inet, protocols text[], refused boolean)
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    select u.seq, mail.lockout_owner(u.mailbox_id), u.name, u.address, u.protocols, u.refused > 0 or mail.collectors_refused()
    from mail.collector_use u
    where u.seq in (
        select min(w.seq) from mail.collector_use w
        where w.told_at is null and w.day > current_date - 8 and not exists (
            select from mail.collector_use t
            where t.mailbox_id = w.mailbox_id and t.provider = w.provider
                and t.told_at > now() - make_interval(days => mail.setting_int('collectors_notice_days')::int)
        )
        group by w.mailbox_id, w.provider
    ) and not exists (select from mail.collector_use t where t.told_at > now() - interval '1 day')
    order by 2, 3
    for update of u skip locked
$$;

create or replace function mail.collectors_told(seqs bigint[]) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$ update mail.collector_use u set told_at = clock_timestamp() where u.seq = any(seqs) $$;
