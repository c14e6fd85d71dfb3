-- What the life-cycle jobs keep: when a lock was lifted, sign-ins as Dovecot reports them, notices that wait.

-- When a lock was last lifted or a restoring document applied: both clocks of Đ7.2 start anew then.
alter table mail.mailbox add column restored_at timestamptz;

-- Dovecot's last_login writes through its dict, which knows tables and upserts only. A trigger turns each row into
-- mail.activity and mail.sign_in and keeps none, so the table is always empty.
create table mail.sign_in_feed (
    mailbox text not null,
    protocol text not null,
    login text not null,
    at bigint not null,
    primary key (mailbox, protocol, login)
);

-- Why a notice could not be sent when it was last tried; NULL once it was.
alter table mail.notice add column failure text;
create index notice_waiting on mail.notice (created_at) where sent_at is null;
