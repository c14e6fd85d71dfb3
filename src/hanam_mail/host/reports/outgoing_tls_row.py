"""How one session of TLS with another server went, as Postfix tells it by libtlsrpt, and as reports tell it (RFC 8460).

A datagram is JSON: `d`, the domain that asks for reports; `pr`, its record; the policy that was tried; `f`, whether the
session failed; and the failure with short names (c, s, n, h, r, a, f). From 0.5.0 on the library adds the number of
that form, `dpv`; Debian 13 has the release candidate before it. Names, texts and records in it are strangers':
what is kept of them is plain ASCII of bounded length and number. No address of a person is among it.
"""

import ipaddress
import json
import re
from typing import Any

from hanam_mail.host.reports.outgoing_rows import ADDRESS, DOMAIN, Seen

# A Unix datagram is no longer, unless the kernel is told so: records of TLSA may be whole certificates.
LONGEST_DATAGRAM = 262144
# Of records of TLSA, and of exchangers that a policy names, a report shows so many; of a record of TLSA so much.
MOST = 20
TYPES = {1: "tlsa", 2: "sts", 9: "no-policy-found"}
FAILURES = {
    201: "starttls-not-supported",
    202: "certificate-host-mismatch",
    203: "certificate-not-trusted",
    204: "certificate-expired",
    205: "validation-failure",
    301: "sts-policy-fetch-error",
    302: "sts-policy-invalid",
    303: "sts-webpki-invalid",
    304: "tlsa-invalid",
    305: "dnssec-invalid",
    306: "dane-required",
}
_TLSA = re.compile(r"[0-9]{1,3} [0-9]{1,3} [0-9]{1,3} [0-9A-Fa-f]{2,280}")
# Of DANE it is the exchanger's name, which Postfix takes with underscores too.
_POLICY_DOMAIN = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?")
_PATTERN = re.compile(rf"(?:\*\.)?{DOMAIN.pattern}")
_CODE = re.compile(r"[\x21-\x7e]{0,100}")
_NOT_CODE = re.compile(r"[^\x21-\x7e]")
# The code of an answer to EHLO, and the name after it.
_HELO = re.compile(r"(?:250[ -])?([A-Za-z0-9.-]+)")

_DATAGRAM = {"d", "pr", "policies"}
_POLICY = {"policy-type", "policy-domain", "policy-string", "mx-host", "failure-details", "t", "f"}
_DETAIL = set("acfhnrs")
_TEXTS = ("helo", "name", "reason", "receiving", "sending")
_ROW = {"type", "domain", "strings", "mx", "failure", *_TEXTS}


def seen(datagram: bytes) -> Seen | None:
    """What a report tells of it; None for a domain that no report can be named after.

    ValueError, TypeError, LookupError or RecursionError where it is no such datagram.
    """
    if len(datagram) > LONGEST_DATAGRAM:
        raise ValueError("too long")
    said = json.loads(datagram.decode("ascii", "replace"))
    (policy,) = said["policies"]
    details = policy.get("failure-details", [])
    right = (
        set(said) - {"dpv"} == _DATAGRAM
        and said.get("dpv", "1") == "1"
        and said["pr"].startswith("v=TLSRPTv1")
        and set(policy) <= _POLICY
        and policy["f"] in (0, 1)
        # A session fails for one reason, or for none.
        and len(details) == policy["f"]
        and all(set(each) <= _DETAIL for each in details)
    )
    if not right:
        raise ValueError("not as it must be")
    domain = _name(said["d"])
    if not DOMAIN.fullmatch(domain):
        return None
    about = _name(policy.get("policy-domain", domain))
    row = {
        "type": TYPES[policy["policy-type"]],
        "domain": about if _POLICY_DOMAIN.fullmatch(about) else domain,
        # DNS gives them in any order.
        "strings": sorted(each for each in _texts(policy, "policy-string") if _TLSA.fullmatch(each))[:MOST],
        "mx": [name for each in _texts(policy, "mx-host") if _PATTERN.fullmatch(name := _name(each))][:MOST],
        **_failure(details[0] if details else None),
    }
    if not fits({}, row):
        raise ValueError("not as it must be")
    return Seen(domain, "{}", json.dumps(row))


def fits(published: dict[str, Any], row: dict[str, Any]) -> bool:
    """Whether a row is one of these; what is none may also raise TypeError or LookupError."""
    texts = [row[name] for name in _TEXTS]
    return bool(
        published == {}
        and row.keys() == _ROW
        and row["type"] in TYPES.values()
        and _POLICY_DOMAIN.fullmatch(row["domain"])
        and all(isinstance(row[name], list) and len(row[name]) <= MOST for name in ("strings", "mx"))
        and all(_TLSA.fullmatch(each) for each in row["strings"])
        and all(_PATTERN.fullmatch(each) for each in row["mx"])
        and (row["failure"] in FAILURES.values() if row["failure"] else not any(texts))
        and all(not row[name] or ADDRESS.fullmatch(row[name]) for name in ("sending", "receiving"))
        and all(not row[name] or DOMAIN.fullmatch(row[name]) for name in ("name", "helo"))
        and _CODE.fullmatch(row["reason"])
    )


def _failure(detail: dict[str, Any] | None) -> dict[str, str]:
    if detail is None:
        return {"failure": "", **dict.fromkeys(_TEXTS, "")}
    helo = _HELO.match(detail.get("h", ""))
    return {
        "failure": FAILURES[detail["c"]],
        "sending": _address(detail.get("s", "")),
        "receiving": _address(detail.get("r", "")),
        "name": _maybe_name(detail.get("n", "")),
        # Of the whole answer the name alone: the rest is what the server can do.
        "helo": _maybe_name(helo[1] if helo else ""),
        "reason": _NOT_CODE.sub("_", detail.get("f", "")[:100]),
    }


def _texts(policy: dict[str, Any], name: str) -> list[str]:
    found = policy.get(name, [])
    if not isinstance(found, list):
        raise TypeError(name)
    return found


def _name(text: str) -> str:
    return text.lower().removesuffix(".")


def _maybe_name(text: str) -> str:
    name = _name(text)
    return name if DOMAIN.fullmatch(name) else ""


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return ""
