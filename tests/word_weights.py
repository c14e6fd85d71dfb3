"""python -m tests.word_weights: what the filter knows of words before anybody has taught it, made of the lessons.

The lessons are short texts that offices want and do not want (data/lessons/*.txt, a text each line) and part `tuning`
of the corpus (tests/spam_corpus.py). From them come two files of role rspamd:

- first_lessons.json: the same texts for the filter's own classifier (Bayes), which hanam-first-lessons teaches;
- word_weights.tsv: a weight for each word, beginning of a word and pair of words that tells the two apart, by logistic
  regression over folded text. Nothing in it is random: the same lessons give the same file.

Part `measuring` is not read here.
"""

import hashlib
import itertools
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random

from hanam_mail.controller.spam_words import folded
from tests import spam_corpus

ROOT = Path(__file__).resolve().parents[1]
LESSONS = ROOT / "data/lessons"
FILES = ROOT / "roles/rspamd/files"
WEIGHTS, FIRST_LESSONS = FILES / "word_weights.tsv", FILES / "first_lessons.json"
EPOCHS, RATE, DECAY = 25, 2.4, 0.008
"""DECAY: a weight fades each time its word is met, so that what stands in every text, of either kind, says little."""
BEGINNING = 6
"""Letters of a longer word by which its forms are one ("invoice", "invoices")."""
SHRINK = 20
"""So many words more a text seems to have: a short one proves little."""
FAMILIAR = 0.3
"""Of a text's words this part is known, or it is in a language of which nothing was learnt."""
LEAST = 0.05
"""Weights nearer to nothing are left out."""


def lessons() -> list[tuple[str, bool]]:
    """Text, whether it is wanted."""
    return [*_of_lines(), *_of_corpus()]


def _of_lines() -> Iterator[tuple[str, bool]]:
    for name, wanted in (("wanted", True), ("unwanted", False)):
        for line in (LESSONS / f"{name}.txt").read_text(encoding="utf-8").splitlines():
            if line.strip():
                yield line.strip(), wanted


def _of_corpus() -> Iterator[tuple[str, bool]]:
    for wanted in (True, False):
        for number, text in enumerate(spam_corpus.texts("tuning", wanted=wanted)):
            random = Random(number)  # noqa: S311
            slots = spam_corpus.slots(random)
            filled = spam_corpus.fill(f"{text['subject']}\n{text['text']}", slots, random)
            # Nobody's own address is a lesson.
            yield re.sub(r"nguoi\.nhan\S*", "", filled), wanted


def features(text: str) -> set[str]:
    """Words, beginnings of long ones and pairs of words of a text; numbers are one word. words.lua.j2 does the same."""
    words = [re.sub(r"[0-9]+", "0", word) for word in folded(text).split()]
    beginnings = {f"{word[:BEGINNING]}*" for word in words if len(word) > BEGINNING}
    return set(words) | beginnings | {f"{one} {two}" for one, two in itertools.pairwise(words)}


def learnt() -> dict[str, float]:
    """The weights as the filter has them."""
    lines = WEIGHTS.read_text(encoding="utf-8").splitlines()
    return {word: float(weight) for word, _, weight in (line.partition("\t") for line in lines[1:])}


def score(weights: Mapping[str, float], found: set[str]) -> float:
    """Above nothing: rather unwanted. What is not known counts for nothing: who adds words of his own hides nothing."""
    known = [weights[each] for each in sorted(found) if each in weights]
    words = [each for each in found if not re.search(r"[ *]", each)]
    familiar = sum(each in weights for each in words) / max(1, len(words))
    return min(1.0, familiar / FAMILIAR) * (weights[""] + sum(known) / math.sqrt(len(known) + SHRINK))


def train(known: Iterable[tuple[str, bool]]) -> dict[str, float]:
    """The weights; the empty word's is what a text without any has.

    They are the mean of the later epochs: the last one alone depends on the order in which the lessons came.
    """
    texts = [(sorted(features(text)), wanted) for text, wanted in known]
    weights, start, random = dict[str, float](), 0.0, Random(1)  # noqa: S311
    sums, starts, kept = defaultdict[str, float](float), 0.0, range(EPOCHS // 2, EPOCHS)
    for epoch in range(EPOCHS):
        random.shuffle(texts)
        for found, wanted in texts:
            part = 1 / math.sqrt(len(found) + SHRINK)
            total = start + part * sum(weights.get(each, 0.0) for each in found)
            wrong = (0.0 if wanted else 1.0) - 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))
            start += RATE * wrong * 0.1
            for each in found:
                weights[each] = weights.get(each, 0.0) * (1 - DECAY) + RATE * wrong * part
        if epoch in kept:
            starts += start
            for word, weight in weights.items():
                sums[word] += weight
    means = {word: round(total / len(kept), 3) for word, total in sums.items()}
    return {word: mean for word, mean in means.items() if abs(mean) >= LEAST} | {"": round(starts / len(kept), 3)}


def digest(known: Sequence[tuple[str, bool]]) -> str:
    """Of the lessons, by which the files say what they were made of."""
    return hashlib.sha256(json.dumps(sorted(known)).encode()).hexdigest()[:16]


def first_lessons(known: Sequence[tuple[str, bool]]) -> str:
    """For hanam-first-lessons: JSON, a lesson in a line."""
    data = {"digest": digest(known), "lessons": [[text, wanted] for text, wanted in known]}
    return json.dumps(data, ensure_ascii=False).replace("], [", "],\n[") + "\n"


def weights_file(known: Sequence[tuple[str, bool]]) -> str:
    """Word and weight in a line, by a tab; first a remark."""
    kinds = Counter(wanted for _, wanted in known)
    lines = [
        f"# Made by python -m tests.word_weights of {kinds[True]} wanted and {kinds[False]} unwanted: {digest(known)}"
    ]
    lines += [f"{word}\t{weight:g}" for word, weight in sorted(train(known).items())]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write both."""
    known = lessons()
    WEIGHTS.write_text(weights_file(known), encoding="utf-8")
    FIRST_LESSONS.write_text(first_lessons(known), encoding="utf-8")


if __name__ == "__main__":
    main()
