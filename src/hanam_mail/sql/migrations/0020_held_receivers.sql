-- What a held message's receivers are told of: names of the files for which it is held (docs/decisions/0050-quarantine.md).

alter table mail.held_message add column file_names text[] not null default '{}';
