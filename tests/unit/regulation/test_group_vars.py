"""A file of group_vars that a person spoiled is told in one sentence, whoever reads it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.unit.conftest import ROOT

from hanam_mail.editing import first_registry
from hanam_mail.errors import InputError
from hanam_mail.registry import settings as operator_settings
from hanam_mail.regulation import group_vars, provisions, workdays
from hanam_mail.review import revisions

RULE_BOOK = provisions.load(ROOT / "group_vars/hanam/regulation.yml")
FOLDER = ROOT / "group_vars/hanam"
FILES = {name: (FOLDER / name).read_bytes() for name in ("regulation.yml", "calendar.yml", "registry.yml")}
SPOILERS = [b"\x07", b"\xff", b"2026-13-45", b"[" * 3000, b"\n- a\n", b"\t", b"*x"]
LISTS = ["hanam_departments.txt", "hanam_units.tsv", "initial_requests.yml", "initial_mailboxes.tsv"]
READERS: dict[str, Callable[[Path], object]] = {
    "regulation.yml": provisions.load,
    "calendar.yml": workdays.load,
    "registry.yml": operator_settings.load,
}
FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(
    st.sampled_from(sorted(FILES)),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 12),
    st.one_of(st.binary(max_size=6), st.sampled_from(SPOILERS)),
)
@example("regulation.yml", 0.5, 0, b"\x07")
@example("calendar.yml", 0.5, 0, b"\x07")
@example("regulation.yml", 0.0, 10**6, b"- a")
@example("calendar.yml", 0.0, 10**6, b"")
@example("calendar.yml", 0.875, 0, b"\n\n")
@FUZZ
def test_whatever_stands_in_it_there_are_values_or_a_sentence(
    tmp_path: Path, name: str, share: float, length: int, instead: bytes
) -> None:
    content = FILES[name]
    at = int(share * len(content))
    file = tmp_path / name
    file.write_bytes(content[:at] + instead + content[at + length :])
    try:
        READERS[name](file)
    except InputError as error:
        assert all(problem.file == str(file) and "\n" not in problem.text for problem in error.problems)
        assert error.problems


def test_a_control_character_is_one_sentence_to_the_operator(run: Callable[..., Result], project: Path) -> None:
    for name, words in (
        ("regulation.yml", ("check",)),
        ("calendar.yml", ("overdue",)),
        ("names.yml", ("search", "an")),
    ):
        file = project / "group_vars/hanam" / name
        good = file.read_bytes()
        file.write_bytes(good + b"\x07")
        if name == "names.yml":
            with pytest.raises(InputError):
                revisions.domain_beside(project / "mailboxes")
        else:
            result = run(*words)
            assert result.exit_code == 1, name
            assert isinstance(result.exception, SystemExit) and name in result.stderr
        file.write_bytes(good)


def test_a_missing_file_and_one_that_is_no_mapping_are_sentences(tmp_path: Path) -> None:
    for content in (None, b"- a\n", b""):
        if content is not None:
            (tmp_path / "names.yml").write_bytes(content)
        with pytest.raises(InputError):
            group_vars.read(tmp_path / "names.yml")


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("content", [None, b"\xff\xfe\xff", b"\x07", b"a\tb\nc\td\n", b'"' + b"x" * 200_000])
def test_a_spoiled_list_of_the_first_registry_is_a_sentence(project: Path, name: str, content: bytes | None) -> None:
    file = project / "data" / name
    file.unlink() if content is None else file.write_bytes(content)
    with pytest.raises(InputError):
        first_registry.initial_registry(project / "data", RULE_BOOK)
