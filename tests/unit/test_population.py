"""The made-up province has the figures of a real one, is reproducible, and passes the check of the registry."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.population import people, province, write
from tests.population.agencies import plans, shares

from hanam_mail.registry import loading
from hanam_mail.registry.model import AgencyKind, MailboxKind
from hanam_mail.registry.writing import canonical
from hanam_mail.regulation import naming, provisions

ROOT = Path(__file__).parents[2]
RULE_BOOK = provisions.load(ROOT / "group_vars/hanam/regulation.yml")
RULES = RULE_BOOK.naming
OFFICIALS = 15_000
SEEDS = [1, 4, 5]


def share_of_words(seed: int, words: int) -> float:
    return sum(len(person.name.split()) == words for person in people(OFFICIALS, seed)) / OFFICIALS


@pytest.mark.parametrize("seed", SEEDS)
def test_as_many_share_their_unaccented_name_as_in_real_lists(seed: int) -> None:
    groups = Counter(naming.slug(person.name) for person in people(OFFICIALS, seed))
    shared = sum(count for count in groups.values() if count > 1) / OFFICIALS
    assert 0.26 <= shared <= 0.28
    assert 16 <= max(groups.values()) <= 26


@pytest.mark.parametrize("seed", SEEDS)
def test_names_have_three_words_or_four_as_often_as_real_ones(seed: int) -> None:
    assert share_of_words(seed, 3) == pytest.approx(0.72, abs=0.01)
    assert share_of_words(seed, 4) == pytest.approx(0.28, abs=0.01)


@pytest.mark.dieu5
@pytest.mark.parametrize("seed", SEEDS)
def test_as_many_still_collide_after_the_suffix_as_in_real_lists(seed: int) -> None:
    planned = plans(OFFICIALS, RULES)
    agencies = [plan for plan, share in zip(planned, shares(planned, OFFICIALS), strict=True) for _ in range(share)]
    issued: dict[str, str] = {}
    members: dict[tuple[str, str], list[str]] = {}
    beyond = 0
    for person, agency in zip(people(OFFICIALS, seed), agencies, strict=True):
        plain = naming.person_address(person.name, RULES)
        here = members.setdefault((agency.code, plain), [])
        address = naming.propose_person(person.name, agency.suffix, issued, RULES, colleagues=here)
        issued[address] = agency.code
        here.append(address)
        beyond += address not in (plain, f"{plain}.{agency.suffix}")
    assert 130 <= beyond <= 220
    assert len(issued) == OFFICIALS


def test_same_seed_gives_the_same_registry_and_another_seed_another() -> None:
    def texts(seed: int) -> dict[Path, str]:
        return canonical.texts(province(1_500, seed, RULE_BOOK), ROOT / "nowhere")

    assert texts(7) == texts(7)
    assert texts(7) != texts(8)


def test_a_shorter_list_of_people_is_the_beginning_of_a_longer_one() -> None:
    assert people(50, 3) == people(80, 3)[:50]


def test_a_written_province_passes_the_check_and_is_canonical(tmp_path: Path) -> None:
    made = province(2_000, 1, RULE_BOOK)
    write(made, tmp_path / "mailboxes")
    read = loading.load(tmp_path / "mailboxes", regulated_by=RULE_BOOK)
    assert read.mailboxes == made.mailboxes
    assert read.requests == made.requests
    assert list(canonical.problems(read, tmp_path / "mailboxes")) == []


def test_a_province_has_the_size_and_the_agencies_asked_for() -> None:
    made = province(20_000, 1, RULE_BOOK)
    assert len(made.mailboxes) == 20_000
    kinds = Counter(agency.kind for agency in made.agencies.values())
    assert kinds == {
        AgencyKind.DEPARTMENT: 19,
        AgencyKind.DISTRICT: 6,
        AgencyKind.COMMUNE: 109,
        AgencyKind.UNIT: 166,
    }
    persons = sum(mailbox.kind is MailboxKind.PERSON for mailbox in made.mailboxes.values())
    assert persons > 19_500
    assert any(len(mailbox.history) == 3 for mailbox in made.mailboxes.values())


def test_too_few_mailboxes_for_the_agencies_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        province(300, 1, RULE_BOOK)


def test_command_writes_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "mailboxes"
    command = [sys.executable, "-m", "tests.population", "--mailboxes", "1000", "--seed", "2", "--output", str(folder)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert "1000 mailboxes" in done.stdout
    assert (folder / "stttt.yml").exists()
    assert (folder / "requests" / "2023.yml").exists()
