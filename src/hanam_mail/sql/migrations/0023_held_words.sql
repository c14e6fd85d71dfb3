-- Links in letters about held spam are of those who open the mailbox now (docs/decisions/0066-held-mail-and-its-receivers.md): former ones mean
-- nothing any more, and a letter marks only what it names. What waits comes again in the next letters.
update mail.held_recipient r set digest = null where r.state = 'held' and r.digest is not null;

-- What strangers wrote is read when a letter goes, and stands in their messages alone.
update mail.notice n set payload = n.payload - 'author' - 'files' where n.kind = 'held_received';

-- What has lost its file teaches nothing, and is forgotten in its time.
update mail.held_message h set lesson = 'missed' where h.failure = 'lost' and h.lesson = 'due';
