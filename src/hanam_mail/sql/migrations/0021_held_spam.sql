-- Spam that is held for its receivers (docs/decisions/0066-held-mail-and-its-receivers.md).

alter table mail.held_message
    -- The filter's score, of spam alone.
    add column score real,
    -- What is let go of spam teaches the filter that it is none. due: not yet. given, missed: the end.
    add column lesson text check (lesson in ('due', 'given', 'missed')),
    add column lesson_since timestamptz,
    add column lesson_next timestamptz;

alter table mail.held_recipient
    -- By which links name this copy.
    add column number bigint generated always as identity unique,
    -- Whose copy it is, where that is one of our mailboxes.
    add column mailbox_id text references mail.mailbox,
    -- The day of the letter that told the receiver of it.
    add column digest date;

create index held_recipient_mailbox on mail.held_recipient (mailbox_id, digest);
create index held_recipient_untold on mail.held_recipient (mailbox_id) where state = 'held' and digest is null;
create index held_message_lesson on mail.held_message (id) where lesson = 'due';
-- The service asks every two seconds, while thousands may wait.
drop index mail.held_message_file;
create index held_message_erasable on mail.held_message (id) where decided_at is not null and erased_at is null;
