"""What programs are told by ports 25, 465 and 587 when they are refused: Vietnamese and English, in ASCII (Đ10.8)."""

import smtplib

import pytest

from tests import journal
from tests.foreign import AN
from tests.lab import Lab, Sample

pytestmark = [pytest.mark.dieu10, pytest.mark.neighbours]


def told(reply: tuple[int, bytes]) -> tuple[int, str]:
    """Code and Vietnamese of a reply that has all three: English, Vietnamese, whom to ask."""
    text = reply[1].decode("ascii")
    assert "\n" not in text, "some programs show one line only"
    said, _, contact = text.partition(". Ho tro / help: ")
    english, _, vietnamese = said.partition(" / ")
    assert english and vietnamese and "@" in contact, text
    assert " / " not in vietnamese, "nothing is said twice"
    return reply[0], vietnamese


def test_port_25_says_why_in_both_languages(lab: Lab) -> None:
    with lab.smtp() as client:
        assert told(client.docmd("AUTH", "PLAIN")) == (
            503,
            "cong nay khong co dang nhap, xin dung cong 465 hoac 587",
        )
        assert client.mail(AN)[0] == 250
        code, text = told(client.rcpt("khong.co.ai@hanam.gov.vn"))
        assert (code, text.partition(",")[0]) == (550, "khong co dia chi nguoi nhan nay")
        code, text = told(client.rcpt("somebody@bo.gov.vn"))
        assert (code, "phai dang nhap o cong 465 hoac 587" in text) == (554, True)
        client.rset()
        limit = lab.variables["regulation_incoming_message_limit_bytes"]
        assert told(client.docmd("MAIL", f"FROM:<{AN}> SIZE={limit + 1}")) == (552, "thu qua lon")


@pytest.mark.dieu8
@pytest.mark.parametrize("implicit_tls", [True, False], ids=["465", "587"])
def test_who_sends_is_told_why_not_in_both_languages(
    lab: Lab, sender: Sample, recipient: Sample, implicit_tls: bool
) -> None:
    # Each session has so few errors that Postfix does not slow down (smtpd_soft_error_limit).
    limit, files = (lab.variables[f"regulation_{name}_limit_bytes"] for name in ("message", "attachment"))
    too_large = f"thu qua lon, tong dung luong tep dinh kem toi da {files // 2**20} MB"
    with lab.submission(sender.address, sender.password, implicit_tls=implicit_tls) as client:
        not_own = told(client.mail(recipient.address))
        assert not_own == (553, "dia chi nguoi gui khong thuoc hop thu da dang nhap")
        assert told(client.docmd("MAIL", f"FROM:<{sender.address}> SIZE={limit + 1}")) == (552, too_large)
        client.rset()
        assert client.mail(sender.address)[0] == 250
        nobody = told(client.rcpt("khong.co.ai@hanam.gov.vn"))
        assert nobody == (550, "khong co dia chi nguoi nhan nay, xin kiem tra lai tung chu")
        assert told(client.rcpt("an")) == (504, "dia chi thu phai day du, co @ va ten mien")


@pytest.mark.provokes(journal.REFUSED_SIGN_IN)
def test_who_may_not_sign_in_is_told_why_in_both_languages(lab: Lab, sender: Sample) -> None:
    with lab.smtp("submission", 587) as client:
        assert told(client.docmd("MAIL", f"FROM:<{sender.address}>")) == (530, "phai ma hoa bang STARTTLS truoc")
    with pytest.raises(smtplib.SMTPAuthenticationError) as refusal:
        lab.submission(sender.address, sender.password + "x")
    assert isinstance(refusal.value.smtp_error, bytes)
    assert told((refusal.value.smtp_code, refusal.value.smtp_error)) == (
        535,
        "dang nhap khong thanh cong, xin kiem tra dia chi va mat khau",
    )


def test_a_refusal_of_our_own_is_said_once_in_each_language(lab: Lab, sender: Sample) -> None:
    with lab.submission(sender.address, sender.password) as client:
        assert told(client.mail("")) == (554, "khong duoc de trong dia chi nguoi gui")
