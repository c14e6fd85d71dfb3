"""The order in which the people of one batch get their addresses, and the addresses they get (Đ5.2).

Who is issued first has the plain form, so the order decides; it is by date received, document and row, never
by the order in which files happened to be read or rows stood in a list.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from hanam_mail.regulation import naming
from hanam_mail.regulation.naming.grammar import NamingRules


@dataclass(frozen=True, slots=True)
class Applicant:
    """A row of a batch: who asks for a mailbox, in which agency (any key of it), by which document.

    `received` is the day the document was received, `row` the row's number in it.
    """

    received: date
    document: str
    row: int
    name: str
    agency: str
    suffix: str
    details: tuple[str, ...] = ()


def in_order(batch: Iterable[Applicant]) -> list[Applicant]:
    """The batch in the order of issue: date received, document (its numbers as numbers: 9/STP before 12/STP), row.

    What else a row says breaks a tie, so that no order of reading shows in the result.
    """
    return sorted(batch, key=_place)


def issue(
    batch: Iterable[Applicant],
    rules: NamingRules,
    *,
    taken: Collection[str],
    colleagues: Mapping[str, Collection[str]],
) -> list[tuple[Applicant, str]]:
    """Every applicant with the address given, in the order of issue.

    `taken` are all addresses ever issued, `colleagues` the addresses of the people of each agency. Raises
    NamingError for the first name that makes no address; nothing is given then.
    """
    issued = set(taken)
    newcomers: dict[tuple[str, str], list[str]] = {}  # of each agency and plain form
    given = []
    for applicant in in_order(batch):
        namesakes = newcomers.setdefault((applicant.agency, naming.person_address(applicant.name, rules)), [])
        address = naming.propose_person(
            applicant.name,
            applicant.suffix,
            issued,
            rules,
            colleagues=[*colleagues.get(applicant.agency, ()), *namesakes],
            details=applicant.details,
        )
        issued.add(address)
        namesakes.append(address)
        given.append((applicant, address))
    return given


def _place(applicant: Applicant) -> tuple[object, ...]:
    return (
        applicant.received,
        _natural(applicant.document),
        applicant.row,
        naming.key(applicant.name),
        applicant.name,
        applicant.agency,
        applicant.suffix,
        applicant.details,
    )


def _natural(document: str) -> tuple[tuple[int, int, str], ...]:
    """Numbers compare as numbers, and before letters."""
    parts = re.findall(r"[0-9]+|[^0-9]+", naming.normal(document).casefold())
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)
