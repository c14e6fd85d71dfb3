-- A program's password may open the address book (docs/decisions/0079-address-book-by-carddav.md).
alter table mail.app_password drop constraint app_password_scopes_check,
    add constraint app_password_scopes_check check (scopes <> '{}' and scopes <@ '{imap,smtp,dav}');
