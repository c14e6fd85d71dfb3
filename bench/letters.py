"""Letters of Vietnamese that reads like the handbook, made as a chain of word pairs: the same ones in each run."""

import itertools
import random
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator
from email.message import EmailMessage

from bench.measuring import REPOSITORY

TEXTS = "docs/handbook/*.vi.md"
RARE = "Zyxvuôn"
"""Stands in a thousandth of the messages."""

type Words = Callable[[int], str]


def words(rng: random.Random) -> Words:
    """So many words of a text that reads like the handbook."""
    lines = "\n".join(path.read_text(encoding="utf-8") for path in sorted(REPOSITORY.glob(TEXTS)))
    known = re.findall(r"[\w./-]*\w", lines)
    following = defaultdict(list)
    for word, after in itertools.pairwise(known):
        following[word].append(after)

    def text(number: int) -> str:
        chosen = [rng.choice(known)]
        while len(chosen) < number:
            chosen.append(rng.choice(following.get(chosen[-1], known)))
        return " ".join(chosen)

    return text


def letters(number: int) -> Iterator[tuple[str, bytes]]:
    """Text and octets of so many messages of all lengths, most of some hundred words."""
    rng = random.Random(1)  # noqa: S311 (no secret)
    text = words(rng)
    for index in range(number):
        body = text(min(1500, int(rng.lognormvariate(5.3, 0.8)) + 20)) + (f" {RARE}" if index % 1000 == 7 else "")
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = f"a{index % 200}@client.example", "b@client.example", text(8)
        mail["Message-ID"] = f"<{index}@client.example>"
        mail.set_content(f"{body}\n", cte="base64" if index % 2 else "quoted-printable")
        yield body, mail.as_bytes()


def folded(text: str) -> str:
    """The text's words in small letters without accents, a space on either side of each."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("đ", "d"))
    return f" {' '.join(re.findall(r'[^\W_]+', ''.join(c for c in plain if not unicodedata.combining(c))))} "
