"""The plan that leads from the accounts database to the registry's desired state."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from hanam_mail import apply
from hanam_mail.apply import Accounts, Address, Change, Plan, Refused

TODAY = date(2026, 11, 25)
AGENCY = {"id": "k7q2m4", "kind": "department", "name": "Sở Y tế", "code": "syt", "suffix": "yt"}


def entry(id_: str = "p3x8d1", **more: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "kind": "person",
        "agency": "k7q2m4",
        "name": "Nguyễn Thị Hà",
        "address": f"ha.{id_}",
        "aliases": [],
        "quota_bytes": 2 * 2**30,
        "state": "active",
        "shard": 0,
        "clerks": [],
        "document": {"event": "issue", "done": "2023-06-27", "request": "2023-0004"},
        **more,
    }


def accounts(*entries: dict[str, Any]) -> Accounts:
    return apply.read(json.dumps({"agencies": [AGENCY], "mailboxes": list(entries)}))


def plan(have: Accounts, want: Accounts, **options: bool) -> Plan:
    return apply.plan(have, want, TODAY, domain="hanam.gov.vn", **options)


def test_nothing_to_do_is_nothing_changed() -> None:
    both = accounts(entry(), entry("t5v9c2", aliases=[{"address": "cu", "until": "2027-01-01"}]))
    assert not plan(both, both).changed
    assert plan(both, both).lines() == []


def test_a_new_mailbox_is_created_with_its_address() -> None:
    result = plan(accounts(), accounts(entry()))
    assert [item["address"] for item in result.created] == ["ha.p3x8d1@hanam.gov.vn"]
    assert not result.updated


def test_a_changed_field_is_told_with_before_and_after() -> None:
    result = plan(accounts(entry()), accounts(entry(quota_bytes=4 * 2**30)))
    assert result.updated == [Change("mailbox", "p3x8d1", "quota_bytes", 2 * 2**30, 4 * 2**30)]


@pytest.mark.dieu8
def test_a_quota_never_shrinks_without_a_word() -> None:
    have, want = accounts(entry(quota_bytes=4 * 2**30)), accounts(entry())
    with pytest.raises(Refused, match="dung lượng giảm"):
        plan(have, want)
    assert plan(have, want, allow_shrink=True).changed
    assert plan(have, accounts(entry(shrink=True))).changed


@pytest.mark.dieu6
def test_an_entry_that_vanished_is_an_error() -> None:
    with pytest.raises(Refused, match="p3x8d1") as refused:
        plan(accounts(entry(), entry("t5v9c2")), accounts(entry("t5v9c2")))
    assert len(refused.value.errors) == 1


def test_a_vanished_entry_is_revoked_when_removals_are_allowed() -> None:
    result = plan(accounts(entry()), accounts(), allow_removals=True)
    assert result.updated == [Change("mailbox", "p3x8d1", "state", "active", "revoked")]


@pytest.mark.dieu6
def test_many_revocations_at_once_need_a_word() -> None:
    ids = [f"b{number}c{number}d{number}" for number in range(apply.REVOCATION_LIMIT + 1)]
    have = accounts(*(entry(id_) for id_ in ids))
    want = accounts(*(entry(id_, state="revoked") for id_ in ids))
    with pytest.raises(Refused, match="vượt ngưỡng"):
        plan(have, want)
    assert len(plan(have, want, allow_removals=True).updated) == len(ids)


@pytest.mark.dieu5
def test_an_address_is_never_given_to_another_mailbox() -> None:
    have = accounts(entry(), entry("t5v9c2"))
    want = accounts(entry(address="moi"), entry("t5v9c2", address="ha.p3x8d1"))
    with pytest.raises(Refused, match=r"không được cấp cho t5v9c2 \(Đ5\.2\)"):
        plan(have, want)


@pytest.mark.dieu5
def test_a_renamed_mailbox_keeps_its_old_address_closed() -> None:
    result = plan(accounts(entry()), accounts(entry(address="moi")))
    assert [address.local_part for address in result.closed] == ["ha.p3x8d1"]
    closed = replace(
        accounts(entry(address="moi")),
        addresses={
            "moi": Address("moi", "p3x8d1", "primary", None),
            "ha.p3x8d1": Address("ha.p3x8d1", "p3x8d1", "alias", date(2026, 11, 24)),
        },
    )
    assert not plan(closed, accounts(entry(address="moi"))).changed


@pytest.mark.dieu7
def test_a_restoring_document_lifts_the_lock_once() -> None:
    restored = entry(document={"event": "restore", "done": "2026-11-24", "request": "2026-0009"})
    have = replace(accounts(entry()), locks={"p3x8d1": "idle"})
    assert plan(have, accounts(restored)).lifted == ["p3x8d1"]
    # A lock that came after the document is not that document's business.
    later = replace(accounts(restored), locks={"p3x8d1": "compromised"})
    assert not plan(later, accounts(restored)).changed


def test_clerks_are_compared_as_a_set() -> None:
    box = entry("t5v9c2", kind="agency", clerks=["p3x8d1", "m4k7q2"])
    turned = entry("t5v9c2", kind="agency", clerks=["m4k7q2", "p3x8d1"])
    people = entry(), entry("m4k7q2")
    assert not plan(accounts(box, *people), accounts(turned, *people)).changed
    fewer = entry("t5v9c2", kind="agency", clerks=["p3x8d1"])
    assert [change.field for change in plan(accounts(box, *people), accounts(fewer, *people)).updated] == ["clerks"]


def test_every_reason_is_told_at_once() -> None:
    have = accounts(entry(quota_bytes=4 * 2**30), entry("t5v9c2"))
    with pytest.raises(Refused) as refused:
        plan(have, accounts(entry(kind="guest")))
    assert len(refused.value.errors) == 3


@pytest.mark.parametrize("text", ["[]", "{}", '{"agencies": [], "mailboxes": [{}]}', "nonsense"])
def test_a_document_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="sai cấu trúc"):
        apply.read(text)


def test_an_address_wanted_twice_is_refused() -> None:
    with pytest.raises(Refused, match="đã được ghi cho hộp thư"):
        accounts(entry(), entry("t5v9c2", address="ha.p3x8d1"))
