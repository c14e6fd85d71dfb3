"""Secrecy marks in a subject and in a file name: there they stand at the begin, at the end or apart from the rest."""

import re
from dataclasses import dataclass

from hanam_mail.host.secrecy import alike, words
from hanam_mail.host.secrecy.words import Mark

_ANSWERS = re.compile(r"\s*(?:(?:re|fwd?|tr|trả lời|chuyển tiếp|chuyển|v/v|về việc|tin)\s*[:.]\s*)+", re.I)
_ENDING = re.compile(r"(?:\.[A-Za-z0-9]{1,5}){1,2}\s*$")
_WORDS = re.compile(r"[^\W_]+")
_APART = re.compile(r"[()\[\]{}<>«»【】–—,;|+~=#&@:/\\!*\"“”]|\s-|-\s|\s{4}|\t|\n")
_LONGEST = 20_000
_FAR = 2


@dataclass(frozen=True, slots=True)
class _Found:
    """A mark, its words' place among all, and how far apart it is from those before and behind it (`_parts`)."""

    mark: Mark
    begin: int
    end: int
    before: int
    after: int
    text: str

    @property
    def apart(self) -> bool:
        return self.before > 0 and self.after > 0


def in_subject(text: str) -> Mark | None:
    """The highest mark in a subject, without what answers and forwards put before it."""
    text = alike.plain(text)[:_LONGEST]
    if not words.HINT.search(text):
        return None
    text = text[found.end() :] if (found := _ANSWERS.match(text)) else text
    if mark := words.degree(text):
        return mark
    if re.match(r"\s*[\[【(]\s*mật\s*[\]】)]", text, re.I):
        return Mark.SECRET
    return _found(text, _WORDS, blank="")


def in_file_name(text: str) -> Mark | None:
    """The highest mark in a name, without what says the kind of file."""
    text = alike.plain(text)[:_LONGEST]
    if not words.HINT.search(text):
        return None
    name = _ENDING.sub("", re.split(r"[/\\]", text)[-1])
    if mark := words.degree(name):
        return mark
    if words.squashed(name).upper() == "TUYETMAT":
        return Mark.UTMOST
    blank = ""
    if not re.search(r"\s", name.strip()):
        # What stands in the place of blanks parts nothing from the rest.
        blank = max("_-.+", key=name.count)
        blank = blank if name.count(blank) > 1 else ""
    return _found(name, _WORDS, blank)


def _found(text: str, pattern: re.Pattern[str], blank: str) -> Mark | None:
    places = list(pattern.finditer(text))
    every = [place[0] for place in places]
    if len(words.degrees(text)) > 1:
        return None
    marks = []
    for number, word in enumerate(every):
        for length in (1, 2):
            joined = "".join(every[number : number + length])
            mark = _degree(joined) if len(every) - number >= length else None
            if mark is None or (length == 1) != (mark is Mark.SECRET or joined == word):
                continue
            end = number + length
            before = _parts(text[places[number - 1].end() : places[number].start()], blank) if number else _FAR
            after = _parts(text[places[end - 1].end() : places[end].start()], blank) if end < len(every) else _FAR
            each = _Found(mark, number, end, before, after, joined)
            if (_is_secret if mark is Mark.SECRET else _is_higher)(each, every):
                marks.append(mark)
    return max(marks, default=None)


def _degree(joined: str) -> Mark | None:
    if joined == words.LOWEST:
        return Mark.SECRET
    return (
        words.HIGHER.get(joined)
        or words.EXACT.get(joined.upper())
        or (Mark.UTMOST if joined.upper() == "TUYETMAT" else None)
    )


def _parts(gap: str, blank: str) -> int:
    """Whether what is between two words parts them: not at all, as a dash in a name may (1), or surely (2)."""
    if blank and gap == blank:
        return 0
    if _APART.search(gap):
        return _FAR
    return int(any(sign in gap for sign in "_-."))


def _is_higher(found: _Found, every: list[str]) -> bool:
    before, after = every[: found.begin], every[found.end :]
    if found.before < _FAR and before[-1].upper() in words.SPOKEN_OF:
        return False
    if found.apart:
        return True
    if not found.text.isupper():
        return False
    at_an_end = not before or not after
    contrast = all(not word.isupper() or word.isdigit() for word in (*before[-1:], *after[:1]))
    if contrast and (at_an_end or words.names_a_document(*before[-2:])):
        return True
    if found.text in words.EXACT or found.mark is Mark.UTMOST:
        return at_an_end
    return bool(before) and not after and words.names_a_document(*before[-2:])


def _is_secret(found: _Found, every: list[str]) -> bool:
    before, after = every[: found.begin], every[found.end :]
    numbered = bool(before) and before[-1].isdigit()
    if (found.after and words.names_a_document(*before[-2:])) or (
        (found.before or numbered) and words.names_a_document(*after[:2])
    ):
        return True
    # What is surely apart is no part of another word.
    if (found.before < _FAR and before[-1].upper() in words.BEFORE | words.SPOKEN_OF | words.BESIDE) or (
        found.after < _FAR and after[0].upper() in words.AFTER | words.BESIDE
    ):
        return False
    return found.apart
