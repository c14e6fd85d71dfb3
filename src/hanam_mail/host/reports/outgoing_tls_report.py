"""A report on our TLS to a domain's servers: JSON (RFC 8460, section 4) and the message that bears it (5.3)."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from hanam_mail.host.reports import outgoing_report, outgoing_tls_row

_TEXT = """\
This is a report on TLS (RFC 8460): how the mail servers of {organisation}
reached those of {domain} on {day:%Y-%m-%d} (UTC).
It is sent because the TLSRPT record of {domain} asks for it.
Sessions in it: {messages}. Contact: {contact}

Đây là báo cáo TLS (RFC 8460): máy chủ thư của {organisation} đã kết nối tới máy chủ của
{domain} ra sao trong ngày {day:%d/%m/%Y} (giờ UTC), gửi theo đề nghị trong bản ghi TLSRPT của tên miền đó.
"""
# Of a row, in the words of the RFC.
_DETAIL = {
    "sending": "sending-mta-ip",
    "name": "receiving-mx-hostname",
    "helo": "receiving-mx-helo",
    "receiving": "receiving-ip",
    "reason": "failure-reason-code",
}


class TlsReport(outgoing_report.Report):
    """Its rows are those of outgoing_tls_row.py; no record is in it."""

    text: ClassVar[str] = _TEXT

    def id(self, own: str) -> str:
        """Not that of the domain's report on DMARC."""
        return f"tls-{super().id(own)}"

    def file_name(self, own: str) -> str:
        """Of the attachment (5.1)."""
        return f"{own}!{self.domain}!{self.begin}!{self.end}!tls{self.day:%Y%m%d}.json.gz"


def content(report: outgoing_report.Report, identity: outgoing_report.Identity) -> bytes:
    """The report itself; ValueError, TypeError or LookupError where a row is none."""
    policies: dict[str, dict[str, Any]] = {}
    for row, sessions in report.rows:
        if not outgoing_tls_row.fits({}, dict(row)):
            raise ValueError("not as it must be")
        policy = _policy(row)
        entry = policies.setdefault(json.dumps(policy), {"policy": policy, "summary": [0, 0], "failure-details": []})
        entry["summary"][bool(row["failure"])] += sessions
        if row["failure"]:
            entry["failure-details"].append(_detail(row, sessions))
    said = {
        "organization-name": identity.organisation,
        "date-range": {"start-datetime": _moment(report.begin), "end-datetime": _moment(report.end)},
        "contact-info": identity.contact,
        "report-id": report.id(identity.domain),
        "policies": [_entry(**entry) for entry in policies.values()],
    }
    return json.dumps(said, ensure_ascii=False, indent=1).encode() + b"\n"


def message(report: outgoing_report.Report, identity: outgoing_report.Identity, packed: bytes, address: str) -> bytes:
    """The message to one of the addresses, ready to be sent."""
    made = outgoing_report.letter(report, identity, address)
    made["TLS-Report-Domain"] = report.domain
    made["TLS-Report-Submitter"] = identity.domain
    # For servers behind the first one (RFC 8689): also where TLS is broken a report has to arrive.
    made["TLS-Required"] = "No"
    name = report.file_name(identity.domain)
    made.add_attachment(packed, maintype="application", subtype="tlsrpt+gzip", filename=name)
    made.replace_header("Content-Type", 'multipart/report; report-type="tlsrpt"')
    return outgoing_report.octets(made)


def _policy(row: Mapping[str, Any]) -> dict[str, Any]:
    policy = {"policy-type": row["type"], "policy-domain": row["domain"]}
    if row["strings"]:
        policy["policy-string"] = row["strings"]
    if row["mx"]:
        policy["mx-host"] = row["mx"]
    return policy


def _detail(row: Mapping[str, Any], sessions: int) -> dict[str, Any]:
    said = {name: row[key] for key, name in _DETAIL.items() if row[key]}
    return {"result-type": row["failure"], **said, "failed-session-count": sessions}


def _entry(policy: dict[str, Any], summary: list[int], **details: list[dict[str, Any]]) -> dict[str, Any]:
    successes, failures = summary
    counts = {"total-successful-session-count": successes, "total-failure-session-count": failures}
    return {"policy": policy, "summary": counts} | {name: found for name, found in details.items() if found}


def _moment(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
