"""The entries of a working copy, found by what people call them, and the one way they change."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from datetime import date
from pathlib import PurePath

from hanam_mail.errors import InputError, Problem, Source
from hanam_mail.registry import history, rules
from hanam_mail.registry.model import Agency, Alias, Clerks, Event, Mailbox, Registry
from hanam_mail.registry.requests import Request, RequestKind, Result
from hanam_mail.regulation import naming


class EditError(InputError):
    """An edit that is impossible: one Vietnamese sentence and the clause that forbids it ("" for none)."""

    def __init__(self, text: str, clause: str = "") -> None:
        self.text, self.clause = text, clause
        super().__init__([Problem("", 0, "", text, clause)])


class Taken(EditError):
    """What is asked for is there already: the mailbox `holder` has it."""

    def __init__(self, text: str, clause: str, holder: str) -> None:
        super().__init__(text, clause)
        self.holder = holder


class OnlyCounter(EditError):
    """Nothing but a counter would tell a person from the namesakes, and the operator has not confirmed one (Đ5.2c)."""


@contextmanager
def refusing(clause: str) -> Iterator[None]:
    """What naming refuses in the block is refused as an edit, by that clause; a doubt says which option confirms it."""
    try:
        yield
    except naming.NamingDoubt as doubt:
        raise EditError(f"{doubt}; đúng như giấy tờ thì thêm --exact-name", clause) from doubt
    except naming.NamingError as error:
        raise EditError(str(error), clause) from error


class Records:
    """A registry that changes. `taken` are all addresses ever issued, and those nobody may have.

    `domain` is what may stand behind the local part of an address.
    """

    def __init__(self, base: Registry, today: date, domain: str) -> None:
        self.agencies = dict(base.agencies)
        self.mailboxes = dict(base.mailboxes)
        self.requests = dict(base.requests)
        self.regulation, self.settings, self.today = base.regulation, base.settings, today
        self._domain = domain
        self._read = frozenset(self.mailboxes)
        self.ids = {*self.agencies, *self.mailboxes}
        self._holders: dict[str, str] = {}
        self._members: dict[str, dict[str, None]] = {identity: {} for identity in self.agencies}
        self._codes = {agency.code: agency.id for agency in self.agencies.values()}
        for mailbox in self.mailboxes.values():
            self._index(mailbox)
        self.taken = {*self._holders, *self.regulation.naming.reserved_local_parts}

    def registry(self) -> Registry:
        """The registry as it stands, not checked."""
        return Registry(dict(self.agencies), dict(self.mailboxes), dict(self.requests), self.regulation, self.settings)

    def mailbox(self, who: str) -> Mailbox:
        """The mailbox of that address, alias or id; the domain may stand behind it, another one may not."""
        name, _, domain = who.strip().casefold().partition("@")
        mailbox = self.mailboxes.get(self._holders.get(name, name))
        if mailbox is None or (domain and self._domain and domain != self._domain):
            raise EditError(f"không có hộp thư nào mang địa chỉ hay mã “{who}”")
        return mailbox

    def named(self, mailbox: Mailbox) -> str:
        """Its name, and where it stands unless this working copy made it."""
        place = f" ({mailbox.source.file}:{mailbox.source.line})" if mailbox.id in self._read else ""
        return f"“{mailbox.name}”{place}"

    def agency(self, code: str) -> Agency:
        """The agency of that code; one that went up in another takes no part in anything any more."""
        agency = self.agencies.get(self._codes.get(code.strip().casefold(), ""))
        if agency is None:
            raise EditError(f"không có cơ quan nào mã “{code}”")
        if agency.merged_into:
            heir = self.agencies[agency.merged_into]
            raise EditError(f"cơ quan “{agency.name}” đã sáp nhập vào “{heir.name}” (mã {heir.code})", "Đ6.1")
        return agency

    def members_of(self, agency: Agency) -> list[Mailbox]:
        """The agency's mailboxes, in the order of its file."""
        return [self.mailboxes[identity] for identity in self._members[agency.id]]

    def granted(self, request_id: str, ask: RequestKind) -> None:
        """Refuse a request that is not there, was refused, or asks for something else."""
        request = self.requests.get(request_id)
        if request is None:
            raise EditError(f"sổ đề nghị không có số {request_id}", "Đ6.2")
        if request.result is Result.REFUSED:
            raise EditError(f"đề nghị {request_id} đã bị từ chối", "Đ6.2b")
        if ask not in request.asks:
            raise EditError(f"đề nghị {request_id} không xin việc này ({ask}): {', '.join(request.asks)}", "Đ6.2")

    def record(self, mailbox: Mailbox, event: Event) -> Mailbox:
        """The mailbox with one more event, which its history must allow; `put` makes it part of the working copy."""
        longer = replace(mailbox, history=(*mailbox.history, event))
        for problem in history.problems(longer.history, longer.kind, self.regulation, self.today):
            raise EditError(f"{mailbox.address}: {problem.text}", problem.clause)
        return longer

    def put(self, mailbox: Mailbox) -> Mailbox:
        """Make the mailbox part of the working copy; one that came from another agency stands last in its new file."""
        former = self.mailboxes.get(mailbox.id)
        if former is not None and former.agency != mailbox.agency:
            del self.mailboxes[mailbox.id], self._members[former.agency][mailbox.id]
        self.mailboxes[mailbox.id] = mailbox
        self.ids.add(mailbox.id)
        self._index(mailbox)
        self.taken.update(mailbox.addresses)
        return mailbox

    def put_agency(self, agency: Agency) -> Agency:
        """Make the agency part of the working copy, its file named after its address."""
        former = self.agencies.get(agency.id)
        if former is not None:
            del self._codes[former.code]
        folder = PurePath(former.source.file).parent if former else PurePath()
        file = str(folder / f"{rules.agency_address(agency, self.regulation)}.yml")
        agency = replace(agency, source=Source(file, 0))
        self.agencies[agency.id] = agency
        self.ids.add(agency.id)
        self._codes[agency.code] = agency.id
        self._members.setdefault(agency.id, {})
        return agency

    def put_request(self, request: Request) -> Request:
        """Make the request part of the working copy."""
        self.requests[request.id] = request
        return request

    def readdress(self, mailbox: Mailbox, address: str, done: date, until: date | None) -> Mailbox:
        """The mailbox under another primary address; the former stays as an alias up to and with `until`."""
        source = Source(mailbox.source.file, 0)
        former = Alias(mailbox.address, done, until, source)
        others = tuple(alias for alias in mailbox.aliases if alias.address != address)
        return replace(mailbox, address=address, aliases=(*others, former))

    def drop_clerk(self, clerk: Mailbox, request: str, done: date) -> None:
        """Whoever leaves an agency or the service opens its mailboxes no longer (Đ9.2), by the document of his leaving.

        Where a mailbox has a later event already, he stood there until that one.
        """
        for mailbox in self.members_of(self.agencies[clerk.agency]):
            if clerk.id in mailbox.clerks:
                rest = tuple(identity for identity in mailbox.clerks if identity != clerk.id)
                event = Clerks(request, max(done, mailbox.history[-1].done), mailbox.clerks, Source("", 0))
                self.put(replace(self.record(mailbox, event), clerks=rest))

    @contextmanager
    def whole(self) -> Iterator[None]:
        """An edit of many entries: all of it, or nothing when it is refused."""
        before = {name: copy(value) for name, value in vars(self).items() if isinstance(value, dict | set)}
        before["_members"] = {identity: dict(members) for identity, members in self._members.items()}
        try:
            yield
        except InputError:
            vars(self).update(before)
            raise

    def communes(self, district: Agency) -> Iterator[Agency]:
        """The communes of a district that still stand."""
        return (
            agency
            for agency in list(self.agencies.values())
            if agency.parent_code == district.code and not agency.merged_into
        )

    def _index(self, mailbox: Mailbox) -> None:
        self._members[mailbox.agency][mailbox.id] = None
        for address in mailbox.addresses:
            self._holders[address] = mailbox.id
