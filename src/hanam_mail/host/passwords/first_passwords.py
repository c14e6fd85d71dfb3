"""First passwords: random, of at least 80 bits, to be read from a slip of paper and typed once (Đ6.2, Đ7.3, Đ8.2).

    Kxm#7f3#tqp#9rb#4nh#8gv

No 0 O 1 l I, which look alike. No vowels, w, d or y: Vietnamese keyboards (Telex, VNI) make letters with marks of
them, and syllables would make words. Groups of three can be read aloud. They are hashed where they are made, so the
database never sees them: argon2id at its least cost, since so many random bits need no slow hash
(docs/decisions/0014-first-passwords-and-handover.md).
"""

import math
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LETTERS = "bcfghjkmnpqrstvxz"
DIGITS = "23456789"
GROUP = 3
BITS = 80
# The least that argon2id knows, in KiB, and one pass over them. The form has to be the one that the database admits.
MEMORY = 8
_SALT_OCTETS, _HASH_OCTETS = 16, 32
# What separates the groups: the first of these that the regulation takes for a special character.
_SEPARATORS = "#@*%$&!"


@dataclass(frozen=True)
class Rule:
    """What Đ8.2b asks of a password: numbers of characters, and which ones are special."""

    length: int
    uppercase: int
    lowercase: int
    digits: int
    special: int
    special_characters: str

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Rule":
        """From the settings regulation_password_* and password_min_length: the longer of the two lengths counts."""

        def least(what: str) -> int:
            return int(settings[f"regulation_password_min_{what}"])

        return cls(
            length=max(least("length"), int(settings["password_min_length"])),
            uppercase=least("uppercase"),
            lowercase=least("lowercase"),
            digits=least("digits"),
            special=least("special"),
            special_characters=str(settings["regulation_password_special_characters"]),
        )

    def admits(self, password: str) -> bool:
        """Whether a password is as the rule asks."""
        return (
            len(password) >= self.length
            and sum(c.isupper() for c in password) >= self.uppercase
            and sum(c.islower() for c in password) >= self.lowercase
            and sum(c.isdigit() for c in password) >= self.digits
            and sum(c in self.special_characters for c in password) >= self.special
        )


def bits(capitals: int, groups: int) -> float:
    """Random bits of a password of so many groups, of which the first ones begin with a capital letter."""
    return capitals * math.log2(len(LETTERS)) + (groups * GROUP - capitals) * math.log2(len(LETTERS + DIGITS))


def new(rule: Rule, choose: Callable[[str], str] = secrets.choice) -> str:
    """A password that the rule admits. Those few that lack a digit or a small letter are drawn again."""
    separator = next((c for c in _SEPARATORS if c in rule.special_characters), rule.special_characters[:1] or "-")
    capitals = max(rule.uppercase, 1)
    groups = max(math.ceil(rule.length / (GROUP + 1)) + 1, rule.special + 1, capitals, rule.digits)
    # A bit more than BITS: what is drawn again takes some hundredths of a bit.
    while bits(capitals, groups) < BITS + 0.5:
        groups += 1
    while True:
        parts = ["".join(choose(LETTERS + DIGITS) for _ in range(GROUP)) for _ in range(groups)]
        for place in range(capitals):
            parts[place] = choose(LETTERS).upper() + parts[place][1:]
        password = separator.join(parts)
        if rule.admits(password):
            return password


def hashes(passwords: Sequence[str]) -> list[str]:
    """Their hashes, in order."""
    from argon2.low_level import Type, hash_secret

    return [
        hash_secret(password.encode(), secrets.token_bytes(_SALT_OCTETS), 1, MEMORY, 1, _HASH_OCTETS, Type.ID).decode()
        for password in passwords
    ]
