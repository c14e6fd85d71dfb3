"""The second factor and programs' passwords in every state of a mailbox at every door (issue 13, Đ6, Đ7.1, Đ8.2a).

Each state has a person of its own, who is a clerk too: a program's password that a lock ended stays ended. All turn the
factor on, use their programs' passwords, and come into their states together.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import pytest

from tests import carddav, journal
from tests.delegation import Delegation
from tests.lab import Lab, at_once
from tests.mail.accounts import BROWSER, Answer, Protocol, State, forget_failures
from tests.mail.http_doors import Browser
from tests.mail.test_states import IN, REASON, SECRETS, SILENT, told
from tests.mail.test_states import expected as expected_without
from tests.people import People
from tests.second_factor import Owner

pytestmark = [pytest.mark.dieu6, pytest.mark.dieu7, pytest.mark.dieu8, pytest.mark.provokes(journal.REFUSED_SIGN_IN)]

MAIN, SCOPES = "main", ("imap", "smtp", "dav")
# The door that is none of a mailbox's own.
DAV = "CardDAV"
# Of the reasons of a lock one: test_states.py has them all.
STATES = (State.ACTIVE, State.DEFAULT, State.EXPIRED, State.COMPROMISED, State.REVOKED, State.THROTTLED)
SHUT = (State.COMPROMISED, State.REVOKED)
# The last word of the webmail to whoever types a program's password there.
APP_PASSWORD = "Ở trang này hãy nhập mật khẩu chính của tài khoản."
# What each scope opens.
OPENS: Mapping[str, set[str]] = {
    "imap": {
        Protocol.IMAP, Protocol.POP3, Protocol.MANAGESIEVE,
        Protocol.CLERK_IMAP, Protocol.CLERK_POP3, Protocol.CLERK_MANAGESIEVE,
    },
    "smtp": {Protocol.SUBMISSIONS, Protocol.SUBMISSION, Protocol.CLERK_SUBMISSIONS, Protocol.CLERK_SUBMISSION},
    "dav": {DAV},
}  # fmt: skip
# By LMTP nobody signs in.
DOORS = [protocol for protocol in Protocol if protocol != Protocol.LMTP]


@dataclass(frozen=True)
class Kept:
    """Somebody who keeps the factor: his programs' passwords, and a browser that the webmail asks for the code."""

    owner: Owner
    delegation: Delegation
    words: Mapping[str, str]
    asked_for_code: Browser

    def type_code(self) -> Answer:
        """What the webmail answers to the second step."""
        said = self.owner.second_step(self.asked_for_code)
        opened = said.status == 302 and "_task=mail" in said.location
        page = "" if opened else self.asked_for_code.ask("/?_task=login").body
        return Answer(opened, f"{said.location} {page}")


@dataclass(frozen=True)
class Everybody:
    """One person for each state, in it, and what the webmail answered to the code that came after the state."""

    kept: Mapping[State, Kept]
    codes: Mapping[State, Answer]


def bring_about(state: State, mailbox: str) -> str:
    """As the nightly job finds a password that has become old: nobody chose another one."""
    if state != State.EXPIRED:
        return state.bring_about(mailbox)
    return (
        "set session_replication_role = replica; update mail.credential set changed_at = now() - interval '1 year'"
        f" where mailbox_id = '{mailbox}'; set session_replication_role = origin;"
        f" update mail.credential set must_change = true, is_default = false where mailbox_id = '{mailbox}'"
    )


def _keep(lab: Lab, delegation: Delegation) -> Kept:
    person = delegation.clerk
    owner = Owner(lab, person)
    owner.turn_on()
    words = {scope: owner.app_password(scope) for scope in SCOPES}
    # Dovecot remembers what opened. So does the gate of CardDAV, for a minute: it is not asked before the states came.
    for scope, door in (("imap", Protocol.IMAP), ("imap", Protocol.POP3), ("smtp", Protocol.SUBMISSIONS)):
        used = door.attempt(lab, person, words[scope])
        assert used.opened, f"{door} by the password for {scope}: {used.text}"
    browser = Browser(lab)
    first = browser.log_in(person.address, person.password)
    assert (first.status, first.location) == (303, "./?_task=login"), "the webmail asks for the code"
    return Kept(owner, delegation, words, browser)


@pytest.fixture(scope="module")
def everybody(lab: Lab, people: People) -> Iterator[Everybody]:
    """The codes are typed at once: the first step does not wait for long."""
    delegations = [people.delegation() for _ in STATES]
    kept = dict(zip(STATES, at_once(*(partial(_keep, lab, each) for each in delegations)), strict=True))
    mailboxes = {state: each.delegation.clerk.mailbox for state, each in kept.items()}
    try:
        # The webmail's own listener is asked for another browser's place: also there he failed.
        lab.sql(
            "insert into mail.sign_in_address (mailbox_id, address, protocols, opened)"
            f" values ('{mailboxes[State.THROTTLED]}', '{BROWSER}', '{{imap}}', '{{}}');"
            + "; ".join(bring_about(state, mailbox) for state, mailbox in mailboxes.items())
        )
        lab.outwait_cuts()
        # Whoever is let in from memory is no guesser.
        guesser = kept[State.THROTTLED].delegation
        for host in {lab.host("mailstore"), lab.host("submission")}:
            names = f"{guesser.clerk.address} {guesser.clerk.mailbox} {guesser.login}"
            lab.run(host, f"doveadm auth cache flush {names}")
        codes = at_once(*(each.type_code for each in kept.values()))
        yield Everybody(kept, dict(zip(kept, codes, strict=True)))
    finally:
        forget_failures(lab)


@pytest.fixture(scope="module", params=STATES, ids=str)
def state(request: pytest.FixtureRequest) -> State:
    given: State = request.param
    return given


@pytest.fixture(scope="module")
def answers(lab: Lab, everybody: Everybody, state: State) -> Mapping[tuple[str, str], Answer]:
    """What each word was told at each door in the state; all at once, since a refusal takes its time."""
    kept = everybody.kept[state]
    person = kept.delegation.clerk

    def dav(word: str) -> Answer:
        said = carddav.Program(lab, person.address, word).ask("PROPFIND")
        return Answer(said.status == 207, f"{said.status} {said.text}")

    asked = dict[tuple[str, str], Callable[[], Answer]]()
    for name, word in {MAIN: person.password, **kept.words}.items():
        for door in DOORS:
            asked[name, str(door)] = partial(door.attempt, lab, person, word, kept.delegation)
        asked[name, DAV] = partial(dav, word)
    return dict(zip(asked, at_once(*asked.values()), strict=True))


def expected(state: State, protocol: Protocol, word: str) -> tuple[str, str]:
    """What a door does, and what its refusal tells."""
    without = expected_without(state, protocol)
    if protocol == Protocol.CHANGE and word != MAIN:
        # A program's password is not the present one; of the state it learns nothing.
        return REASON, "throttled:" if state == State.THROTTLED else "wrong:"
    if without != IN or protocol == Protocol.CHANGE:
        return without, told(state, protocol) if without == REASON else ""
    if protocol in OPENS.get(word, ()):
        return IN, ""
    if protocol.sends:
        return SILENT, ""
    if protocol.web:
        return REASON, "./?_task=login" if word == MAIN else APP_PASSWORD
    return REASON, "[second_factor:on]" if word == MAIN else "[app_password:scope]"


def hold(door: str, answer: Answer, does: str, tells: str) -> None:
    """Whether the door did that and told that."""
    if does == IN:
        assert answer.opened, f"{door} opens: {answer.text}"
        return
    assert not answer.opened, f"{door} is shut"
    if does == REASON:
        assert tells in answer.text, f"{door} tells {tells}: {answer.text}"
        assert tells != APP_PASSWORD or answer.text.endswith(tells), f"{door} says last: {answer.text}"
    else:
        assert not any(secret in answer.text for secret in SECRETS), f"{door} tells nothing: {answer.text}"


@pytest.mark.neighbours
@pytest.mark.parametrize("word", [MAIN, *SCOPES])
def test_state_with_the_second_factor_on_at_every_door(
    state: State, answers: Mapping[tuple[str, str], Answer], word: str
) -> None:
    for door in DOORS:
        hold(door, answers[word, str(door)], *expected(state, door, word))
    # The address book's gate tells a right password what IMAP tells it.
    does, tells = expected(state, Protocol.IMAP, word)
    if state == State.ACTIVE and word != MAIN:
        does, tells = (IN, "") if word == "dav" else (REASON, "[app_password:scope]")
    hold(DAV, answers[word, DAV], does, tells)
    if does == REASON:
        assert answers[word, DAV].text.startswith("403"), "the program does not ask for another password"


@pytest.mark.neighbours
def test_a_code_typed_after_the_state_came_opens_the_active_mailbox_alone(everybody: Everybody, state: State) -> None:
    answer = everybody.codes[state]
    assert answer.opened == (state == State.ACTIVE), answer.text
    if state == State.THROTTLED:
        assert "nhập sai mật khẩu quá nhiều lần" in answer.text
    elif state != State.ACTIVE:
        assert told(state, Protocol.WEBMAIL) in answer.text


def test_after_the_state_is_over_what_a_lock_ended_stays_ended_and_the_rest_goes_on(
    lab: Lab, everybody: Everybody, state: State, answers: Mapping[tuple[str, str], Answer]
) -> None:
    assert answers
    kept = everybody.kept[state]
    person, reads = kept.delegation.clerk, kept.words["imap"]
    lab.sql(
        "set session_replication_role = replica;"
        f" update mail.credential set changed_at = now() where mailbox_id = '{person.mailbox}';"
        "set session_replication_role = origin;"
        f" update mail.mailbox set state = 'active' where id = '{person.mailbox}';"
        f" delete from mail.lock_state where mailbox_id = '{person.mailbox}';"
        f" update mail.credential set must_change = false where mailbox_id = '{person.mailbox}';"
        f" delete from mail.sign_in_failure where login = '{person.mailbox}'"
    )
    lab.settle()
    again = Protocol.IMAP.attempt(lab, person, reads)
    if state in SHUT:
        hold(Protocol.IMAP, again, REASON, "[app_password:over]")
    else:
        hold(Protocol.IMAP, again, IN, "")
    hold(Protocol.IMAP, Protocol.IMAP.attempt(lab, person, person.password), REASON, "[second_factor:on]")
