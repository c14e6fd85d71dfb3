"""Whether what is counted for reports on DMARC is as outgoing_seen.py writes it, whoever wrote it."""

import re
from typing import Any

from hanam_mail.host.reports.outgoing_rows import ADDRESS, DISPOSITIONS, LONGEST, TEST_MODE

MOST_SIGNATURES = 100
_POLICIES = {"none", "quarantine", "reject"}
_PUBLISHED = {
    "p": _POLICIES, "sp": _POLICIES, "np": _POLICIES, "adkim": {"r", "s"}, "aspf": {"r", "s"}, "testing": {"y", "n"},
}  # fmt: skip
_DKIM = {"none", "pass", "fail", "policy", "neutral", "temperror", "permerror"}
_ALIGNED = {"pass", "fail"}
_ROW = {"ip", "disposition", "dkim", "spf", "reason", "header_from", "envelope_from", "auth_dkim", "auth_spf"}
_PLAIN = re.compile(rf"[\x21-\x7e]{{0,{LONGEST}}}")
_FAILURES = re.compile(r"[01ds](?::[01ds]){0,20}")


def fits(published: dict[str, Any], row: dict[str, Any]) -> bool:
    """Of any shape; what is none of theirs may also raise TypeError, ValueError or LookupError."""
    return bool(
        {"p", "adkim", "aspf", "testing"} <= set(published) <= {*_PUBLISHED, "fo"}
        and all(published[name] in values for name, values in _PUBLISHED.items() if name in published)
        and ("fo" not in published or _FAILURES.fullmatch(published["fo"]))
        and _is_row(row)
    )


def _is_row(row: dict[str, Any]) -> bool:
    signatures, listed = row["auth_dkim"], row["auth_spf"]
    if not isinstance(signatures, list) or len(signatures) > MOST_SIGNATURES:
        return False
    sender, result = listed
    names = [row["header_from"], row["envelope_from"], sender, *(part for each in signatures for part in each[:2])]
    return bool(
        row.keys() == _ROW
        and ADDRESS.fullmatch(row["ip"])
        and row["disposition"] in DISPOSITIONS
        and {row["dkim"], row["spf"]} <= _ALIGNED
        and row["reason"] in {"", TEST_MODE}
        and all(_PLAIN.fullmatch(name) for name in names)
        and row["header_from"]
        and sender
        and result in _DKIM | {"softfail"}
        and all(len(each) == 3 and each[0] and each[1] and each[2] in _DKIM for each in signatures)
    )
