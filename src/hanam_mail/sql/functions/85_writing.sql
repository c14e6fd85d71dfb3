-- What the webmail tells a person who writes: whose an address is, which one he may have meant, and what stands under his name. The webmail
-- asks for people who are signed in. They learn what the public directory shows (82_directory.sql), and what a message to that address
-- would meet anyway.

-- Up to three addresses of the public directory that are one slip away from what was typed (a letter too many, missing, wrong, or two
-- exchanged), that are it without its dots or suffix, or that begin with it, as namesakes do. Made and looked up, not searched for: what was typed bounds it.
create or replace function mail.addresses_near(typed text) returns setof text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    base constant text := split_part(typed, '.', 1);
begin
    if typed !~ '^[a-z0-9][a-z0-9._-]{2,39}$' then
        return;
    end if;
    return query
        with place (p) as (select generate_series(1, length(typed) + 1)),
        sign (letter) as (select regexp_split_to_table('abcdefghijklmnopqrstuvwxyz0123456789.', '')),
        slip (made) as (
            select left(typed, p - 1) || substr(typed, p + 1) from place
            union
            select left(typed, p - 1) || substr(typed, p + 1, 1) || substr(typed, p, 1) || substr(typed, p + 2) from place
            where p < length(typed)
            union
            select left(typed, p - 1) || letter || substr(typed, p + 1) from place, sign
            union
            select left(typed, p - 1) || letter || substr(typed, p) from place, sign
        ),
        near (local_part, distance) as (
            select x.local_part, 1 from mail.address x join slip s on s.made = x.local_part
            union all
            select x.local_part, 2 from mail.address x where x.local_part in (translate(typed, '.-_', ''), base)
            union all
            -- What begins with a word lies in the index's order (C.UTF-8) before the word whose last letter is the next one.
            select x.local_part, 3 from mail.address x where x.local_part >= base || '.' and x.local_part < base || '/'
            union all
            select x.local_part, 3 from mail.address x
            where length(typed) >= 5 and x.local_part >= typed
                and x.local_part < left(typed, -1) || chr(ascii(right(typed, 1)) + 1)
        )
        select n.local_part
        from near n join mail.listed l using (local_part)
        group by n.local_part
        order by min(n.distance), length(n.local_part), n.local_part
        limit 3;
end
$$;

-- Of each address of ours, up to 100 at once: `fate` says what a message to it meets. open: it is read. locked: it is received, and nobody
-- reads it now. closed: it is refused, the mailbox is revoked. ended: it was the address of a mailbox that has another one. unknown: there
-- is no such address. Name, post and agency as the public directory shows them, empty for who does not stand there; of who is withheld, no
-- lock either. `nearest`: addresses that may have been meant, with spaces between; of the first five unknown ones, as each is looked for
-- 3,000 times.
create or replace function mail.webmail_recipients(addresses text[])
returns table (address text, fate text, name text, post text, agency text, nearest text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    domain constant text := '@' || mail.setting_text('mail_domain');
begin
    return query
        with asked as (
            select distinct lower(u.typed) as typed from unnest(addresses[1:100]) u (typed)
        ),
        known as (
            select q.typed, split_part(q.typed, '@', 1) as local_part,
                current_date between x.valid_from and coalesce(x.valid_until, 'infinity') as valid,
                x.valid_until < current_date as over, m.state, m.state = 'locked' or l.mailbox_id is not null as locked,
                g.withheld = '' and m.withheld = '' as shown,
                d.mailbox_id is not null as listed, d.local_part as now_at, d.name, d.post, d.agency_name
            from asked q
            left join mail.address x on x.local_part = split_part(q.typed, '@', 1)
            left join mail.mailbox m on m.id = x.mailbox_id
            left join mail.agency g on g.id = m.agency_id
            left join mail.lock_state l on l.mailbox_id = m.id
            left join mail.listed d on d.mailbox_id = m.id
            where q.typed = split_part(q.typed, '@', 1) || domain
        ),
        judged as (
            select k.*, case
                when k.valid and k.state = 'revoked' then 'closed'
                when k.valid and k.locked and k.shown then 'locked'
                when k.valid then 'open'
                when k.over and k.listed then 'ended'
                else 'unknown'
            end as fate
            from known k
        ),
        told as (
            select j.*, j.fate = 'open' and j.listed as named, row_number() over (partition by j.fate order by j.typed) as number from judged j
        )
        select t.typed, t.fate,
            case when t.named then t.name else '' end,
            case when t.named then t.post else '' end,
            case when t.named then t.agency_name else '' end,
            case
                when t.fate = 'ended' then t.now_at || domain
                when t.fate = 'unknown' and t.number <= 5 then coalesce(
                    (select string_agg(n.local_part || domain, ' ' order by n.place)
                    from mail.addresses_near(t.local_part) with ordinality n (local_part, place)), '')
                else ''
            end
        from told t
        order by t.typed;
end
$$;

-- What stands under a message of this mailbox when its person wrote no signature of his own. Nothing for who is withheld: what the
-- directory keeps to itself does not go out with every message either. The telephone is for this alone: no directory has it.
create or replace function mail.webmail_signature(id text)
returns table (kind text, name text, post text, agency text, phone text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
        select m.kind, m.name, m.post, coalesce(g.name, ''), m.phone
        from mail.mailbox m
        left join mail.agency g on g.id = m.agency_id
        where m.id = mail.login_mailbox(webmail_signature.id) and m.state <> 'revoked'
            and m.withheld = '' and coalesce(g.withheld, '') = '';
end
$$;
