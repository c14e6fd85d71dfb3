"""The lines of the registry's canonical form, each with its anchor: what it says of which entry.

Fields stand in the order of the schema, each on a line of its own; an event and an alias are one line each, so
that a new one is one added line. Anchors are tuples that stay the same wherever the entry stands:

    ("agency", id), ("agency", id, field), ("agency", id, "history", number)
    ("mailboxes", id of the agency)
    ("mailbox", id), ("mailbox", id, field), ("mailbox", id, "history", number), ("mailbox", id, "aliases", address)
    ("request", id), ("request", id, field)

The first line of an entry has the anchor of the entry as a whole.
"""

from collections.abc import Iterable, Iterator

from hanam_mail.registry.events import event_name
from hanam_mail.registry.model import (
    Absence,
    Agency,
    AgencyEvent,
    AgencyMerge,
    AgencyRename,
    Alias,
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
)
from hanam_mail.registry.requests import Request
from hanam_mail.registry.sizes import quota_text
from hanam_mail.registry.writing.scalar import scalar

type Anchor = tuple[str | int, ...]
type Line = tuple[Anchor, str]


def agency_lines(agency: Agency, mailboxes: Iterable[Mailbox]) -> Iterator[Line]:
    """An agency's file: the agency, then its mailboxes in the order given."""
    anchor: Anchor = ("agency", agency.id)
    yield anchor, "agency:"
    yield (*anchor, "id"), f"  id: {scalar(agency.id)}"
    yield (*anchor, "name"), f"  name: {scalar(agency.name)}"
    yield (*anchor, "kind"), f"  kind: {agency.kind}"
    yield (*anchor, "code"), f"  code: {scalar(agency.code)}"
    yield (*anchor, "suffix"), f"  suffix: {scalar(agency.suffix)}"
    if agency.document_system:
        yield (*anchor, "document_system"), "  document_system: true"
    if agency.withheld:
        yield (*anchor, "withheld"), f"  withheld: {scalar(agency.withheld)}"
    if agency.history:
        yield (*anchor, "history"), "  history:"
        for number, event in enumerate(agency.history):
            yield (*anchor, "history", number), f"    - {{{', '.join(_agency_event(event))}}}"
    lines = [line for mailbox in mailboxes for line in _mailbox(mailbox)]
    yield ("mailboxes", agency.id), "mailboxes:" if lines else "mailboxes: []"
    yield from lines


def request_lines(request: Request) -> Iterator[Line]:
    """A request in the register of its year."""
    anchor: Anchor = ("request", request.id)
    yield anchor, f"{request.id}:"
    yield (*anchor, "document"), f"  document: {scalar(request.document)}"
    yield (*anchor, "dated"), f"  dated: {request.dated}"
    yield (*anchor, "received"), f"  received: {request.received}"
    yield (*anchor, "agency"), f"  agency: {scalar(request.agency)}"
    yield (*anchor, "asks"), f"  asks: [{', '.join(request.asks)}]"
    yield (*anchor, "ground"), f"  ground: {scalar(request.ground)}"
    yield (*anchor, "result"), f"  result: {request.result}"
    if request.reply:
        number = f"document: {scalar(request.reply.document)}, " if request.reply.document else ""
        reply = f"{{{number}date: {request.reply.date}}}"
        yield (*anchor, "reply"), f"  reply: {reply}"


def _mailbox(mailbox: Mailbox) -> Iterator[Line]:
    anchor: Anchor = ("mailbox", mailbox.id)
    yield anchor, f"  - id: {scalar(mailbox.id)}"
    yield (*anchor, "kind"), f"    kind: {mailbox.kind}"
    if mailbox.kind is not MailboxKind.AGENCY:
        yield (*anchor, "name"), f"    name: {scalar(mailbox.name)}"
    if mailbox.exact_name:
        yield (*anchor, "exact_name"), "    exact_name: true"
    if mailbox.post:
        yield (*anchor, "post"), f"    post: {scalar(mailbox.post)}"
    if mailbox.phone:
        yield (*anchor, "phone"), f"    phone: {scalar(mailbox.phone)}"
    if mailbox.withheld:
        yield (*anchor, "withheld"), f"    withheld: {scalar(mailbox.withheld)}"
    yield (*anchor, "address"), f"    address: {scalar(mailbox.address)}"
    if mailbox.aliases:
        yield (*anchor, "aliases"), "    aliases:"
        for alias in mailbox.aliases:
            yield (*anchor, "aliases", alias.address), f"      - {{{', '.join(_alias(alias))}}}"
    if mailbox.clerks:
        yield (*anchor, "clerks"), f"    clerks: [{', '.join(map(scalar, mailbox.clerks))}]"
    yield (*anchor, "history"), "    history:"
    for number, event in enumerate(mailbox.history):
        yield (*anchor, "history", number), f"      - {{{', '.join(_event(event))}}}"


def _alias(alias: Alias) -> Iterator[str]:
    yield f"address: {scalar(alias.address)}"
    if alias.begin:
        yield f"from: {alias.begin}"
    if alias.until:
        yield f"until: {alias.until}"


def _event(event: Event) -> Iterator[str]:
    yield f"event: {event_name(event)}"
    if event.request:
        yield f"request: {event.request}"
    yield f"done: {event.done}"
    match event:
        case Issue(quota_bytes=int(octets)) | Quota(quota_bytes=octets):
            yield f"quota: {quota_text(octets)}"
        case Lock():
            yield f"reason: {event.reason}"
        case Absence():
            yield f"from: {event.begin}"
            yield f"to: {event.end}"
        case Restore():
            yield f"verified: {scalar(event.verified)}"
        case Move():
            yield f"from: {scalar(event.origin)}"
    if isinstance(event, Quota) and event.shrink:
        yield "shrink: true"
    if isinstance(event, Clerks) and event.was:
        yield f"was: [{', '.join(map(scalar, event.was))}]"
    if isinstance(event, Rename | Move) and event.was:
        yield f"was: {scalar(event.was)}"
    if isinstance(event, Rename) and event.was_name:
        yield f"was_name: {scalar(event.was_name)}"


def _agency_event(event: AgencyEvent) -> Iterator[str]:
    yield f"event: {event_name(event)}"
    yield f"request: {event.request}"
    yield f"done: {event.done}"
    match event:
        case AgencyMerge():
            yield f"into: {scalar(event.into)}"
        case AgencyRename():
            if event.was_name:
                yield f"was_name: {scalar(event.was_name)}"
            if event.was_code:
                yield f"was_code: {scalar(event.was_code)}"
            if event.was_suffix:
                yield f"was_suffix: {scalar(event.was_suffix)}"
            if event.was_document_system is not None:
                yield f"was_document_system: {str(event.was_document_system).lower()}"
