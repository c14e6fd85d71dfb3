-- From the last migration before the baseline (schema.py, BEFORE) to the baseline: what nobody read goes.

alter table mail.mailbox drop column person_id;
drop table mail.person;
alter table mail.agency drop column suffix;
