"""A clerk opens his agency's mailbox with his own login: agency*person (Đ9.2, Đ12.3)."""

import imaplib
import poplib
import smtplib
import time

import pytest

from tests import journal
from tests.delegation import Delegation
from tests.lab import EFFECT, Lab, Sample, at_once, message, wait_for

pytestmark = [pytest.mark.dieu9, pytest.mark.neighbours, pytest.mark.provokes(journal.REFUSED_SIGN_IN)]


@pytest.fixture
def clerk(delegation: Delegation) -> Sample:
    return delegation.clerk


def ended(session: imaplib.IMAP4) -> bool:
    """Whether the server has hung up."""
    try:
        session.noop()
    except (imaplib.IMAP4.abort, OSError):
        return True
    return False


def forms(delegation: Delegation) -> list[str]:
    domain = delegation.agency.partition("@")[2]
    return [
        delegation.login,
        delegation.login.upper(),
        f"{delegation.login}@{domain}",
        f"{delegation.agency}*{delegation.clerk.address}",
        f"{delegation.mailbox}*{delegation.clerk.mailbox}",
    ]


def test_a_clerk_reads_the_agencys_mail_in_every_client(lab: Lab, delegation: Delegation, stranger: Sample) -> None:
    mail = message(stranger.address, delegation.agency)
    with lab.submission(stranger.address, stranger.password) as client:
        client.send_message(mail)
    for login in forms(delegation):
        with lab.imap(login, delegation.clerk.password) as reader:
            reader.select("INBOX", readonly=True)

            def arrived(reader: imaplib.IMAP4_SSL = reader) -> bool:
                reader.noop()
                return bool(reader.search(None, "SUBJECT", f'"{mail["Subject"]}"')[1][0])

            wait_for(arrived, f"the agency's mail for {login}")
    pop3 = lab.pop3(delegation.login, delegation.clerk.password)
    assert pop3.stat()[0] > 0
    pop3.quit()


def test_a_clerk_writes_as_the_agency_and_as_himself_and_as_nobody_else(
    lab: Lab, delegation: Delegation, stranger: Sample
) -> None:
    for sender in (delegation.agency, delegation.clerk.address):
        mail = message(sender, stranger.address)
        with lab.submission(delegation.login, delegation.clerk.password) as client:
            client.send_message(mail)
        lab.wait_for_message(stranger, mail["Subject"])
    with lab.submission(delegation.login, delegation.clerk.password) as client:
        assert client.mail(stranger.address)[0] == 553


@pytest.mark.dieu12
@pytest.mark.parametrize(
    "case", ["wrong password", "agency's clerk of another", "personal mailbox", "two stars", "nobody"]
)
def test_dieu12_3_nobody_else_opens_it_and_no_personal_mailbox_is_shared(
    lab: Lab, delegation: Delegation, stranger: Sample, clerk: Sample, case: str
) -> None:
    agency, person = delegation.login.split("*")
    login, password = {
        "wrong password": (delegation.login, clerk.password + "x"),
        "agency's clerk of another": (f"{agency}*{stranger.address}", stranger.password),
        "personal mailbox": (f"{stranger.address}*{person}", clerk.password),
        "two stars": (f"{agency}*{person}*{person}", clerk.password),
        "nobody": (f"{agency}*", clerk.password),
    }[case]

    def read() -> None:
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            lab.imap(login, password)

    def send() -> None:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            lab.submission(login, password)

    def fetch() -> None:
        with pytest.raises(poplib.error_proto):
            lab.pop3(login, password)

    at_once(read, send, fetch)


def test_both_names_are_kept(lab: Lab, delegation: Delegation) -> None:
    lab.imap(delegation.login, delegation.clerk.password).logout()
    kept = (
        f"select count(*) from mail.sign_in where mailbox_id = '{delegation.mailbox}' "
        f"and clerk_id = '{delegation.clerk.mailbox}' and protocol = 'imap' and day = current_date"
    )
    wait_for(
        lambda: lab.sql(kept) != "0",
        "the sign-in with the clerk's name",
    )
    told = f"user=<{delegation.mailbox}>, login=<{delegation.login}>"
    wait_for(lambda: told in lab.run("mailstore", "journalctl -t dovecot --since -2min -o cat"), told)


@pytest.mark.bound
@pytest.mark.dieu7
def test_dieu7_1_a_lock_of_the_clerk_cuts_his_way_into_the_agencys_mailbox(
    lab: Lab, delegation: Delegation, clerk: Sample
) -> None:
    reading = lab.imap(delegation.login, clerk.password)
    reading.select("INBOX")
    writing = lab.submission(delegation.login, clerk.password)
    assert writing.mail(delegation.agency)[0] == 250
    writing.rset()
    lab.run("accounts", f"hanam-mail-db lock {clerk.address} --reason compromised --document 1/KT")
    wait_for(lambda: ended(reading), "the end of the clerk's session", EFFECT)
    cut = time.time()
    assert cut - lab.locked_at(clerk.mailbox) < EFFECT
    refused = [writing.mail(delegation.agency), writing.rcpt(delegation.agency)]
    assert any(code >= 400 for code, _ in refused), refused
    with pytest.raises(imaplib.IMAP4.error, match="tam khoa"):
        lab.imap(delegation.login, clerk.password)


@pytest.mark.bound
@pytest.mark.dieu7
def test_dieu7_1_a_locked_agency_mailbox_opens_for_no_clerk(lab: Lab, delegation: Delegation, clerk: Sample) -> None:
    lab.imap(delegation.login, clerk.password).logout()
    lab.run("accounts", f"hanam-mail-db lock {delegation.agency} --reason forbidden_use --document 1/KT")

    def refused() -> bool:
        try:
            lab.imap(delegation.login, clerk.password).logout()
        except imaplib.IMAP4.error as error:
            return "tam khoa" in str(error)
        return False

    wait_for(refused, "the lock of the agency's mailbox", EFFECT)
    lab.imap(clerk.address, clerk.password).logout()  # his own stays open


@pytest.mark.bound
def test_a_clerk_who_leaves_is_cut_at_once_although_his_sign_in_was_remembered(
    lab: Lab, delegation: Delegation, clerk: Sample
) -> None:
    reading = lab.imap(delegation.login, clerk.password)
    pair = f"('{delegation.mailbox}', '{clerk.mailbox}')"
    delete = f"delete from mail.mailbox_clerk where (mailbox_id, clerk_id) = {pair}"
    lab.sql(delete)
    wait_for(lambda: ended(reading), "the end of the former clerk's session", EFFECT)
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        lab.imap(delegation.login, clerk.password)
    insert = f"insert into mail.mailbox_clerk values {pair}"
    lab.sql(insert)
    wait_for(lambda: lab.imap(delegation.login, clerk.password).logout()[0] == "BYE", "the clerk's return", EFFECT)
