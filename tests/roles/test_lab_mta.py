"""The lab's stand-in for the world outside behaves as the tests of mail rely on."""

import smtplib
import time

import pytest

from tests.foreign import AGENCY, AN, BINH, BUSY, FULL, REJECT, SLOW, Foreign
from tests.lab import Lab, message


@pytest.fixture(scope="module")
def foreign(lab: Lab) -> Foreign:
    return Foreign(lab)


@pytest.fixture
def smtp(lab: Lab) -> smtplib.SMTP:
    return lab.smtp("internet")


def offer(smtp: smtplib.SMTP, recipient: str) -> tuple[int, bytes]:
    smtp.mail("ai@client.example")
    return smtp.rcpt(recipient)


def test_foreign_mailbox_keeps_what_it_receives(foreign: Foreign) -> None:
    mail = message(AN, BINH)
    foreign.send(mail, AN, BINH)
    assert foreign.wait_for(BINH, mail["Subject"])["From"] == AN


def test_foreign_mail_is_signed_and_judged(foreign: Foreign) -> None:
    mail = message(AN, AGENCY)
    foreign.send(mail, AN, AGENCY)
    received = foreign.wait_for(AGENCY, mail["Subject"])
    assert "d=ngoai.example" in received["DKIM-Signature"]


def test_unsigned_mail_from_elsewhere_is_judged_unsigned(foreign: Foreign, lab: Lab) -> None:
    mail = message("ai@client.example", AN)
    with lab.smtp("internet") as smtp:
        smtp.send_message(mail)
    assert "dkim=none" in foreign.wait_for(AN, mail["Subject"])["Authentication-Results"]


def test_large_and_accented_mail_passes_unchanged(foreign: Foreign) -> None:
    mail = message(AN, BINH)
    mail.add_attachment(
        b"\x00\xff" * 2_000_000, maintype="application", subtype="octet-stream", filename="Công văn.bin"
    )
    foreign.send(mail, AN, BINH)
    (attachment,) = foreign.wait_for(BINH, mail["Subject"]).iter_attachments()
    assert attachment.get_filename() == "Công văn.bin"
    assert attachment.get_content() == b"\x00\xff" * 2_000_000


@pytest.mark.parametrize(
    ("recipient", "code"), [(BUSY, 450), (REJECT, 550), (FULL, 552), ("khongco@ngoai.example", 550)]
)
def test_foreign_server_refuses_on_demand(smtp: smtplib.SMTP, recipient: str, code: int) -> None:
    assert offer(smtp, recipient)[0] == code


def test_foreign_server_dawdles_on_demand(smtp: smtplib.SMTP) -> None:
    start = time.monotonic()
    assert offer(smtp, SLOW)[0] == 250
    assert time.monotonic() - start >= 10


def test_foreign_server_relays_for_nobody(smtp: smtplib.SMTP) -> None:
    assert offer(smtp, "ai@hanam.gov.vn")[0] == 554


def test_starttls_is_offered_and_can_be_hidden(foreign: Foreign, lab: Lab) -> None:
    assert lab.smtp("internet").has_extn("starttls")
    with foreign.without("starttls"):
        assert not lab.smtp("internet").has_extn("starttls")
    assert lab.smtp("internet").has_extn("starttls")
