"""The running filter finds of chains of ARC what the verifying module finds, and seals as they deserve (Đ4.6)."""

import email
import re
import uuid
from collections.abc import Iterator, Mapping

import pytest

from tests import arc_cases, dkim_cases, filter_vectors, journal
from tests.arc_cases import NAMES, Case
from tests.filter_vectors import Found
from tests.lab import Lab, Sample
from tests.mail.test_signatures import bring
from tests.world_names import ZONE, published, zone_lines

pytestmark = [pytest.mark.dieu4, pytest.mark.provokes(journal.ZONES)]

SYMBOLS = {"pass": "ARC_ALLOW", "fail": "ARC_REJECT", "temperror": "ARC_DNSFAIL", "none": "ARC_NA"}
CANNOT_BE_READ = "ARC_INVALID"
SEALED = "ARC_SIGNED"
# What stands before the reason where a chain can be read: how many sets it has, and whose seal is the last.
LAST_SEAL = re.compile(r"i=(?P<sets>\d+) d=(?P<domain>\S+) s=(?P<selector>\S+) ?")
CASES: Mapping[tuple[str, str], Case] = {
    (table, name): case for table, cases in arc_cases.TABLES.items() for name, case in cases.items()
}

type Answers = Mapping[tuple[str, str], Found]


@pytest.fixture(scope="module")
def root(lab: Lab) -> Iterator[str]:
    """The domain below which all keys are, and the author's."""
    domain = f"v{uuid.uuid4().hex[:8]}.{ZONE}"
    author = dkim_cases.below(domain, arc_cases.AUTHOR)
    lines = [f"{author}. 30 IN MX 10 mx.{ZONE}.", *zone_lines(lab, arc_cases.zone(domain))]
    with published(lab, lines):
        yield domain


@pytest.fixture(scope="module")
def answers(lab: Lab, root: str) -> Answers:
    """What the filter finds of each case's letter."""
    author = dkim_cases.below(root, arc_cases.AUTHOR)
    letters = [(author, case.message(root)) for case in CASES.values()]
    return dict(zip(CASES, filter_vectors.found(lab, letters, lab.samples[0].address), strict=True))


def found_of_chain(answer: Found) -> tuple[set[str], list[tuple[str, str, int]]]:
    """Its symbols; its result, reason and number of sets, of which Authentication-Results says nothing for none."""
    symbols = set(answer.symbols) & {*SYMBOLS.values(), CANNOT_BE_READ}
    found = []
    for result, comment, _ in answer.results("arc"):
        seal = LAST_SEAL.match(comment)
        found.append((result, comment[seal.end() :] if seal else comment, int(seal["sets"]) if seal else 0))
    return symbols, found


def wanted_of_chain(case: Case) -> tuple[set[str], list[tuple[str, str, int]]]:
    result, reason = case.wanted
    symbol = CANNOT_BE_READ if result == "fail" and not case.sets else SYMBOLS[result]
    return {symbol}, [] if result == "none" else [(result, reason, case.sets)]


def seal_of(answer: Found) -> tuple[str, str] | None:
    """Number and status of our seal, where there is one."""
    found = re.search(r"\bi=(\d+);.*\bcv=(\w+)", " ".join(answer.fields.get("ARC-Seal", "").split()))
    assert (SEALED in answer.symbols) == bool(found)
    return (found[1], found[2]) if found else None


def seal_wanted(case: Case) -> tuple[str, str] | None:
    """By RFC 8617 (5.1) and docs/decisions/0047-verifying-others.md."""
    result, _ = case.wanted
    if result == "temperror" or (result == "fail" and not case.sets) or case.said_broken or case.sets >= 50:
        return None
    return str(case.sets + 1), result


def test_every_chain_of_the_tables_is_judged_rightly(answers: Answers) -> None:
    found = {name: found_of_chain(answer) for name, answer in answers.items()}
    filter_vectors.judge(found, {name: wanted_of_chain(case) for name, case in CASES.items()})


def test_every_chain_is_sealed_as_it_was_found(answers: Answers) -> None:
    found = {name: seal_of(answer) for name, answer in answers.items()}
    filter_vectors.judge(found, {name: seal_wanted(case) for name, case in CASES.items()})


def test_our_seal_holds_and_what_it_says_is_taken_for_true(lab: Lab, root: str, answers: Answers) -> None:
    """A chain that held holds with our set on it too; one of which we said that it is broken gets no more seals."""
    author = dkim_cases.below(root, arc_cases.AUTHOR)
    letters = {}
    for name, answer in answers.items():
        if seal_of(answer):
            fields = [f"{field.decode()}: {answer.fields[field.decode()]}\r\n".encode() for field in NAMES]
            letters[name] = b"".join(fields) + CASES[name].message(root)
    again = filter_vectors.found(lab, [(author, letter) for letter in letters.values()], lab.samples[0].address)
    found = {name: (found_of_chain(answer)[0], seal_of(answer)) for name, answer in zip(letters, again, strict=True)}
    wanted: dict[tuple[str, str], tuple[set[str], tuple[str, str] | None]] = {}
    for name in letters:
        sets = CASES[name].sets + 1
        held = CASES[name].wanted[0] != "fail"
        wanted[name] = (
            {SYMBOLS["pass" if held else "fail"]},
            (str(sets + 1), "pass") if held and sets < 50 else None,
        )
    filter_vectors.judge(found, wanted)


# Case -> seals of the letter in the mailbox, status of the newest, what we say of the chain that came.
BROUGHT = {
    ("lengths", "2"): (3, "pass", "pass"),
    ("lengths", "49"): (50, "pass", "pass"),
    ("lengths", "50"): (50, "pass", "pass"),
    ("too long", "51"): (51, "pass", "fail"),
    ("changed between", "sealed"): (3, "pass", "pass"),
    ("broken tags", "seal: no key"): (3, "fail", "fail"),
    ("said broken", "by the last"): (2, "fail", "fail"),
    ("later", "seal"): (1, "none", "temperror"),
}


def test_the_seals_of_a_letter_that_arrived_are_those_that_its_chain_deserves(
    lab: Lab, official: Sample, root: str
) -> None:
    subjects = {name: uuid.uuid4().hex for name in BROUGHT}
    answers = {name: bring(lab, official, CASES[name].message(root, subject)) for name, subject in subjects.items()}
    filter_vectors.judge(answers, dict.fromkeys(BROUGHT, (250, "")))
    found = {}
    for name, subject in subjects.items():
        arrived = email.message_from_bytes(lab.wait_for_message(official, subject))
        seals = ["".join(each.split()) for each in arrived.get_all("ARC-Seal", [])]
        results = "".join(str(arrived["Authentication-Results"]).split())
        # The newest set is the first.
        status, chain = re.search(r";cv=(\w+);", seals[0]), re.search(r";arc=([a-z]+)", results)
        found[name] = len(seals), status and status[1], chain and chain[1]
    filter_vectors.judge(found, BROUGHT)
