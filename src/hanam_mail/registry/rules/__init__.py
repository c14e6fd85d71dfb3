"""The rules that no single field of the registry can break: uniqueness, references, forms, order of dates.

Each module holds the rules of one subject and yields a Problem for every breach; `check` is the list of them.
All take time in proportion to the number of entries. The readings of Điều 5 that they hold to are those of
docs/decisions/0001-identity.md and naming.py.
"""

from collections.abc import Iterator
from datetime import date

from hanam_mail.errors import Problem
from hanam_mail.registry import history
from hanam_mail.registry.entries import Found
from hanam_mail.registry.model import Settings
from hanam_mail.registry.rules import addresses, agencies, changes, clerks, names, requests, unique, units
from hanam_mail.registry.rules.addresses import agency_address
from hanam_mail.registry.rules.view import View
from hanam_mail.regulation.provisions import Regulation

__all__ = ["agency_address", "check"]


def check(
    found: Found, regulation: Regulation, today: date, settings: Settings | None = None, *, former: bool = False
) -> Iterator[Problem]:
    """Every breach of a rule between entries. `today` bounds all dates.

    `former`: an earlier revision, from which what mends it is planned. It is not judged again, only what it names must
    be there, and once. An address may stand twice: two merge requests that were right each gave it.
    """
    view = View(found, regulation, settings or Settings(), today)
    if former:
        yield from unique.keys(view)
        yield from requests.missing(view)
        return
    yield from unique.problems(view)
    unreadable = list(names.problems(view))
    yield from unreadable
    told = {(problem.file, problem.line, problem.field) for problem in unreadable}
    for problem in (*units.problems(view), *addresses.problems(view)):
        # What nobody can read is told once, not by every rule that stumbles over it.
        if (problem.file, problem.line, problem.field) not in told:
            yield problem
    yield from agencies.problems(view)
    for mailbox in found.mailboxes:
        yield from history.problems(mailbox.history, mailbox.kind, regulation, today)
    yield from changes.problems(view)
    yield from clerks.problems(view)
    yield from requests.problems(view)
