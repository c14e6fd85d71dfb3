"""Words of names and what they give: initials, the slug, a unit's own name, a valid local part."""

import re
from collections.abc import Iterator, Sequence

from hanam_mail.naming_rules import LOCAL_PART_MAX_OCTETS, NamingRules
from hanam_mail.naming_text import NamingError, fold, key, normal, read

_LOCAL_PART = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
# Apostrophes bind, as do marks that NFC could not compose.
_ACCENTED_WORD = re.compile(r"[^\W_](?:[^\W_]|['’‘ʼ`´′\u0300-\u036f])*")


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


def initials(name: str, rules: NamingRules) -> str:
    """The first letters of the words that count (Đ5.1): "Sở Thông tin và Truyền thông" -> "stttt".

    Words are dropped as accented words (a name's "Vả" or "Cắc" is not "và" or "các"), numbers stay whole.
    """
    return local_part(name, "".join(initials_of(counting_words(name, rules), rules)))


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


def counting_words(name: str, rules: NamingRules) -> list[str]:
    """The words of a name that give initials, accented; a phrase with a fixed short form is one word."""
    words = _ACCENTED_WORD.findall(read(name).text)
    dropped = keys(rules.dropped_words)
    kept = [word for word in words if key(word) not in dropped]
    if len(kept) > 1 and key(kept[-1]) in keys(rules.level_words):
        kept = kept[:-1]
    return _join_phrases(kept, [phrase.split() for phrase in rules.abbreviations])


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


def initials_of(words: Sequence[str], rules: NamingRules) -> Iterator[str]:
    """What each word gives: its fixed short form, its number, or its first letter."""
    short = {key(phrase): form for phrase, form in rules.abbreviations.items()}
    for word in words:
        if key(word) in short:
            yield short[key(word)]
        else:
            plain = fold(word)
            yield plain if plain.isdecimal() else plain[:1]


def keys(words: Sequence[str]) -> frozenset[str]:
    """The words as they compare."""
    return frozenset(map(key, words))
