-- The second factor and the passwords of programs (docs/decisions/0074-second-factor.md). Nobody has any at first.

-- The secret that a telephone shares, sealed under a key that the database does not have. confirmed_at: NULL while the owner was
-- shown it and has not typed a code yet; until then nothing is asked for. last_step: the newest step of time whose code was
-- used, so that none works twice.
create table mail.second_factor (
    mailbox_id text primary key references mail.mailbox,
    secret bytea not null,
    begun_at timestamptz not null default now(),
    confirmed_at timestamptz,
    last_step bigint not null default 0
);

-- Printed codes, keyed digests under the same key; each opens once.
create table mail.recovery_code (
    mailbox_id text not null references mail.second_factor on delete cascade,
    hash bytea not null,
    used_at timestamptz,
    primary key (mailbox_id, hash)
);

-- Passwords of mail programs, 100 random bits each. Those that ended stay a while: a telephone that still tries one is not guessing.
create table mail.app_password (
    number bigint generated always as identity primary key,
    mailbox_id text not null references mail.mailbox,
    hash bytea not null,
    name text not null check (length(name) between 1 and 60),
    scopes text[] not null check (scopes <> '{}' and scopes <@ '{imap,smtp}'),
    made_at timestamptz not null default now(),
    -- The last day on which it opens anything.
    ends_on date not null,
    last_at timestamptz,
    last_address inet,
    last_protocol text,
    ended_at timestamptz,
    ended_by text check (ended_by in ('owner', 'operator', 'password', 'lock', 'revocation', 'off', 'term')),
    unique (mailbox_id, hash)
);

-- Who passed both steps: the webmail's session, which signs in by it instead of the password, or a visit to the page where the
-- factor is kept.
create table mail.second_step (
    hash bytea primary key,
    mailbox_id text not null references mail.mailbox,
    door text not null check (door in ('webmail', 'page')),
    made_at timestamptz not null default now(),
    ends_at timestamptz not null,
    -- Of a visit: how often something was made in it that is shown once. Each form has the number; one sent again makes nothing.
    turn int not null default 0
);

create index second_step_mailbox on mail.second_step (mailbox_id);
create index second_step_ends on mail.second_step (ends_at);
