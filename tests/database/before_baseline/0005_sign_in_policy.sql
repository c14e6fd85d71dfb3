-- What the decision of a sign-in and the policy of passwords need beside failures and history.

-- automatic: a job or the flood limit locked, nobody judged; it may be lifted by a correction. document: the paper that
-- asked for the lock, NULL for one in an emergency.
alter table mail.lock_state
    add column automatic boolean not null default false,
    add column document text;

-- Who made sure of the owner's identity when a password was given (Đ7.3, Đ12.3).
alter table mail.credential add column verified text;

-- Words that a password must not be made of, folded (data/common_passwords.txt, loaded by migrate).
create table mail.common_password (word text primary key);

-- Where a mailbox's owner signed in from of late: there neither strangers' failures shut him out.
create table mail.sign_in_address (
    mailbox_id text not null references mail.mailbox,
    address inet not null,
    first_at timestamptz not null default now(),
    last_at timestamptz not null default now(),
    primary key (mailbox_id, address)
);

create index sign_in_address_last on mail.sign_in_address (last_at);
create index sign_in_failure_at on mail.sign_in_failure (at);

-- Each time a limit of failures was reached (Đ4.6): for reports and the operator. login as in sign_in_failure, NULL where a
-- source address reached its own; address NULL where an account reached its own.
create table mail.sign_in_lockout (
    seq bigint generated always as identity primary key,
    at timestamptz not null default now(),
    kind text not null check (kind in ('pair', 'account', 'account_day', 'address')),
    login text,
    mailbox_id text references mail.mailbox,
    address inet,
    failures int not null
);

create index sign_in_lockout_at on mail.sign_in_lockout (at);
