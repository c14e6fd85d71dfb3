-- What people report from the webmail (Đ12.8, docs/decisions/0071-reports-of-people.md).

create table mail.user_report (
    number bigint generated always as identity primary key,
    at timestamptz not null default now(),
    -- Who pressed the button. In an agency's mailbox that is its clerk, and the message lies in the agency's.
    reporter_id text not null references mail.mailbox,
    mailbox_id text not null references mail.mailbox,
    agency_id text references mail.agency,
    -- Made by the form: the same form sent twice is one report.
    token text not null check (token ~ '^[0-9a-f]{32}$'),
    kind text not null check (kind in ('spam', 'virus', 'unlawful', 'fault')),
    words text not null default '' check (length(words) <= 2000),
    -- Of the message, where there is one; what strangers wrote. `folder`: where it lay when it was reported.
    message boolean not null default false,
    folder text not null default '',
    message_id text not null default '',
    author text not null default '',
    subject text not null default '',
    -- Whether the message itself reached the operator and the agency. due: not known yet. sent. refused: not taken, for `fault`. kept: not
    -- sent on purpose (a virus). none: no message.
    attached text not null default 'none' check (attached in ('none', 'due', 'sent', 'refused', 'kept')),
    fault text not null default '',
    state text not null default 'new' check (state in ('new', 'seen', 'answered', 'closed')),
    seen_at timestamptz,
    seen_by text,
    answer text not null default '' check (length(answer) <= 4000),
    answered_at timestamptz,
    answered_by text,
    closed_at timestamptz,
    closed_by text,
    closed_reason text not null default '',
    unique (reporter_id, token)
);

create index user_report_reporter on mail.user_report (reporter_id, at);
create index user_report_open on mail.user_report (number) where state in ('new', 'seen');
create index user_report_at on mail.user_report (at);
