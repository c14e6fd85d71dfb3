-- What a password must be (Đ8.2b, and what passwords.yml of the province adds): one place, called by the owner's change and the
-- operator's reset alike. Faults are words for programs; mail.password_fault_texts says them in Vietnamese.

-- Small letters without accents, đ as d: what makes two spellings one word.
create or replace function mail.fold(plain text) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$ select replace(regexp_replace(normalize(lower(plain), nfd), '[\u0300-\u036f]', '', 'g'), 'đ', 'd') $$;

-- How many characters of the password are of a POSIX class (Unicode's: Đ is a capital letter).
create or replace function mail.count_class(plain text, class text) returns int
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select length(regexp_replace(plain, '[^[:' || class || ':]]', '', 'g')) $$;

-- Whether the password is a common word in disguise: as it stands; its letters alone (Matkhau@123); its letters after signs
-- and digits that stand for letters were read as them (P@ssw0rd1!); with the digits of the keys that signs share with them
-- (1qaz@WSX).
create or replace function mail.password_is_common(plain text) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with f as (select mail.fold(plain) as folded),
    shapes as (
        select folded as word from f
        union select regexp_replace(folded, '[^a-z]', '', 'g') from f
        union select regexp_replace(
            translate(regexp_replace(folded, '[^a-z]+$', ''), '@4013$57', 'aaoiesst'), '[^a-z]', '', 'g') from f
        union select translate(folded, '!@#$%^&*()', '1234567890') from f
    )
    select exists (select from shapes s join mail.common_password w using (word))
$$;

-- Whether the password contains one of the mailbox's addresses (local parts, ended ones too), whatever signs stand between its
-- letters here or there: nguyenvana and nguyen.van.a are one name.
create or replace function mail.password_contains_account(id text, plain text) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select from mail.address a
        cross join lateral (select regexp_replace(a.local_part, '[^a-z0-9]', '', 'g')) j(joined)
        where a.mailbox_id = password_contains_account.id and length(j.joined) > 2
            and position(j.joined in regexp_replace(mail.fold(plain), '[^a-z0-9]', '', 'g')) > 0
    )
$$;

-- Whether the password contains two neighbouring words of the owner's name, joined (nguyendung, thanhha).
create or replace function mail.password_contains_name(id text, plain text) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with words as (
        select w.word, w.position
        from mail.mailbox m, unnest(regexp_split_to_array(mail.fold(m.name), '[^a-z]+')) with ordinality w(word, position)
        where m.id = password_contains_name.id and w.word <> ''
    )
    select exists (
        select from words a join words b on b.position = a.position + 1
        where position(a.word || b.word in regexp_replace(mail.fold(plain), '[^a-z]', '', 'g')) > 0
    )
$$;

create or replace function mail.password_rule_number(rule text) returns int
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select case rule
        when 'min_length' then greatest(mail.setting_int('regulation_password_min_length'), mail.setting_int('password_min_length'))
        when 'uppercase' then mail.setting_int('regulation_password_min_uppercase')
        when 'lowercase' then mail.setting_int('regulation_password_min_lowercase')
        when 'digit' then mail.setting_int('regulation_password_min_digits')
        when 'special' then mail.setting_int('regulation_password_min_special')
        when 'max_octets' then 72
        when 'account' then mail.setting_text('password_refuse_account')::boolean::int
        when 'name' then mail.setting_text('password_refuse_name')::boolean::int
        when 'common' then mail.setting_text('password_refuse_common')::boolean::int
        when 'history' then mail.setting_int('password_history_count')
    end::int
$$;

-- Everything that is wrong with a new password for a mailbox, in the order in which it is told; empty when nothing is. The
-- history is asked last and only about a password that is right otherwise, since each comparison costs a hash.
create or replace function mail.password_faults(id text, plain text) returns text[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    candidate text := normalize(plain, nfc);
    specials text := mail.setting_text('regulation_password_special_characters');
    faults text[] := array(
        select t.fault from (values
            ('min_length', length(candidate) < mail.password_rule_number('min_length')),
            ('uppercase', mail.count_class(candidate, 'upper') < mail.password_rule_number('uppercase')),
            ('lowercase', mail.count_class(candidate, 'lower') < mail.password_rule_number('lowercase')),
            ('digit', mail.count_class(candidate, 'digit') < mail.password_rule_number('digit')),
            ('special', length(candidate) - length(translate(candidate, specials, ''))
                < mail.password_rule_number('special')),
            ('max_octets', octet_length(candidate) > mail.password_rule_number('max_octets')),
            ('control', candidate ~ '[[:cntrl:]]'),
            ('account', mail.password_rule_number('account') > 0 and mail.password_contains_account(id, candidate)),
            ('name', mail.password_rule_number('name') > 0 and mail.password_contains_name(id, candidate)),
            ('common', mail.password_rule_number('common') > 0 and mail.password_is_common(candidate))
        ) t(fault, found)
        where t.found
    );
begin
    if faults <> '{}' then
        return faults;
    end if;
    if exists (
        select from mail.credential c
        where c.mailbox_id = password_faults.id and mail.password_is(c.hash, candidate)
    ) then
        return '{same}';
    end if;
    if exists (
        select from (
            select h.hash from mail.password_history h where h.mailbox_id = password_faults.id
            order by h.retired_at desc limit mail.password_rule_number('history')
        ) h
        where mail.password_is(h.hash, candidate)
    ) then
        return '{history}';
    end if;
    return '{}';
end
$$;

-- Each fault, or rule, in Vietnamese: what the password has to be.
create or replace function mail.password_fault_texts(faults text[]) returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select array(
        select case f.fault
            when 'min_length' then format('phải có ít nhất %s ký tự', n.number)
            when 'uppercase' then format('phải có ít nhất %s chữ in hoa', n.number)
            when 'lowercase' then format('phải có ít nhất %s chữ thường', n.number)
            when 'digit' then format('phải có ít nhất %s chữ số', n.number)
            when 'special' then format(
                'phải có ít nhất %s ký tự đặc biệt trong các ký tự %s', n.number,
                regexp_replace(mail.setting_text('regulation_password_special_characters'), '(.)(?=.)', '\1 ', 'g'))
            when 'max_octets' then format('không được dài quá %s byte (chữ có dấu dài hơn một byte)', n.number)
            when 'control' then 'không được chứa ký tự điều khiển (như phím Tab)'
            when 'account' then 'không được chứa tên tài khoản (phần trước @ của địa chỉ thư)'
            when 'name' then 'không được chứa họ tên của người dùng'
            when 'common' then 'không được là mật khẩu phổ biến, dễ đoán'
            when 'same' then 'phải khác mật khẩu hiện tại'
            when 'history' then format('không được trùng với %s mật khẩu đã dùng gần nhất', n.number)
        end
        from unnest(faults) with ordinality f(fault, position), mail.password_rule_number(f.fault) n(number)
        order by f.position
    )
$$;

-- The rules in force, for a page that shows them while somebody types: key, number, text. The special characters are the
-- text of the key special_characters.
create or replace function mail.password_rules() returns table (rule text, number int, description text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select r.rule, mail.password_rule_number(r.rule), (mail.password_fault_texts(array[r.rule]))[1]
    from unnest(array[
        'min_length', 'uppercase', 'lowercase', 'digit', 'special', 'max_octets', 'account', 'name', 'common', 'history'
    ]) with ordinality r(rule, position)
    where mail.password_rule_number(r.rule) > 0
    union all
    select 'special_characters', null, mail.setting_text('regulation_password_special_characters')
$$;
