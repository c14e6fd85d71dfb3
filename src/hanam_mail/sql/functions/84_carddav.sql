-- The address book for telephones and mail programs by CardDAV: who may read it, and whom it holds (role radicale,
-- docs/decisions/0079-address-book-by-carddav.md).

-- The decision is that of the doors of a mailbox (60_dovecot.sql), with the scope `dav` of programs' passwords; failures count there.
--   open     he may read
--   refused  not heard, or nobody's password
--   shut     the password is right and opens nothing; `reason` as IMAP tells it
create or replace function mail.carddav_sign_in(login text, plain text, remote_ip text)
returns table (result text, reason text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    answer record;
begin
    select d."user", d.nologin, d.reason into answer
    from mail.dovecot_passdb(carddav_sign_in.login, carddav_sign_in.plain, 'dav', 0, carddav_sign_in.remote_ip) d;
    result := case when answer."user" is null then 'refused' when answer.nologin is not null then 'shut' else 'open' end;
    reason := answer.reason;
    return next;
end
$$;

-- All who are listed (mail.listed), by ids that no new name, post or address changes: by them programs know cards again.
create or replace function mail.carddav_cards()
returns table (agency_id text, agency_name text, mailbox_id text, kind text, name text, post text, address text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select l.agency_id, l.agency_name, l.mailbox_id, l.kind, l.name, l.post, l.local_part || '@' || d.domain
    from (select mail.setting_text('mail_domain') as domain) d
    cross join mail.listed l
$$;
