"""What counts as use of a mailbox (Đ7.2a): reading and sending by its owner, and nothing that comes by itself."""

import pytest

from tests import journal
from tests.delegation import Delegation
from tests.lab import Lab, Sample, message, wait_for

pytestmark = [pytest.mark.dieu7, pytest.mark.dieu9, pytest.mark.neighbours]


def uses(lab: Lab, mailbox: str) -> dict[str, int]:
    """Protocol -> how often the mailbox was used by it."""
    rows = lab.sql(f"SELECT protocol, sum(times) FROM mail.sign_in WHERE mailbox_id = '{mailbox}' GROUP BY 1")
    return {protocol: int(times) for protocol, times in (row.split("|") for row in rows.splitlines())}


def arrived(lab: Lab, person: Sample, subject: str) -> bool:
    """Looked up on the mail store, not as the person: that would be a use."""
    return bool(lab.run("mailstore", f"doveadm search -u {person.mailbox} mailbox '*' header Subject '{subject}'"))


def send(lab: Lab, sender: Sample, recipient: str, **header: str) -> str:
    mail = message(sender.address, recipient)
    for name, value in header.items():
        mail[name] = value
    with lab.submission(sender.address, sender.password) as client:
        client.send_message(mail)
    return str(mail["Subject"])


@pytest.mark.proof("Đọc thư bằng IMAP được ghi là có sử dụng / reading by IMAP is noted as use")
def test_reading_by_imap_is_use(lab: Lab, person: Sample) -> None:
    with lab.imap(person.address, person.password) as client:
        client.select("INBOX", readonly=True)
    wait_for(lambda: uses(lab, person.mailbox) == {"imap": 1}, "the use by IMAP")


def test_reading_by_pop3_is_use(lab: Lab, person: Sample) -> None:
    client = lab.pop3(person.address, person.password)
    client.stat()
    client.quit()
    wait_for(lambda: uses(lab, person.mailbox) == {"pop3": 1}, "the use by POP3")


@pytest.mark.proof("Gửi thư qua cổng {} được ghi là có sử dụng / sending is noted as use")
@pytest.mark.parametrize("implicit_tls", [True, False], ids=["465", "587"])
def test_sending_is_use(lab: Lab, person: Sample, colleague: Sample, implicit_tls: bool) -> None:
    mail = message(person.address, colleague.address)
    with lab.submission(person.address, person.password, implicit_tls=implicit_tls) as client:
        # Signing in alone sends nothing.
        assert uses(lab, person.mailbox) == {}
        client.send_message(mail)
    assert uses(lab, person.mailbox) == {"smtp": 1}


def test_sending_under_a_foreign_name_is_refused_and_no_use(lab: Lab, person: Sample, colleague: Sample) -> None:
    with lab.submission(person.address, person.password) as client:
        code, _ = client.mail(colleague.address)
    assert code >= 500
    assert uses(lab, person.mailbox) == {}


def test_writing_for_the_agency_is_use_of_its_mailbox_too(lab: Lab, delegation: Delegation, colleague: Sample) -> None:
    mailbox, address, person = delegation.mailbox, delegation.agency, delegation.clerk
    with lab.submission(person.address, person.password) as client:
        client.send_message(message(address, colleague.address))
    assert uses(lab, mailbox) == {"smtp": 1}
    assert uses(lab, person.mailbox) == {"smtp": 1}


def test_dieu_9_2_opening_the_agencys_mailbox_is_its_use_with_the_clerk_beside(
    lab: Lab, delegation: Delegation
) -> None:
    mailbox, address, person = delegation.mailbox, delegation.agency, delegation.clerk
    with lab.imap(f"{address}*{person.address}", person.password) as client:
        client.select("INBOX", readonly=True)
    wait_for(lambda: uses(lab, mailbox) == {"imap": 1}, "the use by IMAP")
    assert lab.sql(f"SELECT clerk_id FROM mail.sign_in WHERE mailbox_id = '{mailbox}'") == person.mailbox
    assert uses(lab, person.mailbox) == {}


def test_mail_that_arrives_is_no_use(lab: Lab, person: Sample, colleague: Sample) -> None:
    subject = send(lab, colleague, person.address)
    wait_for(lambda: arrived(lab, person, subject), "the message")
    assert uses(lab, person.mailbox) == {}


@pytest.fixture
def on_leave(lab: Lab, person: Sample) -> Sample:
    """Somebody whose mailbox answers by itself."""
    script = 'require "vacation"; vacation :days 1 "Toi di vang.";'
    lab.run("mailstore", f"printf '%s\\n' '{script}' | doveadm sieve put -u {person.mailbox} -a vang")
    return person


def test_an_automatic_reply_is_no_use(lab: Lab, on_leave: Sample, colleague: Sample) -> None:
    subject = send(lab, colleague, on_leave.address)
    wait_for(lambda: arrived(lab, colleague, f"Auto: {subject}"), "the automatic reply")
    assert uses(lab, on_leave.mailbox) == {}


def test_the_systems_notices_are_no_use(lab: Lab, person: Sample) -> None:
    lab.sql(f"SELECT mail.quota_passed('{person.mailbox}', 80)")
    lab.send_notices()
    domain = lab.variables["mail_domain"]
    wait_for(
        lambda: lab.run("mailstore", f"doveadm search -u {person.mailbox} mailbox INBOX header From noreply@{domain}"),
        "the notice",
    )
    assert uses(lab, person.mailbox) == {}


def test_a_wrong_password_and_the_operators_tools_are_no_use(lab: Lab, person: Sample) -> None:
    with pytest.raises(Exception, match="AUTHENTICATIONFAILED"):
        lab.imap(person.address, "Sai-mat-khau-1!")
    lab.run("mailstore", f"doveadm fetch -u {person.mailbox} uid mailbox INBOX all")
    assert uses(lab, person.mailbox) == {}


@pytest.mark.provokes(journal.DATABASE_AWAY)
def test_a_database_that_is_away_keeps_nobody_from_reading_on(lab: Lab, person: Sample) -> None:
    """The note of a use may be lost, the session not: it needs the database for nothing else once it is open."""
    with lab.imap(person.address, person.password) as client:
        wait_for(lambda: uses(lab, person.mailbox) == {"imap": 1}, "the use by IMAP")
        with lab.stopped("accounts", "postgresql@17-main"):
            assert client.select("INBOX", readonly=True)[0] == "OK"
            assert client.noop()[0] == "OK"
