-- A secret that is not confirmed yet belongs to the visit in which it was begun (docs/decisions/0074-second-factor.md): shown again to
-- that visit, never to another. What was begun before this is begun anew.
alter table mail.second_factor add column visit bytea;

-- The check of each click learns the session's word as well (81_webmail_sessions.sql).
drop function if exists mail.webmail_session(text, timestamptz);
