"""Filling in and recognising the templates of addresses (`regulation_naming`, naming_rules.py)."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import count

from hanam_mail.regulation.naming.grammar import NamingRules, Template
from hanam_mail.regulation.naming.text import fold
from hanam_mail.regulation.naming.words import initials, unit_words

_LONE_SEPARATORS = re.compile(r"^[._-]+|[._-]+$|(?<=[._-])[._-]+")
_ANYTHING = "[a-z0-9]+"


def unit_parts(template: Template, name: str, rules: NamingRules, *, place: str = "") -> dict[str, str]:
    """The parts of the template that are made of the name of an agency or office; `place` as for `unit_words`."""
    words = fold(" ".join(unit_words(name, rules, place=place))).split()
    return _parts(template, words, lambda: initials(name, rules, place=place))


def name_parts(template: Template, name: str) -> dict[str, str]:
    """The parts of the template that are made of the name of a person."""
    words = fold(name).split()
    return _parts(template, words, lambda: "".join(word if word.isdecimal() else word[0] for word in words))


def _parts(template: Template, words: Sequence[str], initials: Callable[[], str]) -> dict[str, str]:
    makers: dict[str, Callable[[], str]] = {
        "slug": lambda: "".join(words),
        "initials": initials,
        "family": lambda: "".join(words[:-1][:1]),
        "middle": lambda: "".join(words[1:-1]),
        "given": lambda: "".join(words[-1:]),
        "leading_initials": lambda: "".join(word[0] for word in words[:-1]),
    }
    return {part: makers[part]() for part in template.parts if part in makers}


def render(template: Template, values: Mapping[str, str]) -> str:
    """The template filled in; a separator beside an empty part (a name of one word) falls away."""
    text = "".join(literal + (values[part] if part else "") for literal, part in template.pieces)
    return _LONE_SEPARATORS.sub("", text)


@lru_cache(maxsize=4096)
def office_pattern(template: Template, agency: str) -> re.Pattern[str]:
    """What fits the form with the agency's code in its place and any letters and digits for the office's name."""
    parts = {"": "", "code": re.escape(agency)}
    pieces = (re.escape(literal) + parts.get(part, f"(?P<{part}>{_ANYTHING})") for literal, part in template.pieces)
    return re.compile("".join(pieces))


def short_pattern(template: Template, name: str) -> re.Pattern[str]:
    """What fits the form with each word of the name but the first and last whole, as its initial, or left out."""
    words = [re.escape(word) for word in fold(name).split()]
    inner = "".join(f"(?:{word}|{word[0]})?" for word in words[1:-1])
    short = {"slug": "".join([*words[:1], inner, *words[-1:][len(words) < 2 :]]), "middle": inner}
    parts = {"": "", **{part: re.escape(made) for part, made in name_parts(template, name).items()}, **short}
    return re.compile("".join(re.escape(literal) + parts[part] for literal, part in template.pieces))


@lru_cache
def plain_pattern(template: Template) -> re.Pattern[str]:
    """What fits a form whatever the name."""
    pieces = (re.escape(literal) + (_ANYTHING if part else "") for literal, part in template.pieces)
    return re.compile("".join(pieces))


def counter() -> Iterator[str]:
    """The numbers that tell apart what nothing else does: 2, 3, ... without end."""
    return map(str, count(2))
