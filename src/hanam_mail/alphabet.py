"""The order of the Vietnamese alphabet, by which people read lists: ă â đ ê ô ơ ư are letters, tones come last.

Words compare one by one: first their letters, then their tone (ngang, huyền, hỏi, ngã, sắc, nặng). And its letters as
people type them without accents.
"""

import unicodedata
from functools import lru_cache

_LETTERS = {letter: place for place, letter in enumerate("0123456789aăâbcdđeêfghijklmnoôơpqrstuưvwxyz")}
_TONES = {tone: place for place, tone in enumerate("\u0300\u0309\u0303\u0301\u0323", start=1)}

type SortKey = tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]


@lru_cache(maxsize=65536)
def vietnamese(text: str) -> SortKey:
    """What to sort a text by: sorted(names, key=vietnamese). Case and signs between words make no difference."""
    parted = "".join(char if char.isalnum() or unicodedata.combining(char) else " " for char in text.casefold())
    return tuple(map(_word, parted.split()))


def without_accents(text: str) -> str:
    """The letters alone, large and small as they are: "Đỗ Thị Hòa" -> "Do Thi Hoa"."""
    decomposed = unicodedata.normalize("NFD", text).replace("đ", "d").replace("Đ", "D")
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def _word(word: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    decomposed = unicodedata.normalize("NFD", word)
    tones = tuple(_TONES[char] for char in decomposed if char in _TONES)
    letters = unicodedata.normalize("NFC", "".join(char for char in decomposed if char not in _TONES))
    return tuple(_LETTERS.get(char, len(_LETTERS) + ord(char)) for char in letters), tones
