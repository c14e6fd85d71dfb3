-- Held messages: taken in, decided, let go (docs/decisions/0050-quarantine.md). The service on the quarantine's host and the
-- operator's commands call these functions, and none of them can write the tables.

create or replace function mail.held_noted(id bigint, action text, detail jsonb) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    select mail.audit_note('held', held_noted.id::text, held_noted.action, held_noted.detail)
$$;

-- Whether the filter has marked a file in the message: macros, or closed by a password (hold.lua). Of such spam a receiver lets no copy go.
create or replace function mail.held_marked(reason text) returns boolean
language sql immutable strict
set search_path = pg_catalog, pg_temp
as $$
    select reason ~ '(^| )marked='
$$;

-- The policy of a kind. The filter may hold for a reason that this release knows nothing of: then nothing but a person ends it.
create or replace function mail.held_kind(kind text) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(
        (select s.value -> held_kind.kind from mail.setting s where s.name = 'held_kinds'),
        jsonb_build_object('title', 'Thư bị giữ (' || held_kind.kind || ')', 'drop_after_days', 0,
                           'why', 'bộ lọc thư yêu cầu giữ lại để xem xét'))
$$;

-- A word to whose message it is, where that is one of our mailboxes. It never bears the subject: that may be what must not be spread.
create or replace function mail.held_notice(id bigint, kind text, round text, payload jsonb) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    insert into mail.notice (mailbox_id, kind, round, due, payload)
    select h.mailbox_id, held_notice.kind, held_notice.round, current_date,
           held_notice.payload || jsonb_build_object(
               'number', h.id, 'arrived', to_char(h.arrived_at, 'HH24:MI "ngày" DD/MM/YYYY'),
               'title', mail.held_kind(h.kind) ->> 'title', 'why', mail.held_kind(h.kind) ->> 'why',
               'advice', coalesce(mail.held_kind(h.kind) ->> 'advice', ''))
    from mail.held_message h
    where h.id = held_notice.id and h.mailbox_id is not null
    on conflict do nothing
$$;

-- A word to those receivers of ours for whom it is new, where the policy of its kind says so. What strangers wrote is read when the letter
-- goes (notice_words), and stands nowhere else. Whoever is flooded is told of some, the operator of all. Its sender's word goes to the
-- sender alone.
create or replace function mail.held_notice_receivers(id bigint, addresses text[]) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    insert into mail.notice (mailbox_id, kind, round, due, payload)
    select r.mailbox, 'held_received', h.id::text, current_date,
           jsonb_build_object('number', h.id)
    from mail.held_message h,
        lateral (select mail.held_kind(h.kind) as kind) k,
        lateral (select distinct c.mailbox_id as mailbox from mail.held_recipient c
                 where c.message_id = h.id and c.address = any (addresses)) r
    where h.id = held_notice_receivers.id and (k.kind ->> 'tell_receivers')::boolean
        and r.mailbox is not null and r.mailbox is distinct from h.mailbox_id
        and (select count(*) from mail.notice n
             where n.mailbox_id = r.mailbox and n.kind = 'held_received' and n.due = current_date) < mail.setting_int('held_told_a_day')
    on conflict do nothing
$$;

-- And a word of its end to those who had that one, once it was dropped for all addresses of theirs.
create or replace function mail.held_notice_dropped(id bigint, addresses text[], expired boolean) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    insert into mail.notice (mailbox_id, kind, round, due, payload)
    select r.mailbox, 'held_received_dropped', held_notice_dropped.id::text, current_date,
           jsonb_build_object('number', held_notice_dropped.id, 'expired', expired)
    from (select distinct c.mailbox_id as mailbox from mail.held_recipient c
          where c.message_id = held_notice_dropped.id and c.address = any (addresses)) r
    join mail.notice told on told.mailbox_id = r.mailbox and told.kind = 'held_received' and told.round = held_notice_dropped.id::text
    where not exists (
            select from mail.held_recipient c
            where c.message_id = held_notice_dropped.id and c.mailbox_id = r.mailbox and c.state <> 'dropped')
        and (select count(*) from mail.notice n
             where n.mailbox_id = r.mailbox and n.kind = 'held_received_dropped' and n.due = current_date)
            < mail.setting_int('held_told_a_day')
    on conflict do nothing
$$;

-- Takes a message in: its row, a row for each receiver, the sender's notice, and that the operator does not know it yet. Whoever
-- hands the same message over again, for the same or for more receivers, finds it. `message` has the columns' names, `recipients`
-- are {"address", "notify", "orcpt"}. The answer: its number, and whether anybody's copy waits. Spam is a stranger's, comes by the
-- thousand and is told to its receivers once a day (76_held_spam.sql): the audit begins with what is decided.
create or replace function mail.held_take(message jsonb, recipients jsonb) returns table (id bigint, waits boolean)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    signed_in text := (select m.id from mail.mailbox m where m.id = message ->> 'login');
    whose text := signed_in;
    spam boolean := message ->> 'kind' = 'spam';
    found_id bigint;
    fresh boolean := true;
    added text[];
begin
    perform set_config('synchronous_commit', 'on', true);
    if jsonb_array_length(recipients) = 0 then
        raise exception 'thư bị giữ phải có người nhận' using errcode = 'restrict_violation';
    end if;
    if whose is null and not spam and position('@' in message ->> 'sender') > 0 then
        whose := mail.resolve(message ->> 'sender');
    end if;
    insert into mail.held_message as h (
        file, queue_id, sha256, sender, envelope, kind, reason, login, mailbox_id, subject, author, message_id, octets, arrived_at, file_names,
        score
    )
    values (message ->> 'file', message ->> 'queue_id', message ->> 'sha256', message ->> 'sender', message -> 'envelope',
            message ->> 'kind', message ->> 'reason', signed_in, whose, message ->> 'subject', message ->> 'author',
            message ->> 'message_id', (message ->> 'octets')::bigint, (message ->> 'arrived_at')::timestamptz,
            array(select jsonb_array_elements_text(coalesce(message -> 'files', '[]'))), (message ->> 'score')::real)
    on conflict (file) do nothing
    returning h.id into found_id;
    if found_id is null then
        fresh := false;
        select h.id into strict found_id from mail.held_message h where h.file = message ->> 'file' for update;
    end if;
    with fresh_copies as (
        insert into mail.held_recipient (message_id, address, dsn, mailbox_id)
        select found_id, r.value ->> 'address', r.value - 'address',
               case when position('@' in r.value ->> 'address') > 0 then mail.resolve(r.value ->> 'address') end
        from jsonb_array_elements(recipients) r
        on conflict do nothing
        returning address
    )
    select array_agg(c.address) into added from fresh_copies c;
    if added is not null then
        -- More receivers of one that was decided and erased: it is there again.
        update mail.held_message h set decided_at = null, erased_at = null, told_at = null where h.id = found_id;
        if not spam then
            perform mail.held_noted(found_id, case when fresh then 'insert' else 'update' end,
                                    jsonb_build_object('kind', message ->> 'kind', 'reason', message ->> 'reason', 'mailbox', whose,
                                                       'sender', message ->> 'sender', 'recipients', cardinality(added)));
            perform mail.held_notice_receivers(found_id, added);
        end if;
    end if;
    if fresh and not spam then
        perform mail.held_notice(found_id, 'held', found_id::text, jsonb_build_object('recipients', (
            select string_agg(r.address, ', ' order by r.address)
            from (select * from mail.held_recipient r where r.message_id = found_id order by r.address limit 20) r)));
    end if;
    return query select found_id, exists (
        select from mail.held_recipient r where r.message_id = found_id and r.state not in ('released', 'dropped'));
end
$$;

-- Nobody's copy waits any more, or somebody's does again.
create or replace function mail.held_settle(id bigint) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    update mail.held_message h
    set decided_at = case when not exists (
            select from mail.held_recipient r where r.message_id = h.id and r.state not in ('released', 'dropped')
        ) then coalesce(h.decided_at, now()) end
    where h.id = held_settle.id
$$;

-- An operator's decision for some receivers, NULL for all that wait: `release` or `drop`. `doubtful`: those too of whom nobody
-- knows whether they have it, since somebody has looked. The addresses that it was made for; none where all is decided.
create or replace function mail.held_decide(id bigint, addresses text[], decision text, why text, doubtful boolean)
returns text[]
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    paper text := nullif(btrim(current_setting('hanam.document', true)), '');
    who text := coalesce(nullif(current_setting('hanam.actor', true), ''), session_user);
    unknown text;
    done text[];
begin
    perform set_config('synchronous_commit', 'on', true);
    if decision not in ('release', 'drop') or btrim(why) = '' and paper is null then
        raise exception 'quyết định về thư bị giữ cần lý do (--reason) hoặc văn bản (--document)' using errcode = 'restrict_violation';
    end if;
    perform from mail.held_message h where h.id = held_decide.id for update;
    if not found then
        raise exception 'không có thư bị giữ nào mang số %', held_decide.id using errcode = 'no_data_found';
    end if;
    select a into unknown from unnest(addresses) a
    where not exists (select from mail.held_recipient r where r.message_id = held_decide.id and r.address = a) limit 1;
    if unknown is not null then
        raise exception 'thư số % không gửi cho %', held_decide.id, unknown using errcode = 'no_data_found';
    end if;
    with decided as (
        update mail.held_recipient r
        set state = case when decision = 'release' then 'releasing' else 'dropped' end, changed_at = now(), changed_by = who,
            document = paper, reason = btrim(why), failure = null
        where r.message_id = held_decide.id and (addresses is null or r.address = any (addresses))
            and (r.state = 'held' or r.state = 'releasing' and decision = 'drop' or r.state = 'doubt' and doubtful)
        returning r.address
    )
    select coalesce(array_agg(d.address order by d.address), '{}') into done from decided d;
    if cardinality(done) = 0 then
        return done;
    end if;
    update mail.held_message h set tries = 0, next_try = now(), failure = null where h.id = held_decide.id;
    perform mail.held_settle(held_decide.id);
    perform mail.held_noted(held_decide.id, 'update',
                            jsonb_build_object('decision', decision, 'reason', btrim(why), 'recipients', to_jsonb(done)));
    if decision = 'drop' then
        perform mail.held_notice(held_decide.id, 'held_dropped', held_decide.id || '/' || clock_timestamp(),
                                 jsonb_build_object('recipients', array_to_string(done, ', ')));
        perform mail.held_notice_dropped(held_decide.id, done, who = 'life-cycle');
    end if;
    return done;
end
$$;

-- An operator reads one (record 0021): only by a document, and only after it stands in the audit and its owner's notice waits. The
-- number of the opening, and the file.
create or replace function mail.held_open(id bigint, note text) returns table (opening bigint, file text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    paper text := nullif(btrim(current_setting('hanam.document', true)), '');
    who text := coalesce(nullif(current_setting('hanam.actor', true), ''), session_user);
    message mail.held_message;
    number bigint;
begin
    if paper is null or btrim(held_open.note) = '' then
        raise exception 'đọc thư bị giữ cần có văn bản và lý do (Đ4.6)' using errcode = 'restrict_violation';
    end if;
    select * into message from mail.held_message h where h.id = held_open.id for update;
    if not found then
        raise exception 'không có thư bị giữ nào mang số %', held_open.id using errcode = 'no_data_found';
    end if;
    if message.erased_at is not null or message.decided_at is not null then
        raise exception 'thư số % đã được quyết định xong, nội dung không còn được giữ', held_open.id
            using errcode = 'restrict_violation';
    end if;
    insert into mail.audit (actor, document, object, key, action, after)
    values (who, paper, 'opening', coalesce(message.mailbox_id, 'held/' || message.id), 'insert',
            jsonb_build_object('note', held_open.note, 'held', message.id))
    returning seq into strict number;
    perform mail.held_notice(message.id, 'held_opened', number::text,
                             jsonb_build_object('document', paper, 'note', held_open.note, 'opened_by', who));
    return query select number, message.file;
end
$$;
