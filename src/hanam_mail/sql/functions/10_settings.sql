-- Reading what the deployment set. Missing settings are errors: a login must not go by a guessed number.

create or replace function mail.setting_text(name text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    result text;
begin
    select s.value #>> '{}' into result from mail.setting s where s.name = setting_text.name;
    if result is null then
        raise exception 'thiếu tham số % trong bảng mail.setting', name using errcode = 'undefined_parameter';
    end if;
    return result;
end
$$;

create or replace function mail.setting_int(name text) returns bigint
language sql stable
set search_path = pg_catalog, pg_temp
as $$ select mail.setting_text(name)::bigint $$;
