-- Sealed files of first passwords that were completed: written in the transaction that gives the passwords, after the file
-- is on the disk. A file that no row names is what an interrupted run left; its passwords open nothing.
create table mail.handover (
    file text primary key check (file ~ '^[A-Za-z0-9-]+\.age$'),
    made_at timestamptz not null default now(),
    made_by text not null,
    mailboxes int not null check (mailboxes > 0)
);
