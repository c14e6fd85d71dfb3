-- Letters that leave at an hour which their writer chose (docs/decisions/0080-scheduled-sending.md).

-- The letter itself lies in a folder of the mailbox, and is known here by its place there: what an IMAP server once gave a number to it never
-- changes. `login` is the webmail's user who chose the hour: a mailbox, or agency*clerk; `sender_id` is the person.
create table mail.scheduled (
    number bigint generated always as identity primary key,
    login text not null,
    mailbox_id text not null references mail.mailbox,
    sender_id text not null references mail.mailbox,
    validity bigint not null,
    uid bigint not null,
    due timestamptz not null,
    -- Whether its writer asked to be told of the delivery.
    dsn boolean not null default false,
    made_at timestamptz not null default now(),
    -- waiting. taken: on its way to the mail server, nothing handed over yet. sending: the last line is being said; who is interrupted there
    -- leaves a doubt. sent. stopped: not sent, for `reason`. doubt: nobody knows. cancelled: by its writer.
    state text not null default 'waiting'
        check (state in ('waiting', 'taken', 'sending', 'sent', 'stopped', 'doubt', 'cancelled')),
    reason text,
    -- The mail server's words.
    detail text,
    tries int not null default 0,
    next_try timestamptz not null default now(),
    -- What the service signs in with, as a digest, while it has this letter in hand.
    word_hash bytea,
    word_ends timestamptz,
    taken_at timestamptz,
    ended_at timestamptz,
    queued_as text,
    -- When it was put among what was sent.
    filed_at timestamptz,
    unique (mailbox_id, validity, uid)
);

create index scheduled_due on mail.scheduled (due) where state = 'waiting';
create index scheduled_unfiled on mail.scheduled (next_try) where state = 'sent' and filed_at is null;
create index scheduled_hand on mail.scheduled (sender_id) where word_hash is not null;
