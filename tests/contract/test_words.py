"""One word for one thing in all Vietnamese texts: whoever reads two words looks for two things."""

import re
import subprocess

import pytest

from hanam_lab.paths import REPOSITORY

# The word that is used, and what else has stood for the same thing.
WORDS = {
    "phòng thử nghiệm": r"phòng thí nghiệm",
    "đơn vị quản lý vận hành": r"(đơn vị|cơ quan) vận hành",
    "bản sao thư": r"(?<!văn )bản thư(?!ờng)",
    "sổ đăng ký hộp thư": r"sổ hộp thư",
    "sổ đề nghị": r"sổ văn bản",
}
# Words of others: the regulation's lists, and the registry with its documents.
OTHERS = ("data/", "mailboxes/", "tests/contract/test_words.py")
ABBREVIATION = re.compile(r"Đ\d+(\.\d+)?[a-zđ]?[”\"]?\s+là Điều")


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Every text of the repository, by its name."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={REPOSITORY}", "ls-files"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    found = {}
    for name in listed:
        path = REPOSITORY / name
        if path.is_file() and not name.startswith(OTHERS):
            found[name] = path.read_bytes().decode("utf-8", errors="replace")
    return found


@pytest.mark.parametrize("word", WORDS)
def test_one_thing_has_one_word(texts: dict[str, str], word: str) -> None:
    other = re.compile(WORDS[word], re.IGNORECASE)
    places = [f"{name}: {found[0]}" for name, text in texts.items() for found in other.finditer(text)]
    assert not places, f"the word is “{word}”"


def test_how_a_clause_is_written_is_explained_once_to_readers_of_vietnamese(texts: dict[str, str]) -> None:
    explained = [name for name, text in texts.items() if name.endswith(".md") and ABBREVIATION.search(text)]
    assert explained == ["README.vi.md"]
