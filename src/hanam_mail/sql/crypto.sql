-- argon2id for passwords, which pgcrypto does not know: Crypt::Argon2 of Debian, in PL/Perl (docs/decisions/0040-argon2id.md).
-- Run by the superuser, in the schema that only mail_owner may use: nobody else writes Perl, and the untrusted language, which
-- could read files and run programs, does not exist.

revoke usage on language plperl from public;

-- The form that is stored: $argon2id$v=19$m=<KiB>,t=<passes>,p=1$<salt>$<hash>. One lane: more would be threads, which a process
-- of PostgreSQL must not have. The module is in the interpreter from the start (plperl.on_init): code in here can load none.
create or replace function mail_crypto.argon2id(password bytea, salt bytea, memory int, passes int) returns text
language plperl volatile strict
set search_path = pg_catalog, pg_temp
as $$
    my ($password, $salt, $memory, $passes) = @_;
    return Crypt::Argon2::argon2id_pass(decode_bytea($password), decode_bytea($salt), $passes, "${memory}k", 1, 32);
$$;

-- Whether that is the hash of the password. What it costs stands in the hash, which is bounded where it is stored.
create or replace function mail_crypto.argon2id_matches(hash text, password bytea) returns boolean
language plperl volatile strict
set search_path = pg_catalog, pg_temp
as $$
    my ($hash, $password) = @_;
    return Crypt::Argon2::argon2id_verify($hash, decode_bytea($password)) ? 't' : 'f';
$$;

revoke all on function mail_crypto.argon2id(bytea, bytea, int, int), mail_crypto.argon2id_matches(text, bytea) from public;
grant execute on function mail_crypto.argon2id(bytea, bytea, int, int), mail_crypto.argon2id_matches(text, bytea) to mail_owner;
