"""`Draft`: what a document may ask for, each kind one method."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from hanam_mail.editing import addresses, agencies, people, register
from hanam_mail.editing.working_copy import Book, DraftError
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
from hanam_mail.registry.requests import Request, RequestKind, Result
from hanam_mail.regulation import naming
from hanam_mail.regulation.provisions import Regulation

_NEW = Source("", 0)


class Draft:
    """A working copy of a registry. `today` bounds all dates, by default the province's date; an address may be
    given with `domain` behind it, with any where none is set.

    Of every edit `request` is the id of the document behind it and `done` the day it took effect.
    """

    def __init__(self, base: Registry, *, today: date | None = None, domain: str = "") -> None:
        self._book = Book(base, today or loading.today(), domain)

    @property
    def operator(self) -> str:
        """The id of the agency that runs the system, "" where none is set."""
        return self._book.settings.operator

    @property
    def regulation(self) -> Regulation:
        """What the registry is judged by."""
        return self._book.regulation

    def registry(self) -> Registry:
        """The edited registry, not yet checked as a whole."""
        return self._book.registry()

    def mailbox(self, who: str) -> Mailbox:
        """The mailbox of that address, alias or id."""
        return self._book.mailbox(who)

    def agency(self, code: str) -> Agency:
        """The agency of that code, which must still stand."""
        return self._book.agency(code)

    def members(self, code: str) -> list[Mailbox]:
        """The mailboxes of the agency of that code."""
        return self._book.members(self._book.agency(code))

    def agency_of(self, who: str) -> Agency:
        """The agency that a mailbox belongs to."""
        return self._book.agencies[self._book.mailbox(who).agency]

    def refuse_namesake(self, name: str, agency: str) -> None:
        """Refuse a person whom the agency of that code has already: most often it is the same one."""
        people.refuse_namesake(self._book, name, self._book.agency(agency))

    # --- documents ---

    def request(
        self,
        *,
        document: str,
        dated: date,
        received: date,
        agency: str,
        asks: Iterable[RequestKind | str],
        ground: str,
    ) -> Request:
        """Register a document (Đ6.2a, Đ7.3a) under the next free number of the year it was received in."""
        sender = self._book.agency(agency)
        return register.registered(self._book, sender, document, dated, received, asks, ground)

    def answer(self, request_id: str, result: Result | str, document: str, day: date) -> Request:
        """Note the answer to a pending request: granted or refused, by which document of which day (Đ6.2b).

        A granted one may have "" for its document, which another call then gives.
        """
        return register.answered(self._book, request_id, Result(result), document, day)

    # --- mailboxes ---

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
    ) -> Mailbox:
        """A new mailbox (Đ6.2a), its address by Điều 5 unless the operator chose one.

        `details` tell namesakes of one agency apart, home place first (Đ5.2c); `counter`: the operator confirmed that
        a number may, where nothing else does; `exact_name`: that the papers have a doubtful name so.
        """
        book, kind, owner = self._book, MailboxKind(kind), self._book.agency(agency)
        book.granted(request, RequestKind.ISSUE)
        if address is not None:
            address = addresses.chosen(book, address)
        match kind:
            case MailboxKind.AGENCY:
                name = owner.name
                address = address or addresses.free(book, rules.agency_address(owner, book.regulation))
            case MailboxKind.OFFICE:
                name = addresses.legible(name)
                address = address or addresses.office(book, name, owner)
            case MailboxKind.PERSON:
                name = addresses.person_name(book, name, exact=exact_name)
                address = address or addresses.person(book, name, owner, details, counter=counter)
            case MailboxKind.GUEST:
                name = addresses.legible(name)
                address = address or addresses.person(book, name, owner, details, counter=counter)
        mailbox = Mailbox(
            id=new_id(book.ids),
            kind=kind,
            agency=owner.id,
            name=name,
            address=address,
            aliases=(),
            clerks=(),
            history=(),
            source=owner.source,
            post=naming.normal(post),
            exact_name=exact_name,
        )
        return book.put(book.record(mailbox, Issue(request, done, quota_bytes, _NEW)))

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
        book = self._book
        match kind:
            case MailboxKind.OFFICE:
                return addresses.office(book, addresses.legible(name), book.agency(agency))
            case MailboxKind.PERSON | MailboxKind.GUEST:
                return addresses.person(book, name, book.agency(agency), details, counter=counter)
        made = agencies.made(book, AgencyKind(kind), addresses.legible(name), None, None, False)
        return addresses.free(book, rules.agency_address(made, book.regulation))

    def quota(self, who: str, quota_bytes: int, *, request: str, done: date, shrink: bool = False) -> Mailbox:
        """Another quota, in octets (Đ8.1a); a smaller one only with `shrink`."""
        self._book.granted(request, RequestKind.CHANGE)
        event = Quota(request, done, quota_bytes, shrink, _NEW)
        return self._book.put(self._book.record(self._book.mailbox(who), event))

    def lock(self, who: str, reason: str, *, done: date, request: str | None = None) -> Mailbox:
        """A lock by decision (Đ7.2), for a reason of `regulation_lock_reasons`."""
        reasons = self._book.regulation.lock_reasons
        if reason not in reasons:
            raise DraftError(f"không có lý do “{reason}”; có: {', '.join(reasons)}", "Đ7.2")
        if request is not None:
            self._book.granted(request, RequestKind.LOCK)
        return self._book.put(self._book.record(self._book.mailbox(who), Lock(request, done, reason, _NEW)))

    def absence(self, who: str, begin: date, end: date, *, request: str, done: date) -> Mailbox:
        """A notified reason why the mailbox is idle from `begin` to `end`, both included (Đ6.2c, Đ7.2a)."""
        self._book.granted(request, RequestKind.ABSENCE)
        if end < begin:
            raise DraftError(f"vắng mặt đến ngày {end} lại trước ngày bắt đầu {begin}", "Đ6.2c")
        event = Absence(request, done, begin, end, _NEW)
        return self._book.put(self._book.record(self._book.mailbox(who), event))

    def restore(self, who: str, *, request: str, done: date, verified: str) -> Mailbox:
        """A lock lifted at the agency's request, which `verified` checked (Đ7.3)."""
        self._book.granted(request, RequestKind.RESTORE)
        event = Restore(request, done, naming.normal(verified), _NEW)
        return self._book.put(self._book.record(self._book.mailbox(who), event))

    def revoke(self, who: str, *, request: str, done: date) -> Mailbox:
        """The mailbox closed for good (Đ6.2c); its owner is no longer anybody's clerk."""
        self._book.granted(request, RequestKind.REVOKE)
        mailbox = self._book.record(self._book.mailbox(who), Revoke(request, done, _NEW))
        self._book.drop_clerk(mailbox, request, done)
        return self._book.put(replace(mailbox, clerks=()))

    def rename(
        self,
        who: str,
        name: str,
        *,
        request: str,
        done: date,
        address: str | None = None,
        details: Sequence[str] = (),
        counter: bool = False,
        new_address: bool = False,
        exact_name: bool = False,
    ) -> Mailbox:
        """Another name of a person or office (Đ6.1); where its letters differ, another address by Điều 5.

        The old address stays: a person's for `registry_alias_months`, an office's without end. `new_address`: one
        with the suffix of an agency that the person left earlier is replaced, the name may be the same.
        """
        self._book.granted(request, RequestKind.CHANGE)
        old = self._book.mailbox(who)
        if old.kind is MailboxKind.PERSON:
            name = addresses.person_name(self._book, name, exact=exact_name)
            old = replace(old, exact_name=exact_name)
        else:
            name = addresses.legible(name)
        return people.renamed(
            self._book, old, name, address, details, request, done, counter=counter, new_address=new_address
        )

    def transfer(
        self,
        who: str,
        *,
        agency: str,
        request: str,
        done: date,
        new_address: bool = False,
        details: Sequence[str] = (),
        counter: bool = False,
        post: str = "",
    ) -> Mailbox:
        """A person goes to another agency with the mailbox (Đ6.1): id, mail and a plain address stay.

        `new_address`: one that bears the former agency's suffix is replaced by the new agency's form and
        stays for `registry_alias_months`.
        """
        self._book.granted(request, RequestKind.CHANGE)
        old, owner = self._book.mailbox(who), self._book.agency(agency)
        old = replace(old, post=naming.normal(post))  # the former agency's post stays there
        return people.transferred(self._book, old, owner, new_address, details, request, done, counter=counter)

    def post(self, who: str, post: str) -> Mailbox:
        """What a person is in the agency, as its list says (Đ11.4)."""
        return self._book.put(replace(self._book.mailbox(who), post=naming.normal(post)))

    def clerks(self, who: str, persons: Iterable[str], *, request: str, done: date) -> Mailbox:
        """Who opens the mailbox of an agency or office, each by the own login (Đ9.2); replaces the former."""
        self._book.granted(request, RequestKind.CHANGE)
        found = map(self._book.mailbox, persons)
        return people.with_clerks(self._book, self._book.mailbox(who), found, request, done)

    # --- agencies ---

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
    ) -> Agency:
        """A new agency with its mailbox (Đ5.1a-c); code and suffix by the rule unless approved ones are given."""
        with self._book.whole():
            agency = agencies.added(
                self._book, AgencyKind(kind), addresses.legible(name), code, suffix, document_system
            )
            self.issue(kind=MailboxKind.AGENCY, agency=agency.code, name="", request=request, done=done)
        return agency

    def rename_agency(
        self,
        code: str,
        *,
        request: str,
        done: date,
        name: str | None = None,
        new_code: str | None = None,
        suffix: str | None = None,
        document_system: bool | None = None,
    ) -> Agency:
        """Another name, code or suffix of an agency, or document software (Đ11.2).

        A new code gives its own mailbox and its offices new addresses, the communes of a district theirs; the old ones
        stay as aliases without end.
        """
        self._book.granted(request, RequestKind.CHANGE)
        with self._book.whole():
            old = self._book.agency(code)
            return agencies.renamed(
                self._book, old, name, new_code, suffix, request, done, document_system=document_system
            )

    def merge_agency(
        self,
        code: str,
        *,
        into: str,
        request: str,
        done: date,
        offices: Mapping[str, str] | None = None,
    ) -> Agency:
        """All mailboxes of an agency go to another (sáp nhập): ids, mail and old addresses stay, clerks too.

        Its offices get addresses with the other agency's code: those of `offices` (old to new), else by
        Điều 5, with a counter where that one is taken. Returns the agency they went to.
        """
        self._book.granted(request, RequestKind.CHANGE)
        with self._book.whole():
            former, heir = self._book.agency(code), self._book.agency(into)
            return agencies.merged(self._book, former, heir, offices or {}, request, done)
