-- Reports that we send are of two kinds: on mail in a domain's name (DMARC) and on our TLS to it (RFC 8460). They share their tables:
-- docs/decisions/0057-tls-reports-that-we-send.md.

alter table mail.dmarc_report rename to outgoing_report;
alter table mail.dmarc_seen rename to outgoing_seen;
alter table mail.dmarc_file rename to outgoing_file;

alter table mail.outgoing_report add column kind text not null default 'dmarc' check (kind in ('dmarc', 'tls'));
alter table mail.outgoing_seen add column kind text not null default 'dmarc';
alter table mail.outgoing_file add column kind text not null default 'dmarc' check (kind in ('dmarc', 'tls'));
-- That was for the rows that there are.
alter table mail.outgoing_report alter column kind drop default;
alter table mail.outgoing_seen alter column kind drop default;
alter table mail.outgoing_file alter column kind drop default;

alter table mail.outgoing_seen drop constraint dmarc_seen_day_domain_fkey;
alter table mail.outgoing_report drop constraint dmarc_report_pkey, add primary key (kind, day, domain);
alter table mail.outgoing_seen drop constraint dmarc_seen_pkey, add primary key (kind, day, domain, digest),
    add foreign key (kind, day, domain) references mail.outgoing_report on delete cascade;
alter table mail.outgoing_file drop constraint dmarc_file_pkey, add primary key (kind, name);

drop index mail.dmarc_report_open;
create index outgoing_report_open on mail.outgoing_report (kind, day) where outcome is null;

-- Under the names that whoever changes them looks for.
do $$
declare
    old record;
begin
    for old in select c.conrelid::regclass::text as place, c.conname from pg_constraint c
        where c.conrelid in ('mail.outgoing_report'::regclass, 'mail.outgoing_seen'::regclass, 'mail.outgoing_file'::regclass)
            and c.conname like 'dmarc\_%'
    loop
        execute format('alter table %s rename constraint %I to %I', old.place, old.conname, 'outgoing' || substr(old.conname, 6));
    end loop;
end
$$;
