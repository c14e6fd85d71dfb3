"""A report on TLS as JSON and as a message: by RFC 8460, the same each time; our reader of others' reports judges."""

import email
import email.policy
import gzip
import json
import re
from datetime import date
from email.message import EmailMessage
from typing import Any

import pytest
from tests.unit.host.reports.test_outgoing_tls_row import BAD_ROWS, DIGEST, FAILED, ROW

from hanam_mail.host.reports import incoming_tls, outgoing_report, outgoing_tls_report
from hanam_mail.host.reports.outgoing_report import Identity
from hanam_mail.host.reports.outgoing_tls_report import TlsReport, content, message

IDENTITY = Identity("hanam.gov.vn", "Tỉnh Hà Nam", "noreply@hanam.gov.vn", "postmaster@hanam.gov.vn")
DAY = date(2026, 11, 29)
KNOWN = "tls-20261129.ky.example@hanam.gov.vn"


def report(*rows: tuple[dict[str, Any], int], domain: str = "ky.example") -> TlsReport:
    return TlsReport(DAY, domain, {}, outgoing_report.rows(rows or [(ROW, 3), (FAILED, 2)]))


def sent(made: TlsReport, address: str = "a@ky.example") -> bytes:
    return message(made, IDENTITY, outgoing_report.compressed(content(made, IDENTITY)), address)


def parsed(octets: bytes) -> EmailMessage:
    return email.message_from_bytes(octets, policy=email.policy.default)  # type: ignore[return-value]


def said(made: TlsReport) -> dict[str, Any]:
    return dict(json.loads(content(made, IDENTITY)))


def test_our_own_reader_of_others_reports_understands_it() -> None:
    sts = FAILED | {"failure": "", "name": "", "helo": "", "reason": "", "sending": "", "receiving": ""}
    read = incoming_tls.read(content(report((ROW, 3), (FAILED, 2), (sts, 5)), IDENTITY))
    assert (read["organization"], read["contact"]) == ("Tỉnh Hà Nam", "postmaster@hanam.gov.vn")
    assert read["report_id"] == KNOWN
    assert (read["begins"], read["ends"]) == ("2026-11-29T00:00:00+00:00", "2026-11-29T23:59:59+00:00")
    assert [(each["policy"], each["domain"], each["successes"], each["failures"]) for each in read["policies"]] == [
        ("tlsa", "mx.ky.example", 3, 0),
        ("sts", "ky.example", 5, 2),
    ]
    assert read["policies"][1]["details"] == [
        {
            "failure": "certificate-expired",
            "sessions": 2,
            "sending": "192.0.2.25",
            "receiving": "2001:db8::25",
            "mx": "mx.ky.example",
            "reason": "certificate_has_expired",
        }
    ]


def test_it_has_the_fields_of_the_rfc_and_no_other() -> None:
    found = said(report())
    assert list(found) == ["organization-name", "date-range", "contact-info", "report-id", "policies"]
    assert found["date-range"] == {"start-datetime": "2026-11-29T00:00:00Z", "end-datetime": "2026-11-29T23:59:59Z"}
    assert found["policies"][0] == {
        "policy": {
            "policy-type": "tlsa",
            "policy-domain": "mx.ky.example",
            "policy-string": [f"2 1 1 {DIGEST}", f"3 1 1 {DIGEST}"],
        },
        "summary": {"total-successful-session-count": 3, "total-failure-session-count": 0},
    }
    assert found["policies"][1]["policy"]["mx-host"] == ["mx.ky.example", "*.ky.example"]
    assert found["policies"][1]["failure-details"] == [
        {
            "result-type": "certificate-expired",
            "sending-mta-ip": "192.0.2.25",
            "receiving-mx-hostname": "mx.ky.example",
            "receiving-mx-helo": "mx.ky.example",
            "receiving-ip": "2001:db8::25",
            "failure-reason-code": "certificate_has_expired",
            "failed-session-count": 2,
        }
    ]


def test_failures_of_one_policy_are_counted_together_and_told_apart() -> None:
    other = FAILED | {"failure": "starttls-not-supported", "reason": ""}
    (policy,) = said(report((FAILED, 2), (other, 7)))["policies"]
    assert policy["summary"] == {"total-successful-session-count": 0, "total-failure-session-count": 9}
    assert [each["failed-session-count"] for each in policy["failure-details"]] == [2, 7]


def test_no_address_of_a_person_is_in_it() -> None:
    assert set(re.findall(rb"[\w.-]+@[\w.]+", content(report(), IDENTITY))) == {
        b"postmaster@hanam.gov.vn",
        KNOWN.encode(),
    }


@pytest.mark.parametrize("bad", BAD_ROWS, ids=range(len(BAD_ROWS)))
def test_a_row_that_nobody_of_ours_wrote_makes_no_report(bad: Any) -> None:
    with pytest.raises((ValueError, TypeError, LookupError)):
        content(report((bad, 1)), IDENTITY)


# --- the message ---


def test_it_is_a_message_as_the_rfc_has_it() -> None:
    octets = sent(report())
    mail = parsed(octets)
    assert mail["Subject"] == f"Report Domain: ky.example Submitter: hanam.gov.vn Report-ID: <{KNOWN}>"
    assert (mail["TLS-Report-Domain"], mail["TLS-Report-Submitter"]) == ("ky.example", "hanam.gov.vn")
    assert mail["TLS-Required"] == "No"
    assert (mail.get_content_type(), mail["Content-Type"].params["report-type"]) == ("multipart/report", "tlsrpt")
    text, part = mail.iter_parts()
    assert text.get_content_type() == "text/plain"
    assert "Sessions in it: 5" in text.get_content() and "29/11/2026" in text.get_content()
    assert part.get_content_type() == "application/tlsrpt+gzip"
    assert part.get_filename() == "hanam.gov.vn!ky.example!1795910400!1795996799!tls20261129.json.gz"
    assert json.loads(gzip.decompress(part.get_content())) == said(report())
    assert octets.isascii()
    assert max(map(len, octets.splitlines())) <= 998


def test_it_says_who_wrote_it_and_that_nobody_answers() -> None:
    mail = parsed(sent(report()))
    assert mail["From"].addresses[0].addr_spec == "noreply@hanam.gov.vn"
    assert (mail["To"], mail["Reply-To"]) == ("a@ky.example", "postmaster@hanam.gov.vn")
    assert (mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"]) == ("auto-generated", "All")


def test_the_same_report_is_the_same_octets_and_not_the_one_on_dmarc() -> None:
    assert sent(report()) == sent(report())
    one, other = (parsed(sent(report(), address)) for address in ("a@ky.example", "b@ky.example"))
    on_dmarc = outgoing_report.letter(outgoing_report.Report(DAY, "ky.example", {}, ()), IDENTITY, "a@ky.example")
    assert len({one["Message-ID"], other["Message-ID"], on_dmarc["Message-ID"]}) == 3


def test_names_of_any_length_are_borne() -> None:
    long = ".".join(["a" * 61] * 4) + ".vn"
    mail = parsed(sent(report(domain=long)))
    assert mail["TLS-Report-Domain"] == long
    (_, part) = mail.iter_parts()
    assert part.get_filename().startswith(f"hanam.gov.vn!{long}!")


def test_many_rows_are_a_message_that_servers_take() -> None:
    rows = [(FAILED | {"receiving": f"2001:db8::{number:x}"}, 1) for number in range(10_000)]
    assert len(outgoing_report.compressed(content(report(*rows), IDENTITY))) < 1_000_000
    assert outgoing_tls_report.TlsReport.text != outgoing_report.Report.text
