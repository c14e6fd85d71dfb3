"""A program's password that opened a mailbox a moment ago, and its end (issue 13): nothing remembers it."""

import re
import time
from collections.abc import Callable

import pytest

from tests import carddav, journal
from tests.lab import EFFECT, Lab, Sample, wait_for
from tests.mail.accounts import Protocol, State, forget_failures
from tests.second_factor import PAGE, Owner

pytestmark = [pytest.mark.neighbours, pytest.mark.provokes(journal.REFUSED_SIGN_IN, journal.REVOKED_WHILE_OPENING)]

NEW = "Tam-thoi-9#Qv"


@pytest.fixture
def keeper(lab: Lab, person: Sample) -> Owner:
    owner = Owner(lab, person)
    owner.turn_on()
    return owner


def at_the_page(owner: Owner) -> None:
    answer = owner.browser.change(owner.person.address, owner.person.password, NEW)
    assert answer["result"] == "changed", answer


def by_state(state: State) -> Callable[[Owner], None]:
    def comes(owner: Owner) -> None:
        owner.lab.sql(state.bring_about(owner.person.mailbox))

    return comes


ENDS: dict[str, tuple[Callable[[Owner], None], str]] = {
    # What comes about, and what IMAP says of it then.
    "a lock": (by_state(State.COMPROMISED), "[locked:compromised]"),
    "a revocation": (by_state(State.REVOKED), "[revoked]"),
    "another password": (at_the_page, "[app_password:over]"),
}


@pytest.mark.bound
@pytest.mark.dieu7
@pytest.mark.dieu8
@pytest.mark.parametrize(("ends", "told"), ENDS.values(), ids=ENDS)
def test_a_programs_password_that_is_remembered_opens_nothing_within_seconds(
    lab: Lab, keeper: Owner, ends: Callable[[Owner], None], told: str
) -> None:
    person = keeper.person
    words = {
        Protocol.IMAP: keeper.app_password("imap"),
        Protocol.SUBMISSIONS: keeper.app_password("smtp"),
    }
    for door, word in words.items():
        for _ in range(2):
            assert door.attempt(lab, person, word).opened, door
    began = time.monotonic()
    ends(keeper)
    shut = {}
    for door, word in words.items():

        def refused(door: Protocol = door, word: str = word) -> float | None:
            asked = time.monotonic()
            return None if door.attempt(lab, person, word).opened else asked - began

        # When it was asked: a refusal takes two seconds to come.
        shut[door] = wait_for(refused, f"{door} refuses", EFFECT)
        print(f"{door} asked {shut[door]:.2f} s after the end is shut")
    assert max(shut.values()) < EFFECT, shut
    assert told in Protocol.IMAP.attempt(lab, person, words[Protocol.IMAP]).text
    # A lock that is over and a mailbox that is opened again bring none back.
    lab.sql(
        f"update mail.mailbox set state = 'active' where id = '{person.mailbox}';"
        f" delete from mail.lock_state where mailbox_id = '{person.mailbox}'"
    )
    lab.settle()
    assert "[app_password:over]" in Protocol.IMAP.attempt(lab, person, words[Protocol.IMAP]).text
    assert not Protocol.SUBMISSIONS.attempt(lab, person, words[Protocol.SUBMISSIONS]).opened
    made = keeper.do("vao", **{
        "dang-nhap": person.address,
        "cu": NEW if told == "[app_password:over]" else person.password,
        "ma": keeper.telephone.code(),
    })  # fmt: skip
    assert made.location == PAGE, made.body
    assert 'id="no-apps"' in keeper.browser.ask(PAGE).body, "the page lists none that ended"
    forget_failures(lab)


def test_the_page_shows_where_and_by_what_each_programs_password_was_used_last(lab: Lab, keeper: Owner) -> None:
    person = keeper.person
    reads, sends, book = (keeper.app_password(scope) for scope in ("imap", "smtp", "dav"))
    assert keeper.browser.ask(PAGE).body.count("Chưa dùng lần nào") == 3
    with lab.imap(person.address, reads) as reader:
        place = reader.socket().getsockname()[0]
    with lab.submission(person.address, sends) as sender:
        assert sender.sock is not None
        sent_from = sender.sock.getsockname()[0]
    assert carddav.Program(lab, person.address, book).ask("PROPFIND").status == 207

    def used() -> list[tuple[str, str]]:
        return re.findall(r"Dùng gần nhất: [0-9/]{10} [0-9:]{5}, ([^,]+), từ ([^<]+)\.", keeper.browser.ask(PAGE).body)

    assert used() == [("IMAP", place), ("gửi thư", sent_from), ("danh bạ", place)]
    lab.pop3(person.address, reads).quit()
    assert used()[0] == ("POP3", place), "another protocol counts at once"
