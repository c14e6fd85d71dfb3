"""A text as a YAML scalar on one line, read back as that text by every YAML reader."""

from functools import lru_cache

import yaml

_INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@`=<")  # = and << stand for more than text in YAML 1.1
_WORDS = frozenset(("y", "n", "yes", "no", "true", "false", "on", "off", "null"))
_INSIDE = ("[", "]", "{", "}", ",", ": ", " #")
_ESCAPES = {"\\": "\\\\", '"': '\\"'}


@lru_cache(maxsize=100_000)
def scalar(text: str) -> str:
    """Plain where that is read as the same text, in block and flow alike; else in double quotes."""
    return text if _may_be_plain(text) else f'"{"".join(map(_escaped, text))}"'


def _may_be_plain(text: str) -> bool:
    if (
        not text
        or text[0] in _INDICATORS
        or text != text.strip()
        or text.endswith(":")
        or not text.isprintable()
        or any(mark in text for mark in _INSIDE)
    ):
        return False
    if text[0].isalpha():
        return text.casefold() not in _WORDS
    try:
        return isinstance(yaml.load(text, Loader=yaml.CSafeLoader), str)
    except (yaml.YAMLError, ValueError):  # 2023-02-30 would be a date if there were such a day
        return False


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    number = ord(char)
    if number <= 0xFF:
        return f"\\x{number:02X}"
    return f"\\u{number:04X}" if number <= 0xFFFF else f"\\U{number:08X}"
