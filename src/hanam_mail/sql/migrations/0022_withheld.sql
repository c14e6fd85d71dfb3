-- Why an agency with all its mailboxes, or one mailbox, is kept out of the public directory; '' for what is published (Đ11.5). The registry
-- says it, in the form of a post.
alter table mail.agency add column withheld text not null default '' check (withheld !~ '[[:cntrl:]]' and length(withheld) <= 200);
alter table mail.mailbox add column withheld text not null default '' check (withheld !~ '[[:cntrl:]]' and length(withheld) <= 200);
