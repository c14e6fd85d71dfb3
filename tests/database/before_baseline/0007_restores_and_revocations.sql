-- What a restore by command and a revocation leave behind, so that neither rests on what a file in git says of the day.

-- When the mailbox was closed here: its data are kept so long from then, whatever day the document bears (trigger).
-- A restore by command whose event the registry has not had yet: {"document", "on"}. Apply must not restore again (Đ7.3).
alter table mail.mailbox
    add column revoked_at timestamptz,
    add column restored_by_command jsonb;

update mail.mailbox m set revoked_at = coalesce(
    (select max(a.at) from mail.audit a where a.object = 'mailbox' and a.key = m.id and a.after ->> 'state' = 'revoked'),
    now()
)
where m.state = 'revoked';

-- It asks now whether the lock was a person's; functions/ makes it anew.
drop function if exists mail.mailbox_correct(text, text);
