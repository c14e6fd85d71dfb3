-- Stops of the service that people notice, as they were announced by mail (Đ10.5; docs/decisions/0087-maintenance.md).

-- The province's wall clock. emergency: why there was no notice in time; '' of a planned stop. announced_at: when its notices were
-- written, which is what the two working days count from.
create table mail.maintenance (
    begins_at timestamp not null,
    ends_at timestamp not null,
    what text not null,
    services text not null,
    emergency text not null,
    announced_at timestamptz not null default now(),
    primary key (begins_at, ends_at),
    check (begins_at < ends_at)
);
