"""The running filter finds of signatures of DKIM what the verifying module finds of them, by the lab's DNS (Đ4.6).

Not asked: bodies of 28 MB, which are for the module's processor time alone (tests/unit/host/mail_auth/test_dkim.py).
"""

import email
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from email.message import Message
from email.utils import formatdate

import pytest

from tests import dkim_cases, dkim_tables, filter_vectors, journal
from tests.dkim_cases import Case, Wanted
from tests.filter_vectors import Found
from tests.lab import Lab, Sample, wait_for
from tests.world_names import ZONE, published, zone_lines

pytestmark = [pytest.mark.dieu4, pytest.mark.provokes(journal.ZONES)]

SYMBOLS = {
    "pass": "R_DKIM_ALLOW",
    "fail": "R_DKIM_REJECT",
    "temperror": "R_DKIM_TEMPFAIL",
    "permerror": "R_DKIM_PERMFAIL",
    "none": "SIGNATURE_IGNORED",
}
NOTHING_COUNTS = "R_DKIM_NA"
CASES: Mapping[tuple[str, str], Case] = {
    (table, name): case for table, cases in dkim_tables.TABLES.items() for name, case in cases.items()
}
# A letter of two authors, before its signatures count.
REFUSED = ("added", "author")

type Verdict = tuple[bool, set[str], list[Wanted], str]
"""Whether it is refused; symbols; results as Authentication-Results tell them; domain of the first, where wanted."""


def found_of_signatures(case: Case, answer: Found) -> Verdict:
    results = answer.results("dkim")
    symbols = set(answer.symbols) & {*SYMBOLS.values(), NOTHING_COUNTS}
    first = dict(each.split("=", 1) for each in results[0][2].split()) if case.domain and results else {}
    return answer.action == "reject", symbols, [each[:2] for each in results], first.get("header.d", "")


def wanted_of_signatures(case: Case, root: str) -> Verdict:
    symbols = {SYMBOLS[result] for result, _ in case.wanted}
    if symbols <= {SYMBOLS["none"]}:
        symbols.add(NOTHING_COUNTS)
    return False, symbols, list(case.wanted) or [("none", "")], dkim_cases.below(root, case.domain)


@pytest.fixture(scope="module")
def root(lab: Lab) -> Iterator[str]:
    """The domain below which all keys are, and the authors'."""
    domain = f"v{uuid.uuid4().hex[:8]}.{ZONE}"
    author = dkim_cases.below(domain, "ky.example")
    lines = [f"{author}. 30 IN MX 10 mx.{ZONE}.", *zone_lines(lab, dkim_cases.zone(domain))]
    with published(lab, lines):
        yield domain


def test_every_signature_of_the_tables_is_judged_rightly(lab: Lab, root: str) -> None:
    letters = [(dkim_cases.below(root, case.author), case.message(root)) for case in CASES.values()]
    answers = filter_vectors.found(lab, letters, lab.samples[0].address)
    found = {
        name: found_of_signatures(case, answer) for (name, case), answer in zip(CASES.items(), answers, strict=True)
    }
    wanted = {name: wanted_of_signatures(case, root) for name, case in CASES.items()}
    wanted[REFUSED] = (True, set(), [], "")
    filter_vectors.judge(found, wanted)


# What mail servers and the protocol between them and a filter may write anew: fields and their line ends, bodies.
ON_THE_WAY = ("forms", "bodies", "line ends", "taken", "mended", "fields of a name", "changed", "part of the body")
# A client of SMTP sends neither (RFC 5321, 2.3.8 and 4.5.2).
NOT_OF_MAIL = (b"\x00", b"a\rb")


def letter_that_arrives(case: Case, identifier: str) -> bytes:
    """The case's own with all that honest mail has besides."""
    more = (
        f"Date: {formatdate(localtime=True)}\r\nMessage-ID: {identifier}\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
    )
    return more.encode() + case.letter


def test_signatures_are_judged_alike_in_letters_that_come_by_smtp(lab: Lab, official: Sample, root: str) -> None:
    cases = {
        f"<{uuid.uuid4().hex}@ky.vn>": (name, case)
        for name, case in CASES.items()
        if name[0] in ON_THE_WAY and not any(octets in case.letter for octets in NOT_OF_MAIL)
    }
    with lab.smtp() as client:
        for identifier, (_, case) in cases.items():
            content = replace(case, letter=letter_that_arrives(case, identifier)).message(root)
            client.sendmail(f"an@{dkim_cases.below(root, case.author)}", [official.address], content)

    def arrived() -> list[Message] | None:
        with lab.imap(official.address, official.password) as client:
            client.select("INBOX", readonly=True)
            if len(client.search(None, "ALL")[1][0].split()) < len(cases):
                return None
            answer = client.fetch("1:*", "(BODY.PEEK[HEADER])")[1]
            return [email.message_from_bytes(each[1]) for each in answer if isinstance(each, tuple)]

    found = {}
    for head in wait_for(arrived, "all letters in the inbox"):
        results = filter_vectors.results(str(head["Authentication-Results"]), "dkim")
        if head["Message-ID"] in cases:
            found[cases[head["Message-ID"]][0]] = [each[:2] for each in results]
    filter_vectors.judge(found, {name: list(case.wanted) for name, case in cases.values()})
