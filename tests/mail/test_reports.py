"""What others report of us comes in by mail, counts when its sender is proven, and is shown to operators (Đ10.2)."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests import journal
from tests import report_samples as samples
from tests.foreign import AN, Foreign
from tests.lab import Lab, Sample, wait_for

pytestmark = pytest.mark.dieu10

DMARC, TLS = "dmarc@hanam.gov.vn", "tlsrpt@hanam.gov.vn"
DAY = int((datetime.now(UTC) - timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0).timestamp())
STRANGER = "nguoi.gui@client.example"
"""Of a domain with an address and nothing else: no SPF, no DMARC."""


@pytest.fixture
def foreign(lab: Lab) -> Foreign:
    return Foreign(lab)


@pytest.fixture
def source() -> str:
    """An address of documentation that no other test reports of."""
    number = uuid.uuid4().int
    return f"2001:db8:{number % 0xFFFF:x}:{(number >> 16) % 0xFFFF:x}::25"


@pytest.fixture(autouse=True)
def _clean(lab: Lab) -> Iterator[None]:
    """Nothing of a test is there for the next one, nor for the letter to the operator."""
    yield
    lab.sql("delete from mail.report; delete from mail.report_refused")


def shown(lab: Lab, kind: str) -> dict[str, Any]:
    """What an operator sees once the letters that are there are read."""
    lab.run("mx", "systemctl start hanam-reports-load.service")
    found: dict[str, Any] = json.loads(lab.run("accounts", f"hanam-mail-db reports {kind} --json"))
    return found


def refused(lab: Lab) -> dict[str, int]:
    return {row["reason"]: row["number"] for row in shown(lab, "refused")["refused"]}


def letter(report: bytes, author: str, to: str, **more: Any) -> bytes:
    return samples.letter(samples.gzipped(report), mark=None, author=author, to=to, end="\r\n", **more)


def dmarc(source: str) -> bytes:
    record = samples.record(source, 7, dkim="fail", spf="fail", disposition="reject")
    return samples.dmarc(record, report_id=uuid.uuid4().hex, day=DAY)


@pytest.mark.neighbours
def test_a_signed_report_says_who_sends_in_our_name(lab: Lab, foreign: Foreign, source: str) -> None:
    foreign.send(letter(dmarc(source), AN, DMARC), AN, DMARC)

    def row() -> dict[str, Any] | None:
        return next((row for row in shown(lab, "dmarc")["others"] if row["source"] == source), None)

    found = wait_for(row, "the report")
    assert (found["messages"], found["passed"], found["rejected"]) == (7, 0, 7)
    assert found["by"] == [["nhan.example", "ngoai.example"]]
    text = lab.run("accounts", "hanam-mail-db reports dmarc")
    assert source in text
    assert "nhan.example [ngoai.example]" in text


@pytest.mark.neighbours
def test_a_signed_report_says_how_tls_to_us_fails(lab: Lab, foreign: Foreign) -> None:
    kind = f"thu-{uuid.uuid4().hex[:12]}"
    report = samples.tls(samples.failure(kind), report_id=kind, day=DAY)
    mail = letter(report, AN, TLS, kind="application/tlsrpt+gzip", name="ngoai.example!hanam.gov.vn!1!2.json.gz")
    foreign.send(mail, AN, TLS)

    def row() -> dict[str, Any] | None:
        return next((row for row in shown(lab, "tls")["failures"] if row["failure"] == kind), None)

    found = wait_for(row, "the report")
    assert (found["mx"], found["sessions"]) == ("mx.hanam.gov.vn", 3)
    assert kind in lab.run("accounts", "hanam-mail-db reports tls")


def test_the_same_report_counts_once(lab: Lab, foreign: Foreign, source: str) -> None:
    mail = letter(dmarc(source), AN, DMARC)
    for _ in range(2):
        foreign.send(mail, AN, DMARC)
    wait_for(lambda: refused(lab).get("known"), "the second letter")
    assert [row["messages"] for row in shown(lab, "dmarc")["others"] if row["source"] == source] == [7]


def test_a_report_that_nobody_is_proven_to_have_sent_does_not_count(lab: Lab, source: str) -> None:
    forged = b"X-Hanam-Report-From: google.com proven google.com\r\n" + letter(dmarc(source), STRANGER, DMARC)
    with lab.smtp() as client:
        client.sendmail(STRANGER, [DMARC], forged)
    wait_for(lambda: refused(lab).get("unproven"), "the letter to be counted")
    assert [row for row in shown(lab, "dmarc")["others"] if row["source"] == source] == []


def test_a_bomb_hides_no_report_that_comes_after_it(lab: Lab, foreign: Foreign, source: str) -> None:
    # What the virus scanner still looks into, and no honest report has.
    many = samples.dmarc(*[samples.record(source)] * 12_000, report_id=uuid.uuid4().hex, day=DAY)
    foreign.send(letter(many, AN, DMARC), AN, DMARC)
    wait_for(lambda: refused(lab).get("limit"), "the bomb to be counted")
    foreign.send(letter(dmarc(source), AN, DMARC), AN, DMARC)
    wait_for(lambda: [row for row in shown(lab, "dmarc")["others"] if row["source"] == source], "the report")


def test_a_letter_to_a_person_besides_is_his(lab: Lab, official: Sample, foreign: Foreign, source: str) -> None:
    subject = uuid.uuid4().hex
    foreign.send(letter(dmarc(source), AN, DMARC, subject=subject), AN, DMARC, official.address)
    lab.wait_for_message(official, subject)
    wait_for(lambda: [row for row in shown(lab, "dmarc")["others"] if row["source"] == source], "the report")


@pytest.mark.provokes(journal.DATABASE_AWAY)
def test_a_report_waits_for_the_database(lab: Lab, foreign: Foreign, source: str) -> None:
    mx = lab.look_at("mx")
    waiting = mx.file("/var/lib/hanam-reports/ready")
    with lab.stopped("mx", "hanam-reports.timer"):
        # A run that the timer has begun ends before the letter comes.
        lab.run("mx", "systemctl start hanam-reports-load.service")
        foreign.send(letter(dmarc(source), AN, DMARC), AN, DMARC)
        wait_for(mx.file("/var/spool/hanam-reports/mail/new").listdir, "the letter")
        with lab.stopped("accounts", "postgresql@17-main"):
            lab.run("mx", "systemctl start hanam-reports-load.service", check=False)
            assert waiting.listdir() != []
            assert mx.service("hanam-reports-load.service").systemd_properties["ActiveState"] == "failed"
        assert [row["messages"] for row in shown(lab, "dmarc")["others"] if row["source"] == source] == [7]
        assert waiting.listdir() == []
