-- Reports to domains on mail that was judged in their name (RFC 9990): docs/decisions/0053-reports-that-we-send.md.

-- One report: a day (of UTC) and the domain whose record of DMARC counted, as it was seen last.
create table mail.dmarc_report (
    day date not null,
    domain text not null check (length(domain) <= 253 and domain ~ '^([a-z0-9-]{1,63}[.])+[a-z0-9-]{1,63}$'),
    published jsonb not null,
    messages bigint not null default 0,
    -- How many of them are in no row, since there were too many different ones, or they came too late.
    left_out bigint not null default 0,
    -- From then on nothing is added: who gets it twice gets the same twice.
    closed_at timestamptz,
    tries int not null default 0,
    tried_at timestamptz,
    -- Addresses whose mail has taken it.
    given text[] not null default '{}',
    outcome text check (outcome in ('sent', 'none', 'failed')),
    -- Why nobody has it (yet): the words of src/hanam_mail/host/reports/outgoing_send.py.
    reason text,
    done_at timestamptz check ((done_at is null) = (outcome is null)),
    primary key (day, domain)
);
create index dmarc_report_open on mail.dmarc_report (day) where outcome is null;

-- Messages that a report tells of in the same words.
create table mail.dmarc_seen (
    day date not null,
    domain text not null,
    digest bytea not null,
    seen jsonb not null,
    messages bigint not null check (messages > 0),
    primary key (day, domain, digest),
    foreign key (day, domain) references mail.dmarc_report on delete cascade
);

-- Files of counted verdicts that were taken: each counts once, however often it is brought.
create table mail.dmarc_file (
    name text primary key check (length(name) <= 100),
    taken_at timestamptz not null default now(),
    -- Messages of which no report tells: there was no room for them on their way, or their line was damaged.
    lost bigint not null default 0
);
