"""Judges of the values in rule_values.py: each says what is wrong with one, "" when nothing is.

Runs on the hosts too, so it imports nothing but the standard library.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

# The reasons by which programs lock: the nightly job, reset-password --leaked, floods and viruses.
JOBS_LOCK_BY = ("idle", "default_password", "compromised")

type Judge = Callable[[Any], str]
"""What is wrong with a value, "" when nothing is."""


def number(least: int, most: int) -> Judge:
    def judge(value: Any) -> str:
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return ""
        return f"ít nhất {least}, nhiều nhất {most}, là số nguyên; đang là {value!r}"

    return judge


def numbers(least: int, most: int, *, rising: bool) -> Judge:
    one = number(least, most)
    order = "tăng dần" if rising else "giảm dần"

    def judge(value: Any) -> str:
        if not isinstance(value, list) or not value:
            return f"cần danh sách số nguyên {order}; đang là {value!r}"
        wrong = next(filter(None, map(one, value)), "")
        if not wrong and list(value) != sorted(set(value), reverse=not rising):
            return f"phải {order}, không lặp lại; đang là {value!r}"
        return wrong and f"mỗi số {wrong}"

    return judge


def flag(value: Any) -> str:
    return "" if isinstance(value, bool) else f"chỉ true hoặc false; đang là {value!r}"


def text(pattern: str, expected: str) -> Judge:
    form = re.compile(pattern)

    def judge(value: Any) -> str:
        return "" if isinstance(value, str) and form.fullmatch(value) else f"cần {expected}; đang là {value!r}"

    return judge


def texts(pattern: str, expected: str) -> Judge:
    one = text(pattern, expected)

    def judge(value: Any) -> str:
        if not isinstance(value, list):
            return f"cần danh sách {expected}; đang là {value!r}"
        return next(filter(None, map(one, value)), "")

    return judge


def day_of_year(value: Any) -> str:
    """`value` as DD/MM, a day that each year has."""
    try:
        datetime.strptime(f"{value}/2001", "%d/%m/%Y")
        if re.fullmatch(r"\d\d/\d\d", value):
            return ""
    except (TypeError, ValueError):
        pass
    return f'cần ngày và tháng dạng "15/11"; đang là {value!r}'


def special_characters(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[!-/:-@\[-`{-~]+", value) and len(set(value)) == len(value):
        return ""
    return f"cần các ký tự đặc biệt ASCII, mỗi ký tự một lần; đang là {value!r}"


def lock_reasons(value: Any) -> str:
    if not isinstance(value, Mapping):
        return f"cần một bảng lý do; đang là {value!r}"
    missing = [name for name in JOBS_LOCK_BY if name not in value]
    if missing:
        return f"thiếu lý do {', '.join(missing)} mà chương trình dùng để khóa"
    for name, entry in value.items():
        whole = isinstance(entry, Mapping) and set(entry) == {"clause", "text"}
        if not whole or not all(isinstance(entry[key], str) and entry[key].strip() for key in entry):
            return f"lý do {name}: cần clause và text"
    return ""


def province(value: Any) -> str:
    right = isinstance(value, Mapping) and set(value) == {"kind", "name"}
    if right and all(isinstance(text, str) and text.strip() for text in value.values()):
        return ""
    return f"cần một bảng có kind và name; đang là {value!r}"


def worked_out(value: Any) -> str:
    return "" if value else "để trống"


def sending_limits(value: Any) -> str:
    """By kind of mailbox, what a day may hold is no less than what an hour may."""
    if not isinstance(value, Mapping) or set(value) != set(_SENDERS):
        return f"cần một bảng có đúng các loại {', '.join(_SENDERS)}"
    for kind, numbers in value.items():
        if not isinstance(numbers, Mapping) or set(numbers) != {f"{what}_{span}" for what in _SENT for span in _SPANS}:
            return f"{kind}: cần messages_hour, messages_day, recipients_hour, recipients_day"
        wrong = next(filter(None, map(number(1, 1_000_000), numbers.values())), "")
        if wrong:
            return f"{kind}: mỗi số {wrong}"
        if any(numbers[f"{what}_day"] < numbers[f"{what}_hour"] for what in _SENT):
            return f"{kind}: số của một ngày không được nhỏ hơn số của một giờ"
    return ""


def held_kinds(value: Any) -> str:
    """What is held, by the word that the filter puts into X-Hanam-Hold."""
    wrong = _HELD_KINDS(value)
    names = () if wrong else (name for name in value if not re.fullmatch(r"[a-z][a-z-]{0,31}", name))
    return wrong or next((f"{name}: tên loại chỉ gồm chữ thường không dấu và -" for name in names), "")


def collector_providers(value: Any) -> str:
    """Networks and names by which a private provider is known: what is too wide would shut out people."""
    wrong = _PROVIDERS(value)
    keys = () if wrong else (key for key in value if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", key))
    return wrong or next((f"{key}: mã chỉ gồm chữ thường không dấu, số và -" for key in keys), "")


def _provider_network(value: Any) -> str:
    """Sign-ins know IPv6 by networks of 64 bits."""
    try:
        network = ipaddress.ip_network(value) if isinstance(value, str) else None
    except ValueError:
        network = None
    least, most = (8, 32) if network is None or network.version == 4 else (20, 64)
    if network is None or not least <= network.prefixlen <= most:
        return f"cần mạng dạng CIDR, từ /{least} đến /{most}; đang là {value!r}"
    return ""


_SENDERS = ("person", "guest", "office", "agency")
_SENT, _SPANS = ("messages", "recipients"), ("hour", "day")


def naming(value: Any) -> str:
    """The grammar of addresses and the lists of words, as naming_rules.py takes them; templates are its affair."""
    return _NAMING(value)


def former_naming(value: Any) -> str:
    """That of an earlier revision, which may lack what came since and have what has gone."""
    return _FORMER_NAMING(value)


def _by_name(one: Judge) -> Judge:
    """A table whose names are free."""

    def judge(value: Any) -> str:
        if not isinstance(value, Mapping) or not all(isinstance(name, str) and name.strip() for name in value):
            return f"cần một bảng theo tên; đang là {value!r}"
        return next((f"{name}: {wrong}" for name, entry in value.items() if (wrong := one(entry))), "")

    return judge


def _fields(judges: Mapping[str, Judge], *, optional: Iterable[str] = (), strangers: bool = False) -> Judge:
    """A table of just these names; those of `optional` may be missing."""
    needed = judges.keys() - set(optional)

    def judge(value: Any) -> str:
        if not isinstance(value, Mapping):
            return f"cần một bảng; đang là {value!r}"
        missing, unknown = sorted(needed - value.keys()), sorted(map(str, value.keys() - judges.keys()))
        if missing or (unknown and not strangers):
            words = (("thiếu", missing), ("không có mục", () if strangers else unknown))
            return "; ".join(f"{word} {', '.join(names)}" for word, names in words if names)
        found = ((name, judge(value[name])) for name, judge in judges.items() if name in value)
        return next((f"{name}: {wrong}" for name, wrong in found if wrong), "")

    return judge


def _list(one: Judge) -> Judge:
    def judge(value: Any) -> str:
        if not isinstance(value, list):
            return f"cần danh sách; đang là {value!r}"
        return next(filter(None, map(one, value)), "")

    return judge


_WORD = text(r"\S(.*\S)?", "chuỗi ký tự không trống")
_WORDS = _list(_WORD)
_HELD_KINDS = _by_name(
    _fields(
        {
            "title": _WORD,
            "why": _WORD,
            "advice": _WORD,
            "tell_receivers": flag,
            "drop_after_days": number(0, 3660),
            "facts_days": number(1, 18_300),
        },
        optional=("advice", "tell_receivers", "facts_days"),
    )
)
_PROVIDER_NAME = text(r"([a-z0-9-]{1,63}\.)+[a-z][a-z0-9-]{1,62}", "tên miền có ít nhất hai phần, chữ thường")
_PROVIDERS = _by_name(_fields({"name": _WORD, "networks": _list(_provider_network), "names": _list(_PROVIDER_NAME)}))
_FORM = _fields({"clause": _WORD, "text": _WORD, "code": _WORD, "address": _WORD}, optional=("code",))
_FORMS = dict.fromkeys(("department", "district", "commune", "unit", "office", "person"), _FORM)
_NAMESAKE = _fields({"clause": _WORD, "address": _WORD, "same_agency": flag}, optional=("same_agency",))
_PEOPLE = dict.fromkeys(("families", "middle_words", "marked_words", "titles", "roles", "units", "agencies"), _WORDS)
_PARTS: Mapping[str, Judge] = {
    "forms": _fields(_FORMS),
    "namesakes": _list(_NAMESAKE),
    "dropped_words": _WORDS,
    "level_words": _WORDS,
    "abbreviations": _by_name(_WORD),
    "acronyms": _by_name(_WORD),
    "committee_prefix": _WORD,
    "unit_kinds": _WORDS,
    "suffix_type_words": _WORDS,
    "suffix_length": number(1, 10),
    "home_places": _WORDS,
    "reserved_local_parts": _by_name(_WORDS),
    "approved_codes": _by_name(_fields({"code": _WORD, "reason": _WORD})),
    "person_names": _fields(_PEOPLE),
}
_NAMING = _fields(_PARTS)
_FORMER_NAMING = _fields(
    {**_PARTS, "person_names": _fields(_PEOPLE, optional=_PEOPLE, strangers=True)},
    optional=("acronyms", "home_places", "person_names"),
    strangers=True,
)
