"""Floods and viruses of one account are slowed, then end it (Đ4.3, Đ7.2b, Đ12.6)."""

import contextlib
import json
import queue
import smtplib
from collections.abc import Iterator
from typing import Any

import pytest

from tests import journal, smtp_server
from tests.delegation import Delegation
from tests.lab import Lab, Sample, at_once, message, wait_for
from tests.mail.hostile import here
from tests.mail.test_delegated import ended
from tests.mail.test_filter import EICAR, with_attachment
from tests.people import People

pytestmark = [pytest.mark.dieu4, pytest.mark.dieu7, pytest.mark.dieu12]


def sent_before(lab: Lab, mailbox: str, column: str, number: int, *, by_login: bool = True) -> None:
    """As if so much had been sent within the hour."""
    lab.sql(
        f"delete from mail.sending where mailbox_id = '{mailbox}';"
        f" insert into mail.sending (mailbox_id, by_login, slot, {column})"
        f" values ('{mailbox}', {by_login}, date_bin('5 minutes', now() - interval '10 minutes', 'epoch'), {number})"
    )


@pytest.fixture
def flooder(lab: Lab, people: People) -> Iterator[Sample]:
    """Somebody whose account sends too much; what waits of his goes afterwards."""
    person = people.take()
    yield person
    wait_for(lambda: {entry["queue_name"] for entry in queued(lab, person)} <= {"hold", "deferred"}, "none under way")
    if waiting := [entry["queue_id"] for entry in queued(lab, person)]:
        lab.run("submission", f"postsuper -d - hold deferred <<'QUEUE'\n{'\n'.join(waiting)}\nQUEUE")


def queued(lab: Lab, person: Sample) -> list[dict[str, Any]]:
    """What waits of his in the queue."""
    entries = [json.loads(line) for line in lab.run("submission", "postqueue -j").splitlines()]
    return [entry for entry in entries if entry["sender"] == person.address]


def is_held(lab: Lab, person: Sample) -> bool:
    """Whether something of his waits, and all of it until an operator has looked."""
    return {entry["queue_name"] for entry in queued(lab, person)} == {"hold"}


def operator_and_agency_are_told(lab: Lab, person: Sample) -> bool:
    """Whether the letter about his lock went to the operator and to his agency, among others."""
    lab.send_notices()
    operator = lab.variables["operator_address"].format(mail_domain=lab.variables["mail_domain"])
    agency = lab.sql(
        "select a.local_part from mail.address a join mail.mailbox m on m.id = a.mailbox_id and a.kind = 'primary'"
        " where m.kind = 'agency' and m.state <> 'revoked'"
        f" and m.agency_id = (select agency_id from mail.mailbox where id = '{person.mailbox}')"
    ).split()
    assert agency
    given = lab.sql(
        f"select payload ->> 'given' from mail.notice where kind = 'sending_lock' and mailbox_id = '{person.mailbox}'"
    )
    return {operator.partition("@")[0], *agency} <= {each.partition("@")[0] for each in json.loads(given)}


def limits_of(lab: Lab, person: Sample) -> dict[str, int]:
    """His own, or his agency's when he is its clerk."""
    numbers: dict[str, int] = lab.variables["sending_limits"][lab.sql(f"select mail.sending_kind('{person.mailbox}')")]
    return numbers


def state(lab: Lab, person: Sample) -> str:
    return lab.sql(f"select mail.mailbox_state('{person.mailbox}') || ':' || mail.state_cause('{person.mailbox}')")


@pytest.mark.provokes(journal.HELD_WHILE_SENT)
def test_dieu12_6_above_its_limit_an_account_waits_and_above_the_second_it_is_locked(
    lab: Lab, flooder: Sample, recipient: Sample
) -> None:
    """Đ4.3."""
    limits = limits_of(lab, flooder)
    reading = lab.imap(flooder.address, flooder.password)
    with lab.submission(flooder.address, flooder.password) as client:
        # To a host that does not answer: what waits in the queue.
        client.send_message(message(flooder.address, "ai.do@khong-tra-loi.example"), to_addrs="ai.do@[192.0.2.254]")
        sent_before(lab, flooder.mailbox, "messages", limits["messages_hour"])
        with pytest.raises(smtplib.SMTPDataError) as caught:
            client.send_message(message(flooder.address, recipient.address))
        assert caught.value.smtp_code == 450
        assert caught.value.smtp_error.startswith(b"4.7.1 ")
        assert b"Da gui qua nhieu thu" in caught.value.smtp_error
        assert caught.value.smtp_error.isascii()
        assert lab.sql(f"select mail.mailbox_state('{flooder.mailbox}')") == "active", "the first limit locks nobody"

        second = limits["messages_hour"] * lab.variables["sending_lock_percent"] // 100
        sent_before(lab, flooder.mailbox, "messages", second)
        with pytest.raises(smtplib.SMTPDataError):
            client.send_message(message(flooder.address, recipient.address))
        assert state(lab, flooder) == "locked:compromised"
        with pytest.raises((smtplib.SMTPSenderRefused, smtplib.SMTPServerDisconnected)):
            client.send_message(message(flooder.address, recipient.address))
    lab.settle()
    wait_for(lambda: ended(reading), "the end of his session by IMAP")
    wait_for(lambda: is_held(lab, flooder), "his mail held")
    assert operator_and_agency_are_told(lab, flooder)
    asked = f"select count(*) from mail.outbox where topic = 'mailbox.hold' and mailbox = '{flooder.mailbox}'"
    before = lab.sql(asked)
    lab.sql(f"select mail.mailbox_correct('{flooder.mailbox}', 'thu nghiem')")
    assert lab.sql(asked) == before, "what is sent after a false lock must go"
    assert lab.sql(f"select mail.mailbox_state('{flooder.mailbox}')") == "active", "no document is needed"
    lab.outwait_cuts()
    with lab.submission(flooder.address, flooder.password) as client:
        client.send_message(message(flooder.address, recipient.address))


TRIED = 2000
SOURCES = 4
SHUT_OUT = 2
"""So often each source asks anew once it is refused."""
PATIENCE = 4


@pytest.mark.neighbours
@pytest.mark.provokes(journal.REFUSED_SIGN_IN, journal.HELD_WHILE_SENT)
def test_dieu12_6_of_a_stolen_accounts_flood_no_more_leaves_than_its_limit(lab: Lab, flooder: Sample) -> None:
    """It would send two thousand messages, over connections side by side and new ones for those that end."""
    limit = limits_of(lab, flooder)["messages_hour"]
    second = limit * lab.variables["sending_lock_percent"] // 100
    # Some are put off where they go, and wait here.
    todo = queue.SimpleQueue[str]()
    for number in range(TRIED):
        todo.put(f"{'cham' if number % 10 == 0 else 'ai'}.{number}@client.example")
    sent, later, shut_out = list[str](), list[str](), list[str]()

    def connect_and_send() -> None:
        refusals = 0
        with lab.submission(flooder.address, flooder.password) as client:
            # Whoever is refused more often over one connection is kept waiting (smtpd_soft_error_limit).
            while refusals < PATIENCE:
                receiver = todo.get_nowait()
                try:
                    client.send_message(message(flooder.address, receiver))
                    sent.append(receiver)
                except smtplib.SMTPDataError as refusal:
                    assert refusal.smtp_code in (450, 553), refusal
                    later.append(receiver)
                    refusals += 1

    def flood() -> None:
        refusals = 0
        for _ in range(TRIED):
            # A connection that is ended is followed by another one.
            with contextlib.suppress(smtplib.SMTPServerDisconnected):
                try:
                    connect_and_send()
                except (smtplib.SMTPAuthenticationError, smtplib.SMTPSenderRefused) as refusal:
                    shut_out.append(str(refusal))
                    refusals += 1
                except queue.Empty:
                    return
            if refusals == SHUT_OUT:
                return

    def left() -> set[str]:
        return {line.partition("<")[2].partition(">")[0] for _, lines, _ in outside.taken for line in lines}

    def waiting() -> set[str]:
        return {receiver["address"] for entry in queued(lab, flooder) for receiver in entry["recipients"]}

    with smtp_server.running((here(lab), 25)) as outside:
        outside.answers["RCPT TO:<cham."] = "451 4.2.0 later"
        at_once(*[flood] * SOURCES)
        assert len(sent) == limit
        # Each source may have one under way when another one's brings the lock.
        assert abs(len(later) - (second - limit)) <= SOURCES
        assert len(shut_out) == SOURCES * SHUT_OUT
        assert state(lab, flooder) == "locked:compromised"
        lab.settle()
        wait_for(lambda: is_held(lab, flooder) and left() | waiting() == set(sent), "what was taken, there or held")
        lab.run("submission", "postqueue -f")
        assert operator_and_agency_are_told(lab, flooder)
    assert {receiver for receiver in sent if receiver.startswith("cham")} <= waiting()
    assert is_held(lab, flooder)
    assert len(outside.taken) <= limit


def test_dieu12_6_one_message_to_hundreds_is_held_to_the_same_limit(lab: Lab, flooder: Sample) -> None:
    limit = limits_of(lab, flooder)["recipients_hour"]
    sent_before(lab, flooder.mailbox, "recipients", limit - 3)
    with lab.submission(flooder.address, flooder.password) as client:
        client.mail(flooder.address)
        answers = [client.rcpt(f"nguoi{number}@[192.0.2.254]") for number in range(5)]
    assert [code for code, _ in answers] == [250, 250, 250, 450, 450]
    assert b"nguoi nhan" in answers[-1][1]


@pytest.mark.dieu9
def test_a_clerk_has_his_agencys_numbers_and_all_its_clerks_together_have_them_once(
    lab: Lab, recipient: Sample, delegation: Delegation
) -> None:
    clerk, agency = delegation.clerk, delegation.agency
    limits = lab.variables["sending_limits"]
    mailbox = lab.sql(f"select mail.resolve('{agency}')")
    kind = lab.sql(f"select mail.sending_kind('{clerk.mailbox}')")
    assert kind in ("agency", "office")

    def answers(client: smtplib.SMTP) -> list[int]:
        found = []
        for sender in (clerk.address, agency):
            with contextlib.suppress(smtplib.SMTPException):
                client.mail(sender)
                found.append(client.rcpt(recipient.address)[0])
                client.rset()
        return found

    with lab.submission(clerk.address, clerk.password) as client:
        sent_before(lab, clerk.mailbox, "recipients", limits["person"]["recipients_hour"] + 50)
        assert answers(client) == [250, 250]
        sent_before(lab, mailbox, "recipients", limits["agency"]["recipients_hour"], by_login=False)
        assert answers(client) == [250, 450]


@pytest.mark.provokes(journal.VIRUSES, journal.HELD_WHILE_SENT)
def test_dieu7_2b_the_last_virus_too_many_locks_the_account(lab: Lab, flooder: Sample, recipient: Sample) -> None:
    """The third, as production has it."""
    most = lab.variables["sending_lock_viruses"]
    with lab.submission(flooder.address, flooder.password) as client:
        client.send_message(message(flooder.address, "ai.do@khong-tra-loi.example"), to_addrs="ai.do@[192.0.2.254]")
    reading = lab.imap(flooder.address, flooder.password)
    sent_before(lab, flooder.mailbox, "viruses", most - 2)
    for number in (most - 1, most):
        mail = with_attachment(message(flooder.address, recipient.address), "a.com", EICAR)
        with lab.submission(flooder.address, flooder.password) as client, pytest.raises(smtplib.SMTPDataError):
            client.send_message(mail)
        noted = f"select sum(viruses) >= {number} from mail.sending where mailbox_id = '{flooder.mailbox}'"
        wait_for(lambda question=noted: lab.sql(question) == "t", f"virus {number} noted")  # type: ignore[misc]
        assert state(lab, flooder) == ("locked:compromised" if number == most else "")
    lab.settle()
    wait_for(lambda: ended(reading), "the end of his session by IMAP")
    wait_for(lambda: is_held(lab, flooder), "his mail held")
    assert operator_and_agency_are_told(lab, flooder)
