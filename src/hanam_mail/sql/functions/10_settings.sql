-- Reading what the deployment set. Missing settings are errors: a login must not go by a guessed number.
--
-- What a sign-in or a message calls is PL/pgSQL, which keeps its plans for the session. A function in SQL is parsed and planned
-- anew in every statement that calls it: of the 20 in a sign-in that came to 2 ms (docs/decisions/0024-login-storm.md).

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
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return mail.setting_text(name)::bigint;
end
$$;
