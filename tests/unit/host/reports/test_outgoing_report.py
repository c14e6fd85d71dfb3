"""A report as XML and as a message: by the RFC's schema, the same each time, whatever is in its names."""

import email
import email.policy
import gzip
import json
import re
from datetime import date
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from tests.unit.host.reports.report_form import NAMESPACE, faults
from tests.unit.host.reports.test_outgoing_spool import PUBLISHED, ROW

from hanam_mail.host.reports import outgoing_dmarc_row, outgoing_report, outgoing_rows, outgoing_spool
from hanam_mail.host.reports.outgoing_report import Identity, Report

IDENTITY = Identity("hanam.gov.vn", "Tỉnh Hà Nam <&>", "noreply@hanam.gov.vn", "postmaster@hanam.gov.vn")
DAY = date(2026, 11, 29)
FORGED = ROW | {
    "disposition": "quarantine",
    "dkim": "fail",
    "reason": "policy_test_mode",
    "auth_dkim": [],
    "auth_spf": ["khac.example", "softfail"],
}
LONG = ".".join(["a" * 61] * 4) + ".vn"


def report(*rows: tuple[dict[str, Any], int], domain: str = "ky.example", **published: str) -> Report:
    return Report(DAY, domain, PUBLISHED | published, outgoing_report.rows(rows or [(ROW, 3), (FORGED, 2)]))


def tree(made: Report) -> ElementTree.Element:
    return ElementTree.fromstring(outgoing_report.xml(made, IDENTITY))  # noqa: S314 - our own


def texts(element: ElementTree.Element, path: str) -> list[str]:
    return [found.text or "" for found in element.findall(path, {"": NAMESPACE})]


def parsed(octets: bytes) -> EmailMessage:
    return email.message_from_bytes(octets, policy=email.policy.default)  # type: ignore[return-value]


def sent(made: Report, address: str = "a@ky.example") -> bytes:
    packed = outgoing_report.compressed(outgoing_report.xml(made, IDENTITY))
    return outgoing_report.message(made, IDENTITY, packed, address)


def test_the_form_says_no() -> None:
    """That the judge can say no."""
    octets = outgoing_report.xml(report(), IDENTITY)
    assert faults(octets) == []
    for old, new in (
        (b"<p>reject</p>", b""),
        (b"<p>reject</p>", b"<p>refuse</p>"),
        (b"<count>3</count>", b"<count>3</count><count>3</count>"),
        (b"<dkim>pass</dkim>", b"<x>pass</x>"),
        (NAMESPACE.encode(), b"urn:other"),
        (b"<version>1.0</version>", b""),
    ):
        changed = octets.replace(old, new, 1)
        assert changed != octets
        assert bool(faults(changed)) != (b"version" in old), old


def test_a_report_says_what_was_published_and_what_was_seen() -> None:
    found = tree(report(np="none", fo="1"))
    policy = {each.tag.rpartition("}")[2]: each.text for each in found.findall("policy_published/*", {"": NAMESPACE})}
    assert policy == {
        "domain": "ky.example",
        "discovery_method": "treewalk",
        "p": "reject",
        # What the record does not say is the default.
        "sp": "reject",
        "np": "none",
        "fo": "1",
        "adkim": "r",
        "aspf": "r",
        "testing": "n",
    }
    assert texts(found, "record/row/count") == ["3", "2"]
    assert texts(found, "record/row/policy_evaluated/disposition") == ["pass", "quarantine"]
    assert texts(found, "record/row/policy_evaluated/reason/type") == ["policy_test_mode"]
    assert texts(found, "record/identifiers/envelope_from") == ["", ""]
    assert texts(found, "record/auth_results/dkim/selector") == ["s1"]
    assert texts(found, "record/auth_results/spf/domain") == ["mx.ky.example", "khac.example"]


def test_its_period_is_the_day_of_utc_and_overlaps_no_other() -> None:
    begin, end = (int(texts(tree(report()), f"report_metadata/date_range/{name}")[0]) for name in ("begin", "end"))
    assert (begin, end) == (1795910400, 1795996799)
    next_day = Report(date(2026, 11, 30), "ky.example", PUBLISHED, ())
    assert next_day.begin == end + 1


def test_no_address_of_anybody_is_in_it() -> None:
    octets = outgoing_report.xml(report(), IDENTITY)
    found = set(re.findall(rb"[\w.]+@[\w.]+", octets))
    assert found == {b"postmaster@hanam.gov.vn", b"20261129.ky.example@hanam.gov.vn"}
    assert set(texts(tree(report()), "record/identifiers/envelope_to")) == {"hanam.gov.vn"}


HOSTILE = ["</record>", "<!DOCTYPE x [<!ENTITY a 'b'>]>", "&amp;&#0;", "]]>", "a\x00\x0b\x1fb", "\ufffe", "\ud800"]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_stay_names(name: str) -> None:
    shown = outgoing_rows.plain(name)
    row = ROW | {"header_from": shown, "envelope_from": shown, "auth_dkim": [[shown, shown, "fail"]]}
    octets = outgoing_report.xml(report((row, 1)), IDENTITY)
    assert faults(octets) == []
    found = ElementTree.fromstring(octets)  # noqa: S314 - our own
    assert texts(found, "record/identifiers/header_from") == [shown]
    assert len(found.findall("record", {"": NAMESPACE})) == 1


def test_a_report_of_many_rows_is_a_message_that_servers_take() -> None:
    """2,000 of the 10,000 that there may be."""
    rows = [
        (ROW | {"ip": f"2001:db8::{number:x}", "header_from": f"m{number}.ky.example"}, 1) for number in range(2000)
    ]
    octets = outgoing_report.xml(report(*rows), IDENTITY)
    assert faults(octets) == []
    assert len(outgoing_report.compressed(octets)) < 200_000


# --- the message ---


@pytest.mark.parametrize("domain", ["ky.example", LONG])
def test_subject_file_and_kind_are_as_the_rfc_has_them(domain: str) -> None:
    octets = sent(report(domain=domain))
    mail = parsed(octets)
    known = f"20261129.{domain}@hanam.gov.vn"
    assert mail["Subject"] == f"Report Domain: {domain} Submitter: hanam.gov.vn Report-ID: <{known}>"
    assert b"=?" not in octets.split(b"Subject:")[1].split(b"\n")[0]
    (part,) = mail.iter_attachments()
    assert part.get_content_type() == "application/gzip"
    assert part.get_filename() == f"hanam.gov.vn!{domain}!1795910400!1795996799.xml.gz"
    assert faults(gzip.decompress(part.get_content())) == []
    assert max(map(len, octets.splitlines())) <= 998
    assert all(len(line) <= 78 for line in octets.partition(b"\r\n\r\n")[2].splitlines() if b"!" not in line)


def test_the_message_says_who_wrote_it_and_that_nobody_answers() -> None:
    octets = sent(report())
    mail = parsed(octets)
    assert octets.isascii()
    assert mail["From"].addresses[0].addr_spec == "noreply@hanam.gov.vn"
    assert (mail["To"], mail["Reply-To"]) == ("a@ky.example", "postmaster@hanam.gov.vn")
    assert (mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "Messages in it: 5" in text and "29/11/2026" in text


def test_the_same_report_is_the_same_octets_whenever_it_is_sent() -> None:
    assert sent(report()) == sent(report())
    one, other = (parsed(sent(report(), address)) for address in ("a@ky.example", "b@ky.example"))
    assert one["Message-ID"] != other["Message-ID"]


def test_what_was_counted_becomes_a_report(tmp_path: Path) -> None:
    """From the folder of the filter's host to the XML, by the same words."""
    counter = outgoing_spool.Counter(tmp_path)
    for row in (ROW, FORGED, ROW):
        counter.add(outgoing_rows.Seen("ky.example", json.dumps(PUBLISHED), json.dumps(row)))
    counter.write()
    (path,) = outgoing_spool.waiting(tmp_path)
    lines = outgoing_spool.read(path, outgoing_dmarc_row.fits).lines
    made = report(*((line["row"], line["messages"]) for line in lines))
    assert faults(outgoing_report.xml(made, IDENTITY)) == []
    assert made.messages == 3
