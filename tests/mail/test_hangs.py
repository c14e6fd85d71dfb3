"""Whatever hangs while mail is handed in, the answer comes soon and never says that a password is wrong (Đ4.2, Đ10.6).

The scanner and the greeting: test_filter.py; what looks for secrecy marks: test_secrecy.py.
"""

import smtplib
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest

from tests import journal
from tests.foreign import AN
from tests.lab import Lab, Sample, at_once, message, wait_for
from tests.mail.test_filter import EICAR, STRANGER, with_attachment

pytestmark = [pytest.mark.bound, pytest.mark.dieu10]

ANSWER = 30.0
"""Seconds within which whoever hands in mail is answered."""


@contextmanager
def hung(lab: Lab, group: str, unit: str) -> Iterator[None]:
    """All its processes stand still for a while; they go on afterwards whatever happens."""
    lab.run(group, f"systemctl kill --signal=STOP {unit}")
    try:
        yield
    finally:
        lab.run(group, f"systemctl kill --signal=CONT {unit}")


def letter(sender: str, recipient: str, *, virus: bool = False) -> bytes:
    mail = message(sender, recipient)
    if virus:
        with_attachment(mail, "a.com", EICAR)
    return mail.as_bytes()


def subject(mail: bytes) -> str:
    return mail.partition(b"Subject: ")[2].splitlines()[0].decode()


def answered(call: Callable[[], tuple[int, bytes]]) -> tuple[int, str]:
    """Code and text; a failure unless they came in time."""
    began = time.monotonic()
    code, text = call()
    assert time.monotonic() - began < ANSWER, (code, text)
    return code, text.decode()


# --- the database ---


def to_recipient(client: smtplib.SMTP, recipient: str) -> tuple[int, bytes]:
    client.mail(AN)
    return client.rcpt(recipient)


def to_recipient_anew(lab: Lab, recipient: str) -> tuple[int, bytes]:
    with lab.smtp() as client:
        return to_recipient(client, recipient)


def greeting(lab: Lab, port: int) -> tuple[int, bytes]:
    with socket.create_connection((lab.address("submission"), port), timeout=ANSWER) as plain:
        if port == lab.port("submissions"):
            name = f"smtp.{lab.variables['mail_domain']}"
            with lab.ssl_context.wrap_socket(plain, server_hostname=name) as secure:
                line = secure.makefile("rb").readline()
        else:
            line = plain.makefile("rb").readline()
    return int(line[:3]), line[4:]


def before_sign_in(lab: Lab) -> smtplib.SMTP:
    """A program that is just about to send its password on 587."""
    client = smtplib.SMTP(timeout=ANSWER)
    client.connect(lab.address("submission"), lab.port("submission"))
    client._host = f"smtp.{lab.variables['mail_domain']}"  # type: ignore[attr-defined]  # whose certificate it is
    client.starttls(context=lab.ssl_context)
    client.ehlo("client.example")
    return client


def sign_in(client: smtplib.SMTP, person: Sample) -> tuple[int, bytes]:
    client.user, client.password = person.address, person.password
    try:
        return client.auth("PLAIN", client.auth_plain)
    except smtplib.SMTPAuthenticationError as refusal:
        text = refusal.smtp_error
        return refusal.smtp_code, text if isinstance(text, bytes) else text.encode()


def reads(lab: Lab, person: Sample) -> str:
    """What IMAP says to a sign-in, however late."""
    with (
        socket.create_connection((lab.address("mailstore"), lab.port("imaps")), timeout=150) as plain,
        lab.ssl_context.wrap_socket(plain, server_hostname=f"imap.{lab.variables['mail_domain']}") as secure,
    ):
        lines = secure.makefile("rb")
        lines.readline()
        secure.sendall(f'a LOGIN "{person.address}" "{person.password}"\r\n'.encode())
        return next(line.decode() for line in lines if line.startswith(b"a "))


@pytest.mark.neighbours
@pytest.mark.provokes(journal.DATABASE_AWAY, journal.DATABASE_HANGS)
def test_database_that_hangs_means_try_later_and_soon(
    lab: Lab, sender: Sample, recipient: Sample, colleague: Sample, official: Sample
) -> None:
    """With connections that were open when it began, which wait for it without end, and with new ones."""
    with ExitStack() as sessions, ThreadPoolExecutor() as pool:
        signed_in = sessions.enter_context(lab.submission(sender.address, sender.password))
        incoming = sessions.enter_context(lab.smtp())
        at_the_door = [sessions.enter_context(before_sign_in(lab)) for _ in range(3)]
        # By what is asked here the tables have connections, and the mail store knows none of the passwords below.
        assert to_recipient(incoming, recipient.address)[0] == 250
        assert signed_in.mail(sender.address)[0] == 250
        for client in (incoming, signed_in):
            client.rset()
        with hung(lab, "accounts", "postgresql@17-main.service"):
            imap = pool.submit(reads, lab, official)
            answers = dict(
                zip(
                    ("25, open", "25, new", "open submission", "465", "587", *("sign-in " + str(n) for n in range(3))),
                    at_once(
                        partial(answered, partial(to_recipient, incoming, recipient.address)),
                        partial(answered, partial(to_recipient_anew, lab, recipient.address)),
                        partial(answered, partial(signed_in.mail, sender.address)),
                        partial(answered, partial(greeting, lab, lab.port("submissions"))),
                        partial(answered, partial(greeting, lab, lab.port("submission"))),
                        *(
                            partial(answered, partial(sign_in, client, person))
                            for client, person in zip(at_the_door, (recipient, colleague, official), strict=True)
                        ),
                    ),
                    strict=True,
                )
            )
        told = imap.result()
    assert {name: answer for name, answer in answers.items() if not 400 <= answer[0] < 500} == {}
    assert told.startswith(("a OK", "a NO [UNAVAILABLE]")), told

    def sent() -> bool:
        try:
            with lab.submission(sender.address, sender.password) as client:
                client.sendmail(sender.address, recipient.address, mail)
        except smtplib.SMTPException:
            return False
        return True

    mail = letter(sender.address, recipient.address)
    wait_for(sent, "a message taken after the database went on")
    lab.wait_for_message(recipient, subject(mail))
    lab.wait_for_agents()
    lab.outwait_rest()


# --- Redis ---


@pytest.mark.dieu4
@pytest.mark.provokes(journal.FILTER_AWAY)
def test_redis_that_hangs_keeps_no_letter_and_lets_no_virus_pass(lab: Lab, sender: Sample, recipient: Sample) -> None:
    theirs, ours = (letter(author, recipient.address) for author in (STRANGER, sender.address))
    with ExitStack() as sessions, hung(lab, "filter", "redis-server.service"):
        doors = {
            STRANGER: [sessions.enter_context(lab.smtp()) for _ in range(2)],
            sender.address: [sessions.enter_context(lab.submission(sender.address, sender.password)) for _ in range(2)],
        }
        answers = at_once(
            *(
                partial(answered, partial(hand_in, client, author, recipient.address, mail))
                for author, clean in ((STRANGER, theirs), (sender.address, ours))
                for client, mail in zip(
                    doors[author], (clean, letter(author, recipient.address, virus=True)), strict=True
                )
            )
        )
    assert [code for code, _ in answers] == [250, 554, 250, 554], answers
    for mail in (theirs, ours):
        lab.wait_for_message(recipient, subject(mail))


def hand_in(client: smtplib.SMTP, author: str, recipient: str, mail: bytes) -> tuple[int, bytes]:
    client.mail(author)
    client.rcpt(recipient)
    return client.data(mail)


# --- the resolver ---


@pytest.mark.dieu4
def test_without_a_resolver_nobody_passes_unknown_and_nobody_is_refused_for_good(
    lab: Lab, sender: Sample, recipient: Sample
) -> None:
    """Whoever is not asked for his domain at MAIL is asked by whoever judges the letter; what is ours arrives."""
    clean = letter(AN, recipient.address)
    ours = letter(sender.address, recipient.address)
    with ExitStack() as sessions:
        # Who connects is looked up as well.
        strangers = [sessions.enter_context(lab.smtp()) for _ in range(2)]
        own = sessions.enter_context(lab.submission(sender.address, sender.password))
        lab.run("mx", "systemctl stop unbound")
        try:
            named, unnamed, inside = at_once(
                partial(answered, partial(to_recipient, strangers[0], recipient.address)),
                partial(answered, partial(hand_in, strangers[1], "", recipient.address, clean)),
                partial(answered, partial(hand_in, own, sender.address, recipient.address, ours)),
            )
        finally:
            lab.run("mx", "systemctl start unbound")
    assert [code // 100 for code, _ in (named, unnamed)] == [4, 4], (named, unnamed)
    assert inside[0] == 250, inside
    lab.wait_for_message(recipient, subject(ours))


# --- the filter ---


def begin(client: smtplib.SMTP, author: str, recipient: str, mail: bytes) -> bytes:
    """Half of the letter; what is left."""
    client.mail(author)
    client.rcpt(recipient)
    assert client.docmd("DATA")[0] == 354
    whole = mail.replace(b"\n", b"\r\n")
    client.send(whole[: len(whole) // 2])
    return whole[len(whole) // 2 :]


def end(client: smtplib.SMTP, rest: bytes) -> tuple[int, bytes]:
    client.send(rest + b"\r\n.\r\n")
    return client.getreply()


@pytest.mark.neighbours
@pytest.mark.dieu4
@pytest.mark.provokes(journal.FILTER_AWAY, journal.AUTHENTICATION_AWAY)
def test_filter_that_hangs_amid_a_letter_lets_nothing_pass(lab: Lab, sender: Sample, recipient: Sample) -> None:
    letters = [
        (author, letter(author, recipient.address, virus=virus))
        for author in (STRANGER, sender.address)
        for virus in (False, True)
    ]
    with ExitStack() as sessions:
        clients = [
            sessions.enter_context(
                lab.smtp() if author == STRANGER else lab.submission(sender.address, sender.password)
            )
            for author, _ in letters
        ]
        rests = [
            begin(client, author, recipient.address, mail)
            for client, (author, mail) in zip(clients, letters, strict=True)
        ]
        with hung(lab, "filter", "rspamd.service"):
            answers = at_once(
                *(partial(answered, partial(end, client, rest)) for client, rest in zip(clients, rests, strict=True))
            )
    assert [code // 100 for code, _ in answers] == [4] * 4, answers
    later = letter(sender.address, recipient.address)

    def sent() -> bool:
        try:
            with lab.submission(sender.address, sender.password) as client:
                return hand_in(client, sender.address, recipient.address, later)[0] == 250
        except smtplib.SMTPException:
            return False

    wait_for(sent, "a letter taken after the filter went on")
    lab.wait_for_message(recipient, subject(later))
    found = lab.run("mailstore", f"doveadm fetch -u {recipient.mailbox} hdr.subject ALL")
    assert subject(later) in found
    assert [subject(mail) for _, mail in letters if subject(mail) in found] == []
