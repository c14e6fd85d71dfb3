"""The register of requests, and what ties an event to the request behind it (Đ6.2, Đ7.3).

The regulation does not say who may ask for whom, so the rule only catches a slip: a request of an agency that has
nothing to do with the mailbox. New agencies, mergers, renamed agencies and locks may be asked for by any agency (a
superior one, a decision of the province, a report by a neighbour).
"""

import itertools
from collections.abc import Iterator
from pathlib import PurePath

from hanam_mail.errors import Problem, Source
from hanam_mail.registry.model import (
    Absence,
    AgencyEvent,
    AgencyKind,
    AgencyMerge,
    AgencyRename,
    Cause,
    Clerks,
    Event,
    Issue,
    Lock,
    Mailbox,
    MailboxKind,
    Move,
    Quota,
    Rename,
    Restore,
    Revoke,
)
from hanam_mail.registry.requests import Request, RequestKind, Result
from hanam_mail.registry.rules.view import View

ASKED_BY: dict[type, RequestKind] = {
    Issue: RequestKind.ISSUE,
    Quota: RequestKind.CHANGE,
    Rename: RequestKind.CHANGE,
    Move: RequestKind.CHANGE,
    AgencyRename: RequestKind.CHANGE,
    AgencyMerge: RequestKind.CHANGE,
    Lock: RequestKind.LOCK,
    Absence: RequestKind.ABSENCE,
    Clerks: RequestKind.CHANGE,
    Restore: RequestKind.RESTORE,
    Revoke: RequestKind.REVOKE,
}


def problems(view: View) -> Iterator[Problem]:
    """Every impossible request, and every event that its request does not bear."""
    for request in view.found.requests:
        yield from _request(request, view)
    for agency in view.found.agencies:
        for event in agency.history:
            yield from _event(event, view)
    for mailbox in view.found.mailboxes:
        yield from _mailbox(mailbox, view)


def missing(view: View) -> Iterator[Problem]:
    """Every event whose request the register does not have."""
    histories = itertools.chain(
        (agency.history for agency in view.found.agencies), (mailbox.history for mailbox in view.found.mailboxes)
    )
    for event in itertools.chain.from_iterable(histories):
        if event.request and event.request not in view.requests:
            yield _unknown(event)


def _unknown(event: Event | AgencyEvent) -> Problem:
    return event.source.problem("request", f"sổ đề nghị không có số {event.request}", "Đ6.2")


def _request(request: Request, view: View) -> Iterator[Problem]:
    source, year = request.source, request.id[:4]
    if PurePath(source.file).stem != year:
        yield source.problem("", f"đề nghị {request.id} phải nằm trong tệp {year}.yml")
    if f"{request.received:%Y}" != year:
        yield source.problem("received", f"số {request.id} dành cho văn bản nhận trong năm {year}", "Đ6.2")
    if request.dated > request.received:
        yield source.problem("dated", f"ngày văn bản sau ngày nhận ({request.received})", "Đ6.2")
    if request.received > view.today:
        yield source.problem("received", f"ngày {request.received} ở tương lai")
    if request.agency and request.agency not in view.agencies:
        yield source.problem("agency", f"không có cơ quan nào mã “{request.agency}”", "Đ6.2a")
    if request.reply is None:
        return
    if request.result is Result.PENDING:
        yield source.problem("reply", "đề nghị chưa xử lý thì chưa có văn bản trả lời", "Đ6.2b")
    if request.result is Result.REFUSED and not request.reply.document:
        yield request.source.problem("reply", "từ chối thì phải ghi số văn bản trả lời (document)", "Đ6.2b")
    if request.reply.date < request.received:
        yield source.problem("reply", f"ngày trả lời trước ngày nhận ({request.received})", "Đ6.2b")
    if request.reply.date > view.today:
        yield source.problem("reply", f"ngày {request.reply.date} ở tương lai")


def _event(event: Event | AgencyEvent, view: View, *, follows: bool = False) -> Iterator[Problem]:
    """An event names a request that was granted, asked for it (or `follows` from another event), and came before it."""
    if not event.request or view.is_unread(event.request):
        return
    request, source = view.requests.get(event.request), event.source
    if request is None:
        yield _unknown(event)
        return
    if request.result is not Result.DONE:
        text = f"đề nghị {request.id} có kết quả {request.result}, chưa phải done"
        yield source.problem("request", text, "Đ6.2b")
    elif event.done < request.received:
        text = f"ngày {event.done} trước ngày nhận đề nghị {request.id} ({request.received})"
        yield source.problem("done", text, "Đ6.2")
    kind = ASKED_BY[type(event)]
    if request.asks and kind not in request.asks and not follows:
        text = f"đề nghị {request.id} không đề nghị việc này: asks phải có {kind}"
        yield source.problem("request", text, "Đ6.2b")


def _mailbox(mailbox: Mailbox, view: View) -> Iterator[Problem]:
    for event in mailbox.history:
        yield from _event(event, view, follows=_follows_a_clerk(event, mailbox, view))
    if view.settings.operator:
        yield from _askers(mailbox, view)


def _askers(mailbox: Mailbox, view: View) -> Iterator[Problem]:
    moves = 0
    owners = (*mailbox.origins, mailbox.agency)
    for event in mailbox.history:
        moves += isinstance(event, Move)
        request = view.requests.get(event.request or "")
        if request is None or request.agency not in view.agencies or _anybody_may_ask(event, mailbox):
            continue
        if _follows_a_clerk(event, mailbox, view):
            continue  # who may ask for that stands at the clerk's own event
        if request.agency != owners[moves] and not _concerned(request.agency, owners[: moves + 1], view):
            yield _stranger(event.source, request, view)


def _anybody_may_ask(event: Event, mailbox: Mailbox) -> bool:
    match event:
        case Lock() | Move(cause=Cause.MERGE):
            return True
        case Issue():
            return mailbox.kind is MailboxKind.AGENCY
        case Rename():
            return mailbox.kind.is_agency
    return False


def _follows_a_clerk(event: Event, mailbox: Mailbox, view: View) -> bool:
    """Whether the event does no more than leave out clerks who left their agency or the service by its request."""
    if not isinstance(event, Clerks):
        return False
    place = next(number for number, other in enumerate(mailbox.history) if other is event)
    later = mailbox.history[place + 1 :]
    after = next((other.was for other in later if isinstance(other, Clerks)), mailbox.clerks)
    left = {who for who in event.was if who in view.mailboxes and _left_by(view.mailboxes[who], event.request)}
    return bool(left) and set(after) == set(event.was) - left


def _left_by(clerk: Mailbox, request: str | None) -> bool:
    return any(isinstance(own, Revoke | Move) and own.request == request for own in clerk.history)


def _concerned(asker: str, owners: tuple[str, ...], view: View) -> bool:
    """Whether the asker is the operator, or is or became one of the mailbox's agencies till then, or the district of
    one that is a commune's."""
    if asker == view.settings.operator or asker in owners:
        return True
    if any(successor in owners for successor in view.successors(asker)):
        return True
    communes = (view.agencies[owner] for owner in owners if owner in view.agencies)
    return any(
        agency.kind is AgencyKind.COMMUNE and view.district_ids.get(agency.parent_code or "") == asker
        for agency in communes
    )


def _stranger(source: Source, request: Request, view: View) -> Problem:
    name = view.agencies[request.agency].name
    text = f"đề nghị {request.id} là của “{name}”, không phải cơ quan của hộp thư này"
    return source.problem("request", text, "Đ6.2a")
