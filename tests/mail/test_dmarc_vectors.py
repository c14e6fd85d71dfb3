"""What an author's domain asks for, and who speaks for it (DMARC, RFC 9989): asked of the filter as it runs.

Our own tables and a matrix, by the lab's DNS: all records are there once, all letters are judged in one go.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from tests import dmarc_matrix, dmarc_tables, journal
from tests.dmarc_tables import NOBODY, Case, case
from tests.filter_vectors import judge
from tests.lab import Lab
from tests.mail.test_scores import ask
from tests.mail.test_spf_vectors import RESULTS
from tests.unit.host.mail_auth import nameserver, signer
from tests.world_names import ZONE as WORLD
from tests.world_names import moved_lines, moved_name, published

pytestmark = [pytest.mark.dieu4, pytest.mark.provokes(journal.ZONES)]

# What the list of senders of whoever sends says of an address; without a list it is none.
CLIENTS = {
    "pass": "192.0.2.10",
    "softfail": "192.0.2.11",
    "neutral": "192.0.2.12",
    "fail": "192.0.2.13",
    "permerror": "192.0.2.14",
    "temperror": "192.0.2.15",
    "none": "192.0.2.10",
}
SENDERS: nameserver.Zone = {
    "_spf.example": {
        "TXT": [
            nameserver.text(
                f"v=spf1 ip4:{CLIENTS['pass']} ~ip4:{CLIENTS['softfail']} ?ip4:{CLIENTS['neutral']}"
                f" -ip4:{CLIENTS['fail']} redirect=%{{i}}._spf.example"
            )
        ]
    },
    f"{CLIENTS['permerror']}._spf.example": {"TXT": ['"v=spf1 moo"']},
    f"{CLIENTS['temperror']}._spf.example": nameserver.FAILS,
}
# Selectors: of a key that is there, of one that DNS does not say now, and of one that is not there.
GOOD, LATER, ABSENT = "s1", "s2", "s3"
DKIM = {
    "R_DKIM_ALLOW": "pass",
    "R_DKIM_REJECT": "fail",
    "R_DKIM_TEMPFAIL": "temperror",
    "R_DKIM_PERMFAIL": "permerror",
    "SIGNATURE_IGNORED": "none",
}
DMARC = {
    "DMARC_POLICY_ALLOW": "pass",
    "DMARC_NA": "none",
    "DMARC_DNSFAIL": "temperror",
    "DMARC_POLICY_SOFTFAIL": "accept",
    "DMARC_POLICY_QUARANTINE": "mark",
    "DMARC_POLICY_REJECT": "refuse",
}

# A name of nine labels in the lab's world: the walk goes from it to the last seven, and misses what says of the eighth
# that it is an organisation of its own (section 4.10).
DEEP: nameserver.Zone = {
    f"_dmarc.{name}.example": {"TXT": [f'"v=DMARC1; {record}"']}
    for name, record in {
        "thay": "p=reject",
        "c.d.e.thay": "p=none; psd=n",
        "khong": "p=reject",
        "b.c.d.e.khong": "p=none; psd=n",
    }.items()
}
DEEP_CASES = {
    "seven labels": case("a.b.c.d.e.thay.example", policy="none"),
    "eight labels": case("a.b.c.d.e.khong.example", policy="reject"),
}
ZONE = {**dmarc_tables.ZONE, **dmarc_matrix.ZONE, **DEEP, **SENDERS}
CASES = {**dmarc_tables.CASES, **dmarc_matrix.CASES, **DEEP_CASES}


def is_bare(case: Case) -> bool:
    """Asked where nobody but NOBODY has a list of senders or a key, which make a name exist."""
    return case.spf == "none" or {case.sent, *case.signed.split()} <= {NOBODY}


def told(cases: Iterable[Case]) -> nameserver.Zone:
    """Lists of senders, and keys, of those who send and sign in these."""
    found: dict[str, Mapping[str, Sequence[str]]] = {}
    for each in cases:
        found[each.sent] = {"TXT": ['"v=spf1 redirect=_spf.example"']}
        for domain in each.signed.split() if each.dkim != "permerror" else ():
            found[f"{GOOD}._domainkey.{domain}"] = {"TXT": [nameserver.text(signer.Key().record())]}
            found[f"{LATER}._domainkey.{domain}"] = nameserver.FAILS
    return found


def letter(case: Case, top: str, recipient: str) -> tuple[dict[str, str], bytes]:
    """What is told of its envelope, and the letter."""
    content = f"From: an@{moved_name(case.author, top)}\r\nTo: {recipient}\r\nSubject: a\r\n\r\nKinh gui\r\n".encode()
    for domain in case.signed.split():
        key = signer.Key(moved_name(domain, top), {"temperror": LATER, "permerror": ABSENT}.get(case.dkim, GOOD))
        content = signer.dkim(key, content, {"a": "rsa-sha1"} if case.dkim == "none" else {})
    if case.dkim == "fail":
        content += b"them\r\n"
    # NOBODY has a list of senders, what is below has none.
    sent = f"khong.{NOBODY}" if (case.sent, case.spf) == (NOBODY, "none") else case.sent
    head = {"IP": CLIENTS[case.spf], "Helo": "mx.client.example", "From": f"an@{moved_name(sent, top)}"}
    return head | {"Rcpt": recipient}, content


@pytest.fixture(scope="module")
def answers(lab: Lab) -> Iterator[dict[str, dict[str, Any]]]:
    """What the filter says of each case."""
    number = uuid.uuid4().hex[:8]
    bare, full = f"b{number}.{WORLD}", f"t{number}.{WORLD}"
    both = {bare: [case(NOBODY, signed=NOBODY)], full: [each for each in CASES.values() if not is_bare(each)]}
    lines = [line for top, cases in both.items() for line in moved_lines(lab, {**ZONE, **told(cases)}, top)]
    # Nothing is counted of mail with reports for a report to its author's domain, which these records ask for too.
    recipient = f"dmarc@{lab.variables['mail_domain']}"
    letters = [letter(each, bare if is_bare(each) else full, recipient) for each in CASES.values()]
    with published(lab, lines):
        yield dict(zip(CASES, ask(lab, letters, side_by_side=4), strict=True))


def fault(case: Case, answer: Mapping[str, Any]) -> str:
    """What is otherwise than it should be, or ""."""
    symbols, action = answer["symbols"], answer["action"]

    def found(names: Mapping[str, str]) -> list[str]:
        return sorted({names[symbol] for symbol in symbols if symbol in names})

    # That it was asked as the case says.
    asked, wanted = (found(RESULTS), found(DKIM)), ([case.spf], [case.dkim] if case.signed else [])
    if asked != wanted:
        return f"SPF and DKIM {asked} instead of {wanted}"
    judged = [case.result]
    if case.result == "fail":
        judged = [case.action] if case.action else ["accept", "mark", "refuse"]
    verdicts = found(DMARC)
    if len(verdicts) != 1 or verdicts[0] not in judged:
        return f"{verdicts} instead of {judged}"
    (said,) = (symbols[name]["options"] for name in DMARC if name in symbols)
    if case.policy not in ("", *said):
        return f"{said} instead of {case.policy}"
    # What is accepted may still be marked for something else.
    done = {"refuse": action == "reject", "later": action == "soft reject", "mark": action == "add header"}
    right = done.get(case.action, action not in ("reject", "soft reject") or not case.action)
    return "" if right else f"{action} instead of {case.action}"


@pytest.mark.parametrize(
    "cases", [dmarc_tables.CASES, dmarc_matrix.CASES, DEEP_CASES], ids=["tables", "matrix", "deep"]
)
def test_every_case_comes_out_right_through_the_running_filter(
    answers: dict[str, dict[str, Any]], cases: Mapping[str, Case]
) -> None:
    judge({name: fault(case, answers[name]) for name, case in cases.items()}, dict.fromkeys(cases, ""))
