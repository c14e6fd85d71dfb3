"""What two revisions of an agency or mailbox differ in that no account shows, above all events that were rewritten.

Commands only add events. Whoever edits a file may rewrite one, and no account need show it: who verified a restore
(Đ7.3b), what an agency was called. So events are compared whole; events that were added and change nothing are told,
and so is what a mailbox says besides that no account has.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import date
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any

from hanam_mail.plan.accounts import Address
from hanam_mail.plan.model import Change
from hanam_mail.registry.events import event_name
from hanam_mail.registry.history import standing
from hanam_mail.registry.model import (
    Absence,
    Agency,
    AgencyEvent,
    AgencyRename,
    Alias,
    Event,
    Mailbox,
    Registry,
)
from hanam_mail.regulation.provisions import Regulation


def rewritten(before: Registry, after: Registry, today: date) -> dict[str, list[Change]]:
    """By the id of an agency or mailbox that both have; an entry that both share is not looked at."""
    found: dict[str, list[Change]] = {}
    for id_, agency in before.agencies.items():
        later = after.agencies.get(id_)
        if later is not None and later is not agency:
            found[id_] = [*_events(agency.history, later.history, before, after), *_of_agency(agency, later, after)]
    for id_, mailbox in before.mailboxes.items():
        box = after.mailboxes.get(id_)
        if box is not None and box is not mailbox:
            found[id_] = [*_events(mailbox.history, box.history, before, after), *_mailbox(mailbox, box, after, today)]
    return {id_: changes for id_, changes in found.items() if changes}


def _of_agency(old: Agency, new: Agency, after: Registry) -> Iterator[Change]:
    added = new.history[len(old.history) :]
    # A merger is told by the mailboxes that move.
    if added and replace(new, history=old.history) == old and all(isinstance(event, AgencyRename) for event in added):
        yield from (Change("event", None, _told(event, after)) for event in added)


def _mailbox(old: Mailbox, new: Mailbox, after: Registry, today: date) -> Iterator[Change]:
    added = new.history[len(old.history) :]
    if added and replace(new, history=old.history) == old and _stands_the_same(old, new, after.regulation):
        # An absence is told as one.
        yield from (Change("event", None, _told(each, after)) for each in added if not isinstance(each, Absence))
    if old.exact_name != new.exact_name:
        yield Change("exact_name", old.exact_name, new.exact_name)
    aliases = {alias.address: alias for alias in new.aliases} if old.aliases else {}
    for alias in old.aliases:
        now = aliases.get(alias.address)
        if now is None:
            # The database keeps an address that ended. In git nothing but its entry keeps it from being another's.
            if alias.until and alias.until < today and alias.address != new.address:
                yield Change("alias", _alias(alias), None)
        elif alias.begin and not now.begin and alias.until == now.until:
            # The database knows the first day of an address and does not ask git for it again.
            yield Change("alias", _alias(alias), _alias(now))


def _stands_the_same(old: Mailbox, new: Mailbox, regulation: Regulation) -> bool:
    was, now = (standing(box.history, box.kind, regulation) for box in (old, new))
    return (was.quota_bytes, was.document) == (now.quota_bytes, now.document)


def _alias(alias: Alias) -> Mapping[str, Any]:
    return Address(alias.address, "", "alias", alias.begin, alias.until).as_shown()


def _events(
    old: Sequence[Event | AgencyEvent], new: Sequence[Event | AgencyEvent], before: Registry, after: Registry
) -> Iterator[Change]:
    """A change of "history" for each event of `old` that is another one now, and for each that came before its end."""
    if old == new[: len(old)]:
        return
    for kind, begin, end, first, last in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        for was, now in zip_longest(old[begin:end], new[first:last]):
            one, other = (each and _told(each, after, before) for each in (was, now))
            if one and other and one["event"] == other["event"]:
                yield Change("history", one, other)
                continue
            if one:
                yield Change("history", one, None)
            if other and end < len(old):  # else it was added, as events are
                yield Change("history", None, other)


def _told(event: Event | AgencyEvent, *registries: Registry) -> Mapping[str, Any]:
    """The event as a plan shows it: dates in ISO form, agencies and clerks by the first name that a registry has."""

    def named(id_: str) -> str:
        known = (side.agencies.get(id_) or side.mailboxes.get(id_) for side in registries)
        return next((entry.name for entry in known if entry is not None), id_)

    told: dict[str, Any] = {"event": event_name(event)}
    for field in fields(event):
        value = getattr(event, field.name)
        if field.name in ("source", "cause"):
            continue  # the name of the event tells the cause
        if field.name in ("origin", "into"):
            value = named(value)
        elif isinstance(value, tuple):
            value = [named(clerk) for clerk in value]
        elif isinstance(value, date):
            value = value.isoformat()
        told[field.name] = value
    return told
