-- First passwords, made and hashed beside the database (docs/decisions/0014-first-passwords-and-handover.md): what comes here
-- is hashes, never a password. The column's CHECK admits the forms of 0013_argon2id.sql alone.

-- Gives each mailbox of `ids` the hash at the same place of `hashes`, to be changed at the first sign-in (Đ8.2a); both clocks
-- of Đ7.2 begin. What it replaces goes into the history. `file` is the sealed handover file, by name.
create or replace function mail.first_passwords_give(ids text[], hashes text[], file text) returns int
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    given int;
begin
    insert into mail.handover (file) values (first_passwords_give.file);
    insert into mail.password_history (mailbox_id, hash, retired_at)
    select c.mailbox_id, c.hash, clock_timestamp() from mail.credential c where c.mailbox_id = any (ids);
    insert into mail.credential as c (mailbox_id, hash, must_change, is_default, handover)
    select n.id, n.hash, true, true, first_passwords_give.file
    from unnest(ids, hashes) n(id, hash)
    on conflict (mailbox_id) do update
        set hash = excluded.hash, must_change = true, is_default = true, changed_at = now(), given_at = now(),
            handover = excluded.handover, verified = null;
    get diagnostics given = row_count;
    return given;
end
$$;
