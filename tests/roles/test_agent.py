"""The agent as it runs: a change in the database reaches Dovecot within seconds."""

import contextlib
import imaplib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from testinfra.host import Host

from tests import journal
from tests.lab import EFFECT, Lab, Sample, wait_for


def cursor(host: Host, node: str) -> tuple[int, int]:
    """Where the node's agent is, and where the outbox ends."""
    shown = host.check_output(
        "cd / && psql -qtAX -U postgres -d mail -c %s",
        f"select c.seq, (select max(seq) from mail.outbox) from mail.agent_cursor c where c.node = '{node}'",
    )
    here, _, end = shown.strip().partition("|")
    return int(here), int(end)


def gets_in(lab: Lab, person: Sample) -> bool:
    """Whether the person is let in."""
    try:
        lab.imap(person.address, person.password).logout()
    except imaplib.IMAP4.error:
        return False
    return True


def test_the_agent_runs_as_nobody_in_particular(mailstore_host: Host) -> None:
    assert mailstore_host.service("hanam-agent").is_running
    assert mailstore_host.service("hanam-agent").is_enabled
    assert mailstore_host.user("hanam-agent").groups == ["hanam-agent"]
    score = mailstore_host.check_output("systemd-analyze security hanam-agent | tail -1")
    assert float(score.split(":")[1].split()[0]) < 2


def test_its_configuration_is_for_it_alone(mailstore_host: Host) -> None:
    file = mailstore_host.file("/etc/hanam-mail/agent.yml")
    assert (file.user, file.group, file.mode) == ("root", "hanam-agent", 0o640)


@pytest.mark.bound
@pytest.mark.neighbours
@pytest.mark.dieu7
def test_a_lock_cuts_an_open_session_and_every_cached_login_within_seconds(
    lab: Lab, accounts_host: Host, person: Sample
) -> None:
    local_part = person.address.partition("@")[0]
    names = [person.address, local_part, person.address.upper(), person.mailbox]
    sessions = [lab.imap(name, person.password) for name in names]
    accounts_host.check_output("hanam-mail-db lock %s --reason compromised --note thử", person.address)
    for session in sessions:
        session.sock.settimeout(10)
        with contextlib.suppress(ConnectionError):
            while session.sock.recv(4096):
                pass
    cut = time.time()
    assert cut - lab.locked_at(person.mailbox) < EFFECT
    for name in names:
        with pytest.raises(imaplib.IMAP4.error, match="tam khoa"):
            lab.imap(name, person.password)
    accounts_host.check_output("hanam-mail-db correct %s --of-person --note 'thử xong'", person.address)
    wait_for(lambda: gets_in(lab, person), "the unlocked mailbox to open", EFFECT)


@pytest.mark.bound
@pytest.mark.neighbours
@pytest.mark.dieu7
def test_nobody_who_signs_in_at_the_moment_of_a_lock_stays_in(
    lab: Lab, accounts_host: Host, mailstore_host: Host, person: Sample
) -> None:
    """Sign-ins by the dozen while the lock is set: some were decided before it and come in behind."""
    enough = threading.Event()
    inside: list[imaplib.IMAP4_SSL] = []

    def keep_signing_in(number: int) -> None:
        while not enough.is_set():
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                inside.append(lab.imap(person.address, person.password))

    with ThreadPoolExecutor(8) as people:
        tries = [people.submit(keep_signing_in, number) for number in range(8)]
        for _ in range(20):
            mailstore_host.check_output("doveadm auth cache flush %s", person.address)
        accounts_host.check_output("hanam-mail-db lock %s --reason compromised --note thử", person.address)
        locked = time.monotonic()
        time.sleep(1)
        enough.set()
        time.sleep(max(0.0, EFFECT - (time.monotonic() - locked)))
        sessions = mailstore_host.check_output("doveadm -f json who -1")
        assert f'"username":"{person.mailbox}"' not in sessions.replace(" ", "")
        for one in tries:
            one.result()
    assert inside, "nobody was inside before"
    assert person.mailbox not in mailstore_host.check_output("doveadm who -1")
    with pytest.raises(imaplib.IMAP4.error, match="tam khoa"):
        lab.imap(person.address, person.password)


@pytest.mark.bound
@pytest.mark.neighbours
@pytest.mark.dieu8
def test_a_session_begun_with_the_new_password_is_not_cut(lab: Lab, accounts_host: Host, person: Sample) -> None:
    """A change of password cuts what was open, and not what its owner opens right after it."""
    wait_for(lambda: gets_in(lab, person), "the mailbox to open", EFFECT)
    change = f"update mail.credential set changed_at = now() where mailbox_id = '{person.mailbox}'"
    old = lab.imap(person.address, person.password)
    accounts_host.check_output("cd / && runuser -u postgres -- psql -q -d mail -c %s", change)
    old.sock.settimeout(5)
    with contextlib.suppress(ConnectionError):
        while old.sock.recv(4096):
            pass
    new = lab.imap(person.address, person.password)
    time.sleep(4)
    assert new.noop()[0] == "OK"


@pytest.mark.neighbours
def test_an_agent_that_missed_changes_cuts_everybody(lab: Lab, accounts_host: Host, person: Sample) -> None:
    session = lab.imap(person.address, person.password)
    node = lab.host("mailstore")
    with lab.stopped("mailstore", "hanam-agent"):
        missed = (
            f"update mail.agent_cursor set seq = 0 where node = '{node}';"
            " insert into mail.outbox_pruned (seq) values (1) on conflict (one) do nothing"
        )
        accounts_host.check_output("cd / && runuser -u postgres -- psql -q -d mail -c %s", missed)
    session.sock.settimeout(60)
    with contextlib.suppress(ConnectionError):
        while session.sock.recv(4096):
            pass
    lab.settle()


@pytest.mark.bound
@pytest.mark.neighbours
def test_of_very_many_changes_at_once_the_sessions_that_there_are_end_within_seconds(
    lab: Lab, accounts_host: Host, person: Sample
) -> None:
    """As after a merger of agencies: the agent asks Dovecot who is connected instead of cutting hundreds of nobody."""
    session = lab.imap(person.address, person.password)
    session.sock.settimeout(EFFECT)
    changes = (
        "insert into mail.outbox (topic, mailbox) select 'mailbox.access', b.id from ("
        "  select 'nobody' || n from generate_series(1, 60) n union all"
        f" select '{person.mailbox}' union all select 'nobody' || n from generate_series(61, 120) n) b(id)"
    )
    accounts_host.check_output("cd / && runuser -u postgres -- psql -q -d mail -c %s", changes)
    with contextlib.suppress(ConnectionError):
        while session.sock.recv(4096):
            pass
    lab.outwait_cuts()


@pytest.mark.neighbours
def test_what_happened_while_the_agent_was_away_is_caught_up_with(
    lab: Lab, accounts_host: Host, person: Sample
) -> None:
    lab.imap(person.address, person.password).logout()
    node = lab.host("mailstore")
    with lab.stopped("mailstore", "hanam-agent"):
        accounts_host.check_output("hanam-mail-db lock %s --reason idle --note thử", person.address)
        here, end = cursor(accounts_host, node)
        assert here < end
    lab.settle()
    with pytest.raises(imaplib.IMAP4.error, match="tam khoa"):
        lab.imap(person.address, person.password)


@pytest.mark.neighbours
@pytest.mark.provokes(journal.DATABASE_AWAY)
def test_the_agent_survives_a_restart_of_the_database(lab: Lab, accounts_host: Host, person: Sample) -> None:
    accounts_host.check_output("systemctl restart postgresql@17-main")
    accounts_host.check_output("hanam-mail-db lock %s --reason idle --note thử", person.address)
    lab.settle(30)


@pytest.mark.neighbours
@pytest.mark.provokes(journal.DATABASE_AWAY)
def test_once_the_agent_is_back_no_sign_in_fails_after_a_restart_of_the_database(
    lab: Lab, accounts_host: Host, mailstore_host: Host, person: Sample
) -> None:
    def sign_in(_: int) -> None:
        lab.imap(person.address, person.password).logout()

    # Several at once: Dovecot opens as many connections as it may.
    mailstore_host.check_output("doveadm auth cache flush")
    with ThreadPoolExecutor(8) as people:
        list(people.map(sign_in, range(16)))
    accounts_host.check_output("systemctl restart postgresql@17-main")
    lab.wait_for_agents()
    for number in range(8):
        mailstore_host.check_output("doveadm auth cache flush")
        sign_in(number)
