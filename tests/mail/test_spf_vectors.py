"""May a client send for a domain (SPF, RFC 7208)? Our own tables, asked of the filter as it runs, by the lab's DNS."""

import uuid
from collections.abc import Iterator

import pytest

from tests import journal
from tests.filter_vectors import judge
from tests.lab import Lab
from tests.mail.test_scores import ask
from tests.spf_tables import CASES, ZONE
from tests.world_names import ZONE as WORLD
from tests.world_names import moved, moved_lines, published

pytestmark = [pytest.mark.dieu4, pytest.mark.provokes(journal.ZONES)]

# By rspamd's names; a domain that lets everybody send has one more.
RESULTS = {
    "R_SPF_ALLOW": "pass",
    "R_SPF_PLUSALL": "pass",
    "R_SPF_FAIL": "fail",
    "R_SPF_SOFTFAIL": "softfail",
    "R_SPF_NEUTRAL": "neutral",
    "R_SPF_NA": "none",
    "R_SPF_DNSFAIL": "temperror",
    "R_SPF_PERMFAIL": "permerror",
}
REVERSE = ".arpa"


@pytest.fixture(scope="module")
def top(lab: Lab) -> Iterator[str]:
    """The name below which the tables' names are in the lab's DNS."""
    top = f"s{uuid.uuid4().hex[:8]}.{WORLD}"
    lines = moved_lines(lab, ZONE, top)
    # Reverse names of addresses for documentation: every resolver has their zones itself, empty (RFC 6303).
    reverse = [line for line in lines if line.split()[0].endswith(f"{REVERSE}.")]
    names = "\n".join(sorted({line.split()[0] for line in reverse}))
    records = "\n".join(reverse)
    with published(lab, [line for line in lines if line not in reverse]):
        lab.run("filter", f"unbound-control local_datas <<'RECORDS'\n{records}\nRECORDS")
        try:
            yield top
        finally:
            lab.run("filter", f"unbound-control local_datas_remove <<'RECORDS'\n{names}\nRECORDS")


def test_every_case_of_our_tables_comes_out_right_through_the_running_filter(lab: Lab, top: str) -> None:
    questions = []
    for case in CASES.values():
        head = {
            "IP": case.address,
            "Helo": moved(case.helo, top),
            "From": moved(case.sender, top),
            "Rcpt": lab.samples[0].address,
        }
        content = f"From: an@khac.{top}\r\nTo: {lab.samples[0].address}\r\nSubject: a\r\n\r\nKinh gui\r\n"
        questions.append((head, content.encode()))
    answers = ask(lab, questions, side_by_side=4)
    found = [{RESULTS[symbol] for symbol in answer["symbols"] if symbol in RESULTS} for answer in answers]
    judge(dict(zip(CASES, found, strict=True)), {name: {case.result} for name, case in CASES.items()})
