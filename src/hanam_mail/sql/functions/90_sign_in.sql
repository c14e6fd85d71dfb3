-- Who used a mailbox and when (Đ7.2a, Đ9.2): a sign-in by IMAP or POP3, or a message sent. Mail that arrives, automatic
-- replies and the system's notices come nowhere near these functions.

-- Records one use. `login` is what was typed: for an agency's mailbox it names the clerk (agency*person, or the person).
create or replace function mail.signed_in(mailbox text, protocol text, login text, at timestamptz) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    clerk text := (
        select k.clerk_id from mail.mailbox_clerk k
        where k.mailbox_id = signed_in.mailbox
            and k.clerk_id = mail.resolve(reverse(split_part(reverse(signed_in.login), '*', 1)))
    );
begin
    if not exists (select from mail.mailbox m where m.id = signed_in.mailbox)
        -- What sends at a chosen hour signs in as a person, and is none.
        or mail.scheduled_use_take(signed_in.mailbox, signed_in.protocol, coalesce(clerk, signed_in.mailbox))
    then
        return;
    end if;
    insert into mail.activity as a (mailbox_id, protocol, last_access)
    values (signed_in.mailbox, signed_in.protocol, extract(epoch from signed_in.at))
    on conflict on constraint activity_pkey do update set last_access = greatest(a.last_access, excluded.last_access);
    -- By half of the day: whether an agency's mailbox was opened at the start of the afternoon must still be seen at its end.
    insert into mail.sign_in as s (mailbox_id, day, half, protocol, clerk_id, first_at, last_at)
    values (signed_in.mailbox, signed_in.at::date,
            (signed_in.at::time >= mail.setting_text('life_cycle_afternoon_begins')::time)::int, signed_in.protocol, clerk,
            signed_in.at, signed_in.at)
    on conflict (mailbox_id, day, half, protocol, clerk_id) do update
        set first_at = least(s.first_at, excluded.first_at), last_at = greatest(s.last_at, excluded.last_at),
            times = s.times + 1;
end
$$;

-- What Dovecot's dict writes; the row itself is not kept. The webmail that counts what is unread for a clerk is no use of the mailbox.
create or replace function mail.sign_in_take() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if not mail.login_only_counts(new.login) then
        perform mail.signed_in(new.mailbox, new.protocol, new.login, to_timestamp(new.at));
    end if;
    return null;
end
$$;

create or replace trigger sign_in_take before insert on mail.sign_in_feed
    for each row execute function mail.sign_in_take();

-- Postfix asks these when a signed-in client's message is complete and its sender was found to be his; NULL means "go on",
-- anything else that he has sent too much (72_sending.sql). The login's own mailbox was used; so was the agency's when the sender is its address. A map is asked
-- with one word, so the second question does not bear the login: it is the clerk whose own use the first one has noted just
-- before. Where two clerks of the mailbox sent within the same seconds neither is named; the queue's log knows (sasl_username).
create or replace function mail.postfix_sent(login text) returns setof text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    mailbox text := (select m.id from mail.mailbox m where m.id = login and m.kind in ('person', 'guest'));
    refusal text := mail.sending_of_login(login, 1, 0);
begin
    if refusal is null and mailbox is not null then
        perform mail.signed_in(mailbox, 'smtp', login, now());
    end if;
    return next refusal;
end
$$;

create or replace function mail.postfix_sent_as(address text) returns setof text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    mailbox text := (
        select m.id from mail.mailbox m
        where position('@' in address) > 0 and m.id = mail.resolve(address) and m.kind in ('agency', 'office')
    );
    clerk text := (
        select min(k.clerk_id)
        from mail.mailbox_clerk k
        where k.mailbox_id = mailbox and exists (
            select from mail.sign_in s
            where s.mailbox_id = k.clerk_id and s.protocol = 'smtp' and s.last_at > now() - interval '5 seconds'
        )
        having count(*) = 1
    );
    refusal text := mail.sending_of_agency(address, 1, 0);
begin
    if refusal is null and mailbox is not null then
        -- One with a password of its own may have sent by itself.
        if exists (select from mail.credential c where c.mailbox_id = mailbox) then
            clerk := null;
        end if;
        perform mail.signed_in(mailbox, 'smtp', coalesce(clerk, ''), now());
    end if;
    return next refusal;
end
$$;
