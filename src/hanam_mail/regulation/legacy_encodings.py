"""Names typed in TCVN3 (ABC, the .Vn fonts) or VNI, the encodings before Unicode (Đ3.4): recognised, and converted.

Such text reaches us as the Latin-1 characters of its octets: "NguyÔn V¨n Hïng", "Nguyeãn Vaên Huøng". Guessing by
letter frequency needs a page of text and fails on names, so a name is judged whole: it is legacy text when it cannot be
Vietnamese as it stands, and exactly one of the tables turns every accented word into one that can. Nothing is converted
silently: naming refuses such a name and shows the conversion; who confirms it (`naming_text.read(...,
convert_legacy=True)`, by a flag of the command) has it converted and is told so.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from hanam_mail.regulation.legacy_tables import TCVN3_LETTERS, VNI_LETTERS
from hanam_mail.regulation.naming.characters import EachCharacter
from hanam_mail.regulation.naming.syllables import is_syllable

TCVN3, VNI = "TCVN3 (ABC)", "VNI"

# The particle before names of the Central Highlands, in which ñ is a letter and not VNI's đ. VNI has no ê of its own.
PARTICLE = re.compile(r"[HKYhky](?:['’‘ʼ`´′-]|\s)")
_NO_VNI = re.compile(r"(?<![Aa])[Êê]")
_LAST_LEGACY = "\u00ff"
# A soft hyphen is of that kind as well, and is TCVN3's ư.
_WITHOUT_ZERO_WIDTH = EachCharacter(
    lambda char: char if char <= _LAST_LEGACY or unicodedata.category(char) != "Cf" else ""
)
# The marks that part words in either encoding; signs beyond ASCII are letters there.
_PARTING = re.compile(r"[\s\x00-\x40\x5b-\x60\x7b-\x7f]+")


@dataclass(frozen=True, slots=True)
class Converted:
    """A text in a legacy encoding and what it says, in Unicode (NFC)."""

    encoding: str
    original: str
    text: str


@lru_cache(maxsize=4096)
def recognise(text: str) -> Converted | None:
    """The text converted when it is surely of one legacy encoding, else None.

    Give it the text as it came: TCVN3's ư is a soft hyphen, which any cleaning would drop.
    """
    visible = _visible(text)
    if not _may_be_legacy(visible) or all(map(_stands, _words(visible))):
        return None
    readings = [
        Converted(encoding, text, reading)
        for encoding in ((TCVN3,) if PARTICLE.match(visible) and _NO_VNI.search(visible) else (TCVN3, VNI))
        if (reading := _convert(visible, encoding)) != visible and _reads(visible, reading)
    ]
    return readings[0] if len(readings) == 1 else None


def recognise_all(texts: Sequence[str]) -> list[Converted | None]:
    """The same for texts of one origin, such as the cells of a sheet: they share one encoding.

    A text that says nothing by itself (VNI's "Thò Mai" can stand as it is) follows the others when these were
    recognised as one encoding and none of the texts holds a letter that only Unicode has.
    """
    alone = [recognise(text) for text in texts]
    encodings = {found.encoding for found in alone if found}
    if len(encodings) != 1 or any(map(_is_unicode_only, map(_visible, texts))):
        return alone
    (encoding,) = encodings
    return [found or _follow(text, encoding) for text, found in zip(texts, alone, strict=True)]


def _follow(text: str, encoding: str) -> Converted | None:
    visible = _visible(text)
    if not _may_be_legacy(visible):
        return None
    reading = _convert(visible, encoding)
    return Converted(encoding, text, reading) if reading != visible and _reads(visible, reading) else None


def _visible(text: str) -> str:
    """Without zero-width characters, byte order marks and the like, which no encoding before Unicode had; composed,
    since some systems hand on every text decomposed.
    """
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", text.translate(_WITHOUT_ZERO_WIDTH))


def _may_be_legacy(text: str) -> bool:
    return not text.isascii() and max(text) <= _LAST_LEGACY


def _is_unicode_only(text: str) -> bool:
    return any(char > _LAST_LEGACY and char.isalpha() for char in text)


def _words(text: str) -> list[str]:
    return _PARTING.split(text)


def _stands(word: str) -> bool:
    return word.isascii() or is_syllable(word)


def _reads(text: str, reading: str) -> bool:
    """Whether every word that the conversion touched, or that has accents, became a Vietnamese syllable."""
    pairs: Iterable[tuple[str, str]] = zip(_words(text), _words(reading), strict=True)
    return all(before.isascii() or is_syllable(after) for before, after in pairs)


def _convert(text: str, encoding: str) -> str:
    table, pattern = _table(encoding)
    reading = pattern.sub(lambda found: table[found[0]], text)
    return _with_capitals(text, reading) if encoding == TCVN3 else reading


def _with_capitals(text: str, reading: str) -> str:
    """TCVN3 has no capitals with tones: the .VnTimeH fonts draw them, and only the plain letters of the text tell.

    Words with several of them say whether all is written in capitals, the words that begin with one whether each
    begins with a capital ("¸nh" is Ánh in a name).
    """
    if re.search("[a-z]", text) is None and re.search("[A-Z]\\S*[A-Z]", text):
        return reading.upper()
    initials = [word[0] for word in _words(text) if word]
    plain = [char for char in initials if char.isascii()]
    if not plain or not all(char.isupper() for char in plain):
        return reading
    return re.sub(r"(?<![^\W\d_])(?<!['’])[^\W\d_]", lambda first: first[0].upper(), reading)


@cache
def _table(encoding: str) -> tuple[Mapping[str, str], re.Pattern[str]]:
    pairs = TCVN3_LETTERS if encoding == TCVN3 else VNI_LETTERS
    longest_first = sorted(pairs, key=len, reverse=True)
    return pairs, re.compile("|".join(map(re.escape, longest_first)))
