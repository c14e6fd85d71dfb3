"""The life of a mailbox, travelled through in one transaction that is rolled back.

Days are those of 2026, whose calendar is confirmed; nothing depends on the day the test runs.
"""

from dataclasses import dataclass, field

import pytest

from tests.database import world as other
from tests.database.databases import Database

PASSWORD = "Mat-khau-thu-1!"
CHOSEN, CHOSEN_LATER = "Lua-chiem-2026@", "Lua-mua-2026@"
LOGIN = "test.nguoi"
# Issued on Monday 5 January with the operator's password, opened by nobody since: a person, and the agency's mailbox
# that he is the clerk of. A third mailbox nobody can open.
WORLD = f"""
    insert into mail.agency (id, kind, name, code) values ('test0agency', 'department', 'Sở Thử', 'test.so');
    insert into mail.mailbox (id, kind, agency_id, name, shard, quota_bytes, state, created_at) values
        ('test1person', 'person', 'test0agency', 'Người Thử', 0, 2147483648, 'active', '2026-01-05'),
        ('test2agency', 'agency', 'test0agency', 'Sở Thử', 0, 10737418240, 'active', '2026-01-05'),
        ('test3nobody', 'office', 'test0agency', 'Phòng Thử', 0, 10737418240, 'active', '2026-01-05');
    insert into mail.mailbox_clerk values ('test2agency', 'test1person');
    insert into mail.address (local_part, mailbox_id, kind, valid_from) values
        ('test.nguoi', 'test1person', 'primary', '2026-01-05'),
        ('test.so', 'test2agency', 'primary', '2026-01-05'),
        ('test.phong', 'test3nobody', 'primary', '2026-01-05');
    select mail.password_set('test1person', '{PASSWORD}', true, false);
    update mail.credential set given_at = '2026-01-05', changed_at = '2026-01-05' where mailbox_id like 'test%';
"""


@dataclass
class Journey:
    """Statements of one life; `run` sends them in one transaction and gives the answer of each `ask`."""

    database: Database
    statements: list[str] = field(default_factory=lambda: ["begin", WORLD])

    def do(self, statement: str) -> None:
        """Something happens that the test does not look at."""
        self.statements.append(statement)

    def ask(self, query: str) -> None:
        """A question whose answer `run` gives."""
        self.statements += ["select '<'", query, "select '>'"]

    def job(self, day: str, *, sent: bool = True) -> None:
        """The life-cycle job of a day, and the mailer after it; the answer: who, what, which round.

        Reminders of the yearly report, which depend on no deed, are left out (test_yearly_report.py).
        """
        self.ask(
            "select mailbox_id || ' ' || step || ' ' || round"
            f" from mail.life_cycle('{day}') where mailbox_id like 'test%' and step <> 'yearly_report' order by 1"
        )
        if sent:
            self.do("update mail.notice set sent_at = due where sent_at is null and mailbox_id like 'test%'")

    def read(self, day: str, mailbox: str = "test1person", login: str = "test.nguoi") -> None:
        """Somebody reads mail that morning."""
        self.do(f"select mail.signed_in('{mailbox}', 'imap', '{login}', '{day} 08:00')")

    def change_password(self, day: str) -> None:
        """The owner changes his password."""
        self.do(
            "update mail.credential set is_default = false, must_change = false,"
            f" changed_at = '{day} 08:00' where mailbox_id = 'test1person'"
        )

    def change_by_page(self, day: str, old: str, new: str) -> None:
        """The owner changes his password himself, by the only door there is; the answer: what came of it."""
        self.ask(
            f"select result || coalesce(':' || cause, '') from mail.change_password('{LOGIN}', '{old}', '{new}', '')"
        )
        self.do(
            f"update mail.credential set changed_at = '{day} 08:00'"
            " where mailbox_id = 'test1person' and changed_at = now()"
        )

    def sign_in(self, day: str, password: str, protocol: str = "imap") -> None:
        """Whether Dovecot lets in that day; the answer: in, the state that is told, or refused.

        Its question knows no day but today. So the password is made as old for it, or as young, as its term says of
        the day; afterwards all is as before.
        """
        self.do("savepoint before")
        self.do(
            "update mail.credential set changed_at = case when"
            f" '{day}'::date > mail.password_expires_on(changed_at) then now() - interval '1 year' else now() end"
            " where mailbox_id = 'test1person'"
        )
        self.ask(
            "select coalesce((select case when nologin is null then 'in' else substring(reason from '[[].*[]]$') end"
            f" from mail.dovecot_passdb('{LOGIN}', '{password}', '{protocol}', 993, '198.51.100.7')), 'refused')"
        )
        self.do("rollback to before")

    def settle(self, day: str) -> None:
        """The owner's first morning: another password, then his mail."""
        self.change_password(day)
        self.read(day)

    def restore(self, day: str) -> None:
        """The lock is lifted with a new default password (Đ7.3), on that day instead of now."""
        self.do("select mail.mailbox_unlock('test1person')")
        self.do(f"update mail.mailbox set restored_at = '{day}' where id = 'test1person' and restored_at is not null")
        self.do(f"select mail.password_set('test1person', '{PASSWORD}{day}', true, false)")
        self.do(f"update mail.credential set given_at = '{day}', changed_at = '{day}' where mailbox_id = 'test1person'")

    def run(self) -> list[list[str]]:
        """The answers in order, each as its lines."""
        script = ";\n".join([*self.statements, "rollback;"])
        shown = self.database.run(script)
        return [part.partition("\n>")[0].splitlines()[1:] for part in ("\n" + shown).split("\n<")[1:]]


@pytest.fixture
def life(database: Database) -> Journey:
    return Journey(database)


def value(database: Database, expression: str) -> str:
    """What an expression is, on today's settings."""
    return database.run(f"select {expression}").strip()


# --- Terms ---


@pytest.mark.dieu7
@pytest.mark.parametrize(
    ("since", "months", "ends"),
    [
        ("2026-01-06", 3, "2026-04-06"),
        ("2023-11-30", 3, "2024-02-29"),
        ("2025-11-14", 3, "2026-02-23"),
        ("2025-12-02", 1, "2026-01-05"),
        ("2025-12-10", 1, "2026-01-10"),
    ],
    ids=["same number", "month's end", "over Tết", "a swapped day off", "a worked Saturday"],
)
def test_a_term_is_calendar_months_and_ends_on_a_working_day(
    database: Database, since: str, months: int, ends: str
) -> None:
    assert value(database, f"mail.term_end('{since}', {months})") == ends


@pytest.mark.dieu7
def test_a_year_whose_calendar_nobody_confirmed_is_refused_and_decides_nothing(database: Database) -> None:
    """As workdays.py refuses it. A sign-in goes on: nobody is shut out by a day that cannot be told."""
    for ask in ("mail.is_working_day('2031-05-05')", "mail.term_end('2026-12-01', 60)"):
        complaint = other.refused(database, f"select {ask}", world="")
        assert "lịch nghỉ năm 2031 chưa được xác nhận" in complaint
    calendar = "(select value from mail.setting where name = 'life_cycle_calendar')"
    assert value(database, f"{calendar} -> 'years' @> '[\"2023\", \"2026\"]'") == "t"
    years = "array_to_string(mail.life_cycle_unconfirmed('{}'), ' ')"
    asked = ("2026-04-07", "2030-12-10", "2030-12-20", "2031-02-01")
    assert [value(database, years.format(day)) for day in asked] == ["", "2030", "2030 2031", "2031"]
    # A password of 2030, ten years later: no term of it can be counted.
    world = (
        f"{other.WORLD} update mail.credential set given_at = '2030-11-01', changed_at = '2030-11-01',"
        " must_change = false, is_default = false where mailbox_id = 'test1person';"
    )
    shown = other.query(
        database,
        "select mail.mailbox_state_at('test1person', '2040-01-01'), mail.password_expires_on('2030-11-01') is null,"
        " (select count(*) from mail.life_cycle_due('2031-03-01', array['test1person']))",
        world=world,
    )
    assert shown == "active|t|0"


# --- A whole life ---


@pytest.mark.dieu6
@pytest.mark.dieu7
@pytest.mark.dieu8
def test_a_whole_life_from_issue_to_revocation(life: Journey) -> None:
    """Each step with what Dovecot says to the owner's password, which it asks of the same function at every door."""
    life.do("delete from mail.mailbox_clerk where clerk_id = 'test1person'")
    expected: list[list[str]] = []

    def job(day: str, *answer: str) -> None:
        life.job(day)
        expected.append(list(answer))

    def sign_in(day: str, password: str, answer: str, protocol: str = "imap") -> None:
        life.sign_in(day, password, protocol)
        expected.append([answer])

    def change(day: str, old: str, new: str, answer: str) -> None:
        life.change_by_page(day, old, new)
        expected.append([answer])

    # Issued on 5 January. The given password opens nothing but its own change.
    job("2026-01-05")
    sign_in("2026-01-05", "Sai-mat-khau-1!", "refused")
    sign_in("2026-01-05", PASSWORD, "[must_change:default]")
    sign_in("2026-01-05", PASSWORD, "refused", "smtp")
    change("2026-01-06", PASSWORD, "lua", "rejected")
    change("2026-01-06", PASSWORD, CHOSEN, "changed")
    sign_in("2026-01-06", PASSWORD, "refused")
    sign_in("2026-01-06", CHOSEN, "in")
    sign_in("2026-01-06", CHOSEN, "in", "smtp")
    life.read("2026-01-06")
    # Three months after 6 January: 6 April, both for the password and for a mailbox that nobody uses.
    job("2026-03-22")
    job("2026-03-23", "test1person idle_warning 2026-01-06/14", "test1person password_reminder 2026-01-06/14")
    job("2026-03-23")
    job("2026-03-30", "test1person password_reminder 2026-01-06/7")
    job("2026-04-03", "test1person idle_warning 2026-01-06/3")
    job("2026-04-05", "test1person password_reminder 2026-01-06/1")
    job("2026-04-06")
    sign_in("2026-04-06", CHOSEN, "in")
    sign_in("2026-04-07", CHOSEN, "[must_change:expired]")
    job("2026-04-07", "test1person idle_lock 2026-01-06")
    sign_in("2026-04-07", CHOSEN, "[locked:idle]")
    sign_in("2026-04-07", CHOSEN, "refused", "smtp")
    change("2026-04-07", CHOSEN, CHOSEN_LATER, "locked:idle")
    life.ask("select reason, locked_by from mail.lock_state where mailbox_id = 'test1person'")
    expected.append(["idle|life-cycle"])
    life.ask("select count(*) from mail.dovecot_userdb('test1person')")
    expected.append(["1"])  # mail is still received (Đ7.1)
    # Six months: 6 July. Proposed once, done by nobody.
    job("2026-07-06")
    job("2026-07-07", "test1person revoke_proposal 2026-01-06")
    job("2026-07-08")
    # Restored on 9 July: nothing is left of the old clocks, and the old password is none.
    life.restore("2026-07-09")
    given = f"{PASSWORD}2026-07-09"
    job("2026-07-10")
    sign_in("2026-07-10", CHOSEN, "refused")
    sign_in("2026-07-10", given, "[must_change:default]")
    change("2026-07-10", given, CHOSEN, "rejected")  # one of the last passwords
    change("2026-07-10", given, CHOSEN_LATER, "changed")
    sign_in("2026-07-10", CHOSEN_LATER, "in")
    life.read("2026-07-10")
    life.ask("select mailbox_id from mail.revoke_proposals('2026-07-10') where mailbox_id like 'test%'")
    expected.append([])
    # 10 October is a Saturday, so the term ends on Monday the 12th.
    job("2026-09-25")
    job("2026-09-28", "test1person idle_warning 2026-07-10/14", "test1person password_reminder 2026-07-10/14")
    sign_in("2026-10-12", CHOSEN_LATER, "in")
    sign_in("2026-10-13", CHOSEN_LATER, "[must_change:expired]")
    # Revoked by a document (Đ6.2c): told so, once the password is right; nothing is received any more.
    life.do("update mail.mailbox set state = 'revoked' where id = 'test1person'")
    sign_in("2026-10-13", CHOSEN_LATER, "[revoked]")
    sign_in("2026-10-13", CHOSEN, "refused")
    change("2026-10-13", CHOSEN_LATER, CHOSEN, "revoked")
    life.ask("select count(*) from mail.dovecot_userdb('test1person')")
    expected.append(["0"])
    job("2026-10-14")
    assert life.run() == expected


@pytest.mark.dieu7
def test_dieu_7_2d_a_default_password_is_warned_of_then_locked_and_the_clock_starts_anew_at_a_restore(
    life: Journey,
) -> None:
    life.do("delete from mail.mailbox_clerk where clerk_id = 'test1person'")
    for day in ("2026-01-28", "2026-01-29", "2026-02-04", "2026-02-05", "2026-02-06", "2026-02-06"):
        life.job(day)
    life.ask("select mail.mailbox_state('test1person'), reason from mail.lock_state where mailbox_id = 'test1person'")
    life.restore("2026-03-02")
    for day in ("2026-03-03", "2026-03-26", "2026-04-02", "2026-04-03"):
        life.job(day)
    assert life.run() == [
        [],
        ["test1person default_password_warning 2026-01-05/7"],
        ["test1person default_password_warning 2026-01-05/1"],
        [],
        ["test1person default_password_lock 2026-01-05"],
        [],
        ["locked|default_password"],
        [],
        ["test1person default_password_warning 2026-03-02/7"],
        ["test1person default_password_warning 2026-03-02/1"],
        ["test1person default_password_lock 2026-03-02"],
    ]


@pytest.mark.dieu7
def test_dieu_7_2_after_a_long_stop_the_job_warns_first_and_gives_the_whole_time(life: Journey) -> None:
    life.do("delete from mail.mailbox_clerk where clerk_id = 'test1person'")
    life.settle("2026-01-06")
    life.change_password("2026-05-20")
    for day in ("2026-06-01", "2026-06-02", "2026-06-12", "2026-06-14", "2026-06-15"):
        life.job(day)
    assert life.run() == [
        ["test1person idle_warning 2026-01-06/14"],
        [],
        ["test1person idle_warning 2026-01-06/3"],
        [],
        ["test1person idle_lock 2026-01-06"],
    ]


@pytest.mark.dieu7
def test_dieu_7_2_nobody_is_locked_while_the_warning_could_not_be_sent(life: Journey) -> None:
    life.do("delete from mail.mailbox_clerk where clerk_id = 'test1person'")
    life.settle("2026-01-06")
    life.change_password("2026-03-20")
    for day in ("2026-03-23", "2026-04-03", "2026-04-07", "2026-04-30"):
        life.job(day, sent=False)
    life.do("update mail.notice set sent_at = '2026-04-30 10:00' where mailbox_id = 'test1person'")
    for day in ("2026-05-01", "2026-05-13", "2026-05-14"):
        life.job(day)
    assert life.run() == [
        ["test1person idle_warning 2026-01-06/14"],
        [],
        [],
        [],
        [],
        ["test1person idle_warning 2026-01-06/3"],
        ["test1person idle_lock 2026-01-06"],
    ]


@pytest.mark.dieu7
def test_dieu_7_2a_who_reads_or_sends_is_not_idle(life: Journey) -> None:
    life.do("delete from mail.mailbox_clerk where clerk_id = 'test1person'")
    life.settle("2026-01-06")
    life.change_password("2026-03-20")
    life.read("2026-03-22")
    life.job("2026-04-07")
    life.do("select mail.postfix_sent('test1person')")
    life.ask("select to_timestamp(max(last_access))::date = current_date from mail.activity where mailbox_id ~ '^test'")
    assert life.run() == [[], ["t"]]


@pytest.mark.dieu6
@pytest.mark.dieu7
def test_a_notified_absence_stops_lock_and_proposal_until_it_ends(life: Journey) -> None:
    """Đ6.2c, Đ7.2a."""
    life.do("delete from mail.mailbox_clerk where clerk_id = 'test1person'")
    life.settle("2026-01-06")
    life.change_password("2026-09-01")
    life.do("insert into mail.absence values ('test1person', '2026-02-01', '2026-07-31', '2026-0001')")
    for day in ("2026-04-07", "2026-07-07", "2026-07-31", "2026-10-19"):
        life.job(day)
    life.ask("select since, cause from mail.idle_since('2026-10-19') where mailbox_id = 'test1person'")
    assert life.run() == [[], [], [], ["test1person idle_warning 2026-07-31/14"], ["2026-07-31|absence"]]


@pytest.mark.dieu7
@pytest.mark.dieu9
def test_dieu_7_2a_an_agencys_mailbox_is_used_by_any_of_its_clerks_and_has_no_password_to_change(
    life: Journey,
) -> None:
    life.settle("2026-01-06")
    life.read("2026-02-10", "test2agency", "test.so*test.nguoi")
    for day in ("2026-03-30", "2026-05-06"):
        life.change_password(day)
        life.read(day)
        life.job(day)
    life.ask("select clerk_id, times from mail.sign_in where mailbox_id = 'test2agency'")
    assert life.run() == [[], ["test2agency idle_warning 2026-02-10/14"], ["test1person|1"]]


@pytest.mark.dieu7
def test_dieu_7_2a_a_mailbox_that_nobody_can_open_is_not_idle(life: Journey) -> None:
    life.ask("select mailbox_id from mail.idle_since('2026-12-01') where mailbox_id = 'test3nobody'")
    assert life.run() == [[]]


def test_a_stricter_term_is_one_number(life: Journey) -> None:
    life.do("delete from mail.mailbox_clerk where clerk_id = 'test1person'")
    life.do("update mail.setting set value = '45' where name = 'life_cycle_idle_lock_days'")
    life.settle("2026-01-06")
    for day in ("2026-02-05", "2026-02-06", "2026-02-17", "2026-02-20", "2026-02-21"):
        life.job(day)
    assert life.run() == [
        [],
        ["test1person idle_warning 2026-01-06/14"],
        ["test1person idle_warning 2026-01-06/3"],
        [],
        ["test1person idle_lock 2026-01-06"],
    ]


def test_the_preview_changes_nothing(life: Journey) -> None:
    life.ask("select step from mail.life_cycle_due('2026-01-29') where mailbox_id = 'test1person'")
    life.ask("select count(*) from mail.notice where mailbox_id like 'test%'")
    assert life.run() == [["default_password_warning"], ["0"]]


@pytest.mark.dieu9
def test_dieu_9_2_sign_ins_are_kept_by_half_day_with_first_last_and_number(life: Journey) -> None:
    """That it was opened at the start of the afternoon is seen also after a later sign-in."""
    for moment in ("2026-03-02 07:31", "2026-03-02 09:40", "2026-03-02 13:02", "2026-03-02 16:45", "2026-03-03 08:15"):
        epoch = f"extract(epoch from '{moment}'::timestamptz)"
        life.do(f"insert into mail.sign_in_feed values ('test2agency', 'imap', 'test.nguoi', {epoch})")
    life.ask(
        "select day, clerk_id, first_at::time, last_at::time, times from mail.sign_in"
        " where mailbox_id = 'test2agency' order by day, half"
    )
    life.ask("select count(*) from mail.sign_in_feed")
    assert life.run() == [
        [
            "2026-03-02|test1person|07:31:00|09:40:00|2",
            "2026-03-02|test1person|13:02:00|16:45:00|2",
            "2026-03-03|test1person|08:15:00|08:15:00|1",
        ],
        ["0"],
    ]


@pytest.mark.dieu9
def test_dieu_9_2_who_sends_as_the_agency_is_named_where_it_is_sure(life: Journey) -> None:
    life.do(
        "insert into mail.mailbox (id, kind, agency_id, name, shard, quota_bytes, state) values"
        " ('test4person', 'person', 'test0agency', 'Người Khác', 0, 2147483648, 'active');"
        " insert into mail.mailbox_clerk values ('test2agency', 'test4person')"
    )
    kept = "select clerk_id, times from mail.sign_in where mailbox_id = 'test2agency' and protocol = 'smtp' order by 1"
    life.do("select mail.postfix_sent('test1person'); select mail.postfix_sent_as('test.so@hanam.gov.vn')")
    life.ask(kept)
    # The other one sends within the same seconds: no guess which of them it was.
    life.do("select mail.postfix_sent('test4person'); select mail.postfix_sent_as('test.so@hanam.gov.vn')")
    life.ask(kept)
    assert life.run() == [["test1person|1"], ["test1person|1", "|1"]]


# --- Midnight ---


@pytest.mark.dieu8
def test_a_password_that_ends_with_the_day_is_marked_by_the_job_of_midnight_few_at_a_time(life: Journey) -> None:
    life.do("update mail.credential set must_change = true where mailbox_id not like 'test%'")
    life.settle("2026-01-06")
    # Tuesday 7 April is the day after.
    for day in ("2026-04-06", "2026-04-07", "2026-04-07"):
        life.ask(f"select mail.life_cycle_expire('{day}', 200)")
    life.ask("select must_change from mail.credential where mailbox_id = 'test1person'")
    life.ask("select payload ->> 'cause' from mail.outbox where mailbox = 'test1person' order by seq desc limit 1")
    assert life.run() == [["0"], ["1"], ["0"], ["t"], ["credential"]]


@pytest.mark.dieu5
def test_an_address_that_ended_with_the_day_is_announced_once(life: Journey) -> None:
    life.do(
        "update mail.address set valid_until = current_date - 30 where valid_until is not null;"
        " insert into mail.address (local_part, mailbox_id, kind, valid_from, valid_until) values"
        " ('test.cu', 'test1person', 'alias', '2026-01-05', '2026-04-06'),"
        " ('test.con', 'test1person', 'alias', '2026-01-05', '2026-04-07')"
    )
    for day in ("2026-04-06", "2026-04-07", "2026-04-07", "2026-04-08"):
        life.ask(f"select mail.addresses_end('{day}')")
    life.ask(
        "select topic, payload ->> 'ended' from mail.outbox where payload ? 'ended' and mailbox ~ '^test' order by seq"
    )
    assert life.run() == [
        ["0"],
        ["1"],
        ["0"],
        ["1"],
        ['mailbox.profile|["test.cu 2026-04-06"]', 'mailbox.profile|["test.con 2026-04-07"]'],
    ]


# --- Forgetting ---

OLD = "clock_timestamp() - interval '40 days'"


def test_what_every_agent_has_read_is_forgotten_after_a_while(life: Journey) -> None:
    life.do("delete from mail.outbox; delete from mail.agent_cursor")
    life.do(f"insert into mail.outbox (seq, at, topic, mailbox) select 0, {OLD}, 'x', n from generate_series(1, 4) n")
    life.do("insert into mail.outbox (seq, topic, mailbox) values (0, 'x', '5')")
    life.do("insert into mail.agent_cursor select 'gan', min(seq) + 2, now() from mail.outbox")
    life.do("insert into mail.agent_cursor select 'xa', min(seq) - 1, now() - interval '91 days' from mail.outbox")
    left = "select string_agg(mailbox, '' order by seq) from mail.outbox"
    life.ask("select mail.outbox_prune(2), mail.outbox_prune(2), mail.outbox_prune(2)")
    life.ask(left)
    # The one that reads goes on reading; the one that was away learns that it missed something, then goes on as well.
    life.ask("select mailbox from mail.agent_next('gan', 10)")
    life.ask("select topic from mail.agent_next('xa', 10)")
    life.do("select mail.agent_done('xa', (select seq from mail.agent_next('xa', 10)))")
    life.ask("select mailbox from mail.agent_next('xa', 10)")
    # A lagging one is waited for while it is seen.
    life.ask("select mail.outbox_prune(10)")
    life.do("update mail.agent_cursor set seen_at = now() - interval '91 days' where node = 'gan'")
    life.do("update mail.agent_cursor set seq = seq + 1 where node = 'xa'")
    life.ask("select mail.outbox_prune(10)")
    life.ask(left)
    assert life.run() == [["2|1|0"], ["45"], ["4", "5"], ["everything"], ["4", "5"], ["0"], ["1"], ["5"]]


@pytest.mark.dieu7
def test_the_agent_is_told_whom_to_cut_once_more(life: Journey) -> None:
    again = "select mailbox || ' ' || (payload ->> 'again') from mail.agent_next('may', 100) order by seq, mailbox"
    here = "update mail.agent_cursor set seq = (select max(seq) from mail.outbox) where node = 'may'"
    life.settle("2099-01-06")
    life.do("select mail.agent_register('may'); " + here)
    life.do("select mail.mailbox_lock('test1person', 'compromised', '')")
    life.ask(again)
    life.do(f"{here}; select mail.mailbox_unlock('test1person'); update mail.credential set changed_at = now()")
    life.ask(again + " limit 2")
    assert life.run() == [
        # The agency's mailbox, which he opens, too.
        ["test1person true", "test2agency true"],
        ["test1person false", "test2agency false"],
    ]


# --- Notices ---


def test_notices_go_to_the_mailbox_and_its_agency_and_room_concerns_the_owner_alone(life: Journey) -> None:
    """Of a mailbox that somebody else sends with its agency hears too (Đ7.2b)."""
    life.ask("select unnest(mail.notice_recipients('test1person', 'idle_warning')) order by 1")
    life.ask("select unnest(mail.notice_recipients('test1person', 'sending_lock')) order by 1")
    life.ask("select unnest(mail.notice_recipients('test1person', 'quota'))")
    life.ask("select unnest(mail.notice_recipients('test2agency', 'idle_warning')) order by 1")
    assert life.run() == [
        ["test.nguoi@hanam.gov.vn", "test.so@hanam.gov.vn"],
        ["test.nguoi@hanam.gov.vn", "test.so@hanam.gov.vn"],
        ["test.nguoi@hanam.gov.vn"],
        ["test.nguoi@hanam.gov.vn", "test.so@hanam.gov.vn"],
    ]


def test_a_notice_waits_until_nobody_is_left_to_try_again(life: Journey) -> None:
    key = "'test1person', 'quota', current_date || '/80'"
    life.ask("select mail.quota_passed('test1person', 80), mail.quota_passed('test1person', 80)")
    life.do(f"select mail.notice_done({key}, '{{}}', true, '452 full')")
    life.ask(f"select recipients from mail.notice_take({key})")
    life.do(f"select mail.notice_done({key}, '{{test.nguoi@hanam.gov.vn}}', false, '')")
    life.ask("select failure is null, sent_at is not null from mail.notice where mailbox_id = 'test1person'")
    life.ask(f"select count(*) from mail.notice_take({key})")
    assert life.run() == [["t|f"], ["{test.nguoi@hanam.gov.vn}"], ["t|t"], ["0"]]
