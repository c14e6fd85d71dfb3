-- "Nơi đang đăng nhập": the open sessions of somebody's webmail, and from where he signed in of late. He ends what he does not know
-- (docs/decisions/0086-where-signed-in.md).

create or replace function mail.visit_hash(word text) returns bytea
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select sha256(convert_to('visit ' || visit_hash.word, 'UTF8'))
$$;

-- Notes that a session is used: as it begins, and once a minute. One that was ended stays so.
create or replace function mail.webmail_visit_note(login text, word text, address text, program text) returns void
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
    delete from mail.webmail_visit v where v.mailbox_id = person and v.seen_at < now() - interval '1 day';
    insert into mail.webmail_visit as v (hash, mailbox_id, opened_id, address, program)
    values (mail.visit_hash(word), person, opened, nullif(webmail_visit_note.address, '')::inet,
            left(webmail_visit_note.program, 60))
    on conflict (hash) do update
        set seen_at = now(), opened_id = excluded.opened_id, address = excluded.address, program = excluded.program
        where v.mailbox_id = excluded.mailbox_id;
end
$$;

-- Whether a session was ended from another one. Asked at each click.
create or replace function mail.webmail_visit_over(word text) returns boolean
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select from mail.webmail_visit v where v.hash = mail.visit_hash(webmail_visit_over.word) and v.ended_at is not null
    )
$$;

-- A session that ended by itself: it is shown no more.
create or replace function mail.webmail_visit_left(word text) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    delete from mail.webmail_visit v where v.hash = mail.visit_hash(webmail_visit_left.word) and v.ended_at is null
$$;

-- The open sessions of the person of a login, that of `word` first, then the last used. `minutes`: how long one lasts that nobody
-- uses. `opened`: the address of an agency's mailbox that is open in it.
create or replace function mail.webmail_visits(login text, word text, minutes int)
returns table (key text, opened text, begun text, seen text, address text, program text, here boolean)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select encode(v.hash, 'hex'),
           case when v.opened_id <> v.mailbox_id then a.local_part || '@' || mail.setting_text('mail_domain') end,
           to_char(v.begun_at, 'HH24:MI DD/MM/YYYY'), to_char(v.seen_at, 'HH24:MI DD/MM/YYYY'), host(v.address), v.program,
           v.hash = mail.visit_hash(word)
    from mail.webmail_visit v
    left join mail.address a on a.mailbox_id = v.opened_id and a.kind = 'primary'
    where v.mailbox_id = mail.login_person(webmail_visits.login) and v.ended_at is null
        and v.seen_at > now() - make_interval(mins => minutes)
    order by v.hash = mail.visit_hash(word) desc, v.seen_at desc limit 200
$$;

-- From where the right password was given of late, by what, and on which day last: what is remembered against guessing
-- (54_guessing.sql), of an IPv6 network as a whole.
create or replace function mail.webmail_sign_ins(login text)
returns table (address text, protocols text, day text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select case when masklen(k.address) = 64 and family(k.address) = 6 then text(k.address) else host(k.address) end,
           array_to_string(k.protocols, ' '), to_char(k.last_at, 'DD/MM/YYYY')
    from mail.sign_in_address k
    where k.mailbox_id = mail.login_person(webmail_sign_ins.login)
        and k.last_at > now() - make_interval(days => mail.setting_int('guessing_known_days')::int)
    order by k.last_at desc limit 200
$$;

-- Ends sessions of the person by their keys, and never the one that asks; others' keys are passed over. With `programs` mail programs are
-- cut off too. How many sessions were ended.
create or replace function mail.webmail_visits_end(login text, word text, keys text[], programs boolean) returns int
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    person text := mail.login_person(webmail_visits_end.login);
    ended int;
begin
    if mail.mailbox_state(person) is distinct from 'active' or mail.webmail_visit_over(word) then
        return 0;
    end if;
    update mail.webmail_visit v set ended_at = now()
    where v.mailbox_id = person and v.ended_at is null and encode(v.hash, 'hex') = any (keys) and v.hash <> mail.visit_hash(word);
    get diagnostics ended = row_count;
    if programs then
        insert into mail.outbox (topic, mailbox, payload) values ('mailbox.access', person, '{"cause": "owner"}');
    end if;
    if ended > 0 or programs then
        perform set_config('hanam.actor', mail.lockout_owner(person), true), set_config('hanam.document', '', true);
        perform mail.second_factor_note(
            person, 'session', 'delete', jsonb_build_object('sessions', ended, 'programs', programs));
    end if;
    return ended;
end
$$;
