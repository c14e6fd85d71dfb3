"""Lists in DNS are looked after: one that is away, refuses, lists all or nothing is not used, and told."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from hanam_mail.dns_check import AskDns, DnsAnswer
from hanam_mail.host import dns_lists
from hanam_mail.host.dns_lists import ListFault, look
from hanam_mail.host.findings import DnsLook

ROWS = [
    {"name": "one", "zone": "key.one.example", "listed": "2.0.0.127", "clean": "1.0.0.127", "refusals": ["127.0.0.1"]},
    {"name": "two", "zone": "two.example", "listed": "test", "clean": "invalid", "refusals": []},
]
WELL = {"2.0.0.127.key.one.example.": "127.0.0.2", "test.two.example.": "127.0.1.2"}
AWAY = "away"


def asking(answers: Mapping[str, str]) -> Callable[[], AskDns]:
    def ask(name: str, kind: str) -> DnsAnswer:
        assert kind == "A"
        said = answers.get(name, "")
        return DnsAnswer(error="SERVFAIL") if said == AWAY else DnsAnswer(data=(said,) if said else ())

    return lambda: ask


def test_lists_that_are_well_are_used() -> None:
    state, unused = look(ROWS, asking(WELL), DnsLook(complete=0), 100)
    assert (state.found, state.silent, state.complete, unused) == ([], [], 100, [])


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        ({"1.0.0.127.key.one.example.": "127.0.0.2"}, ListFault.ALL),
        ({"1.0.0.127.key.one.example.": "203.0.113.5", "2.0.0.127.key.one.example.": "203.0.113.5"}, ListFault.ALL),
        ({"2.0.0.127.key.one.example.": ""}, ListFault.NOTHING),
        ({"2.0.0.127.key.one.example.": "203.0.113.5"}, ListFault.NOTHING),
        ({"2.0.0.127.key.one.example.": "127.255.255.254"}, ListFault.REFUSES),
        ({"2.0.0.127.key.one.example.": "127.0.0.1"}, ListFault.REFUSES),
        ({"1.0.0.127.key.one.example.": "127.255.255.255"}, ListFault.REFUSES),
        ({"1.0.0.127.key.one.example.": "127.0.0.2", "2.0.0.127.key.one.example.": AWAY}, ListFault.ALL),
    ],
)
def test_a_list_that_is_not_well_is_not_used_and_told(answers: dict[str, str], fault: ListFault) -> None:
    state, unused = look(ROWS, asking({**WELL, **answers}), DnsLook(complete=0), 100)
    assert unused == ["key.one.example"]
    assert [each.cause for each in state.found] == [f"dnslist:one:{fault.name.lower()}"]
    assert state.complete == 100


def test_nothing_that_is_told_holds_the_zone_and_its_key() -> None:
    for answers in ({}, {"2.0.0.127.key.one.example.": AWAY}):
        state, _ = look(ROWS, asking(answers), DnsLook(complete=0), 100)
        assert "key" not in str(state)


@pytest.mark.parametrize("name", ["2.0.0.127.key.one.example.", "1.0.0.127.key.one.example."])
def test_a_list_that_does_not_answer_is_not_asked_and_told_later(name: str) -> None:
    state, unused = look(ROWS, asking({**WELL, name: AWAY}), DnsLook(complete=50), 100)
    assert unused == ["key.one.example"]
    assert (state.found, state.complete, len(state.silent)) == ([], 50, 1)


def test_what_was_found_of_a_list_stays_while_it_does_not_answer() -> None:
    before, _ = look(ROWS, asking({}), DnsLook(complete=0), 100)
    state, _ = look(ROWS, asking({"2.0.0.127.key.one.example.": AWAY, "test.two.example.": "127.0.1.2"}), before, 200)
    assert [each.place for each in state.found] == ["one"]
    state, unused = look(ROWS, asking(WELL), state, 300)
    assert (state.found, unused) == ([], [])


def test_a_list_that_does_not_answer_keeps_none_from_being_asked() -> None:
    """Each has an asker of its own: one remembers who was silent."""
    made = list[int]()

    def new() -> AskDns:
        made.append(1)
        return asking(WELL)()

    look(ROWS, new, DnsLook(complete=0), 1)
    assert len(made) == len(ROWS)


def test_lists_that_are_all_away_stay_as_they_were() -> None:
    """Our own resolver is away: when it is back, so are the lists, at once."""
    away = {f"{row[which]}.{row['zone']}.": AWAY for row in ROWS for which in ("listed", "clean")}
    state, unused = look(ROWS, asking(away), DnsLook(complete=7), 100)
    assert (unused, state.complete, len(state.silent)) == (None, 7, 2)
    # Where no answer ever comes, each letter would wait for them.
    for _ in range(dns_lists.PATIENCE - 1):
        assert unused is None
        state, unused = look(ROWS, asking(away), state, 200)
    assert sorted(unused or []) == ["key.one.example", "two.example"]
    assert sorted(look(ROWS, asking(away), state, 300)[1] or []) == ["key.one.example", "two.example"]
    # One that answers has its say again at once, and the next silence is a new one.
    state, unused = look(ROWS, asking(away | {name: WELL.get(name, "") for name in away if "two" in name}), state, 400)
    assert unused == ["key.one.example"]
    assert look(ROWS, asking(away), state, 500)[1] is None
    _, unused = look(ROWS[:1], asking(away), DnsLook(complete=7), 100)
    assert unused == ["key.one.example"]
    assert look([], asking({}), DnsLook(complete=7), 100)[1] == []


def test_the_filters_map_is_written_only_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "unused"
    dns_lists.write_unused(path, ["b.example", "a.example"])
    assert path.read_text() == "# hanam-dns-lists\na.example\nb.example\n"
    before = path.stat().st_ino
    dns_lists.write_unused(path, ["a.example", "b.example"])
    assert path.stat().st_ino == before
    dns_lists.write_unused(path, [])
    assert path.read_text() == "# hanam-dns-lists\n"
