"""The agent as it runs: a change in the database reaches Dovecot within seconds."""

import contextlib
import imaplib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from testinfra.host import Host

from tests.lab import Lab, Sample, wait_for


@pytest.fixture
def sample(lab: Lab, accounts_host: Host) -> Iterator[Sample]:
    """A sample official, unlocked again afterwards."""
    person = lab.samples[-1]
    yield person
    accounts_host.check_output("hanam-mail-db correct %s --note 'thử xong'", person.address)


def cursor(host: Host, node: str) -> tuple[int, int]:
    """Where the node's agent is, and where the outbox ends."""
    shown = host.check_output(
        "cd / && psql -qtAX -U postgres -d mail -c %s",
        f"select c.seq, (select max(seq) from mail.outbox) from mail.agent_cursor c where c.node = '{node}'",
    )
    here, _, end = shown.strip().partition("|")
    return int(here), int(end)


def test_the_agent_runs_as_nobody_in_particular(mailstore_host: Host) -> None:
    assert mailstore_host.service("hanam-agent").is_running
    assert mailstore_host.service("hanam-agent").is_enabled
    assert mailstore_host.user("hanam-agent").groups == ["hanam-agent"]
    score = mailstore_host.check_output("systemd-analyze security hanam-agent | tail -1")
    assert float(score.split(":")[1].split()[0]) < 2


def test_its_configuration_is_for_it_alone(mailstore_host: Host) -> None:
    file = mailstore_host.file("/etc/hanam-mail/agent.yml")
    assert (file.user, file.group, file.mode) == ("root", "hanam-agent", 0o640)


@pytest.mark.dieu7
def test_a_lock_cuts_an_open_session_and_every_cached_login_within_seconds(
    lab: Lab, accounts_host: Host, sample: Sample
) -> None:
    local_part = sample.address.partition("@")[0]
    names = [sample.address, local_part, sample.address.upper(), sample.mailbox]
    sessions = [lab.imap(name, sample.password) for name in names]
    started = time.monotonic()
    accounts_host.check_output("hanam-mail-db lock %s --reason compromised --note thử", sample.address)
    for session in sessions:
        session.sock.settimeout(10)
        with contextlib.suppress(ConnectionError):
            while session.sock.recv(4096):
                pass
    assert time.monotonic() - started < 5
    for name in names:
        with pytest.raises(imaplib.IMAP4.error, match="tam khoa"):
            lab.imap(name, sample.password)
    accounts_host.check_output("hanam-mail-db correct %s --note 'thử xong'", sample.address)

    def let_in() -> bool | None:
        try:
            lab.imap(sample.address, sample.password).logout()
        except imaplib.IMAP4.error:
            return None
        return True

    wait_for(let_in, "the unlocked mailbox to open", seconds=5)


def test_what_happened_while_the_agent_was_away_is_caught_up_with(
    lab: Lab, accounts_host: Host, sample: Sample
) -> None:
    lab.imap(sample.address, sample.password).logout()
    node = lab.host("mailstore")
    with lab.stopped("mailstore", "hanam-agent"):
        accounts_host.check_output("hanam-mail-db lock %s --reason idle --note thử", sample.address)
        here, end = cursor(accounts_host, node)
        assert here < end

    def caught_up() -> bool | None:
        here, end = cursor(accounts_host, node)
        return here == end or None

    wait_for(caught_up, "the agent to catch up", seconds=10)
    with pytest.raises(imaplib.IMAP4.error, match="tam khoa"):
        lab.imap(sample.address, sample.password)


def test_the_agent_survives_a_restart_of_the_database(lab: Lab, accounts_host: Host, sample: Sample) -> None:
    accounts_host.check_output("systemctl restart postgresql@17-main")
    accounts_host.check_output("hanam-mail-db lock %s --reason idle --note thử", sample.address)

    def caught_up() -> bool | None:
        here, end = cursor(accounts_host, lab.host("mailstore"))
        return here == end or None

    wait_for(caught_up, "the agent to come back", seconds=30)


def test_once_the_agent_is_back_no_sign_in_fails_after_a_restart_of_the_database(
    lab: Lab, accounts_host: Host, mailstore_host: Host, sample: Sample
) -> None:
    def sign_in(_: int) -> None:
        lab.imap(sample.address, sample.password).logout()

    # Several at once: Dovecot opens as many connections as it may.
    mailstore_host.check_output("doveadm auth cache flush")
    with ThreadPoolExecutor(8) as people:
        list(people.map(sign_in, range(16)))
    accounts_host.check_output("systemctl restart postgresql@17-main")
    lab.wait_for_agents()
    for number in range(8):
        mailstore_host.check_output("doveadm auth cache flush")
        sign_in(number)
