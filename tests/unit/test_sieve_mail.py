"""Mail of Sieve scripts: under the mailbox's own addresses, told strictly (Đ4.6)."""

import pytest

from hanam_mail import sieve_mail

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
