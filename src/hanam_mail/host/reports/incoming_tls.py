"""Reports of TLS to us: the JSON of RFC 8460, section 4, as a document for the database."""

import json
import re
from typing import Any

from hanam_mail.host.extract.work import End, Refused
from hanam_mail.host.reports import incoming_words as words

KIND = "tls"
POLICIES, FAILURES = 100, 10_000
"""Policies of one report, and failures of all of them."""
_TYPES = ("sts", "tlsa", "no-policy-found")
_FAILURE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
# More digits than any count has; Python would refuse 5,000 of them only.
_DIGITS = 15


def read(octets: bytes) -> dict[str, Any]:
    """The report: organization, contact, report_id, begins, ends, policies with their failures. Raises Refused."""
    try:
        said = json.loads(octets.decode("utf-8-sig"), parse_int=_integer, parse_float=_no, parse_constant=_no)
    except RecursionError as error:
        raise Refused(End.LIMIT, "depth") from error
    except ValueError as error:
        raise words.broken("json") from error
    if not isinstance(said, dict) or "policies" not in said:
        raise Refused(End.UNKNOWN, "not a report")
    dates = _table(said, "date-range")
    policies = _list(said, "policies", POLICIES)
    report: dict[str, Any] = {
        "kind": KIND,
        "organization": words.word(said.get("organization-name"), "organization-name"),
        "contact": words.text(said.get("contact-info"), "contact-info"),
        "report_id": words.word(said.get("report-id"), "report-id"),
        "begins": words.moment(dates.get("start-datetime"), "start-datetime"),
        "ends": words.moment(dates.get("end-datetime"), "end-datetime"),
        "policies": [_policy(each) for each in policies],
    }
    if not policies:
        raise words.broken("no policies")
    if sum(len(each["details"]) for each in report["policies"]) > FAILURES:
        raise Refused(End.LIMIT, "failures")
    return report


def _policy(entry: Any) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise words.broken("policies")
    policy, summary = _table(entry, "policy"), _table(entry, "summary")
    kind = words.text(policy.get("policy-type"), "policy-type").lower()
    if kind not in _TYPES:
        raise words.broken("policy-type")
    return {
        "policy": kind,
        "domain": words.domain(policy.get("policy-domain"), "policy-domain"),
        "successes": words.number(summary.get("total-successful-session-count", 0), "total-successful-session-count"),
        "failures": words.number(summary.get("total-failure-session-count", 0), "total-failure-session-count"),
        "details": [_failure(each) for each in _list(entry, "failure-details", FAILURES)],
    }


def _failure(entry: Any) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise words.broken("failure-details")
    kind = words.text(entry.get("result-type"), "result-type").lower()
    if not _FAILURE.fullmatch(kind):
        raise words.broken("result-type")
    return {
        "failure": kind,
        "sessions": words.number(entry.get("failed-session-count", 0), "failed-session-count"),
        "sending": words.maybe_address(entry.get("sending-mta-ip"), "sending-mta-ip"),
        "receiving": words.maybe_address(entry.get("receiving-ip"), "receiving-ip"),
        "mx": words.text(entry.get("receiving-mx-hostname"), "receiving-mx-hostname").lower().rstrip("."),
        "reason": words.text(entry.get("failure-reason-code"), "failure-reason-code"),
    }


def _table(entry: dict[str, Any], name: str) -> dict[str, Any]:
    found = entry.get(name)
    if not isinstance(found, dict):
        raise words.broken(name)
    return found


def _list(entry: dict[str, Any], name: str, most: int) -> list[Any]:
    """What may be missing is empty."""
    found = entry.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        raise words.broken(name)
    if len(found) > most:
        raise Refused(End.LIMIT, name)
    return found


def _integer(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise words.broken("number")
    return int(digits)


def _no(_: str) -> float:
    raise words.broken("number")
