"""Every state of a mailbox at every door (Đ6, Đ7.1, Đ8.2a): generated from the two enumerations.

Twice: for a person, whose state shuts his own doors and his ways into his agency's mailbox; and for an agency's mailbox
that has a password of its own, whose state shuts its own doors and, where it is a lock or the end, those of its clerks.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import pytest

from tests import journal
from tests.delegation import Delegation
from tests.lab import Lab, Sample, at_once
from tests.mail.accounts import Answer, Protocol, State, in_state
from tests.people import People

pytestmark = [pytest.mark.dieu6, pytest.mark.dieu7, pytest.mark.dieu8, pytest.mark.provokes(journal.REFUSED_SIGN_IN)]

# What a door does in a state: lets in, refuses with the reason (to the right password), refuses as if it was wrong.
IN, REASON, SILENT = "in", "reason", "silent"
# Words of which a wrong password must hear none.
SECRETS = ("must_change", "locked", "revoked", "khoa", "het han", "thu hoi", "mat-khau", "tạm khóa", "hết hạn")
AGENCYS_PASSWORD = "Mo-Cua-Co-Quan-7#"


def expected(state: State, protocol: Protocol) -> str:
    """The regulation in one place: who gets in where, and who is told why not."""
    if state == State.ACTIVE:
        return IN
    if protocol == Protocol.LMTP:
        # Đ7.1: a locked mailbox still receives. A revoked one does not (Đ6.2c).
        return REASON if state == State.REVOKED else IN
    if protocol == Protocol.CHANGE:
        # The owner of a password that must be changed changes it himself (Đ8.2a).
        return IN if state in (State.DEFAULT, State.EXPIRED) else REASON
    return SILENT if state == State.THROTTLED or protocol.sends else REASON


def expected_of_agency(state: State, protocol: Protocol) -> str:
    """The same when it is the agency's mailbox: its clerks have passwords of their own, so only its lock is theirs."""
    shut = state.startswith("locked") or state == State.REVOKED
    return expected(state, protocol) if shut or not protocol.delegated else IN


def told(state: State, protocol: Protocol) -> str:
    """What a refusal with a reason contains."""
    kind, _, cause = state.partition(":")
    if protocol == Protocol.LMTP:
        return "550"
    if protocol == Protocol.CHANGE:
        return f"{kind}:{cause}"
    if protocol.web:
        page = {"must_change": "", "locked": "tam-khoa", "revoked": "thu-hoi"}[kind]
        return f"./mat-khau/{page}?ly-do={cause}&"
    return f"[{state}]"


@dataclass(frozen=True)
class Answers:
    """What all clients were told in a state: with the right password and with a wrong one."""

    state: State
    right: Mapping[Protocol, Answer]
    wrong: Mapping[Protocol, Answer]


def ask(lab: Lab, state: State, delegation: Delegation, owner: Sample) -> Answers:
    """All clients at once, with the right and with a wrong password, since a refusal takes its time."""

    def attempt(protocol: Protocol, wrong: str) -> Answer:
        who = delegation.clerk if protocol.delegated else owner
        return protocol.attempt(lab, who, who.password + wrong, delegation)

    answers = at_once(*(partial(attempt, protocol, wrong) for wrong in ("", "x") for protocol in Protocol))
    right, wrong = answers[: len(Protocol)], answers[len(Protocol) :]
    return Answers(state, dict(zip(Protocol, right, strict=True)), dict(zip(Protocol, wrong, strict=True)))


def hold(expectation: str, state: State, protocol: Protocol, answer: Answer) -> None:
    """Whether a door did in a state what is expected of it."""
    match expectation:
        case "in":
            assert answer.opened, answer.text
        case "reason":
            assert not answer.opened
            assert told(state, protocol) in answer.text
            assert protocol.web or answer.text.isascii()
        case "silent":
            assert not answer.opened
            assert not any(word in answer.text for word in SECRETS), answer.text
    if state == State.EXPIRED:
        assert "tam khoa" not in answer.text, "an expired password is no lock (Đ7.2)"
        assert "tam-khoa" not in answer.text


def hold_secret(answer: Answer) -> None:
    """Whether a wrong password learnt nothing."""
    assert not answer.opened
    assert not any(word in answer.text for word in SECRETS), answer.text


# --- A person ---


@pytest.fixture(scope="module")
def whose(people: People) -> Delegation:
    """A person who is a clerk too, so that all doors are his; and his agency's mailbox."""
    return people.delegation()


@pytest.fixture(scope="module")
def when_active(lab: Lab, whose: Delegation) -> Answers:
    """While the mailbox is active: what makes the same client's refusal mean something."""
    return ask(lab, State.ACTIVE, whose, whose.clerk)


@pytest.fixture(scope="module", params=list(State), ids=str)
def answers(request: pytest.FixtureRequest, lab: Lab, whose: Delegation, when_active: Answers) -> Iterator[Answers]:
    with in_state(lab, whose.clerk, request.param):
        yield ask(lab, request.param, whose, whose.clerk)


@pytest.mark.neighbours
@pytest.mark.parametrize("protocol", list(Protocol), ids=str)
def test_state_at_a_door(when_active: Answers, answers: Answers, protocol: Protocol) -> None:
    opened = when_active.right[protocol]
    assert opened.opened, f"the same client got in while the mailbox was active: {opened.text}"
    hold(expected(answers.state, protocol), answers.state, protocol, answers.right[protocol])


@pytest.mark.parametrize("protocol", [p for p in Protocol if p != Protocol.LMTP], ids=str)
def test_a_wrong_password_learns_nothing_of_the_state(answers: Answers, protocol: Protocol) -> None:
    hold_secret(answers.wrong[protocol])


# --- An agency's mailbox with a password of its own ---


@pytest.fixture(scope="module")
def whose_agency(lab: Lab, people: People) -> Delegation:
    """The agency's mailbox is given a password, as a unit that insists on one has it."""
    delegation = people.delegation()
    lab.give_password(delegation.agency, AGENCYS_PASSWORD, must_change=False)
    return delegation


@pytest.fixture(scope="module")
def agency(whose_agency: Delegation) -> Sample:
    return Sample(whose_agency.agency, AGENCYS_PASSWORD, whose_agency.mailbox, "")


@pytest.fixture(scope="module")
def agency_when_active(lab: Lab, whose_agency: Delegation, agency: Sample) -> Answers:
    return ask(lab, State.ACTIVE, whose_agency, agency)


@pytest.fixture(scope="module", params=[state for state in State if state != State.ACTIVE], ids=str)
def agency_answers(
    request: pytest.FixtureRequest, lab: Lab, whose_agency: Delegation, agency: Sample, agency_when_active: Answers
) -> Iterator[Answers]:
    with in_state(lab, agency, request.param):
        yield ask(lab, request.param, whose_agency, agency)


@pytest.mark.dieu9
@pytest.mark.parametrize("protocol", list(Protocol), ids=str)
def test_state_of_an_agencys_mailbox_at_a_door(
    agency_when_active: Answers, agency_answers: Answers, protocol: Protocol
) -> None:
    opened = agency_when_active.right[protocol]
    assert opened.opened, f"the same client got in while the mailbox was active: {opened.text}"
    state = agency_answers.state
    hold(expected_of_agency(state, protocol), state, protocol, agency_answers.right[protocol])


@pytest.mark.dieu9
@pytest.mark.parametrize("protocol", [p for p in Protocol if p != Protocol.LMTP], ids=str)
def test_a_wrong_password_learns_nothing_of_the_agencys_state(agency_answers: Answers, protocol: Protocol) -> None:
    hold_secret(agency_answers.wrong[protocol])
