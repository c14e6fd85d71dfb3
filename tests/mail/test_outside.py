"""Mail to and from the world outside: found by DNSSEC, carried over verified TLS, signed (Đ3.2, Đ10.2)."""

import email
import email.policy
import email.utils
import time
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from tests.foreign import AN, BUSY, FULL, PUT_OFF, REJECT, UNSIGNED, WRONG_DANE, Foreign
from tests.lab import Lab, Sample, message, wait_for


@pytest.fixture
def foreign(lab: Lab) -> Iterator[Foreign]:
    yield Foreign(lab)
    # What could not go must not come back into the next test's way.
    lab.run("submission", "postsuper -d ALL deferred")


def send(lab: Lab, official: Sample, recipient: str) -> EmailMessage:
    mail = message(official.address, recipient)
    with lab.submission(official.address, official.password) as client:
        client.send_message(mail)
    return mail


def arrival(lab: Lab, foreign: Foreign, address: str, subject: str) -> EmailMessage:
    """The message in the foreign mailbox; what was put off is tried again at once."""

    def look() -> EmailMessage | None:
        lab.run("submission", "postqueue -f")
        return next((mail for mail in foreign.messages(address) if mail["Subject"] == subject), None)

    return wait_for(look, f"message {subject!r} in {address}")


def deferral(lab: Lab, foreign: Foreign, recipient: str) -> str:
    """Why mail for that recipient waits in our queue."""

    def look() -> str | None:
        for entry in foreign.queue("submission"):
            for waiting in entry["recipients"]:
                if waiting["address"] == recipient and waiting.get("delay_reason"):
                    return str(waiting["delay_reason"])
        return None

    return wait_for(look, f"mail for {recipient} waiting in the queue", PUT_OFF)


def bounce(lab: Lab, official: Sample, since: float, recipient: str) -> EmailMessage:
    """The notice that the official gets of mail that could not be delivered."""

    def look() -> EmailMessage | None:
        with lab.imap(official.address, official.password) as client:
            client.select("INBOX", readonly=True)
            _, found = client.search(None, "TEXT", f'"{recipient}"', "FROM", "MAILER-DAEMON")
            for number in reversed(found[0].split()):
                _, parts = client.fetch(number.decode(), "(BODY.PEEK[])")
                mail = email.message_from_bytes(parts[0][1], policy=email.policy.default)  # type: ignore[index, arg-type]
                if email.utils.parsedate_to_datetime(mail["Date"]).timestamp() >= since - 1:
                    return mail
        return None

    return wait_for(look, f"notice of failure for {recipient}")


@pytest.mark.neighbours
@pytest.mark.dieu3
@pytest.mark.proof(
    "Thư từ trong ra ngoài, máy chủ ngoài xác minh chữ ký DKIM / inside to outside, its DKIM signature verified there"
)
def test_mail_of_an_official_arrives_signed(lab: Lab, foreign: Foreign, official: Sample) -> None:
    mail = send(lab, official, AN)
    received = foreign.wait_for(AN, mail["Subject"])
    assert "dkim=pass" in received["Authentication-Results"]
    assert "header.d=hanam.gov.vn" in received["Authentication-Results"]


@pytest.mark.neighbours
@pytest.mark.dieu3
def test_mail_to_a_domain_with_dane_goes_over_verified_tls(lab: Lab, foreign: Foreign, official: Sample) -> None:
    mail = send(lab, official, AN)
    foreign.wait_for(AN, mail["Subject"])
    assert foreign.secured(mail, AN) == "Verified TLS connection established to mx.ngoai.example"


@pytest.mark.dieu3
def test_mail_waits_when_the_server_is_not_the_one_that_dns_vouches_for(
    lab: Lab, foreign: Foreign, official: Sample
) -> None:
    with foreign.no_letter():
        send(lab, official, WRONG_DANE)
        assert "Server certificate not verified" in deferral(lab, foreign, WRONG_DANE)
    assert not foreign.messages(WRONG_DANE)


@pytest.mark.dieu3
def test_mail_waits_when_starttls_is_stripped_from_a_domain_with_dane(
    lab: Lab, foreign: Foreign, official: Sample
) -> None:
    with foreign.without("starttls"), foreign.no_letter():
        mail = send(lab, official, AN)
        assert "TLS is required" in deferral(lab, foreign, AN)
    assert arrival(lab, foreign, AN, mail["Subject"])


def test_domain_without_dnssec_gets_mail_over_tls_if_offered(lab: Lab, foreign: Foreign, official: Sample) -> None:
    received = arrival(lab, foreign, UNSIGNED, send(lab, official, UNSIGNED)["Subject"])
    assert "using TLSv1.3" in received["Received"]
    with foreign.without("starttls"):
        assert arrival(lab, foreign, UNSIGNED, send(lab, official, UNSIGNED)["Subject"])


@pytest.mark.dieu10
def test_mail_for_a_busy_server_is_kept_and_tried_again(lab: Lab, foreign: Foreign, official: Sample) -> None:
    send(lab, official, BUSY)
    assert "450 4.2.1" in deferral(lab, foreign, BUSY)


@pytest.mark.neighbours
@pytest.mark.dieu10
@pytest.mark.parametrize(("recipient", "told"), [(REJECT, "5.7.1"), (FULL, "5.2.2")])
def test_official_is_told_when_mail_is_refused(
    lab: Lab, foreign: Foreign, official: Sample, recipient: str, told: str
) -> None:
    start = time.time()
    send(lab, official, recipient)
    notice = bounce(lab, official, start, recipient)
    assert notice["Subject"] == "Thư không gửi được / Undelivered mail"
    text = notice.get_body(("plain",))
    assert text
    assert "Thư của ông (bà) không gửi được" in text.get_content()
    assert lab.variables["support_phone"] in text.get_content()
    assert told in text.get_content()


@pytest.mark.neighbours
@pytest.mark.dieu3
@pytest.mark.proof("Thư từ ngoài vào, qua TLS được DNS bảo đảm / outside to inside, over TLS that DNS vouches for")
def test_foreign_mail_comes_in_over_tls_that_dns_vouches_for(lab: Lab, foreign: Foreign, official: Sample) -> None:
    mail = message(AN, official.address)
    foreign.send(mail, AN, official.address)
    lab.wait_for_message(official, mail["Subject"])
    said = foreign.secured(mail, official.address, "internet")
    assert said == "Verified TLS connection established to mx.hanam.gov.vn"


def test_foreign_mail_with_vietnamese_headers_comes_in_unchanged(lab: Lab, foreign: Foreign, official: Sample) -> None:
    mail = message(AN, official.address)
    mark = mail["Subject"].split()[-1]
    raw = (
        f"From: <{AN}>\r\nTo: <{official.address}>\r\nSubject: cong van {mark}\r\n"
        "X-Note: =?utf-8?q?=C4=90=E1=BB=81_ngh=E1=BB=8B?=\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nĐề nghị báo cáo.\r\n"
    ).encode()
    foreign.send(raw, AN, official.address)
    received = lab.wait_for_message(official, f"cong van {mark}")
    assert "Đề nghị báo cáo.".encode() in received
    assert b"X-Note: =?utf-8?q?=C4=90=E1=BB=81_ngh=E1=BB=8B?=" in received


@pytest.mark.neighbours
@pytest.mark.dieu10
def test_every_address_of_the_operators_roles_takes_mail_from_outside(lab: Lab) -> None:
    """Support and the sender of notices too: tests/render finds what is shown to people, this whether it answers."""
    table = lab.look_at("mx").file("/etc/postfix/role-addresses").content_string
    addresses = [line.split()[0] for line in table.splitlines() if "@" in line and not line.startswith("#")]
    assert f"hotro@{lab.variables['mail_domain']}" in addresses
    with lab.smtp() as client:
        client.ehlo("client.example")
        client.mail("an@ngoai.example")
        assert {address: client.rcpt(address)[0] for address in addresses} == dict.fromkeys(addresses, 250)


@pytest.mark.neighbours
@pytest.mark.dieu10
def test_our_verdicts_on_mail_stay_here(lab: Lab, foreign: Foreign) -> None:
    """What the filter writes for our own folders is nothing that others should believe, or spammers know."""
    mail = message(f"noreply@{lab.variables['mail_domain']}", AN)
    mail["X-Spam"] = "Yes"
    mail["X-Hanam-Attachment"] = "macros"
    program = f"import smtplib,sys\nsmtplib.SMTP('127.0.0.1').sendmail('', ['{AN}'], sys.stdin.buffer.read())"
    lab.run("mx", f'cat > /tmp/m <<"MAIL"\n{mail.as_string()}\nMAIL\npython3 -c "{program}" < /tmp/m; rm /tmp/m')
    arrived = arrival(lab, foreign, AN, str(mail["Subject"]))
    assert [name for name in arrived if name.lower().startswith(("x-spam", "x-hanam"))] == []
    assert "DKIM-Signature" in arrived
