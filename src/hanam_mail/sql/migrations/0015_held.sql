-- Messages that the filter has held back until somebody decides (docs/decisions/0050-quarantine.md). The octets are a file on the
-- quarantine's host; here stands what is known of them, and what becomes of each receiver's copy.

create table mail.held_message (
    id bigint generated always as identity primary key,
    -- The name of its file: made of the queue's number, the sender and the octets, so that a message that is handed over again is
    -- this one.
    file text not null unique check (file ~ '^[0-9a-f]{32}$'),
    queue_id text not null,
    sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
    -- What the envelope says: the sender's address, '' for none, and what else the next server is told (8 bits, notices asked for).
    sender text not null,
    envelope jsonb not null default '{}',
    -- Why it was held: a row of held_kinds (filtering.yml), and the filter's own words.
    kind text not null check (kind ~ '^[a-z][a-z-]{0,31}$'),
    reason text not null,
    -- Who had signed in, where that is known, and whose the message is: his who signed in, else the sender's.
    login text references mail.mailbox,
    mailbox_id text references mail.mailbox,
    subject text not null,
    author text not null,
    message_id text not null,
    octets bigint not null check (octets >= 0),
    arrived_at timestamptz not null,
    -- When the operator was last told of it: NULL while there is something that he does not know.
    told_at timestamptz,
    -- Since when nobody's copy waits any more, and since when the file is gone.
    decided_at timestamptz,
    erased_at timestamptz,
    -- Of what is to go out: how often it was tried, when again, and what was wrong last.
    tries int not null default 0,
    next_try timestamptz not null default now(),
    failure text
);

create index held_message_mailbox on mail.held_message (mailbox_id);
create index held_message_waits on mail.held_message (id) where decided_at is null;
create index held_message_file on mail.held_message (id) where erased_at is null;

create table mail.held_recipient (
    message_id bigint not null references mail.held_message on delete cascade,
    address text not null check (address <> ''),
    -- held: nobody decided. releasing: it is to go out. sending: it is on its way at this moment. doubt: whether it went out was
    -- not answered, and nobody sends it again by himself. released, dropped: the end.
    state text not null default 'held' check (state in ('held', 'releasing', 'sending', 'doubt', 'released', 'dropped')),
    -- What the sender asked for about this receiver: {"notify", "orcpt"} (RFC 3461).
    dsn jsonb not null default '{}',
    -- Who decided, when, by which document, why.
    changed_at timestamptz not null default now(),
    changed_by text,
    document text,
    reason text,
    -- The queue's number under which it went out, or why it could not.
    queued_as text,
    failure text,
    primary key (message_id, address)
);

create index held_recipient_releasing on mail.held_recipient (message_id) where state = 'releasing';
