"""Every state of a mailbox at every door (Đ6, Đ7.1, Đ8.2a): generated from the two enumerations."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.lab import Lab, Sample
from tests.mail.accounts import Answer, Protocol, State, in_state, reopen

pytestmark = [pytest.mark.dieu6, pytest.mark.dieu7, pytest.mark.dieu8]

# What a door does in a state: lets in, refuses with the reason (to the right password), refuses as if it was wrong.
IN, REASON, SILENT = "in", "reason", "silent"
# Words of which a wrong password must hear none.
SECRETS = ("must_change", "locked", "revoked", "khoa", "het han", "thu hoi")


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
    if state == State.THROTTLED or protocol in (Protocol.SUBMISSION, Protocol.SUBMISSIONS):
        return SILENT
    return REASON


def told(state: State, protocol: Protocol) -> str:
    """What a refusal with a reason contains."""
    if protocol == Protocol.LMTP:
        return "550"
    return state.partition(":")[0] if protocol == Protocol.CHANGE else f"[{state}]"


@pytest.fixture(scope="module")
def person(lab: Lab) -> Sample:
    return lab.samples[4]


@dataclass(frozen=True)
class Answers:
    """What all clients were told in a state: with the right password and with a wrong one."""

    state: State
    right: Mapping[Protocol, Answer]
    wrong: Mapping[Protocol, Answer]


def ask(lab: Lab, person: Sample, state: State) -> Answers:
    """All clients at once: a refusal takes its time."""
    passwords = (person.password, person.password + "x")
    with ThreadPoolExecutor(8) as pool:
        right, wrong = (
            {protocol: pool.submit(protocol.attempt, lab, person, password) for protocol in Protocol}
            for password in passwords
        )
        return Answers(
            state,
            {protocol: answer.result() for protocol, answer in right.items()},
            {protocol: answer.result() for protocol, answer in wrong.items()},
        )


@pytest.fixture(scope="module")
def when_active(lab: Lab, person: Sample) -> Answers:
    """While the mailbox is active: what makes the same client's refusal mean something."""
    reopen(lab, person.mailbox)
    return ask(lab, person, State.ACTIVE)


@pytest.fixture(scope="module", params=list(State), ids=str)
def answers(request: pytest.FixtureRequest, lab: Lab, person: Sample, when_active: Answers) -> Iterator[Answers]:
    with in_state(lab, person, request.param):
        yield ask(lab, person, request.param)


@pytest.mark.parametrize("protocol", list(Protocol), ids=str)
def test_state_at_a_door(when_active: Answers, answers: Answers, protocol: Protocol) -> None:
    assert when_active.right[protocol].opened, "the same client got in while the mailbox was active"
    answer, state = answers.right[protocol], answers.state
    match expected(state, protocol):
        case "in":
            assert answer.opened, answer.text
        case "reason":
            assert not answer.opened
            assert told(state, protocol) in answer.text
            assert answer.text.isascii()
        case "silent":
            assert not answer.opened
            assert not any(word in answer.text for word in SECRETS)
    if state == State.EXPIRED:
        assert "tam khoa" not in answer.text, "an expired password is no lock (Đ7.2)"


@pytest.mark.parametrize("protocol", [p for p in Protocol if p != Protocol.LMTP], ids=str)
def test_a_wrong_password_learns_nothing_of_the_state(answers: Answers, protocol: Protocol) -> None:
    answer = answers.wrong[protocol]
    assert not answer.opened
    assert not any(word in answer.text for word in SECRETS), answer.text
