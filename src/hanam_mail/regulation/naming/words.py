"""Words of names and what they give: initials, the slug, a unit's own name, a valid local part."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from hanam_mail.regulation.naming.grammar import LOCAL_PART_MAX_OCTETS, NamingRules
from hanam_mail.regulation.naming.syllables import STROKED_D, is_syllable
from hanam_mail.regulation.naming.text import NamingError, fold, key, normal, read

_LOCAL_PART = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
# Apostrophes bind, as do marks that NFC could not compose.
_ACCENTED_WORD = re.compile(r"[^\W_](?:[^\W_]|['’‘ʼ`´′\u0300-\u036f])*")

_VOWELS = frozenset("aeiouy")
_SHORTEST_ACRONYM = 2  # letters
_MOST_PARTS = 5  # words that can be one acronym: "LĐ, TB và XH"


def is_local_part(text: str) -> bool:
    """Whether `text` is a local part that this system can issue; which separators are used is the forms' affair."""
    return len(text) <= LOCAL_PART_MAX_OCTETS and _LOCAL_PART.fullmatch(text) is not None


def local_part(name: str, text: str) -> str:
    """`text`, if it is a local part; NamingError speaks of the `name` it was made of, and never cuts it short."""
    if not is_local_part(text):
        if len(text) > LOCAL_PART_MAX_OCTETS:
            reason = f"dài {len(text)} ký tự, quá {LOCAL_PART_MAX_OCTETS} (RFC 5321), không được cắt bớt"
            raise NamingError(f"tên “{normal(name)}” thành địa chỉ {reason}: cần dạng ngắn được duyệt")
        raise NamingError(f"tên “{normal(name)}” không thành địa chỉ: không đủ chữ cái hay chữ số")
    return text


def slug(name: str) -> str:
    """The whole name written together, without accents (Đ5.1c, Đ5.2a): "Tiên Sơn" -> "tienson"."""
    return local_part(name, fold(name).replace(" ", ""))


def initials(name: str, rules: NamingRules, *, place: str = "") -> str:
    """The first letters of the words that count (Đ5.1): "Sở Thông tin và Truyền thông" -> "stttt".

    Words are dropped as accented words (a name's "Vả" or "Cắc" is not "và" or "các"); numbers and acronyms stay whole:
    "Phòng CNTT" -> "pcntt", as "Phòng Công nghệ thông tin". `place` as for `unit_words`.
    """
    words = counting_words(name, rules, place=place)
    return local_part(name, "".join(initials_of(words, rules, shouted=name.isupper())))


def unit_name(name: str, rules: NamingRules) -> str:
    """A district's or commune's own name: "Ủy ban nhân dân xã Tiên Sơn" -> "Tiên Sơn"."""
    words = normal(name).split()
    for prefixes in ((*rules.abbreviations, rules.committee_prefix), rules.unit_kinds):
        for prefix in sorted(prefixes, key=len, reverse=True):
            length = len(prefix.split())
            if length < len(words) and key(" ".join(words[:length])) == key(prefix):
                words = words[length:]
                break
    return " ".join(words)


def unit_words(name: str, rules: NamingRules, *, place: str = "") -> list[str]:
    """The accented words of a unit's name: usual acronyms in their long form, without the level at its end.

    "Văn phòng UBND tỉnh Hà Nam" -> Văn phòng Ủy ban nhân dân. The level may stand alone ("huyện"), or name the province
    or the district of code `place`, which the address says already.
    """
    words = _ACCENTED_WORD.findall(read(name).text)
    return _without_level(list(_written_out(words, rules)), rules, place)


def unit_key(name: str, rules: NamingRules, *, place: str = "") -> str:
    """How names of units compare: the same for every spelling of one unit."""
    dropped = keys(rules.dropped_words)
    return " ".join(word for word in map(key, unit_words(name, rules, place=place)) if word not in dropped)


def counting_words(name: str, rules: NamingRules, *, place: str = "") -> list[str]:
    """The words of a name that give initials, accented; a phrase with a fixed short form is one word."""
    dropped = keys(rules.dropped_words)
    kept = [word for word in unit_words(name, rules, place=place) if key(word) not in dropped]
    return _join_phrases(kept, [phrase.split() for phrase in rules.abbreviations])


def written_out(name: str, rules: NamingRules) -> str:
    """The name with the usual acronyms in their long form, other signs left out."""
    return " ".join(_written_out(_ACCENTED_WORD.findall(normal(name)), rules))


def _written_out(words: Sequence[str], rules: NamingRules) -> Iterator[str]:
    long_forms = _long_forms(tuple(rules.acronyms.items()))
    position = 0
    while position < len(words):
        word, length = words[position], _parts(words[position:], long_forms)
        long_form = long_forms.get(key("".join(_letters(words[position : position + length]))))
        # In small letters it may be a word of the language: "tha" is none of "THA", "cntt" can be nothing but CNTT.
        if long_form and (length > 1 or word.isupper() or not is_syllable(word)):
            yield from _ACCENTED_WORD.findall(long_form)
        else:
            yield word
        position += length


def _parts(words: Sequence[str], long_forms: Mapping[str, str]) -> int:
    """How many words from the first are one acronym written in parts (GD&ĐT, LĐ-TB&XH, "NN và PTNT"); 1 for none.

    Whatever sign parted them is gone; a part is never a word of the language, "và" between them aside.
    """
    most = 1
    for length in range(1, min(len(words), _MOST_PARTS) + 1):
        said = words[:length]
        if said[-1].casefold() == "và":
            continue
        if is_syllable(said[-1]) or not said[-1].isalpha():
            break
        if key("".join(_letters(said))) in long_forms:
            most = length
    return most


def _letters(words: Sequence[str]) -> Iterator[str]:
    return (word for word in words if len(words) == 1 or word.casefold() != "và")


@lru_cache
def _long_forms(acronyms: tuple[tuple[str, str], ...]) -> dict[str, str]:
    return {key(acronym): long_form for acronym, long_form in acronyms}


def _without_level(words: list[str], rules: NamingRules, place: str) -> list[str]:
    while True:
        end = next((start for start in range(1, len(words)) if _is_level(words[start:], rules, place)), None)
        if end is None:
            return words
        words = words[:end]


def _is_level(words: list[str], rules: NamingRules, place: str) -> bool:
    """Whether the words say no more than a level: "huyện", "tỉnh Hà Nam", "huyện Kim Bảng" where `place` is kb."""
    said = " ".join(map(key, words))
    if said == key(rules.province):
        return True
    for level in rules.level_words:
        if said == key(level):
            return True
        if place and said.startswith(key(level) + " "):
            return "".join(fold(word)[:1] for word in words[len(level.split()) :]) == place
    return False


def _join_phrases(words: list[str], phrases: list[list[str]]) -> list[str]:
    joined: list[str] = []
    position = 0
    while position < len(words):
        length = next(
            (
                len(phrase)
                for phrase in phrases
                if list(map(key, words[position : position + len(phrase)])) == list(map(key, phrase))
            ),
            1,
        )
        joined.append(" ".join(words[position : position + length]))
        position += length
    return joined


def initials_of(words: Sequence[str], rules: NamingRules, *, shouted: bool) -> Iterator[str]:
    """What each word gives: its fixed short form, its number, all letters of an acronym, else its first letter.

    `shouted`: the name that they are from is all in capitals.
    """
    short = {key(phrase): form for phrase, form in rules.abbreviations.items()}
    for word in words:
        if key(word) in short:
            yield short[key(word)]
        else:
            plain = fold(word)
            yield plain if plain.isdecimal() or is_acronym(word, rules, shouted=shouted) else plain[:1]


def is_acronym(word: str, rules: NamingRules, *, shouted: bool) -> bool:
    """Whether the word stands for several: a usual acronym, consonants only in any case, or capitals without marks.

    `shouted`: the whole name is in capitals, which then tell nothing; only what is no Vietnamese syllable is one.
    Raises NamingError for capitals that can be either: "Phòng QUAN hệ".
    """
    letters = fold(word)
    if len(letters) < _SHORTEST_ACRONYM or not word.isalnum():
        return False
    if not set(letters) & _VOWELS and letters.isalpha():
        return True
    if word.isupper() and key(word) in _long_forms(tuple(rules.acronyms.items())):
        return True
    if not word.isupper() or not word.translate(STROKED_D).replace("Đ", "D").isascii():
        return False
    if is_syllable(word):
        if not shouted and len(word) > _SHORTEST_ACRONYM:
            raise NamingError(
                f"không rõ “{word}” là chữ viết tắt hay là từ viết hoa: viết đủ, hoặc thêm vào "
                "regulation_naming.acronyms"
            )
        return not shouted
    return True


def keys(words: Sequence[str]) -> frozenset[str]:
    """The words as they compare."""
    return frozenset(map(key, words))
