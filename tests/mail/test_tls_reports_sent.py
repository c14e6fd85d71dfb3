"""A domain that asks for it is told how our TLS to its servers went, once, also where that TLS is broken (RFC 8460)."""

import email
import email.policy
import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import partial
from typing import Any

import pytest

from hanam_mail.host.reports import incoming_tls
from tests import journal
from tests.foreign import AN, BINH, STS, UNSIGNED, Foreign
from tests.lab import Lab, Sample, wait_for
from tests.mail.test_outgoing_tls import send, wait_until_put_off

pytestmark = [pytest.mark.dieu3, pytest.mark.neighbours, pytest.mark.provokes(journal.TLS_COUNTS_AWAY)]

DAY = datetime.now(UTC).date() - timedelta(days=2)
"""To which the tests put back what is counted: a day that is over."""
FOLDER = "/var/lib/hanam-tls-sessions"
# Domains of the lab that ask for reports (group_vars/lab/lab_dns.yml): where the report goes, and what it is about.
RIGHT = {
    "dungsts.example": (BINH, "sts", "dungsts.example"),
    "ngoai.example": (BINH, "tlsa", "mx.ngoai.example"),
}
WRONG = {
    "saichungthu.example": ("an@saichungthu.example", "sts", "saichungthu.example"),
    "danethang.example": ("an@danethang.example", "tlsa", "mta-sts.ngoai.example"),
}
WEB = "thusts.example"


def counted(lab: Lab) -> list[dict[str, Any]]:
    """What was told so far and is in no database yet."""
    # It writes what it has counted as it ends.
    lab.run("submission", "systemctl restart hanam-tls-seen.service")
    lines = lab.run("submission", f"find {FOLDER} -name '*.jsonl' -exec cat {{}} +").splitlines()
    return [json.loads(line) for line in lines]


def bring(lab: Lab) -> None:
    lab.run("submission", "systemctl start hanam-dmarc-carry.service")
    assert lab.look_at("submission").file(FOLDER).listdir() == []


def carry_and_send(lab: Lab) -> None:
    """What was told since is brought to the database as of another day, and that day's reports are sent."""
    assert counted(lab) is not None
    today = [datetime.now(UTC).date() - timedelta(days=ago) for ago in (0, 1)]
    change = " ".join(f'-e \'s/"day": "{day}"/"day": "{DAY}"/\'' for day in today)
    lab.run("submission", f"find {FOLDER} -name '*.jsonl' -exec sed -i {change} {{}} +")
    bring(lab)
    lab.start_anew("accounts", "hanam-dmarc-send.service")


@pytest.fixture
def foreign(lab: Lab) -> Iterator[Foreign]:
    """Nothing waits for the outside, before and after; what these tests count is fetched when they say so."""
    lab.run("submission", "postsuper -d ALL deferred")
    lab.run("submission", "systemctl stop hanam-dmarc-carry.timer hanam-dmarc-carry.service")
    counted(lab)
    bring(lab)
    lab.sql(f"delete from mail.outgoing_report where kind = 'tls' and day = '{DAY}'")
    yield Foreign(lab)
    lab.run("submission", "systemctl start hanam-dmarc-carry.timer")
    lab.run("submission", "postsuper -d ALL deferred")


def subject(lab: Lab, domain: str) -> str:
    own = lab.variables["mail_domain"]
    return f"Report Domain: {domain} Submitter: {own} Report-ID: <tls-{DAY:%Y%m%d}.{domain}@{own}>"


def parsed(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data, policy=email.policy.default)  # type: ignore[return-value]


def reports(lab: Lab, foreign: Foreign, domain: str, address: str) -> list[bytes]:
    """Those on that domain that arrived there."""
    return [data for data in foreign.contents(address) if parsed(data)["Subject"] == subject(lab, domain)]


def content(data: bytes) -> bytes:
    """The report in the message."""
    _, part = parsed(data).iter_parts()
    assert part.get_content_type() == "application/tlsrpt+gzip"
    return gzip.decompress(part.get_content())


def test_who_asks_is_told_of_what_went_right_and_wrong_once(lab: Lab, foreign: Foreign, official: Sample) -> None:
    before = {domain: len(reports(lab, foreign, domain, row[0])) for domain, row in (RIGHT | WRONG).items()}
    arrive, wait = (STS, AN, f"an@{WEB}", UNSIGNED), [f"an@{domain}" for domain in WRONG]
    sent = send(lab, official, *arrive, *wait)
    for address in arrive:
        foreign.wait_for(address, sent)
    wait_until_put_off(foreign, *wait)
    # Each further try would be a session more.
    lab.run("submission", "postsuper -d ALL deferred")
    told = {line["domain"] for line in counted(lab) if "domain" in line}
    # Who asks for nothing is not counted.
    assert told == {*RIGHT, *WRONG, WEB}
    carry_and_send(lab)

    own = lab.variables["mail_domain"]
    for domain, (address, kind, policy_domain) in (RIGHT | WRONG).items():
        arrived = partial(reports, lab, foreign, domain, address)
        wait_for(lambda: len(arrived()) > before[domain], f"the report on {domain}")  # noqa: B023
        data = arrived()[-1]
        # Ours, signed, and nobody's answer is asked for.
        assert foreign.verdicts(data) == dict.fromkeys(lab.variables["vault_dkim_keys"], True)
        mail = parsed(data)
        assert (mail["Return-Path"], mail["Auto-Submitted"]) == (f"<bounce@{own}>", "auto-generated")
        assert (mail["TLS-Report-Domain"], mail["TLS-Report-Submitter"]) == (domain, own)
        assert mail["Content-Type"].params["report-type"] == "tlsrpt"
        found = incoming_tls.read(content(data))
        assert (found["report_id"], found["begins"][:10], found["ends"][:10]) == (
            f"tls-{DAY:%Y%m%d}.{domain}@{own}",
            str(DAY),
            str(DAY),
        )
        (policy,) = found["policies"]
        assert (policy["policy"], policy["domain"]) == (kind, policy_domain)
        # No address of a person is in it.
        for person in (official.address, *arrive, *wait):
            assert person.encode() not in content(data)
        if domain in RIGHT:
            assert (policy["failures"], policy["details"]) == (0, [])
            # Others may write to the other one meanwhile.
            assert policy["successes"] == 1 or domain == "ngoai.example"
            continue
        # Each address of the server is a session.
        assert policy["successes"] == 0
        assert policy["failures"] == sum(each["sessions"] for each in policy["details"]) >= 1
        failures = {each["failure"] for each in policy["details"]}
        if domain == "saichungthu.example":
            assert failures == {"certificate-host-mismatch"}
        else:
            assert failures <= {"certificate-not-trusted", "validation-failure"}
        assert {each["sending"] for each in policy["details"]} <= set(_own_addresses(lab))
        exchangers = {each["mx"] for each in policy["details"]}
        assert exchangers == {"mx.saichungthu.example" if kind == "sts" else "mta-sts.ngoai.example"}

    # They went where the domain's own policy lets no mail through, by a way of their own, and told nobody.
    log = lab.run("mx", "journalctl --sync; journalctl -q -o cat -t postfix/tls-report/smtp --since -15min")
    assert all(f"to=<{row[0]}>" in log for row in WRONG.values())
    assert not {line.get("domain") for line in counted(lab)} & {*WRONG, "dungsts.example"}

    carry_and_send(lab)
    shown = json.loads(lab.run("accounts", f"hanam-mail-db reports sent --day {DAY} --json"))["domains"]
    outcomes = {each["domain"]: (each["outcome"], each["reason"]) for each in shown if each["kind"] == "tls"}
    assert {domain: outcomes[domain] for domain in (*RIGHT, *WRONG, WEB)} == {
        **dict.fromkeys((*RIGHT, *WRONG), ("sent", "")),
        WEB: ("none", "https"),
    }
    after = {domain: len(reports(lab, foreign, domain, row[0])) for domain, row in (RIGHT | WRONG).items()}
    assert after == {domain: number + 1 for domain, number in before.items()}


def _own_addresses(lab: Lab) -> list[str]:
    shown = lab.run("submission", "ip -j address")
    return [each["local"] for link in json.loads(shown) for each in link["addr_info"]]


def test_mail_goes_at_once_while_nobody_counts(lab: Lab, foreign: Foreign, official: Sample) -> None:
    """Postfix says that it could not tell, once for each session, and delivers."""
    with lab.stopped("submission", "hanam-tls-seen.socket", "hanam-tls-seen.service"):
        sent = send(lab, official, STS)
        foreign.wait_for(STS, sent)
    log = lab.run("submission", "journalctl --sync; journalctl -q -o cat -t postfix/smtp --since -5min")
    assert "TLSRPT: status=success, domain=dungsts.example" in log
    assert "Could not report TLS handshake result to tlsrpt library" in log
    assert "dungsts.example" not in {line.get("domain") for line in counted(lab)}
