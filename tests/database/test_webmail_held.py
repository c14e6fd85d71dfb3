"""Held spam in the webmail: each decides what waits for the mailbox that he has open, and no more (Đ10.6, Đ4.6)."""

import pytest

from tests.database.databases import Database
from tests.database.scratch import Scratch
from tests.database.test_held import decide
from tests.database.test_held_spam import HA1, HA2, LOCK, SO, held, office, spam
from tests.database.world import quoted, refused

__all__ = ["held", "office"]
pytestmark = [pytest.mark.dieu10, pytest.mark.dieu4]


def listed(held: Scratch, login: str, what: str = "subject, state, refused") -> list[str]:
    return held.psql(f"select {what} from mail.webmail_held({quoted(login)})", role="mail_webmail").splitlines()


def press(held: Scratch, login: str, *numbers: str, decision: str = "release") -> str:
    """How many were decided, and how many had no turn."""
    given = f"array[{', '.join(numbers)}]::bigint[]"
    statement = f"select * from mail.webmail_held_decide({quoted(login)}, {given}, '{decision}')"
    # The role reads only where it does not say that it writes.
    return held.psql(f"begin read write; {statement}; commit", role="mail_webmail")


def numbers(held: Scratch, login: str) -> list[str]:
    return listed(held, login, "number")


def test_each_sees_his_own_copies_the_last_first_and_until_when(held: Scratch) -> None:
    held.psql(spam(1, HA1, HA2))
    held.psql("update mail.held_message set arrived_at = '2026-11-20 08:05+07'")
    held.psql(spam(2, HA1, subject="Trúng thưởng"))
    assert listed(held, "box00001") == ["Trúng thưởng|held|f", "Vay nhanh|held|f"]
    assert listed(held, "box00002") == ["Vay nhanh|held|f"]
    days = int(held.psql("select mail.held_kind('spam') ->> 'drop_after_days'"))
    (_, row) = listed(held, "box00001", "author, arrived, until")
    until = held.psql(f"select to_char(date '2026-11-20' + {days}, 'DD/MM/YYYY')")
    assert row == f"Vay <vay@ngoai.example>|08:05 20/11/2026|{until}"
    assert listed(held, "khong-co") == []


def test_other_kinds_of_held_mail_are_not_the_receivers_care(held: Scratch) -> None:
    held.psql(spam(1, HA1, kind="encrypted"))
    number = held.psql("select number from mail.held_recipient")
    assert listed(held, "box00001") == []
    assert press(held, "box00001", number) == "0|0"


def test_spam_with_a_marked_file_may_be_dropped_alone(held: Scratch) -> None:
    held.psql(spam(1, HA1, reason="score=12.0; marked=macros"))
    number = held.psql("select number from mail.held_recipient")
    assert listed(held, "box00001") == ["Vay nhanh|held|t"]
    assert press(held, "box00001", number) == "0|0"
    assert press(held, "box00001", number, decision="drop") == "1|0"


def test_what_is_let_go_is_on_its_way_and_what_is_dropped_is_gone(held: Scratch) -> None:
    held.psql(spam(1, HA1, HA2))
    held.psql(spam(2, HA1))
    last, first = numbers(held, "box00001")
    assert press(held, "box00001", first) == "1|0"
    assert press(held, "box00001", last, decision="drop") == "1|0"
    assert listed(held, "box00001") == ["Vay nhanh|releasing|f"]
    assert listed(held, "box00002") == ["Vay nhanh|held|f"], "the other receiver decides for himself"
    assert press(held, "box00001", first, last) == "0|0", "once"
    told = held.psql("select actor, after ->> 'decision', after ->> 'reason' from mail.audit where object = 'held'")
    why = "người nhận tự quyết định trong hộp thư trên web"
    assert sorted(told.splitlines()) == sorted([f"{HA1}|release|{why}", f"{HA1}|drop|{why}"])


def test_nobody_decides_about_anothers_copy(held: Scratch) -> None:
    held.psql(spam(1, HA1, HA2))
    (number,) = numbers(held, "box00001")
    for login in ("box00002", "khong-co", "", "box00001*box00002"):
        assert press(held, login, number) == "0|0", login
    assert listed(held, "box00001") == ["Vay nhanh|held|f"]


def test_a_clerk_decides_for_his_office_and_the_audit_names_him(office: Scratch) -> None:
    first, second = numbers(office, "agencybox*box00001")
    assert press(office, "agencybox*box00002", first) == "1|0"
    office.psql("delete from mail.mailbox_clerk where clerk_id = 'box00002'")
    assert listed(office, "agencybox*box00002") == []
    assert press(office, "agencybox*box00002", second) == "0|0"
    assert (
        office.psql("select actor, after ->> 'recipients' from mail.audit where object = 'held'") == f'{HA2}|["{SO}"]'
    )


@pytest.mark.parametrize("box", ["agencybox", "box00002"])
def test_a_lock_of_the_mailbox_or_of_the_clerk_ends_it(office: Scratch, box: str) -> None:
    first, _ = numbers(office, "agencybox*box00002")
    office.psql(LOCK.format(box))
    assert press(office, "agencybox*box00002", first) == "0|0"


def test_an_hour_has_so_many_decisions(held: Scratch) -> None:
    for number in range(1, 4):
        held.psql(spam(number, HA1))
    held.psql("update mail.setting set value = '2' where name = 'held_decisions_hour'")
    assert press(held, "box00001", *numbers(held, "box00001")) == "2|1"
    assert press(held, "box00001", *numbers(held, "box00001")) == "0|1"


def test_what_could_not_go_out_or_is_lost_is_an_operators_to_let_go_and_its_owners_to_drop(held: Scratch) -> None:
    held.psql(spam(1, HA1))
    held.psql("update mail.held_recipient set failure = '550 no'")
    (number,) = numbers(held, "box00001")
    assert listed(held, "box00001") == ["Vay nhanh|held|t"]
    assert press(held, "box00001", number) == "0|0"
    assert press(held, "box00001", number, decision="drop") == "1|0"


def test_an_operators_decision_leaves_nothing_to_decide(held: Scratch) -> None:
    held.psql(spam(1, HA1))
    (number,) = numbers(held, "box00001")
    held.psql(decide("drop"))
    assert (listed(held, "box00001"), press(held, "box00001", number)) == ([], "0|0")


def test_the_webmail_cannot_say_that_another_decided(held: Scratch) -> None:
    held.psql(spam(1, HA1))
    (number,) = numbers(held, "box00001")
    held.psql(
        "set hanam.actor = 'lan'; set hanam.document = '1/X'; begin read write;"
        f" select * from mail.webmail_held_decide('box00001', array[{number}]::bigint[], 'drop'); commit",
        role="mail_webmail",
    )
    assert held.psql("select actor, document is null from mail.audit where object = 'held'") == f"{HA1}|t"


@pytest.mark.parametrize(
    "statement",
    [
        "select * from mail.held_message",
        "select * from mail.held_recipient",
        "select mail.held_decide(1, null, 'release', 'x', false)",
        "select * from mail.held_link_decide('x', 'release')",
    ],
)
def test_the_webmail_reaches_held_mail_by_its_own_functions_alone(database: Database, statement: str) -> None:
    assert "permission denied" in refused(database, statement, world="", role="mail_webmail")


@pytest.mark.parametrize(
    "role", ["mail_held", "mail_change", "mail_quarantine", "mail_jobs", "mail_report", "mail_dovecot"]
)
def test_nobody_else_decides_so(database: Database, role: str) -> None:
    statement = "select * from mail.webmail_held_decide('x', '{}', 'release')"
    assert "permission denied" in refused(database, statement, world="", role=role)
