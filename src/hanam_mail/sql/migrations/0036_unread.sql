-- What was written and never read (tests/database/test_columns.py). Who gave first passwords, when and to whom, who lifted a lockout, and
-- why a program's password ended stand in mail.audit; the others say what a neighbour says too.
alter table mail.handover drop column made_at, drop column made_by, drop column mailboxes;
alter table mail.sign_in_lockout drop column lifted_by;
alter table mail.sign_in_address drop column first_at;
alter table mail.app_password drop column ended_by;
alter table mail.second_step drop column made_at;
alter table mail.scheduled drop column taken_at;
alter table mail.outgoing_report drop column tried_at;
