-- What an open session of the webmail asks at each click, before anything else (Đ7.1, Đ8.2a): whether it may go on, and what its
-- person is reminded of. docs/decisions/0069-open-sessions.md

-- `id` is the webmail's user: a mailbox, or agency*clerk by ids. `since` is the `stamp` that the session was told at its sign-in; a
-- session without one is told what the mail store's answer means for it.
-- `word` is the digest, in hexadecimal, of what the session signs in by after a second step (mail.second_key_hash); '' of a session that
-- was opened by the password alone, NULL where nobody asks.
-- state     active, or why it ends, as a sign-in would say it now: locked, revoked, must_change with its `cause`. Besides, of sessions
--           alone: second_step (its word is over, or the factor was turned on since), changed (another password than the one that opened it), closed (no such mailbox, or its clerk no more).
-- stamp     when the password was chosen that counts now. A later one ends the session; an earlier one, as after a restore of the
--           database, is the mail store's to judge.
-- ends, days  the last day of that password's term, while its owner is to be reminded of it; NULL before, where the term cannot be
--           told, and where the mailbox has no password.
create or replace function mail.webmail_session(id text, since timestamptz, word text default null)
returns table (state text, cause text, stamp timestamptz, ends date, days int)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    person text := mail.login_person(webmail_session.id);
    opened text := mail.login_mailbox(webmail_session.id);
    shut text := mail.mailbox_state(opened);
    blamed text := opened;
begin
    if person is null or opened is null then
        state := 'closed';
        return next;
        return;
    end if;
    -- The person's own state first, as at a sign-in; of the opened mailbox only what shuts it for everybody.
    if person <> opened and (shut not in ('locked', 'revoked') or mail.mailbox_state(person) <> 'active') then
        shut := mail.mailbox_state(person);
        blamed := person;
    end if;
    stamp := (select c.changed_at from mail.credential c where c.mailbox_id = person);
    -- A lock is told to who had the right password once. A password that must be changed is told to who has the right one now.
    state := case
        when shut in ('locked', 'revoked') then shut
        when stamp > webmail_session.since then 'changed'
        when webmail_session.word = '' and mail.second_factor_on(person) then 'second_step'
        when webmail_session.word <> '' and not exists (
            select from mail.second_step s
            where s.hash = decode(webmail_session.word, 'hex') and s.mailbox_id = person and s.door = 'webmail' and s.ends_at > now()
        ) then 'second_step'
        else shut
    end;
    if state = shut and state <> 'active' then
        cause := mail.state_cause(blamed);
    end if;
    if state = 'active' then
        ends := mail.password_expires_on(stamp);
        days := ends - current_date;
        if days > (
            select max(d.value::int) from mail.setting n, jsonb_array_elements_text(n.value) d
            where n.name = 'regulation_password_reminder_days'
        ) then
            ends := null;
            days := null;
        end if;
    end if;
    return next;
end
$$;
