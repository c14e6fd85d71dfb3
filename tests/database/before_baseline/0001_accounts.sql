-- Who exists, with what right, by which document. Identity is four things: agency, person, mailbox, address.
-- Runs as mail_owner, in a database whose time zone is the province's: dates are its days. Triggers and everything that reads or writes for another role stand in functions/, not here.

create schema mail;

-- Numbers of the regulation and facts of the installation, fed from group_vars by every deployment.
create table mail.setting (
    name text primary key,
    value jsonb not null
);

create table mail.agency (
    id text primary key check (id ~ '^[a-z0-9]{4,16}$'),
    kind text not null,
    name text not null,
    -- Deferred, so that one apply may hand a code on.
    code text not null unique deferrable initially deferred,
    suffix text not null
);

create table mail.person (
    id text primary key check (id ~ '^[a-z0-9]{4,16}$'),
    name text not null
);

create table mail.mailbox (
    -- Dovecot's user, the key of home, quota, index, backup: chosen at issue, never changed (trigger).
    id text primary key check (id ~ '^[a-z0-9]{4,16}$'),
    kind text not null check (kind in ('agency', 'office', 'person', 'guest')),
    agency_id text references mail.agency,
    -- Whose it is: NULL for an agency's or office's mailbox, which clerks open.
    person_id text references mail.person,
    name text not null,
    shard int not null,
    quota_bytes bigint not null check (quota_bytes > 0),
    -- What the documents say. What running adds (a lock, a password to change) stands in tables of its own;
    -- mail.mailbox_state() puts both together.
    state text not null check (state in ('active', 'locked', 'revoked')),
    -- The document of the last event, as git has it.
    document jsonb not null default '{}',
    -- When the contents were removed for good after a revocation.
    purged_at timestamptz,
    created_at timestamptz not null default now(),
    check ((kind in ('person', 'guest')) = (person_id is not null))
);

create index mailbox_agency on mail.mailbox (agency_id);

-- The clerks (van thu) named for an agency's or office's mailbox (Đ9.2).
create table mail.mailbox_clerk (
    mailbox_id text not null references mail.mailbox,
    clerk_id text not null references mail.mailbox,
    primary key (mailbox_id, clerk_id),
    check (mailbox_id <> clerk_id)
);

create index mailbox_clerk_clerk on mail.mailbox_clerk (clerk_id);

-- Once issued, an address never means another mailbox (Đ5.2): rows are never deleted, and never move (trigger).
create table mail.address (
    local_part text primary key check (local_part = lower(local_part) and local_part ~ '^[^\s@]{1,64}$'),
    mailbox_id text not null references mail.mailbox,
    kind text not null check (kind in ('primary', 'alias')),
    valid_from date not null default current_date,
    -- The last day on which the address receives and logs in; NULL: without end.
    valid_until date
);

create index address_mailbox on mail.address (mailbox_id);
create unique index address_primary on mail.address (mailbox_id) where kind = 'primary';

create table mail.credential (
    mailbox_id text primary key references mail.mailbox,
    -- bcrypt by pgcrypto and nothing else: crypt() falls back silently to weak DES on a form it does not know.
    hash text not null check (hash ~ '^\$2a\$[0-9]{2}\$[./A-Za-z0-9]{53}$'),
    must_change boolean not null,
    changed_at timestamptz not null default now()
);

-- A lock that running brought about: by command, by the flood limit, by a job (Đ7.2). One at a time; past ones are
-- in the audit.
create table mail.lock_state (
    mailbox_id text primary key references mail.mailbox,
    reason text not null,
    note text not null default '',
    locked_at timestamptz not null default now(),
    locked_by text not null
);

-- The last use of a mailbox by protocol. Dovecot's last_login writes it through its dict, hence seconds since 1970.
create table mail.activity (
    mailbox_id text not null references mail.mailbox,
    protocol text not null,
    last_access bigint not null,
    primary key (mailbox_id, protocol)
);

-- Every change that a daemon must hear of, numbered in the order of commit (trigger).
create table mail.outbox (
    seq bigint primary key,
    at timestamptz not null default now(),
    topic text not null,
    mailbox text,
    payload jsonb not null default '{}'
);

create sequence mail.outbox_seq owned by mail.outbox.seq;

-- How far each node's agent has come.
create table mail.agent_cursor (
    node text primary key,
    seq bigint not null,
    seen_at timestamptz not null default now()
);

-- Who changed what, when, by which commit and document. Append-only (trigger and grants).
create table mail.audit (
    seq bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor text not null,
    git_commit text,
    document text,
    database_role text not null default session_user,
    object text not null,
    key text not null,
    action text not null check (action in ('insert', 'update', 'delete')),
    before jsonb,
    after jsonb
);

create index audit_key on mail.audit (object, key, seq);
