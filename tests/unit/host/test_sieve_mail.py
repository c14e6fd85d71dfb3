"""Mail of Sieve scripts: under the mailbox's own addresses, told strictly (Đ4.6)."""

import email

import pytest

from hanam_mail.host.mail import sieve_mail

OWN = ["an@hanam.gov.vn", "nguyenvanan@hanam.gov.vn"]
REST = b"To: <b@bo.gov.vn>\r\nSubject: Auto: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nFrom: b\r\n"


@pytest.mark.dieu4
@pytest.mark.parametrize(
    "author",
    [
        b"an@hanam.gov.vn",
        b"<an@hanam.gov.vn>",
        b"Nguyen Van An <AN@hanam.gov.vn>",
        b"=?utf-8?q?Nguy=E1=BB=85n?= <nguyenvanan@hanam.gov.vn>",
        b'"An, Nguyen" <an@hanam.gov.vn>',
        b"Nguyen\r\n <an@hanam.gov.vn>",
    ],
)
def test_mail_of_a_script_goes_out_under_any_of_the_owners_addresses(author: bytes) -> None:
    sieve_mail.check(b"From: " + author + b"\r\n" + REST, OWN)


@pytest.mark.dieu4
@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"From: chutich@hanam.gov.vn\r\n",
        b"From: an@hanam.gov.vn\r\nFrom: chutich@hanam.gov.vn\r\n",
        b"From: an@hanam.gov.vn\r\nfrom : chutich@hanam.gov.vn\r\n",
        b"From: an@hanam.gov.vn, chutich@hanam.gov.vn\r\n",
        b"From: chutich@hanam.gov.vn <an@hanam.gov.vn>\r\n",
        b'From: "chutich@hanam.gov.vn" <an@hanam.gov.vn>\r\n',
        b"From: <chutich@hanam.gov.vn> <an@hanam.gov.vn>\r\n",
        b"From: UBND: chutich@hanam.gov.vn;\r\n",
        b"From: UBND: an@hanam.gov.vn;\r\n",
        b"From: chutich@hanam.gov.vn (an@hanam.gov.vn)\r\n",
        b"From: an@hanam.gov.vn (chu tich)\r\n",
        b"From: chutich@hanam\r\n .gov.vn\r\n",
        b"From: khong co\r\n",
        b"From: an@hanam.gov.vn\r\nSender: chutich@hanam.gov.vn\r\n",
        b"From: an@hanam.gov.vn\r\nResent-From: chutich@hanam.gov.vn\r\n",
        b"From: an@hanam.gov.vn\r\nReply-To: ke.gian@example.com\r\n",
        b"From: an@hanam.gov.vn\r\nSubject: hai lan\r\n",
        b"From: an@hanam.gov.vn\rFrom: chutich@hanam.gov.vn\r\n",
        b"khong phai truong\r\nFrom: an@hanam.gov.vn\r\n",
        b"From: an@hanam.gov.vn\r\nAuthentication-Results: mx.hanam.gov.vn; dmarc=pass\r\n",
        b"From: an@hanam.gov.vn\0\r\n",
        b"\r\nFrom: an@hanam.gov.vn\r\n",
    ],
)
def test_mail_of_a_script_under_anybody_elses_name_does_not_go_out(head: bytes) -> None:
    with pytest.raises(sieve_mail.RefusedError):
        sieve_mail.check(head + REST, OWN)


REDIRECTED = b"X-Sieve: Pigeonhole Sieve 2.4.1\r\nX-Sieve-Redirected-From: an@hanam.gov.vn\r\nFrom: b@x.example\r\n"


@pytest.mark.dieu4
def test_what_a_script_writes_is_never_taken_for_what_it_leads_on() -> None:
    assert sieve_mail.redirecting(REDIRECTED + b"\r\n") == "an@hanam.gov.vn"
    assert sieve_mail.redirecting(REDIRECTED.replace(b"\r\n", b"\n") + b"\n") == "an@hanam.gov.vn"
    for head in (b"X-Sieve: x\r\nDate: y\r\n", b"From: an@hanam.gov.vn\r\n", b"\r\n"):
        assert sieve_mail.redirecting(head + REDIRECTED) is None


@pytest.mark.dieu4
@pytest.mark.parametrize(
    ("sender", "recipients", "passes"),
    [
        ("an@hanam.gov.vn", ["b@bo.gov.vn"], True),
        ("Nguyenvanan@hanam.gov.vn", ["b@gov.vn"], True),
        ("an@hanam.gov.vn", ["b@x.example"], False),
        ("an@hanam.gov.vn", ["b@bo.gov.vn", "b@x.example"], False),
        ("chutich@hanam.gov.vn", ["b@bo.gov.vn"], False),
    ],
)
def test_mail_is_led_to_state_agencies_in_the_owners_name(sender: str, recipients: list[str], passes: bool) -> None:
    if passes:
        sieve_mail.check_redirect(sender, recipients, OWN, ["gov.vn"])
    else:
        with pytest.raises(sieve_mail.RefusedError):
            sieve_mail.check_redirect(sender, recipients, OWN, ["gov.vn"])


@pytest.mark.dieu4
def test_the_notice_to_the_owner_is_one_plain_message() -> None:
    note = email.message_from_bytes(sieve_mail.note("an@hanam.gov.vn", "b@x.example\r\nBcc: c@x.example"))
    assert note["Bcc"] is None and note["From"] == "noreply@hanam.gov.vn" and note["Auto-Submitted"]
    assert "chuyển tiếp thư đến b@x.example" in note.get_payload(decode=True).decode()
    assert "dưới địa chỉ của chính hộp thư này" in sieve_mail.note("an@hanam.gov.vn", "").decode()
