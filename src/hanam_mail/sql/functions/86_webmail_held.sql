-- Spam that is held for the mailbox that somebody has open in the webmail: the list, and his decisions about his own copies. Besides the
-- links of the daily letter (76_held_spam.sql), and by the same rules; who decides is known here, of an office's clerks too
-- (docs/decisions/0073-undelete-and-rules.md).

-- What waits for the mailbox that a login of the webmail opens, the last first, with the day after which it is dropped by itself. `refused`:
-- it was let go and the mail server did not take it, its file is lost, or it has a file that the filter marked; then an operator lets it go.
create or replace function mail.webmail_held(login text)
returns table (number bigint, author text, subject text, arrived text, until text, state text, refused boolean)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select r.number, h.author, h.subject, to_char(h.arrived_at, 'HH24:MI DD/MM/YYYY'),
           case when d.days > 0 then to_char(h.arrived_at + d.days * interval '1 day', 'DD/MM/YYYY') end,
           r.state,
           r.state = 'held' and (r.failure is not null or mail.held_marked(h.reason)) or h.failure is not distinct from 'lost'
    from mail.held_recipient r
    join mail.held_message h on h.id = r.message_id and h.kind = 'spam',
        lateral (select (mail.held_kind(h.kind) ->> 'drop_after_days')::int as days) d
    where r.mailbox_id = mail.login_mailbox(webmail_held.login) and mail.mailbox_state(r.mailbox_id) = 'active'
        and r.state in ('held', 'releasing', 'sending', 'doubt')
    order by h.arrived_at desc, r.number limit 500
$$;

-- The decision about copies by their numbers, `release` or `drop`: of this mailbox, of spam, that still wait; others are passed over, so that
-- a number that was guessed tells nothing. How many were decided, and how many had no turn because there were too many in this hour.
create or replace function mail.webmail_held_decide(login text, numbers bigint[], decision text)
returns table (decided int, late int)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    mailbox text := mail.login_mailbox(webmail_held_decide.login);
    who text;
    room int;
    each record;
begin
    decided := 0;
    late := 0;
    if decision not in ('release', 'drop') or mail.mailbox_state(mailbox) is distinct from 'active'
        or mail.mailbox_state(mail.login_person(webmail_held_decide.login)) is distinct from 'active'
    then
        return next;
        return;
    end if;
    select a.local_part || '@' || mail.setting_text('mail_domain') into who
    from mail.address a where a.mailbox_id = mail.login_person(webmail_held_decide.login) and a.kind = 'primary';
    room := mail.setting_int('held_decisions_hour') - (
        select count(*) from mail.held_recipient r
        where r.mailbox_id = mailbox and r.changed_by = who and r.changed_at > now() - interval '1 hour');
    perform set_config('hanam.actor', who, true), set_config('hanam.document', '', true);
    for each in
        select r.number, r.message_id, r.address from mail.held_recipient r
        join mail.held_message h on h.id = r.message_id and h.kind = 'spam'
        where r.number = any (numbers) and r.mailbox_id = mailbox and r.state = 'held'
        order by r.message_id, r.number
    loop
        -- Who holds the message's row decides alone, an operator or a link at the same moment too.
        perform from mail.held_message h where h.id = each.message_id for update;
        continue when not exists (
            select from mail.held_recipient r
            where r.number = each.number and r.state = 'held' and (decision = 'drop' or r.failure is null and not exists (
                select from mail.held_message h
                where h.id = r.message_id and (h.failure = 'lost' or mail.held_marked(h.reason)))));
        if decided >= room then
            late := late + 1;
            continue;
        end if;
        decided := decided + cardinality(mail.held_decide(
            each.message_id, array[each.address], decision, 'người nhận tự quyết định trong hộp thư trên web', false));
    end loop;
    return next;
end
$$;
