-- Open sessions of the webmail, as their person sees and ends them (docs/decisions/0086-where-signed-in.md).

-- hash: of the word that the session alone knows. opened_id: the mailbox that it opened, its person's own or an agency's.
create table mail.webmail_visit (
    hash bytea primary key,
    mailbox_id text not null references mail.mailbox,
    opened_id text not null references mail.mailbox,
    begun_at timestamptz not null default now(),
    -- Whatever it asked last, its page by itself too; and what its person did last.
    seen_at timestamptz not null default now(),
    used_at timestamptz not null default now(),
    address inet,
    -- The browser and its system, in words.
    program text not null check (length(program) <= 60),
    -- By its person, from another session: at its next click it is over.
    ended_at timestamptz
);

create index webmail_visit_mailbox on mail.webmail_visit (mailbox_id);
-- Of the nightly job, which forgets.
create index webmail_visit_seen on mail.webmail_visit (seen_at);
