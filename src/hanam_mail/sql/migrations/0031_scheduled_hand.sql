-- What the service itself leaves in Dovecot's and Postfix's notes of use while it sends at a chosen hour (docs/decisions/0080-scheduled-sending.md):
-- so many notes that are to come and count for nobody. Each is taken off by one note; one that never came is forgotten soon.
create table mail.scheduled_use (
    number bigint not null references mail.scheduled on delete cascade,
    mailbox_id text not null,
    protocol text not null,
    -- Whose use it would be: of an agency's mailbox the clerk's.
    person_id text not null,
    ends timestamptz not null
);

create index scheduled_use_mailbox on mail.scheduled_use (mailbox_id, protocol);

-- Whoever tells of a letter shows the word by which he has it in hand, and a word opens from the service's host alone.
drop function if exists mail.scheduled_sending(bigint);
drop function if exists mail.scheduled_result(bigint, text, text);
drop function if exists mail.scheduled_word(text, text, text);
drop function if exists mail.scheduled_in_hand(text);
