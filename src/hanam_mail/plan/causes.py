"""The documents behind a plan: which event causes a change.

Pure, as apply.py, whose comparison asks it; groups and fields are those of its plan.
"""

from collections.abc import Container, Mapping, Sequence
from typing import Any

from hanam_mail.plan.accounts import Accounts, MailboxAccount

BY_HAND: Mapping[str, Any] = {"event": "by_hand"}  # in place of a document: somebody edited the entry without one
DELETED: Mapping[str, Any] = {**BY_HAND, "entry": "deleted"}  # and there is no entry any more
_EVENTS_OF_GROUP: Mapping[str, tuple[str, ...]] = {
    "created": ("issue",),
    "revoked": ("revoke",),
    "locked": ("lock",),
    "restored": ("restore",),
    "merged": ("merge",),
    "transferred": ("transfer",),
}
_ADDRESS_EVENTS = ("rename", "transfer", "merge")
_EVENTS_OF_FIELD: Mapping[str, tuple[str, ...]] = {
    "name": ("rename", "merge"),
    "address": _ADDRESS_EVENTS,
    "alias": _ADDRESS_EVENTS,
    "agency": ("transfer", "merge"),
    "clerks": ("clerks", "revoke"),
    "absence": ("absence",),
    "history": (),
    "event": ("rename", "transfer", "merge", "clerks", "quota"),
    "quota_bytes": ("quota",),
}

# No event decides them: an agency's list says post and telephone beside what it asks for; what is withheld says by
# which document.
_WITHOUT_EVENT = {"post", "phone", "withheld"}


class Causes:
    """What leads from `have` to `want`, asked by agency and mailbox. `rewritten` are those whose past somebody changed:
    what follows from that has no document."""

    def __init__(self, have: Accounts, want: Accounts, rewritten: Container[str] = ()) -> None:
        self.have, self.want, self.rewritten = have, want, rewritten

    def of_agency(self, agency: str, fields: Sequence[str]) -> Mapping[str, Any]:
        """The document of the newest event of an agency, BY_HAND where one that stood has none for its `fields`."""
        newest = self._new_event_of_agency(agency)
        if newest is None and self.have.events is None and fields and set(fields) <= _WITHOUT_EVENT:
            return {}  # a database does not know who wrote it
        if newest is None:
            return BY_HAND if agency in self.have.agencies else {}
        return newest

    def of_mailbox(self, group: str, mailbox: MailboxAccount, fields: Sequence[str]) -> list[Mapping[str, Any]]:
        """The documents behind an entry of that group whose `fields` change, the first one first."""
        if mailbox.id not in self.want.mailboxes:
            return [DELETED]
        events = (self.want.events or {}).get(mailbox.id)
        if events and (self.have.events is not None or group == "created"):
            return self._of_events(group, mailbox, fields)
        if fields and set(fields) <= _WITHOUT_EVENT:
            return [{}]  # a database does not know who wrote it
        by_state = group in ("created", "revoked", "locked", "restored")
        return [mailbox.document if by_state else self.want.decided.get(mailbox.id, mailbox.document)]

    def _of_events(self, group: str, mailbox: MailboxAccount, fields: Sequence[str]) -> list[Mapping[str, Any]]:
        """The documents of the events that cause an entry, none twice; BY_HAND where a change has no event."""
        kinds = [_EVENTS_OF_GROUP[group]] if group in _EVENTS_OF_GROUP else []
        if group == "created" and mailbox.state != "active":
            kinds.append((mailbox.document["event"],))
        told = () if group == "created" else fields
        kinds += [_EVENTS_OF_FIELD[name] for name in told if name in _EVENTS_OF_FIELD]
        found: list[Mapping[str, Any]] = []
        for wanted in kinds:
            cause = self._new_event(mailbox.id, wanted)
            if not cause and wanted == _EVENTS_OF_FIELD["clerks"]:
                former = (clerk for box, clerk in self.have.clerks - self.want.clerks if box == mailbox.id)
                causes = (self._new_event(clerk, ("transfer", "merge", "revoke")) for clerk in sorted(former))
                cause = next(filter(None, causes), None)
            if not cause and wanted == _EVENTS_OF_FIELD["name"] and mailbox.kind == "agency":
                cause = self._new_event_of_agency(mailbox.agency)  # it is called as that, without an event of its own
            if not cause and wanted == _EVENTS_OF_FIELD["quota_bytes"] and mailbox.id not in self.rewritten:
                cause = {}  # the default of all was raised, for which no mailbox has a document
            cause = BY_HAND if cause is None else cause
            if cause not in found:
                found.append(cause)
        return found or [BY_HAND]

    def _new_event(self, mailbox: str, kinds: Sequence[str]) -> Mapping[str, Any] | None:
        """The newest event of one of these kinds that `have` has not."""
        events = (self.want.events or {}).get(mailbox, ())
        known = len((self.have.events or {}).get(mailbox, ()))
        return next((event for event in reversed(events[known:]) if event["event"] in kinds), None)

    def _new_event_of_agency(self, agency: str) -> Mapping[str, Any] | None:
        """The newest event of the agency, None where `have` had it already; a database keeps none of them."""
        if agency in self.rewritten:
            return None
        newest, before = self.want.decided.get(agency), self.have.decided.get(agency)
        if newest is None and self.have.events is None:
            return {}
        return None if newest is None or (before and _event(before) == _event(newest)) else newest


def _event(document: Mapping[str, Any]) -> tuple[Any, ...]:
    """What makes an event the same: its document's number may be corrected in the register."""
    return tuple(document.get(name) for name in ("event", "done", "request", "reason"))
