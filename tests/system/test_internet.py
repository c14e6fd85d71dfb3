"""The lab's stand-in for the world outside behaves as the tests of mail rely on."""

import smtplib
import time

import dns.flags
import dns.message
import dns.query
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


def test_name_server_answers_for_its_zones_and_recurses_for_nobody(lab: Lab) -> None:
    query = dns.message.make_query("hanam.gov.vn", "MX")
    answer = dns.query.udp(query, lab.address("internet"), timeout=5)
    assert answer.flags & dns.flags.AA
    assert not answer.flags & dns.flags.RA


def test_no_signature_of_a_zone_ends_where_31_bits_do(lab: Lab) -> None:
    """A program that counts seconds in 31 bits takes what ends after January 2038 for ended."""
    ends = lab.run(
        "internet", r"sed -nE 's/.*\sRRSIG\s+\S+ [0-9]+ [0-9]+ [0-9]+ ([0-9]{14}) .*/\1/p' /var/lib/nsd/signed/*"
    ).split()
    assert len(ends) > 50
    assert str(time.gmtime().tm_year + 1) < min(ends)
    assert max(ends) < "20380119031407"
