"""Requests measured against their terms: answered within 03 working days (Đ6.2b), restores done within 03 (Đ7.3b).

A request that asks for a restore is late by the restore as well: the mailbox must be open again within the term, and
the list says who verified it. What nobody has dealt with is overdue once its term is over, and due soon before.

Each request is judged alone: one whose term runs into a year that nobody confirmed is listed as uncounted, and the
others with their days (decision 0022).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from hanam_mail.registry.model import Mailbox, Registry, Restore
from hanam_mail.registry.requests import Request, RequestKind, Result
from hanam_mail.regulation.workdays import Calendar, UnconfirmedYearError


class TermState(StrEnum):
    """How a request stands against its term."""

    OVERDUE = "overdue"  # pending, and the term is over
    DUE_SOON = "due_soon"  # pending, and the term is nearly over
    PENDING = "pending"
    UNCOUNTED = "uncounted"  # its term runs into a year that nobody confirmed, so nobody can say
    LATE = "late"  # answered or restored after the term


@dataclass(frozen=True, slots=True)
class Restored:
    """A mailbox that the request opened again, when, and who verified the request (Đ7.3b)."""

    address: str
    name: str
    done: date
    verified: str


@dataclass(frozen=True, slots=True)
class RequestTerm:
    """A request and its term. `days` are working days: late by so many, or so many left (OVERDUE counts as late).

    `unconfirmed` is the year whose calendar somebody must confirm before `days` can be counted, and before `due` can
    where it is UNCOUNTED; they are None until then.
    """

    request: Request
    agency: str
    due: date | None
    clause: str
    standing: TermState
    days: int | None
    finished: date | None
    restored: tuple[Restored, ...]
    unconfirmed: int | None = None


def items(registry: Registry, calendar: Calendar, day: date) -> list[RequestTerm]:
    """Every request that is pending, or was not dealt with in its term, as of `day`; the longest overdue first.

    Requests received after `day` do not count.
    """
    restored = _restored(registry)
    found = [
        item
        for request in registry.requests.values()
        if request.received <= day
        and (item := _item(registry, calendar, request, tuple(restored.get(request.id, ())), day)) is not None
    ]
    order = list(TermState)
    return sorted(found, key=lambda item: (order.index(item.standing), item.due or date.max, item.request.id))


def _item(
    registry: Registry, calendar: Calendar, request: Request, restored: tuple[Restored, ...], day: date
) -> RequestTerm | None:
    regulation = registry.regulation
    terms = [(regulation.answer_working_days, "Đ6.2b")]
    if RequestKind.RESTORE in request.asks:
        terms.append((regulation.restore_working_days, "Đ7.3b"))
    working_days, clause = min(reversed(terms), key=lambda term: term[0])
    agency = registry.agencies[request.agency].name
    finished = _finished(request, restored)
    if finished is not None and finished > day:
        finished = None
    until = finished or day
    so_far = tuple(entry for entry in restored if entry.done <= until)
    try:
        due = calendar.deadline(request.received, working_days)
    except UnconfirmedYearError as error:
        if finished is not None and finished.year < error.year:
            return None  # the term runs on into that year, so it was kept whatever its days off are
        return RequestTerm(request, agency, None, clause, TermState.UNCOUNTED, None, finished, so_far, error.year)
    if until <= due:
        if finished is not None:
            return None
        days = calendar.working_days_between(until, due)
        standing = TermState.DUE_SOON if days <= calendar.due_soon_working_days else TermState.PENDING
        return RequestTerm(request, agency, due, clause, standing, days, None, so_far)
    standing = TermState.OVERDUE if finished is None else TermState.LATE
    try:
        late = calendar.working_days_between(due, until)
    except UnconfirmedYearError as error:
        return RequestTerm(request, agency, due, clause, standing, None, finished, so_far, error.year)
    return RequestTerm(request, agency, due, clause, standing, late, finished, so_far)


def _finished(request: Request, restored: tuple[Restored, ...]) -> date | None:
    """The day of the last thing the request was owed: the reply, and every restore."""
    if request.result is Result.PENDING or request.reply is None or not request.reply.document:
        return None
    return max([request.reply.date, *(entry.done for entry in restored)])


def _restored(registry: Registry) -> dict[str, list[Restored]]:
    by_request: dict[str, list[Restored]] = {}
    for mailbox in registry.mailboxes.values():
        for request, entry in _restores(mailbox):
            by_request.setdefault(request, []).append(entry)
    return by_request


def _restores(mailbox: Mailbox) -> Iterator[tuple[str, Restored]]:
    for event in mailbox.history:
        if isinstance(event, Restore):
            yield event.request, Restored(mailbox.address, mailbox.name, event.done, event.verified)
