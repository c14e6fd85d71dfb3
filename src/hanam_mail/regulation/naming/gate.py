"""The gate that the name of a person passes at every door: command, list, YAML, proposal (Đ5.2).

A name is words of Vietnamese, each with a capital, or the forms of the minorities' names (H'Hen Niê, Y-Thông Mlô).
What is sure is corrected and said: look-alikes, capitals. What may be right is a NamingDoubt, which whoever saw the
papers can confirm (`exact`). Everything else is refused: digits, signs, letters of other scripts, roles.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from hanam_mail.regulation.naming.grammar import NamingRules, PersonNames
from hanam_mail.regulation.naming.syllables import is_syllable
from hanam_mail.regulation.naming.text import Name, NamingError, fold, is_plain_word, key, read

_MAX_WORDS = 7
_MINORITY_LETTERS = frozenset("ñčĭŏŭĕ")
_APOSTROPHES = "'’‘ʼ`´′"
_PIECE = re.compile(r"(?:[^\W\d_][\u0300-\u036f]*)+")
# A particle that somebody parted from its name: "K' Brếu".
_PARTED = re.compile(rf"(?<!\w)([^\W\d_][{_APOSTROPHES}])\s+(?=[^\W\d_])")
# Letters, and between two of them an apostrophe or hyphen.
_WORDS = re.compile(rf"{_PIECE.pattern}(?:[{_APOSTROPHES}-]{_PIECE.pattern}|\s{_PIECE.pattern})*")


class NamingDoubt(NamingError):
    """It may be a name: somebody who saw the papers can confirm it."""


def read_person(typed: str, rules: NamingRules, *, convert_legacy: bool = False, exact: bool = False) -> Name:
    """What the registry keeps of the name of a person that somebody typed.

    `exact`: the operator confirmed that the papers have it so; then no doubt is raised and capitals stay as they are,
    unless the name is all in capitals or small letters and nothing else about it is unusual.
    Raises NamingDoubt for what only a confirmation can let pass, NamingError for what nothing can.
    """
    if _is_plain(typed, _judge(rules.people)):
        return Name(typed)
    name = read(typed, convert_legacy=convert_legacy)
    judge = _judge(rules.people)
    text = _PARTED.sub(r"\1", name.text)
    doubt = _refuse(text, judge)
    if doubt and not exact:
        raise NamingDoubt(doubt)
    if not exact or (not doubt and _alike(text)):
        text = _capitals(text)
    if text == name.text:
        return name
    return Name(text, (*name.notes, f"“{name.text}” đã viết lại thành “{text}”"))


@dataclass(frozen=True, slots=True)
class _Judge:
    """The lists of PersonNames as they are asked."""

    title: re.Pattern[str]
    families: frozenset[str]  # folded
    accented_families: frozenset[str]  # keys
    marked_families: frozenset[str]  # folded, none of which is a family without a mark too
    middle_words: frozenset[str]  # folded
    marked_words: frozenset[str]  # folded
    roles: tuple[tuple[str, ...], ...]  # keys of words
    units: tuple[tuple[str, ...], ...]
    first_words: frozenset[str]  # keys, of titles, roles and units
    last_words: frozenset[str]  # keys, of roles


@lru_cache
def _judge(people: PersonNames) -> _Judge:
    lists = (people.roles, (*people.units, *people.agencies))
    roles, units = (tuple(tuple(map(key, text.split())) for text in texts) for texts in lists)
    firsts = [*(phrase[0] for phrase in (*roles, *units)), *(key(title.split()[0]) for title in people.titles)]
    unmarked = {fold(family) for family in people.families if family.isascii()}
    titles = sorted(map(re.escape, people.titles), key=len, reverse=True)
    return _Judge(
        title=re.compile(rf"({'|'.join(titles) or '(?!)'})(?:[.:]\s*|\s+)(?=\w)", re.IGNORECASE),
        families=frozenset(map(fold, people.families)),
        accented_families=frozenset(map(key, people.families)),
        marked_families=frozenset(map(fold, people.families)) - unmarked,
        middle_words=frozenset(map(fold, people.middle_words)),
        marked_words=frozenset(map(fold, people.marked_words)),
        roles=roles,
        units=units,
        first_words=frozenset(firsts),
        last_words=frozenset(role[-1] for role in roles),
    )


def _is_plain(name: str, judge: _Judge) -> bool:
    """Whether nothing about the name can be doubted, which is so with nearly all of them."""
    words = name.split(" ")
    return (
        1 < len(words) <= _MAX_WORDS
        and all(map(is_plain_word, words))
        and not name.isascii()
        and key(words[0]) not in judge.first_words
        and key(words[-1]) not in judge.last_words
    )


def _refuse(name: str, judge: _Judge) -> str:
    """Raise NamingError for what is no name, and return the sentence of a doubt, "" for none."""
    title = judge.title.match(name)
    if any(char.isdigit() for char in name):
        raise NamingError(f"“{name}” có chữ số, không phải họ tên")
    if title and (fold(title[1]) not in judge.families or fold(name[title.end() :]).split(" ")[0] in judge.families):
        return f"“{name}”: bỏ “{title[1]}”, chỉ ghi họ tên"
    if _WORDS.fullmatch(name) is None:
        raise NamingError(f"“{name}” có ký tự lạ, không phải họ tên")
    return _role(name, judge) or _shape(name, judge)


def _role(name: str, judge: _Judge) -> str:
    words = tuple(map(key, name.split()))
    sentence = f"“{name}” là chức danh hoặc tên đơn vị, không phải họ tên: chức vụ ghi riêng"
    for phrase in (*judge.roles, *judge.units):
        if words[: len(phrase)] == phrase:
            if phrase[0] not in judge.accented_families:
                if phrase in judge.units and all(word[0].isupper() for word in name.split()):
                    return sentence  # "Trường Giang", and "Phòng Nội Vụ" as a spreadsheet writes it
                raise NamingError(sentence)
            if len(phrase) > 1:
                return sentence  # "Văn thư", and somebody of the family Văn
            if not all(word[0].isupper() for word in name.split()):
                return sentence  # "Ban Quản lý dự án", but not "Ban Văn Quang"
    for role in judge.roles:
        # "Nguyễn Văn Thư" is no clerk.
        if len(role) > 1 and fold(role[0]) not in judge.middle_words and words[-len(role) :] == role:
            return sentence
    return ""


def _shape(name: str, judge: _Judge) -> str:
    words = name.split()
    if len(words) > _MAX_WORDS or {"và", "hoặc"} & set(name.casefold().split()):
        return f"“{name}” không phải một họ tên: chỉ ghi họ tên của một người, chức vụ ghi ở cột riêng"
    if len(words) < 2 and not any(sign in name for sign in _APOSTROPHES):
        return f"“{name}” chỉ có một chữ: ghi đủ họ và tên"
    if "ñ" in name.casefold() and max(name) <= "\xff":
        return f"“{name}” có “ñ”: trong bảng mã cũ đó là “đ”, đúng là tên có chữ ñ thì cần xác nhận"
    foreign = next((word for word in words if not _is_word(word)), None)
    if name.isascii():
        folded = fold(name).split()
        marked = judge.marked_words.intersection(folded) or judge.middle_words.intersection(folded[1:-1])
        if foreign or folded[0] in judge.marked_families or marked:
            return f"“{name}” không có dấu: ghi đủ dấu như trên giấy tờ"
    return f"“{name}” có “{foreign}” không phải tiếng Việt" if foreign else ""


def _is_word(word: str) -> bool:
    """Whether a word can stand in a name: a syllable, a particle (Y, H', K'), a word of a minority's language."""
    pieces = _PIECE.findall(word)
    return all(
        len(piece) == 1 or is_syllable(piece) or bool(_MINORITY_LETTERS & set(piece.casefold())) for piece in pieces
    )


def _alike(name: str) -> bool:
    return name.isupper() or name.islower()


def _capitals(name: str) -> str:
    """The name with capitals where they belong: "NGUYỄN VĂN AN", "nguyễn văn An" -> "Nguyễn Văn An"."""
    alike = _alike(name)

    def cased(found: re.Match[str]) -> str:
        piece = found[0]
        bound = found.start() > 0 and name[found.start() - 1] in _APOSTROPHES
        first = piece[0] if bound and not alike else piece[0].upper()
        return first + piece[1:].lower()

    return _PIECE.sub(cased, name)
