-- Private providers that fetch official mailboxes (Đ4.5): docs/decisions/0036-forwarding.md.

-- By which protocols somebody came from there, the webmail apart; and the whole address where `address` stands for an IPv6 network.
alter table mail.sign_in_address add column protocols text[] not null default '{}', add column client inet;

-- What DNS calls the sources of sign-ins, as they are counted. Only names whose address it is (forward-confirmed).
create table mail.source_name (
    address inet primary key,
    names text[] not null default '{}',
    -- When DNS last said, and when it was last asked in vain.
    looked_at timestamptz,
    tried_at timestamptz
);

-- Providers that signed in to a mailbox. A sign-in that Dovecot remembers is not asked about: these are no counts of all of them.
create table mail.collector_use (
    seq bigint generated always as identity unique,
    day date not null,
    mailbox_id text not null references mail.mailbox,
    -- The key of the operator's list, and what people call it.
    provider text not null check (length(provider) between 1 and 64),
    name text not null,
    address inet not null,
    protocols text[] not null,
    refused int not null default 0 check (refused >= 0),
    -- Dovecot may go on refusing it by memory.
    remembered boolean not null default false,
    -- When the operator was told.
    told_at timestamptz,
    primary key (day, mailbox_id, provider, address)
);

create index collector_use_mailbox on mail.collector_use (mailbox_id, provider);
create index collector_use_remembered on mail.collector_use (mailbox_id) where remembered;
