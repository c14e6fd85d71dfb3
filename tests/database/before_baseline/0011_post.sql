-- What a person is in the agency (Chức vụ), published beside the address (Đ11.5). Owned by git; '' for nothing said.

-- The form is that of entries.py: letters with all their marks in them, digits and signs of Vietnamese text, as one line.
alter table mail.mailbox add column post text not null default '' constraint mailbox_post check (
    post = '' or (
        kind = 'person'
        and post ~ '^[ -~\u00a1-\u00ac\u00ae-\u024f\u1e00-\u1eff\u2010-\u2015\u2018-\u201f\u2026]{1,200}$'
        and post = btrim(post) and position('  ' in post) = 0
    )
);
