-- The two doors of the second factor: the page where its owner keeps it (mail_change) and the webmail's second step (mail_webmail).
-- What they send is JSON, sealed as passwords are (AES-256-CBC, hexadecimal, the IV first) under a key of their own; in it comes the key
-- of the secrets, which is kept nowhere in the database. Failures count as wrong passwords do (54_guessing.sql).

create or replace function mail.factor_message(sealed text) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return mail.unseal('factor_key', substr(sealed, 33), decode(left(sealed, 32), 'hex'))::jsonb;
end
$$;

-- A word by which its bearer is known for a while.
create or replace function mail.second_step_new(id text, door text, lasts interval) returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    word text := door || '-' || encode(mail_crypto.gen_random_bytes(24), 'hex');
begin
    insert into mail.second_step (hash, mailbox_id, door, ends_at)
    values (mail.second_key_hash(second_step_new.id, word), second_step_new.id, second_step_new.door, now() + lasts);
    return word;
end
$$;

create or replace function mail.second_step_text(result text, barred text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return case result
        when 'throttled' then mail.throttled_text(barred)
        when 'wrong' then 'Tên đăng nhập hoặc mật khẩu không đúng.'
        when 'code' then 'Hãy nhập mã xác thực: 6 số trên điện thoại, hoặc một mã dự phòng đã in.'
        when 'code_wrong' then 'Mã xác thực không đúng, đã hết hạn hoặc đã dùng. Hãy nhập mã đang hiện trên điện thoại.'
        when 'locked' then 'Hộp thư đang tạm khóa.'
        when 'revoked' then 'Hộp thư đã bị thu hồi.'
        when 'must_change' then 'Phải đổi mật khẩu trước khi bật xác thực hai bước.'
        when 'closed' then 'Đã quá thời gian chờ. Hãy đăng nhập lại.'
        when 'demanded' then 'Tài khoản này bắt buộc dùng xác thực hai bước, không tắt được.'
        when 'on' then 'Xác thực hai bước đang bật.'
        when 'off' then 'Chưa bật xác thực hai bước.'
        when 'begun' then 'Việc bật đã được làm lại ở một lần vào trang khác nên mã QR trước không còn dùng được. Hãy quét mã dưới đây.'
        when 'again' then 'Yêu cầu này đã được thực hiện trước đó, nay không làm lại. Nếu vẫn cần, hãy chọn lại bên dưới.'
        when 'rejected' then 'Thông tin chưa đúng: tên từ 1 đến 60 ký tự, chọn ít nhất một việc được dùng, ngày hết hạn trong thời hạn'
            ' cho phép, không quá 20 mật khẩu cùng lúc.'
    end;
end
$$;

-- Whether so many codes were wrong in a day that none is looked at, from wherever. Who fails here has the right password, so nobody
-- else can shut the owner out by it, and of a million codes a herd of known places could try too many.
create or replace function mail.codes_barred(login text) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select count(*) from mail.sign_in_failure f
        where f.login = codes_barred.login and f.protocol = 'factor' and f.at > mail.guessing_since('account_day')
    ) >= mail.guessing_limit('account_day', false);
end
$$;

-- Password and, where the factor is on, code. The answer is 'open', or why not; `id` with 'open' only. `wants_factor`: who has none
-- is not let in either (the webmail's second step is for nobody else).
create or replace function mail.both_steps(
    login text, plain text, typed text, key bytea, protocol text, remote_ip text, wants_factor boolean,
    out result text, out id text, out barred text
)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    person text := mail.login_person(both_steps.login);
    name text := mail.failure_login(both_steps.login);
    source inet := mail.source_address(both_steps.remote_ip);
    state text;
begin
    barred := mail.sign_in_barred(name, source);
    if barred is not null then
        result := 'throttled';
        return;
    end if;
    if not mail.password_matches((select c.hash from mail.credential c where c.mailbox_id = person), plain) then
        perform mail.sign_in_failed(person, name, source, protocol, plain);
        result := 'wrong';
        return;
    end if;
    state := mail.mailbox_state(person);
    if state <> 'active' then
        result := state;
    elsif not mail.second_factor_on(person) then
        result := case when wants_factor then 'off' else 'open' end;
    elsif coalesce(btrim(typed), '') = '' then
        result := 'code';
    elsif mail.codes_barred(name) then
        result := 'throttled';
        barred := 'account_day';
    elsif mail.second_factor_spend(person, typed, key) is null then
        perform mail.sign_in_failed(person, name, source, 'factor', null);
        result := 'code_wrong';
    else
        result := 'open';
    end if;
    if result = 'open' then
        id := person;
    end if;
end
$$;

-- The webmail's second step. `token`: what its session signs in by from then on.
create or replace function mail.webmail_second_step(sealed text, remote_ip text)
returns table (result text, message text, token text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    said jsonb := mail.factor_message(sealed);
    step record;
begin
    select * into step from mail.both_steps(
        said ->> 'login', said ->> 'password', said ->> 'code', decode(said ->> 'key', 'hex'), 'webmail', remote_ip, true
    );
    result := step.result;
    message := mail.second_step_text(step.result, step.barred);
    if step.result = 'open' then
        token := mail.second_step_new(step.id, 'webmail', make_interval(hours => mail.setting_int('password_second_step_hours')::int));
    end if;
    return next;
end
$$;

-- Who signs out of the webmail takes his word with him. Other sessions of the mailbox go on; what Dovecot remembers does not.
create or replace function mail.webmail_second_step_end(sealed text) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    said jsonb := mail.factor_message(sealed);
    id text := mail.login_person(said ->> 'login');
begin
    delete from mail.second_step s
    where s.hash = mail.second_key_hash(id, said ->> 'token') and s.mailbox_id = id and s.door = 'webmail';
    if found then
        insert into mail.outbox (topic, mailbox) values ('mailbox.profile', id);
    end if;
end
$$;

-- What the page shows of a mailbox.
create or replace function mail.factor_page_facts(id text) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return jsonb_build_object(
        'address', (
            select a.local_part || '@' || mail.setting_text('mail_domain') from mail.address a
            where a.mailbox_id = factor_page_facts.id and a.kind = 'primary'
        ),
        'since', (select f.confirmed_at::date from mail.second_factor f where f.mailbox_id = factor_page_facts.id),
        'demanded', mail.second_factor_demanded(factor_page_facts.id),
        'codes_left', (
            select count(*) from mail.recovery_code r
            where r.mailbox_id = factor_page_facts.id and r.used_at is null
        ),
        'latest_end', current_date + mail.setting_int('password_app_password_days')::int,
        'scopes', mail.app_password_scopes(),
        'app_passwords', coalesce((
            select jsonb_agg(jsonb_build_object(
                'number', a.number, 'name', a.name, 'scopes', a.scopes, 'made', a.made_at::date, 'ends_on', a.ends_on,
                'last_at', to_char(a.last_at, 'DD/MM/YYYY HH24:MI'), 'last_address', host(a.last_address),
                'last_protocol', a.last_protocol
            ) order by a.number)
            from mail.app_password a
            where a.mailbox_id = factor_page_facts.id and a.ended_at is null and a.ends_on >= current_date
        ), '[]')
    );
end
$$;

-- What somebody does at the page. `said`: the key, and by the action: login, password, code (sign_in); else the ticket that sign_in
-- gave, and code (confirm, off), turn (codes), turn, name, scopes, ends_on (app_new), number (app_end). The answer has a result, a message where it
-- is not 'open', the facts as they are afterwards, and what is shown this once: secret, codes, app_password.
create or replace function mail.factor_page_do(action text, said jsonb, remote_ip text) returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    key bytea := decode(said ->> 'key', 'hex');
    id text;
    -- Of the ticket.
    visit bytea := mail.second_key_hash(split_part(said ->> 'ticket', ':', 1), split_part(said ->> 'ticket', ':', 2));
    step record;
    is_on boolean;
    secret bytea;
    scopes text[];
    ends date;
    named text := btrim(coalesce(said ->> 'name', ''));
    result text := 'open';
    barred text;
    once jsonb := '{}';
begin
    perform set_config('hanam.place', remote_ip, true);
    if action = 'sign_in' then
        select * into step from mail.both_steps(
            said ->> 'login', said ->> 'password', said ->> 'code', key, 'change', remote_ip, false
        );
        if step.result <> 'open' then
            return jsonb_build_object('result', step.result, 'message', mail.second_step_text(step.result, step.barred));
        end if;
        id := step.id;
        perform mail.sign_in_succeeded(id, mail.source_address(remote_ip), 'change', remote_ip);
        once := jsonb_build_object('ticket', id || ':' || mail.second_step_new(id, 'page', interval '15 minutes'));
    else
        select s.mailbox_id into id from mail.second_step s
        where s.hash = visit and s.door = 'page' and s.ends_at > now();
        if id is null or mail.mailbox_state(id) <> 'active' then
            return jsonb_build_object('result', 'closed', 'message', mail.second_step_text('closed', null));
        end if;
    end if;
    is_on := mail.second_factor_on(id);
    -- What is shown once is made once: a page that is loaded again sends its form again, and would void what was printed.
    if action in ('codes', 'app_new') then
        update mail.second_step s set turn = s.turn + 1
        where s.hash = visit and s.turn::text = said ->> 'turn';
        if not found then
            result := 'again';
        end if;
    end if;
    case
        when result <> 'open' then null;
        when action in ('sign_in', 'look') then null;
        when action = 'leave' then
            delete from mail.second_step s where s.mailbox_id = id and s.door = 'page';
        when action = 'begin' then
            if is_on then
                result := 'on';
            else
                secret := mail.second_factor_begin(id, visit, key);
                if secret is null then
                    return jsonb_build_object('result', 'closed', 'message', mail.second_step_text('closed', null));
                end if;
                once := jsonb_build_object('secret', encode(secret, 'hex'));
            end if;
        when action = 'confirm' then
            if is_on then
                result := 'on';
            elsif not mail.second_factor_begun(id, visit) then
                result := 'begun';
                once := jsonb_strip_nulls(jsonb_build_object('secret', encode(mail.second_factor_begin(id, visit, key), 'hex')));
            elsif mail.second_factor_spend(id, coalesce(said ->> 'code', ''), key) is null then
                result := 'code_wrong';
                -- Shown once more: the picture was not photographed yet, perhaps.
                secret := mail.second_factor_begin(id, visit, key);
                once := jsonb_strip_nulls(jsonb_build_object('secret', encode(secret, 'hex')));
            else
                update mail.second_factor f set confirmed_at = now() where f.mailbox_id = id;
                perform mail.audit_note('second_factor', id, 'insert', '{}');
                perform mail.second_factor_tell(id, 'factor_on', '{}');
                once := jsonb_build_object('codes', to_jsonb(mail.recovery_codes_give(id, key)));
                -- Whoever came by the password alone before is nobody now: other visits end, and places become strangers.
                delete from mail.second_step s where s.mailbox_id = id and s.hash <> visit;
                delete from mail.sign_in_address k where k.mailbox_id = id;
                perform mail.second_factor_announce(id);
            end if;
        when action = 'codes' then
            if is_on then
                once := jsonb_build_object('codes', to_jsonb(mail.recovery_codes_give(id, key)));
                perform mail.second_factor_tell(id, 'factor_codes', '{}');
            else
                result := 'off';
            end if;
        when action = 'off' then
            barred := coalesce(
                mail.sign_in_barred(id, mail.source_address(remote_ip)), case when mail.codes_barred(id) then 'account_day' end);
            if not is_on then
                result := 'off';
            elsif mail.second_factor_demanded(id) then
                result := 'demanded';
            elsif barred is not null then
                result := 'throttled';
            elsif mail.second_factor_spend(id, coalesce(said ->> 'code', ''), key) is null then
                perform mail.sign_in_failed(id, id, mail.source_address(remote_ip), 'factor', null);
                result := 'code_wrong';
            else
                delete from mail.second_factor f where f.mailbox_id = id;
                -- The visit goes on; all else that the factor opened ends.
                delete from mail.second_step s where s.mailbox_id = id and s.door = 'webmail';
                perform mail.app_passwords_end(id, null, 'off');
                perform mail.audit_note('second_factor', id, 'delete', '{}');
                perform mail.second_factor_tell(id, 'factor_off', '{}');
                perform mail.second_factor_announce(id);
            end if;
        when action = 'app_new' then
            scopes := array(select distinct w.word from jsonb_array_elements_text(said -> 'scopes') w(word) order by 1);
            ends := case
                when said ->> 'ends_on' ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' and pg_input_is_valid(said ->> 'ends_on', 'date')
                then (said ->> 'ends_on')::date
            end;
            if not is_on then
                result := 'off';
            elsif ends is null or named = '' or length(named) > 60 or named ~ '[[:cntrl:]]'
                or scopes = '{}' or not scopes <@ mail.app_password_scopes()
                or ends not between current_date and current_date + mail.setting_int('password_app_password_days')::int
                or (select count(*) from mail.app_password a
                    where a.mailbox_id = id and a.ended_at is null and a.ends_on >= current_date) >= 20
            then
                result := 'rejected';
            else
                once := jsonb_build_object('app_password', mail.app_password_new(id, named, scopes, ends), 'app_name', named);
            end if;
        when action = 'app_end' then
            -- No number at all would be all of them.
            if coalesce(said ->> 'number', '') ~ '^[0-9]{1,18}$'
                and mail.app_passwords_end(id, (said ->> 'number')::bigint, 'owner') > 0
            then
                perform mail.second_factor_announce(id);
            end if;
    end case;
    return jsonb_build_object('result', result, 'message', mail.second_step_text(result, barred))
        || mail.factor_page_facts(id) || once
        || jsonb_build_object('turn', (select s.turn from mail.second_step s where s.hash = visit));
end
$$;

-- The same sealed, with an answer sealed under the same key: neither side's log shows what is for its owner only.
create or replace function mail.factor_page_sealed(action text, sealed text, remote_ip text) returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    iv bytea := mail_crypto.gen_random_bytes(16);
begin
    return encode(iv || mail_crypto.encrypt_iv(
        convert_to(mail.factor_page_do(action, mail.factor_message(sealed), remote_ip)::text, 'UTF8'),
        (select s.value from mail.secret s where s.name = 'factor_key'), iv, 'aes-cbc/pad:pkcs'
    ), 'hex');
end
$$;
