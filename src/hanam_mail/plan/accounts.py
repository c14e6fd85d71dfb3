"""The accounts as values: agencies, mailboxes, addresses, clerks, absences; read from the desired state."""

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any


class ApplyRefused(Exception):
    """The document cannot be applied; `errors` are all the reasons, in Vietnamese."""

    def __init__(self, errors: Sequence[str]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(errors))


@dataclass(frozen=True, slots=True)
class AgencyAccount:
    """`suffix` is the registry's alone, for what reviewers read: None where the accounts database tells."""

    id: str
    kind: str
    name: str
    code: str
    document_system: bool = False
    withheld: str = ""
    suffix: str | None = None


@dataclass(frozen=True, slots=True)
class MailboxAccount:
    id: str
    kind: str
    agency: str
    name: str
    quota_bytes: int
    state: str
    shard: int
    document: Mapping[str, Any]
    post: str = ""
    withheld: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """`begin` and `until` are its first and last day; None: since it was written, without end."""

    local_part: str
    mailbox: str
    kind: str
    begin: date | None
    until: date | None

    def satisfies(self, wanted: "Address") -> bool:
        """Whether this, the database's, is as git wants it; when it began is git's only if git says so."""
        return (self.kind, self.until) == (wanted.kind, wanted.until) and wanted.begin in (None, self.begin)

    def as_shown(self) -> dict[str, Any]:
        """As a plan shows a further address; days in ISO form."""
        return {
            "address": self.local_part,
            "from": self.begin.isoformat() if self.begin else None,
            "until": self.until.isoformat() if self.until else None,
        }


@dataclass(frozen=True, slots=True)
class AbsencePeriod:
    """Why a mailbox is idle (Đ6.2c, Đ7.2a), both days included."""

    mailbox: str
    begins: date
    ends: date
    request: str


@dataclass(frozen=True, slots=True)
class RuntimeLock:
    """A lock that running brought about and the day it began; `renewed`: a new default password was given since."""

    reason: str
    since: date
    renewed: bool = False


@dataclass(frozen=True, slots=True)
class RestoreByCommand:
    """A restore by command whose event the registry has not had yet: its document and day."""

    document: str
    day: date


@dataclass(frozen=True)
class Accounts:
    """One side of the comparison: what git wants, or what the database has."""

    agencies: Mapping[str, AgencyAccount]
    mailboxes: Mapping[str, MailboxAccount]
    addresses: Mapping[str, Address]
    clerks: frozenset[tuple[str, str]] = frozenset()
    absences: frozenset[AbsencePeriod] = frozenset()
    # Only of git: mailboxes whose quota may become smaller; the last document of an agency or mailbox, by id, where
    # it decided something else than the state.
    shrinking: frozenset[str] = frozenset()
    decided: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # Only of an earlier revision of git: addresses that stood at another mailbox too, which keeps them in `addresses`.
    shared: tuple[Address, ...] = ()
    # Only of git: the documents of all events of a mailbox; None: not known.
    events: Mapping[str, Sequence[Mapping[str, Any]]] | None = None
    # Only of the database: what running brought about; who has a password. None: not known, nor are locks.
    locks: Mapping[str, RuntimeLock] = field(default_factory=dict)
    restored: Mapping[str, RestoreByCommand] = field(default_factory=dict)
    credentials: frozenset[str] | None = None


def read(text: str | bytes) -> Accounts:
    """The desired state from its JSON text; it was checked when it was made, only its shape is not."""
    try:
        return wanted(json.loads(text))
    except (KeyError, TypeError, ValueError) as error:
        raise ApplyRefused([f"tài liệu trạng thái mong muốn sai cấu trúc: {error!r}"]) from error


def wanted(
    state: Mapping[str, Iterable[Mapping[str, Any]]], *, holders: Mapping[str, Address] | None = None
) -> Accounts:
    """The same from the document itself (registry/desired_state.py).

    `holders`: the document is of an earlier revision, in which an address may stand at two mailboxes. It is the one's
    that `holders`, the addresses of today, give it to, else the first one's.
    """
    decided: dict[str, Mapping[str, Any]] = {}
    by_id: dict[str, MailboxAccount] = {}
    addresses: dict[str, Address] = {}
    clerks: set[tuple[str, str]] = set()
    absences: set[AbsencePeriod] = set()
    shrinking: set[str] = set()
    events: dict[str, Sequence[Mapping[str, Any]]] = {}
    twice: list[str] = []
    shared: list[Address] = []
    known: dict[str, AgencyAccount] = {}
    for item in state["agencies"]:
        fields = dict(item)
        if last := fields.pop("last", None):
            decided[item["id"]] = last
        known[item["id"]] = AgencyAccount(**fields)
    for item in state["mailboxes"]:
        id_ = item["id"]
        if id_ in by_id:
            twice.append(f"{id_}: mã hộp thư xuất hiện hai lần trong sổ đăng ký")
        by_id[id_] = MailboxAccount(
            id_,
            item["kind"],
            item["agency"],
            item["name"],
            item["quota_bytes"],
            item["state"],
            item["shard"],
            item["document"],
            item.get("post", ""),
            item.get("withheld", ""),
            item.get("phone", ""),
        )
        named = [Address(item["address"], id_, "primary", None, None)]
        named += [
            Address(alias["address"], id_, "alias", _day(alias.get("from")), _day(alias["until"]))
            for alias in item["aliases"]
        ]
        for address in named:
            first = addresses.setdefault(address.local_part, address)
            if first is address:
                continue
            if holders is None:
                twice.append(f"{id_}: địa chỉ {address.local_part} đã được ghi cho hộp thư {first.mailbox}")
                continue
            holder = holders.get(address.local_part)
            keeps = holder is not None and first.mailbox != id_ == holder.mailbox
            addresses[address.local_part] = address if keeps else first
            shared.append(first if keeps else address)
        for clerk in item["clerks"]:
            clerks.add((id_, clerk))
        for entry in item.get("absences", ()):
            begins, ends = date.fromisoformat(entry["from"]), date.fromisoformat(entry["to"])
            absences.add(AbsencePeriod(id_, begins, ends, entry["request"]))
        if item.get("shrink"):
            shrinking.add(id_)
        events[id_] = item.get("events", ())
        if item.get("last"):
            decided[id_] = item["last"]
    if twice:
        raise ApplyRefused(twice)
    return Accounts(
        known,
        by_id,
        addresses,
        frozenset(clerks),
        frozenset(absences),
        frozenset(shrinking),
        decided,
        tuple(shared),
        events,
    )


def joined(part: Accounts, ids: Set[str], rest: Accounts) -> Accounts:
    """`rest` with the mailboxes of `part` that have these ids, and all that is theirs; both are git's."""
    events = {id_: each for id_, each in (part.events or {}).items() if id_ in ids}
    kept = {name: each for name, each in part.addresses.items() if each.mailbox in ids}
    others = {name: each for name, each in rest.addresses.items() if name not in kept}
    return replace(
        rest,
        mailboxes={id_: box for id_, box in part.mailboxes.items() if id_ in ids} | dict(rest.mailboxes),
        addresses=kept | others,
        shared=(*rest.shared, *(each for name, each in rest.addresses.items() if name in kept)),
        clerks=frozenset(pair for pair in part.clerks if pair[0] in ids) | rest.clerks,
        absences=frozenset(each for each in part.absences if each.mailbox in ids) | rest.absences,
        shrinking=(part.shrinking & ids) | rest.shrinking,
        decided={id_: last for id_, last in part.decided.items() if id_ in ids} | dict(rest.decided),
        events=events | dict(rest.events or {}),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
