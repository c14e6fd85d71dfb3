-- Sign-in to the webmail with a token of the province's own account service. Dovecot has judged the token before it asks here; what
-- its bearer may open is decided here, as for a password (60_dovecot.sql). docs/decisions/0082-openid-connect.md

-- The person whose address that is, written in full and as the registry has it. NULL: nobody, or a mailbox that clerks open.
create or replace function mail.openid_person(address text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select m.id from mail.address a join mail.mailbox m on m.id = a.mailbox_id
        where a.local_part = split_part(openid_person.address, '@', 1)
            and openid_person.address = a.local_part || '@' || mail.setting_text('mail_domain')
            and current_date between a.valid_from and coalesce(a.valid_until, 'infinity')
            and m.kind in ('person', 'guest')
    );
end
$$;

-- No row: refused. With nologin the holder is told why. A token is heard only from who speaks for a browser (webmail), for the rest
-- only from the webmail's own hosts: a stolen one opens nothing from elsewhere. The age of a password is no matter here, since
-- none was typed; nor is the second factor, which the account service asks for. No failure is counted: a signature is no guess.
create or replace function mail.dovecot_openid(login text, mechanism text, protocol text, remote_ip text)
returns table ("user" text, nopassword text, "password" text, nologin text, reason text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    id text := mail.openid_person(dovecot_openid.login);
    sends boolean := dovecot_openid.protocol in ('smtp', 'submission');
    shut boolean := mail.mailbox_state(id) in ('locked', 'revoked');
begin
    if id is null
        -- Should a setting of Dovecot ever bring a password here: nobody has looked at it.
        or dovecot_openid.mechanism <> 'XOAUTH2'
        or dovecot_openid.protocol <> 'webmail'
            and not ((sends or dovecot_openid.protocol = 'sieve') and mail.is_webmail(dovecot_openid.remote_ip))
        or shut and sends
    then
        return;
    end if;
    if not shut and dovecot_openid.protocol = 'webmail' then
        perform mail.sign_in_succeeded(
            id, mail.source_address(dovecot_openid.remote_ip), 'webmail', dovecot_openid.remote_ip, id);
    end if;
    return query select id, 'y'::text, null::text, case when shut then 'y' end, case when shut then mail.state_reason(id) end;
end
$$;

-- What such a session of the webmail asks at each click: as mail.webmail_session (81_webmail_sessions.sql), but no password ends it.
create or replace function mail.webmail_session_openid(id text)
returns table (state text, cause text, stamp timestamptz, ends date, days int)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select
        case
            when not exists (
                select from mail.mailbox m where m.id = webmail_session_openid.id and m.kind in ('person', 'guest')
            ) then 'closed'
            when s.state = 'must_change' then 'active'
            else s.state
        end,
        case when s.state <> 'must_change' then s.cause end, null::timestamptz, null::date, null::int
        from mail.webmail_session(webmail_session_openid.id, null) s;
end
$$;
