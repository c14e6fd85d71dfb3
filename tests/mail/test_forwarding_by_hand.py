"""What people forward by hand goes out under their name, and what they cannot vouch for does not (Đ4.5).

The regulation forbids that mail is led on by itself; by hand it stays possible. In the browser:
tests/web/test_forwarding.py.
"""

import email
import email.policy
import smtplib
import uuid
from collections.abc import Callable
from email.message import EmailMessage

import pytest

from tests.foreign import AN, BINH, Foreign
from tests.lab import Lab, Sample, message
from tests.mail.test_dkim import arrival, parsed

pytestmark = [pytest.mark.dieu4, pytest.mark.neighbours]


@pytest.fixture
def foreign(lab: Lab) -> Foreign:
    return Foreign(lab)


@pytest.fixture
def received(lab: Lab, foreign: Foreign, official: Sample) -> EmailMessage:
    """A stranger's letter, as it lies in the official's mailbox."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"An <{AN}>", official.address, f"Công văn {uuid.uuid4().hex[:12]}"
    mail["Message-ID"] = f"<{uuid.uuid4().hex}@ngoai.example>"
    mail.set_content("Kính gửi đồng chí.\n")
    mail.add_attachment(bytes(range(256)) * 8, maintype="application", subtype="octet-stream", filename="Công văn.docx")
    foreign.send(mail, AN, official.address)
    raw = lab.wait_for_message(official, str(mail["Subject"]).rsplit(maxsplit=1)[1], seconds=60)
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def inline(mail: EmailMessage, original: EmailMessage) -> None:
    body = original.get_body(("plain",))
    assert body is not None
    mail.set_content(f"---------- Thư được chuyển tiếp ----------\nTừ: {original['From']}\n\n{body.get_content()}")
    for part in original.iter_attachments():
        mail.add_attachment(
            part.get_content(), maintype=part.get_content_maintype(), subtype=part.get_content_subtype(),
            filename=part.get_filename(),
        )  # fmt: skip


def attached(mail: EmailMessage, original: EmailMessage) -> None:
    mail.set_content("Chuyển đồng chí.\n")
    mail.add_attachment(original)


@pytest.mark.proof("Chuyển tiếp bằng tay ra hộp thư ngoài vẫn được / forwarding by hand stays possible")
@pytest.mark.parametrize("implicit_tls", [True, False], ids=["465", "587"])
@pytest.mark.parametrize("forward", [inline, attached])
def test_what_a_person_forwards_by_hand_arrives_signed_at_a_private_mailbox(
    lab: Lab,
    foreign: Foreign,
    official: Sample,
    received: EmailMessage,
    forward: Callable[[EmailMessage, EmailMessage], None],
    implicit_tls: bool,
) -> None:
    mark = uuid.uuid4().hex
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = official.address, BINH, f"Fwd: {received['Subject']} {mark}"
    # What programs write of the letter that is sent on.
    mail["References"], mail["X-Forwarded-Message-Id"] = received["Message-ID"], received["Message-ID"]
    forward(mail, received)
    with lab.submission(official.address, official.password, implicit_tls=implicit_tls) as client:
        client.send_message(mail)
    data = arrival(foreign, BINH, mark)
    assert foreign.verdicts(data) == dict.fromkeys(lab.variables["vault_dkim_keys"], True)
    found = parsed(data)
    assert "dkim=pass" in found["Authentication-Results"]
    assert found["From"].addresses[0].addr_spec == official.address
    assert found["X-Hanam-Forwarded"] is None
    names = [part.get_filename() for part in found.walk()]
    assert "Công văn.docx" in names, "the attachment goes with it"


def test_a_received_letter_sent_on_as_it_is_would_bear_a_strangers_name_and_is_refused(
    lab: Lab, foreign: Foreign, official: Sample, received: EmailMessage
) -> None:
    """Redirect and bounce of mail programs (RFC 5322, 3.6.6): From stays the stranger's, and is no login's (Đ4.6)."""
    resent = received.as_bytes(policy=email.policy.SMTP)
    resent = f"Resent-From: <{official.address}>\r\nResent-To: <{BINH}>\r\n".encode() + resent
    with lab.submission(official.address, official.password) as client, pytest.raises(smtplib.SMTPDataError) as refusal:
        client.sendmail(official.address, [BINH], resent)
    assert refusal.value.smtp_code == 554
    assert isinstance(refusal.value.smtp_error, bytes)
    assert b"Dia chi nguoi gui (From), hoac dia chi trong ten nguoi gui, khac voi hop thu" in refusal.value.smtp_error
    assert not [mail for mail in foreign.messages(BINH) if mail["Message-ID"] == received["Message-ID"]]


def test_under_a_strangers_envelope_it_is_refused_as_well(lab: Lab, official: Sample, received: EmailMessage) -> None:
    with lab.submission(official.address, official.password) as client:
        assert client.mail(AN)[0] >= 500


def test_ones_own_letter_sent_on_once_more_goes_out_signed_without_who_resent_it(
    lab: Lab, foreign: Foreign, official: Sample
) -> None:
    """Nobody has checked whom Resent-From names, so it does not go out under our signature."""
    mark = uuid.uuid4().hex
    mail = message(official.address, AN, subject=f"Gui lai {mark}")
    mail["Resent-From"], mail["Resent-To"] = official.address, BINH
    with lab.submission(official.address, official.password) as client:
        client.sendmail(official.address, [BINH], mail.as_bytes(policy=email.policy.SMTP))
    data = arrival(foreign, BINH, mark)
    assert foreign.verdicts(data) == dict.fromkeys(lab.variables["vault_dkim_keys"], True)
    assert [name for name in parsed(data) if name.lower().startswith("resent-")] == []
    assert parsed(data)["To"].addresses[0].addr_spec == AN, "the letter is as it was"
