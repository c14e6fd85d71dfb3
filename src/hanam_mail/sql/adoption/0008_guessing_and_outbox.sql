-- From the eighth of the former migrations to the last of them (schema.py, BEFORE): what 0009 to 0011 were.

-- Dovecot is told a mailbox's own addresses: the function answers more columns now.
drop function if exists mail.dovecot_userdb(text);

-- What accounts send, counted in slots of five minutes (group_vars/hanam/sending.yml).

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

-- What a person is in the agency (Chức vụ), published beside the address (Đ11.5). Owned by git; '' for nothing said.
-- The form is that of entries.py: letters with all their marks in them, digits and signs of Vietnamese text, as one line.
alter table mail.mailbox add column post text not null default '' constraint mailbox_post check (
    post = '' or (
        kind = 'person'
        and post ~ '^[ -~\u00a1-\u00ac\u00ae-\u024f\u1e00-\u1eff\u2010-\u2015\u2018-\u201f\u2026]{1,200}$'
        and post = btrim(post) and position('  ' in post) = 0
    )
);
