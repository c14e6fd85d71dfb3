-- Private providers that fetch an official mailbox (Đ4.5), known by their networks and by names that DNS confirms: the operator's list
-- is collectors.yml of the province. Sign-ins only compare; hanam-mail-db collectors-look asks DNS, later (55_collectors_look.sql).

-- The protocols by which a mailbox is fetched or sent from. The webmail is its owner's browser, wherever that stands.
create or replace function mail.collector_protocols() returns text[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select array['imap', 'pop3', 'smtp', 'submission'] $$;

-- How long a name counts that DNS did not confirm again.
create or replace function mail.collector_names_last() returns interval
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return 4 * make_interval(days => mail.setting_int('collectors_look_days')::int);
end
$$;

-- The provider to whom a source of sign-ins belongs, by the key of the list; NULL: nobody's, or not known yet.
-- The province's own networks are nobody's else, as in Postfix (submission.cf.j2).
create or replace function mail.collector_of(source inet) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if mail.source_is_own(source) then
        return null;
    end if;
    return (
        select p.key
        from mail.setting s, jsonb_each(s.value) p(key, value)
        where s.name = 'collectors_providers' and (
            exists (
                select from jsonb_array_elements_text(p.value -> 'networks') n(network)
                where source <<= n.network::inet
            )
            or exists (
                select from mail.source_name k, unnest(k.names) c(name), jsonb_array_elements_text(p.value -> 'names') e(ending)
                where k.address = source and ('.' || c.name) like ('%.' || replace(e.ending, '_', '\_'))
                    -- What DNS has not confirmed for so long may be somebody else's by now.
                    and k.looked_at > now() - mail.collector_names_last()
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

-- Whether DNS was asked about a source of late, with or without an answer.
create or replace function mail.source_was_asked(source inet) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select from mail.source_name n
        where n.address = source and greatest(n.looked_at, n.tried_at) > now() - mail.collector_names_last()
    );
end
$$;

-- Whether a sign-in waits until DNS was asked whose its source is: where providers are refused, and one that is known by names alone came
-- to the mailbox of late. Each new machine of his would fetch it once. Its owner's new places wait as well, a minute or two; not for
-- ever: without DNS there is no verdict. `id`: whose password it was.
create or replace function mail.collector_put_off(mailbox text, id text, source inet, remote_ip text) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    known interval := make_interval(days => mail.setting_int('guessing_known_days')::int);
begin
    if not mail.collectors_refused() or mail.source_is_own(source)
        or exists (
            select from mail.sign_in_address k where k.mailbox_id = collector_put_off.id and k.address = source
        )
        or mail.source_was_asked(source)
        or exists (
            select from mail.collector_wait w
            where w.mailbox_id = collector_put_off.mailbox and w.address = source
                and (not w.remembered or w.since < now() - mail.collector_longest_wait())
        )
        or not exists (
            select from mail.collector_use u join mail.setting s on s.name = 'collectors_providers'
            where u.mailbox_id = collector_put_off.mailbox and u.day > now() - known
                and jsonb_array_length(s.value -> u.provider -> 'names') > 0
                and not exists (
                    select from jsonb_array_elements_text(s.value -> u.provider -> 'networks') n(network)
                    where u.address <<= n.network::inet
                )
        )
    then
        return false;
    end if;
    insert into mail.collector_wait (mailbox_id, address, client)
    values (collector_put_off.mailbox, source, coalesce(nullif(remote_ip, '')::inet, source))
    on conflict do nothing;
    return true;
end
$$;

create or replace function mail.collector_longest_wait() returns interval
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select interval '15 minutes' $$;

create or replace function mail.collector_put_off_reason() returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select 'Dang kiem tra noi dang nhap, xin thu lai sau it phut'
        || ' / Checking where this sign-in comes from, please try again in a few minutes [collector-wait]'
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
