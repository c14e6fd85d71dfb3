"""Lists in DNS as the filter is told of them: never listed by a refusal, and no faulty entry arrives."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from hanam_mail.controller import dns_lists
from hanam_mail.controller.filter_lists import FilterListError

ROOT = Path(__file__).parents[3]
MOST = {"senders": 5.5, "links": 5.5, "allowed": 1}
GOOD: Mapping[str, Any] = {
    "zone": "lists.example",
    "use": True,
    "asks": ["client"],
    "counts": "senders",
    "answers": {"listed": {"codes": ["127.0.0.2-127.0.0.4"], "score": 3}},
}


def rows(**changes: Any) -> list[dict[str, Any]]:
    return dns_lists.rows({"a_list": {**GOOD, **changes}}, MOST)


def says(row: Mapping[str, Any], answer: str) -> set[str]:
    """The symbols of an answer, by its patterns."""
    return {
        symbol
        for symbol, patterns in row["answers"].items()
        if any(re.fullmatch(pattern.replace("%d", r"\d").replace("%.", r"\."), answer) for pattern in patterns)
    }


def test_an_answer_is_what_the_list_says_it_is() -> None:
    (row,) = rows()
    assert says(row, "127.0.0.4") == {"DNSLIST_A_LIST_LISTED"}
    assert says(row, "127.0.0.5") == set()
    assert row["scores"] == {"DNSLIST_A_LIST_LISTED": 3.0}
    assert (row["listed"], row["clean"]) == ("2.0.0.127", "1.0.0.127")


def test_a_refusal_never_lists_whatever_its_bits() -> None:
    """127.255.255.254 has the bits of everything."""
    (row,) = rows(asks=["links"], answers={"black": {"bits": [2, 8], "score": 3}}, refusals=["127.0.0.1"])
    assert says(row, "127.0.0.2") == says(row, "127.0.0.11") == {"DNSLIST_A_LIST_BLACK"}
    assert says(row, "127.0.0.4") == set()
    for refusal in ("127.255.255.252", "127.255.255.254", "127.255.255.255", "127.0.0.1"):
        assert says(row, refusal) == {"DNSLIST_A_LIST_REFUSED"}
    (row,) = rows(asks=["links"], answers={"all": {"bits": [1, 2], "score": 3}}, refusals=["127.0.0.3"])
    assert says(row, "127.0.0.3") == {"DNSLIST_A_LIST_REFUSED"}


def test_a_list_that_is_not_used_is_checked_all_the_same() -> None:
    assert rows(use=False) == []
    with pytest.raises(FilterListError, match="a_list: counts"):
        rows(use=False, counts="everything")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"zone": "bad zone"}, "zone is no domain"),
        ({"zone": None}, "zone is no domain"),
        ({"use": "yes"}, "true or false"),
        ({"asks": []}, "what is looked for"),
        ({"asks": "client"}, "what is looked for"),
        ({"asks": ["client", "links"]}, "not asked of one list"),
        ({"asks": ["sender"]}, "addresses, names and mailboxes"),
        ({"counts": "all"}, "counts is one of"),
        ({"answers": {}}, "answers are needed"),
        ({"answers": {"listed": {"codes": ["127.0.0.2"]}}}, "and a score"),
        ({"answers": {"refused": {"codes": ["127.0.0.2"], "score": 1}}}, "not `refused`"),
        ({"answers": {"listed": {"codes": ["127.0.0.2"], "score": 0}}}, "above 0"),
        ({"answers": {"listed": {"codes": ["127.0.0.2"], "score": True}}}, "above 0"),
        ({"answers": {"listed": {"codes": ["127.0.0.2"], "score": -1}}}, "above 0"),
        ({"counts": "allowed"}, "below 0"),
        ({"answers": {"listed": {"codes": ["10.0.0.2"], "score": 1}}}, "127.x.y.z"),
        ({"answers": {"listed": {"codes": ["127.0.0.9-127.0.0.2"], "score": 1}}}, "ranges"),
        ({"answers": {"listed": {"codes": ["127.255.255.254"], "score": 1}}}, "refuse to answer"),
        ({"answers": {"listed": {"codes": "127.0.0.2", "score": 1}}}, "list of addresses"),
        ({"answers": {"listed": {"bits": [3], "score": 1}}}, "bits are of"),
        ({"hash": "md5"}, "has a hash"),
        ({"asks": ["mailboxes"]}, "has a hash"),
        ({"asks": ["mailboxes"], "hash": "md5"}, "needs both"),
        ({"refusals": ["x"]}, "no address"),
        ({"scores": 1}, "no such field: scores"),
    ],
)
def test_a_faulty_list_is_named_with_its_fault(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(FilterListError, match=f"a_list.*{reason}"):
        rows(**changes)


def test_a_faulty_zone_is_not_shown_for_it_may_hold_a_key() -> None:
    with pytest.raises(FilterListError) as fault:
        rows(zone="secretkey .lists.example")
    assert "secretkey" not in str(fault.value)


def test_two_lists_of_one_zone_and_kinds_without_an_end_are_refused() -> None:
    with pytest.raises(FilterListError, match="same zone"):
        dns_lists.rows({"a": GOOD, "b": GOOD}, MOST)
    with pytest.raises(FilterListError, match="links needs a number"):
        dns_lists.rows({"a": GOOD}, {"senders": 1, "allowed": 1})


def test_groups_have_an_end_each() -> None:
    lists = {
        "bad": GOOD,
        "good": {
            **GOOD,
            "zone": "b.example",
            "counts": "allowed",
            "answers": {"ok": {"codes": ["127.0.0.2"], "score": -1}},
        },
    }
    senders, links, allowed = dns_lists.scores(lists, MOST)
    assert (senders["most"], senders["symbols"]) == (5.5, {"DNSLIST_BAD_LISTED": 3.0})
    assert (links["most"], links["symbols"]) == (5.5, {})
    assert (allowed["most"], allowed["symbols"]) == (-1, {"DNSLIST_GOOD_OK": -1.0})


def test_no_kind_of_list_alone_makes_junk_of_a_letter() -> None:
    """Of the province's lists."""
    province = yaml.safe_load((ROOT / "group_vars/hanam/dns_lists.yml").read_text(encoding="utf-8"))
    junk = yaml.safe_load((ROOT / "roles/rspamd/defaults/main.yml").read_text(encoding="utf-8"))["rspamd_score_mark"]
    assert max(province["dns_lists_most"].values()) < junk
