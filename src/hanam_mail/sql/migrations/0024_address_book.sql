-- Who is listed: open mailboxes of agencies, offices and people, under their primary address. Not: what is locked or revoked, by document
-- or by running, since nobody reads it; guests (Đ14.1), who are no part of an agency; what the registry withholds. A password that is to be
-- changed is no lock (Đ8.2a). The public directory (Đ11.5) and the webmail's address book go by this alone.
create view mail.listed as
    select m.id as mailbox_id, m.kind, m.name, m.post, a.local_part, g.id as agency_id, g.code, g.kind as agency_kind, g.name as agency_name
    from mail.agency g
    join mail.mailbox m on m.agency_id = g.id
    join mail.address a on a.mailbox_id = m.id and a.kind = 'primary'
    where g.withheld = '' and m.withheld = '' and m.state = 'active' and m.kind in ('agency', 'office', 'person')
        and current_date between a.valid_from and coalesce(a.valid_until, 'infinity')
        and not exists (select from mail.lock_state l where l.mailbox_id = m.id);

-- By what a mailbox is found in the address book, as people type it: small letters without accents. To fold 20,000 names at each letter
-- that somebody types would take longer than he waits. Triggers write it (functions/83_address_book.sql).
create table mail.book (
    mailbox_id text primary key references mail.mailbox,
    -- Name, post, address and agency, each word after a blank; then the names without blanks, as addresses are written.
    words text not null,
    -- The name without blanks.
    joined text not null,
    -- Agencies before offices before people, who stand by their given names.
    sort text not null
);
