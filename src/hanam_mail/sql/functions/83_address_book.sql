-- The webmail's address book of the administration: who is found by what an official types, whom one agency's group holds and who may
-- write to it, and who the registry says that a sender is (docs/decisions/0070-address-book.md).

-- Small Latin letters and digits without accents, words parted by one blank. In PL/pgSQL, which plans mail.fold once: SQL does at each name,
-- and takes twice the time. The letter of Icelanders looks like ours.
create or replace function mail.book_fold(typed text) returns text
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return btrim(regexp_replace(replace(mail.fold(typed), 'ð', 'd'), '[^a-z0-9]+', ' ', 'g'));
end
$$;

-- Writes what these mailboxes are found by.
create or replace function mail.book_follow(ids text[]) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    insert into mail.book as b (mailbox_id, words, joined, sort)
    select f.id,
           ' ' || concat_ws(' ', f.name, mail.book_fold(f.post), mail.book_fold(f.local_part), f.code, f.agency,
                            case when f.name || ' ' || f.agency like '%uy ban nhan dan%' then 'ubnd' end, f.joined, f.agency_joined),
           f.joined,
           case f.kind when 'agency' then '1 ' || f.name when 'office' then '2 ' || f.name
               else concat_ws(' ', '3', substring(f.name from '[^ ]+$'), f.name) end
    from (
        select m.id, m.kind, m.post, a.local_part, n.name, replace(n.name, ' ', '') as joined, g.code, g.agency, g.agency_joined
        from mail.mailbox m
        join (
            select h.id, h.code, h.agency, replace(h.agency, ' ', '') as agency_joined
            from (select g.id, mail.book_fold(g.code) as code, mail.book_fold(g.name) as agency from mail.agency g offset 0) h
        ) g on g.id = m.agency_id
        join mail.address a on a.mailbox_id = m.id and a.kind = 'primary'
        cross join lateral (select mail.book_fold(m.name) as name offset 0) n
        where m.id = any (ids)
    ) f
    on conflict (mailbox_id) do update set words = excluded.words, joined = excluded.joined, sort = excluded.sort
    where (b.words, b.joined, b.sort) is distinct from (excluded.words, excluded.joined, excluded.sort)
$$;

-- After a statement has written agencies, mailboxes or addresses: those of which another name, post or address is found from now on.
create or replace function mail.book_follows() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_table_name = 'address' then
        perform mail.book_follow(array(select n.mailbox_id from new_rows n where n.kind = 'primary'));
    elsif tg_table_name = 'mailbox' then
        perform mail.book_follow(array(
            select n.id from new_rows n join old_rows o using (id)
            where (n.kind, n.name, n.post, n.agency_id) is distinct from (o.kind, o.name, o.post, o.agency_id)));
    else
        perform mail.book_follow(array(
            select m.id from new_rows n join old_rows o using (id) join mail.mailbox m on m.agency_id = n.id
            where (n.name, n.code) is distinct from (o.name, o.code)));
    end if;
    return null;
end
$$;

-- A mailbox is found once it has its address, which comes after it.
create or replace trigger book_new after insert on mail.address
    referencing new table as new_rows for each statement execute function mail.book_follows();
create or replace trigger book_changed after update on mail.address
    referencing new table as new_rows for each statement execute function mail.book_follows();
create or replace trigger book_changed after update on mail.mailbox
    referencing old table as old_rows new table as new_rows for each statement execute function mail.book_follows();
create or replace trigger book_changed after update on mail.agency
    referencing old table as old_rows new table as new_rows for each statement execute function mail.book_follows();

-- Those from before this file, or from before it said so.
do $$ begin perform mail.book_follow(array(select m.id from mail.mailbox m)); end $$;

-- The entries that fit what was typed, the likeliest first, from number `skip` on and so many; of one agency where one is named, all where
-- nothing was typed. A short word begins a word of the entry, a long one may stand anywhere in it, across blanks too (phamthi). The letter
-- of a tone that Telex left at a word's end counts as none: no Vietnamese syllable ends in it (ngx v a). `found`: how many there are in all.
create or replace function mail.book_search(typed text, agency text, skip int, most int)
returns table (code text, agency_name text, kind text, name text, post text, address text, found bigint)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
-- A plan for any words looks through the accounts first, and takes five times as long as one for these.
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    folded text := mail.book_fold(left(typed, 200));
    begins text := replace(folded, ' ', '') || '%';
    domain text := mail.setting_text('mail_domain');
    patterns text[] := array(
        select case when length(s.word) > 3 then '%' else '% ' end || s.word || '%'
        from unnest((string_to_array(folded, ' '))[:8]) w(word)
        cross join lateral (select regexp_replace(w.word, '(?<=[a-z])[sfrxj]$', '') as word) s
    );
begin
    return query
        select l.code, l.agency_name, l.kind, l.name, l.post, l.local_part || '@' || domain, f.found
        from (
            select b.mailbox_id, b.joined like begins as begins, b.sort, count(*) over () as found
            from mail.book b
            where b.words like all (patterns)
                and b.mailbox_id in (select l.mailbox_id from mail.listed l where agency is null or l.code = book_search.agency)
            order by 2 desc, 3, 1
            offset greatest(skip, 0) limit least(greatest(most, 0), 1000)
        ) f
        join mail.listed l using (mailbox_id)
        order by f.begins desc, f.sort, f.mailbox_id;
end
$$;

-- The same entries by their addresses.
create or replace function mail.book_entries(addresses text[])
returns table (code text, agency_name text, kind text, name text, post text, address text, found bigint)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select l.code, l.agency_name, l.kind, l.name, l.post, l.local_part || '@' || d.domain, count(*) over ()
    from (select mail.setting_text('mail_domain') as domain) d
    cross join mail.listed l
    where l.local_part = any (
        select split_part(lower(a), '@', 1) from unnest(addresses[:1000]) a where lower(a) = split_part(lower(a), '@', 1) || '@' || d.domain)
    order by l.local_part
$$;

-- Addresses of the entries whose name has words that begin so, accents aside: by them a search in mail, which finds names as they are written
-- alone, finds who wrote (docs/decisions/0042-search.md). None where more than `most` are so called.
create or replace function mail.book_named(typed text, most int) returns setof text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
as $$
declare
    folded text := mail.book_fold(left(typed, 200));
    patterns text[] := array(select '% ' || w.word || '%' from unnest((string_to_array(folded, ' '))[:8]) w(word));
    addresses text[];
begin
    -- One letter begins everybody's name.
    if length(folded) < 2 then
        return;
    end if;
    addresses := array(
        select l.local_part from mail.book b join mail.listed l using (mailbox_id)
        -- It has the name alone, without post and agency.
        where b.sort like all (patterns)
        limit least(greatest(most, 0), 100) + 1
    );
    if cardinality(addresses) <= least(greatest(most, 0), 100) then
        return query select a.local_part || '@' || mail.setting_text('mail_domain') from unnest(addresses) a(local_part) order by 1;
    end if;
end
$$;

-- Mailboxes of an agency and its offices to which this login may write at once, his own left out: none where the policy does not let him
-- (book_groups_own, book_groups_others, by the kind of his mailbox) or there are more than book_groups_most.
create or replace function mail.book_receivers(login text, agency text) returns table (name text, address text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    with offices as (
        select l.name, l.local_part, l.kind, count(*) over () as number
        from mail.mailbox w
        join mail.listed l on l.code = book_receivers.agency and l.kind in ('agency', 'office') and l.mailbox_id <> w.id
        where w.id = mail.login_mailbox(login) and w.state = 'active'
            and mail.setting_text(case w.agency_id when l.agency_id then 'book_groups_own' else 'book_groups_others' end)::jsonb ? w.kind
    )
    select o.name, o.local_part || '@' || mail.setting_text('mail_domain')
    from offices o
    where o.number <= mail.setting_int('book_groups_most')
    order by o.kind, o.local_part
$$;

-- The agencies that have an entry, each with the number of its entries and of mailboxes to which this login may write at once; where it is
-- about writing, people are not counted, which takes a third of the time.
create or replace function mail.book_groups(login text, writing boolean) returns table (code text, kind text, name text, entries bigint, receivers bigint)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    with who as (
        select w.id, w.agency_id,
               mail.setting_text('book_groups_own')::jsonb ? w.kind as own, mail.setting_text('book_groups_others')::jsonb ? w.kind as others
        from mail.mailbox w where w.id = mail.login_mailbox(login) and w.state = 'active'
    ), counted as (
        select l.code, l.agency_kind, l.agency_name, count(*) as entries,
               count(*) filter (where l.kind in ('agency', 'office') and l.mailbox_id <> w.id
                                    and case l.agency_id when w.agency_id then w.own else w.others end) as receivers
        from mail.listed l left join who w on true
        where l.kind in ('agency', 'office') or not writing
        group by l.code, l.agency_kind, l.agency_name
    )
    select c.code, c.agency_kind, c.agency_name, c.entries,
           case when c.receivers <= mail.setting_int('book_groups_most') then c.receivers else 0 end
    from counted c
$$;

-- Who the registry says has this address: nothing for one that is not ours. Not whether he wrote the message: that is the filter's to
-- say. `shown`: the registry withholds neither him nor his agency; name, post and agency are empty otherwise. `revoked`: his mailbox is closed.
create or replace function mail.book_sender(address text)
returns table (kind text, name text, post text, agency_name text, shown boolean, revoked boolean)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select m.kind, case when s.shown then m.name else '' end, case when s.shown then m.post else '' end,
           case when s.shown then coalesce(g.name, '') else '' end, s.shown, m.state = 'revoked'
    from mail.address a
    join mail.mailbox m on m.id = a.mailbox_id
    left join mail.agency g on g.id = m.agency_id
    cross join lateral (select m.withheld = '' and coalesce(g.withheld, '') = '' as shown) s
    -- By the index: every opened message asks.
    where a.local_part = split_part(lower(book_sender.address), '@', 1)
        and lower(book_sender.address) = split_part(lower(book_sender.address), '@', 1) || '@' || mail.setting_text('mail_domain')
$$;

-- People and agencies of the book whose name a stranger shows (Đ4.6), case and accents aside: as the whole of it, or of a part between commas,
-- brackets or dashes ("Nguyễn Văn An - Giám đốc"); else at the end of a part behind a title ("Ông", "Giám đốc"), or before two words and more.
-- Other people's longer names begin or end so too ("Nguyễn Thị Thu Hà"). The first, people before agencies, and how many of its kind there
-- are. Offices are none of them: every firm has a "Phòng Kế toán".
create or replace function mail.book_namesake(typed text)
returns table (kind text, name text, post text, agency_name text, address text, number bigint)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
as $$
declare
    words text[];
    length int;
    wholes text[] := '{}';
    pieces text[] := '{}';
    which text;
begin
    -- "UBND" is how everybody writes it.
    for words in
        select string_to_array(regexp_replace(mail.book_fold(p.part), '\mubnd\M', 'uy ban nhan dan', 'g'), ' ')
        from regexp_split_to_table(left(typed, 200), '[-–—,;:|/\\()\[\]{}<>"“”«»]+') p(part)
    loop
        length := cardinality(words);
        if length >= 2 then
            wholes := wholes || array_to_string(words, '');
        end if;
        if length >= 3 and words[1] = any ('{ong,ba,anh,chi,co,dc,ths,ts,bs,ks,ls,gs,pgs}') then
            pieces := pieces || array_to_string(words[2:], '');
        end if;
        for at in 3 .. length - 2 loop
            pieces := pieces || array_to_string(words[:at], '') || array_to_string(words[length - at + 1:], '');
        end loop;
    end loop;
    foreach which in array array['wholes', 'pieces'] loop
        return query
            select l.kind, l.name, l.post, l.agency_name, l.local_part || '@' || mail.setting_text('mail_domain'),
                   count(*) over (partition by l.kind)
            from mail.book b join mail.listed l using (mailbox_id)
            where b.joined = any (case which when 'wholes' then wholes else pieces end) and l.kind in ('person', 'agency')
            order by l.kind desc, b.sort
            limit 1;
        exit when found;
    end loop;
end
$$;
