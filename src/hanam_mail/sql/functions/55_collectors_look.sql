-- What jobs do about private providers (55_collectors.sql): hanam-mail-db collectors-look, at night, and the operator's letter.

-- Sources whose names are to be asked for: first those whose sign-ins wait, then where people came in, those last used first, then
-- whose notes are kept: who is refused comes in no more, and has to stay known. `client`: the address to ask about.
create or replace function mail.sources_unnamed(most int) returns table (address inet, client inet)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    with own as materialized (
        select o.network::inet as network
        from mail.setting s, jsonb_array_elements_text(s.value) o(network)
        where s.name = 'guessing_own_networks'
    ),
    found as (
        select 0 as turn, w.address, w.client, w.since as at from mail.collector_wait w where w.remembered
        union all
        select 1, k.address, coalesce(k.client, k.address), k.last_at from mail.sign_in_address k
        where k.protocols && mail.collector_protocols()
        union all
        select 2, n.address, coalesce(n.client, n.address), n.looked_at from mail.source_name n
        where n.names <> '{}' and exists (select from mail.collector_use u where u.address = n.address)
    )
    select f.address, (array_agg(f.client order by f.at desc))[1]
    from found f
    left join mail.source_name n on n.address = f.address
    where not exists (select from own o where f.address <<= o.network)
        -- Asked once, not for each row.
        and coalesce(n.looked_at, '-infinity')
            < (select now() - make_interval(days => mail.setting_int('collectors_look_days')::int))
        and coalesce(n.tried_at, '-infinity') < now() - interval '6 hours'
    group by f.address
    order by min(f.turn), max(f.at) desc
    limit most
$$;

-- The names that DNS confirms; NULL: it does not say, and what it said before stands.
create or replace function mail.source_named(address inet, client inet, names text[]) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    insert into mail.source_name as n (address, client, names, looked_at, tried_at)
    values (address, client, coalesce(names, '{}'), case when names is not null then now() end, now())
    on conflict (address) do update
        set names = case when source_named.names is null then n.names else source_named.names end,
            client = excluded.client, looked_at = coalesce(excluded.looked_at, n.looked_at), tried_at = now()
$$;

-- Sign-ins of providers that were let in, of late: with whose password, and what they opened.
create or replace function mail.collector_sign_ins()
returns table (mailbox_id text, address inet, protocols text[], opened text[], last_at timestamptz, provider text)
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
    select k.mailbox_id, k.address,
           array(select p from unnest(k.protocols) p where p = any (mail.collector_protocols()) order by p),
           k.opened, k.last_at, j.provider
    from judged j
    join mail.sign_in_address k on k.address = j.address
    where j.provider is not null and k.protocols && mail.collector_protocols()
        -- What was forgotten is not noted anew.
        and k.last_at::date >= (select current_date - mail.setting_int('collectors_keep_days')::int)
$$;

-- Notes what was let in before anybody knew whose it was. Where providers are refused their sessions end, and what Dovecot
-- remembers of the mailbox; where one is refused or waits no more, what it remembers of that. How many, `most` at once.
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
        where refuse or exists (
            select from unnest(c.opened) o(id)
            where not exists (
                select from mail.collector_use u
                where u.day = c.last_at::date and u.mailbox_id = o.id and u.provider = c.provider
                    and u.address = c.address and u.protocols @> c.protocols
            )
        )
        order by c.mailbox_id, c.address
        limit most
    loop
        perform mail.collector_note(o.id, found.provider, found.address, found.protocols, found.last_at::date, 0)
        from unnest(found.opened) o(id);
        if refuse then
            delete from mail.sign_in_address k where k.mailbox_id = found.mailbox_id and k.address = found.address;
            insert into mail.outbox (topic, mailbox, payload)
            select 'mailbox.access', o.id, jsonb_build_object('cause', 'collector') from unnest(found.opened) o(id);
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
    -- Whoever waited is heard anew: DNS was asked, or does not answer.
    for found in
        update mail.collector_wait w set remembered = false
        from (
            select r.mailbox_id, r.address from mail.collector_wait r
            where r.remembered and (
                not refuse or r.since < now() - mail.collector_longest_wait() or mail.source_was_asked(r.address)
            )
            order by r.mailbox_id
            limit most
        ) e
        where w.mailbox_id = e.mailbox_id and w.address = e.address
        returning w.mailbox_id
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
            -- What is noted of it stands, and is asked about again.
            and not exists (select from mail.collector_use u where u.address = n.address)
            and (n.names = '{}' or n.looked_at < now() - mail.collector_names_last())
        returning 1
    ),
    waits as (
        delete from mail.collector_wait w where not w.remembered and w.since < now() - interval '1 day'
        returning 1
    )
    select (select count(*) from uses)::int + (select count(*) from names)::int + (select count(*) from waits)::int
$$;

-- What the operator does not know yet: a provider and a mailbox, once in a while; at most a letter a day. One job at a time tells him,
-- until its transaction ends; no row is locked, as a sign-in may have to count there meanwhile.
create or replace function mail.collectors_to_tell()
returns table (seq bigint, owner text, name text, address inet, protocols text[], refused boolean)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    if not pg_try_advisory_xact_lock(hashtext('mail.collectors_to_tell')) then
        return;
    end if;
    return query
        select u.seq, mail.lockout_owner(u.mailbox_id), u.name, u.address, u.protocols,
               u.refused > 0 or mail.collectors_refused()
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
        order by 2, 3;
end
$$;

create or replace function mail.collectors_told(seqs bigint[]) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$ update mail.collector_use u set told_at = clock_timestamp() where u.seq = any(seqs) $$;
