"""The first registry, made from the province's lists in data/: every agency with its mailbox, and a few
people.

Ids are drawn from a hash of what the entry is, so that a second run gives the same octets. Later entries
draw theirs at random (two merge requests must never take the same), so nothing here runs once the registry
lives: it is the beginning.
"""

import csv
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from hanam_mail.errors import InputError, Problem, Source
from hanam_mail.registry import rules
from hanam_mail.registry.entries import Found, read_request_file
from hanam_mail.registry.events import ID_LETTERS, ID_PAIRS
from hanam_mail.registry.model import Agency, AgencyKind, Issue, Mailbox, MailboxKind, Registry
from hanam_mail.registry.requests import Request
from hanam_mail.regulation import group_vars, naming
from hanam_mail.regulation.provisions import Regulation

DEPARTMENTS, UNITS = "hanam_departments.txt", "hanam_units.tsv"
REQUESTS, MAILBOXES = "initial_requests.yml", "initial_mailboxes.tsv"
_COLUMNS = {
    UNITS: {"district_kind", "district_name", "commune_kind", "commune_name"},
    MAILBOXES: {"agency", "kind", "name", "request", "clerk_of"},
}
_GENERATED = Source("", 0)


def initial_registry(data: Path, regulation: Regulation) -> Registry:
    """The registry made from the four files in the folder `data`.

    Raises InputError when a file breaks a rule, for instance when two agencies come to the same code.
    """
    builder = _Builder(regulation, _read_requests(data / REQUESTS))
    first = next(iter(builder.requests))
    for number, name in enumerate(group_vars.text(data / DEPARTMENTS).splitlines(), start=1):
        with _row(data / DEPARTMENTS, number):
            builder.add_department(name, first)
    for number, row in _rows(data / UNITS):
        with _row(data / UNITS, number):
            builder.add_commune(row, first)
    for number, row in _rows(data / MAILBOXES):
        with _row(data / MAILBOXES, number):
            builder.add_mailbox(row)
    found = builder.found()
    problems = list(rules.check(found, regulation, date.max))
    if problems:
        raise InputError(problems)
    return Registry(
        agencies={agency.id: agency for agency in found.agencies},
        mailboxes={mailbox.id: mailbox for mailbox in found.mailboxes},
        requests=builder.requests,
        regulation=regulation,
    )


@dataclass(slots=True)
class _Builder:
    """Agencies by code, mailboxes by address, in the order of issue: it decides on the plain form (Đ5.2)."""

    regulation: Regulation
    requests: dict[str, Request]
    agencies: dict[str, Agency] = field(default_factory=dict)
    mailboxes: dict[str, Mailbox] = field(default_factory=dict)
    clerks: dict[str, list[str]] = field(default_factory=dict)

    def add_department(self, name: str, request: str) -> None:
        code = naming.agency_code(name, self.regulation.naming)
        suffix = naming.agency_suffix(name, self.regulation.naming)
        self._add_agency(AgencyKind.DEPARTMENT, name, code, suffix, request)

    def add_commune(self, row: dict[str, str], request: str) -> None:
        """A commune, and its district when this is the first of it."""
        word_rules = self.regulation.naming
        committee = next(
            phrase for phrase, short in word_rules.abbreviations.items() if short == word_rules.committee_prefix
        )
        district = f"{row['district_kind']} {row['district_name']}"
        district_code = naming.district_code(district, word_rules)
        suffix = district_code[: word_rules.suffix_length]
        if district_code not in self.agencies:
            self._add_agency(AgencyKind.DISTRICT, f"{committee} {district}", district_code, suffix, request)
        commune = f"{row['commune_kind']} {row['commune_name']}"
        code = naming.commune_code(commune, district_code, word_rules)
        self._add_agency(AgencyKind.COMMUNE, f"{committee} {commune}, {district}", code, suffix, request)

    def add_mailbox(self, row: dict[str, str]) -> None:
        agency, kind = self.agencies[row["agency"]], MailboxKind(row["kind"])
        if kind is MailboxKind.OFFICE:
            address = naming.office_address(row["name"], agency.code, self.regulation.naming)
        else:
            colleagues = [box.address for box in self.mailboxes.values() if box.agency == agency.id]
            address = naming.propose_person(
                row["name"], agency.suffix, self.mailboxes.keys(), self.regulation.naming, colleagues=colleagues
            )
        mailbox = self._add(kind, agency, row["name"], address, row["request"])
        if row["clerk_of"]:
            self.clerks.setdefault(row["clerk_of"], []).append(mailbox.id)

    def found(self) -> Found:
        """All entries, the clerks filled in."""
        mailboxes = [
            replace(mailbox, clerks=tuple(self.clerks.get(address, ()))) for address, mailbox in self.mailboxes.items()
        ]
        return Found(list(self.agencies.values()), mailboxes, list(self.requests.values()))

    def _add_agency(self, kind: AgencyKind, name: str, code: str, suffix: str, request: str) -> None:
        agency = Agency(_identity(f"agency/{code}"), name, kind, code, suffix, False, (), _GENERATED)
        address = rules.agency_address(agency, self.regulation)
        if code in self.agencies:
            other = self.agencies[code].name
            text = f"“{name}” và “{other}” cùng có mã “{code}”: ghi mã được duyệt vào regulation_naming"
            raise InputError([Problem(DEPARTMENTS, 0, "", text, "Đ5.1")])
        agency = replace(agency, source=Source(f"{address}.yml", 0))
        self.agencies[code] = agency
        self._add(MailboxKind.AGENCY, agency, name, address, request)

    def _add(self, kind: MailboxKind, agency: Agency, name: str, address: str, request: str) -> Mailbox:
        reply = self.requests[request].reply
        done = reply.date if reply else self.requests[request].received
        mailbox = Mailbox(
            id=_identity(f"mailbox/{address}"),
            kind=kind,
            agency=agency.id,
            name=name,
            address=address,
            aliases=(),
            clerks=(),
            history=(Issue(request, done, None, _GENERATED),),
            source=agency.source,
        )
        self.mailboxes[address] = mailbox
        return mailbox


def _identity(seed: str) -> str:
    """An id by the seed alone. The rules refuse the registry should two seeds ever meet in one id."""
    digest = hashlib.sha256(seed.encode()).digest()
    pairs = zip(digest[:ID_PAIRS], digest[ID_PAIRS : 2 * ID_PAIRS], strict=True)
    return "".join(ID_LETTERS[a % len(ID_LETTERS)] + str(b % 10) for a, b in pairs)


def _read_requests(path: Path) -> dict[str, Request]:
    found = Found()
    read_request_file(group_vars.text(path), str(path), found)
    if found.problems:
        raise InputError(found.problems)
    return {
        request.id: replace(request, source=Source(f"{request.received.year}.yml", request.source.line))
        for request in found.requests
    }


@contextmanager
def _row(path: Path, number: int) -> Iterator[None]:
    """What a row cannot be, as a problem of its line."""
    try:
        yield
    except (KeyError, ValueError) as error:
        raise InputError([Problem(str(path), number, "", f"không lập được: {error}")]) from error


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row with its line."""
    rows = csv.DictReader(io.StringIO(group_vars.text(path), newline=""), delimiter="\t", restval="")
    try:
        missing = _COLUMNS[path.name].difference(rows.fieldnames or ())
        if missing:
            raise InputError([Problem(str(path), 1, "", f"thiếu cột {', '.join(sorted(missing))}")])
        for row in rows:
            yield rows.line_num, row
    except csv.Error as error:
        raise InputError([Problem(str(path), rows.line_num, "", f"không phải bảng: {error}")]) from error
