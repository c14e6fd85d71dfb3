"""The addresses of Điều 5: pure functions from Vietnamese names to local parts, standard library only.

The rule proposes, people approve: an agency's code and suffix, once approved, stand in the registry, and an
address once issued is never computed again. What makes an address returns a valid local part (lower-case
ASCII letters, digits, single inner dots, at most 64 octets) or raises NamingError with a Vietnamese
sentence; nothing depends on time, locale or order.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

LOCAL_PART_MAX_OCTETS = 64  # RFC 5321, 4.5.3.1.1

_LOCAL_PART = re.compile(r"[a-z0-9]+(?:\.[a-z0-9]+)*")
# d with stroke, Eth and African D: three letters that look the same as capitals and are typed for each other.
_LOOK_ALIKES = str.maketrans({"đ": "d", "Đ": "d", "ð": "d", "Ð": "d", "ɖ": "d", "Ɖ": "d"})
_WORD = re.compile(r"[a-z0-9]+")
# Apostrophes bind (K'Brơi is one word), as do marks that NFC could not compose; every other sign parts words.
_APOSTROPHES = dict.fromkeys(map(ord, "'’‘ʼ`´"))
_ACCENTED_WORD = re.compile(r"[^\W_](?:[^\W_]|['’‘ʼ`´\u0300-\u036f])*")
_TONE = re.compile("[\u0300\u0301\u0303\u0309\u0323]")  # huyền, sắc, ngã, hỏi, nặng


class NamingError(ValueError):
    """No address follows from the name; the message says why, in Vietnamese."""


@dataclass(frozen=True, slots=True)
class ApprovedCode:
    """A code the operator chose instead of the rule's proposal, and why."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class NamingRules:
    """The word lists of Điều 5, as written in regulation.yml; what each is for stands beside it there."""

    dropped_words: tuple[str, ...]
    level_words: tuple[str, ...]
    abbreviations: Mapping[str, str]
    committee_prefix: str
    unit_kinds: tuple[str, ...]
    suffix_type_words: tuple[str, ...]
    suffix_length: int
    reserved_local_parts: frozenset[str]
    approved_codes: Mapping[str, ApprovedCode]


def is_local_part(text: str) -> bool:
    """Whether `text` is a local part of the only form this system issues."""
    return len(text) <= LOCAL_PART_MAX_OCTETS and _LOCAL_PART.fullmatch(text) is not None


def normal(name: str) -> str:
    """The name as it is kept and compared: NFC, no invisible characters, single spaces."""
    visible = "".join(char for char in name if unicodedata.category(char) != "Cf")
    return " ".join(unicodedata.normalize("NFC", visible).split())


def fold(name: str) -> str:
    """Lower-case letters without tones or marks, words parted by one space: "Đỗ  Thị-Hòa" -> "do thi hoa".

    NFC and NFD, NBSP and zero-width characters, đ and its look-alikes make no difference. Letters of another
    script, which have no unaccented form, raise NamingError.
    """
    decomposed = unicodedata.normalize("NFKD", normal(name).translate(_LOOK_ALIKES).translate(_APOSTROPHES))
    bare = "".join(char for char in decomposed if not unicodedata.combining(char)).casefold()
    for char in bare:
        if char.isalnum() and not _WORD.fullmatch(char):
            raise NamingError(f"tên “{normal(name)}” có ký tự “{char}” không phải chữ Việt")
    return " ".join(_WORD.findall(bare))


def slug(name: str) -> str:
    """The whole name written together, without accents (Đ5.1c, Đ5.2a): "Tiên Sơn" -> "tienson"."""
    return _local_part(name, fold(name).replace(" ", ""))


def initials(name: str, rules: NamingRules) -> str:
    """The first letters of the words that count (Đ5.1): "Sở Thông tin và Truyền thông" -> "stttt".

    Words are dropped as accented words (a name's "Vả" or "Cắc" is not "và" or "các"), numbers stay whole.
    """
    return _local_part(name, "".join(_initials(_counting_words(name, rules), rules)))


def agency_code(name: str, rules: NamingRules) -> str:
    """The code of a department: the approved one, else its initials (Đ5.1a)."""
    for approved, entry in rules.approved_codes.items():
        if _key(approved) == _key(name):
            return entry.code
    return initials(name, rules)


def agency_suffix(name: str, rules: NamingRules) -> str:
    """The two letters that tell a department's people from namesakes (Đ5.2b): "Sở Lao động - ..." -> "ld"."""
    words = _counting_words(name, rules)
    if len(words) > 1 and _key(words[0]) in _keys(rules.suffix_type_words):
        words = words[1:]
    letters = "".join(_initials(words, rules))[: rules.suffix_length]
    return _local_part(name, letters)


def unit_name(name: str, rules: NamingRules) -> str:
    """A district's or commune's own name: "Ủy ban nhân dân xã Tiên Sơn" -> "Tiên Sơn"."""
    words = normal(name).split()
    for prefixes in ((*rules.abbreviations, rules.committee_prefix), rules.unit_kinds):
        for prefix in sorted(prefixes, key=len, reverse=True):
            length = len(prefix.split())
            if length < len(words) and _key(" ".join(words[:length])) == _key(prefix):
                words = words[length:]
                break
    return " ".join(words)


def district_code(name: str, rules: NamingRules) -> str:
    """The code of a district (Đ5.1b), its people's suffix too (Đ5.2b): "huyện Kim Bảng" -> "kb"."""
    return initials(unit_name(name, rules), rules)


def commune_code(name: str, district: str, rules: NamingRules) -> str:
    """The code of a commune in the district of that code (Đ5.1c): "xã Tiên Sơn", "dt" -> "tienson.dt"."""
    return _local_part(name, f"{slug(unit_name(name, rules))}.{district}")


def committee_address(code: str, rules: NamingRules) -> str:
    """The address of a people's committee by its code (Đ5.1b, Đ5.1c): "kb" -> "ubndkb"."""
    return _local_part(code, rules.committee_prefix + code)


def office_address(name: str, agency: str, rules: NamingRules) -> str:
    """The address of an office, given its agency's code (Đ5.1d, Đ5.1đ): "Phòng Tư pháp", "bl" -> "ptp.bl"."""
    return _local_part(name, f"{initials(name, rules)}.{agency}")


def person_address(name: str) -> str:
    """The plain form of a person's address (Đ5.2a): "Nguyễn Thị Thanh Hà" -> "nguyenthithanhha"."""
    return slug(name)


def person_addresses(name: str, suffix: str, details: Sequence[str] = ()) -> Iterator[str]:
    """The forms of a person's address in the order the regulation wants them tried, never ending.

    The plain form (Đ5.2a), then the agency's suffix (Đ5.2b), then the plain form with each of `details` (home
    place first, Đ5.2c), then a counter from 2.
    """
    plain = slug(name)
    yield plain
    yield _local_part(name, f"{plain}.{suffix}")
    for detail in details:
        yield _local_part(name, f"{plain}.{slug(detail)}")
    number = 2
    while True:
        yield _local_part(name, f"{plain}.{number}")
        number += 1


def propose_person(
    name: str,
    suffix: str,
    taken: Collection[str],
    *,
    colleagues: Collection[str] = (),
    details: Sequence[str] = (),
) -> str:
    """The first form that nobody has: `taken` are all addresses ever issued, in lower case.

    `colleagues` are the addresses of people in the same agency: namesakes among them mean Đ5.2c, which never
    uses the suffix.
    """
    plain = slug(name)
    namesake_here = any(address == plain or address.startswith(plain + ".") for address in colleagues)
    refused = {f"{plain}.{suffix}"} if namesake_here else set()
    forms = person_addresses(name, suffix, details)
    return next(form for form in forms if form not in taken and form not in refused)


def _counting_words(name: str, rules: NamingRules) -> list[str]:
    """The words of a name that give initials, accented; a phrase with a fixed short form is one word."""
    words = _ACCENTED_WORD.findall(normal(name))
    dropped = _keys(rules.dropped_words)
    kept = [word for word in words if _key(word) not in dropped]
    if len(kept) > 1 and _key(kept[-1]) in _keys(rules.level_words):
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
                if list(map(_key, words[position : position + len(phrase)])) == list(map(_key, phrase))
            ),
            1,
        )
        joined.append(" ".join(words[position : position + length]))
        position += length
    return joined


def _initials(words: list[str], rules: NamingRules) -> Iterator[str]:
    short = {_key(phrase): form for phrase, form in rules.abbreviations.items()}
    for word in words:
        if _key(word) in short:
            yield short[_key(word)]
        else:
            plain = fold(word)
            yield plain if plain.isdecimal() else plain[:1]


def _key(text: str) -> str:
    """How accented texts compare: small letters, one đ, and "Ủy" as "Uỷ" (the tone at the word's end)."""
    small = normal(text).casefold().replace("ð", "đ").replace("ɖ", "đ")
    words = unicodedata.normalize("NFD", small).split()
    return " ".join(_TONE.sub("", word) + "".join(_TONE.findall(word)) for word in words)


def _keys(words: Sequence[str]) -> frozenset[str]:
    return frozenset(map(_key, words))


def _local_part(name: str, text: str) -> str:
    if not is_local_part(text):
        too_long = len(text) > LOCAL_PART_MAX_OCTETS
        reason = f"dài quá {LOCAL_PART_MAX_OCTETS} ký tự" if too_long else "không đủ chữ cái hay chữ số"
        raise NamingError(f"tên “{normal(name)}” không thành địa chỉ: {reason}")
    return text
