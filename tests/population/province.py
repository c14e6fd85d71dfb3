"""A whole registry for tests and measurements: agencies, offices, people, their documents and histories.

Everything is drawn from one seed, so that the same call gives the same octets. What happens to mailboxes is what a
few years do: most were issued in the first year, some got more room, were locked and restored, were away, or left.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import chain
from pathlib import Path
from random import Random

from hanam_mail.errors import Source
from hanam_mail.registry.events import ID_LETTERS, ID_PAIRS
from hanam_mail.registry.model import (
    Absence,
    Agency,
    AgencyKind,
    Event,
    Issue,
    Lock,
    Mailbox,
    MailboxKind,
    Quota,
    Registry,
    Restore,
    Revoke,
)
from hanam_mail.registry.requests import Reply, Request, RequestKind, Result
from hanam_mail.registry.writing import canonical
from hanam_mail.regulation import naming
from hanam_mail.regulation.provisions import Regulation
from tests.population import naming_batch
from tests.population.agencies import Plan, plans, shares
from tests.population.names import Person, people

YEARS = (2023, 2024, 2025)
_FIRST_YEAR = 0.85  # of the people were there when the system began
# What later years bring to somebody: the chance of each, and what the document asks for.
_EVENTS = {
    RequestKind.CHANGE: 0.03,
    RequestKind.REVOKE: 0.04,
    RequestKind.LOCK: 0.01,
    RequestKind.ABSENCE: 0.02,
}
_NOWHERE = Source("", 0)
_DAY = timedelta(days=1)


@dataclass(slots=True)
class _Office:
    """An agency with its people and the documents of each year, while the registry grows."""

    agency: Agency
    plan: Plan
    people: list[Person]
    documents: dict[int, Request] = field(default_factory=dict)
    asks: defaultdict[int, set[RequestKind]] = field(default_factory=lambda: defaultdict(set))


def province(mailboxes: int, seed: int, regulation: Regulation) -> Registry:
    """A registry of exactly that many mailboxes (1,000 and more: each agency has its own and some people)."""
    draw = Random(seed)  # noqa: S311 (no secret)
    ids = _ids(draw)
    offices = list(_offices(mailboxes, seed, ids, regulation))
    for year in YEARS:
        for number, office in enumerate(sorted(offices, key=lambda each: each.agency.id), start=1):
            office.documents[year] = _document(office, year, number, draw)
    found = list(chain.from_iterable(_mailboxes(offices, ids, draw, regulation)))
    return Registry(
        agencies={office.agency.id: office.agency for office in offices},
        mailboxes={mailbox.id: mailbox for mailbox in found},
        requests={request.id: request for year in YEARS for request in _register(offices, year)},
        regulation=regulation,
    )


def write(registry: Registry, folder: Path) -> None:
    """Write the registry's files in their canonical form into an empty folder."""
    (folder / "requests").mkdir(parents=True)
    for file, text in canonical.texts(registry, folder).items():
        file.write_text(text, encoding="utf-8")


def _offices(mailboxes: int, seed: int, ids: Iterator[str], regulation: Regulation) -> Iterator[_Office]:
    planned = plans(mailboxes, regulation.naming)
    count = mailboxes - len(planned) - sum(len(plan.offices) for plan in planned)
    if count < len(planned):
        raise ValueError(f"{mailboxes} mailboxes are too few for the province's agencies and offices")
    everybody = iter(people(count, seed))
    for plan, share in zip(planned, shares(planned, count), strict=True):
        address = naming.agency_address(plan.kind, plan.code, regulation.naming)
        agency = Agency(
            id=next(ids),
            name=plan.name,
            kind=plan.kind,
            code=plan.code,
            suffix=plan.suffix,
            document_system=plan.kind in (AgencyKind.DEPARTMENT, AgencyKind.DISTRICT),
            history=(),
            source=Source(f"{address}.yml", 0),
        )
        yield _Office(agency, plan, [next(everybody) for _ in range(share)])


def _document(office: _Office, year: int, number: int, draw: Random) -> Request:
    """What the agency sent in that year; what it asks for is filled in when its people are."""
    received = date(year, 2, 1) + draw.randrange(240) * _DAY
    sign = office.plan.code.replace(".", "-").upper()
    return Request(
        id=f"{year}-{number:04}",
        document=f"{draw.randrange(1, 400)}/{sign}-VP",
        dated=received - _DAY,
        received=received,
        agency=office.agency.id,
        asks=(),
        ground=f"{draw.randrange(1, 900)}/QĐ-{sign}",
        result=Result.DONE,
        reply=Reply(f"{1000 + number}/STTTT-CNTT", received + 2 * _DAY),
        source=Source(f"{year}.yml", 0),
    )


def _register(offices: list[_Office], year: int) -> list[Request]:
    """The documents of the year that asked for something, by number."""
    order = list(RequestKind)
    asked = (
        replace(office.documents[year], asks=tuple(sorted(office.asks[year], key=order.index)))
        for office in offices
        if office.asks[year]
    )
    return sorted(asked, key=lambda request: request.id)


def _mailboxes(
    offices: list[_Office], ids: Iterator[str], draw: Random, regulation: Regulation
) -> Iterator[list[Mailbox]]:
    """The mailboxes of each agency: its own, its offices', its people's in the order of issue."""
    rules = regulation.naming
    applicants: dict[naming_batch.Applicant, int] = {}
    for office in offices:
        for row, person in enumerate(office.people, start=1):
            # The first is the clerk, there from the beginning.
            year = YEARS[0] if row == 1 or draw.random() < _FIRST_YEAR else draw.choice(YEARS[1:])
            document = office.documents[year]
            applicant = naming_batch.Applicant(
                document.received,
                document.document,
                row,
                person.name,
                office.agency.id,
                office.agency.suffix,
                person.details,
            )
            applicants[applicant] = year
    given: dict[str, list[Mailbox]] = {office.agency.id: [] for office in offices}
    by_id = {office.agency.id: office for office in offices}
    for applicant, address in naming_batch.issue(applicants, rules, taken=(), colleagues={}):
        office, year = by_id[applicant.agency], applicants[applicant]
        history = tuple(_history(office, year, draw, is_clerk=applicant.row == 1))
        box = _mailbox(next(ids), MailboxKind.PERSON, office, applicant.name, address, history)
        given[applicant.agency].insert(0, box) if applicant.row == 1 else given[applicant.agency].append(box)
    for office in offices:
        members = given[office.agency.id]
        clerk, first = (members[0].id,), (_issue(office, YEARS[0]),)
        own = naming.agency_address(office.plan.kind, office.plan.code, rules)
        entries = [(MailboxKind.AGENCY, office.plan.name, own)]
        entries += [
            (MailboxKind.OFFICE, name, naming.office_address(name, office.plan.code, rules))
            for name in office.plan.offices
        ]
        common = [_mailbox(next(ids), kind, office, name, address, first) for kind, name, address in entries]
        yield [*(replace(mailbox, clerks=clerk) for mailbox in common), *members]


def _mailbox(
    identity: str, kind: MailboxKind, office: _Office, name: str, address: str, history: tuple[Event, ...]
) -> Mailbox:
    source = office.agency.source
    return Mailbox(identity, kind, office.agency.id, name, address, (), (), history, source)


def _issue(office: _Office, year: int) -> Issue:
    request, done = _asked(office, year, RequestKind.ISSUE)
    return Issue(request, done, None, _NOWHERE)


def _history(office: _Office, joined: int, draw: Random, *, is_clerk: bool) -> Iterator[Event]:
    yield _issue(office, joined)
    if joined == YEARS[-1]:
        return
    year = draw.choice([later for later in YEARS if later > joined])
    chance = draw.random()
    for kind, share in _EVENTS.items():
        chance -= share
        if chance < 0:
            if not (is_clerk and kind is RequestKind.REVOKE):
                yield from _happening(office, year, kind)
            return


def _happening(office: _Office, year: int, kind: RequestKind) -> Iterator[Event]:
    request, done = _asked(office, year, kind)
    match kind:
        case RequestKind.CHANGE:
            yield Quota(request, done, 4 * 1024**3, False, _NOWHERE)
        case RequestKind.REVOKE:
            yield Revoke(request, done, _NOWHERE)
        case RequestKind.ABSENCE:
            yield Absence(request, done, done, done + 120 * _DAY, _NOWHERE)
        case RequestKind.LOCK:
            yield Lock(request, done, "compromised", _NOWHERE)
            request, done = _asked(office, year, RequestKind.RESTORE)
            yield Restore(request, done, office.people[0].name, _NOWHERE)


def _asked(office: _Office, year: int, kind: RequestKind) -> tuple[str, date]:
    """The document of the year, which asks for that too, and the day it was done."""
    office.asks[year].add(kind)
    document = office.documents[year]
    return document.id, document.received + 2 * _DAY


def _ids(draw: Random) -> Iterator[str]:
    """Ids of the registry's form, none twice."""
    taken: set[str] = set()
    while True:
        identity = "".join(draw.choice(ID_LETTERS) + draw.choice("0123456789") for _ in range(ID_PAIRS))
        if identity not in taken:
            taken.add(identity)
            yield identity
