"""Letters that leave at a chosen hour: who may choose it, what is judged when it comes, and that none leaves twice."""

from collections.abc import Iterator

import pytest

from hanam_mail.host.scheduled import refusals
from tests.database.scratch import Scratch
from tests.database.world import PASSWORD, WORLD, quoted

PERSON, AGENCY, CLERK = "test1person", "test2agency", "test2agency*test1person"
SOON = "localtimestamp + interval '1 hour'"
CLOSED = "5.2.1 <b@x.vn>: Recipient address rejected: Hop thu da bi thu hoi / Mailbox has been closed"
TOO_MANY = (
    "4.7.1 <b@x.vn>: Recipient address rejected: Da gui qua nhieu thu hoac nguoi nhan trong mot gio, xin gui lai sau"
    " / Too many messages or recipients within an hour, try again later"
)


class Letters:
    """A database with the world, and the service's and the webmail's questions."""

    def __init__(self, scratch: Scratch) -> None:
        self.scratch = scratch
        scratch.psql(WORLD)

    def sql(self, statement: str, role: str = "") -> str:
        return self.scratch.psql(statement, role=role) if role else self.scratch.psql(statement)

    def web(self, statement: str) -> str:
        return self.sql(f"set transaction_read_only = off; {statement}", "mail_webmail")

    def choose(self, uid: int = 1, login: str = PERSON, hour: str = SOON) -> str:
        return self.web(f"select fault from mail.webmail_schedule({quoted(login)}, 7, {uid}, {hour}, false)")

    def due(self, uid: int = 1) -> None:
        """Its hour has come."""
        self.sql(f"update mail.scheduled set due = now() - interval '1 second', next_try = now() where uid = {uid}")

    def take(self) -> list[str]:
        """Number, login, sender and word of the next letter; nothing when none is due."""
        row = self.sql("select number, login, sender, word, file from mail.scheduled_take()", "mail_scheduled")
        return row.split("|") if row else []

    def sending(self, number: str, word: str = "") -> bool:
        shown = f", {quoted(word)}" if word else ""
        return self.sql(f"select mail.scheduled_sending({number}{shown})", "mail_scheduled") == "t"

    def result(self, number: str, outcome: str, words: str = "", word: str = "") -> None:
        shown = f", {quoted(word)}" if word else ""
        self.sql(f"select mail.scheduled_result({number}, '{outcome}', {quoted(words)}{shown})", "mail_scheduled")

    def decide(self, decision: str, login: str = PERSON, uid: int = 1) -> bool:
        return self.web(f"select mail.webmail_scheduled_decide({quoted(login)}, 7, {uid}, '{decision}')") == "t"

    def state(self, uid: int = 1) -> str:
        return self.sql(f"select state || coalesce(' ' || reason, '') from mail.scheduled where uid = {uid}")

    def told(self) -> str:
        return self.sql(
            "select string_agg(kind || ' ' || mailbox_id, ',' order by kind) from mail.notice where kind like 'sched%'"
        )

    def why(self, kind: str) -> str:
        """The reason that a letter to its writer gives."""
        return self.sql(f"select payload ->> 'why' from mail.notice where kind = '{kind}'")

    def opens(self, word: str, protocol: str = "smtp", login: str = PERSON, source: str = "127.0.0.1") -> str:
        asked = f"{quoted(login)}, {quoted(word)}, '{protocol}', 0, '{source}'"
        return self.sql(f'select "user", nologin from mail.dovecot_passdb({asked})')


@pytest.fixture
def letters(scratch: Scratch) -> Iterator[Letters]:
    yield Letters(scratch)


def test_a_letter_leaves_at_its_hour_and_once(letters: Letters) -> None:
    assert letters.choose() == ""
    assert letters.take() == []
    assert letters.web(f"select state, uid from mail.webmail_scheduled('{PERSON}')") == "waiting|1"
    letters.due()
    number, login, sender, word, file = letters.take()
    assert (login, sender, file) == (PERSON, PERSON, "f")
    assert letters.take() == []
    assert letters.sending(number)
    assert not letters.sending(number)
    assert not letters.decide("cancel")
    assert letters.choose() == "underway"
    letters.result(number, "sent", "4hX")
    assert letters.state() == "sent"
    # It is filed with the same word, which sends nothing any more; when that failed, with another a while later.
    assert [letters.opens(word, "smtp"), letters.opens(word, "imap")] == ["", f"{PERSON}|"]
    letters.result(number, "later", "no room")
    assert letters.take() == [] and letters.opens(word, "imap") == ""
    letters.sql("update mail.scheduled set next_try = now()")
    again = letters.take()
    assert again[0] == number and again[4] == "t" and again[3] != word
    letters.result(number, "filed")
    letters.sql("update mail.scheduled set next_try = now()")
    assert letters.take() == [] and letters.state() == "sent" and not letters.told()
    assert letters.web(f"select count(*) from mail.webmail_scheduled('{PERSON}')") == "0"


@pytest.mark.parametrize(
    ("hour", "fault"),
    [
        ("localtimestamp - interval '1 minute'", "past"),
        ("null", "past"),
        ("localtimestamp + interval '31 days'", "far"),
        ("localtimestamp + interval '29 days'", ""),
    ],
)
def test_an_hour_is_to_come_and_within_the_term(letters: Letters, hour: str, fault: str) -> None:
    assert letters.choose(hour=hour) == fault
    assert letters.sql("select count(*) from mail.scheduled") == ("0" if fault else "1")


def test_an_hour_is_the_province_s_and_told_in_words(letters: Letters) -> None:
    first = "(date_trunc('week', localtimestamp) + interval '7 days 7 hours 30 minutes')"
    told = letters.web(f"select at from mail.webmail_schedule('{PERSON}', 7, 1, {first}, false)")
    assert told.startswith("07:30 thứ Hai, ")
    assert letters.sql(f"select due at time zone 'Asia/Ho_Chi_Minh' = {first} from mail.scheduled") == "t"
    choices = letters.web(
        "select c ->> 'at', c ->> 'name' from mail.webmail_schedule_times(), jsonb_array_elements(choices) c"
    )
    rows = [row.split("|") for row in choices.splitlines()]
    assert 2 <= len(rows) <= 4 and all(at[11:] in ("07:30", "13:30") for at, _ in rows)
    calendar = "(select value from mail.setting where name = 'life_cycle_calendar')"
    hours = f"unnest(array[{', '.join(quoted(at) for at, _ in rows)}]::timestamp[]) c"
    assert letters.sql(f"select bool_and(coalesce(mail.works({calendar}, c::date), true)) from {hours}") == "t"


def test_until_then_the_hour_can_be_changed_and_the_letter_called_off(letters: Letters) -> None:
    letters.choose()
    assert letters.choose(hour="localtimestamp + interval '2 days'") == ""
    assert letters.sql("select count(*), min(due) > now() + interval '1 day' from mail.scheduled") == "1|t"
    assert letters.decide("now")
    number, *_ = letters.take()
    # Called off at the last moment: nothing is handed over, and nobody is told what he did himself.
    assert letters.decide("cancel")
    assert not letters.sending(number)
    letters.result(number, "later")
    assert letters.take() == [] and letters.state() == "cancelled" and not letters.told()
    assert not letters.decide("now") and not letters.decide("cancel", uid=2)
    # Nobody else's.
    assert not letters.decide("cancel", login="test4plain")


@pytest.mark.dieu7
@pytest.mark.parametrize(
    ("statement", "reason", "told"),
    [
        (f"select mail.mailbox_lock('{PERSON}', 'compromised', '')", "locked", "scheduled_shut"),
        (f"update mail.mailbox set state = 'revoked' where id = '{PERSON}'", "revoked", "scheduled_shut"),
        (f"update mail.credential set must_change = true where mailbox_id = '{PERSON}'", "must_change",
         "scheduled_stopped"),
        (f"update mail.credential set changed_at = now() - interval '1 year' where mailbox_id = '{PERSON}'",
         "must_change", "scheduled_stopped"),
        ("update mail.setting set value = '[\"all\"]' where name = 'password_second_factor'", "second_factor",
         "scheduled_stopped"),
    ],
)  # fmt: skip
def test_who_may_not_send_at_that_hour_sends_nothing(letters: Letters, statement: str, reason: str, told: str) -> None:
    letters.choose()
    letters.due()
    number, _, _, word, _ = letters.take()
    letters.result(number, "later")
    letters.sql(statement)
    letters.sql("update mail.scheduled set next_try = now()")
    assert letters.take() == []
    assert letters.state() == f"stopped {reason}"
    assert letters.told() == f"{told} {PERSON}"
    assert letters.opens(word) == ""


@pytest.mark.dieu7
def test_a_lock_stops_what_waits_even_if_it_is_lifted_before_the_hour(letters: Letters) -> None:
    letters.choose()
    letters.sql(f"select mail.mailbox_lock('{PERSON}', 'compromised', ''); delete from mail.lock_state")
    letters.due()
    assert letters.take() == [] and letters.state() == "stopped locked"
    # Its owner may send it then, by his own act.
    assert letters.decide("now") and letters.take()


@pytest.mark.dieu7
def test_who_is_locked_between_the_taking_and_the_last_line_sends_nothing(letters: Letters) -> None:
    letters.choose()
    letters.due()
    number, _, _, word, _ = letters.take()
    assert letters.opens(word) == f"{PERSON}|"
    letters.sql(f"select mail.mailbox_lock('{PERSON}', 'compromised', '')")
    assert letters.opens(word) == "" and not letters.sending(number)
    letters.result(number, "later")
    assert letters.state() == "stopped locked"


def test_a_clerk_s_letter_is_his_and_ends_with_his_clerkship(letters: Letters) -> None:
    assert letters.choose(login=CLERK) == ""
    assert letters.sql("select mailbox_id, sender_id from mail.scheduled") == f"{AGENCY}|{PERSON}"
    letters.due()
    number, login, sender, word, _ = letters.take()
    assert (login, sender) == (CLERK, PERSON)
    assert letters.opens(word, "imap", CLERK) == f"{AGENCY}|" and letters.opens(word, "smtp", CLERK) == f"{PERSON}|"
    letters.result(number, "later")
    letters.sql(
        f"delete from mail.mailbox_clerk where mailbox_id = '{AGENCY}'; update mail.scheduled set next_try = now()"
    )
    assert letters.take() == [] and letters.state() == "stopped closed"
    assert letters.told() == f"scheduled_shut {AGENCY}"


@pytest.mark.parametrize(
    ("before", "doubts", "state"), [("take", "0", "waiting"), ("sending", "1", "doubt doubt"), ("sent", "0", "sent")]
)
def test_who_is_interrupted_sends_again_only_what_was_not_handed_over(
    letters: Letters, before: str, doubts: str, state: str
) -> None:
    letters.choose()
    letters.due()
    number, _, _, word, _ = letters.take()
    if before != "take":
        assert letters.sending(number)
    if before == "sent":
        letters.result(number, "sent", "4hX")
    assert letters.sql("select mail.scheduled_interrupted()", "mail_scheduled") == doubts
    assert letters.state() == state
    # A letter that ends the service each time is in nobody's way, and its tries end.
    assert letters.take() == []
    letters.sql("update mail.scheduled set next_try = now() where state = 'waiting'")
    assert bool(letters.take()) == (before == "take")
    if before == "take":
        assert letters.sql("select tries from mail.scheduled") == "1"
        letters.sql("update mail.scheduled set due = now() - interval '5 hours', made_at = now() - interval '1 day'")
        assert letters.sql("select mail.scheduled_interrupted()", "mail_scheduled") == "0"
        assert letters.state() == "stopped late"
    if before == "sending":
        assert letters.told() == f"scheduled_doubt {PERSON}" and letters.opens(word) == ""
        # It gets no hour before its owner has looked; among the drafts it is his again.
        assert letters.choose() == "underway" and not letters.decide("now") and letters.decide("cancel")


def test_what_a_server_puts_off_is_tried_for_some_hours_and_then_told(letters: Letters) -> None:
    letters.choose()
    letters.due()
    number, *_ = letters.take()
    words = refusals.of_reply(450, TOO_MANY, "b@x.vn")
    letters.result(number, "later", words)
    assert letters.take() == [] and letters.state() == "waiting"
    # What the page says, and afterwards the letter to its writer.
    sentence = "b@x.vn: Đã gửi quá nhiều thư hoặc người nhận trong một giờ (mã 450 4.7.1)"
    assert letters.web(f"select why from mail.webmail_scheduled('{PERSON}')") == sentence
    letters.sql("update mail.scheduled set next_try = now()")
    assert letters.take()[0] == number
    letters.sql("update mail.scheduled set due = now() - interval '5 hours', made_at = now() - interval '1 day'")
    letters.result(number, "later", words)
    assert letters.state() == "stopped late" and letters.told() == f"scheduled_stopped {PERSON}"
    assert letters.why("scheduled_stopped") == f"đã thử nhiều lần mà chưa gửi được: {sentence}"
    # After a long stop of the whole nothing leaves at an hour at which nobody expects it.
    letters.choose(uid=2)
    letters.sql(
        "update mail.scheduled set due = now() - interval '5 hours', made_at = now() - interval '1 day' where uid = 2"
    )
    assert letters.take() == [] and letters.state(2) == "stopped late"


@pytest.mark.parametrize(
    ("outcome", "words", "why"),
    [
        ("refused", refusals.of_reply(550, CLOSED, "b@x.vn"),
         "máy chủ thư không nhận: b@x.vn: Hộp thư đã bị thu hồi (mã 550 5.2.1)"),
        ("refused", refusals.of_reply(554, "5.7.1 no"), "máy chủ thư không nhận: không rõ lý do (mã 554 5.7.1)"),
        ("gone", "phần đầu thư không đọc được",
         "thư không còn ở thư mục Chờ gửi, đã bị sửa hoặc không có người nhận: phần đầu thư không đọc được"),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_is_told_with_the_reason(letters: Letters, outcome: str, words: str, why: str) -> None:
    letters.choose()
    letters.due()
    number, *_ = letters.take()
    letters.result(number, outcome, words)
    assert letters.state() == f"stopped {outcome}"
    assert letters.why("scheduled_stopped") == why
    assert letters.web(f"select why from mail.webmail_scheduled('{PERSON}')") == why


def test_a_word_opens_what_it_is_for_and_is_no_use_of_the_mailbox(letters: Letters) -> None:
    letters.choose()
    letters.due()
    number, _, _, word, _ = letters.take()
    assert letters.opens(word, "pop3") == f"{PERSON}|y" and letters.opens(word, "webmail") == f"{PERSON}|y"
    assert letters.opens(word, "imap", "test4plain") == "" and letters.opens(f"scheduled-{'0' * 48}", "imap") == ""
    assert letters.sql("select count(*) from mail.sign_in_failure") == "0"
    assert letters.opens(word, "imap") == f"{PERSON}|" and letters.opens(word) == f"{PERSON}|"
    assert letters.sending(number, word)
    note = f"select mail.signed_in('{PERSON}', 'imap', '{PERSON}', now()); select mail.postfix_sent('{PERSON}')"
    noted = "select coalesce(sum(times), 0), (select count(*) from mail.sign_in_address) from mail.sign_in"
    letters.sql(note)
    assert letters.sql(noted) == "0|0"
    # The numbers of sending count at this hour as ever.
    assert letters.sql(f"select sum(messages) from mail.sending where mailbox_id = '{PERSON}'") == "1"
    # What its owner does at the same time is his use, and counts.
    letters.sql(note)
    assert letters.sql(noted) == "2|0"
    letters.sql("update mail.scheduled set word_ends = now()")
    assert letters.opens(word) == "" and letters.opens(PASSWORD) == f"{PERSON}|"
    letters.result(number, "refused", "")
    assert letters.sql("select payload ->> 'cause' from mail.outbox order by seq desc limit 1") == "scheduled"


def test_of_a_clerk_s_letter_neither_the_agency_nor_he_is_noted_and_other_clerks_are(letters: Letters) -> None:
    letters.sql(
        "insert into mail.mailbox (id, kind, agency_id, name, shard, quota_bytes, state)"
        " values ('test5other', 'person', 'test0agency', 'Lê Bình', 0, 2000000000, 'active');"
        f" insert into mail.mailbox_clerk values ('{AGENCY}', 'test5other')"
    )
    letters.choose(login=CLERK)
    letters.due()
    number, _, _, word, _ = letters.take()
    assert letters.opens(word, "imap", CLERK) == f"{AGENCY}|" and letters.sending(number, word)
    feed = "insert into mail.sign_in_feed values ('{0}', 'imap', '{1}', extract(epoch from now())::bigint)"
    letters.sql(feed.format(AGENCY, f"{AGENCY}*test5other"))
    letters.sql(feed.format(AGENCY, CLERK))
    letters.sql(
        f"select mail.postfix_sent('{PERSON}');"
        " select mail.postfix_sent_as('test.so@' || mail.setting_text('mail_domain'))"
    )
    assert letters.sql("select mailbox_id, protocol, clerk_id from mail.sign_in") == f"{AGENCY}|imap|test5other"
    letters.sql(feed.format(AGENCY, CLERK))
    assert letters.sql(f"select count(*) from mail.sign_in where clerk_id = '{PERSON}'") == "1"
    # A note that never came hides no later use.
    letters.result(number, "later", "", word)
    letters.sql("update mail.scheduled set next_try = now()")
    number, _, _, word, _ = letters.take()
    assert letters.opens(word, "imap", CLERK)
    letters.sql("update mail.scheduled_use set ends = now()")
    letters.sql(feed.format(AGENCY, CLERK))
    assert letters.sql(f"select times from mail.sign_in where clerk_id = '{PERSON}'") == "2"
    letters.sql("select mail.scheduled_prune()", "mail_scheduled")
    assert letters.sql("select count(*) from mail.scheduled_use") == "0"


def test_a_word_opens_from_the_service_s_own_hosts_alone(letters: Letters) -> None:
    letters.choose()
    letters.due()
    _, _, _, word, _ = letters.take()
    letters.sql(
        "update mail.setting set value = '[\"192.0.2.7/32\", \"2001:db8::7/128\"]' where name = 'scheduled_networks'"
    )
    for protocol in ("imap", "smtp"):
        for source in ("192.0.2.7", "2001:db8::7"):
            assert letters.opens(word, protocol, source=source) == f"{PERSON}|"
        for source in ("127.0.0.1", "192.0.2.1", "2001:db8::1"):
            assert letters.opens(word, protocol, source=source) == ("" if protocol == "smtp" else f"{PERSON}|y")
    assert letters.sql("select count(*) from mail.sign_in_failure") == "0"


def test_who_has_lost_a_letter_to_another_changes_nothing(letters: Letters) -> None:
    letters.choose()
    letters.due()
    number, _, _, former, _ = letters.take()
    letters.sql("select mail.scheduled_interrupted()", "mail_scheduled")
    letters.sql("update mail.scheduled set next_try = now()")
    assert letters.take()[0] == number
    word = letters.sql("update mail.scheduled set word_hash = mail.second_key_hash(sender_id, 'mine') returning 'mine'")
    assert not letters.sending(number, former)
    letters.result(number, "refused", "550", former)
    assert letters.state() == "taken" and letters.sending(number, word)
    letters.result(number, "later", "", former)
    assert letters.state() == "sending"
    letters.result(number, "sent", "4hX", word)
    assert letters.state() == "sent"
    # While it is being filed nobody else begins to.
    assert letters.sql("select next_try > now() + interval '9 minutes' from mail.scheduled") == "t"
    letters.result(number, "filed", "", former)
    assert letters.sql("select count(filed_at) from mail.scheduled") == "0"


def test_a_fault_of_the_service_s_own_puts_off_and_after_the_last_line_is_a_doubt(letters: Letters) -> None:
    letters.choose()
    letters.due()
    number, _, _, word, _ = letters.take()
    letters.result(number, "broken", "x", word)
    assert letters.state() == "waiting" and letters.take() == []
    letters.sql("update mail.scheduled set next_try = now()")
    number, _, _, word, _ = letters.take()
    assert letters.sending(number, word)
    letters.result(number, "broken", "x", word)
    assert letters.state() == "doubt doubt"


def test_what_cannot_be_filed_is_left_where_it_lies_and_told(letters: Letters) -> None:
    letters.choose()
    letters.due()
    number, _, _, word, _ = letters.take()
    letters.sending(number, word)
    letters.result(number, "sent", "4hX", word)
    letters.result(number, "later", refusals.of_error(TimeoutError()), word)
    for tried in range(2, 40):
        letters.sql("update mail.scheduled set next_try = now()")
        again = letters.take()
        if not again:
            break
        # Every other one ends without a result.
        if tried % 2:
            letters.result(number, "later", refusals.of_error(TimeoutError()), again[3])
    assert tried == 31
    assert letters.state() == "sent unfiled" and letters.told() == f"scheduled_unfiled {PERSON}"
    assert letters.why("scheduled_unfiled") == refusals.SILENT
    assert letters.web(f"select state from mail.webmail_scheduled('{PERSON}')") == "unfiled"
    assert letters.sql("select count(word_hash) from mail.scheduled") == "0"
    letters.sql("update mail.scheduled set ended_at = now() - interval '91 days'")
    assert letters.sql("select mail.scheduled_prune()", "mail_scheduled") == "1"


def test_nobody_else_asks(letters: Letters) -> None:
    for role in ("mail_webmail", "mail_jobs", "mail_agent", "mail_dovecot", "mail_report"):
        assert (
            letters.sql(
                f"select has_function_privilege('{role}', 'mail.scheduled_take()', 'execute'),"
                f" has_table_privilege('{role}', 'mail.scheduled', 'select')"
            )
            == "f|f"
        ), role
    assert (
        letters.sql(
            "select has_function_privilege("
            "'mail_scheduled', 'mail.webmail_session(text, timestamptz, text)'::regprocedure, 'execute')"
        )
        == "f"
    )
