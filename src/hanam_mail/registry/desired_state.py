"""The registry as the one JSON document that the accounts host applies.

Schema (all keys always present; dates are "YYYY-MM-DD", sizes octets, addresses local parts in lower case):

    {
      "agencies": [
        {
          "id": "k7q2m4",
          "kind": "department" | "district" | "commune" | "unit",
          "name": "Sở Thông tin và Truyền thông",
          "code": "stttt",                        approved (Đ5.1); ubnd<code> is the address of a committee
          "suffix": "tt",                         approved (Đ5.2b)
          "document_system": false,               has document-management software (Đ11.2)
          "withheld": "",                         why nothing of it is published (Đ11.5), "" for what is
          "last": {...} | null                    what last changed its name, code or being, like a mailbox's
        }
      ],
      "mailboxes": [
        {
          "id": "p3x8d1",
          "kind": "agency" | "office" | "person" | "guest",
          "agency": "k7q2m4",                     id of an agency above
          "name": "Nguyễn Thị Thanh Hà",          the agency's name for kind agency
          "post": "Chuyên viên",                  what a person is there, "" for nothing said
          "phone": "0226 3850 123",               for signatures in the webmail alone, "" for nothing said
          "withheld": "",                         why it is not published (Đ11.5), "" for what is
          "address": "nguyenthithanhha",          primary address, never reused
          "aliases": [{"address": "ha.cu", "from": "2024-01-01" | null, "until": "2024-12-31" | null}],
          "quota_bytes": 4294967296,              never below the minimum of Đ8.1b
          "shrink": false,                        a document made the quota that it has now smaller (Đ8.1a)
          "absences": [{"from": "2024-01-01", "to": "2024-06-30", "request": "2024-0007"}],   Đ6.2c, both days included
          "state": "active" | "locked" | "revoked",   by documents only; idle locks live in the database
          "shard": 0,
          "clerks": ["p3x8d1"],                   ids of persons who open an agency mailbox (Đ9.2)
          "document": {                           what decided the present state
            "event": "issue" | "lock" | "restore" | "revoke",   a change of name or agency decides no state
            "done": "2023-06-27",
            "reason": "forbidden_use" | null,     a key of regulation_lock_reasons, for event lock
            "request": "2023-0004" | null,        null for a lock by the operator's own decision
            "number": "12/STTTT-VP" | null,
            "dated": "2023-06-23" | null
          },
          "events": [{...}],                      of the same form, every event of its history in order
          "last": {...} | null                    of the same form, the newest event when that is another one: quota,
                                                  absence, rename, transfer, merge, clerks; only for the words of a plan
        }
      ]
    }

Both lists are sorted by id, so the same registry gives the same octets. Revoked mailboxes stay in it: an
entry that vanishes is an error, only events change a state.
"""

from datetime import date
from typing import Any

from hanam_mail.registry.events import event_name
from hanam_mail.registry.history import Standing, standing
from hanam_mail.registry.model import Absence, AgencyEvent, Alias, Event, Lock, Mailbox, Quota, Registry


def desired_state(registry: Registry) -> dict[str, list[dict[str, Any]]]:
    """The document described above, of a registry that `registry.load` returned."""
    return {
        "agencies": [
            {
                "id": agency.id,
                "kind": agency.kind.value,
                "name": agency.name,
                "code": agency.code,
                "suffix": agency.suffix,
                "document_system": agency.document_system,
                "withheld": agency.withheld,
                "last": _document(agency.history[-1], registry) if agency.history else None,
            }
            for _, agency in sorted(registry.agencies.items())
        ],
        "mailboxes": [_mailbox(mailbox, registry) for _, mailbox in sorted(registry.mailboxes.items())],
    }


def _mailbox(mailbox: Mailbox, registry: Registry) -> dict[str, Any]:
    now = standing(mailbox.history, mailbox.kind, registry.regulation)
    events = [_document(event, registry) for event in mailbox.history]
    decided = next(place for place, event in enumerate(mailbox.history) if event is now.document)
    return {
        "id": mailbox.id,
        "kind": mailbox.kind.value,
        "agency": mailbox.agency,
        "name": mailbox.name,
        "post": mailbox.post,
        "phone": mailbox.phone,
        "withheld": mailbox.withheld,
        "address": mailbox.address,
        "aliases": [_alias(alias) for alias in mailbox.aliases],
        "quota_bytes": now.quota_bytes,
        "shrink": _may_shrink(mailbox, now),
        "absences": [_absence(event) for event in mailbox.history if isinstance(event, Absence)],
        "state": now.state.value,
        "shard": 0,
        "clerks": list(mailbox.clerks),
        "document": events[decided],
        "events": events,
        "last": events[-1] if mailbox.history[-1] is not now.document else None,
    }


def _may_shrink(mailbox: Mailbox, now: Standing) -> bool:
    """Whether the quota it has now is the one a document made smaller. A lower default is no such document's."""
    last = next((event for event in reversed(mailbox.history) if isinstance(event, Quota)), None)
    return last is not None and last.shrink and last.quota_bytes == now.quota_bytes


def _alias(alias: Alias) -> dict[str, str | None]:
    return {"address": alias.address, "from": _iso(alias.begin), "until": _iso(alias.until)}


def _absence(event: Absence) -> dict[str, str]:
    return {"from": event.begin.isoformat(), "to": event.end.isoformat(), "request": event.request}


def _document(event: Event | AgencyEvent, registry: Registry) -> dict[str, str | None]:
    request = registry.requests[event.request] if event.request else None
    return {
        "event": event_name(event),
        "done": event.done.isoformat(),
        "reason": event.reason if isinstance(event, Lock) else None,
        "request": event.request,
        "number": request.document if request else None,
        "dated": request.dated.isoformat() if request else None,
    }


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
