"""Names as people type them: made one in spelling, checked for foreign letters, freed of accents.

Two things come of a name: the text that the registry keeps (`read`: NFC, Latin letters, single spaces, and a sentence
about everything that was replaced) and the bare letters that addresses are made of (`fold`). Both take look-alikes for
what they were meant to be only when the word then is Vietnamese, and refuse everything else with what to do.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from hanam_mail.regulation import legacy_encodings
from hanam_mail.regulation.naming.characters import EachCharacter
from hanam_mail.regulation.naming.syllables import STROKED_D, is_syllable

# Letters of Cyrillic and Greek that cannot be told from Latin ones by eye.
_LOOK_ALIKES = {
    **dict(zip("асԁеһіјӏкмоѕрԛтухԝАВСЕНІЈКМОРԚЅТУХԜ", "acdehijlkmospqtyxwABCEHIJKMOPQSTYXW", strict=True)),
    **dict(zip("αικνορτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "aiknoptuxABEZHIKMNOPTYX", strict=True)),
}
# Apostrophes bind (K'Brơi is one word); every other sign parts words.
_APOSTROPHES = dict.fromkeys(map(ord, "'’‘ʼ`´′"))
_INVISIBLE = ("Cc", "Cf")  # control and format characters
_WORD = re.compile(r"[a-z0-9]+")
_TONE = re.compile("[\u0300\u0301\u0303\u0309\u0323]")  # huyền, sắc, ngã, hỏi, nặng
# What of Latin-1 a Vietnamese name may hold; the rest there is foreign or of an encoding nobody recognised.
_LATIN_1 = frozenset("àáâãèéêìíòóôõùúýÀÁÂÃÈÉÊÌÍÒÓÔÕÙÚÝðÐ´·")
_ADVICE = "ghi tên bằng chữ quốc ngữ, hoặc phiên âm ra chữ cái Latinh như trên giấy tờ"


_VISIBLE = EachCharacter(lambda char: char if char.isspace() or unicodedata.category(char) not in _INVISIBLE else "")
_COMPATIBLE = EachCharacter(lambda char: unicodedata.normalize("NFKC", char) if char.isalnum() else char)
_BARE = EachCharacter(lambda char: "" if unicodedata.combining(char) else char)


class NamingError(ValueError):
    """No address follows from the name; the message says why and what to do, in Vietnamese."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name as the registry keeps it, and Vietnamese sentences on what was replaced in what came."""

    text: str
    notes: tuple[str, ...] = ()


def normal(name: str) -> str:
    """The name in NFC, without invisible and control characters, single spaces between words."""
    if name.isascii() and name.isprintable():
        return " ".join(name.split())
    return " ".join(unicodedata.normalize("NFC", name.translate(_VISIBLE)).split())


@lru_cache(maxsize=65536)
def read(name: str, *, convert_legacy: bool = False) -> Name:
    """What the registry keeps of a name that somebody typed.

    Raises NamingError for letters of another script and for TCVN3 or VNI text; with `convert_legacy` the latter is
    converted, as somebody saw and confirmed it.
    """
    notes = []
    found = legacy_encodings.recognise(name)
    if found and not convert_legacy:
        raise NamingError(_legacy_text(found) + "; xác nhận việc chuyển mã, hoặc gõ lại bằng Unicode")
    if found:
        notes.append(f"đã chuyển “{found.original}” từ bảng mã {found.encoding} sang Unicode: “{found.text}”")
        name = found.text
    fold(name)  # refuses what is not Vietnamese
    typed = normal(name)
    text = _latin(typed)
    if text != typed:
        swaps = dict.fromkeys(zip(typed, text, strict=False) if len(typed) == len(text) else [])
        pairs = ", ".join(f"“{old}” (U+{ord(old):04X}) bằng “{new}”" for old, new in swaps if old != new)
        notes.append(f"trong “{typed}” đã thay ký tự giống chữ Việt" + (f": {pairs}" if pairs else f": “{text}”"))
    return Name(text, tuple(notes))


@lru_cache(maxsize=65536)
def fold(name: str) -> str:
    """Lower-case letters without tones or marks, words parted by one space: "Đỗ  Thị-Hòa" -> "do thi hoa".

    NFC and NFD, either tone placement, no-break and zero-width spaces, capitals, đ and its look-alikes make no
    difference. Raises NamingError as `read` does.
    """
    words = name.split(" ")
    if all(map(is_plain_word, words)):
        # A registry has many names of few words. Beside others such a word is what it is alone: never legacy text,
        # unclear or foreign.
        return " ".join(map(folded_as_one, words))
    return folded_as_one(name)


@lru_cache(maxsize=16384)
def is_plain_word(word: str) -> bool:
    """Whether it is a Vietnamese word with a capital, composed, as nearly all words of names are."""
    return (
        word.isalpha()
        and word == word[:1].upper() + word[1:].lower()
        and word.translate(STROKED_D) == word
        and unicodedata.is_normalized("NFC", word)
        and is_syllable(word)
    )


@lru_cache(maxsize=16384)
def folded_as_one(name: str) -> str:
    """The same as `fold`, whatever the words are."""
    latin = _latin(normal(name))
    found = legacy_encodings.recognise(name) or legacy_encodings.recognise(latin)
    if found:
        raise NamingError(_legacy_text(found))
    unclear = _unclear(latin)
    if unclear:
        raise NamingError(
            f"tên “{latin}” có ký tự “{unclear}” không rõ bảng mã: gõ lại bằng Unicode; tên nước ngoài viết không dấu"
        )
    latin = latin.replace("đ", "d").replace("Đ", "D").translate(_APOSTROPHES)
    bare = unicodedata.normalize("NFKD", latin).translate(_BARE).casefold()
    if not bare.isascii():
        unwanted = (char for char in bare if not char.isascii() and (char.isalnum() or not char.isprintable()))
        foreign = next(unwanted, None)
        if foreign:
            raise NamingError(
                f"tên “{normal(name)}” có ký tự “{foreign}” (U+{ord(foreign):04X}) không phải chữ Việt: {_ADVICE}"
            )
    return " ".join(_WORD.findall(bare))


@lru_cache(maxsize=65536)
def key(text: str) -> str:
    """How accented texts compare: small letters, one đ, and "Ủy" as "Uỷ" (the tone at the word's end)."""
    small = normal(text).translate(STROKED_D).casefold()
    words = unicodedata.normalize("NFD", small).split()
    return " ".join(_TONE.sub("", word) + "".join(_TONE.findall(word)) for word in words)


def _legacy_text(found: "legacy_encodings.Converted") -> str:  # quoted: that module imports this one
    return f"“{found.original}” có vẻ gõ bằng bảng mã {found.encoding}, đọc là “{found.text}”"


def _unclear(name: str) -> str | None:
    """A sign that could be a letter of TCVN3 or VNI and is none of Vietnamese, in a name not surely Unicode."""
    if name.isascii() or max(name) > "\xff":
        return None
    known = _LATIN_1 | {"ñ", "Ñ"} if legacy_encodings.PARTICLE.match(name) else _LATIN_1
    return next((char for char in name if not char.isascii() and char not in known), None)


def _latin(name: str) -> str:
    """The name (in NFC) with look-alikes replaced by the letters they were meant to be, where that is sure.

    đ's look-alikes and compatibility forms (fullwidth letters, ligatures) are sure always; Cyrillic and Greek ones in
    a word that becomes Vietnamese by it, in a name that has Latin letters of its own. Other words stay for `fold` to
    refuse.
    """
    if name.isascii():
        return name
    text = unicodedata.normalize("NFC", name.translate(_COMPATIBLE)).translate(STROKED_D)
    if _LOOK_ALIKES.keys().isdisjoint(unicodedata.normalize("NFD", text)):
        return text
    if not any("LATIN" in unicodedata.name(char, "") for char in text):
        return text
    return re.sub(r"[^\W\d_]+", lambda word: _meant(word[0]), text)


def _meant(word: str) -> str:
    decomposed = unicodedata.normalize("NFD", word)
    swapped = "".join(_LOOK_ALIKES.get(char, char) for char in decomposed)
    if swapped == decomposed:
        return word
    composed = unicodedata.normalize("NFC", swapped)
    return composed if is_syllable(composed) else word
