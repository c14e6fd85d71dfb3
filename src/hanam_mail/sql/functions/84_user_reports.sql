-- What people report from the webmail, and what the operator does about it (Đ10.6, Đ12.8; docs/decisions/0071-reports-of-people.md).
--
-- Words of people and of strangers stand in mail.user_report alone: notices and the audit have the number, and letters read them as they go.

create or replace function mail.user_report_noted(number bigint, action text, detail jsonb) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    select mail.audit_note('user_report', user_report_noted.number::text, user_report_noted.action, user_report_noted.detail)
$$;

-- One line of what a stranger wrote, as long as it may be; control characters would end a line where none ends.
create or replace function mail.user_report_line(line text, most int) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select left(btrim(regexp_replace(coalesce(line, ''), '[[:space:][:cntrl:]]+', ' ', 'g')), most) $$;

-- The mailbox of a person's agency, which hears of his reports; none where the agency has none, or it is his own.
create or replace function mail.user_report_agency(reporter text) returns table (mailbox_id text, address text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select r.id, a.local_part || '@' || mail.setting_text('mail_domain')
    from mail.mailbox m
    join mail.mailbox r on r.kind = 'agency' and r.agency_id = m.agency_id and r.id <> m.id and r.state <> 'revoked'
    join mail.address a on a.mailbox_id = r.id and a.kind = 'primary'
    where m.id = user_report_agency.reporter
    order by r.id
$$;

-- Takes a report of whoever signed in to the webmail as `login`. `message`: folder, message_id, author, subject, digest; NULL for none.
-- `result`: new; known (this form, or this message under this kind, was reported before); again (the same, and what was to send its
-- message on ended without a word); limit (too many today); none (no such mailbox, or nothing to report).
--
-- What tells messages apart is `digest`, of the header with our servers' own lines: its Message-ID is the stranger's choice, and two
-- letters of his may have the same.
create or replace function mail.user_report_take(login text, token text, kind text, words text, message jsonb)
returns table (number bigint, result text, agency text[])
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    reporter mail.mailbox;
    opened text;
    said constant text := left(btrim(regexp_replace(coalesce(user_report_take.words, ''), '[\u0001-\u0009\u000b-\u001f\u007f-\u009f]+', ' ', 'g'), E' \n'), 2000);
    its_id constant text := mail.user_report_line(user_report_take.message ->> 'message_id', 500);
    its_digest constant text := coalesce(user_report_take.message ->> 'digest', '');
    found mail.user_report;
begin
    select m.* into reporter from mail.mailbox m
    where m.id = mail.login_person(user_report_take.login) and m.state <> 'revoked';
    opened := mail.login_mailbox(user_report_take.login);
    -- A report of a virus says what it is about by its message; a fault without a word says nothing.
    if reporter.id is null or opened is null
        or user_report_take.message is null and (user_report_take.kind <> 'fault' or said = '') then
        return query select null::bigint, 'none', '{}'::text[];
        return;
    end if;
    -- Two clicks at once: the second one finds the first one's row.
    perform pg_advisory_xact_lock(hashtextextended('user_report ' || reporter.id, 0));
    select r.* into found from mail.user_report r
    where r.reporter_id = reporter.id
        and (r.token = user_report_take.token
            or its_digest <> '' and r.digest = its_digest and r.mailbox_id = opened and r.kind = user_report_take.kind
                and r.state in ('new', 'seen'))
    order by r.number limit 1;
    if found.number is not null then
        -- Within some minutes the first one may still be at it: the filter takes its time.
        if found.attached = 'due' and found.at < now() - interval '5 minutes' and user_report_take.message is not null then
            return query select found.number, 'again', array(select a.address from mail.user_report_agency(reporter.id) a);
        else
            return query select found.number, 'known', '{}'::text[];
        end if;
        return;
    end if;
    if (select count(*) from mail.user_report r where r.reporter_id = reporter.id and r.at >= current_date)
        >= mail.setting_int('user_reports_a_day') then
        return query select null::bigint, 'limit', '{}'::text[];
        return;
    end if;
    insert into mail.user_report (reporter_id, mailbox_id, agency_id, token, kind, words, message, folder, message_id, author, subject,
                                  digest, attached)
    values (reporter.id, opened, reporter.agency_id, user_report_take.token, user_report_take.kind, said,
            user_report_take.message is not null, mail.user_report_line(user_report_take.message ->> 'folder', 500), its_id,
            mail.user_report_line(user_report_take.message ->> 'author', 500),
            mail.user_report_line(user_report_take.message ->> 'subject', 500),
            its_digest,
            case when user_report_take.message is null then 'none' when user_report_take.kind = 'virus' then 'kept' else 'due' end)
    returning user_report.number into found.number;
    insert into mail.notice (mailbox_id, kind, round, due, payload)
    values (reporter.id, 'user_report', found.number::text, current_date, jsonb_build_object('number', found.number));
    perform mail.user_report_noted(found.number, 'insert', jsonb_build_object(
        'kind', user_report_take.kind, 'reporter', reporter.id, 'mailbox', opened));
    return query select found.number, 'new', array(select a.address from mail.user_report_agency(reporter.id) a);
end
$$;

-- What became of the message that was to go with a report: once, and of the person's own report alone.
create or replace function mail.user_report_attached(login text, number bigint, sent boolean, fault text) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    update mail.user_report r
    set attached = case when user_report_attached.sent then 'sent' else 'refused' end,
        fault = case when user_report_attached.sent then '' else mail.user_report_line(user_report_attached.fault, 300) end
    where r.number = user_report_attached.number and r.attached = 'due'
        and r.reporter_id = mail.login_person(user_report_attached.login)
$$;

-- --- The operator ---

-- He has looked at it; true the first time.
create or replace function mail.user_report_seen(number bigint) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    update mail.user_report r
    set state = 'seen', seen_at = now(), seen_by = coalesce(nullif(current_setting('hanam.actor', true), ''), session_user)
    where r.number = user_report_seen.number and r.state = 'new';
    if found then
        perform mail.user_report_noted(user_report_seen.number, 'update', '{"state": "seen"}');
    end if;
    return found;
end
$$;

-- The answer goes to the person and his agency as a notice. The same once more changes nothing.
create or replace function mail.user_report_answer(number bigint, answer text) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    report mail.user_report;
    said constant text := btrim(user_report_answer.answer, E' \n\t');
begin
    select r.* into report from mail.user_report r where r.number = user_report_answer.number for update;
    if report.number is null then
        raise exception 'không có báo cáo nào mang số %', user_report_answer.number using errcode = 'no_data_found';
    end if;
    if said = '' then
        raise exception 'cần nội dung trả lời' using errcode = 'check_violation';
    end if;
    if report.state in ('answered', 'closed') then
        if report.answer = said then
            return false;
        end if;
        raise exception 'báo cáo số % đã %, không trả lời lần nữa; cần nói thêm thì gửi thư cho người báo cáo', report.number,
            case report.state when 'answered' then 'được trả lời' else 'kết thúc' end using errcode = 'restrict_violation';
    end if;
    update mail.user_report r
    set state = 'answered', answer = said, answered_at = now(),
        answered_by = coalesce(nullif(current_setting('hanam.actor', true), ''), session_user)
    where r.number = report.number;
    insert into mail.notice (mailbox_id, kind, round, due, payload)
    values (report.reporter_id, 'user_report_answer', report.number::text, current_date, jsonb_build_object('number', report.number));
    perform mail.user_report_noted(report.number, 'update', '{"state": "answered"}');
    return true;
end
$$;

-- Nothing more is to be done. What nobody answered needs a reason, which stands in the audit.
create or replace function mail.user_report_close(number bigint, reason text) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    report mail.user_report;
    why constant text := mail.user_report_line(user_report_close.reason, 500);
begin
    select r.* into report from mail.user_report r where r.number = user_report_close.number for update;
    if report.number is null then
        raise exception 'không có báo cáo nào mang số %', user_report_close.number using errcode = 'no_data_found';
    end if;
    if report.state = 'closed' then
        return false;
    end if;
    if report.state <> 'answered' and why = '' then
        raise exception 'báo cáo số % chưa được trả lời: kết thúc thì nêu lý do (--reason)', report.number
            using errcode = 'restrict_violation';
    end if;
    update mail.user_report r
    set state = 'closed', closed_at = now(), closed_reason = why,
        closed_by = coalesce(nullif(current_setting('hanam.actor', true), ''), session_user)
    where r.number = report.number;
    perform mail.user_report_noted(report.number, 'update', jsonb_build_object('state', 'closed', 'reason', why));
    return true;
end
$$;

-- --- Letters ---

-- What a letter about a report says beside its payload, as it is when the letter goes. A report that is forgotten has no letter.
create or replace function mail.user_report_words(report bigint) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce((
        select jsonb_build_object(
            'report_kind', r.kind, 'reported', to_char(r.at, 'HH24:MI "ngày" DD/MM/YYYY'), 'words', r.words, 'message', r.message,
            'folder', r.folder, 'message_id', r.message_id, 'author', r.author, 'subject', r.subject, 'attached', r.attached,
            'fault', r.fault, 'answer', r.answer, 'mailbox', r.mailbox_id,
            'lies_in', (select a.local_part || '@' || mail.setting_text('mail_domain') from mail.address a
                        where a.mailbox_id = r.mailbox_id and a.kind = 'primary'))
        from mail.user_report r where r.number = user_report_words.report), '{"send": false}')
$$;

-- --- Time ---

-- Words go with the mailbox of whoever wrote them, or in which the message lay; counts stay their time.
create or replace function mail.user_reports_forget(mailbox text) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    update mail.user_report r
    set words = '', folder = '', message_id = '', author = '', subject = '', digest = '', answer = '', fault = '', closed_reason = ''
    where r.reporter_id = user_reports_forget.mailbox or r.mailbox_id = user_reports_forget.mailbox
$$;

-- Forgets reports that are older than the policy keeps; one that waits for the operator stays. How many.
create or replace function mail.user_reports_prune() returns int
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    with gone as (
        delete from mail.user_report r
        where r.at < now() - mail.setting_int('user_reports_keep_days') * interval '1 day' and r.state in ('answered', 'closed')
        returning 1
    )
    select count(*)::int from gone
$$;
