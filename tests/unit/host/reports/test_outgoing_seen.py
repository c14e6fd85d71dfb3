"""What of a verdict a report tells: each message as RFC 9990 has it, whatever strangers wrote into names."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.host.mail_auth import nameserver, signer
from tests.unit.host.mail_auth.signer import Key

from hanam_mail.host.mail_auth import dkim, verdict
from hanam_mail.host.mail_auth.questions import TemporaryError
from hanam_mail.host.mail_auth.verdict import Case, ClientIdentity
from hanam_mail.host.reports import outgoing_dmarc_row, outgoing_rows, outgoing_seen, outgoing_spool
from hanam_mail.host.reports.outgoing_seen import seen

pytestmark = pytest.mark.dieu4

RUA = "; rua=mailto:a@ky.example"
OWN, BELOW, OTHER = Key("ky.example", "s1"), Key("so.ky.example", "s2"), Key("khac.example", "s3")


def record(text: str) -> dict[str, list[str]]:
    return {"TXT": [nameserver.text(f"v=DMARC1; {text}")]}


ZONE: nameserver.Zone = {
    "ky.example": {"TXT": [nameserver.text("v=spf1 ip4:192.0.2.10 ip6:2001:db8::10 -all")]},
    "thu.ky.example": {"TXT": [nameserver.text("v=spf1 ip4:192.0.2.10 -all")], "A": ["192.0.2.1"]},
    "khac.example": {"TXT": [nameserver.text("v=spf1 ip4:192.0.2.10 -all")]},
    "_dmarc.ky.example": record("p=reject; np=quarantine; fo=1:d" + RUA),
    "_dmarc.none.example": record("p=none; adkim=s; aspf=s" + RUA),
    "_dmarc.mark.example": record("p=quarantine" + RUA),
    "_dmarc.test.example": record("p=reject; sp=none; t=y" + RUA),
    "duoi.test.example": {"A": ["192.0.2.1"]},
    "_dmarc.silent.example": record("p=reject"),
    "_dmarc.broken.example": record("p=wrong" + RUA),
    "_dmarc.gach_duoi.example": record("p=reject" + RUA),
    "_dmarc.\x00\x1b<&\xff.hostile.example": record("p=reject" + RUA),
    "_dmarc.hostile.example": record("p=reject" + RUA),
    "fails.ky.example": nameserver.FAILS,
    "_dmarc.fails.ky.example": nameserver.FAILS,
    **{key.name: {"TXT": [nameserver.text(key.record())]} for key in (OWN, BELOW, OTHER)},
}


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    with nameserver.serve(ZONE) as (_, place):
        yield place


def case(
    address: tuple[str, int],
    author: str = "ky.example",
    sender: str | None = "an@ky.example",
    *keys: Key,
    client: str = "192.0.2.10",
    helo: str = "mx.ky.example",
) -> Case | None:
    """What the service would note of a letter."""
    content = b"From: <an@ky.example>\r\nTo: <ba@nhan.example>\r\nSubject: a\r\n\r\nKinh gui\r\n"
    for key in keys:
        content = signer.dkim(key, content)
    found: list[Case] = []
    envelope = ClientIdentity(client, helo, sender or "", author)
    verdict.judge(envelope, content, [address], time.monotonic() + 5, found.append)
    return found[0] if found else None


def row(address: tuple[str, int], *words: Any, **more: Any) -> dict[str, Any]:
    looked_at = case(address, *words, **more)
    assert looked_at
    told = seen(looked_at)
    assert told
    return {"domain": told.domain, "published": json.loads(told.published), **json.loads(told.row)}


def test_a_message_that_passes_is_told_with_all_that_spoke_for_it(address: tuple[str, int]) -> None:
    assert row(address, "ky.example", "an@thu.ky.example", OTHER, BELOW, OWN) == {
        "domain": "ky.example",
        "published": {
            "p": "reject",
            "np": "quarantine",
            "adkim": "r",
            "aspf": "r",
            "testing": "n",
            "fo": "1:d",
        },
        "ip": "192.0.2.10",
        "disposition": "pass",
        "dkim": "pass",
        "spf": "pass",
        "reason": "",
        "header_from": "ky.example",
        "envelope_from": "thu.ky.example",
        "auth_dkim": [["ky.example", "s1", "pass"], ["so.ky.example", "s2", "pass"], ["khac.example", "s3", "pass"]],
        "auth_spf": ["thu.ky.example", "pass"],
    }


@pytest.mark.parametrize(
    ("author", "sender", "keys", "aligned"),
    [
        ("ky.example", "an@ky.example", [], ("fail", "pass")),
        ("ky.example", "an@thu.ky.example", [], ("fail", "pass")),
        ("ky.example", "an@khac.example", [OWN], ("pass", "fail")),
        ("ky.example", "an@khac.example", [BELOW], ("pass", "fail")),
        # Another one's signature beside the sender's own list.
        ("ky.example", "an@ky.example", [OTHER], ("fail", "pass")),
        ("moi.ky.example", "an@thu.ky.example", [BELOW], ("pass", "pass")),
    ],
)
def test_each_mechanism_is_told_for_itself(
    address: tuple[str, int], author: str, sender: str, keys: list[Key], aligned: tuple[str, str]
) -> None:
    told = row(address, author, sender, *keys)
    assert (told["dkim"], told["spf"]) == aligned
    assert (told["domain"], told["header_from"]) == ("ky.example", author)


@pytest.mark.parametrize(
    ("author", "disposition", "reason"),
    [
        ("ky.example", "reject", ""),
        ("khong.ky.example", "quarantine", ""),
        ("mark.example", "quarantine", ""),
        ("none.example", "none", ""),
        ("test.example", "quarantine", "policy_test_mode"),
        # Nothing is asked for there, so nothing was lowered.
        ("duoi.test.example", "none", ""),
    ],
)
def test_what_was_done_with_forged_mail_and_why_it_was_less(
    address: tuple[str, int], author: str, disposition: str, reason: str
) -> None:
    told = row(address, author, "an@khac.example", OTHER)
    assert (told["disposition"], told["reason"], told["dkim"], told["spf"]) == (disposition, reason, "fail", "fail")


def test_a_pass_without_an_enforcing_policy_is_nothing_done(address: tuple[str, int]) -> None:
    key = replace(OWN)
    told = row(address, "none.example", "an@khac.example", key)
    assert told["disposition"] == "none"


def test_without_a_sender_the_envelope_is_empty_and_helo_is_what_spf_saw(address: tuple[str, int]) -> None:
    told = row(address, "ky.example", "", helo="ky.example", client="::ffff:192.0.2.10")
    assert (told["envelope_from"], told["auth_spf"], told["spf"]) == ("", ["ky.example", "pass"], "pass")
    assert told["ip"] == "192.0.2.10"
    assert row(address, "ky.example", "an@ky.example", client="2001:0db8::0010")["ip"] == "2001:db8::10"


def test_a_domain_that_wants_no_reports_is_not_noted(address: tuple[str, int]) -> None:
    assert case(address, "silent.example", "an@khac.example") is None
    assert case(address, "khongco.example", "an@khac.example") is None


def test_a_record_without_a_policy_that_wants_reports_gets_them(address: tuple[str, int]) -> None:
    told = row(address, "broken.example", "an@khac.example")
    assert (told["published"]["p"], told["disposition"]) == ("none", "none")


def test_what_comes_again_is_not_counted(address: tuple[str, int]) -> None:
    """DNS did not say whether its sender may: it was told to come again."""
    looked_at = case(address, "ky.example", "an@fails.ky.example")
    assert looked_at and looked_at.judged.action == "later"
    assert seen(looked_at) is None


def test_where_dns_does_not_say_what_a_report_must_tell_it_is_known(address: tuple[str, int]) -> None:
    looked_at = case(address, "ky.example", "an@ky.example", OWN)
    assert looked_at
    other = dkim.DkimResult("pass", "fails.ky.example", "s", "")
    with pytest.raises(TemporaryError):
        seen(replace(looked_at, signed=[*looked_at.signed, other]))


def test_a_domain_that_no_report_can_be_named_after_gets_none(address: tuple[str, int]) -> None:
    looked_at = case(address, "gach_duoi.example", "an@khac.example")
    assert looked_at and seen(looked_at) is None


HOSTILE = ["]]>", "<a>&amp;", "a\x00b\x1b", "\ud800", "ă" * 400, "x" * 5000, "\u2028", "", " a b "]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_strangers_write_into_names_becomes_a_row_that_is_taken(
    address: tuple[str, int], text: str, tmp_path: Any
) -> None:
    looked_at = case(address, f"{text[:20]}.hostile.example".lstrip("."), f"an@{text}.example", helo=text or "x")
    assert looked_at is None or looked_at.judged.author
    known = case(address, "ky.example", f"an@{text}.example", OTHER, helo=text or "x")
    assert known
    signed = [dkim.DkimResult("fail", text or "x", text or "x", ""), dkim.DkimResult("none", "", "", "")]
    counter = outgoing_spool.Counter(tmp_path)
    number = 0
    for each in filter(None, (looked_at, replace(known, signed=signed))):
        told = seen(each)
        if told:
            number += 1
            counter.add(told)
            assert all(len(name) <= outgoing_rows.LONGEST for name in json.loads(told.row)["auth_spf"])
    counter.write()
    (file,) = outgoing_spool.waiting(tmp_path)
    found = outgoing_spool.read(file, outgoing_dmarc_row.fits)
    assert (len(found.lines), found.damaged) == (number, 0)


def test_signatures_that_are_alike_are_told_once(address: tuple[str, int]) -> None:
    looked_at = case(address, "ky.example", "an@khac.example")
    assert looked_at
    one = dkim.DkimResult("fail", "ky.example", "s", "")
    told = outgoing_seen.seen(replace(looked_at, signed=[one] * 10))
    assert told and json.loads(told.row)["auth_dkim"] == [["ky.example", "s", "fail"]]
