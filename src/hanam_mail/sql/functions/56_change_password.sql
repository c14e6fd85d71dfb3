-- What somebody is told who is not heard, by the kind of limit that holds him (sign_in_barred): that says for how long. It tells
-- nothing of whether there is such an account: names without one are counted alike.
create or replace function mail.throttled_text(kind text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select format(
        case kind
            when 'pair_day' then 'Trong một ngày đã nhập sai mật khẩu quá nhiều lần (%2$s lần) từ nơi này. Đề nghị thử lại sau 24 giờ,'
                ' từ nơi khác, hoặc liên hệ đơn vị hỗ trợ.'
            when 'account' then 'Tài khoản này hoặc nơi này đang có quá nhiều lần nhập sai mật khẩu. Đề nghị thử lại từ nơi đã từng'
                ' đăng nhập, hoặc sau %1$s phút kể từ khi không còn ai nhập sai, hoặc liên hệ đơn vị hỗ trợ.'
            when 'account_day' then 'Trong một ngày tài khoản này bị nhập sai mật khẩu quá nhiều lần (%3$s lần) từ nhiều nơi. Đề nghị'
                ' thử lại từ nơi đã từng đăng nhập, từ mạng của cơ quan, hoặc sau 24 giờ.'
            else 'Đã nhập sai mật khẩu quá nhiều lần. Đề nghị thử lại sau %1$s phút.'
        end,
        mail.setting_int('guessing_window_minutes'),
        mail.setting_int('guessing_pair_day_failures'),
        mail.setting_int('guessing_account_day_failures')
    )
$$;

-- The owner's own change of password (Đ8.2): the only way, for every page and client. EXECUTE for mail_change alone.

-- result    changed    done; programs with the old password are cut off
--           wrong      login or present password is wrong, whichever
--           throttled  too many failures: whatever was typed was not looked at
--           locked, revoked  told to the right password only; `cause` is the reason of the lock (Đ7.2)
--           rejected   the new password is not good enough: `faults` for programs, `texts` for people
create or replace function mail.change_password(login text, old text, new text, remote_ip text)
returns table (result text, cause text, message text, faults text[], texts text[])
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    id text := mail.login_person(change_password.login);
    name text := mail.failure_login(change_password.login);
    source inet := mail.source_address(change_password.remote_ip);
    barred text := mail.sign_in_barred(name, source);
    present text;
begin
    result := 'wrong';
    faults := '{}';
    texts := '{}';
    if barred is not null then
        result := 'throttled';
    else
        -- Two changes at once: the second one sees the first.
        select c.hash into present from mail.credential c where c.mailbox_id = id for update;
        if not mail.password_matches(present, old) then
            perform mail.sign_in_failed(id, name, source, 'change', old);
        elsif mail.mailbox_state(id) in ('locked', 'revoked') then
            result := mail.mailbox_state(id);
            cause := mail.state_cause(id);
        else
            -- Where there is a second factor the password alone makes no place its owner's.
            if not mail.second_factor_on(id) then
                perform mail.sign_in_succeeded(id, source, 'change', change_password.remote_ip);
            end if;
            faults := mail.password_faults(id, new);
            texts := mail.password_fault_texts(faults);
            result := case when faults = '{}' then 'changed' else 'rejected' end;
        end if;
    end if;
    if result = 'changed' then
        perform set_config('hanam.place', change_password.remote_ip, true);
        perform mail.password_replace(id, new, false);
    end if;
    message := case result
        when 'changed' then 'Đã đổi mật khẩu.'
        when 'wrong' then 'Tên đăng nhập hoặc mật khẩu hiện tại không đúng.'
        when 'throttled' then mail.throttled_text(barred)
        when 'locked' then 'Hộp thư đang tạm khóa' || coalesce(': ' || (
            select lower(left(r.text, 1)) || substr(r.text, 2)
            from (
                select s.value -> change_password.cause ->> 'text' from mail.setting s
                where s.name = 'regulation_lock_reasons'
            ) r(text)
        ), '') || '.'
        when 'revoked' then 'Hộp thư đã bị thu hồi.'
        when 'rejected' then 'Mật khẩu mới chưa đạt yêu cầu.'
    end;
    return next;
end
$$;

-- The same with the passwords sealed under the key of the change page, as it should send them: what passes through a program's
-- or the database's log is unreadable then. AES-256-CBC, in hexadecimal, the random IV of 16 octets before the text.
create or replace function mail.change_password_sealed(login text, sealed_old text, sealed_new text, remote_ip text)
returns table (result text, cause text, message text, faults text[], texts text[])
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    select c.* from mail.change_password(
        login,
        coalesce(mail.unseal('change_key', substr(sealed_old, 33), decode(left(sealed_old, 32), 'hex')), ''),
        coalesce(mail.unseal('change_key', substr(sealed_new, 33), decode(left(sealed_new, 32), 'hex')), ''),
        remote_ip
    ) c
$$;
