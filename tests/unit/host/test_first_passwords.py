"""First passwords: random enough, to be read aloud, and as Đ8.2b asks under any numbers of the regulation."""

import re
import secrets
from pathlib import Path
from typing import Any

import pytest
import yaml
from argon2.exceptions import VerifyMismatchError
from argon2.low_level import Type, verify_secret

from hanam_mail.host.passwords import first_passwords
from hanam_mail.host.passwords.first_passwords import PasswordRule

SHARED = Path(__file__).parents[3] / "group_vars/hanam"
NUMBERS: dict[str, Any] = {
    name: value
    for file in ("regulation.yml", "passwords.yml")
    for name, value in yaml.safe_load((SHARED / file).read_text(encoding="utf-8")).items()
}
RULE = PasswordRule.of(NUMBERS)


@pytest.mark.dieu8
@pytest.mark.parametrize(("regulation", "installation", "length"), [(8, 8, 8), (8, 30, 30), (12, 8, 12)])
def test_the_longer_of_regulation_and_installation_counts(regulation: int, installation: int, length: int) -> None:
    numbers = {**NUMBERS, "regulation_password_min_length": regulation, "password_min_length": installation}
    rule = PasswordRule.of(numbers)
    assert rule.length == length
    assert len(first_passwords.new(rule)) >= length


@pytest.mark.dieu8
def test_a_first_password_is_as_the_regulation_asks() -> None:
    for _ in range(200):
        assert RULE.admits(first_passwords.new(RULE))


@pytest.mark.dieu8
@pytest.mark.parametrize(
    "rule",
    [
        PasswordRule(8, 1, 1, 1, 1, "!@#%$*&"),
        PasswordRule(40, 2, 3, 3, 8, "&"),
        PasswordRule(1, 0, 0, 0, 0, ""),
        PasswordRule(12, 5, 1, 6, 2, "+="),
    ],
)
def test_other_numbers_of_the_regulation_are_met_too(rule: PasswordRule) -> None:
    assert rule.admits(first_passwords.new(rule))


def test_no_letter_looks_like_another_or_becomes_one_on_a_vietnamese_keyboard() -> None:
    text = "".join(first_passwords.new(RULE) for _ in range(500))
    assert not set(text) & set("0O1lIoi" + "aeiouydw" + "AEIOUYDW")


@pytest.mark.dieu8
def test_it_has_sixteen_signs_with_all_letters_before_the_sign_and_the_digits() -> None:
    """A phone's keyboard is switched once."""
    password = first_passwords.new(RULE)
    assert re.fullmatch(r"[A-Z][a-z]{11}@[2-9]{3}", password)
    assert len(password) <= 16
    assert first_passwords.groups(password) == [password[:4], password[4:8], password[8:12], password[12:]]


def test_it_has_as_many_random_bits_as_the_record_says() -> None:
    assert first_passwords.bits(12, 3) >= first_passwords.BITS
    drawn: list[str] = []

    def choose(alphabet: str) -> str:
        drawn.append(alphabet)
        return secrets.choice(alphabet)

    first_passwords.new(RULE, choose)
    assert drawn == [first_passwords.LETTERS] * 12 + [first_passwords.DIGITS] * 3


@pytest.mark.dieu8
@pytest.mark.parametrize(("characters", "sign"), [("!@#%$*&", "@"), ("!#$", "$"), ("+=", "+"), ("", "-")])
def test_the_sign_is_one_of_the_regulations_that_phones_show_beside_the_digits(characters: str, sign: str) -> None:
    assert first_passwords.new(PasswordRule(8, 1, 1, 1, 1, characters))[12] == sign


def test_no_two_are_alike() -> None:
    assert len({first_passwords.new(RULE) for _ in range(5000)}) == 5000


def test_the_hash_is_of_the_form_that_the_database_takes() -> None:
    passwords = [first_passwords.new(RULE) for _ in range(5)]
    made = first_passwords.hashes(passwords)
    assert len({hash_.split("$")[4] for hash_ in made}) == 5, "each has a salt of its own"
    for password, hash_ in zip(passwords, made, strict=True):
        assert re.fullmatch(r"\$argon2id\$v=19\$m=8,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}", hash_)
        assert verify_secret(hash_.encode(), password.encode(), Type.ID)
        with pytest.raises(VerifyMismatchError):
            verify_secret(hash_.encode(), password.swapcase().encode(), Type.ID)
