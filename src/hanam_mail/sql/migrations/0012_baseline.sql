-- Who exists, with what right, by which document. Identity is three things: agency, mailbox, address.
-- Runs as mail_owner, in a database whose time zone is the province's: dates are its days. Triggers and everything that
-- reads or writes for another role stand in functions/, not here.

create schema mail;

-- --- What the deployment brings ---

-- Numbers of the regulation and facts of the installation, fed from group_vars by every deployment.
create table mail.setting (
    name text primary key,
    value jsonb not null
);

-- Keys that functions need and nobody else may read; not audited, or their values would be.
create table mail.secret (
    name text primary key,
    value bytea not null
);

-- Words that a password must not be made of, folded (data/common_passwords.txt).
create table mail.common_password (word text primary key);

-- --- What git says ---

create table mail.agency (
    id text primary key check (id ~ '^[a-z0-9]{4,16}$'),
    kind text not null,
    name text not null,
    -- Deferred, so that one apply may hand a code on.
    code text not null unique deferrable initially deferred,
    -- Agencies with document-management software do not send each other official documents by mail (Đ11.2).
    document_system boolean not null default false
);

create table mail.mailbox (
    -- Dovecot's user, the key of home, quota, index, backup: chosen at issue, never changed (trigger).
    id text primary key check (id ~ '^[a-z0-9]{4,16}$'),
    -- Those of an agency and an office are opened by clerks and have no password of their own.
    kind text not null check (kind in ('agency', 'office', 'person', 'guest')),
    agency_id text references mail.agency,
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
    -- When a lock was last lifted or a restoring document applied: both clocks of Đ7.2 start anew then.
    restored_at timestamptz,
    -- When the mailbox was closed here: its data are kept so long from then, whatever day the document bears (trigger).
    revoked_at timestamptz,
    -- A restore by command whose event the registry has not had yet: {"document", "on"}. Apply must not restore again (Đ7.3).
    restored_by_command jsonb,
    -- What a person is in the agency (Chức vụ), published beside the address (Đ11.5); '' for nothing said. The form is that of
    -- entries.py: letters with all their marks in them, digits and signs of Vietnamese text, as one line.
    post text not null default '' constraint mailbox_post check (
        post = '' or (
            kind = 'person'
            and post ~ '^[ -~\u00a1-\u00ac\u00ae-\u024f\u1e00-\u1eff\u2010-\u2015\u2018-\u201f\u2026]{1,200}$'
            and post = btrim(post) and position('  ' in post) = 0
        )
    )
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
    -- When an alias begins is the registry's to say; where it says nothing, since it was first seen.
    valid_from date not null default current_date,
    -- The last day on which the address receives and logs in; NULL: without end.
    valid_until date
);

create index address_mailbox on mail.address (mailbox_id);
create unique index address_primary on mail.address (mailbox_id) where kind = 'primary';

-- Absences an agency gave notice of (Đ7.2a, Đ6.2c): they stop the idle lock and the proposal to revoke.
create table mail.absence (
    mailbox_id text not null references mail.mailbox,
    begins date not null,
    ends date not null,
    request text not null,
    primary key (mailbox_id, begins),
    check (begins <= ends)
);

-- --- Passwords ---

create table mail.credential (
    mailbox_id text primary key references mail.mailbox,
    -- bcrypt by pgcrypto and nothing else: crypt() falls back silently to weak DES on a form it does not know.
    hash text not null check (hash ~ '^\$2a\$[0-9]{2}\$[./A-Za-z0-9]{53}$'),
    must_change boolean not null,
    changed_at timestamptz not null default now(),
    -- The operator's password, not yet changed by its owner (Đ7.2d, Đ8.2a).
    is_default boolean not null default true,
    -- When it was given: the beginning of both clocks.
    given_at timestamptz not null default now(),
    -- The sealed file it was handed over in.
    handover text,
    -- Who made sure of the owner's identity when a password was given (Đ7.3, Đ12.3).
    verified text
);

-- Earlier passwords, so that the last N are not taken again.
create table mail.password_history (
    mailbox_id text not null references mail.mailbox,
    hash text not null,
    retired_at timestamptz not null default now(),
    primary key (mailbox_id, retired_at)
);

-- Sealed files of first passwords that were completed: written in the transaction that gives the passwords, after the file
-- is on the disk. A file that no row names is what an interrupted run left; its passwords open nothing.
create table mail.handover (
    file text primary key check (file ~ '^[A-Za-z0-9-]+\.age$'),
    made_at timestamptz not null default now(),
    made_by text not null,
    mailboxes int not null check (mailboxes > 0)
);

-- --- What running brings ---

-- A lock that running brought about: by command, by the flood limit, by a job (Đ7.2). One at a time; past ones are
-- in the audit.
create table mail.lock_state (
    mailbox_id text primary key references mail.mailbox,
    reason text not null,
    note text not null default '',
    locked_at timestamptz not null default now(),
    locked_by text not null,
    -- A job or the flood limit locked, nobody judged: it may be lifted by a correction.
    automatic boolean not null default false,
    -- The document that asked for the lock, NULL for one in an emergency.
    document text
);

-- The last use of a mailbox by protocol, in seconds since 1970, as Dovecot's last_login counts.
create table mail.activity (
    mailbox_id text not null references mail.mailbox,
    protocol text not null,
    last_access bigint not null,
    primary key (mailbox_id, protocol)
);

-- Dovecot's last_login writes through its dict, which knows tables and upserts only. A trigger turns each row into
-- mail.activity and mail.sign_in and keeps none, so the table is always empty.
create table mail.sign_in_feed (
    mailbox text not null,
    protocol text not null,
    login text not null,
    at bigint not null,
    primary key (mailbox, protocol, login)
);

-- Sign-ins by half-day and protocol, first and last time (Đ9.2).
create table mail.sign_in (
    mailbox_id text not null references mail.mailbox,
    day date not null,
    protocol text not null,
    -- The clerk's mailbox when he opened an agency's.
    clerk_id text references mail.mailbox,
    first_at timestamptz not null,
    last_at timestamptz not null,
    times int not null default 1,
    -- 0 before the afternoon begins (life_cycle_afternoon_begins), 1 from then on.
    half smallint not null default 0 check (half in (0, 1))
);

create unique index sign_in_key on mail.sign_in (mailbox_id, day, half, protocol, clerk_id) nulls not distinct;

-- Where a mailbox's owner signed in from of late: there neither strangers' failures shut him out.
create table mail.sign_in_address (
    mailbox_id text not null references mail.mailbox,
    address inet not null,
    first_at timestamptz not null default now(),
    last_at timestamptz not null default now(),
    primary key (mailbox_id, address)
);

create index sign_in_address_last on mail.sign_in_address (last_at);

-- Wrong passwords (Đ4.6): by mailbox and by source address. A name without a mailbox may be a password typed into the wrong
-- field: a keyed digest stands for it. No password, no hash.
create table mail.sign_in_failure (
    at timestamptz not null default clock_timestamp(),
    login text not null,
    address inet not null,
    protocol text not null
);

create index sign_in_failure_login on mail.sign_in_failure (login, at);
create index sign_in_failure_address on mail.sign_in_failure (address, at);
create index sign_in_failure_at on mail.sign_in_failure (at);

-- Each time a limit of failures was reached (Đ4.6): for reports and the operator. login as in sign_in_failure, NULL where a
-- source address reached its own; address NULL where an account reached its own.
create table mail.sign_in_lockout (
    seq bigint generated always as identity primary key,
    at timestamptz not null default now(),
    -- pair_day: the daily limit of one source for one account.
    kind text not null check (kind in ('pair', 'pair_day', 'account', 'account_day', 'address')),
    login text,
    mailbox_id text references mail.mailbox,
    address inet,
    failures int not null,
    -- When the operator was told.
    announced_at timestamptz,
    -- By whom a lockout was ended before its time.
    lifted_at timestamptz,
    lifted_by text
);

create index sign_in_lockout_at on mail.sign_in_lockout (at);
create index sign_in_lockout_waiting on mail.sign_in_lockout (at) where announced_at is null;

-- What accounts send, counted in slots of five minutes (sending.yml of the province).
create table mail.sending (
    mailbox_id text not null references mail.mailbox,
    -- What was sent with a mailbox's login; otherwise what was sent under an agency's or office's address.
    by_login boolean not null,
    slot timestamptz not null,
    -- All that was offered counts; of it `refused_*` was over a limit.
    messages int not null default 0,
    recipients int not null default 0,
    refused_messages int not null default 0,
    refused_recipients int not null default 0,
    viruses int not null default 0,
    primary key (mailbox_id, by_login, slot)
);

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
    -- Why it could not be sent when it was last tried; NULL once it was.
    failure text,
    primary key (mailbox_id, kind, round)
);

create index notice_waiting on mail.notice (created_at) where sent_at is null;

-- --- What daemons must hear of ---

-- Every change that a daemon must hear of, numbered in the order of commit (trigger).
create table mail.outbox (
    seq bigint primary key,
    at timestamptz not null default now(),
    topic text not null,
    mailbox text,
    payload jsonb not null default '{}'
);

create sequence mail.outbox_seq owned by mail.outbox.seq;
create index outbox_at on mail.outbox (at);

-- Up to where the outbox was pruned: an agent that comes back with a cursor before it makes its daemons forget everything.
create table mail.outbox_pruned (
    one boolean primary key default true check (one),
    seq bigint not null
);

-- How far each node's agent has come.
create table mail.agent_cursor (
    node text primary key,
    seq bigint not null,
    seen_at timestamptz not null default now()
);

-- --- Audit ---

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
