"""What comes of a letter after RFC 9989: each policy, wherever its author stands, whoever speaks for him.

Independent of what verifies: what a record asks for stands in a table, and who speaks for whom in another. Asked as
tests/dmarc_tables.py says.
"""

from collections.abc import Iterator

from tests.dmarc_tables import NOBODY, Case, by_name, case
from tests.unit.host.mail_auth import nameserver

# Record of an organisation -> what is done with mail that nobody speaks for, of an author of its own domain, of a name
# below that exists, and of one that does not.
ASKED_FOR = {
    "p=none": ("accept", "accept", "accept"),
    "p=quarantine": ("mark", "mark", "mark"),
    "p=reject": ("refuse", "refuse", "refuse"),
    "p=none; sp=reject": ("accept", "refuse", "refuse"),
    "p=none; np=reject": ("accept", "accept", "refuse"),
    "p=reject; sp=none; np=quarantine": ("refuse", "accept", "mark"),
    "p=none; sp=quarantine; np=reject; psd=n": ("accept", "mark", "refuse"),
    "p=reject; sp=quarantine; t=y": ("mark", "accept", "accept"),
    "p=quarantine; sp=reject; np=none; psd=u; t=y": ("accept", "mark", "accept"),
    "p=reject; adkim=s; aspf=s": ("refuse", "refuse", "refuse"),
    "p=quarantine; np=reject; adkim=s": ("mark", "mark", "refuse"),
}
# Of a public suffix: an author there, one of a name right below that exists, of one below that, and of one that does
# not exist.
SUFFIX_ASKS_FOR = {
    "p=reject; sp=quarantine; np=none; psd=y": ("refuse", "mark", "mark", "accept"),
    "p=none; sp=reject; np=quarantine; psd=y; t=y": ("accept", "mark", "mark", "accept"),
}

# Who speaks for the author: what SPF says of the author's own domain (OWN), of another one of the organisation (ITS) or
# of somebody else (NOBODY), whose signature there is and whether it holds.
OWN, ITS = "own", "its"
SPEAKS = [
    (NOBODY, "fail", "", "pass"),
    (NOBODY, "pass", NOBODY, "pass"),
    (ITS, "pass", "", "pass"),
    (ITS, "softfail", ITS, "fail"),
    (NOBODY, "pass", ITS, "pass"),
    # There is no key at all, so that this makes no name exist.
    (NOBODY, "pass", OWN, "permerror"),
]
# These make the author's domain exist.
SPEAKS_THERE = [
    (OWN, "pass", "", "pass"),
    (OWN, "fail", NOBODY, "pass"),
    (NOBODY, "fail", OWN, "pass"),
    (OWN, "neutral", OWN, "fail"),
]


def _speaks(mechanism: str, who: str, result: str, record: str) -> bool:
    """Whether that is for the author: his domain itself in both modes, another one of the organisation if relaxed."""
    return result == "pass" and (who == OWN or (who == ITS and f"a{mechanism}=s" not in record))


def _letter(record: str, author: str, its: str, speaks: tuple[str, str, str, str], failing: str) -> Case:
    sent, spf, signed, dkim = speaks
    domains = {OWN: author, ITS: its}
    passes = _speaks("spf", sent, spf, record) or _speaks("dkim", signed, dkim, record)
    return case(
        author,
        domains.get(sent, sent),
        domains.get(signed, signed),
        spf=spf,
        dkim=dkim,
        result="pass" if passes else "fail",
        action="accept" if passes else failing,
        authentic=passes,
    )


def _of_organisations() -> Iterator[Case]:
    for number, (record, (own, below, absent)) in enumerate(ASKED_FOR.items()):
        top = f"to{number}.example"
        for speaks in (*SPEAKS, *SPEAKS_THERE):
            yield _letter(record, top, f"thu.{top}", speaks, own)
            yield _letter(record, f"co.{top}", top, speaks, below)
        for speaks in SPEAKS:
            yield _letter(record, f"khong.{top}", top, speaks, absent)


def _of_suffixes() -> Iterator[Case]:
    """Each name right below is an organisation: nothing beside it and above it speaks for it."""
    for number, (record, (own, below, deeper, absent)) in enumerate(SUFFIX_ASKS_FOR.items()):
        top = f"duoi{number}.example"
        for speaks in (*SPEAKS, *SPEAKS_THERE):
            yield _letter(record, f"co.{top}", f"so.co.{top}", speaks, below)
            yield _letter(record, f"so.co.{top}", f"co.{top}", speaks, deeper)
        for speaks in (SPEAKS[0], SPEAKS[1], SPEAKS[-1]):
            yield _letter(record, f"khong.{top}", "", speaks, absent)
        for author, others, failing in (
            (top, (f"co.{top}",), own),
            (f"co.{top}", (top, f"kia.{top}", f"so.kia.{top}"), below),
            (f"khong.{top}", (top, f"kia.{top}"), absent),
        ):
            for other in others:
                yield case(author, other, action=failing)
                yield case(author, signed=other, action=failing)


CASES = by_name(each for some in (_of_organisations(), _of_suffixes()) for each in some)
ZONE: nameserver.Zone = {
    **{
        f"_dmarc.{kind}{number}.example": {"TXT": [nameserver.text(f"v=DMARC1; {record}")]}
        for kind, records in (("to", ASKED_FOR), ("duoi", SUFFIX_ASKS_FOR))
        for number, record in enumerate(records)
    },
    **{f"co.to{number}.example": {"A": ["192.0.2.1"]} for number in range(len(ASKED_FOR))},
    **{f"so.co.duoi{number}.example": {"A": ["192.0.2.1"]} for number in range(len(SUFFIX_ASKS_FOR))},
}
