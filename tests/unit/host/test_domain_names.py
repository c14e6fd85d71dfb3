"""Names of domains in other letters become those of DNS, never another's, and in no time."""

import time

import pytest

from hanam_mail.host import domain_names

pytestmark = pytest.mark.dieu4


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        ("Tinh.Example", "tinh.example"),
        ("TỈNH.Example", "xn--tnh-dlz.example"),
        # One letter and two of which one is its sign.
        ("ti\u0309nh.example", "xn--tnh-dlz.example"),
        ("tỉnh。example．", "xn--tnh-dlz.example."),
        ("straße.example", "xn--strae-oqa.example"),
        ("ςσ.example", "xn--3xac.example"),
        ("xn--tnh-dlz.sở.example", "xn--tnh-dlz.xn--s-lym.example"),
    ],
)
def test_names_as_dns_has_them(domain: str, name: str) -> None:
    assert domain_names.in_ascii(domain) == name


@pytest.mark.parametrize("domain", ["\ue000.example", "\udcff.example", "ă" * 64, "ă." * 600, "ă" * 2_000_000])
def test_what_has_no_name_in_dns_is_told_soon(domain: str) -> None:
    began = time.process_time()
    with pytest.raises(UnicodeError):
        domain_names.in_ascii(domain)
    assert time.process_time() - began < 0.1


def test_the_longest_that_is_turned_takes_little_time() -> None:
    labels = ["".join(chr(0x4E00 + 331 * (number + each) % 20000) for each in range(60)) for number in range(16)]
    began = time.process_time()
    assert domain_names.in_ascii(".".join(labels)).isascii()
    assert time.process_time() - began < 0.1
