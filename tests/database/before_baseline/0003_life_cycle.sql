-- What the life of a mailbox needs beside the registry's fields: absences, given passwords, sign-ins, failures, notices.

-- When an alias begins is the registry's to say; NULL there means since it was first seen (valid_from).
-- Absences an agency gave notice of (Đ7.2a, Đ6.2c): they stop the idle lock and the proposal to revoke. Owned by git.
create table mail.absence (
    mailbox_id text not null references mail.mailbox,
    begins date not null,
    ends date not null,
    request text not null,
    primary key (mailbox_id, begins),
    check (begins <= ends)
);

-- Agencies with document-management software do not send each other official documents by mail (Đ11.2).
alter table mail.agency add column document_system boolean not null default false;

-- is_default: the operator's password, not yet changed by its owner (Đ7.2d, Đ8.2a); given_at: when it was given, the
-- beginning of both clocks; handover: the sealed file it was handed over in.
alter table mail.credential
    add column is_default boolean not null default true,
    add column given_at timestamptz not null default now(),
    add column handover text;

-- Earlier passwords, so that the last N are not taken again.
create table mail.password_history (
    mailbox_id text not null references mail.mailbox,
    hash text not null,
    retired_at timestamptz not null default now(),
    primary key (mailbox_id, retired_at)
);

-- Sign-ins by day and protocol, first and last time (Đ9.2); who: the clerk's mailbox when he opened an agency's.
create table mail.sign_in (
    mailbox_id text not null references mail.mailbox,
    day date not null,
    protocol text not null,
    clerk_id text references mail.mailbox,
    first_at timestamptz not null,
    last_at timestamptz not null,
    times int not null default 1
);

create unique index sign_in_key on mail.sign_in (mailbox_id, day, protocol, clerk_id) nulls not distinct;

-- Wrong passwords (Đ4.6): by login as it was resolved (or typed, folded) and by source address. No password, no hash.
create table mail.sign_in_failure (
    at timestamptz not null default clock_timestamp(),
    login text not null,
    address inet not null,
    protocol text not null
);

create index sign_in_failure_login on mail.sign_in_failure (login, at);
create index sign_in_failure_address on mail.sign_in_failure (address, at);

-- Notices that were given, so that each is given once: warnings of locks, reminders, quota warnings. `round` tells one
-- term from the next (the day the clock began, or the percentage that was passed).
create table mail.notice (
    mailbox_id text not null references mail.mailbox,
    kind text not null,
    round text not null,
    due date not null,
    created_at timestamptz not null default now(),
    sent_at timestamptz,
    payload jsonb not null default '{}',
    primary key (mailbox_id, kind, round)
);
