"""What the hosts that count and the sender of reports share: kinds, rows, names, and why there is no report."""

import re
from dataclasses import dataclass

# Reports on mail in a domain's name (RFC 9990), and on our TLS to its servers (RFC 8460).
DMARC, TLS = "dmarc", "tls"

# Of any name; DNS has none longer.
LONGEST = 253
# What the policy did with a message; "pass" where it passes and an enforcing policy would have done something.
DISPOSITIONS = ("none", "pass", "quarantine", "reject")
TEST_MODE = "policy_test_mode"

_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# One that files and subjects of reports may be named after.
DOMAIN = re.compile(rf"(?=.{{1,{LONGEST}}}$)(?:{_LABEL}\.)+{_LABEL}")
ADDRESS = re.compile(r"[0-9a-f.:]{2,45}")
_NOT_PLAIN = re.compile(r"[^\x21-\x7e]")

# What becomes of a report (mail.outgoing_report), and why nobody has it.
SENT, NONE, FAILED = "sent", "none", "failed"
OWN, NO_RECORD, NO_ADDRESS, NO_CONSENT, HTTPS = "own", "no_record", "no_address", "no_consent", "https"
DNS, SMTP, REFUSED, TOO_LARGE, LEFT_OUT = "dns", "smtp", "refused", "too_large", "left_out"
BROKEN, OLD, LOST, CROWDED = "broken", "old", "lost", "crowded"


@dataclass(frozen=True)
class Seen:
    """A message, or a session, as a report tells of it.

    `domain`: whose record it was; `row`: JSON by which equal ones are counted; `published`: the record, JSON, where the
    report says it.
    """

    domain: str
    published: str
    row: str


def plain(text: str) -> str:
    """A name as a report may show it, whatever a stranger wrote."""
    return _NOT_PLAIN.sub("?", text[:LONGEST]).lower()
