"""Phrases by which the filter knows unwanted mail, as its rule needs them (role rspamd, words.lua.j2).

Data in group_vars/hanam/spam_words.yml: kind -> {certain, likely, hint} -> phrases, with accents as people write.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping

from hanam_mail.regulation.legacy_tables import TCVN3_LETTERS, VNI_LETTERS

POINTS = {"certain": 3, "likely": 2, "hint": 1}
SHORTEST = 3
"""Letters of a phrase of one word at least; a shorter one stands in any text."""


class SpamWordsError(ValueError):
    """A phrase or a kind that cannot be used, named."""


def folded(text: str) -> str:
    """Small letters of ASCII, one space between words: how the rule sees a text."""
    letters = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return " ".join(re.findall(r"[a-z0-9]+", "".join(each for each in letters if not unicodedata.combining(each))))


def phrases(words: Mapping[str, Mapping[str, Iterable[str]]], warnings: Iterable[str]) -> list[tuple[str, str, int]]:
    """Kind, folded phrase, points; those that warn have the empty kind. A phrase stands once in a kind."""
    if not isinstance(words, Mapping):
        raise SpamWordsError(f"rspamd_words: kinds and their phrases are needed, not {words!r}")
    return [*_of_kinds(words), *(("", _phrase("warning", each), 0) for each in warnings)]


def _of_kinds(words: Mapping[str, Mapping[str, Iterable[str]]]) -> Iterator[tuple[str, str, int]]:
    for kind, found in words.items():
        if not re.fullmatch(r"[a-z][a-z_]*", str(kind)):
            raise SpamWordsError(f"rspamd_words: {kind!r} is no name of a kind (a-z and _)")
        if not isinstance(found, Mapping) or not set(found) <= set(POINTS):
            raise SpamWordsError(f"rspamd_words.{kind}: only {', '.join(POINTS)} are known, each a list of phrases")
        seen = set[str]()
        for weight, listed in found.items():
            if not isinstance(listed, list):
                raise SpamWordsError(f"rspamd_words.{kind}.{weight}: a list of phrases is needed")
            for each in listed:
                text = _phrase(f"{kind}.{weight}", each)
                if text in seen:
                    raise SpamWordsError(f"rspamd_words.{kind}: {each!r} is there twice (accents do not count)")
                seen.add(text)
                yield kind, text, POINTS[weight]


def _phrase(place: str, text: object) -> str:
    found = folded(str(text))
    if not isinstance(text, str) or (" " not in found and len(found) < SHORTEST):
        raise SpamWordsError(f"rspamd_words.{place}: {text!r} is too short, it stands in any text")
    return found


# Letters of other alphabets, and those that only look like the ones below them.
_LOOK = dict(
    zip(
        "аеорсухіѕјԁһԛԝқвнкмтαονρτυικхАВЕКМНОРСТУХІЅЈΑΒΕΖΗΙΚΜΝΟΡΤΥΧıøđł",
        "aeopcyxisjdhqwkbhkmtaovptuikxabekmhopctyxisjabezhikmnoptyxiodl",
        strict=True,
    )
)
_UNSEEN = "".join(
    chr(code)
    for first, last in (
        (0xAD, 0xAD), (0x34F, 0x34F), (0x180E, 0x180E), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F),
        (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    )
    for code in range(first, last + 1)
)  # fmt: skip


def ascii_fold() -> dict[str, str]:
    """A letter that is shown as one of ASCII -> that one, small; what cannot be seen and accents alone -> nothing."""
    latin = [*range(0xC0, 0x250), *range(0x1E00, 0x1F00)]
    found = {chr(code): folded(chr(code)) for code in latin}
    accents = {chr(code): "" for code in range(0x300, 0x370)}
    return {sign: base for sign, base in found.items() if base} | _LOOK | accents | dict.fromkeys(_UNSEEN, "")


def legacy_fold(name: str) -> dict[str, str]:
    """Of TCVN3 or VNI: the Latin-1 letter that its octet is shown as -> what is left of it without accents."""
    if name == "tcvn3":
        return {old: folded(new) for old, new in TCVN3_LETTERS.items()}
    # A sign after its vowel goes, a letter that is one by itself stays.
    signs = {pair[1]: "" for pair in VNI_LETTERS if len(pair) > 1}
    return {sign: "" for sign in signs} | {old: folded(new) for old, new in VNI_LETTERS.items() if len(old) == 1}
