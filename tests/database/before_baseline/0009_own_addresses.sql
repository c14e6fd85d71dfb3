-- Dovecot is told a mailbox's own addresses: the function answers more columns now.
drop function if exists mail.dovecot_userdb(text);
