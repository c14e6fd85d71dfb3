"""A domain that asks for it gets a report on the mail that came in its name, signed by us, once (RFC 9990, Đ4.6)."""

import email
import email.policy
import gzip
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from xml.etree import ElementTree

import pytest

from tests import journal
from tests.foreign import UNSIGNED, Foreign
from tests.lab import Lab, Sample, wait_for
from tests.mail.test_signatures import STRANGER, bring, letter
from tests.signing import Key, dkim
from tests.unit.host.reports.report_form import NAMESPACE, faults
from tests.world_names import ZONE, published

pytestmark = [pytest.mark.dieu4, pytest.mark.neighbours, pytest.mark.provokes(journal.ZONES)]

DAY = datetime.now(UTC).date() - timedelta(days=2)
"""To which the tests put back what is counted: a day that is over."""


@dataclass(frozen=True)
class World:
    """Keys of domains that ask for reports at a mailbox elsewhere: `wants` with its consent, `may_not` without."""

    wants: Key
    may_not: Key


@pytest.fixture(scope="module")
def world(lab: Lab) -> Iterator[World]:
    mark = uuid.uuid4().hex[:8]
    made = World(Key(f"r{mark}.{ZONE}", "s"), Key(f"n{mark}.{ZONE}", "s"))
    lines = [f'{made.wants.domain}._report._dmarc.{ZONE}. 30 IN TXT "v=DMARC1"']
    for key in (made.wants, made.may_not):
        record = f"v=DMARC1; p=reject; rua=mailto:{UNSIGNED}!10m,https://khong.example/"
        lines += [
            f'_dmarc.{key.domain}. 30 IN TXT "{record}"',
            f"{key.domain}. 30 IN MX 10 mx.{ZONE}.",
            key.zone_line,
        ]
    # What these tests bring is fetched when they say so.
    lab.run("filter", "systemctl stop hanam-dmarc-carry.timer hanam-dmarc-carry.service")
    try:
        with published(lab, lines):
            yield made
    finally:
        lab.run("filter", "systemctl start hanam-dmarc-carry.timer")


def carry_and_send(lab: Lab) -> None:
    """What was judged so far is brought to the database as of another day, and that day's reports are sent."""
    # It writes what it has counted as it ends.
    lab.run("filter", "systemctl restart hanam-mail-auth.service")
    today = [datetime.now(UTC).date() - timedelta(days=ago) for ago in (0, 1)]
    change = " ".join(f'-e \'s/"day": "{day}"/"day": "{DAY}"/\'' for day in today)
    lab.run("filter", f"find /var/lib/hanam-judged -name '*.jsonl' -exec sed -i {change} {{}} +")
    lab.run("filter", "systemctl start hanam-dmarc-carry.service")
    assert lab.look_at("filter").file("/var/lib/hanam-judged").listdir() == []
    lab.start_anew("accounts", "hanam-dmarc-send.service")


def reports(foreign: Foreign, domain: str) -> list[bytes]:
    """Those on that domain that arrived."""
    return [data for data in foreign.contents(UNSIGNED) if f"Report Domain: {domain} ".encode() in data]


def parsed(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data, policy=email.policy.default)  # type: ignore[return-value]


def rows(root: ElementTree.Element) -> list[dict[str, str]]:
    """What the report says of each kind of messages, by the names of its elements."""
    ends = [[each for each in record.iter() if not len(each)] for record in root.findall("record", {"": NAMESPACE})]
    return [{each.tag.removeprefix(f"{{{NAMESPACE}}}"): each.text or "" for each in record} for record in ends]


def test_forged_and_honest_mail_is_reported_once_to_whoever_asked_and_may_have_it(
    lab: Lab, official: Sample, world: World
) -> None:
    foreign, domain, subject = Foreign(lab), world.wants.domain, uuid.uuid4().hex
    for _ in range(3):
        assert bring(lab, official, letter(official, f"an@{domain}", uuid.uuid4().hex))[0] == 554
    for number in range(2):
        content = letter(official, f"binh@{domain}", f"{subject}{number}")
        assert bring(lab, official, dkim(world.wants, content)) == (250, "")
    assert bring(lab, official, letter(official, f"an@{world.may_not.domain}", uuid.uuid4().hex))[0] == 554
    carry_and_send(lab)
    data = wait_for(lambda: next(iter(reports(foreign, domain)), None), f"the report on {domain}")

    # Ours, signed, and nobody's answer is asked for.
    own = lab.variables["mail_domain"]
    assert foreign.verdicts(data) == dict.fromkeys(lab.variables["vault_dkim_keys"], True)
    mail = parsed(data)
    assert (mail["Return-Path"], mail["Auto-Submitted"]) == (f"<bounces@{own}>", "auto-generated")
    assert mail["From"].addresses[0].domain == own
    assert mail["Subject"].endswith(f" Submitter: {own} Report-ID: <{DAY:%Y%m%d}.{domain}@{own}>")
    (part,) = mail.iter_attachments()
    assert part.get_filename().startswith(f"{own}!{domain}!")
    octets = gzip.decompress(part.get_content())
    assert faults(octets) == []

    # What it counts is what was brought, and nobody's address is in it.
    found = {row["disposition"]: row for row in rows(ElementTree.fromstring(octets))}  # noqa: S314 - our own
    assert {name: row["count"] for name, row in found.items()} == {"reject": "3", "pass": "2"}
    assert {row["header_from"] for row in found.values()} == {domain}
    assert {row["envelope_from"] for row in found.values()} == {STRANGER.partition("@")[2]}
    assert found["pass"]["selector"] == world.wants.selector
    client = lab.run(
        "mx", "journalctl --sync; journalctl -u postfix -g 'client=.*client.example' -n 1 -o cat"
    ).rpartition("[")[2]
    assert {row["source_ip"] for row in found.values()} == {client.strip().rstrip("]")}
    for address in (official.address, STRANGER, f"an@{domain}", f"binh@{domain}"):
        assert address.encode() not in octets

    # Once; and nothing to whom nobody asked.
    carry_and_send(lab)
    told = json.loads(lab.run("accounts", f"hanam-mail-db reports sent --day {DAY} --json"))["domains"]
    outcomes = {each["domain"]: (each["messages"], each["outcome"], each["reason"], each["given"]) for each in told}
    assert outcomes[domain] == (5, "sent", "", [UNSIGNED])
    assert outcomes[world.may_not.domain] == (1, "none", "no_consent", [])
    marker = EmailMessage()
    marker["From"], marker["To"], marker["Subject"] = official.address, UNSIGNED, subject
    marker.set_content("sau cùng")
    with lab.submission(official.address, official.password) as client_session:
        client_session.send_message(marker)
    foreign.wait_for(UNSIGNED, subject)
    assert (len(reports(foreign, domain)), reports(foreign, world.may_not.domain)) == (1, [])


def test_reports_on_our_own_mail_are_answered_with_none(lab: Lab, official: Sample, world: World) -> None:
    own = f"dmarc@{lab.variables['mail_domain']}"
    report, author = Sample(own, "", "", ""), f"bao.cao@{world.wants.domain}"
    assert bring(lab, report, dkim(world.wants, letter(report, author, uuid.uuid4().hex))) == (250, "")
    # One that an official gets as well is mail.
    content = dkim(world.may_not, letter(official, f"bao.cao@{world.may_not.domain}", uuid.uuid4().hex))
    with lab.smtp() as client:
        assert client.sendmail(STRANGER, [own, official.address], content) == {}
    lab.run("filter", "systemctl restart hanam-mail-auth.service")
    counted = [json.loads(line) for line in lab.run("filter", "cat /var/lib/hanam-judged/*.jsonl").splitlines()]
    domains = {line["domain"] for line in counted if line["row"]["dkim"] == "pass"}
    assert (world.wants.domain in domains, world.may_not.domain in domains) == (False, True)


def test_a_report_that_comes_back_disturbs_nobody_and_is_counted(lab: Lab) -> None:
    own, mark = f"bounces@{lab.variables['mail_domain']}", uuid.uuid4().hex
    notice = EmailMessage()
    notice["From"], notice["To"], notice["Subject"] = f"MAILER-DAEMON@{ZONE}", own, "Undelivered Mail"
    notice["Message-ID"] = f"<{mark}@{ZONE}>"
    notice.set_content("khong gui duoc")
    with lab.smtp() as client:
        client.sendmail("", [own], notice.as_bytes(policy=email.policy.SMTP))
    log = "journalctl -u postfix -g report-returned -o cat --since -10min || true"
    wait_for(lambda: f"to=<{own}>" in lab.run("mx", log), "the line that counts it")


def test_nobody_outside_makes_us_send_to_anybody(lab: Lab) -> None:
    """The accounts host may; a stranger may as little as before."""
    with lab.smtp() as client:
        client.mail(STRANGER)
        code, _ = client.rcpt(UNSIGNED)
        assert code == 554
