"""What others report, as large and small senders write it, is read (RFC 7489, 9990, 8460); what is no report is not."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import report_samples as samples

from hanam_mail.host.extract.work import End, Refused, Work
from hanam_mail.host.reports import incoming_dmarc, incoming_letter, incoming_tls, incoming_words
from hanam_mail.host.reports.incoming_read import LIMITS


def read(letter: bytes) -> dict[str, Any]:
    return incoming_letter.read(letter, Work(LIMITS))


def refused(letter: bytes) -> str:
    with pytest.raises(Refused) as refusal:
        read(letter)
    return f"{refusal.value.end} {refusal.value.reason}".strip()


def attached(report: bytes) -> bytes:
    return samples.letter(samples.gzipped(report))


XML, JSON = samples.dmarc(), samples.tls(samples.failure())
PACKED = {
    "xml.gz as gzip": (XML, samples.gzipped(XML), "application/gzip", "r.xml.gz"),
    "xml.gz as octets": (XML, samples.gzipped(XML), "application/octet-stream", "r.xml.gz"),
    "xml.gz under the name of a zip": (XML, samples.gzipped(XML), "application/zip", "r.zip"),
    "zip": (XML, samples.zipped(XML), "application/zip", "r.zip"),
    "zip from a Mac": (XML, samples.zipped(XML, more=["__MACOSX/._r.xml"]), "application/x-zip-compressed", "r.zip"),
    "gzip in a zip": (XML, samples.zipped(samples.gzipped(XML), "r.xml.gz"), "application/zip", "r.zip"),
    "plain xml": (XML, XML, "text/xml", "r.xml"),
    "two members of gzip": (
        XML,
        samples.gzipped(XML[:700]) + samples.gzipped(XML[700:]),
        "application/gzip",
        "r.xml.gz",
    ),
    "gzip with something behind it": (XML, samples.gzipped(XML) + b"\0\0\r\n", "application/gzip", "r.xml.gz"),
    "json.gz": (JSON, samples.gzipped(JSON), "application/tlsrpt+gzip", "r.json.gz"),
    "plain json": (JSON, JSON, "application/tlsrpt+json", "r.json"),
    "json with a mark of its order": (JSON, b"\xef\xbb\xbf" + JSON, "application/json", "r.json"),
}


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_report_is_read_however_it_is_packed_and_whatever_it_is_called(name: str, end: str) -> None:
    report, octets, kind, file = PACKED[name]
    found = read(samples.letter(octets, kind, file, end=end))
    alone = incoming_dmarc.read([report], Work(LIMITS)) if report is XML else incoming_tls.read(report)
    assert found == alone


def test_xml_of_two_octets_a_sign_is_read() -> None:
    text = XML.decode().replace("UTF-8", "UTF-16")
    assert read(attached(text.encode("utf-16")))["organization"] == "nhan.example"


def test_every_field_of_an_old_report_is_there() -> None:
    found = read(
        attached(samples.dmarc(samples.record(disposition="Quarantine", dkim="fail"), samples.record("::1", 7)))
    )
    assert {name: found[name] for name in ("kind", "organization", "report_id", "domain", "begins", "ends")} == {
        "kind": "dmarc",
        "organization": "nhan.example",
        "report_id": "17:1",
        "domain": "hanam.gov.vn",
        "begins": "2026-11-27T00:00:00+00:00",
        "ends": "2026-11-27T23:59:59+00:00",
    }
    assert found["published"] == {"p": "reject", "sp": "reject", "adkim": "s", "aspf": "s", "pct": "100"}
    first, second = found["rows"]
    assert first == {
        "source": "203.0.113.7",
        "messages": 2,
        "disposition": "quarantine",
        "dkim": False,
        "spf": True,
        "header_from": "hanam.gov.vn",
        "envelope_from": "hanam.gov.vn",
        "envelope_to": "nhan.example",
        "dkim_results": [{"domain": "hanam.gov.vn", "selector": "hn2026", "result": "fail"}],
        "spf_results": [{"domain": "hanam.gov.vn", "scope": "mfrom", "result": "pass"}],
        "reasons": [{"type": "local_policy", "comment": "arc=pass"}],
    }
    assert (second["source"], second["messages"]) == ("::1", 7)


def test_a_new_report_in_a_namespace_is_read_with_what_is_new_in_it() -> None:
    found = read(attached(samples.dmarc_9990()))
    assert found["organization"] == "Công ty Thư Việt"
    assert found["published"] == {
        "p": "reject", "sp": "reject", "np": "reject", "testing": "n", "discovery_method": "treewalk"
    }  # fmt: skip
    (row,) = found["rows"]
    assert (row["source"], row["disposition"], row["dkim"], row["spf"]) == ("2001:db8::25", "pass", True, False)
    assert row["dkim_results"] == [{"domain": "hanam.gov.vn", "result": "pass", "human_result": "tốt"}]


def test_names_are_normal_text_of_one_line() -> None:
    hidden = "Cô\u0301ng\u202e ty\n\tThư\u0085 \u200bViệt".encode()
    found = read(attached(samples.dmarc_9990(org="ORG").replace(b"ORG", hidden)))
    assert found["organization"] == "Cống ty Thư Việt"


def test_a_name_that_never_ends_is_cut() -> None:
    found = read(attached(samples.dmarc(org="é" * 4000)))
    assert found["organization"] == "é" * incoming_words.WORD


def test_an_address_of_ipv4_in_the_clothes_of_ipv6_is_one_of_ipv4() -> None:
    assert read(attached(samples.dmarc(samples.record("::ffff:203.0.113.9"))))["rows"][0]["source"] == "203.0.113.9"


def test_a_report_of_tls_is_read_with_its_failures() -> None:
    found = read(attached(samples.tls(samples.failure(), samples.failure("validation-failure", 1), failed=4)))
    assert {name: found[name] for name in ("kind", "organization", "contact", "begins")} == {
        "kind": "tls",
        "organization": "Nhan Inc.",
        "contact": "smtp-tls-reporting@nhan.example",
        "begins": "2026-11-27T00:00:00+00:00",
    }
    (policy,) = found["policies"]
    details = policy.pop("details")
    assert policy == {"policy": "sts", "domain": "hanam.gov.vn", "successes": 5326, "failures": 4}
    assert details[0] == {
        "failure": "certificate-expired",
        "sessions": 3,
        "sending": "2001:db8:abcd:12::1",
        "receiving": "203.0.113.25",
        "mx": "mx.hanam.gov.vn",
        "reason": "X509_V_ERR_CERT_HAS_EXPIRED",
    }
    assert details[1]["failure"] == "validation-failure"


def test_what_a_report_of_tls_may_leave_out_it_may() -> None:
    said = json.loads(samples.tls())
    del said["policies"][0]["failure-details"], said["contact-info"]
    said["policies"][0]["policy"] = {"policy-type": "no-policy-found", "policy-domain": "HANAM.gov.vn."}
    (policy,) = read(attached(json.dumps(said).encode()))["policies"]
    assert policy == {
        "policy": "no-policy-found", "domain": "hanam.gov.vn", "successes": 5326, "failures": 3, "details": []
    }  # fmt: skip


def test_a_name_where_an_address_should_be_is_left_out() -> None:
    said = samples.failure() | {"receiving-ip": "mx.hanam.gov.vn", "sending-mta-ip": None}
    (policy,) = read(attached(samples.tls(said)))["policies"]
    assert (policy["details"][0]["receiving"], policy["details"][0]["sending"]) == (None, None)


WRONG_XML = {
    "no records": (samples.dmarc("<!-- -->"), "broken no records"),
    "a count below none": (samples.dmarc(samples.record(count="-1")), "broken count"),
    "no count": (samples.dmarc(samples.record(count="")), "broken count"),
    "a count of more digits than any": (samples.dmarc(samples.record(count="9" * 5000)), "broken count"),
    "a count that is no number": (samples.dmarc(samples.record(count="NaN")), "broken count"),
    "a count with a sign of another script": (samples.dmarc(samples.record(count="٣")), "broken count"),
    "no address": (samples.dmarc(samples.record("")), "broken source_ip"),
    "a name for an address": (samples.dmarc(samples.record("mx.hanam.gov.vn")), "broken source_ip"),
    "an address with a zone": (samples.dmarc(samples.record("fe80::1%eth0")), "broken source_ip"),
    "an unknown disposition": (samples.dmarc(samples.record(disposition="burn")), "broken disposition"),
    "a time that is none": (samples.dmarc(day=10**11), "broken date_range begin"),
    "a domain that is none": (samples.dmarc(domain="hanam .gov.vn"), "broken policy_published domain"),
    "a domain in other letters": (samples.dmarc(domain="hànam.gov.vn"), "broken policy_published domain"),
    "no organisation": (samples.dmarc(org=" "), "broken org_name"),
    "two numbers of a report": (samples.dmarc(report_id="1</report_id><report_id>2"), "broken two of report_id"),
    "two policies": (
        samples.dmarc().replace(b"<version>", b"<policy_published/><version>"),
        "broken two of policy_published",
    ),
    "an end that is missing": (samples.dmarc()[:-15], "broken xml"),
    "two documents": (samples.dmarc() * 2, "broken xml"),
    "control characters": (samples.dmarc(org="a\x01b"), "broken xml"),
    "octets that are no UTF-8": (samples.dmarc().replace(b"nhan", b"nh\xffn"), "broken xml"),
    "an encoding that nobody knows": (samples.dmarc().replace(b"UTF-8", b"x-none"), "broken xml"),
    "another kind of XML": (b"<html><body/></html>", "unknown not a report"),
    "an entity": (samples.dmarc(org="&co;"), "broken xml"),
}


@pytest.mark.parametrize("name", WRONG_XML)
def test_a_report_that_is_wrong_is_refused_whole(name: str) -> None:
    report, why = WRONG_XML[name]
    assert refused(attached(report)) == why


def changed(path: str, value: Any) -> bytes:
    """The report of TLS with another value at a path of names and numbers."""
    said = json.loads(samples.tls(samples.failure()))
    *way, last = [int(each) if each.isdecimal() else each for each in path.split("/")]
    place = said
    for each in way:
        place = place[each]
    place[last] = value
    return json.dumps(said).encode()


SUCCESSES = "policies/0/summary/total-successful-session-count"
WRONG_JSON = {
    "no policies": (changed("policies", []), "broken no policies"),
    "policies that are no list": (changed("policies", {"a": 1}), "broken policies"),
    "a policy that is a text": (changed("policies/0", "sts"), "broken policies"),
    "a policy of no kind": (changed("policies/0/policy/policy-type", "x"), "broken policy-type"),
    "a domain that is a number": (changed("policies/0/policy/policy-domain", 7), "broken policy-domain"),
    "a count below none": (changed(SUCCESSES, -1), "broken total-successful-session-count"),
    "a count that is true": (changed(SUCCESSES, True), "broken total-successful-session-count"),
    "a count that is a list": (changed(SUCCESSES, [1]), "broken total-successful-session-count"),
    "a count that is too large": (changed(SUCCESSES, 10**13), "broken total-successful-session-count"),
    "a count of more digits than any": (samples.tls().replace(b"5326", b"9" * 5000), "broken number"),
    "no number": (samples.tls().replace(b"5326", b"NaN"), "broken number"),
    "an infinite number": (samples.tls().replace(b"5326", b"-Infinity"), "broken number"),
    "half a session": (samples.tls().replace(b"5326", b"0.5"), "broken number"),
    "a large power": (samples.tls().replace(b"5326", b"1e999999999"), "broken number"),
    "a failure of no kind": (changed("policies/0/failure-details/0/result-type", "a b"), "broken result-type"),
    "failures that are a text": (changed("policies/0/failure-details", "none"), "broken failure-details"),
    "no time": (changed("date-range", {}), "broken start-datetime"),
    "a time of no year": (changed("date-range/end-datetime", "0001-01-01T00:00:00+23:00"), "broken end-datetime"),
    "no organisation": (changed("organization-name", None), "broken organization-name"),
    "an organisation that is a list": (changed("organization-name", ["a"]), "broken organization-name"),
    "half a report": (samples.tls()[:-20], "broken json"),
    "octets that are no UTF-8": (samples.tls().replace(b"Nhan", b"Nh\xffn"), "broken json"),
    "another JSON": (b'{"a": 1}', "unknown not a report"),
}


@pytest.mark.parametrize("name", WRONG_JSON)
def test_a_report_of_tls_that_is_wrong_is_refused_whole(name: str) -> None:
    report, why = WRONG_JSON[name]
    assert refused(attached(report)) == why


OTHER_LETTERS = {
    "a letter of a person": b"From: an@nhan.example\nSubject: Hi\n\nKinh gui\n",
    "an empty letter": b"",
    "a head alone": b"From: an@nhan.example\n",
    "no words": samples.letter(b"", "application/gzip"),
}


@pytest.mark.parametrize("name", OTHER_LETTERS)
def test_a_letter_without_a_report_is_none(name: str) -> None:
    assert refused(OTHER_LETTERS[name]) == "unknown nothing attached"


def test_other_attachments_are_passed_over() -> None:
    assert refused(samples.letter(b"%PDF-1.7", "application/pdf", "a.pdf")) == "unknown not a report"
    picture = samples.letter(b"\x89PNG", "image/png", "logo.png")
    report = samples.letter(samples.gzipped(XML)).split(b"--==\n", 2)[2]
    assert read(picture.replace(b"--==--\n", b"--==\n" + report))["kind"] == "dmarc"


# --- whose it is ---


def sender(mark: str | None, more: bytes = b"") -> incoming_letter.ReportSender | None:
    return incoming_letter.sender(more + samples.letter(b"", mark=mark))


def test_the_filter_says_whose_a_letter_is() -> None:
    assert sender("nhan.example proven nhan.example") == incoming_letter.ReportSender(
        "nhan.example", True, ("nhan.example",)
    )
    assert sender("Nhan.example unproven") == incoming_letter.ReportSender("nhan.example", False)
    folded = sender("nhan.example proven\n\tmail.nhan.example b.example")
    assert folded is not None
    assert folded.signers == ("mail.nhan.example", "b.example")


@pytest.mark.parametrize("mark", [None, "", "nhan.example", "proven"])
def test_a_letter_of_which_the_filter_says_nothing_is_nobodys(mark: str | None) -> None:
    found = sender(mark)
    assert found is None or not found.proven


def test_two_marks_are_none() -> None:
    assert sender("nhan.example proven", b"x-hanam-report-from : google.com proven google.com\n") is None


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_mark_behind_the_head_says_nothing(end: bytes) -> None:
    letter = end.join((b"From: an@nhan.example", b"", b"X-Hanam-Report-From: google.com proven google.com", b""))
    assert incoming_letter.sender(letter) is None
    folded = b"Subject: a\n X-Hanam-Report-From: google.com proven google.com\n\n"
    assert incoming_letter.sender(folded) is None


@pytest.mark.parametrize(
    ("signers", "signed"),
    [
        ("nhan.example", True),
        ("example", True),
        ("mail.nhan.example", True),
        ("khac.example", False),
        ("xnhan.example", False),
        ("", False),
        ("khac.example nhan.example", True),
    ],
)
def test_a_report_of_tls_needs_a_signature_of_its_sender(signers: str, signed: bool) -> None:
    found = sender(f"nhan.example proven {signers}")
    assert found is not None
    assert found.signed is signed


# --- whatever stands there ---


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_whatever_is_attached_is_read_or_refused(octets: bytes) -> None:
    for report in (
        octets,
        samples.gzipped(octets),
        samples.zipped(octets),
        b"<feedback>" + octets,
        b'{"policies":' + octets,
    ):
        try:
            read(samples.letter(report))
        except Refused as refusal:
            assert refusal.end in set(End)
            assert refusal.reason.isascii()


@settings(deadline=None)
@given(st.integers(0, len(XML) - 1), st.binary(min_size=1, max_size=3))
def test_a_report_that_is_damaged_is_read_or_refused(at: int, octets: bytes) -> None:
    for report in (XML, JSON):
        place = at % len(report)
        try:
            found = read(attached(report[:place] + octets + report[place + len(octets) :]))
        except Refused:
            continue
        # What is taken the database takes: no text with a sign that it has not.
        assert "\\u0000" not in json.dumps(found)


@settings(deadline=None)
@given(st.text())
def test_a_text_is_one_line_that_can_be_stored_and_shown(text: str) -> None:
    found = incoming_words.text(text, "x")
    assert len(found) <= incoming_words.WORD
    assert found == found.strip()
    assert not any(sign in found for sign in "\0\n\r\u202e\u2028")
    found.encode()
