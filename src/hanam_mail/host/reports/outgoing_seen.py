"""What of a verdict goes into the report to the author's domain (RFC 9990, 3.1.1), as one line of text.

No address of anybody is in it: of senders and authors the domain alone, of receivers nothing. What strangers chose is
cut to plain ASCII of bounded length before it goes anywhere.
"""

import ipaddress
import json

from hanam_mail.host.mail_auth import dmarc
from hanam_mail.host.mail_auth.dmarc_record import DmarcRecord
from hanam_mail.host.mail_auth.verdict import Case
from hanam_mail.host.reports.outgoing_rows import DOMAIN, TEST_MODE, Seen, plain

_DONE = {dmarc.ACCEPT: "none", dmarc.MARK: "quarantine", dmarc.REFUSE: "reject"}


def seen(case: Case) -> Seen | None:
    """None where there is nothing to report; TemporaryError when DNS does not say now what the report must tell."""
    judged, record, address = case.judged, case.record, _address(case.address)
    if judged.action == dmarc.LATER or not address or not DOMAIN.fullmatch(record.domain):
        # It comes again, or no report can tell of it or be named after that domain.
        return None
    passes = judged.result == "pass"
    together = dmarc.aligned(case.questions, record, judged.author, case.sent, case.signed) if passes else None
    signers = together.signers if together else frozenset[str]()
    row = {
        "ip": address,
        "disposition": "pass" if passes and judged.policy != "none" else _DONE[judged.action],
        "dkim": _word(bool(signers)),
        "spf": _word(bool(together and together.sender)),
        "reason": TEST_MODE if judged.result == "fail" and _is_lowered(case) else "",
        "header_from": plain(judged.author),
        "envelope_from": plain(case.sent.domain) if case.sent.identity == "mailfrom" else "",
        "auth_dkim": _signatures(case, signers),
        "auth_spf": [plain(case.sent.domain) or "?", case.sent.result],
    }
    return Seen(record.domain, json.dumps(_published(record)), json.dumps(row))


def _address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    return str((address.ipv4_mapped if address.version == 6 else None) or address)


def _word(aligned: bool) -> str:
    return "pass" if aligned else "fail"


def _is_lowered(case: Case) -> bool:
    """Whether something else would have been done if the owner were not testing."""
    asked = case.record.testing and dmarc.published(case.questions, case.record, case.judged.author)
    return bool(asked) and asked != case.judged.policy


def _published(record: DmarcRecord) -> dict[str, str]:
    found = dict(record.policies)
    found |= {"adkim": "s" if record.exact_dkim else "r", "aspf": "s" if record.exact_spf else "r"}
    found["testing"] = "y" if record.testing else "n"
    if record.failures:
        found["fo"] = "".join(record.failures.split())
    return found


def _signatures(case: Case, signers: frozenset[str]) -> list[list[str]]:
    """The author's own first, then the others of his organisation, then others that pass, then the rest (3.1.3)."""
    author = case.judged.author
    looked_at = [each for each in case.signed if each.domain and each.selector]
    ordered = sorted(
        looked_at, key=lambda each: (each.result != "pass", each.domain != author, each.domain not in signers)
    )
    found = [[plain(each.domain), plain(each.selector), each.result] for each in ordered]
    return [each for number, each in enumerate(found) if each not in found[:number]]
