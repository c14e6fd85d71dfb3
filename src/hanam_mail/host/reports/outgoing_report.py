"""A report on the mail of a day in a domain's name: XML (RFC 9990, 3.1 and appendix A) and the message that bears it.

The message is also that of reports on TLS (outgoing_tls_report.py). Both are the same whenever they are made of the
same rows, so whoever gets a report twice can tell.
"""

import gzip
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, ClassVar
from xml.etree import ElementTree

NAMESPACE = "urn:ietf:params:xml:ns:dmarc-2.0"
DAY = timedelta(days=1)
# No field is folded, whatever it takes: names of domains have no blanks to break at (RFC 5322, 2.1.1).
_POLICY = SMTP.clone(max_line_length=998)
_TEXT = """\
This is a DMARC aggregate report (RFC 9990) on mail that {organisation}
received on {day:%Y-%m-%d} (UTC) in the name of {domain}.
It is sent because the DMARC record of {domain} asks for it.
Messages in it: {messages}. Contact: {contact}

Đây là báo cáo tổng hợp DMARC (RFC 9990) về thư nhận ngày {day:%d/%m/%Y} (giờ UTC)
đứng tên {domain}, gửi theo đề nghị trong bản ghi DMARC của tên miền đó.
"""

type ReportRow = tuple[Mapping[str, Any], int]


@dataclass(frozen=True)
class Identity:
    """Who we are: `domain` judged or sent the mail, `sender` is the address in From, `contact` answers questions."""

    domain: str
    organisation: str
    sender: str
    contact: str


@dataclass(frozen=True)
class Report:
    """A day (of UTC) of a domain. `published`: its record (outgoing_seen.py); `rows`: what was seen, how often.

    `text`: what the message says to people.
    """

    text: ClassVar[str] = _TEXT

    day: date
    domain: str
    published: Mapping[str, str]
    rows: tuple[ReportRow, ...]

    @property
    def begin(self) -> int:
        """Its first second."""
        return int(datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC).timestamp())

    @property
    def end(self) -> int:
        """Its last one: periods do not overlap."""
        return self.begin + int(DAY.total_seconds()) - 1

    @property
    def messages(self) -> int:
        """How many messages it tells of."""
        return sum(count for _, count in self.rows)

    def id(self, own: str) -> str:
        """By which a receiver knows it again (3.5.1)."""
        return f"{self.day:%Y%m%d}.{self.domain}@{own}"

    def file_name(self, own: str) -> str:
        """Of the attachment (3.5.2)."""
        return f"{own}!{self.domain}!{self.begin}!{self.end}.xml.gz"


def xml(report: Report, identity: Identity) -> bytes:
    """The report itself."""
    root = ElementTree.Element("feedback", {"xmlns": NAMESPACE})
    _add(root, "version", "1.0")
    about = ElementTree.SubElement(root, "report_metadata")
    _add(about, "org_name", identity.organisation)
    _add(about, "email", identity.contact)
    _add(about, "report_id", report.id(identity.domain))
    period = ElementTree.SubElement(about, "date_range")
    _add(period, "begin", report.begin)
    _add(period, "end", report.end)
    policy = ElementTree.SubElement(root, "policy_published")
    for name, value in _published(report).items():
        _add(policy, name, value)
    for row, count in report.rows:
        _add_record(root, row, count, identity.domain)
    ElementTree.indent(root, " ")
    octets: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return octets + b"\n"


def compressed(octets: bytes) -> bytes:
    """The same octets for the same octets."""
    return gzip.compress(octets, mtime=0)


def message(report: Report, identity: Identity, packed: bytes, address: str) -> bytes:
    """The message to one of the addresses, ready to be sent."""
    made = letter(report, identity, address)
    name = report.file_name(identity.domain)
    made.add_attachment(packed, maintype="application", subtype="gzip", filename=name)
    return octets(made)


def letter(report: Report, identity: Identity, address: str) -> EmailMessage:
    """The message without the report itself."""
    made = EmailMessage(policy=SMTP)
    local, _, domain = identity.sender.rpartition("@")
    known = report.id(identity.domain)
    made["From"] = Address(identity.organisation, local, domain)
    made["To"] = address
    made["Reply-To"] = identity.contact
    made["Subject"] = f"Report Domain: {report.domain} Submitter: {identity.domain} Report-ID: <{known}>"
    # Of the end of its day: a second one is the same message,
    made["Date"] = format_datetime(datetime.fromtimestamp(report.end + 1, UTC))
    # octet by octet.
    mark = hashlib.sha256(f"{known} {address}".encode()).hexdigest()[:32]
    made["Message-ID"] = f"<{mark}@{identity.domain}>"
    made["Auto-Submitted"] = "auto-generated"
    made["X-Auto-Response-Suppress"] = "All"
    text = report.text.format(
        organisation=identity.organisation,
        day=report.day,
        domain=report.domain,
        messages=report.messages,
        contact=identity.contact,
    )
    made.set_content(text, cte="quoted-printable")
    return made


def octets(made: EmailMessage) -> bytes:
    """It as it goes; parts have a border that is the same each time."""
    made.set_boundary(f"report-{made['Message-ID'][1:33]}")
    return made.as_bytes(policy=_POLICY)


def _published(report: Report) -> dict[str, str]:
    """With the defaults of what the record does not say (3.1.1.5)."""
    said = report.published
    below = said.get("sp", said["p"])
    return {
        "domain": report.domain,
        "discovery_method": "treewalk",
        "p": said["p"],
        "sp": below,
        "np": said.get("np", below),
        "fo": said.get("fo", "0"),
        "adkim": said["adkim"],
        "aspf": said["aspf"],
        "testing": said["testing"],
    }


def _add_record(root: ElementTree.Element, row: Mapping[str, Any], count: int, own: str) -> None:
    record = ElementTree.SubElement(root, "record")
    place = ElementTree.SubElement(record, "row")
    _add(place, "source_ip", row["ip"])
    _add(place, "count", count)
    evaluated = ElementTree.SubElement(place, "policy_evaluated")
    for name in ("disposition", "dkim", "spf"):
        _add(evaluated, name, row[name])
    if row["reason"]:
        _add(ElementTree.SubElement(evaluated, "reason"), "type", row["reason"])
    names = ElementTree.SubElement(record, "identifiers")
    _add(names, "header_from", row["header_from"])
    _add(names, "envelope_from", row["envelope_from"])
    # All mail from outside is for our one domain.
    _add(names, "envelope_to", own)
    results = ElementTree.SubElement(record, "auth_results")
    for signer, selector, result in row["auth_dkim"]:
        _add_all(ElementTree.SubElement(results, "dkim"), {"domain": signer, "selector": selector, "result": result})
    sender, result = row["auth_spf"]
    _add_all(ElementTree.SubElement(results, "spf"), {"domain": sender, "scope": "mfrom", "result": result})


def _add_all(parent: ElementTree.Element, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        _add(parent, name, value)


def _add(parent: ElementTree.Element, name: str, value: object) -> None:
    ElementTree.SubElement(parent, name).text = str(value)


def rows(found: Iterable[tuple[Mapping[str, Any], int]]) -> tuple[ReportRow, ...]:
    """As a report holds them."""
    return tuple((row, count) for row, count in found)
