"""Who gets a domain's report: by its record, by consent of whoever receives elsewhere (RFC 9990, section 4)."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.unit.host.mail_auth import nameserver

from hanam_mail.host.reports import outgoing_destinations
from hanam_mail.host.reports.outgoing_destinations import Destination, ReportRecipients, read

OWN = "hanam.test"
LONG = ".".join(["a" * 60] * 4)


def record(rua: str, more: str = "p=reject") -> dict[str, list[str]]:
    return {"TXT": [nameserver.text(f"v=DMARC1; {more}; rua={rua}")]}


def consent(*texts: str) -> dict[str, list[str]]:
    return {"TXT": [nameserver.text(text) for text in texts]}


def tls(fields: str) -> dict[str, list[str]]:
    return {"TXT": [nameserver.text(f"v=TLSRPTv1; {fields}")]}


ZONE: nameserver.Zone = {
    "_dmarc.at.example": record("mailto:a@at.example"),
    "_dmarc.below.example": record("mailto:a@bao.cao.below.example"),
    "_dmarc.so.above.example": record("mailto:a@above.example"),
    "_dmarc.above.example": {"TXT": [nameserver.text("v=DMARC1; p=none")]},
    "_dmarc.sizes.example": record("mailto:a@sizes.example!10m, mailto:b@sizes.example!50K ,MAILTO:c@Sizes.Example!9"),
    "_dmarc.others.example": record("https://x.example/a,ftp:a,mailto:,mailto:x,mailto:a@others.example,nobody"),
    "_dmarc.none.example": record("https://x.example/a"),
    "_dmarc.gone.example": {"TXT": [nameserver.text("v=DMARC1; p=reject")]},
    "_dmarc.twice.example": record("mailto:a@twice.example,mailto:a@twice.example!1k"),
    "_dmarc.many.example": record(",".join(f"mailto:{number}@many.example" for number in range(9))),
    "_dmarc.elsewhere.example": record("mailto:a@may.test,mailto:a@maynot.test,mailto:a@elsewhere.example"),
    "elsewhere.example._report._dmarc.may.test": consent("v=DMARC1"),
    "_dmarc.refused.example": record("mailto:a@maynot.test,mailto:a@text.test"),
    "refused.example._report._dmarc.text.test": consent("hello", "v=DMARC2", "v=spf1 -all"),
    "_dmarc.instead.example": record("mailto:a@instead.test"),
    "instead.example._report._dmarc.instead.test": consent("v=DMARC1; rua=mailto:b@instead.test!5m"),
    "_dmarc.led.example": record("mailto:a@led.test"),
    "led.example._report._dmarc.led.test": consent("v=DMARC1; rua=mailto:b@led.test,mailto:victim@khac.test"),
    "_dmarc.wrong.example": record("mailto:a@wrong.test"),
    "wrong.example._report._dmarc.wrong.test": consent("v=DMARC1; rua=nobody"),
    "_dmarc.waits.example": record("mailto:a@waits.test,mailto:a@waits.example"),
    "waits.example._report._dmarc.waits.test": nameserver.FAILS,
    "_dmarc.onlywaits.example": record("mailto:a@waits.test"),
    "onlywaits.example._report._dmarc.waits.test": nameserver.FAILS,
    "_dmarc.fails.example": nameserver.FAILS,
    "_dmarc.ours.example": record(f"mailto:postmaster@{OWN}"),
    f"ours.example._report._dmarc.{OWN}": consent("v=DMARC1"),
    f"_dmarc.{OWN}": record(f"mailto:postmaster@{OWN}"),
    f"_dmarc.{LONG}": record("mailto:a@may.test"),
    "_dmarc.suffix.test": record("mailto:a@suffix.test", "p=reject; psd=y"),
    "_smtp._tls.at.example": tls("rua=mailto:tls@at.example"),
    "_smtp._tls.elsewhere.example": tls(" rua = mailto:tls@may.test , mailto:b@elsewhere.example!10m"),
    "_smtp._tls.web.example": tls("rua=https://x.example/tls, ftp:x"),
    "_smtp._tls.both.example": tls("rua=https://x.example/tls,mailto:tls@both.example"),
    "_smtp._tls.nobody.example": tls("rua=mailto:nobody"),
    "_smtp._tls.nofield.example": tls("x=y"),
    "_smtp._tls.more.example": tls("x=y; rua=mailto:tls@more.example; rua=mailto:other@more.example;"),
    "_smtp._tls.many.example": tls("rua=" + ",".join(f"mailto:{number}@many.example" for number in range(300))),
    "_smtp._tls.twice.example": tls("rua=mailto:a@twice.example,mailto:a@twice.example"),
    "_smtp._tls.ours.example": tls(f"rua=mailto:tlsrpt@{OWN},mailto:tlsrpt@mx.{OWN}"),
    "_smtp._tls.fails.example": nameserver.FAILS,
    "_smtp._tls.two.example": {"TXT": [nameserver.text(f"v=TLSRPTv1;rua=mailto:{to}@two.example") for to in "ab"]},
    "_smtp._tls.other.example": {
        "TXT": [
            nameserver.text(each)
            for each in ("hello", "v=TLSRPTv2; rua=mailto:a@x", "v=TLSRPTv1;rua=mailto:a@other.example")
        ]
    },
    "_smtp._tls.old.example": {"TXT": [nameserver.text("v=TLSRPTv1 rua=mailto:a@old.example")]},
    "_smtp._tls.lines.example": tls("rua=mailto:a%0d%0aBcc:b@lines.example,mailto:=?utf-8?q?x?=@lines.example"),
    "_dmarc.two.example": {
        "TXT": [nameserver.text(f"v=DMARC1; p={policy}; rua=mailto:a@two.example") for policy in ("none", "reject")]
    },
}


@contextmanager
def _served() -> Iterator[tuple[nameserver.Server, tuple[str, int]]]:
    with nameserver.serve(ZONE) as found:
        yield found


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[nameserver.Server, tuple[str, int]]]:
    with _served() as found:
        yield found


def find(served: tuple[nameserver.Server, tuple[str, int]], domain: str, most: int = 5) -> ReportRecipients:
    return outgoing_destinations.find(nameserver.questions(served[1]), domain, OWN, most)


def addresses(found: ReportRecipients) -> list[str]:
    return [each.address for each in found.destinations]


@pytest.mark.parametrize(
    ("domain", "wanted"),
    [
        ("at.example", ["a@at.example"]),
        ("below.example", ["a@bao.cao.below.example"]),
        ("so.above.example", ["a@above.example"]),
        ("others.example", ["a@others.example"]),
        ("twice.example", ["a@twice.example"]),
        ("many.example", [f"{number}@many.example" for number in range(5)]),
        ("elsewhere.example", ["a@may.test", "a@elsewhere.example"]),
        ("instead.example", ["b@instead.test"]),
        ("wrong.example", ["a@wrong.test"]),
        ("suffix.test", ["a@suffix.test"]),
    ],
)
def test_who_asked_for_it_and_may_have_it_gets_it(
    served: tuple[nameserver.Server, tuple[str, int]], domain: str, wanted: list[str]
) -> None:
    found = find(served, domain)
    assert (addresses(found), found.reason, found.waits) == (wanted, "", "")


@pytest.mark.parametrize(
    ("domain", "reason"),
    [
        ("khongco.example", "no_record"),
        ("two.example", "no_record"),
        ("gone.example", "no_address"),
        ("none.example", "no_address"),
        ("refused.example", "no_consent"),
        # Whoever receives may not send it on to somebody else.
        ("led.example", "no_consent"),
        (LONG, "no_consent"),
        (OWN, "own"),
        (f"so.{OWN}", "own"),
        ("ours.example", "own"),
    ],
)
def test_nobody_gets_what_nobody_may_have(
    served: tuple[nameserver.Server, tuple[str, int]], domain: str, reason: str
) -> None:
    assert find(served, domain) == ReportRecipients((), reason)


def test_a_name_too_long_for_dns_is_not_asked_for(served: tuple[nameserver.Server, tuple[str, int]]) -> None:
    before = len(served[0].asked)
    find(served, LONG)
    assert not [name for name, _ in served[0].asked[before:] if "_report" in name]


def test_what_dns_does_not_say_now_waits_and_the_others_do_not(
    served: tuple[nameserver.Server, tuple[str, int]],
) -> None:
    found = find(served, "waits.example")
    assert (addresses(found), found.reason, bool(found.waits)) == (["a@waits.example"], "", True)
    for domain in ("onlywaits.example", "fails.example"):
        found = find(served, domain)
        assert (found.destinations, found.reason, bool(found.waits)) == ((), "", True)


def test_sizes_are_read(served: tuple[nameserver.Server, tuple[str, int]]) -> None:
    found = find(served, "sizes.example")
    assert [each.most for each in found.destinations] == [10 * 2**20, 50 * 2**10, 9]
    assert addresses(found) == ["a@sizes.example", "b@sizes.example", "c@sizes.example"]


@pytest.mark.parametrize(
    ("uri", "wanted"),
    [
        ("mailto:a@b.example", Destination("a@b.example")),
        ("mailto:A.b+c@B.Example?subject=x", Destination("A.b+c@b.example")),
        ("mailto:a%2Bb@b.example", Destination("a+b@b.example")),
        ("mailto:a%21b@b.example!1m", Destination("a!b@b.example", 2**20)),
        ("mailto:a@b.example!1x", None),
        ("mailto:a@b.example!", None),
        ("mailto:a%0Ab@b.example", None),
        ("mailto:a%3Cb@b.example", None),
        ("mailto:a b@b.example", None),
        ("mailto:a@b@c.example", None),
        ("mailto:.a@b.example", None),
        ("mailto:a@[192.0.2.1]", None),
        ("mailto:a@b", None),
        ("mailto:a@b_c.example", None),
        ("mailto:" + "a" * 65 + "@b.example", None),
        ("mailto:ă@b.example", None),
        ("mailto:a@%C4%83.example", None),
        ("mailto:=%3Fx%3Fq%3F%3F=@b.example", None),
        ("mailto:%3D%3Futf-8%3Fq%3Fa%3D2C_b%3D40c.d%3F%3D@b.example", None),
        ("https://b.example/a", None),
        ("mailto", None),
    ],
)
def test_uris_are_addresses_or_nothing(uri: str, wanted: Destination | None) -> None:
    assert read(uri) == wanted


# --- reports on TLS ---


@pytest.mark.parametrize(
    ("domain", "expected", "reason"),
    [
        ("at.example", ["tls@at.example"], ""),
        # Nobody elsewhere has to consent.
        ("elsewhere.example", ["tls@may.test", "b@elsewhere.example"], ""),
        ("both.example", ["tls@both.example"], ""),
        ("more.example", ["tls@more.example"], ""),
        ("other.example", ["a@other.example"], ""),
        ("many.example", [f"{number}@many.example" for number in range(5)], ""),
        ("twice.example", ["a@twice.example"], ""),
        ("web.example", [], "https"),
        ("nobody.example", [], "no_address"),
        ("nofield.example", [], "no_address"),
        ("lines.example", [], "no_address"),
        ("two.example", [], "no_record"),
        ("old.example", [], "no_record"),
        ("unknown.example", [], "no_record"),
        ("ours.example", [], "own"),
        (OWN, [], "own"),
        (f"mx.{OWN}", [], "own"),
    ],
)
def test_a_report_on_tls_goes_where_the_domain_s_own_record_says(
    served: tuple[nameserver.Server, tuple[str, int]], domain: str, expected: list[str], reason: str
) -> None:
    found = outgoing_destinations.find_tls(nameserver.questions(served[1]), domain, OWN, 5)
    assert (addresses(found), found.reason, found.waits) == (expected, reason, "")


def test_a_report_on_tls_waits_while_dns_does_not_answer(served: tuple[nameserver.Server, tuple[str, int]]) -> None:
    found = outgoing_destinations.find_tls(nameserver.questions(served[1]), "fails.example", OWN, 5)
    assert (found.destinations, found.reason) == ((), "") and found.waits
