-- Links in letters about held spam are of those who open the mailbox now (docs/decisions/0066-held-mail-and-its-receivers.md): former ones mean
-- nothing any more, and what waits comes again in the next letter.
update mail.held_recipient r set digest = null
where r.state = 'held' and exists (
    select from mail.notice n
    where n.mailbox_id = r.mailbox_id and n.kind = 'held_digest' and n.round = r.digest::text and n.sent_at is not null);

-- What strangers wrote is read when a letter goes, and stands in their messages alone.
update mail.notice n set payload = n.payload - 'author' - 'files' where n.kind = 'held_received';

-- What has lost its file teaches nothing, and is forgotten in its time.
update mail.held_message h set lesson = 'missed' where h.failure = 'lost' and h.lesson = 'due';
