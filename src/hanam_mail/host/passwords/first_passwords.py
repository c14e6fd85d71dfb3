"""First passwords: random, to be read from a slip of paper and typed once, on a phone too (Đ6.2, Đ7.3, Đ8.2).

    Kxmqvbtrghnp@374

Sixteen signs of 58 random bits where the regulation asks for no more. All letters first, then the sign and the digits:
a phone's keyboard is switched once. No 0 O 1 l I, which look alike. No vowels, w, d or y: Vietnamese keyboards (Telex,
VNI) make letters with marks of them, and syllables would make words. Paper shows groups of four, which can be read
aloud. They are hashed where they are made, so the database never sees them: argon2id at its least cost
(docs/decisions/0014-first-passwords-and-handover.md, docs/decisions/0075-papers.md).
"""

import math
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LETTERS = "bcfghjkmnpqrstvxz"
DIGITS = "23456789"
GROUP = 4
BITS = 58
_LETTERS, _DIGITS = 12, 3
# The least that argon2id knows, in KiB, and one pass over them. The form has to be the one that the database admits.
MEMORY = 8
_SALT_OCTETS, _HASH_OCTETS = 16, 32
# The first of these that the regulation takes for a special character. Phones show @ & $ beside the digits.
_SPECIAL = "@&$#*%!"


@dataclass(frozen=True)
class PasswordRule:
    """What Đ8.2b asks of a password: numbers of characters, and which ones are special."""

    length: int
    uppercase: int
    lowercase: int
    digits: int
    special: int
    special_characters: str

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "PasswordRule":
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


def bits(letters: int, digits: int) -> float:
    """Random bits of a password of so many letters and digits; which of the letters are capitals is known."""
    return letters * math.log2(len(LETTERS)) + digits * math.log2(len(DIGITS))


def new(rule: PasswordRule, choose: Callable[[str], str] = secrets.choice) -> str:
    """A password that the rule admits: capitals, small letters, special characters, digits, in this order."""
    sign = next((c for c in _SPECIAL if c in rule.special_characters), rule.special_characters[:1] or "-")
    capitals, special = max(rule.uppercase, 1), max(rule.special, 1)
    digits = max(rule.digits, _DIGITS)
    small = max(_LETTERS - capitals, rule.lowercase, rule.length - capitals - special - digits)
    letters = "".join(choose(LETTERS) for _ in range(capitals + small))
    return (
        letters[:capitals].upper()
        + letters[capitals:]
        + sign * special
        + "".join(choose(DIGITS) for _ in range(digits))
    )


def groups(password: str) -> list[str]:
    """Its signs as paper shows them, to be typed without a space."""
    return [password[place : place + GROUP] for place in range(0, len(password), GROUP)]


def hashes(passwords: Sequence[str]) -> list[str]:
    """Their hashes, in order."""
    from argon2.low_level import Type, hash_secret

    return [
        hash_secret(password.encode(), secrets.token_bytes(_SALT_OCTETS), 1, MEMORY, 1, _HASH_OCTETS, Type.ID).decode()
        for password in passwords
    ]
