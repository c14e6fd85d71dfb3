"""A change of state while somebody is at work (Đ7.1, Đ7.2, Đ8.2): everything open ends within seconds."""

import imaplib
import time
import uuid
from collections.abc import Callable

import pytest

from tests.lab import EFFECT, Lab, Sample, message, wait_for
from tests.mail.accounts import State, in_state, raw_imap

pytestmark = [pytest.mark.dieu7, pytest.mark.neighbours]


def idle(lab: Lab, person: Sample) -> Callable[[float], float]:
    """Opens an IMAP session that waits in IDLE; the answer waits for its end: how long after `began` it came."""
    secure = raw_imap(lab)
    stream = secure.makefile("rb")
    stream.readline()
    for command, last in ((f"a LOGIN {person.address} {person.password}", b"a OK"), ("b SELECT INBOX", b"b OK")):
        secure.sendall(f"{command}\r\n".encode())
        while not (line := stream.readline()).startswith(last):
            assert line.startswith(b"*"), line
    secure.sendall(b"c IDLE\r\n")
    assert stream.readline().startswith(b"+")

    def seconds_to_end(began: float) -> float:
        secure.settimeout(EFFECT)
        while stream.readline():
            pass
        secure.close()
        return time.monotonic() - began

    return seconds_to_end


@pytest.mark.bound
@pytest.mark.parametrize("state", [State.COMPROMISED, State.REVOKED, State.DEFAULT, State.EXPIRED], ids=str)
def test_an_open_idle_ends_within_seconds(lab: Lab, person: Sample, state: State) -> None:
    end = idle(lab, person)
    began = time.monotonic()
    lab.sql(state.bring_about(person.mailbox))
    seconds = end(began)
    print(f"IMAP IDLE ended {seconds:.2f} s after {state}")
    assert seconds < EFFECT


@pytest.mark.bound
def test_an_open_smtp_session_dies_at_the_next_mail(lab: Lab, person: Sample) -> None:
    with lab.submission(person.address, person.password) as client:
        assert client.mail(person.address)[0] == 250
        client.rset()
        began = time.monotonic()
        lab.sql(State.COMPROMISED.bring_about(person.mailbox))
        code, text = client.mail(person.address)
        seconds = time.monotonic() - began
    print(f"SMTP MAIL refused {seconds:.2f} s after the lock")
    assert code == 553, text
    assert seconds < EFFECT


@pytest.mark.bound
def test_an_open_smtp_session_dies_at_the_end_of_its_message(lab: Lab, person: Sample, colleague: Sample) -> None:
    """The envelope was taken before the lock, the message comes after it: it is not sent."""
    mail = message(person.address, colleague.address)
    with lab.submission(person.address, person.password) as client:
        client.mail(person.address)
        assert client.rcpt(colleague.address)[0] == 250
        assert client.docmd("DATA")[0] == 354
        began = time.monotonic()
        lab.sql(State.COMPROMISED.bring_about(person.mailbox))
        client.send(mail.as_bytes().replace(b"\n", b"\r\n") + b"\r\n.\r\n")
        code, text = client.getreply()
        seconds = time.monotonic() - began
    print(f"SMTP message refused {seconds:.2f} s after the lock")
    assert code == 553, text
    assert seconds < EFFECT
    assert mail["Message-ID"] not in lab.run("submission", "postqueue -j")


@pytest.mark.bound
@pytest.mark.dieu8
def test_after_a_change_the_old_password_ends_and_the_new_one_opens(lab: Lab, person: Sample) -> None:
    end = idle(lab, person)
    began = time.monotonic()
    new = "Tam-thoi-8#Qv"
    answer = lab.sql(f"select result from mail.change_password('{person.address}', '{person.password}', '{new}', '')")
    assert answer == "changed"
    assert end(began) < EFFECT
    lab.settle()
    with pytest.raises(imaplib.IMAP4.error):
        lab.imap(person.address, person.password)
    lab.imap(person.address, new).logout()


def deliver(lab: Lab, person: Sample, sender: str = "an@bo.gov.vn") -> str:
    """Hand a message to the mail store as Postfix does; its subject."""
    subject = f"trang thai {uuid.uuid4().hex[:8]}"
    program = (
        "import smtplib\n"
        f"head = 'From: {sender}\\nTo: {person.address}\\nSubject: {subject}\\n\\n'\n"
        f"smtplib.LMTP('/run/dovecot/lmtp').sendmail('{sender}', ['{person.address}'], (head + 'x\\n').encode())\n"
    )
    lab.run("mailstore", f"python3 - <<'PROGRAM'\n{program}PROGRAM")
    return subject


@pytest.mark.dieu4
def test_a_locked_mailboxs_own_rules_stop_and_go_on_afterwards(lab: Lab, person: Sample, colleague: Sample) -> None:
    """Đ4.5: a vacation reply and a filing rule; mail still arrives, in the inbox."""
    script = 'require ["vacation", "fileinto", "mailbox"]; vacation :days 1 "vang mat"; fileinto :create "Rieng";'
    asker = colleague

    def found(folder: str, subject: str) -> str:
        search = f"doveadm search -u {person.mailbox} mailbox {folder} header subject '{subject}'"
        return lab.run("mailstore", search, check=False).strip()

    def replies() -> str:
        search = f"doveadm search -u {asker.mailbox} mailbox INBOX header subject 'Auto:' from {person.address}"
        return lab.run("mailstore", search).strip()

    lab.run("mailstore", f"printf '%s\\n' '{script}' | doveadm sieve put -u {person.mailbox} -a quy-tac")
    with in_state(lab, person, State.IDLE):
        subject = deliver(lab, person, asker.address)
        assert found("INBOX", subject)
        assert not found("Rieng", subject)
    subject = deliver(lab, person, asker.address)
    assert found("Rieng", subject)
    wait_for(replies, "the reply of the opened mailbox")
    assert len(replies().splitlines()) == 1, "none came of the locked one"
