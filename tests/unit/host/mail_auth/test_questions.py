"""Questions to the resolver: what they find, and how long and how many they may be."""

import time

import pytest
from tests.unit.host.mail_auth import nameserver

from hanam_mail.host.mail_auth import questions
from hanam_mail.host.mail_auth.questions import Questions, TemporaryError

pytestmark = pytest.mark.dieu4

ZONE: nameserver.Zone = {
    "here.example": {"TXT": ['"a" "b"', '"\\200"'], "A": ["192.0.2.1"], "MX": ["10 mail.here.example."]},
    "alias.example": {"CNAME": ["here.example."]},
    "below.empty.example": {"A": ["192.0.2.1"]},
    "long.example": {"TXT": [nameserver.text("x" * 6000)]},
    "fails.example": nameserver.FAILS,
    "silent.example": nameserver.SILENT,
    "odd name.example": {"A": ["192.0.2.2"]},
}


def test_what_is_found() -> None:
    with nameserver.serve(ZONE) as (server, address):
        asked = nameserver.questions(address)
        assert set(asked.texts("here.example")) == {b"ab", b"\xc8"}
        assert set(asked.texts("alias.example.")) == {b"ab", b"\xc8"}
        assert asked.ask("here.example", "MX").records == ((10, "mail.here.example"),)
        assert asked.ask("odd name.example", "A").records == ("192.0.2.2",)
        absent, empty = asked.ask("absent.example", "A"), asked.ask("empty.example", "A")
        assert (absent.records, absent.exists, empty.records, empty.exists) == ((), False, (), True)
        before = len(server.asked)
        asked.texts("HERE.example")
        assert len(server.asked) == before, "an answer is asked for once"


@pytest.mark.parametrize("name", ["", "a..example", f"{'a' * 64}.example", "a." * 130 + "example", ".example"])
def test_a_name_that_dns_cannot_have_is_not_asked_for(name: str) -> None:
    with nameserver.serve(ZONE) as (server, address):
        answer = nameserver.questions(address).ask(name, "A")
        assert (answer.records, answer.exists, answer.asked, server.asked) == ((), False, False, [])


def test_an_answer_too_long_for_a_datagram_comes_by_tcp() -> None:
    with nameserver.serve(ZONE) as (server, address):
        assert nameserver.questions(address).texts("long.example") == (b"x" * 6000,)
        assert len(server.asked) == 2


def test_a_failure_of_the_resolver_is_temporary_and_said_once() -> None:
    with nameserver.serve(ZONE) as (server, address):
        asked = nameserver.questions(address)
        for _ in range(2):
            with pytest.raises(TemporaryError, match=r"DNS on fails\.example TXT: SERVFAIL"):
                asked.texts("fails.example")
        assert len(server.asked) == 1


def test_silence_ends_and_all_questions_together_have_one_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "TRY_SECONDS", 0.3)
    with nameserver.serve(ZONE) as (_, address):
        asked = nameserver.questions(address, seconds=1)
        began = time.monotonic()
        for name in ("silent.example", "fails.example", "silent.example"):
            with pytest.raises(TemporaryError):
                asked.ask(name, "A")
        with pytest.raises(TemporaryError, match="Timeout"):
            asked.ask("silent.example", "TXT")
        with pytest.raises(TemporaryError, match=r"Timeout|out of time"):
            asked.ask("silent.example", "MX")
        assert time.monotonic() - began < 1.5


def test_what_a_part_had_no_time_for_is_asked_again_by_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "TRY_SECONDS", 0.4)
    with nameserver.serve(ZONE) as (server, address):
        asked = nameserver.questions(address)
        with asked.within(0.2):
            for name in ("silent.example", "here.example"):
                with pytest.raises(questions.OutOfTime):
                    asked.ask(name, "A")
        assert asked.ask("here.example", "A").records == ("192.0.2.1",)
        for _ in range(2):
            with pytest.raises(TemporaryError, match="Timeout"):
                asked.ask("silent.example", "A")
        assert [name for name, _ in server.asked].count("silent.example") == 1 + questions.TRIES
        with asked.within(1000):
            assert asked.until < time.monotonic() + 6


def test_a_resolver_that_is_not_there_is_temporary() -> None:
    asked = Questions([("127.0.0.1", 1)], time.monotonic() + 1, 10)
    with pytest.raises(TemporaryError):
        asked.texts("here.example")


def test_a_second_resolver_is_asked_where_the_first_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "TRY_SECONDS", 0.3)
    silent = {"here.example": nameserver.SILENT}
    with nameserver.serve(silent) as (_, first), nameserver.serve(ZONE) as (_, second):
        asked = Questions([first, second], time.monotonic() + 5, 10)
        assert asked.ask("here.example", "A").records == ("192.0.2.1",)


def test_no_more_are_put_than_allowed() -> None:
    with nameserver.serve(ZONE) as (server, address):
        asked = nameserver.questions(address, most=2)
        asked.texts("here.example")
        asked.ask("here.example", "A")
        with pytest.raises(TemporaryError, match="too many"):
            asked.ask("here.example", "MX")
        assert len(server.asked) == 2
