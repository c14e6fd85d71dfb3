-- Least privilege: every right of every role, stated whole. Runs after the functions, as mail_owner.

revoke all on schema mail from public;
revoke all on all tables in schema mail from public, mail_apply, mail_dovecot, mail_postfix, mail_webmail, mail_agent,
    mail_jobs, mail_report, mail_backup, mail_change, mail_quarantine, mail_held, mail_intake, mail_directory,
    mail_carddav, mail_scheduled;
revoke all on all sequences in schema mail from public, mail_backup;
revoke all on all functions in schema mail from public, mail_apply, mail_dovecot, mail_postfix, mail_webmail, mail_agent,
    mail_jobs, mail_report, mail_backup, mail_change, mail_quarantine, mail_held, mail_intake, mail_directory,
    mail_carddav, mail_scheduled;

grant usage on schema mail to mail_apply, mail_dovecot, mail_postfix, mail_webmail, mail_agent, mail_jobs, mail_report,
    mail_backup, mail_change, mail_quarantine, mail_held, mail_intake, mail_directory,
    mail_carddav, mail_scheduled;

-- The registry's apply and the operator's commands: what git owns by table, passwords and locks by function only.
grant select, insert, update on mail.agency, mail.mailbox, mail.address to mail_apply;
grant select, insert, delete on mail.mailbox_clerk to mail_apply;
grant select on mail.setting, mail.lock_state, mail.activity, mail.audit, mail.agent_cursor to mail_apply;
grant select (mailbox_id, must_change, changed_at, is_default, given_at, handover, verified) on mail.credential to mail_apply;
grant execute on function
    mail.setting_text(text), mail.setting_int(text), mail.resolve(text), mail.mailbox_lock(text, text, text),
    mail.mailbox_restore(text), mail.restores_followed(text[]), mail.mailbox_correct(text, text, boolean),
    mail.password_verified(text, text), mail.state_cause(text), mail.password_expires_on(timestamptz)
    to mail_apply;
grant execute on function mail.mailbox_state(text) to mail_apply;
grant select, insert, update, delete on mail.absence to mail_apply;
grant select on mail.handover, mail.sign_in_lockout, mail.private_service_mail, mail.collector_use to mail_apply;
grant execute on function
    mail.mailbox_open(text, text), mail.first_passwords_give(text[], text[], text), mail.purge_candidate(text), mail.mailbox_purge(text)
    to mail_apply;
grant execute on function mail.lockouts_standing(), mail.lockout_lift(text, inet, text) to mail_apply;

grant execute on function
    mail.dovecot_passdb_sealed(text, text, text, int, text),
    mail.dovecot_openid(text, text, text, text),
    mail.dovecot_userdb(text), mail.dovecot_iterate()
    to mail_dovecot;
-- last_login writes through Dovecot's dict, which knows tables only; a trigger takes what it writes.
grant select, insert, update on mail.sign_in_feed to mail_dovecot;
grant execute on function mail.quota_passed(text, int) to mail_dovecot;

-- The page where passwords are changed.
grant execute on function
    mail.change_password_sealed(text, text, text, text),
    mail.password_rules()
    to mail_change;

-- The second factor: its owner's page, the webmail's second step, operators.
grant execute on function mail.factor_page_sealed(text, text, text) to mail_change;
grant execute on function mail.webmail_second_step(text, text), mail.webmail_second_step_end(text) to mail_webmail;
grant execute on function mail.second_factor_reset(text, text), mail.second_factor_facts(text) to mail_apply;
grant execute on function mail.second_keys_prune(), mail.second_keys_over(int) to mail_jobs;

grant execute on function mail.postfix_mailbox(text), mail.postfix_senders(text), mail.postfix_revoked(text)
    to mail_postfix;
grant execute on function
    mail.postfix_sent(text), mail.postfix_sent_as(text), mail.postfix_recipient(text), mail.postfix_recipient_as(text)
    to mail_postfix;

grant execute on function mail.webmail_login(text), mail.webmail_addresses(text) to mail_webmail;
-- The address book of the administration.
grant execute on function
    mail.book_search(text, text, int, int), mail.book_entries(text[]), mail.book_groups(text, boolean), mail.book_receivers(text, text),
    mail.book_sender(text), mail.book_named(text, int), mail.book_namesake(text)
    to mail_webmail;
grant execute on function mail.webmail_session(text, timestamptz, text), mail.webmail_session_openid(text) to mail_webmail;
-- Where a person is signed in, and what he ends of it.
grant execute on function
    mail.webmail_visit_note(text, text, text, text, boolean), mail.webmail_visit_asked(text), mail.webmail_visit_left(text),
    mail.webmail_visits(text, text, int), mail.webmail_sign_ins(text, text),
    mail.webmail_visits_end(text, text, text[], boolean)
    to mail_webmail;
grant execute on function mail.webmail_visits_prune() to mail_jobs;
-- The agencies' mailboxes of a clerk, and who of the clerks answered.
grant execute on function mail.webmail_mailboxes(text), mail.webmail_clerks(text) to mail_webmail;
-- Held spam of the mailbox that is open.
grant execute on function mail.webmail_held(text), mail.webmail_held_decide(text, bigint[], text) to mail_webmail;
-- For who writes in the webmail.
grant execute on function mail.webmail_recipients(text[]), mail.webmail_signature(text) to mail_webmail;
-- Stops of the service: the playbook of maintenance.
grant execute on function
    mail.maintenance_announce(timestamp, timestamp, text, text, text, text), mail.maintenance_announced(timestamp, timestamp),
    mail.maintenance_done(text, timestamp, timestamp, boolean)
    to mail_apply;
-- Letters that leave at a chosen hour: the webmail's page, and the service that hands them over.
grant execute on function
    mail.webmail_schedule_times(), mail.webmail_schedule(text, bigint, bigint, timestamp, boolean),
    mail.webmail_scheduled_decide(text, bigint, bigint, text), mail.webmail_scheduled(text)
    to mail_webmail;
grant execute on function
    mail.scheduled_interrupted(), mail.scheduled_take(), mail.scheduled_sending(bigint, text),
    mail.scheduled_result(bigint, text, text, text), mail.scheduled_prune()
    to mail_scheduled;
-- What people report: the webmail hands it in, operators answer.
grant execute on function
    mail.user_report_take(text, text, text, text, jsonb), mail.user_report_attached(text, bigint, boolean, text)
    to mail_webmail;
grant select on mail.user_report to mail_apply;
grant execute on function mail.user_report_seen(bigint), mail.user_report_answer(bigint, text), mail.user_report_close(bigint, text)
    to mail_apply;
grant execute on function mail.user_reports_prune() to mail_jobs;

-- What everybody may read.
grant execute on function mail.directory(), mail.directory_open() to mail_directory;
-- The address book by CardDAV.
grant execute on function mail.carddav_sign_in(text, text, text), mail.carddav_cards(), mail.directory_open() to mail_carddav;

-- A store on another host than the database notes its restores over the agent's connection.
grant execute on function mail.restore_noted(text, text, text, jsonb) to mail_apply, mail_agent;
grant execute on function
    mail.agent_register(text), mail.agent_next(text, int), mail.agent_done(text, bigint), mail.virus_sent(text),
    mail.private_service_mail(text, text[])
    to mail_agent;
-- Verdicts on mail from outside and TLS of mail to outside, which hosts count, and the reports that are made of them.
grant execute on function mail.outgoing_take(text, text, jsonb, bigint) to mail_agent;
grant execute on function
    mail.outgoing_waiting(text), mail.outgoing_close(text, date, text), mail.outgoing_rows(text, date, text),
    mail.outgoing_given(text, date, text, text), mail.outgoing_given_on(text, date), mail.outgoing_done(text, date, text, text, text),
    mail.outgoing_overdue(text, int), mail.outgoing_prune()
    to mail_jobs;
grant select on mail.outgoing_report, mail.outgoing_file to mail_apply, mail_report;

-- Held messages: the service takes them in and lets them go; operators look and decide.
grant execute on function
    mail.held_take(jsonb, jsonb), mail.held_known(text[]), mail.held_files(), mail.held_lost(bigint), mail.held_found(text[]),
    mail.held_erasable(), mail.held_erased(bigint), mail.held_due(), mail.held_sending(bigint, text[]),
    mail.held_result(bigint, text[], text, jsonb, jsonb, text[]), mail.held_interrupted(), mail.held_lessons(),
    mail.held_taught(bigint, boolean)
    to mail_quarantine;
-- The page behind the links in letters about spam that is held: nothing without a link's secret.
grant execute on function mail.held_link_show(text), mail.held_link_decide(text, text) to mail_held;
grant select on mail.held_message, mail.held_recipient to mail_apply;
grant execute on function
    mail.held_decide(bigint, text[], text, text, boolean), mail.held_open(bigint, text), mail.held_of(text), mail.held_kind(text)
    to mail_apply;
grant execute on function mail.held_to_tell(), mail.held_told(bigint[]), mail.held_expire(), mail.held_prune(), mail.held_digests()
    to mail_jobs;

-- The life-cycle job and the notices; what is due may be looked at by others too.
grant execute on function
    mail.life_cycle(date, text[]), mail.revoke_proposals(date), mail.notice_waiting(), mail.notice_take(text, text, text),
    mail.notice_done(text, text, text, text[], boolean, text), mail.life_cycle_expire(date, int), mail.addresses_end(date),
    mail.outbox_prune(int), mail.lockouts_prune(), mail.sending_prune(), mail.private_services_prune(),
    mail.lockouts_to_tell(), mail.lockouts_told(bigint[]),
    mail.reports_prune(), mail.reports_to_tell(), mail.reports_told(),
    mail.sources_unnamed(int), mail.source_named(inet, inet, text[]), mail.collectors_follow(int), mail.collectors_prune(),
    mail.collectors_to_tell(), mail.collectors_told(bigint[])
    to mail_jobs;
grant execute on function mail.life_cycle_due(date, text[]), mail.is_working_day(date), mail.term_end(date, bigint),
    mail.life_cycle_unconfirmed(date), mail.works(jsonb, date), mail.refuse_year(date)
    to mail_jobs, mail_apply, mail_report;
grant select on mail.notice, mail.sign_in to mail_apply, mail_jobs, mail_report;
grant select on mail.sign_in_lockout, mail.private_service_mail, mail.collector_use to mail_report;

grant select on mail.agency, mail.mailbox, mail.mailbox_clerk, mail.address, mail.lock_state, mail.activity,
    mail.setting to mail_report, mail_jobs;

-- Reports of others come in by two doors, and operators read them.
grant execute on function mail.report_note(text, jsonb), mail.report_refuse(text, int, text, text) to mail_intake;
grant select on mail.report, mail.report_dmarc, mail.report_tls, mail.report_tls_failure, mail.report_refused to mail_apply, mail_report;
grant execute on function mail.report_own_hosts() to mail_apply, mail_report;

-- pg_dump needs to read everything.
grant select on all tables in schema mail to mail_backup;
grant select on all sequences in schema mail to mail_backup;
