-- A letter from outside is compared with the names of the address book when it is opened (83_address_book.sql).
create index book_joined on mail.book (joined);
