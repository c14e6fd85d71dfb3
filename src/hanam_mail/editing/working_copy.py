"""`WorkingCopy`: what a document may ask for, each kind one method."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from hanam_mail.editing.addresses import legible
from hanam_mail.editing.agencies import Agencies
from hanam_mail.editing.people import People
from hanam_mail.editing.records import EditError
from hanam_mail.editing.register import Register
from hanam_mail.errors import Source
from hanam_mail.registry import loading, rules
from hanam_mail.registry.entries import new_id
from hanam_mail.registry.model import (
    Absence,
    Agency,
    AgencyKind,
    Issue,
    Lock,
    Mailbox,
    MailboxKind,
    Quota,
    Registry,
    Restore,
    Revoke,
)
from hanam_mail.registry.requests import RequestKind
from hanam_mail.regulation import naming

_NEW = Source("", 0)


class WorkingCopy(Register, People, Agencies):
    """A working copy of a registry. `today` bounds all dates, by default the province's date; an address may be
    given with `domain` behind it, with any where none is set.

    Of every edit `request` is the id of the document behind it and `done` the day it took effect.
    """

    def __init__(self, base: Registry, *, today: date | None = None, domain: str = "") -> None:
        super().__init__(base, today or loading.today(), domain)

    @property
    def operator(self) -> str:
        """The id of the agency that runs the system, "" where none is set."""
        return self.settings.operator

    def members(self, code: str) -> list[Mailbox]:
        """The mailboxes of the agency of that code."""
        return self.members_of(self.agency(code))

    def agency_of(self, who: str) -> Agency:
        """The agency that a mailbox belongs to."""
        return self.agencies[self.mailbox(who).agency]

    def issue(
        self,
        *,
        kind: MailboxKind | str,
        agency: str,
        name: str,
        request: str,
        done: date,
        quota_bytes: int | None = None,
        address: str | None = None,
        details: Sequence[str] = (),
        counter: bool = False,
        exact_name: bool = False,
        post: str = "",
        phone: str = "",
    ) -> Mailbox:
        """A new mailbox (Đ6.2a), its address by Điều 5 unless the operator chose one.

        `details` tell namesakes of one agency apart, home place first (Đ5.2c); `counter`: the operator confirmed that
        a number may, where nothing else does; `exact_name`: that the papers have a doubtful name so.
        """
        kind, owner = MailboxKind(kind), self.agency(agency)
        self.granted(request, RequestKind.ISSUE)
        if address is not None:
            address = self._chosen_address(address)
        match kind:
            case MailboxKind.AGENCY:
                name = owner.name
                address = address or self._free_address(rules.agency_address(owner, self.regulation))
            case MailboxKind.OFFICE:
                name = legible(name)
                address = address or self._office_address(name, owner)
            case MailboxKind.PERSON:
                name = self._person_name(name, exact=exact_name)
                address = address or self._person_address(name, owner, details, counter=counter)
            case MailboxKind.GUEST:
                name = legible(name)
                address = address or self._person_address(name, owner, details, counter=counter)
        mailbox = Mailbox(
            id=new_id(self.ids),
            kind=kind,
            agency=owner.id,
            name=name,
            address=address,
            aliases=(),
            clerks=(),
            history=(),
            source=owner.source,
            post=naming.normal(post),
            phone=naming.normal(phone),
            exact_name=exact_name,
        )
        return self.put(self.record(mailbox, Issue(request, done, quota_bytes, _NEW)))

    def proposed(
        self,
        kind: MailboxKind | AgencyKind | str,
        name: str,
        *,
        agency: str = "",
        details: Sequence[str] = (),
        counter: bool = False,
    ) -> str:
        """The address that `issue` (in the agency of that code) or `add_agency` would give, without issuing it."""
        match kind:
            case MailboxKind.OFFICE:
                return self._office_address(legible(name), self.agency(agency))
            case MailboxKind.PERSON | MailboxKind.GUEST:
                return self._person_address(name, self.agency(agency), details, counter=counter)
        made = self._made_agency(AgencyKind(kind), legible(name), None, None, False)
        return self._free_address(rules.agency_address(made, self.regulation))

    def quota(self, who: str, quota_bytes: int, *, request: str, done: date, shrink: bool = False) -> Mailbox:
        """Another quota, in octets (Đ8.1a); a smaller one only with `shrink`."""
        self.granted(request, RequestKind.CHANGE)
        event = Quota(request, done, quota_bytes, shrink, _NEW)
        return self.put(self.record(self.mailbox(who), event))

    def lock(self, who: str, reason: str, *, done: date, request: str | None = None) -> Mailbox:
        """A lock by decision (Đ7.2), for a reason of `regulation_lock_reasons`."""
        reasons = self.regulation.lock_reasons
        if reason not in reasons:
            raise EditError(f"không có lý do “{reason}”; có: {', '.join(reasons)}", "Đ7.2")
        if request is not None:
            self.granted(request, RequestKind.LOCK)
        return self.put(self.record(self.mailbox(who), Lock(request, done, reason, _NEW)))

    def absence(self, who: str, begin: date, end: date, *, request: str, done: date) -> Mailbox:
        """A notified reason why the mailbox is idle from `begin` to `end`, both included (Đ6.2c, Đ7.2a)."""
        self.granted(request, RequestKind.ABSENCE)
        if end < begin:
            raise EditError(f"vắng mặt đến ngày {end} lại trước ngày bắt đầu {begin}", "Đ6.2c")
        event = Absence(request, done, begin, end, _NEW)
        return self.put(self.record(self.mailbox(who), event))

    def restore(self, who: str, *, request: str, done: date, verified: str) -> Mailbox:
        """A lock lifted at the agency's request, which `verified` checked (Đ7.3)."""
        self.granted(request, RequestKind.RESTORE)
        event = Restore(request, done, naming.normal(verified), _NEW)
        return self.put(self.record(self.mailbox(who), event))

    def revoke(self, who: str, *, request: str, done: date) -> Mailbox:
        """The mailbox closed for good (Đ6.2c); its owner is no longer anybody's clerk."""
        self.granted(request, RequestKind.REVOKE)
        mailbox = self.record(self.mailbox(who), Revoke(request, done, _NEW))
        self.drop_clerk(mailbox, request, done)
        return self.put(replace(mailbox, clerks=()))

    def add_agency(
        self,
        *,
        kind: AgencyKind | str,
        name: str,
        request: str,
        done: date,
        code: str | None = None,
        suffix: str | None = None,
        document_system: bool = False,
        phone: str = "",
    ) -> Agency:
        """A new agency with its mailbox (Đ5.1a-c); code and suffix by the rule unless approved ones are given."""
        with self.whole():
            agency = self._added_agency(AgencyKind(kind), legible(name), code, suffix, document_system)
            self.issue(kind=MailboxKind.AGENCY, agency=agency.code, name="", request=request, done=done, phone=phone)
        return agency
