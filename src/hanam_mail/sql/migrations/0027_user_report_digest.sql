-- What tells reported messages apart (docs/decisions/0071-reports-of-people.md): their Message-ID is the choice of whoever wrote them.

alter table mail.user_report add digest text not null default '' check (digest ~ '^([0-9a-f]{64})?$');
