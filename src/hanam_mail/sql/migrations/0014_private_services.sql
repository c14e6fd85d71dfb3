-- Mail of social networks and shops to official mailboxes (Đ4.4, Đ12.5), counted by day. What it says is kept nowhere.

create table mail.private_service_mail (
    day date not null,
    mailbox_id text not null references mail.mailbox,
    -- The domain of the operator's list.
    service text not null check (length(service) between 1 and 253),
    messages int not null check (messages > 0),
    primary key (day, mailbox_id, service)
);
