"""Mail leaves over verified TLS wherever the receiving domain asks for it: by DANE, else by MTA-STS (Đ3.2)."""

import time
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from tests import journal
from tests.foreign import AN, PUT_OFF, STS, UNSIGNED, Foreign
from tests.lab import Lab, Sample, message, wait_for

pytestmark = pytest.mark.dieu3

POLICY_UNITS = ("hanam-tls-policy.socket", "hanam-tls-policy.service")
RESOLVER_UNIT = "postfix-mta-sts-resolver.service"

# What becomes of mail for each domain of group_vars/lab/lab_sts.yml: it arrives, or it waits for this reason.
ARRIVES = ("dungsts.example", "thusts.example", "saitrangsts.example", "chenlenh.example")
WAITS = {
    "saichungthu.example": "Server certificate not verified",
    "ngoaichinhsach.example": "server unavailable or unable to receive mail",
    "danethang.example": "Server certificate not verified",
}


@pytest.fixture
def foreign(lab: Lab) -> Iterator[Foreign]:
    yield Foreign(lab)
    # What could not go must not come back into the next test's way.
    lab.run("submission", "postsuper -d ALL deferred")


def send_one(lab: Lab, official: Sample, *recipients: str) -> EmailMessage:
    """One message to all of them."""
    mail = message(official.address, ", ".join(recipients))
    with lab.submission(official.address, official.password) as client:
        client.send_message(mail)
    return mail


def send(lab: Lab, official: Sample, *recipients: str) -> str:
    """The same; its subject."""
    return str(send_one(lab, official, *recipients)["Subject"])


def arrived(foreign: Foreign, address: str, subject: str) -> bool:
    return any(mail["Subject"] == subject for mail in foreign.messages(address))


def reasons(foreign: Foreign) -> dict[str, str]:
    """Why mail waits in our queue, by recipient."""
    return {
        waiting["address"]: str(waiting["delay_reason"])
        for entry in foreign.queue("submission")
        for waiting in entry["recipients"]
        if waiting.get("delay_reason")
    }


def wait_until_put_off(foreign: Foreign, *recipients: str) -> dict[str, str]:
    def look() -> dict[str, str] | None:
        found = reasons(foreign)
        return found if found.keys() >= set(recipients) else None

    try:
        return wait_for(look, f"mail for {', '.join(recipients)} waiting in the queue", PUT_OFF)
    except AssertionError as late:
        shown = "postqueue -j; journalctl -q -o short -t postfix/smtp -t postfix/qmgr --since -4min | tail -n 40"
        raise AssertionError(f"{late}\n{foreign.lab.run('submission', shown)}") from None


def wait_until_it_went(lab: Lab, foreign: Foreign, address: str, subject: str) -> None:
    """What was put off is tried again at once."""

    def look() -> bool:
        lab.run("submission", "postqueue -f")
        return arrived(foreign, address, subject)

    wait_for(look, f"message {subject!r} in {address}")


@pytest.mark.neighbours
@pytest.mark.provokes(journal.FOREIGN_POLICIES)
def test_a_policy_is_kept_or_mail_waits(lab: Lab, foreign: Foreign, official: Sample) -> None:
    assert sorted((*ARRIVES, *WAITS)) == sorted(row["name"] for row in lab.variables["lab_sts_domains"])
    start = time.time()
    with foreign.no_letter():
        subject = send(lab, official, *(f"an@{domain}" for domain in WAITS))
        found = wait_until_put_off(foreign, *(f"an@{domain}" for domain in WAITS))
    assert [domain for domain, reason in WAITS.items() if reason not in found[f"an@{domain}"]] == []
    assert [domain for domain in WAITS if arrived(foreign, f"an@{domain}", subject)] == []
    log = f"journalctl --sync; journalctl -q -o cat -t postfix/smtp --since @{int(start)}"
    told = "MX name 'acme.example' does not match STS MX pattern for 'ngoaichinhsach.example'"
    assert told in lab.run("submission", log)

    mail = send_one(lab, official, *(f"an@{domain}" for domain in ARRIVES))
    for domain in ARRIVES:
        foreign.wait_for(f"an@{domain}", str(mail["Subject"]))
    for domain in ("dungsts.example", "chenlenh.example"):
        assert foreign.secured(mail, f"an@{domain}") == "Verified TLS connection established to acme.example"


def test_mail_waits_when_starttls_is_stripped_from_a_domain_with_a_policy(
    lab: Lab, foreign: Foreign, official: Sample
) -> None:
    with foreign.without("starttls"), foreign.no_letter():
        subject = send(lab, official, STS, AN)
        found = wait_until_put_off(foreign, STS, AN)
        assert "TLS is required" in found[STS]
        assert "TLS is required" in found[AN]
        assert not arrived(foreign, STS, subject)
    wait_until_it_went(lab, foreign, STS, subject)
    wait_until_it_went(lab, foreign, AN, subject)


def test_no_header_of_a_sender_turns_off_verified_tls(lab: Lab, foreign: Foreign, official: Sample) -> None:
    """RFC 8689 means it for the sender's own will; here it is the receiver's that counts."""
    recipients = ("an@saichungthu.example", "an@danethang.example")
    mail = message(official.address, ", ".join(recipients))
    mail["TLS-Required"] = "no"
    with foreign.no_letter():
        with lab.submission(official.address, official.password) as client:
            client.send_message(mail)
        found = wait_until_put_off(foreign, *recipients)
    assert all("Server certificate not verified" in reason for reason in found.values())
    assert not any(arrived(foreign, recipient, str(mail["Subject"])) for recipient in recipients)


@pytest.mark.neighbours
@pytest.mark.provokes(journal.TLS_POLICY_AWAY)
def test_nothing_leaves_while_nobody_can_tell_how(lab: Lab, foreign: Foreign, official: Sample) -> None:
    """Neither to who asks for verified TLS nor, since that cannot be told now, to who asks for nothing."""
    recipients = (STS, AN, UNSIGNED)
    with lab.stopped("submission", *POLICY_UNITS):
        subject = send(lab, official, *recipients)
        found = wait_until_put_off(foreign, *recipients)
        assert all("TLS configuration problem" in found[recipient] for recipient in recipients)
        assert not any(arrived(foreign, recipient, subject) for recipient in recipients)
    for recipient in recipients:
        wait_until_it_went(lab, foreign, recipient, subject)


@pytest.mark.provokes(journal.TLS_POLICY_AWAY)
def test_without_the_resolver_of_policies_mail_goes_where_dane_is_alone(
    lab: Lab, foreign: Foreign, official: Sample
) -> None:
    with lab.stopped("submission", RESOLVER_UNIT):
        subject = send(lab, official, STS, AN, UNSIGNED)
        foreign.wait_for(AN, subject)
        found = wait_until_put_off(foreign, STS, UNSIGNED)
        assert "TLS configuration problem" in found[STS]
        assert not arrived(foreign, STS, subject)
    wait_until_it_went(lab, foreign, STS, subject)
    wait_until_it_went(lab, foreign, UNSIGNED, subject)
