-- Lockouts that are told to the operator and lifted by him, sign-ins by half-day, an outbox that is pruned.

-- pair_day: the daily limit of one source for one account. announced_at: when the operator was told; lifted_*: by whom a
-- lockout was ended before its time.
alter table mail.sign_in_lockout
    drop constraint sign_in_lockout_kind_check,
    add check (kind in ('pair', 'pair_day', 'account', 'account_day', 'address')),
    add column announced_at timestamptz,
    add column lifted_at timestamptz,
    add column lifted_by text;
update mail.sign_in_lockout set announced_at = at;
create index sign_in_lockout_waiting on mail.sign_in_lockout (at) where announced_at is null;

-- A name without a mailbox may be a password typed into the wrong field: from now on a keyed digest stands for it. What was
-- kept as typed goes.
delete from mail.sign_in_failure f where not exists (select from mail.mailbox m where m.id = f.login);
delete from mail.sign_in_lockout o
where o.login is not null and not exists (select from mail.mailbox m where m.id = o.login);
delete from mail.outbox o where o.topic = 'sign_in.lockout' and o.mailbox is null;

-- The half of the day (Đ9.2): 0 before the afternoon begins (life_cycle_afternoon_begins), 1 from then on. Of a row from
-- before that spans both only the first sign-in is sure.
alter table mail.sign_in add column half smallint not null default 0 check (half in (0, 1));
update mail.sign_in set half = 1 where first_at::time >= '12:00';
drop index mail.sign_in_key;
create unique index sign_in_key on mail.sign_in (mailbox_id, day, half, protocol, clerk_id) nulls not distinct;

-- Up to where the outbox was pruned: an agent that comes back with a cursor before it makes its daemons forget everything.
create table mail.outbox_pruned (
    one boolean primary key default true check (one),
    seq bigint not null
);
create index outbox_at on mail.outbox (at);

-- These have one argument more now; the old ones must not stay beside them.
drop function if exists mail.passwords_expire(timestamptz);
drop function if exists mail.idle_since(date);
drop function if exists mail.life_cycle_due(date);
drop function if exists mail.life_cycle(date);
