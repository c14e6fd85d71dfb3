-- Passwords are hashed with argon2id; bcrypt's hashes stay until their owner's next sign-in (docs/decisions/0040-argon2id.md).

-- Two forms and nothing else: crypt() falls back silently to weak DES on a form it does not know, and argon2id's hash says itself
-- what looking at it costs: here at most 97 MiB and 9 passes, and one lane.
create domain mail.stored_hash as text check (
    value ~ '^\$argon2id\$v=19\$m=[1-9][0-9]{0,4},t=[1-9],p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$'
    or value ~ '^\$2a\$(0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}$'
);
alter table mail.credential drop constraint credential_hash_check, alter column hash type mail.stored_hash;
alter table mail.password_history alter column hash type mail.stored_hash;

-- The highest cost of bcrypt that is still there: each refusal asks for it (mail.password_pretend).
create index credential_bcrypt on mail.credential (substr(hash, 5, 2)) where hash like '$2a$%';
