-- What others report of mail in our name (DMARC, RFC 9990) and of TLS to us (RFC 8460): docs/decisions/0052-reports-of-others.md.

create table mail.report (
    seq bigint generated always as identity primary key,
    kind text not null check (kind in ('dmarc', 'tls')),
    -- The domain that sent it, as our filter proved; then what the report says of its sender.
    sender text not null check (length(sender) <= 255),
    organization text not null check (length(organization) <= 255),
    report_id text not null check (length(report_id) <= 255),
    contact text not null default '' check (length(contact) <= 255),
    begins timestamptz not null,
    ends timestamptz not null check (ends >= begins),
    received_at timestamptz not null default now(),
    -- What it saw of our record (DMARC).
    published jsonb not null default '{}',
    unique (kind, sender, organization, report_id)
);

create index report_ends on mail.report (kind, ends);
create index report_received on mail.report (received_at);

-- A line of a report on DMARC: so many messages from one address. dkim, spf: whether they prove the author's domain.
create table mail.report_dmarc (
    report bigint not null references mail.report on delete cascade,
    line int not null,
    source inet not null,
    messages bigint not null check (messages > 0),
    disposition text not null check (disposition in ('none', 'pass', 'quarantine', 'reject')),
    dkim boolean not null,
    spf boolean not null,
    header_from text not null,
    envelope_from text not null,
    envelope_to text not null,
    dkim_results jsonb not null,
    spf_results jsonb not null,
    reasons jsonb not null,
    primary key (report, line)
);

-- A policy of ours that others kept to: sessions that came about, and those that did not.
create table mail.report_tls (
    report bigint not null references mail.report on delete cascade,
    line int not null,
    policy text not null check (policy in ('sts', 'tlsa', 'no-policy-found')),
    domain text not null,
    successes bigint not null check (successes >= 0),
    failures bigint not null check (failures >= 0),
    primary key (report, line)
);

-- Why they did not, as the reporter says it.
create table mail.report_tls_failure (
    report bigint not null,
    line int not null,
    part int not null,
    failure text not null,
    sessions bigint not null check (sessions >= 0),
    sending inet,
    receiving inet,
    mx text not null,
    reason text not null,
    primary key (report, line, part),
    foreign key (report, line) references mail.report_tls on delete cascade
);

-- Letters to the addresses of reports that do not count, by day and reason. `sender`, `detail`: of the last one.
create table mail.report_refused (
    day date not null,
    reason text not null check (length(reason) <= 64),
    number bigint not null check (number > 0),
    -- Of these, what the operator knows of.
    told bigint not null default 0,
    last_at timestamptz not null,
    sender text not null check (length(sender) <= 255),
    detail text not null check (length(detail) <= 255),
    primary key (day, reason)
);

-- When the operator was told what reports say.
create table mail.report_told (at timestamptz primary key);
