"""May a client send for a domain (SPF, RFC 7208)? Tables of our own, against a name server of our own."""

import time
from collections.abc import Iterator

import pytest
from tests.spf_tables import BUSY, BUSY_SENDER, CASES, CLIENT, COUNTED, HELO, ZONE
from tests.unit.host.mail_auth import nameserver

from hanam_mail.host.mail_auth import questions, spf, spf_record

pytestmark = pytest.mark.dieu4


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[nameserver.Server, tuple[str, int]]]:
    with nameserver.serve(ZONE) as both:
        yield both


def check(
    served: tuple[nameserver.Server, tuple[str, int]],
    domain: str,
    address: str = CLIENT,
    sender: str = "an@",
    helo: str = HELO,
) -> spf.SpfResult:
    return spf.check(nameserver.questions(served[1]), address, helo, sender + domain if sender else "")


@pytest.mark.parametrize("name", CASES)
def test_each_case_of_the_tables(
    served: tuple[nameserver.Server, tuple[str, int]], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(questions, "TRY_SECONDS", 0.2)
    case = CASES[name]
    result = spf.check(nameserver.questions(served[1]), case.address, case.helo, case.sender)
    assert result.result == case.result, result


def test_no_more_names_of_exchangers_are_asked_for_than_ten(served: tuple[nameserver.Server, tuple[str, int]]) -> None:
    served[0].asked.clear()
    check(served, f"c{list(COUNTED).index('eleven exchangers')}.example")
    assert ("next.example", "A") not in served[0].asked


def test_without_a_sender_the_name_in_helo_is_asked_about(served: tuple[nameserver.Server, tuple[str, int]]) -> None:
    result = check(served, "", sender="", helo="No.Example.")
    assert (result.result, result.identity, result.domain, result.sender) == (
        "fail",
        "helo",
        "no.example",
        "postmaster@no.example",
    )
    assert check(served, "no.example", helo="yes.example").identity == "mailfrom"


def test_a_sender_without_a_local_part_is_postmaster(served: tuple[nameserver.Server, tuple[str, int]]) -> None:
    assert check(served, "@no.example", sender="").identity == "helo"
    assert spf.check(nameserver.questions(served[1]), CLIENT, "x", "@no.example").sender == "postmaster@no.example"


def test_macros_are_put_in_as_the_standard_shows() -> None:
    """The examples of section 7.4."""
    values = {
        "s": "strong-bad@email.example.com",
        "l": "strong-bad",
        "o": "email.example.com",
        "d": "email.example.com",
        "i": "192.0.2.3",
        "v": "in-addr",
        "h": "mx.example.org",
    }
    shown = {
        "%{s}": "strong-bad@email.example.com",
        "%{o}": "email.example.com",
        "%{d4}": "email.example.com",
        "%{d3}": "email.example.com",
        "%{d2}": "example.com",
        "%{d1}": "com",
        "%{dr}": "com.example.email",
        "%{d2r}": "example.email",
        "%{l}": "strong-bad",
        "%{l-}": "strong.bad",
        "%{lr}": "strong-bad",
        "%{lr-}": "bad.strong",
        "%{l1r-}": "strong",
        "%{ir}.%{v}._spf.%{d2}": "3.2.0.192.in-addr._spf.example.com",
        "%{lr-}.lp._spf.%{d2}": "bad.strong.lp._spf.example.com",
        "%{S}": "strong-bad%40email.example.com",
        "%%%_%-": "% %20",
        "%{d}.": "email.example.com",
    }
    assert {text: spf_record.expand(text, values.__getitem__) for text in shown} == shown


def test_a_long_name_is_cut_from_the_left_to_whole_labels() -> None:
    name = spf_record.expand("%{d}" + ".%{d}" * 20, lambda _: "a" * 30)
    assert name == ".".join(["a" * 30] * 8)


@pytest.mark.parametrize("domain", BUSY)
def test_no_record_keeps_it_busy(served: tuple[nameserver.Server, tuple[str, int]], domain: str) -> None:
    began = time.process_time()
    result = check(served, f"{domain}.example", sender=f"{BUSY_SENDER}@")
    assert result.result == BUSY[domain], result
    assert time.process_time() - began < 2
