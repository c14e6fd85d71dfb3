-- What accounts send, counted in slots of five minutes (group_vars/all/sending.yml).

-- by_login: what was sent with a mailbox's login; otherwise what was sent under an agency's or office's address. All that was
-- offered counts; of it `refused_*` was over a limit.
create table mail.sending (
    mailbox_id text not null references mail.mailbox,
    by_login boolean not null,
    slot timestamptz not null,
    messages int not null default 0,
    recipients int not null default 0,
    refused_messages int not null default 0,
    refused_recipients int not null default 0,
    viruses int not null default 0,
    primary key (mailbox_id, by_login, slot)
);
