-- Letters that leave at a chosen hour: what the webmail asks (docs/decisions/0080-scheduled-sending.md). The service's part: 97_scheduled_service.sql.

-- Why a login may not send now, in a word; NULL when it may. What a sign-in to the webmail would say at this moment.
create or replace function mail.scheduled_fault(login text, mailbox text, sender text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return case
        when mail.login_person(login) is distinct from sender or mail.login_mailbox(login) is distinct from mailbox then 'closed'
        when mail.mailbox_state(sender) <> 'active' then mail.mailbox_state(sender)
        when mail.mailbox_state(mailbox) in ('locked', 'revoked') then mail.mailbox_state(mailbox)
        when mail.second_factor_needed(sender) = 'required' then 'second_factor'
    end;
end
$$;

-- The same in the words of the page and of letters. So is `detail`: the service has made it of what a server said (refusals.py).
create or replace function mail.scheduled_text(reason text, detail text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select case reason
        when 'closed' then 'tài khoản đã hẹn giờ không còn được giao mở hộp thư này'
        when 'locked' then 'hộp thư bị tạm khóa'
        when 'revoked' then 'hộp thư bị thu hồi'
        when 'must_change' then 'mật khẩu đã hết hạn hoặc phải đổi'
        when 'second_factor' then 'tài khoản bắt buộc xác thực hai bước nhưng chưa bật'
        when 'gone' then 'thư không còn ở thư mục Chờ gửi, đã bị sửa hoặc không có người nhận'
        when 'refused' then 'máy chủ thư không nhận'
        when 'late' then 'đã thử nhiều lần mà chưa gửi được'
        when 'unfiled' then 'đã thử nhiều lần mà chưa chuyển được thư vào Đã gửi'
        when 'doubt' then 'hệ thống bị ngắt đúng lúc gửi nên không biết chắc thư đã đi hay chưa'
    end || coalesce(': ' || nullif(detail, ''), '')
$$;

create or replace function mail.scheduled_noted(number bigint, action text, detail jsonb) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    insert into mail.audit (actor, object, key, action, after)
    select coalesce(nullif(current_setting('hanam.actor', true), ''), session_user), 'scheduled', scheduled_noted.number::text,
           scheduled_noted.action,
           jsonb_build_object('login', s.login, 'due', s.due, 'state', s.state) || scheduled_noted.detail
    from mail.scheduled s where s.number = scheduled_noted.number
$$;

create or replace function mail.weekday(day date) returns text
language sql immutable strict
set search_path = pg_catalog, pg_temp
as $$
    select (array['thứ Hai', 'thứ Ba', 'thứ Tư', 'thứ Năm', 'thứ Sáu', 'thứ Bảy', 'Chủ nhật'])[extract(isodow from day)]
$$;

create or replace function mail.scheduled_hour(at timestamptz) returns text
language sql stable strict
set search_path = pg_catalog, pg_temp
as $$
    select to_char(at, 'HH24:MI ') || mail.weekday(at::date) || to_char(at, ', DD/MM/YYYY')
$$;

-- Hours to choose by one click, of days on which offices work; where nobody confirmed the year, of Monday to Friday.
create or replace function mail.scheduled_choices() returns table (at timestamp, name text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with calendar as (select s.value from mail.setting s where s.name = 'life_cycle_calendar'),
    days as (
        select d::date as day from calendar c, generate_series(current_date, current_date + 15, interval '1 day') d
        where coalesce(mail.works(c.value, d::date), extract(isodow from d) < 6)
    ),
    hours(at, rank) as (
        (select d.day + time '13:30', 1 from days d where d.day = current_date)
        union all (select d.day + time '07:30', 2 from days d where d.day > current_date order by 1 limit 1)
        union all (select d.day + time '13:30', 3 from days d where d.day > current_date order by 1 limit 1)
        -- The first working day of the next week.
        union all (select d.day + time '07:30', 4 from days d where d.day >= date_trunc('week', current_date)::date + 7 order by 1 limit 1)
    )
    select distinct on (h.at) h.at,
           case when h.at::date = current_date then 'Chiều nay'
                when h.at::date = current_date + 1 then case when h.at::time < '12:00' then 'Sáng mai' else 'Chiều mai' end
                else case when h.at::time < '12:00' then 'Sáng ' else 'Chiều ' end || mail.weekday(h.at::date) end
           || to_char(h.at, ' HH24:MI')
           || case when h.at::date > current_date + 1 then to_char(h.at, ' (DD/MM)') else '' end
    from hours h
    where h.at > localtimestamp + interval '5 minutes' and h.at::date <= current_date + mail.setting_int('sending_later_days')::int
    order by h.at, h.rank
$$;

-- What the page for choosing needs: the first and the last moment, the choices, on the database's clock, which decides.
create or replace function mail.webmail_schedule_times() returns table (first timestamp, last timestamp, choices jsonb)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select date_trunc('minute', localtimestamp) + interval '2 minutes',
           date_trunc('minute', localtimestamp) + make_interval(days => mail.setting_int('sending_later_days')::int),
           coalesce((select jsonb_agg(jsonb_build_object('at', to_char(c.at, 'YYYY-MM-DD"T"HH24:MI'), 'name', c.name) order by c.at)
                     from mail.scheduled_choices() c), '[]')
$$;

-- Chooses or changes the hour of a letter in the folder, by its place there. The answer: `fault` NULL when it is done, past or far of an
-- hour that cannot be, underway when it is too late to change anything, closed or a state when this login may not send; and the
-- hour in words. An hour is the wall clock's of the province.
create or replace function mail.webmail_schedule(login text, validity bigint, uid bigint, hour timestamp, dsn boolean)
returns table (fault text, at text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    opened text := mail.login_mailbox(webmail_schedule.login);
    person text := mail.login_person(webmail_schedule.login);
    moment timestamptz := webmail_schedule.hour::timestamptz;
    held mail.scheduled%rowtype;
    made bigint;
begin
    at := mail.scheduled_hour(moment);
    fault := case
        when opened is null then 'closed'
        else mail.scheduled_fault(webmail_schedule.login, opened, person)
    end;
    if fault is null then
        fault := case
            when moment is null or moment <= clock_timestamp() then 'past'
            when moment > clock_timestamp() + make_interval(days => mail.setting_int('sending_later_days')::int) then 'far'
        end;
    end if;
    if fault is not null then
        return next;
        return;
    end if;
    perform set_config('synchronous_commit', 'on', true);
    insert into mail.scheduled as s (login, mailbox_id, sender_id, validity, uid, due, dsn)
    values (webmail_schedule.login, opened, person, webmail_schedule.validity, webmail_schedule.uid, moment,
            coalesce(webmail_schedule.dsn, false))
    on conflict (mailbox_id, validity, uid) do nothing
    returning s.number into made;
    if made is null then
        select s.* into held from mail.scheduled s
        where s.mailbox_id = opened and s.validity = webmail_schedule.validity and s.uid = webmail_schedule.uid
        for update;
        -- What is underway, was sent, or perhaps was, gets no hour any more.
        if held.state not in ('waiting', 'stopped', 'cancelled') then
            fault := 'underway';
            return next;
            return;
        end if;
        -- Whoever chooses the hour now answers for it: another clerk of the agency, say.
        update mail.scheduled s
        set login = webmail_schedule.login, sender_id = person, due = moment, state = 'waiting', reason = null, detail = null, tries = 0,
            next_try = now(), ended_at = null
        where s.number = held.number;
        made := held.number;
    end if;
    perform set_config('hanam.actor', person, true);
    perform mail.scheduled_noted(made, case when held.number is null then 'insert' else 'update' end, '{}');
    return next;
end
$$;

-- Lets a letter go now, or calls it off. False when it is too late, or no such letter waits.
create or replace function mail.webmail_scheduled_decide(login text, validity bigint, uid bigint, decision text) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    opened text := mail.login_mailbox(webmail_scheduled_decide.login);
    person text := mail.login_person(webmail_scheduled_decide.login);
    held mail.scheduled%rowtype;
begin
    select s.* into held from mail.scheduled s
    where s.mailbox_id = opened and s.validity = webmail_scheduled_decide.validity and s.uid = webmail_scheduled_decide.uid
    for update;
    if not found
        or decision = 'cancel' and held.state not in ('waiting', 'taken', 'stopped', 'doubt', 'cancelled')
        or decision = 'now' and (held.state not in ('waiting', 'stopped')
            or mail.scheduled_fault(webmail_scheduled_decide.login, opened, person) is not null)
        or decision not in ('cancel', 'now')
    then
        return false;
    end if;
    perform set_config('synchronous_commit', 'on', true), set_config('hanam.actor', person, true);
    if decision = 'cancel' then
        update mail.scheduled s set state = 'cancelled', ended_at = now() where s.number = held.number;
    else
        update mail.scheduled s
        set state = 'waiting', due = least(s.due, now()), login = webmail_scheduled_decide.login, sender_id = person, reason = null,
            detail = null, tries = 0, next_try = now(), ended_at = null, made_at = now()
        where s.number = held.number;
    end if;
    perform mail.scheduled_noted(held.number, 'update', jsonb_build_object('decision', decision));
    return true;
end
$$;

-- The letters of the open mailbox that the database knows of and that lie in the folder still.
create or replace function mail.webmail_scheduled(login text)
returns table (validity bigint, uid bigint, state text, hour text, at timestamp, why text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select s.validity, s.uid, case s.reason when 'unfiled' then s.reason else s.state end, mail.scheduled_hour(s.due), s.due::timestamp,
           coalesce(mail.scheduled_text(s.reason, s.detail), case when s.state = 'waiting' and s.tries > 0 then s.detail end)
    from mail.scheduled s
    where s.mailbox_id = mail.login_mailbox(webmail_scheduled.login) and s.filed_at is null and s.state <> 'cancelled'
    order by s.due
$$;
