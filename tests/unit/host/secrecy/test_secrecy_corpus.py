"""Letters of offices with real documents: those with a secrecy mark are found, and no others (Đ3.3)."""

import shutil
import time

import pytest
from tests import secrecy_corpus
from tests.secrecy_corpus import Letter

from hanam_mail.host.extract import reader
from hanam_mail.host.extract.work import Limits, Refused, Work
from hanam_mail.host.secrecy import verdict
from hanam_mail.host.secrecy.documents import DocumentText

pytestmark = pytest.mark.dieu3

LETTERS = [letter for file in secrecy_corpus.FILES for letter in secrecy_corpus.letters(file)]


def read(document: bytes, until: float) -> DocumentText:
    """As the service of record 0049 answers, without its processes."""
    work = Work(Limits())
    try:
        end, reason = reader.read(document, work)
    except Refused as refused:
        return DocumentText(refused.end)
    return DocumentText(end, work.text().decode(), reason)


@pytest.mark.parametrize("letter", LETTERS, ids=lambda each: f"{each.file}: {each.name}")
def test_a_letter_with_a_mark_is_held_and_no_other(letter: Letter) -> None:
    if missing := [program for program in letter.needs if shutil.which(program) is None]:
        pytest.skip(f"{missing[0]} is not installed here; tests/roles/test_secrecy.py reads it on a host")
    found = verdict.judge(letter.content, read, time.monotonic() + 60)
    assert bool(found.marks) == letter.held, found.answer()
    assert found.unread == []


def test_the_corpus_is_as_large_as_was_asked_for_and_a_third_was_written_before_the_rules() -> None:
    held = [letter for letter in LETTERS if letter.held]
    assert (len(held) >= 60, len(LETTERS) - len(held) >= 150) == (True, True)
    apart = [letter for letter in LETTERS if letter.file == "held_out"]
    assert len(apart) >= (60 + 150) / 3
    assert len({(letter.file, letter.name) for letter in LETTERS}) == len(LETTERS)
