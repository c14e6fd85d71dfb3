-- The telephone number under a person's or an agency's messages (docs/decisions/0072-writing.md), in the form of entries.py; '' for nothing
-- said. Personal: mail.webmail_signature alone gives it to the webmail, no list does.
alter table mail.mailbox add column phone text not null default '' constraint mailbox_phone check (
    phone = '' or (
        kind <> 'guest' and length(phone) <= 40
        and phone ~ '^((\(?[01]|\(?\+[1-9])(( | ?[-.(] ?|\)( | ?[-.] ?)?)?[0-9]){5,14}\)?( máy lẻ [0-9]{1,6})?)$'
    )
);

-- It answers with the telephone as well (85_writing.sql).
drop function if exists mail.webmail_signature(text);
