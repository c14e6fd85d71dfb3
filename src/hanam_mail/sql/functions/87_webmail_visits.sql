-- "Nơi đang đăng nhập": the open sessions of somebody's webmail, and from where he signed in of late. He ends what he does not know
-- (docs/decisions/0086-where-signed-in.md).

create or replace function mail.visit_hash(word text) returns bytea
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select sha256(convert_to('visit ' || visit_hash.word, 'UTF8'))
$$;

-- Whether the session of a word is open, and this person's.
create or replace function mail.webmail_visit_own(word text, person text) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select from mail.webmail_visit v
        where v.hash = mail.visit_hash(webmail_visit_own.word) and v.mailbox_id = webmail_visit_own.person and v.ended_at is null
    )
$$;

-- Notes what a session did last: `used` when its person did it, and not the page by itself. One that was ended stays so.
create or replace function mail.webmail_visit_note(login text, word text, address text, program text, used boolean) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    person text := mail.login_person(webmail_visit_note.login);
    opened text := mail.login_mailbox(webmail_visit_note.login);
begin
    if person is null or opened is null then
        return;
    end if;
    insert into mail.webmail_visit as v (hash, mailbox_id, opened_id, address, program)
    values (mail.visit_hash(word), person, opened, nullif(webmail_visit_note.address, '')::inet,
            left(webmail_visit_note.program, 60))
    on conflict (hash) do update
        set seen_at = now(), used_at = case when used then now() else v.used_at end,
            opened_id = excluded.opened_id, address = excluded.address, program = excluded.program
        where v.mailbox_id = excluded.mailbox_id and v.ended_at is null;
end
$$;

-- What each click asks: whether its session was ended from another one; whether a note is due of what its person does, and of what
-- its page asks by itself.
create or replace function mail.webmail_visit_asked(word text, out ended boolean, out due boolean, out fading boolean)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select v.ended_at is not null, coalesce(v.used_at < now() - interval '1 minute', true),
           coalesce(v.seen_at < now() - interval '5 minutes', true)
    from (select mail.visit_hash(webmail_visit_asked.word) as hash) asked
    left join mail.webmail_visit v on v.hash = asked.hash
$$;

-- A session that ended by itself: it is shown no more.
create or replace function mail.webmail_visit_left(word text) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    delete from mail.webmail_visit v where v.hash = mail.visit_hash(webmail_visit_left.word) and v.ended_at is null
$$;

-- The open sessions of the person of a login, that of `word` first, then the last used; none where that one is not his or not open.
-- `minutes`: how long one lasts that nobody uses. `opened`: the address of an agency's mailbox that is open in it.
create or replace function mail.webmail_visits(login text, word text, minutes int)
returns table (key text, opened text, begun text, used text, address text, program text, here boolean)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select encode(v.hash, 'hex'),
           case when v.opened_id <> v.mailbox_id then a.local_part || '@' || mail.setting_text('mail_domain') end,
           to_char(v.begun_at, 'HH24:MI DD/MM/YYYY'), to_char(v.used_at, 'HH24:MI DD/MM/YYYY'), host(v.address), v.program,
           v.hash = mail.visit_hash(word)
    from (select mail.login_person(webmail_visits.login) as id) person
    join mail.webmail_visit v on v.mailbox_id = person.id
    left join mail.address a on a.mailbox_id = v.opened_id and a.kind = 'primary'
    where mail.webmail_visit_own(word, person.id) and v.ended_at is null and v.seen_at > now() - make_interval(mins => minutes)
    order by v.hash = mail.visit_hash(word) desc, v.used_at desc limit 200
$$;

-- From where the right password was given of late, by what, and on which day last: what is remembered against guessing
-- (54_guessing.sql), of an IPv6 network as a whole. Of a person whose session is open.
create or replace function mail.webmail_sign_ins(login text, word text)
returns table (address text, protocols text, day text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select case when masklen(k.address) = 64 and family(k.address) = 6 then text(k.address) else host(k.address) end,
           array_to_string(k.protocols, ' '), to_char(k.last_at, 'DD/MM/YYYY')
    from (select mail.login_person(webmail_sign_ins.login) as id) person
    join mail.sign_in_address k on k.mailbox_id = person.id
    where mail.webmail_visit_own(word, person.id)
        and k.last_at > now() - make_interval(days => mail.setting_int('guessing_known_days')::int)
    order by k.last_at desc limit 200
$$;

-- Ends sessions of the person by their keys, all without keys, and never the one that asks; others' keys are passed over. With
-- `programs` mail programs are cut off too, once a minute at most: `cut`. No row: the one that asks may not, its own is over or not his.
create or replace function mail.webmail_visits_end(login text, word text, keys text[], programs boolean)
returns table (ended int, cut boolean)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    person text := mail.login_person(webmail_visits_end.login);
    told jsonb;
begin
    -- Of two that end each other the first does.
    perform pg_advisory_xact_lock(hashtextextended('webmail_visits ' || person, 0));
    if mail.mailbox_state(person) is distinct from 'active' or not mail.webmail_visit_own(word, person) then
        return;
    end if;
    with over as (
        update mail.webmail_visit v set ended_at = now()
        where v.mailbox_id = person and v.ended_at is null and v.hash <> mail.visit_hash(word)
            and (keys is null or encode(v.hash, 'hex') = any (keys))
        returning v.address, v.program, v.used_at
    )
    select count(*), coalesce(
        jsonb_agg(jsonb_build_object('address', host(o.address), 'program', o.program) order by o.used_at desc), '[]')
    into ended, told from over o;
    cut := programs and not exists (
        select from mail.outbox o
        where o.topic = 'mailbox.access' and o.mailbox = person and o.payload ->> 'cause' = 'owner' and o.at > now() - interval '1 minute'
    );
    if cut then
        insert into mail.outbox (topic, mailbox, payload) values ('mailbox.access', person, '{"cause": "owner"}');
    end if;
    if ended > 0 or cut then
        perform set_config('hanam.actor', mail.lockout_owner(person), true), set_config('hanam.document', '', true);
        perform mail.audit_note('session', person, 'delete', jsonb_build_object('sessions', told, 'programs', cut));
    end if;
    return next;
end
$$;

-- Forgets sessions: a day after their last sign of life, and what was ended after half a year, longer than a password opens anything
-- (Đ8.2a): who goes on asking with an ended session would have it back. The nightly job's.
create or replace function mail.webmail_visits_prune() returns int
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    with gone as (
        delete from mail.webmail_visit v
        where v.seen_at < now() - interval '1 day' and (v.ended_at is null or v.ended_at < now() - interval '6 months')
        returning 1
    )
    select count(*)::int from gone
$$;
