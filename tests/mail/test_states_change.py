"""A change of state while somebody is at work (Đ7.1, Đ7.2, Đ8.2): everything open ends within seconds."""

import base64
import imaplib
import smtplib
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.lab import Lab, Sample, message, wait_for
from tests.mail.accounts import State, in_state, raw_imap, reopen, settled, sql

pytestmark = pytest.mark.dieu7
SECONDS = 5.0


@pytest.fixture
def person(lab: Lab) -> Iterator[Sample]:
    sample = lab.samples[4]
    reopen(lab, sample.mailbox)
    yield sample
    reopen(lab, sample.mailbox)


def idle(lab: Lab, person: Sample) -> Callable[[], float]:
    """Opens an IMAP session that waits in IDLE; the answer waits for its end and says how long that took."""
    secure = raw_imap(lab)
    stream = secure.makefile("rb")
    stream.readline()
    for command, last in ((f"a LOGIN {person.address} {person.password}", b"a OK"), ("b SELECT INBOX", b"b OK")):
        secure.sendall(f"{command}\r\n".encode())
        while not (line := stream.readline()).startswith(last):
            assert line.startswith(b"*"), line
    secure.sendall(b"c IDLE\r\n")
    assert stream.readline().startswith(b"+")

    def seconds_to_end() -> float:
        started = time.monotonic()
        secure.settimeout(SECONDS)
        while stream.readline():
            pass
        secure.close()
        return time.monotonic() - started

    return seconds_to_end


@pytest.mark.parametrize("state", [State.COMPROMISED, State.REVOKED, State.DEFAULT, State.EXPIRED], ids=str)
def test_an_open_idle_ends_within_seconds(lab: Lab, person: Sample, state: State) -> None:
    end = idle(lab, person)
    sql(lab, state.bring_about(person.mailbox))
    seconds = end()
    print(f"IMAP IDLE ended {seconds:.2f} s after {state}")
    assert seconds < SECONDS


def test_an_open_smtp_session_dies_at_the_next_mail(lab: Lab, person: Sample) -> None:
    with lab.submission(person.address, person.password) as client:
        assert client.mail(person.address)[0] == 250
        client.rset()
        sql(lab, State.COMPROMISED.bring_about(person.mailbox))
        started = time.monotonic()
        code, text = client.mail(person.address)
        print(f"SMTP MAIL refused {time.monotonic() - started:.2f} s after the lock")
    assert code == 553, text


def test_an_open_smtp_session_dies_at_the_end_of_its_message(lab: Lab, person: Sample) -> None:
    """The envelope was taken before the lock, the message comes after it: it is not sent."""
    mail = message(person.address, lab.samples[0].address)
    with lab.submission(person.address, person.password) as client:
        client.mail(person.address)
        assert client.rcpt(lab.samples[0].address)[0] == 250
        assert client.docmd("DATA")[0] == 354
        sql(lab, State.COMPROMISED.bring_about(person.mailbox))
        started = time.monotonic()
        client.send(mail.as_bytes().replace(b"\n", b"\r\n") + b"\r\n.\r\n")
        code, text = client.getreply()
        print(f"SMTP message refused {time.monotonic() - started:.2f} s after the lock")
    assert code == 553, text
    assert mail["Message-ID"] not in lab.run("submission", "postqueue -j")


@pytest.mark.dieu8
def test_after_a_change_the_old_password_ends_and_the_new_one_opens(lab: Lab, person: Sample) -> None:
    end = idle(lab, person)
    new = "Tam-thoi-8#Qv"
    answer = sql(lab, f"select result from mail.change_password('{person.address}', '{person.password}', '{new}', '')")
    assert answer == "changed"
    try:
        assert end() < SECONDS
        settled(lab)
        with pytest.raises(imaplib.IMAP4.error):
            lab.imap(person.address, person.password)
        lab.imap(person.address, new).logout()
    finally:
        # As a new official has it: nothing in the history, so that the lab's password is taken again.
        sql(
            lab,
            f"delete from mail.password_history where mailbox_id = '{person.mailbox}';"
            f" select mail.password_set('{person.mailbox}', '{person.password}', false, true)",
        )


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
def test_a_locked_mailboxs_own_rules_stop_and_go_on_afterwards(lab: Lab, person: Sample) -> None:
    """Đ4.5: a vacation reply and a filing rule; mail still arrives, in the inbox."""
    script = 'require ["vacation", "fileinto", "mailbox"]; vacation :days 1 "vang mat"; fileinto :create "Rieng";'
    asker = lab.samples[0]

    def found(folder: str, subject: str) -> str:
        search = f"doveadm search -u {person.mailbox} mailbox {folder} header subject '{subject}'"
        return lab.run("mailstore", search, check=False).strip()

    def replies() -> str:
        search = f"doveadm search -u {asker.mailbox} mailbox INBOX header subject 'Auto:' from {person.address}"
        return lab.run("mailstore", search).strip()

    lab.run("mailstore", f"doveadm expunge -u {asker.mailbox} mailbox INBOX from {person.address}")
    lab.run("mailstore", f"printf '%s\\n' '{script}' | doveadm sieve put -u {person.mailbox} -a quy-tac")
    try:
        with in_state(lab, person, State.IDLE):
            subject = deliver(lab, person, asker.address)
            assert found("INBOX", subject)
            assert not found("Rieng", subject)
        subject = deliver(lab, person, asker.address)
        assert found("Rieng", subject)
        wait_for(replies, "the reply of the opened mailbox")
        assert len(replies().splitlines()) == 1, "none came of the locked one"
    finally:
        lab.run(
            "mailstore",
            f"doveadm sieve deactivate -u {person.mailbox}; doveadm sieve delete -u {person.mailbox} quy-tac;"
            f" doveadm mailbox delete -u {person.mailbox} Rieng;"
            f" doveadm expunge -u {asker.mailbox} mailbox INBOX from {person.address}",
            check=False,
        )


# --- What is typed ---

STRANGE = ["'", '"', "%", "*", "(", ")", "\\", "\n", "\t", "' or '1'='1", "$1", "%{password}", "n" * 10_000, "Đặng"]


def plain(lab: Lab, login: bytes, password: bytes) -> bytes:
    """The answer of IMAP to AUTHENTICATE PLAIN, which carries any octets."""
    with raw_imap(lab) as secure:
        stream = secure.makefile("rb")
        stream.readline()
        secure.sendall(b"a AUTHENTICATE PLAIN\r\n")
        assert stream.readline().startswith(b"+")
        secure.sendall(base64.b64encode(b"\0" + login + b"\0" + password) + b"\r\n")
        while not (line := stream.readline()).startswith(b"a "):
            if not line or line.startswith(b"* BYE"):
                return line
        return line


@pytest.mark.dieu4
def test_no_character_of_a_name_or_password_reaches_sql_unescaped(lab: Lab, person: Sample) -> None:
    """Each is refused like any wrong one, without an error, and what is right still opens."""
    begin = lab.run("mailstore", "date +%s").strip()
    address, password = person.address.encode(), person.password.encode()
    assert plain(lab, address, password).startswith(b"a OK")
    tries = [
        pair
        for strange in (*(text.encode() for text in STRANGE), b"\0", b"a\0b", b"\xff\xfe")
        for pair in ((address + strange, password), (strange, password), (address, password + strange))
    ]
    # At once: each refusal takes its time.
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda pair: plain(lab, *pair), tries))
    assert [pair for pair, answer in zip(tries, answers, strict=True) if answer.startswith(b"a OK")] == []
    with pytest.raises(smtplib.SMTPAuthenticationError):
        lab.submission(person.address + "' or '1'='1", person.password)
    lab.imap(person.address, person.password).logout()
    journal = lab.run("mailstore", f"journalctl -u dovecot --since @{begin} -o cat")
    assert "Query failed" not in journal
    assert "syntax error" not in journal
    assert person.password not in journal
