"""What an author's domain asks for, and who speaks for it (DMARC, RFC 9989). Records of our own, on the wire."""

from collections.abc import Iterator

import pytest
from tests.unit.host.mail_auth import nameserver

from hanam_mail.host.mail_auth import dkim, dmarc, dmarc_record, spf

pytestmark = pytest.mark.dieu4

NOBODY = "khac.test"
"""What neither sends nor signs for any author here."""

# Domain -> its records.
RECORDS: dict[str, str | list[str]] = {
    "none.example": "v=DMARC1; p=none",
    "mark.example": "v=DMARC1; p=quarantine",
    "refuse.example": "v=DMARC1; p=reject",
    "strict.example": "v=DMARC1; p=reject; adkim=s; aspf=s",
    "strictdkim.example": "v=DMARC1; p=reject; adkim=s",
    "strictspf.example": "v=DMARC1; p=reject; aspf=S",
    "below.example": "v=DMARC1; p=none; sp=reject",
    "above.example": "v=DMARC1; p=reject; sp=none",
    "absent.example": "v=DMARC1; p=none; np=reject",
    "all.example": "v=DMARC1; p=reject; sp=quarantine; np=none",
    "npsp.example": "v=DMARC1; p=none; sp=quarantine; np=reject",
    "own.below.example": "v=DMARC1; p=none; sp=reject; np=reject",
    "testing.example": "v=DMARC1; p=reject; t=y",
    "testmark.example": "v=DMARC1; p=quarantine; t=Y",
    "testsub.example": "v=DMARC1; p=none; sp=reject; np=quarantine; t=y",
    "tested.example": "v=DMARC1; p=reject; t=n",
    "part.example": "v=DMARC1; p=reject; pct=0",
    "old.example": "v=DMARC1; p=reject; pct=10; rf=afrf; ri=3600; fo=1",
    # A tree: vn and gov.vn are public suffixes, one of which says so.
    "gov.vn": "v=DMARC1; p=reject; np=reject; sp=quarantine; psd=y",
    "tinh.gov.vn": "v=DMARC1; p=none",
    "so.tinh.gov.vn": "v=DMARC1; p=quarantine; psd=n",
    "com.example": "v=DMARC1; p=reject; psd=y",
    "x.com.example": "v=DMARC1; p=reject; psd=u",
    # A part of an organisation that is one of its own.
    "org.example": "v=DMARC1; p=reject",
    "part.org.example": "v=DMARC1; p=reject; psd=n",
    "mail.org.example": "v=DMARC1; p=none",
    "deep.example": "v=DMARC1; p=reject",
    "e.f.g.h.deep.example": "v=DMARC1; p=quarantine",
    # Wrong ones.
    "two.example": ["v=DMARC1; p=reject", "v=DMARC1; p=none"],
    "twoone.example": ["v=DMARC1; p=reject", "v=spf1 -all", "v=DMARC2; p=none", "hello"],
    "nop.example": "v=DMARC1; sp=reject",
    "noprua.example": "v=DMARC1; sp=reject; rua=mailto:a@noprua.example",
    "wrongp.example": "v=DMARC1; p=refuse",
    "wrongprua.example": "v=DMARC1; p=refuse; rua=mailto:a@wrongprua.example",
    "wrongsp.example": "v=DMARC1; p=reject; sp=refuse",
    "wrongnprua.example": "v=DMARC1; p=reject; np=x; rua=mailto:a@b.example!10m,mailto:c@d.example",
    "wrongrua.example": "v=DMARC1; p=refuse; rua=nobody",
    "wrongt.example": "v=DMARC1; p=reject; t=maybe; psd=x; adkim=q; aspf=",
    "notfirst.example": "p=reject; v=DMARC1",
    "lower.example": "v=dmarc1; p=reject",
    "space.example": " v=DMARC1; p=reject",
    "noseparator.example": "v=DMARC1 p=reject",
    "longversion.example": "v=DMARC10; p=reject",
    "blanks.example": "V \t=  DMARC1 ;  P = Reject ;; sp=none;rubbish; =x;zz=\u00e9 ; ",
    "only.example": "v=DMARC1",
    "bimi.example": "v=BIMI1; l=",
}
ZONE: nameserver.Zone = {
    **{
        f"_dmarc.{domain}": {"TXT": [nameserver.text(each) for each in ([said] if isinstance(said, str) else said)]}
        for domain, said in RECORDS.items()
    },
    "_dmarc.fails.example": nameserver.FAILS,
    "_dmarc.upper.lower-fails.example": {"TXT": [nameserver.text("v=DMARC1; p=reject")]},
    "_dmarc.lower-fails.example": nameserver.FAILS,
    "_dmarc.asks-nothing.lower-fails.example": {"TXT": [nameserver.text("v=DMARC1; p=none")]},
    "_dmarc.asks-to-test.lower-fails.example": {"TXT": [nameserver.text("v=DMARC1; p=quarantine; t=y")]},
    "_dmarc.alias.example": {"CNAME": ["_dmarc.refuse.example."]},
    "there.absent.example": {"A": ["192.0.2.1"]},
    "mailonly.absent.example": {"MX": ["0 ."]},
    "x.empty.absent.example": {"TXT": ['"x"']},
    "there.all.example": {"AAAA": ["2001:db8::1"]},
    "there.npsp.example": {"A": ["192.0.2.1"]},
    "there.testsub.example": {"A": ["192.0.2.1"]},
    "there.below.example": {"A": ["192.0.2.1"]},
    "la.gov.vn": {"A": ["192.0.2.1"]},
    "a.b.c.d.e.f.g.h.deep.example": {"A": ["192.0.2.1"]},
}


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[nameserver.Server, tuple[str, int]]]:
    with nameserver.serve(ZONE) as both:
        yield both


Served = tuple[nameserver.Server, tuple[str, int]]


def check(
    served: Served,
    author: str,
    sent: str = NOBODY,
    signed: str = "",
    spf_result: str = "pass",
    dkim_result: str = "pass",
) -> dmarc.Result:
    """sent: the domain of the envelope; signed: those of signatures, with blanks between them."""
    signatures = [dkim.Result(dkim_result, domain, "s", "b", "key not found now") for domain in signed.split()]
    envelope = spf.Result(spf_result, sent, f"a@{sent}", "mailfrom", "DNS")
    return dmarc.check(nameserver.questions(served[1]), author, envelope, signatures)


# --- the policy of a message that nobody speaks for ---

# Author's domain -> domain of the record, what is asked for.
POLICIES: dict[str, tuple[str, str]] = {
    "none.example": ("none.example", "none"),
    "mark.example": ("mark.example", "quarantine"),
    "refuse.example": ("refuse.example", "reject"),
    "alias.example": ("alias.example", "reject"),
    "a.refuse.example": ("refuse.example", "reject"),
    "a.b.c.refuse.example": ("refuse.example", "reject"),
    "below.example": ("below.example", "none"),
    "there.below.example": ("below.example", "reject"),
    "nowhere.below.example": ("below.example", "reject"),
    "above.example": ("above.example", "reject"),
    "a.above.example": ("above.example", "none"),
    "own.below.example": ("own.below.example", "none"),
    # The record between an author and the organisation's counts for nobody but its own domain.
    "a.own.below.example": ("below.example", "reject"),
    "absent.example": ("absent.example", "none"),
    "there.absent.example": ("absent.example", "none"),
    "mailonly.absent.example": ("absent.example", "none"),
    "empty.absent.example": ("absent.example", "none"),
    "nowhere.absent.example": ("absent.example", "reject"),
    "x.there.absent.example": ("absent.example", "reject"),
    "all.example": ("all.example", "reject"),
    "there.all.example": ("all.example", "quarantine"),
    "nowhere.all.example": ("all.example", "none"),
    "npsp.example": ("npsp.example", "none"),
    "there.npsp.example": ("npsp.example", "quarantine"),
    "nowhere.npsp.example": ("npsp.example", "reject"),
    # One lower while it is tested, whichever of the three it is.
    "testing.example": ("testing.example", "quarantine"),
    "a.testing.example": ("testing.example", "quarantine"),
    "testmark.example": ("testmark.example", "none"),
    "testsub.example": ("testsub.example", "none"),
    "there.testsub.example": ("testsub.example", "quarantine"),
    "nowhere.testsub.example": ("testsub.example", "none"),
    "tested.example": ("tested.example", "reject"),
    # Gone with RFC 9989.
    "part.example": ("part.example", "reject"),
    "old.example": ("old.example", "reject"),
    # Public suffixes.
    "gov.vn": ("gov.vn", "reject"),
    "la.gov.vn": ("gov.vn", "quarantine"),
    "khong.gov.vn": ("gov.vn", "reject"),
    "a.la.gov.vn": ("gov.vn", "reject"),
    "tinh.gov.vn": ("tinh.gov.vn", "none"),
    "a.tinh.gov.vn": ("tinh.gov.vn", "none"),
    "so.tinh.gov.vn": ("so.tinh.gov.vn", "quarantine"),
    "a.b.so.tinh.gov.vn": ("so.tinh.gov.vn", "quarantine"),
    "x.com.example": ("x.com.example", "reject"),
    "y.com.example": ("com.example", "reject"),
    "a.part.org.example": ("part.org.example", "reject"),
    "mail.org.example": ("mail.org.example", "none"),
    "a.mail.org.example": ("org.example", "reject"),
    # More than eight labels.
    "a.b.c.d.e.f.g.h.deep.example": ("deep.example", "reject"),
    "1.2.3.4.5.6.7.8.9.deep.example": ("deep.example", "reject"),
    # Wrong records, of which something is left.
    "twoone.example": ("twoone.example", "reject"),
    "noprua.example": ("noprua.example", "none"),
    "a.noprua.example": ("noprua.example", "none"),
    "wrongprua.example": ("wrongprua.example", "none"),
    "wrongnprua.example": ("wrongnprua.example", "none"),
    "wrongt.example": ("wrongt.example", "reject"),
    "blanks.example": ("blanks.example", "reject"),
    "a.blanks.example": ("blanks.example", "none"),
}
ACTIONS = {"none": "accept", "quarantine": "mark", "reject": "refuse"}

NO_RECORD = [
    "khong.vn", "client.example", "two.example", "a.two.example", "nop.example", "wrongp.example", "wrongsp.example",
    "wrongrua.example", "notfirst.example", "lower.example", "space.example", "noseparator.example",
    "longversion.example", "only.example", "bimi.example", "a.bimi.example",
]  # fmt: skip


@pytest.mark.parametrize("author", POLICIES)
def test_mail_that_nobody_speaks_for_gets_what_its_domain_asks_for(served: Served, author: str) -> None:
    record, policy = POLICIES[author]
    for result in (
        check(served, author),
        check(served, author, signed=NOBODY),
        check(served, author, author, spf_result="fail"),
    ):
        assert (result.result, result.record, result.policy) == ("fail", record, policy)
        assert (result.action, result.authentic) == (ACTIONS[policy], False)


@pytest.mark.parametrize("author", NO_RECORD)
def test_a_domain_without_a_record_that_can_be_read_asks_for_nothing(served: Served, author: str) -> None:
    result = check(served, author)
    assert (result.result, result.policy, result.action, result.authentic) == ("none", "none", "accept", False)
    assert check(served, author, signed=author).authentic


@pytest.mark.parametrize("name", ["asks-nothing", "asks-to-test"])
def test_who_asks_for_nothing_is_not_put_off_for_what_stands_above(served: Served, name: str) -> None:
    author = f"{name}.lower-fails.example"
    for sent, signed in ((NOBODY, "a.lower-fails.example"), ("a.lower-fails.example", "")):
        result = check(served, author, sent, signed)
        assert (result.result, result.record, result.policy) == ("temperror", author, "none")
        assert (result.action, result.authentic) == ("accept", False)
    assert check(served, author, signed=author).result == "pass"


def test_without_an_author_nothing_passes(served: Served) -> None:
    result = check(served, "", "refuse.example", "refuse.example")
    assert (result.result, result.action, result.authentic) == ("none", "accept", False)


# --- alignment ---

# Author, who sent it, who signed it.
ALIGNED = [
    ("refuse.example", "refuse.example", ""),
    ("refuse.example", NOBODY, "refuse.example"),
    ("refuse.example", NOBODY, f"{NOBODY} refuse.example"),
    ("refuse.example", "a.refuse.example", ""),
    ("a.refuse.example", "refuse.example", ""),
    ("a.refuse.example", NOBODY, "b.c.refuse.example"),
    ("refuse.example", NOBODY, "a.b.refuse.example"),
    ("strict.example", "strict.example", ""),
    ("strict.example", NOBODY, "strict.example"),
    ("a.strict.example", NOBODY, "a.strict.example"),
    ("strictdkim.example", "a.strictdkim.example", ""),
    ("strictspf.example", NOBODY, "a.strictspf.example"),
    ("none.example", NOBODY, "a.none.example"),
    ("wrongt.example", NOBODY, "a.wrongt.example"),
    ("tinh.gov.vn", NOBODY, "a.tinh.gov.vn"),
    ("la.gov.vn", NOBODY, "la.gov.vn"),
    ("la.gov.vn", NOBODY, "a.la.gov.vn"),
    ("a.la.gov.vn", "la.gov.vn", ""),
    ("a.so.tinh.gov.vn", NOBODY, "so.tinh.gov.vn"),
    ("x.com.example", NOBODY, "a.x.com.example"),
    ("mail.org.example", NOBODY, "org.example"),
    ("a.mail.org.example", NOBODY, "mail.org.example"),
    ("part.org.example", NOBODY, "a.part.org.example"),
    ("a.b.c.d.e.f.g.h.deep.example", NOBODY, "deep.example"),
]
NOT_ALIGNED = [
    ("refuse.example", "xrefuse.example", ""),
    ("refuse.example", NOBODY, "example"),
    ("refuse.example", NOBODY, "mark.example"),
    ("strict.example", "a.strict.example", ""),
    ("strict.example", NOBODY, "a.strict.example"),
    ("a.strict.example", NOBODY, "strict.example"),
    ("strictdkim.example", NOBODY, "a.strictdkim.example"),
    ("strictspf.example", "a.strictspf.example", ""),
    # Of one public suffix, but not of one organisation.
    ("la.gov.vn", NOBODY, "khac.gov.vn"),
    ("la.gov.vn", NOBODY, "gov.vn"),
    ("gov.vn", NOBODY, "la.gov.vn"),
    ("y.com.example", NOBODY, "x.com.example"),
    ("y.com.example", NOBODY, "z.com.example"),
    ("x.com.example", "com.example", ""),
    # A part that is an organisation of its own.
    ("so.tinh.gov.vn", NOBODY, "tinh.gov.vn"),
    ("part.org.example", NOBODY, "org.example"),
    ("org.example", NOBODY, "part.org.example"),
    ("org.example", NOBODY, "a.part.org.example"),
    ("mail.org.example", "part.org.example", ""),
]


@pytest.mark.parametrize(("author", "sent", "signed"), ALIGNED)
def test_the_same_organisation_speaks_for_the_author(served: Served, author: str, sent: str, signed: str) -> None:
    result = check(served, author, sent, signed)
    assert (result.result, result.action, result.authentic) == ("pass", "accept", True)


@pytest.mark.parametrize(("author", "sent", "signed"), NOT_ALIGNED)
def test_another_one_does_not(served: Served, author: str, sent: str, signed: str) -> None:
    result = check(served, author, sent, signed)
    assert (result.result, result.authentic) == ("fail", False)


@pytest.mark.parametrize(("author", "sent", "signed"), ALIGNED)
def test_what_does_not_hold_speaks_for_nobody(served: Served, author: str, sent: str, signed: str) -> None:
    for bad in ("fail", "softfail", "neutral", "none", "permerror"):
        of_dkim = bad if bad in ("fail", "none", "permerror") else "fail"
        result = check(served, author, sent, signed, spf_result=bad, dkim_result=of_dkim)
        assert (result.result, result.authentic) == ("fail", False)


# --- what DNS does not say now ---


def test_a_policy_that_dns_does_not_say_is_waited_for(served: Served) -> None:
    for author in ("fails.example", "a.fails.example", "a.b.lower-fails.example"):
        result = check(served, author)
        assert (result.result, result.action, result.authentic) == ("temperror", "later", False), author


def test_who_speaks_for_exactly_the_author_passes_whatever_the_policy_is(served: Served) -> None:
    for result in (
        check(served, "fails.example", "fails.example"),
        check(served, "fails.example", signed="fails.example"),
    ):
        assert (result.result, result.action, result.authentic) == ("temperror", "accept", True)
    assert check(served, "fails.example", signed="a.fails.example").action == "later"


def test_a_record_of_the_authors_own_needs_no_other(served: Served) -> None:
    result = check(served, "upper.lower-fails.example")
    assert (result.result, result.action) == ("fail", "refuse")
    # Whether these are of one organisation nobody can say now.
    assert check(served, "upper.lower-fails.example", signed="a.lower-fails.example").action == "later"


@pytest.mark.parametrize(("author", "domain", "action"), [
    ("refuse.example", "refuse.example", "later"),
    ("refuse.example", "a.refuse.example", "later"),
    ("mark.example", "mark.example", "later"),
    ("none.example", "none.example", "accept"),
    ("testmark.example", "testmark.example", "accept"),
    ("refuse.example", NOBODY, "refuse"),
    ("strict.example", "a.strict.example", "refuse"),
    ("la.gov.vn", "khac.gov.vn", "mark"),
])  # fmt: skip
def test_a_key_or_list_of_senders_is_waited_for_where_it_decides(
    served: Served, author: str, domain: str, action: str
) -> None:
    assert check(served, author, signed=domain, dkim_result="temperror").action == action
    assert check(served, author, domain, spf_result="temperror").action == action


# --- how much is asked ---


def test_a_walk_asks_eight_questions_at_most(served: Served) -> None:
    server, address = served
    server.asked.clear()
    assert dmarc_record.Tree(nameserver.questions(address)).walk("a.b.c.d.e.f.g.h.i.j.mail.client.example") == []
    assert [name for name, _ in server.asked] == [
        "_dmarc.a.b.c.d.e.f.g.h.i.j.mail.client.example",
        "_dmarc.g.h.i.j.mail.client.example",
        "_dmarc.h.i.j.mail.client.example",
        "_dmarc.i.j.mail.client.example",
        "_dmarc.j.mail.client.example",
        "_dmarc.mail.client.example",
        "_dmarc.client.example",
        "_dmarc.example",
    ]


def test_a_walk_of_eight_labels_leaves_none_out(served: Served) -> None:
    server, address = served
    server.asked.clear()
    dmarc_record.Tree(nameserver.questions(address)).walk("a.b.c.d.e.f.client.example")
    assert len(server.asked) == 8
    assert ("_dmarc.b.c.d.e.f.client.example", "TXT") in server.asked


def test_a_walk_ends_where_a_record_says_what_it_is(served: Served) -> None:
    server, address = served
    server.asked.clear()
    dmarc_record.Tree(nameserver.questions(address)).walk("a.so.tinh.gov.vn")
    assert [name for name, _ in server.asked] == ["_dmarc.a.so.tinh.gov.vn", "_dmarc.so.tinh.gov.vn"]


def test_signatures_of_others_cost_no_walk(served: Served) -> None:
    server, _ = served
    server.asked.clear()
    check(served, "refuse.example", signed=" ".join(f"d{number}.khac.example" for number in range(10)))
    assert len(server.asked) == 2


def test_no_record_keeps_it_busy() -> None:
    for text in (
        "v=DMARC1;" + " " * 60000 + "x",
        "v=DMARC1; p=reject;" * 3000,
        "v" + " " * 60000,
        "v=DMARC1; rua=" + "a:,!" * 15000,
    ):
        dmarc_record.read("a.example", text)
