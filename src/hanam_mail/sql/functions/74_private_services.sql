-- Mail of social networks and shops to official mailboxes (Đ4.4, Đ12.5): the filter recognises it, its host's agent tells.

-- A message of that service to these addresses; those that nobody has count for nobody.
create or replace function mail.private_service_mail(service text, recipients text[]) returns int
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    counted int;
begin
    insert into mail.private_service_mail as p (day, mailbox_id, service, messages)
    -- In one order, whichever agent tells: two at once never wait for each other.
    select current_date, m.id, lower(private_service_mail.service), 1
    from (select distinct mail.resolve(r.address) as id from unnest(recipients) as r (address)) found
    join mail.mailbox m on m.id = found.id
    order by m.id
    on conflict (day, mailbox_id, service) do update set messages = p.messages + 1;
    get diagnostics counted = row_count;
    return counted;
end
$$;

-- Forgets what is older than the policy keeps; how many rows. The nightly job's.
create or replace function mail.private_services_prune() returns int
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
    with gone as (
        delete from mail.private_service_mail p
        where p.day < current_date - mail.setting_int('life_cycle_private_services_keep_days')::int
        returning 1
    )
    select count(*)::int from gone
$$;
