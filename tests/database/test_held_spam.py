"""Spam held for its receivers, in a real PostgreSQL: told once a day, decided by link, each his own (Đ10.6, Đ4.6)."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hanam_mail import spam_page
from tests.database.databases import Database, StatementError
from tests.database.scratch import Scratch, person, registry
from tests.database.test_held import AN, decide, states, take, waiting
from tests.database.world import quoted, refused

pytestmark = [pytest.mark.dieu10, pytest.mark.dieu4]

HA1, HA2 = "ha1@hanam.gov.vn", "ha2@hanam.gov.vn"
SPAM = {
    "kind": "spam",
    "login": "",
    "sender": AN,
    "author": "Vay <vay@ngoai.example>",
    "subject": "Vay nhanh",
    "score": 12.5,
}
NOW = (
    "update mail.setting set value = to_jsonb(to_char(localtime + interval '{} minutes', 'HH24:MI'))"
    " where name = 'held_digest_at'"
)


def opened(scratch: Scratch) -> None:
    """All have changed their first passwords."""
    scratch.psql("update mail.credential set must_change = false, is_default = false")


def spam(number: int, *addresses: str, **more: Any) -> str:
    return take(*addresses, **SPAM | {"file": f"{number:032x}", "queue_id": f"Q{number}"} | more)


@pytest.fixture
def held(scratch: Scratch) -> Scratch:
    """Two people; the hour of the letter has come, whatever the hour is."""
    scratch.apply(registry(person(1), person(2)))
    scratch.psql("update mail.setting set value = '\"00:00\"' where name = 'held_digest_at'")
    opened(scratch)
    return scratch


def digest(held: Scratch, mailbox: str = "box00001") -> dict[str, Any]:
    """What the letter of today says to a mailbox, as the job is given it."""
    row = held.psql(f"select payload from mail.notice_take('{mailbox}', 'held_digest', current_date::text)")
    return json.loads(row) if row else {}


def link(held: Scratch, mailbox: str = "box00001", row: int = 0) -> str:
    return str(digest(held, mailbox)["rows"][row]["link"])


def shown(held: Scratch, its: str) -> str:
    return held.psql(f"select result, state, refused from mail.held_link_show({quoted(its)})", role="mail_held")


def press(held: Scratch, its: str, decision: str = "release") -> str:
    return held.psql(f"select result, state from mail.held_link_decide({quoted(its)}, '{decision}')", role="mail_held")


def given(held: Scratch) -> None:
    """Yesterday's letters are out, and those before."""
    held.psql(
        "delete from mail.notice where kind = 'held_digest' and sent_at is not null;"
        "update mail.notice set sent_at = now() - interval '1 day', round = (current_date - 1)::text, due = due - 1"
        " where kind = 'held_digest'; update mail.held_recipient set digest = digest - 1 where digest is not null"
    )


# --- Taken in ---


def test_spam_has_one_body_a_row_for_each_receiver_and_nobody_is_told_at_once(held: Scratch) -> None:
    held.psql(spam(1, HA1, HA2))
    assert held.psql("select count(*), count(distinct number) from mail.held_recipient") == "2|2"
    assert (
        held.psql("select string_agg(mailbox_id, ',' order by address) from mail.held_recipient") == "box00001,box00002"
    )
    assert waiting(held) == []
    assert held.psql("select count(*) from mail.held_to_tell()") == "0", "the operator has other things to do"
    assert held.psql("select count(*) from mail.audit where object = 'held'") == "0"
    assert held.psql("select score, mailbox_id is null from mail.held_message") == "12.5|t"


def test_whoever_is_named_as_sender_hears_nothing_though_it_be_one_of_ours(held: Scratch) -> None:
    held.psql(spam(1, HA2, sender=HA1))
    assert waiting(held) == []
    held.psql(decide("drop"))
    assert waiting(held) == []


def test_spam_for_an_address_that_is_no_mailbox_is_the_operators_care(held: Scratch) -> None:
    held.psql(spam(1, HA1, "khong-co@hanam.gov.vn"))
    assert held.psql("select id, held from mail.held_to_tell()") == "1|2"


# --- The letter ---


def test_a_receiver_is_told_once_a_day_of_what_waits_and_of_nothing_when_nothing_does(held: Scratch) -> None:
    assert held.psql("select mail.held_digests()") == "0"
    held.psql(spam(1, HA1, HA2))
    held.psql(spam(2, HA1, subject="Khác", score=10.1))
    assert held.psql("select mail.held_digests()") == "2"
    assert held.psql("select mail.held_digests()") == "0"
    one = digest(held)
    assert (one["more"], len(one["rows"])) == (0, 2)
    assert [row["subject"] for row in one["rows"]] == ["Khác", "Vay nhanh"], "the likeliest to be wanted first"
    assert {row["author"] for row in one["rows"]} == {"Vay <vay@ngoai.example>"}
    assert len(digest(held, "box00002")["rows"]) == 1
    # What comes later on that day is for the next.
    held.psql(spam(3, HA1))
    assert held.psql("select mail.held_digests()") == "0"
    assert (digest(held)["more"], len(digest(held)["rows"])) == (1, 2)
    held.psql("select mail.notice_done('box00001', 'held_digest', current_date::text, '{ha1}', false, '')")
    assert held.psql("select mail.held_digests()") == "0"
    held.psql(
        "update mail.notice set sent_at = sent_at - interval '1 day', round = (current_date - 1)::text, due = due - 1;"
        " update mail.held_recipient set digest = digest - 1"
    )
    assert held.psql("select mail.held_digests()") == "1"
    assert len(digest(held)["rows"]) == 1, "each message is told once"


def test_no_letter_goes_before_its_hour_nor_while_an_earlier_one_waits(held: Scratch) -> None:
    held.psql(spam(1, HA1))
    if held.psql("select localtime < '23:58'") == "t":
        held.psql(NOW.format(1))
        assert held.psql("select mail.held_digests()") == "0"
        held.psql("update mail.setting set value = '\"00:00\"' where name = 'held_digest_at'")
    assert held.psql("select mail.held_digests()") == "1"
    held.psql(
        "update mail.notice set round = (current_date - 1)::text; update mail.held_recipient set digest = digest - 1"
    )
    held.psql(spam(2, HA1))
    assert held.psql("select mail.held_digests()") == "0", "his mailbox is full; two would come at once"
    held.psql("update mail.notice set sent_at = now()")
    assert held.psql("select mail.held_digests()") == "0", "he has had one today"


def test_what_was_decided_before_the_letter_goes_is_not_in_it(held: Scratch) -> None:
    held.psql(spam(1, HA1))
    held.psql("select mail.held_digests()")
    held.psql(decide("drop"))
    letter = digest(held)
    assert (letter["rows"], letter["more"]) == ([], 0)


def test_what_one_letter_does_not_name_the_next_days_do_and_each_message_is_named_once(held: Scratch) -> None:
    held.psql("update mail.setting set value = '2' where name = 'held_digest_rows'")
    for number in range(1, 6):
        held.psql(spam(number, HA1, subject=f"Thư {number}", score=10 + number / 10))
    held.psql(spam(6, HA2, subject="Thư 6"))
    named = []
    for more in (3, 1, 0):
        assert held.psql("select mail.held_digests()") == ("2" if more == 3 else "1")
        letter = digest(held)
        assert letter["more"] == more
        named += [[row["subject"] for row in letter["rows"]]]
        assert shown(held, letter["rows"][0]["link"]) == "known|held|f"
        given(held)
    assert named == [["Thư 1", "Thư 2"], ["Thư 3", "Thư 4"], ["Thư 5"]]
    assert held.psql("select mail.held_digests()") == "0"


def test_a_closed_mailbox_is_told_nothing(held: Scratch) -> None:
    held.psql(spam(1, HA1))
    held.apply(registry(person(1, state="revoked"), person(2)))
    assert held.psql("select mail.held_digests()") == "0"


def test_secrecy_and_closed_archives_are_in_no_such_letter(held: Scratch) -> None:
    held.psql(spam(1, HA1, kind="secrecy"))
    held.psql(spam(2, HA1, kind="encrypted"))
    assert held.psql("select mail.held_digests()") == "0"


FLOOD = """
insert into mail.held_message (file, queue_id, sha256, sender, kind, reason, subject, author, message_id, octets,
    arrived_at, score)
select lpad(to_hex(n), 32, '0'), 'Q' || n, repeat('c', 64), 'x@y', 'spam', '', repeat('s', 500), repeat('a', 500), '',
    1000, now(), 10 + n % 5
from generate_series(1, 10000) n;
insert into mail.held_recipient (message_id, address, mailbox_id)
select id, 'ha1@hanam.gov.vn', 'box00001' from mail.held_message;
analyze mail.held_message, mail.held_recipient;
"""


def test_a_flood_makes_no_letter_of_megabytes_and_no_slow_service(held: Scratch) -> None:
    held.psql(FLOOD)
    rows = int(held.psql("select value from mail.setting where name = 'held_digest_rows'"))

    def seconds(statement: str, role: str) -> float:
        start = time.monotonic()
        held.psql(statement, role=role)
        return time.monotonic() - start

    # Once a day.
    assert seconds("select mail.held_digests()", "mail_jobs") < 5
    letter = digest(held)
    assert (letter["more"], len(letter["rows"])) == (10_000 - rows, rows)
    # What is named is told of; no more.
    assert held.psql("select count(*) from mail.held_recipient where digest is not null") == str(rows)
    assert len(json.dumps(letter)) < 1200 * rows
    # Every two seconds, with a connection of its own each time here.
    for asked in ("held_erasable()", "held_due()", "held_lessons()"):
        assert seconds(f"select * from mail.{asked}", "mail_quarantine") < 0.5, asked
        plan = held.psql(f"explain select * from mail.{asked}")
        assert "Seq Scan on held_message" not in plan, asked
    # Every two minutes.
    assert seconds("select count(*) from mail.held_to_tell()", "mail_jobs") < 2
    held.psql("update mail.held_message set arrived_at = now() - interval '30 days'")
    assert seconds("select mail.held_expire()", "mail_jobs") < 30
    assert held.psql("select count(*) from mail.held_message where decided_at is null") == "0"
    assert held.psql("select count(*) from mail.audit where object = 'held'") == "1"
    (noted,) = held.psql("select after ->> 'expired' from mail.audit where object = 'held'").split()
    assert noted == "10000"


# --- By link ---


@pytest.fixture
def told(held: Scratch) -> Scratch:
    """A message for both, and another for the first, of which they have been told."""
    held.psql(spam(1, HA1, HA2))
    held.psql(spam(2, HA1))
    held.psql("select mail.held_digests()")
    return held


def test_a_link_shows_its_copy_and_decides_nothing(told: Scratch) -> None:
    its = link(told)
    for _ in range(3):
        assert shown(told, its) == "known|held|f"
    row = told.psql(f"select author, subject, arrived from mail.held_link_show({quoted(its)})", role="mail_held")
    assert row == "Vay <vay@ngoai.example>|Vay nhanh|08:00 ngày 29/11/2026"


def test_a_link_decides_its_own_copy_once_and_the_audit_names_the_person(told: Scratch) -> None:
    its = link(told, row=1)
    assert press(told, its) == "known|releasing"
    assert press(told, its) == "known|releasing"
    assert press(told, its, "drop") == "known|releasing", "it is on its way"
    copies = told.psql("select address, state from mail.held_recipient where message_id = 1 order by address")
    assert copies == f"{HA1}|releasing\n{HA2}|held"
    noted = told.psql("select actor, document is null, after -> 'recipients' from mail.audit where object = 'held'")
    assert noted == f'{HA1}|t|["{HA1}"]'
    assert press(told, link(told, "box00002"), "drop") == "known|dropped"
    assert told.psql("select changed_by from mail.held_recipient where state = 'dropped'") == HA2


def test_no_link_is_good_for_another_copy_or_another_day(told: Scratch) -> None:
    first, second = link(told), link(told, row=1)
    other = link(told, "box00002")
    number, until, mac = first.split("-")
    made = [
        f"{second.split('-')[0]}-{until}-{mac}", f"{other.split('-')[0]}-{until}-{mac}", f"{number}-29991231-{mac}",
        f"{number}-{until}-{mac[:-1]}{'0' if mac[-1] != '0' else '1'}", f"{number}-{until}-{mac.upper()}",
        f"{number}-{until}-", f"{number}-{until}-{mac}\n", f" {first}", "", "1", "9" * 30, f"{'9' * 18}-{until}-{mac}",
        "1-20261201-' or true --", f"{number}-{until}-{'0' * 32}",
    ]  # fmt: skip
    for each in made:
        if each == first:
            continue
        assert shown(told, each) == "wrong||", each
        assert press(told, each) == "wrong|", each
    assert set(states(told)) == {"held"}


def test_a_link_ends_with_its_days(told: Scratch) -> None:
    its = link(told)
    days = int(told.psql("select value from mail.setting where name = 'held_link_days'"))
    told.psql(f"update mail.setting set value = '{-days - 1}' where name = 'held_link_days'")
    old = link(told)
    assert shown(told, old) == "expired||"
    assert press(told, old) == "expired|"
    assert shown(told, its) == "known|held|f"


def test_without_a_secret_no_link_is_right(told: Scratch) -> None:
    """As between a deployment's new functions and its new secret."""
    its = link(told)
    told.psql("delete from mail.secret where name = 'held_key'")
    for each in (its, f"{its[:-32]}{'0' * 32}"):
        assert shown(told, each) == "wrong||"
        assert press(told, each) == "wrong|"
    assert set(states(told)) == {"held"}


def test_another_secret_ends_all_links(told: Scratch) -> None:
    its = link(told)
    told.psql("update mail.secret set value = decode(repeat('ab', 32), 'hex') where name = 'held_key'")
    assert shown(told, its) == "wrong||"


@pytest.mark.parametrize("kind", ["secrecy", "encrypted", "virus", "macros", "moi-la"])
def test_nothing_but_spam_is_a_receivers_to_decide(told: Scratch, kind: str) -> None:
    its = link(told)
    told.psql(f"update mail.held_message set kind = '{kind}'")
    assert shown(told, its) == "wrong||"
    assert press(told, its) == "wrong|"
    assert set(states(told)) == {"held"}


@pytest.mark.parametrize("reason", ["score=12.0; marked=macros", "score=12.0; marked=encrypted,macros"])
def test_spam_with_a_marked_file_is_dropped_by_its_receiver_and_let_go_by_an_operator_alone(
    told: Scratch, reason: str
) -> None:
    """In all else it is spam: told once a day, dropped after days, no burden to the operator."""
    its = link(told)
    told.psql(f"update mail.held_message set reason = '{reason}'")
    assert shown(told, its) == "known|held|t"
    assert press(told, its) == "known|held"
    assert told.psql("select count(*) from mail.held_to_tell()") == "0"
    assert press(told, its, "drop") == "known|dropped"


def test_what_the_mail_server_refused_is_an_operators_to_decide(told: Scratch) -> None:
    its = link(told)
    number = its.split("-")[0]
    press(told, its)
    told.psql(
        f"select mail.held_result(message_id, '{{}}', null, jsonb_build_object(address, '554 virus'), '{{}}', '{{}}')"
        f" from mail.held_recipient where number = {number}"
    )
    assert shown(told, its) == "known|held|t"
    assert press(told, its) == "known|held"
    assert told.psql("select count(*) from mail.held_to_tell()") == "1"
    assert press(told, its, "drop") == "known|dropped"


def test_what_has_lost_its_file_is_an_operators_care(told: Scratch) -> None:
    its = link(told)
    told.psql("select mail.held_lost(message_id) from mail.held_recipient")
    assert shown(told, its) == "known|held|t"
    assert press(told, its) == "known|held"
    assert told.psql("select count(*) from mail.held_to_tell()") == "2"


def test_a_server_that_is_away_is_no_refusal(told: Scratch) -> None:
    its = link(told)
    press(told, its)
    told.psql(
        "select mail.held_result(message_id, '{}', null, '{}', jsonb_build_object(address, '451 later'), '{}')"
        f" from mail.held_recipient where number = {its.split('-')[0]}"
    )
    assert shown(told, its) == "known|releasing|f"


def test_an_unknown_decision_does_nothing(told: Scratch) -> None:
    assert press(told, link(told), "burn") == "known|held"


def test_so_many_decisions_an_hour_are_all(told: Scratch) -> None:
    told.psql("update mail.setting set value = '1' where name = 'held_decisions_hour'")
    assert press(told, link(told), "drop") == "known|dropped"
    its = link(told)
    assert press(told, its, "drop") == "throttled|"
    assert shown(told, its) == "known|held|f"
    assert press(told, link(told, "box00002"), "drop") == "known|dropped", "another's count is his own"


def test_two_who_press_at_once_decide_once(told: Scratch) -> None:
    its = link(told)
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda number: press(told, its, ("release", "drop")[number % 2]), range(6)))
    assert len(set(answers)) == 1, answers
    assert told.psql("select count(*) from mail.audit where object = 'held'") == "1"


def test_an_operator_decides_spam_too(told: Scratch) -> None:
    its = link(told, "box00002")
    told.psql(decide("release"))
    assert shown(told, its) == "known|releasing|f"


# --- Whose mailbox it is ---

LOCK = "select mail.mailbox_lock('{}', 'compromised', 'thử')"
CHANGED = "update mail.credential set changed_at = changed_at + interval '1 second' where mailbox_id = '{}'"


@pytest.mark.parametrize(
    "how",
    [
        LOCK.format("box00001"),
        "update mail.mailbox set state = 'locked' where id = 'box00001'",
        "update mail.mailbox set state = 'revoked' where id = 'box00001'",
        "update mail.credential set must_change = true where mailbox_id = 'box00001'",
        CHANGED.format("box00001"),
    ],
)
def test_no_link_works_for_whoever_could_not_open_the_mailbox_now(told: Scratch, how: str) -> None:
    its, other = link(told), link(told, "box00002")
    told.psql(how)
    assert shown(told, its) == "wrong||"
    assert press(told, its) == "wrong|"
    assert set(states(told)) == {"held"}
    assert shown(told, other) == "known|held|f"


def test_a_lock_that_was_a_mistake_ends_no_link_for_good(told: Scratch) -> None:
    its = link(told)
    told.psql(LOCK.format("box00001"), role="mail_apply")
    assert shown(told, its) == "wrong||"
    told.psql("select mail.mailbox_correct('box00001', 'nhầm', true)")
    assert shown(told, its) == "known|held|f"


def test_whoever_cannot_open_his_mailbox_is_told_when_he_can(held: Scratch) -> None:
    held.psql(spam(1, HA1, HA2))
    held.psql(LOCK.format("box00001"))
    held.psql("update mail.credential set must_change = true where mailbox_id = 'box00002'")
    assert held.psql("select mail.held_digests()") == "0"
    opened(held)
    held.psql("select mail.mailbox_correct('box00001', 'nhầm', true)")
    assert held.psql("select mail.held_digests()") == "2"


def test_links_that_ended_with_a_password_come_again_in_the_next_letter(told: Scratch) -> None:
    its = link(told)
    told.psql(CHANGED.format("box00001"))
    assert len(digest(told)["rows"]) == 2, "what has not gone is not told twice"
    given(told)
    told.psql(CHANGED.format("box00001"))
    assert shown(told, its) == "wrong||"
    assert told.psql("select mail.held_digests()") == "1", "the other has his links"
    assert len(digest(told)["rows"]) == 2
    assert shown(told, link(told)) == "known|held|f"


SO = "so@hanam.gov.vn"


@pytest.fixture
def office(held: Scratch) -> Scratch:
    """An agency's mailbox that the two open, and held spam of which they have been told."""
    held.psql(
        "insert into mail.mailbox (id, kind, agency_id, name, shard, quota_bytes, state)"
        " select 'agencybox', 'agency', agency_id, 'Sở', 0, 1, 'active' from mail.mailbox where id = 'box00001';"
        " insert into mail.address (local_part, mailbox_id, kind) values ('so', 'agencybox', 'primary');"
        " insert into mail.mailbox_clerk values ('agencybox', 'box00001'), ('agencybox', 'box00002')"
    )
    held.psql(spam(1, SO))
    held.psql(spam(2, SO))
    assert held.psql("select mail.held_digests()") == "1"
    return held


@pytest.mark.parametrize(
    "how",
    [
        "delete from mail.mailbox_clerk where clerk_id = 'box00002'",
        LOCK.format("box00002"),
        "update mail.mailbox set state = 'locked' where id = 'box00002'",
        "update mail.mailbox set state = 'revoked' where id = 'box00002'",
        CHANGED.format("box00002"),
        LOCK.format("agencybox"),
    ],
)
def test_a_link_of_an_office_ends_with_one_of_its_clerks_and_the_others_get_new_ones(office: Scratch, how: str) -> None:
    its = link(office, "agencybox")
    assert shown(office, its) == "known|held|f"
    given(office)
    office.psql(how)
    assert shown(office, its) == "wrong||"
    assert press(office, its) == "wrong|"
    if "agencybox" not in how or "delete" in how:
        assert office.psql("select mail.held_digests()") == "1"
        assert press(office, link(office, "agencybox")) == "known|releasing"


def test_the_audit_names_an_offices_clerks_for_what_one_of_them_decided(office: Scratch) -> None:
    press(office, link(office, "agencybox"), "drop")
    actor, why = office.psql("select actor, after ->> 'reason' from mail.audit where object = 'held'").split("|")
    assert (actor, why) == (SO, f"người nhận tự quyết định bằng liên kết gửi cho {HA1}, {HA2}")


def test_an_operator_and_a_link_at_the_same_moment_decide_once(told: Scratch) -> None:
    """Whoever comes second finds what the first has decided."""
    its = link(told, "box00002")
    with ThreadPoolExecutor() as pool, told.database.connect() as first:
        first.execute("begin")
        first.execute(decide("drop", HA2))  # type: ignore[call-overload]
        second = pool.submit(press, told, its)
        waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and usename = 'mail_held'"
        told.wait_until(f"({waits}) = 1")
        first.execute("commit")
        assert second.result() == "known|dropped"
        its = link(told)
        number = int(told.psql(f"select message_id from mail.held_recipient where number = {its.split('-')[0]}"))
        first.execute("begin")
        first.execute("select * from mail.held_link_decide(%s, 'release')", [its])
        operator = pool.submit(told.psql, decide("drop", HA1, number=number), "mail_apply")
        told.wait_until(f"({waits.replace('mail_held', 'mail_apply')}) = 1")
        first.execute("commit")
        # It is not on its way yet: an operator may still drop it, and it is one decision after the other.
        assert operator.result() == f"{{{HA1}}}"
    assert press(told, its) == "known|dropped"
    decisions = told.psql(
        "select string_agg(after ->> 'decision', ',' order by seq) from mail.audit where object = 'held'"
    )
    assert decisions == "drop,release,drop"


# --- Lessons ---


def let_go(told: Scratch) -> None:
    told.psql(decide("release", HA1))
    told.psql(f"select mail.held_result(1, '{{{HA1}}}', 'QID', '{{}}', '{{}}', '{{}}')")


def test_what_was_let_go_teaches_the_filter_before_its_file_goes(told: Scratch) -> None:
    assert told.psql("select * from mail.held_lessons()") == ""
    let_go(told)
    told.psql(decide("drop"))
    assert told.psql("select * from mail.held_erasable()") == ""
    number, file, _ = told.psql("select * from mail.held_lessons()").split("|")
    assert (number, file) == ("1", f"{1:032x}")
    assert told.psql("select mail.held_taught(1, false)") == "due"
    assert told.psql("select * from mail.held_lessons()") == "", "not before its time"
    told.psql("update mail.held_message set lesson_next = now()")
    assert told.psql("select mail.held_taught(1, true)") == "given"
    assert told.psql("select mail.held_taught(1, true)") == "", "once"
    assert told.psql("select id from mail.held_erasable()") == "1"
    assert told.psql("select count(*) from mail.audit where after ->> 'lesson' = 'given'") == "1"


def test_a_filter_that_is_away_for_days_misses_the_lesson_and_keeps_no_file(told: Scratch) -> None:
    let_go(told)
    told.psql(decide("drop") + "; update mail.held_message set lesson_since = now() - interval '4 days'")
    assert told.psql("select mail.held_taught(1, false)") == "missed"
    assert told.psql("select id from mail.held_erasable()") == "1"


def test_other_kinds_teach_nothing(held: Scratch) -> None:
    held.psql(spam(1, HA1, kind="encrypted"))
    let_go(held)
    assert held.psql("select lesson is null from mail.held_message") == "t"


# --- Time ---


def test_spam_is_dropped_after_its_days_and_forgotten_after_its_own(told: Scratch) -> None:
    press(told, link(told))
    told.psql("update mail.held_message set arrived_at = now() - interval '13 days'")
    assert told.psql("select mail.held_expire()") == "0"
    told.psql("update mail.held_message set arrived_at = now() - interval '15 days'")
    assert told.psql("select mail.held_expire()") in ("1", "2")
    assert sorted(states(told)) == ["dropped", "dropped", "releasing"], "what goes out goes out"
    told.psql(
        "update mail.held_message set decided_at = now() - interval '91 days', erased_at = now()"
        " where decided_at is not null"
    )
    assert told.psql("select mail.held_prune()") == "1"
    told.psql(
        "update mail.held_message set kind = 'secrecy', decided_at = now() - interval '91 days', erased_at = now()"
    )
    assert told.psql("select mail.held_prune()") == "0"


# --- Rights ---


@pytest.mark.parametrize(
    "statement",
    [
        "select * from mail.held_message",
        "select * from mail.held_recipient",
        "select * from mail.secret",
        "select * from mail.mailbox",
        "select * from mail.notice",
        "select mail.held_digest('box00001', current_date)",
        "select mail.held_mac(r, '20261201') from mail.held_recipient r",
        "select * from mail.held_linked('1-20261201-')",
        "select mail.held_decide(1, null, 'release', 'x', false)",
        "select * from mail.held_take('{}', '[]')",
        "select mail.held_digests()",
        "select * from mail.password_rules()",
        "insert into mail.held_recipient (message_id, address) values (1, 'x')",
    ],
)
def test_the_page_may_do_nothing_but_ask_by_link(database: Database, statement: str) -> None:
    assert "permission denied" in refused(database, statement, world="", role="mail_held")


@pytest.mark.parametrize(
    "role", ["mail_webmail", "mail_change", "mail_quarantine", "mail_jobs", "mail_apply", "mail_report"]
)
def test_nobody_else_decides_by_link(database: Database, role: str) -> None:
    assert "permission denied" in refused(
        database, "select * from mail.held_link_decide('x', 'release')", world="", role=role
    )


def test_the_page_cannot_say_that_another_decided(told: Scratch) -> None:
    its = link(told)
    told.psql(
        "set hanam.actor = 'lan'; set hanam.document = '1/X';"
        f" select * from mail.held_link_decide({quoted(its)}, 'drop')",
        role="mail_held",
    )
    assert told.psql("select actor, document is null from mail.audit where object = 'held'") == f"{HA1}|t"
    with pytest.raises(StatementError, match="permission denied"):
        told.psql("select 1 from mail.setting", role="mail_held")


# --- The page itself ---


def test_the_page_asks_the_database_as_its_own_role_and_decides_by_post_alone(told: Scratch) -> None:
    settings = spam_page.SpamPageConfiguration(
        conninfo=told.dsn("mail_held"),
        address="/thu-giu/",
        product="Thư",
        look="/xem/",
        webmail="https://x/",
        support={},
    )
    client, its = spam_page.create(settings).test_client(), link(told)
    assert client.get("/thu-giu/", query_string={"ma": its}).status_code == 200
    assert shown(told, its) == "known|held|f"
    page = client.post("/thu-giu/", data={"ma": its, "viec": "giao"})
    assert (page.status_code, "đang được giao" in page.get_data(as_text=True)) == (200, True)
    assert shown(told, its) == "known|releasing|f"
    other = "-".join([str(int(its.split("-")[0]) + 1), *its.split("-")[1:]])
    assert client.post("/thu-giu/", data={"ma": other, "viec": "giao"}).status_code == 404
    told.psql("update mail.setting set value = '1' where name = 'held_decisions_hour'")
    assert client.post("/thu-giu/", data={"ma": link(told), "viec": "huy"}).status_code == 429
    told.psql("update mail.setting set value = '-20' where name = 'held_link_days'")
    assert client.get("/thu-giu/", query_string={"ma": link(told)}).status_code == 410
