"""The registry as typed values: agencies, mailboxes, the events of their history; requests.py: documents behind them.

Values only: reading stands in entries.py, the rules between entries in rules/, the state that a history
amounts to in history.py. Every value remembers the `Source` it was read from; two values that differ only
there are equal. Sizes are octets, dates calendar dates in the province's time zone, addresses local parts
in lower case.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path

from hanam_mail.errors import Source
from hanam_mail.registry.requests import Request
from hanam_mail.regulation.provisions import Regulation


class AgencyKind(StrEnum):
    """What an agency is; the form of its address follows from it (Đ5.1a-c)."""

    DEPARTMENT = "department"
    DISTRICT = "district"
    COMMUNE = "commune"
    UNIT = "unit"  # a school, a station, a unit that Điều 5 gives no form: its address is its approved code


class MailboxKind(StrEnum):
    """Whose mailbox it is: Đ5.1a-c, Đ5.1d-đ, Đ5.2, Đ14.1."""

    AGENCY = "agency"
    OFFICE = "office"
    PERSON = "person"
    GUEST = "guest"

    @property
    def is_agency(self) -> bool:
        """Whether agency figures apply (Đ8.1b; an office counts as an agency) and clerks open it (Đ9.2)."""
        return self in (MailboxKind.AGENCY, MailboxKind.OFFICE)


class State(StrEnum):
    """What the documents say a mailbox is. What only running can know (an idle lock) is not here."""

    ACTIVE = "active"
    LOCKED = "locked"
    REVOKED = "revoked"


class Cause(StrEnum):
    """Why a mailbox moved to another agency."""

    TRANSFER = "transfer"
    MERGE = "merge"


@dataclass(frozen=True, slots=True)
class AgencyRename:
    """The agency got another name, code or suffix, or document software; `was_...` are what it had, None what did not
    change."""

    request: str
    done: date
    was_name: str | None
    was_code: str | None
    was_suffix: str | None
    was_document_system: bool | None
    source: Source = field(compare=False)


@dataclass(frozen=True, slots=True)
class AgencyMerge:
    """The agency went up in the agency with the id `into`, with all its mailboxes; its file stays."""

    request: str
    done: date
    into: str
    source: Source = field(compare=False)


type AgencyEvent = AgencyRename | AgencyMerge


@dataclass(frozen=True, slots=True)
class Agency:
    """An agency: immutable `id`, approved `code` (Đ5.1) and `suffix` (Đ5.2b).

    The code of a department or unit is what stands before the @ (stttt), of a district or commune what follows
    "ubnd" (kb, tienson.dt). `document_system`: it has document-management software (Đ11.2). `withheld`: why nothing of
    it is published (Đ11.5), "" for what is.
    """

    id: str
    name: str
    kind: AgencyKind
    code: str
    suffix: str
    document_system: bool
    history: tuple[AgencyEvent, ...]
    source: Source = field(compare=False)
    withheld: str = ""

    @property
    def parent_code(self) -> str | None:
        """The code of a commune's district, None for the others (Đ5.1c)."""
        return self.code.rpartition(".")[2] if self.kind is AgencyKind.COMMUNE else None

    @property
    def codes(self) -> tuple[str, ...]:
        """Every code it ever had, today's first."""
        former = (event.was_code for event in self.history if isinstance(event, AgencyRename) and event.was_code)
        return (self.code, *former)

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Every suffix it ever had, today's first: people keep the addresses that bear a former one."""
        former = (event.was_suffix for event in self.history if isinstance(event, AgencyRename) and event.was_suffix)
        return (self.suffix, *former)

    @property
    def merged_into(self) -> str | None:
        """The id of the agency it went up in, None while it stands."""
        return next((event.into for event in self.history if isinstance(event, AgencyMerge)), None)


@dataclass(frozen=True, slots=True)
class Issue:
    """The mailbox was made on request (Đ6.2a); `quota_bytes` None means the default of its kind (Đ8.1)."""

    request: str
    done: date
    quota_bytes: int | None
    source: Source = field(compare=False)


@dataclass(frozen=True, slots=True)
class Quota:
    """The quota was changed (Đ8.1a). A smaller one needs `shrink`, so that nobody loses room by a slip."""

    request: str
    done: date
    quota_bytes: int
    shrink: bool
    source: Source = field(compare=False)


@dataclass(frozen=True, slots=True)
class Lock:
    """The mailbox was locked by decision (Đ7.2); `reason` is a key of `regulation_lock_reasons`."""

    request: str | None
    done: date
    reason: str
    source: Source = field(compare=False)


@dataclass(frozen=True, slots=True)
class Absence:
    """The agency notified why the mailbox is idle from `begin` to `end`, both days included (Đ6.2c, Đ7.2a)."""

    request: str
    done: date
    begin: date
    end: date
    source: Source = field(compare=False)


@dataclass(frozen=True, slots=True)
class Restore:
    """The agency asked to lift a lock (Đ7.3): one in this history or one that the running system set.

    `verified` names who verified the request (Đ7.3b).
    """

    request: str
    done: date
    verified: str
    source: Source = field(compare=False)


@dataclass(frozen=True, slots=True)
class Revoke:
    """The mailbox was closed for good (Đ6.2c); its address is never given to another (Đ5.2)."""

    request: str
    done: date
    source: Source = field(compare=False)


@dataclass(frozen=True, slots=True)
class Rename:
    """The owner or office got another name, address or both; `was` and `was_name` are what it had (Đ6.1)."""

    request: str
    done: date
    was: str | None
    was_name: str | None
    source: Source = field(compare=False)


@dataclass(frozen=True, slots=True)
class Move:
    """The mailbox came from the agency `origin`; `was` is its former address, None if it kept the address (Đ6.1)."""

    request: str
    done: date
    cause: Cause
    origin: str
    was: str | None
    source: Source = field(compare=False)


@dataclass(frozen=True, slots=True)
class Clerks:
    """Other clerks open the mailbox (Đ9.2); `was` are the ids of those before.

    It is of the agency's own document, or follows somebody who leaves by another's, and bears that one's request.
    """

    request: str
    done: date
    was: tuple[str, ...]
    source: Source = field(compare=False)


type Event = Issue | Quota | Lock | Absence | Restore | Rename | Move | Clerks | Revoke


@dataclass(frozen=True, slots=True)
class Alias:
    """A further address of the mailbox, from the day `begin` (None: ever) up to and with `until` (None: no end)."""

    address: str
    begin: date | None
    until: date | None
    source: Source = field(compare=False)


@dataclass(frozen=True, slots=True)
class Stay:
    """A time a mailbox spent in one agency under one address, from the day `begin` to before `end` (None: till now)."""

    agency: str
    address: str
    begin: date
    end: date | None


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An entry of an agency's file. `agency` and `clerks` are ids; kind agency has the agency's `name`.

    `post` is what a person is there (Chức vụ, published by Đ11.5), "" for nothing said; `exact_name`: the operator
    confirmed that the papers have a doubtful name so; `withheld`: why it is not published, "" for what is. `phone` is
    the number in signatures of the webmail (Điện thoại), published nowhere, "" for nothing said.
    """

    id: str
    kind: MailboxKind
    agency: str
    name: str
    address: str
    aliases: tuple[Alias, ...]
    clerks: tuple[str, ...]
    history: tuple[Event, ...]
    source: Source = field(compare=False)
    post: str = ""
    exact_name: bool = False
    withheld: str = ""
    phone: str = ""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address it was ever given, the primary one first; none is ever given to another (Đ5.2)."""
        return (self.address, *(alias.address for alias in self.aliases))

    @property
    def revoked(self) -> bool:
        """Whether it was closed for good (Đ6.2c)."""
        return any(isinstance(event, Revoke) for event in self.history)

    @property
    def origins(self) -> tuple[str, ...]:
        """The ids of the agencies it belonged to before, the oldest first."""
        return tuple(event.origin for event in self.history if isinstance(event, Move))

    @property
    def names(self) -> tuple[str, ...]:
        """Every name it ever had, today's first."""
        former = (event.was_name for event in self.history if isinstance(event, Rename) and event.was_name)
        return tuple(dict.fromkeys((self.name, *former)))

    @property
    def stays(self) -> tuple[Stay, ...]:
        """Where it was under which address, the oldest first; none while its history cannot be read."""
        found: list[Stay] = []
        agency, address, end = self.agency, self.address, None
        for event in reversed(self.history):
            if isinstance(event, Issue):
                found.append(Stay(agency, address, event.done, end))
            elif isinstance(event, Move) or (isinstance(event, Rename) and event.was):
                found.append(Stay(agency, address, event.done, end))
                agency = event.origin if isinstance(event, Move) else agency
                address, end = event.was or address, event.done
        return tuple(reversed(found))


type Entry = Agency | Mailbox | Request
"""What the files hold."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The operator's own settings of the registry (registry.yml of the province).

    `operator` is the id of the agency that runs the system and may ask for any other ("": who asks is not judged);
    `alias_months` how many calendar months an old address still takes mail (None: without end).
    """

    operator: str = ""
    alias_months: int | None = None


@dataclass(frozen=True, slots=True)
class Registry:
    """All of `mailboxes/`, checked by `regulation`. Keys are ids; the order is that of files and entries.

    `texts` is each file's text and what it said, by its place in the folder: an earlier revision shares them.
    """

    agencies: Mapping[str, Agency]
    mailboxes: Mapping[str, Mailbox]
    requests: Mapping[str, Request]
    regulation: Regulation
    settings: Settings = Settings()
    texts: Mapping[Path, tuple[str, Sequence[Entry]]] = field(default_factory=dict, compare=False, repr=False)
