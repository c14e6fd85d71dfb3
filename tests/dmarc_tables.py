"""What an author's domain asks for, and who speaks for it (DMARC, RFC 9989): tables of our own.

Asked of the module that verifies (tests/unit/host/mail_auth/test_dmarc.py), and of the filter as it runs
(tests/mail/test_dmarc_vectors.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.unit.host.mail_auth import nameserver

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
    ("la.gov.vn", NOBODY, "b.la.gov.vn"),
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

# Where a key or list of senders is that DNS does not say now: author, whose it is, what is done.
LATER = [
    ("refuse.example", "refuse.example", "later"),
    ("refuse.example", "a.refuse.example", "later"),
    ("mark.example", "mark.example", "later"),
    ("none.example", "none.example", "accept"),
    ("testmark.example", "testmark.example", "accept"),
    ("refuse.example", NOBODY, "refuse"),
    ("strict.example", "a.strict.example", "refuse"),
    ("la.gov.vn", "khac.gov.vn", "mark"),
]


@dataclass(frozen=True)
class Case:
    """One letter, and what comes of it, as dmarc.DmarcResult tells it.

    `sent`: the domain of the envelope; `signed`: those of signatures, with blanks between them. `spf` and `dkim`: what
    came of these. `action`, `policy` and `record` are "" where they are not told.
    """

    author: str
    sent: str
    signed: str
    spf: str
    dkim: str
    result: str
    action: str
    authentic: bool
    policy: str = ""
    record: str = ""


def case(
    author: str,
    sent: str = NOBODY,
    signed: str = "",
    *,
    spf: str = "pass",
    dkim: str = "pass",
    result: str = "fail",
    action: str = "",
    authentic: bool = False,
    policy: str = "",
    record: str = "",
) -> Case:
    """`action` is the policy's unless it is said."""
    return Case(author, sent, signed, spf, dkim, result, action or ACTIONS.get(policy, ""), authentic, policy, record)


def _asked_for() -> Iterator[Case]:
    """The policy of a message that nobody speaks for; none where there is no record that can be read."""
    for author, (record, policy) in POLICIES.items():
        yield case(author, policy=policy, record=record)
        yield case(author, signed=NOBODY, policy=policy, record=record)
        yield case(author, author, spf="none", policy=policy, record=record)
    for author in NO_RECORD:
        yield case(author, result="none", policy="none")
        yield case(author, signed=author, result="none", policy="none", authentic=True)


def _spoken_for() -> Iterator[Case]:
    for author, sent, signed in ALIGNED:
        yield case(author, sent, signed, result="pass", action="accept", authentic=True)
        # What does not hold speaks for nobody.
        for bad in ("fail", "softfail", "neutral", "none", "permerror"):
            of_dkim = bad if bad in ("none", "permerror") else "fail"
            yield case(author, sent, signed, spf=bad, dkim=of_dkim, policy=_policy(author))
    for author, sent, signed in NOT_ALIGNED:
        yield case(author, sent, signed, policy=_policy(author))


def _policy(author: str) -> str:
    """Where a table tells it."""
    return POLICIES[author][1] if author in POLICIES else ""


def _not_said_now() -> Iterator[Case]:
    for author in ("fails.example", "a.fails.example", "a.b.lower-fails.example"):
        yield case(author, result="temperror", action="later")
    # Who speaks for exactly the author passes whatever the policy is.
    author = "fails.example"
    yield case(author, author, result="temperror", action="accept", authentic=True)
    yield case(author, signed=author, result="temperror", action="accept", authentic=True)
    yield case(author, signed=f"a.{author}", result="temperror", action="later")
    # A record of the author's own needs no other, but whether these are of one organisation nobody can say now.
    above = "lower-fails.example"
    author = f"upper.{above}"
    yield case(author, spf="fail", policy="reject", record=author)
    yield case(author, signed=f"a.{above}", result="temperror", action="later")
    # Who asks for nothing is not put off for what stands above.
    for author in (f"asks-nothing.{above}", f"asks-to-test.{above}"):
        for sent, signed in ((NOBODY, f"a.{above}"), (f"a.{above}", "")):
            yield case(author, sent, signed, result="temperror", policy="none", record=author)
        yield case(author, signed=author, result="pass", action="accept", authentic=True)
    for author, domain, action in LATER:
        # Where it decides.
        decides = action == "later"
        yield case(author, signed=domain, dkim="temperror", result="temperror" if decides else "fail", action=action)
        yield case(author, domain, spf="temperror", result="temperror" if decides else "fail", action=action)


def by_name(cases: Iterator[Case]) -> dict[str, Case]:
    """Each by what is asked."""
    return {
        f"{each.author}, sent by {each.sent}: {each.spf}, signed by {each.signed or 'nobody'}: {each.dkim}": each
        for each in cases
    }


CASES = by_name(each for some in (_asked_for(), _spoken_for(), _not_said_now()) for each in some)
