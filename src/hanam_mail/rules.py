"""The rules that no single field of the registry can break: uniqueness, references, forms, order of dates.

Each rule is a function that yields a Problem for every breach; `check` is the list of them. The readings of
Điều 5 that they hold to are those of docs/decisions/0001-identity.md and naming.py.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import PurePath

from hanam_mail import history, naming
from hanam_mail.entries import Found
from hanam_mail.errors import Problem, Source
from hanam_mail.model import Agency, AgencyKind, Alias, Mailbox, MailboxKind, Request, Result, Revoke
from hanam_mail.regulation import Regulation


def check(found: Found, regulation: Regulation, today: date) -> Iterator[Problem]:
    """Every breach of a rule between entries. `today` bounds all dates."""
    yield from _unique_ids(found)
    yield from _unique_codes(found.agencies)
    yield from _unique_addresses(found.mailboxes)
    for agency in found.agencies:
        yield from _agency(agency, found.agencies, regulation)
    yield from _agency_mailboxes(found)
    agencies = {agency.id: agency for agency in found.agencies}
    for mailbox in found.mailboxes:
        yield from _address(mailbox, agencies[mailbox.agency], regulation)
        yield from history.problems(mailbox.history, mailbox.kind, regulation, today)
    yield from _clerks(found)
    for request in found.requests:
        yield from _request(request, today)
    yield from _requests_of_events(found)


def agency_address(agency: Agency, regulation: Regulation) -> str:
    """The address of the agency's own mailbox, by its approved code (Đ5.1a-c)."""
    if agency.kind in (AgencyKind.DEPARTMENT, AgencyKind.UNIT):
        return agency.code
    return naming.committee_address(agency.code, regulation.naming)


def _repeated(entries: Iterable[tuple[str, Source, str, str, str]]) -> Iterator[Problem]:
    """A problem for every (value, source, field, what, clause) whose value, in any case, stood before."""
    first: dict[str, Source] = {}
    for value, source, field, what, clause in entries:
        key = value.casefold()
        if not key:
            continue  # a fault of the field itself, noted where it was read
        if key in first:
            before = first[key]
            text = f"{what} “{value}” đã có ở {before.file}:{before.fields.get(field, before.line)}"
            yield source.problem(field, text, clause)
        else:
            first[key] = source


def _unique_ids(found: Found) -> Iterator[Problem]:
    entries: list[Agency | Mailbox] = [*found.agencies, *found.mailboxes]
    yield from _repeated((entry.id, entry.source, "id", "mã", "") for entry in entries)
    yield from _repeated((request.id, request.source, "", "số đề nghị", "Đ6.2") for request in found.requests)


def _unique_codes(agencies: Iterable[Agency]) -> Iterator[Problem]:
    yield from _repeated((agency.code, agency.source, "code", "mã cơ quan", "Đ5.1") for agency in agencies)


def _unique_addresses(mailboxes: Iterable[Mailbox]) -> Iterator[Problem]:
    """An address belongs to one mailbox for ever: closed ones and aliases count (Đ5.2)."""
    yield from _repeated(
        (holder.address, holder.source, "address", "địa chỉ", "Đ5")
        for mailbox in mailboxes
        for holder in _holders(mailbox)
    )


def _holders(mailbox: Mailbox) -> tuple[Mailbox | Alias, ...]:
    """What carries an address of the mailbox: the entry itself and its aliases."""
    return (mailbox, *mailbox.aliases)


def _agency(agency: Agency, agencies: Iterable[Agency], regulation: Regulation) -> Iterator[Problem]:
    address = agency_address(agency, regulation) if agency.code else ""
    if address and PurePath(agency.source.file).stem != address:
        yield agency.source.problem("code", f"tệp của cơ quan này phải có tên {address}.yml")
    length = regulation.naming.suffix_length
    if agency.suffix and len(agency.suffix) != length:
        yield agency.source.problem("suffix", f"phải có {length} chữ", "Đ5.2b")
    if agency.kind is not AgencyKind.COMMUNE:
        if "." in agency.code and agency.kind is not AgencyKind.UNIT:
            yield agency.source.problem("code", "chỉ mã của xã có dấu chấm", "Đ5.1")
        return
    districts = {other.code for other in agencies if other.kind is AgencyKind.DISTRICT}
    if agency.code and agency.code.partition(".")[2] not in districts:
        yield agency.source.problem("code", "phải có dạng <tên xã>.<mã của một huyện có trong sổ>", "Đ5.1c")


def _agency_mailboxes(found: Found) -> Iterator[Problem]:
    """One open mailbox of kind agency at most, so that an agency speaks with one address (Đ5.1)."""
    open_ones = (
        mailbox
        for mailbox in found.mailboxes
        if mailbox.kind is MailboxKind.AGENCY
        and mailbox.agency
        and not any(isinstance(event, Revoke) for event in mailbox.history)
    )
    seen: set[str] = set()
    for mailbox in open_ones:
        if mailbox.agency in seen:
            yield mailbox.source.problem("kind", "cơ quan đã có hộp thư cơ quan", "Đ5.1")
        seen.add(mailbox.agency)


def _address(mailbox: Mailbox, agency: Agency, regulation: Regulation) -> Iterator[Problem]:
    """The form of Đ5 for the kind of the mailbox; the code in it is the approved one."""
    address, source = mailbox.address, mailbox.source
    for holder in _holders(mailbox):
        if holder.address in regulation.naming.reserved_local_parts:
            yield holder.source.problem("address", f"“{holder.address}” dành riêng cho hệ thống (RFC 2142)")
    if not address:
        return
    match mailbox.kind:
        case MailboxKind.AGENCY if agency.code:
            expected = agency_address(agency, regulation)
            clause = {"department": "Đ5.1a", "district": "Đ5.1b", "commune": "Đ5.1c", "unit": "Đ5.1"}[agency.kind]
            if address != expected:
                yield source.problem("address", f"phải là “{expected}” theo mã cơ quan", clause)
        case MailboxKind.OFFICE if agency.code:
            head, _, tail = address.partition(".")
            clause = "Đ5.1đ" if agency.kind is AgencyKind.DISTRICT else "Đ5.1d"
            if tail != agency.code or not head:
                yield source.problem("address", f"phải có dạng <viết tắt của phòng>.{agency.code}", clause)
        case MailboxKind.PERSON:
            yield from _person_address(mailbox)


def _person_address(mailbox: Mailbox) -> Iterator[Problem]:
    if not mailbox.name:
        return
    try:
        plain = naming.person_address(mailbox.name)
    except naming.NamingError as error:
        yield mailbox.source.problem("name", str(error), "Đ5.2a")
        return
    if mailbox.address.split(".")[0] != plain:
        text = f"phải là “{plain}”, hoặc “{plain}.” kèm phần phân biệt người trùng tên"
        yield mailbox.source.problem("address", text, "Đ5.2")


def _clerks(found: Found) -> Iterator[Problem]:
    """Clerks open agency and office mailboxes only, are persons of the agency, and still there (Đ9.2)."""
    mailboxes = {mailbox.id: mailbox for mailbox in found.mailboxes}
    for mailbox in found.mailboxes:
        if mailbox.clerks and not mailbox.kind.is_agency:
            text = "hộp thư cá nhân không dùng chung, không có văn thư"
            yield mailbox.source.problem("clerks", text, "Đ12.3")
            continue
        for identity in mailbox.clerks:
            clerk = mailboxes.get(identity)
            if clerk is None:
                if identity not in found.unread:
                    yield mailbox.source.problem("clerks", f"không có hộp thư nào mã “{identity}”", "Đ9.2")
            elif clerk.kind is not MailboxKind.PERSON or clerk.agency != mailbox.agency:
                text = f"“{identity}” phải là hộp thư cá nhân của cùng cơ quan"
                yield mailbox.source.problem("clerks", text, "Đ9.2")
            elif any(isinstance(event, Revoke) for event in clerk.history):
                yield mailbox.source.problem("clerks", f"hộp thư “{identity}” đã thu hồi", "Đ9.2")


def _request(request: Request, today: date) -> Iterator[Problem]:
    source, year = request.source, request.id[:4]
    if PurePath(source.file).stem != year:
        yield source.problem("", f"đề nghị {request.id} phải nằm trong tệp {year}.yml")
    if f"{request.received:%Y}" != year:
        yield source.problem("received", f"số {request.id} dành cho văn bản nhận trong năm {year}", "Đ6.2")
    if request.dated > request.received:
        yield source.problem("dated", f"ngày văn bản sau ngày nhận ({request.received})", "Đ6.2")
    if request.received > today:
        yield source.problem("received", f"ngày {request.received} ở tương lai")
    if request.reply is None:
        return
    if request.result is Result.PENDING:
        yield source.problem("reply", "đề nghị chưa xử lý thì chưa có văn bản trả lời", "Đ6.2b")
    if request.reply.date < request.received:
        yield source.problem("reply", f"ngày trả lời trước ngày nhận ({request.received})", "Đ6.2b")
    if request.reply.date > today:
        yield source.problem("reply", f"ngày {request.reply.date} ở tương lai")


def _requests_of_events(found: Found) -> Iterator[Problem]:
    """Every event names a request that was granted, and came after it (Đ6.2, Đ7.3)."""
    requests = {request.id: request for request in found.requests}
    for mailbox in found.mailboxes:
        for event in mailbox.history:
            if not event.request or event.request in found.unread:
                continue
            request = requests.get(event.request)
            if request is None:
                yield event.source.problem("request", f"sổ đề nghị không có số {event.request}", "Đ6.2")
            elif request.result is not Result.DONE:
                text = f"đề nghị {request.id} có kết quả {request.result}, chưa phải done"
                yield event.source.problem("request", text, "Đ6.2b")
            elif event.done < request.received:
                text = f"ngày {event.done} trước ngày nhận đề nghị {request.id} ({request.received})"
                yield event.source.problem("done", text, "Đ6.2")
