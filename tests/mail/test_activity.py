"""What counts as use of a mailbox (Đ7.2a): reading and sending by its owner, and nothing that comes by itself."""

import uuid
from collections.abc import Iterator

import pytest

from tests.lab import Lab, Sample, message, wait_for

pytestmark = [pytest.mark.dieu7, pytest.mark.dieu9, pytest.mark.neighbours]


def uses(lab: Lab, mailbox: str) -> dict[str, int]:
    """Protocol -> how often the mailbox was used by it since it was forgotten."""
    rows = lab.sql(f"SELECT protocol, sum(times) FROM mail.sign_in WHERE mailbox_id = '{mailbox}' GROUP BY 1")
    return {protocol: int(times) for protocol, times in (row.split("|") for row in rows.splitlines())}


def forget(lab: Lab, mailbox: str) -> None:
    lab.sql(
        f"DELETE FROM mail.activity WHERE mailbox_id = '{mailbox}';"
        f" DELETE FROM mail.sign_in WHERE mailbox_id = '{mailbox}'",
    )


@pytest.fixture
def other(lab: Lab) -> Sample:
    return lab.samples[0]


@pytest.fixture
def person(lab: Lab) -> Sample:
    """A person of whom no use is known."""
    forget(lab, lab.samples[1].mailbox)
    return lab.samples[1]


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
def test_sending_is_use(lab: Lab, person: Sample, other: Sample, implicit_tls: bool) -> None:
    mail = message(person.address, other.address)
    with lab.submission(person.address, person.password, implicit_tls=implicit_tls) as client:
        # Signing in alone sends nothing.
        assert uses(lab, person.mailbox) == {}
        client.send_message(mail)
    assert uses(lab, person.mailbox) == {"smtp": 1}


def test_sending_under_a_foreign_name_is_refused_and_no_use(lab: Lab, person: Sample, other: Sample) -> None:
    with lab.submission(person.address, person.password) as client:
        code, _ = client.mail(other.address)
    assert code >= 500
    assert uses(lab, person.mailbox) == {}


@pytest.fixture
def agency(lab: Lab, person: Sample) -> Iterator[tuple[str, str]]:
    """Id and address of the agency's mailbox, whose clerk the person is for a while; no use of it is known."""
    mailbox, local_part = lab.sql(
        "SELECT a.id, d.local_part FROM mail.mailbox a JOIN mail.mailbox p USING (agency_id)"
        " JOIN mail.address d ON d.mailbox_id = a.id AND d.kind = 'primary'"
        f" WHERE a.kind = 'agency' AND p.id = '{person.mailbox}'",
    ).split("|")
    pair = f"('{mailbox}', '{person.mailbox}')"
    was_clerk = lab.sql(f"SELECT 1 FROM mail.mailbox_clerk WHERE (mailbox_id, clerk_id) = {pair}")
    lab.sql(f"INSERT INTO mail.mailbox_clerk VALUES {pair} ON CONFLICT DO NOTHING")
    forget(lab, mailbox)
    try:
        yield mailbox, f"{local_part}@{lab.variables['mail_domain']}"
    finally:
        if not was_clerk:
            lab.sql(f"DELETE FROM mail.mailbox_clerk WHERE (mailbox_id, clerk_id) = {pair}")


def test_writing_for_the_agency_is_use_of_its_mailbox_too(
    lab: Lab, person: Sample, other: Sample, agency: tuple[str, str]
) -> None:
    mailbox, address = agency
    with lab.submission(person.address, person.password) as client:
        client.send_message(message(address, other.address))
    assert uses(lab, mailbox) == {"smtp": 1}
    assert uses(lab, person.mailbox) == {"smtp": 1}


def test_dieu_9_2_opening_the_agencys_mailbox_is_its_use_with_the_clerk_beside(
    lab: Lab, person: Sample, agency: tuple[str, str]
) -> None:
    mailbox, address = agency
    with lab.imap(f"{address}*{person.address}", person.password) as client:
        client.select("INBOX", readonly=True)
    wait_for(lambda: uses(lab, mailbox) == {"imap": 1}, "the use by IMAP")
    assert lab.sql(f"SELECT clerk_id FROM mail.sign_in WHERE mailbox_id = '{mailbox}'") == person.mailbox
    assert uses(lab, person.mailbox) == {}


def test_mail_that_arrives_is_no_use(lab: Lab, person: Sample, other: Sample) -> None:
    subject = send(lab, other, person.address)
    wait_for(lambda: arrived(lab, person, subject), "the message")
    assert uses(lab, person.mailbox) == {}


@pytest.fixture
def on_leave(lab: Lab, person: Sample) -> Iterator[Sample]:
    """Somebody whose mailbox answers by itself."""
    # A handle of its own: whom an earlier run's rule has answered is answered again.
    script = f'require "vacation"; vacation :days 1 :handle "{uuid.uuid4().hex}" "Toi di vang.";'
    lab.run("mailstore", f"printf '%s\\n' '{script}' | doveadm sieve put -u {person.mailbox} -a vang")
    try:
        yield person
    finally:
        lab.run(
            "mailstore", f"doveadm sieve deactivate -u {person.mailbox}; doveadm sieve delete -u {person.mailbox} vang"
        )


def test_an_automatic_reply_is_no_use(lab: Lab, on_leave: Sample, other: Sample) -> None:
    subject = send(lab, other, on_leave.address)
    wait_for(lambda: arrived(lab, other, f"Auto: {subject}"), "the automatic reply")
    assert uses(lab, on_leave.mailbox) == {}


def test_the_systems_notices_are_no_use(lab: Lab, person: Sample) -> None:
    lab.sql(
        f"DELETE FROM mail.notice WHERE mailbox_id = '{person.mailbox}' AND kind = 'quota';"
        f" SELECT mail.quota_passed('{person.mailbox}', 80)",
    )
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


def test_a_database_that_is_away_keeps_nobody_from_reading_on(lab: Lab, person: Sample) -> None:
    """The note of a use may be lost, the session not: it needs the database for nothing else once it is open."""
    with lab.imap(person.address, person.password) as client:
        wait_for(lambda: uses(lab, person.mailbox) == {"imap": 1}, "the use by IMAP")
        with lab.stopped("accounts", "postgresql@17-main"):
            assert client.select("INBOX", readonly=True)[0] == "OK"
            assert client.noop()[0] == "OK"
    lab.wait_for_agents()
