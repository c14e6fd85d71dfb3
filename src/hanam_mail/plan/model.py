"""What a plan is: the entries, notes and first passwords that lead from one state of the accounts to another."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


@dataclass(frozen=True)
class Limit:
    """More revocations in one run need the operator's word besides git's: a slip in a merge looks the same.

    `percent` is that of the mailboxes not yet revoked; one revocation always passes. The numbers are those of
    mailboxes.yml of the province.
    """

    percent: float
    count: int

    def exceeded(self, revoked: int, standing: int) -> bool:
        """Whether `revoked` of `standing` mailboxes are too many."""
        return revoked > max(1.0, min(float(self.count), standing * self.percent / 100))


@dataclass(frozen=True)
class Allowed:
    """What the operator's own word lets a run take away: more mailboxes than Limit has, what is gone from the registry,
    room of a mailbox."""

    removals: bool = False
    vanished: bool = False
    shrink: bool = False


class PlanGroup(StrEnum):
    """What happens to an agency or mailbox, in the order in which a plan tells it. The weightiest names the entry."""

    AGENCY_CREATED = "agency_created"
    AGENCY_CHANGED = "agency_changed"
    CREATED = "created"
    REVOKED = "revoked"
    LOCKED = "locked"
    RESTORED = "restored"
    MERGED = "merged"
    TRANSFERRED = "transferred"
    CHANGED = "changed"


@dataclass(frozen=True)
class Change:
    """One field, before and after; agencies and clerks by name, dates in ISO form, sizes in bytes."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class PlanEntry:
    """All that happens to one agency or mailbox, the document that decided it, and others that had a part in it."""

    group: PlanGroup
    id: str
    kind: str
    name: str
    address: str
    agency: str
    changes: tuple[Change, ...]
    document: Mapping[str, Any]
    more_documents: tuple[Mapping[str, Any], ...] = ()


class NoteKind(StrEnum):
    """What a note is about."""

    # A lock that running brought about, a restore by command: the registry has no event of it.
    LOCKED = "locked"
    RESTORED = "restored"
    # A restore of the registry that finds nothing locked, or a lock that came after it.
    NOT_LOCKED = "not_locked"
    NEWER_LOCK = "newer_lock"
    # An agency's or office's mailbox that nobody opens any more (Đ9.2).
    NO_CLERK = "no_clerk"
    # A mailbox that had an address beside another one, which keeps it (Đ5.2).
    SHARED_ADDRESS = "shared_address"


@dataclass(frozen=True)
class Note:
    """What the reader should know, though nothing is done about it. `reason`: a lock's; `detail`: a day or document."""

    id: str
    name: str
    address: str
    reason: str = ""
    kind: NoteKind = NoteKind.LOCKED
    detail: str = ""


@dataclass
class Plan:
    """What an apply does. `passwords`: whose first password is to be made, with the event that asks for it; `followed`:
    whose restore by command the registry has now."""

    entries: list[PlanEntry] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    lifted: list[str] = field(default_factory=list)
    followed: list[str] = field(default_factory=list)
    passwords: dict[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether anything is to do."""
        return bool(self.entries or self.passwords)

    @property
    def counts(self) -> dict[PlanGroup, int]:
        """How many entries each group has, in order, empty ones left out."""
        found = Counter(entry.group for entry in self.entries)
        return {group: found[group] for group in PlanGroup if found[group]}

    def as_dict(self) -> dict[str, Any]:
        """The whole plan for programs."""
        return {
            "changed": self.changed,
            "counts": self.counts,
            "entries": [asdict(entry) for entry in self.entries],
            "notes": [asdict(note) for note in self.notes],
            "passwords": len(self.passwords),
        }


@dataclass(frozen=True)
class Assessment:
    """A plan and all that is against it: `never`, which no flag allows, and what the operator must allow."""

    plan: Plan
    never: tuple[str, ...]
    stops: tuple[str, ...]
