"""The events of a history: from YAML fields to the values of model.py, one reader for each name of an event."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial

from hanam_mail.registry.fields import Fields
from hanam_mail.registry.model import (
    Absence,
    AgencyEvent,
    AgencyMerge,
    AgencyRename,
    Cause,
    Clerks,
    Event,
    Issue,
    Lock,
    Move,
    Quota,
    Rename,
    Restore,
    Revoke,
)
from hanam_mail.registry.sizes import QUOTA_HINT, QUOTA_PATTERN, quota_bytes
from hanam_mail.regulation.naming.grammar import CODE_MAX_OCTETS
from hanam_mail.regulation.provisions import Regulation

ID_LETTERS = "bcdfghjkmnpqrstvwxz"  # no vowels (no words), no l (looks like 1)
ID_PAIRS = 3
ID_PATTERN = rf"([{ID_LETTERS}][0-9]){{{ID_PAIRS}}}"
ID_HINT = "mã gồm ba cặp chữ cái - chữ số, ví dụ k7q2m4"
REQUEST_ID_PATTERN = r"[0-9]{4}-[0-9]{4}"
REQUEST_ID_HINT = "số trong sổ đề nghị có dạng YYYY-NNNN"
# Whole names as codes, another province's rule, have room; so have "ubnd" and the like beside it in a local part
# (naming_rules.py holds the forms to it).
CODE_PATTERN = rf"(?=.{{1,{CODE_MAX_OCTETS}}}$)[a-z0-9]+(\.[a-z0-9]+)?"
CODE_HINT = f"tối đa {CODE_MAX_OCTETS} chữ thường không dấu viết liền, xã kèm .mã huyện"
SUFFIX_PATTERN = "[a-z0-9]+"
SUFFIX_HINT = "chữ thường không dấu"

_NAMES: dict[type, str] = {
    Issue: "issue",
    Quota: "quota",
    Lock: "lock",
    Absence: "absence",
    Restore: "restore",
    Rename: "rename",
    Clerks: "clerks",
    Revoke: "revoke",
    AgencyRename: "rename",
    AgencyMerge: "merge",
}

type EventReader[E] = Callable[[Fields, date, Regulation], E | None]


def event_name(event: Event | AgencyEvent) -> str:
    """The name of an event in the registry."""
    return event.cause.value if isinstance(event, Move) else _NAMES[type(event)]


def read_events[E](
    fields: Fields, readers: Mapping[str, EventReader[E]], regulation: Regulation
) -> tuple[E, ...] | None:
    """The history of an entry; None when an event is faulty, because then no order can be judged."""

    def read(entry: Fields) -> E | None:
        return _event(entry, readers, regulation)

    events = fields.entries("history", read, required=readers is MAILBOX_EVENTS)
    sound = tuple(event for event in events if event is not None)
    return sound if len(sound) == len(events) else None


def _event[E](fields: Fields, readers: Mapping[str, EventReader[E]], regulation: Regulation) -> E | None:
    name = fields.text("event")
    reader = readers.get(name)
    if reader is None:
        if name:
            fields.note("event", f"không có sự kiện “{name}”; có: {', '.join(readers)}")
        fields.ignore_rest()  # what belongs to an unknown event cannot be judged
        return None
    done = fields.date("done")
    event = reader(fields, done or date.min, regulation)
    return event if done is not None else None


def _request(fields: Fields, *, required: bool = True) -> str:
    return fields.text("request", required=required, pattern=REQUEST_ID_PATTERN, hint=REQUEST_ID_HINT)


def _agency(fields: Fields, name: str) -> str:
    return fields.text(name, pattern=ID_PATTERN, hint=ID_HINT)


def _was(fields: Fields) -> str | None:
    return fields.text("was", required=False).casefold() or None


def _issue(fields: Fields, done: date, _: Regulation) -> Event:
    quota = fields.text("quota", required=False, pattern=QUOTA_PATTERN, hint=QUOTA_HINT)
    return Issue(_request(fields), done, quota_bytes(quota) if quota else None, fields.source)


def _quota(fields: Fields, done: date, _: Regulation) -> Event | None:
    quota = fields.text("quota", pattern=QUOTA_PATTERN, hint=QUOTA_HINT)
    request, shrink = _request(fields), fields.flag("shrink")
    return Quota(request, done, quota_bytes(quota), shrink, fields.source) if quota else None


def _lock(fields: Fields, done: date, regulation: Regulation) -> Event:
    reason = fields.text("reason")
    if reason and reason not in regulation.lock_reasons:
        fields.note("reason", f"không có lý do “{reason}”; có: {', '.join(regulation.lock_reasons)}", "Đ7.2")
    return Lock(_request(fields, required=False) or None, done, reason, fields.source)


def _absence(fields: Fields, done: date, _: Regulation) -> Event | None:
    request, begin, end = _request(fields), fields.date("from"), fields.date("to")
    return Absence(request, done, begin, end, fields.source) if begin and end else None


def _restore(fields: Fields, done: date, _: Regulation) -> Event:
    return Restore(_request(fields), done, fields.name("verified"), fields.source)


def _rename(fields: Fields, done: date, _: Regulation) -> Event:
    was_name = fields.name("was_name", required=False) or None
    return Rename(_request(fields), done, _was(fields), was_name, fields.source)


def _move(fields: Fields, done: date, _: Regulation, *, cause: Cause) -> Event:
    return Move(_request(fields), done, cause, _agency(fields, "from"), _was(fields), fields.source)


def _clerks(fields: Fields, done: date, _: Regulation) -> Event:
    return Clerks(_request(fields), done, fields.texts("was"), fields.source)


def _revoke(fields: Fields, done: date, _: Regulation) -> Event:
    return Revoke(_request(fields), done, fields.source)


def _agency_rename(fields: Fields, done: date, _: Regulation) -> AgencyEvent:
    was_name = fields.name("was_name", required=False) or None
    was_code = fields.text("was_code", required=False, pattern=CODE_PATTERN, hint=CODE_HINT) or None
    was_suffix = fields.text("was_suffix", required=False, pattern=SUFFIX_PATTERN, hint=SUFFIX_HINT) or None
    software = fields.text("was_document_system", required=False, pattern="true|false", hint="chỉ ghi true hoặc false")
    was_document_system = software == "true" if software else None
    return AgencyRename(_request(fields), done, was_name, was_code, was_suffix, was_document_system, fields.source)


def _agency_merge(fields: Fields, done: date, _: Regulation) -> AgencyEvent:
    return AgencyMerge(_request(fields), done, _agency(fields, "into"), fields.source)


MAILBOX_EVENTS: Mapping[str, EventReader[Event]] = {
    "issue": _issue,
    "quota": _quota,
    "lock": _lock,
    "absence": _absence,
    "restore": _restore,
    "rename": _rename,
    "transfer": partial(_move, cause=Cause.TRANSFER),
    "merge": partial(_move, cause=Cause.MERGE),
    "clerks": _clerks,
    "revoke": _revoke,
}
AGENCY_EVENTS: Mapping[str, EventReader[AgencyEvent]] = {"rename": _agency_rename, "merge": _agency_merge}
