"""The registry as the one JSON document that the accounts host applies.

Schema (all keys always present; dates are "YYYY-MM-DD", sizes octets, addresses local parts in lower case):

    {
      "agencies": [
        {
          "id": "k7q2m4",
          "kind": "department" | "district" | "commune",
          "name": "Sở Thông tin và Truyền thông",
          "code": "stttt",                        approved (Đ5.1); ubnd<code> is the address of a committee
          "suffix": "tt"                          approved (Đ5.2b)
        }
      ],
      "mailboxes": [
        {
          "id": "p3x8d1",
          "kind": "agency" | "office" | "person" | "guest",
          "agency": "k7q2m4",                     id of an agency above
          "name": "Nguyễn Thị Thanh Hà",          the agency's name for kind agency
          "address": "nguyenthithanhha",          primary address, never reused
          "aliases": [{"address": "ha.cu", "until": "2024-12-31" | null}],
          "quota_bytes": 4294967296,              never below the minimum of Đ8.1b
          "state": "active" | "locked" | "revoked",   by documents only; idle locks live in the database
          "shard": 0,
          "clerks": ["p3x8d1"],                   ids of persons who open an agency mailbox (Đ9.2)
          "document": {                           what decided the present state
            "event": "issue" | "lock" | "restore" | "revoke",
            "done": "2023-06-27",
            "reason": "forbidden_use" | null,     a key of regulation_lock_reasons, for event lock
            "request": "2023-0004" | null,        null for a lock by the operator's own decision
            "number": "12/STTTT-VP" | null,
            "dated": "2023-06-23" | null
          }
        }
      ]
    }

Both lists are sorted by id, so the same registry gives the same octets. Revoked mailboxes stay in it: an
entry that vanishes is an error, only events change a state.
"""

from datetime import date
from typing import Any

from hanam_mail.history import standing
from hanam_mail.model import Alias, Event, Issue, Lock, Mailbox, Quota, Registry, Restore, Revoke

_EVENT_NAMES: dict[type, str] = {
    Issue: "issue",
    Quota: "quota",
    Lock: "lock",
    Restore: "restore",
    Revoke: "revoke",
}


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
            }
            for _, agency in sorted(registry.agencies.items())
        ],
        "mailboxes": [_mailbox(mailbox, registry) for _, mailbox in sorted(registry.mailboxes.items())],
    }


def _mailbox(mailbox: Mailbox, registry: Registry) -> dict[str, Any]:
    now = standing(mailbox.history, mailbox.kind, registry.regulation)
    return {
        "id": mailbox.id,
        "kind": mailbox.kind.value,
        "agency": mailbox.agency,
        "name": mailbox.name,
        "address": mailbox.address,
        "aliases": [_alias(alias) for alias in mailbox.aliases],
        "quota_bytes": now.quota_bytes,
        "state": now.state.value,
        "shard": 0,
        "clerks": list(mailbox.clerks),
        "document": _document(now.document, registry),
    }


def _alias(alias: Alias) -> dict[str, str | None]:
    return {"address": alias.address, "until": _iso(alias.until)}


def _document(event: Event, registry: Registry) -> dict[str, str | None]:
    request = registry.requests[event.request] if event.request else None
    return {
        "event": _EVENT_NAMES[type(event)],
        "done": event.done.isoformat(),
        "reason": event.reason if isinstance(event, Lock) else None,
        "request": event.request,
        "number": request.document if request else None,
        "dated": request.dated.isoformat() if request else None,
    }


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
