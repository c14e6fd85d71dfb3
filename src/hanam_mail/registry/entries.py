"""The schema of the registry's two kinds of files: from YAML fields to the values of model.py.

An agency's file holds `agency` and `mailboxes`, a year's register of requests a mapping from request id to
request. Faults of single fields are noted here; what concerns several entries stands in rules/.
"""

import re
import secrets
import string
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from hanam_mail.errors import Problem
from hanam_mail.registry.events import (
    AGENCY_EVENTS,
    CODE_HINT,
    CODE_PATTERN,
    ID_HINT,
    ID_LETTERS,
    ID_PAIRS,
    ID_PATTERN,
    MAILBOX_EVENTS,
    REQUEST_ID_HINT,
    REQUEST_ID_PATTERN,
    SUFFIX_HINT,
    SUFFIX_PATTERN,
    read_events,
)
from hanam_mail.registry.fields import Fields, document
from hanam_mail.registry.model import Agency, AgencyEvent, AgencyKind, Alias, Event, Issue, Mailbox, MailboxKind
from hanam_mail.registry.requests import Reply, Request, RequestKind, Result
from hanam_mail.regulation.naming import is_local_part
from hanam_mail.regulation.provisions import Regulation

# Letters with all their marks in them, digits and signs of Vietnamese text. The accounts database has the same
# (sql/migrations/0011_post.sql), so that nothing is refused there which passed here.
_POST = re.compile("[ -~\u00a1-\u00ac\u00ae-\u024f\u1e00-\u1eff\u2010-\u2015\u2018-\u201f\u2026]{1,200}")
POST_HINT = "tối đa 200 chữ, số, dấu câu tiếng Việt (Unicode dựng sẵn), không thừa dấu cách"
# One number as it is dialled from elsewhere, which a spreadsheet's number without its 0 is not. The accounts database
# has the same (sql/migrations/0034_phone.sql).
_PHONE = re.compile(r"(\(?[01]|\(?\+[1-9])(( | ?[-.(] ?|\)( | ?[-.] ?)?)?[0-9]){5,14}\)?( máy lẻ [0-9]{1,6})?")
_PHONE_LENGTH = 40  # signs
PHONE_HINT = (
    "một số, 6 đến 15 chữ số kể cả số 0, số 1 hoặc dấu + ở đầu, ngăn bằng dấu cách và các dấu . - ( ); máy lẻ ghi ở "
    f"cuối là “máy lẻ 12”; tối đa {_PHONE_LENGTH} ký tự"
)


def sound_post(post: str) -> bool:
    """Whether a post (Chức vụ), or why something is withheld, may stand so in the registry; "" for nothing said."""
    return post == "" or (_POST.fullmatch(post) is not None and post == post.strip() and "  " not in post)


def sound_phone(phone: str) -> bool:
    """Whether a telephone number (Điện thoại) may stand so in the registry; "" for nothing said."""
    return phone == "" or (len(phone) <= _PHONE_LENGTH and _PHONE.fullmatch(phone) is not None)


@dataclass(slots=True)
class Found:
    """What the files hold so far. `unread` are ids whose entries were too faulty to build."""

    agencies: list[Agency] = field(default_factory=list)
    mailboxes: list[Mailbox] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    @property
    def entries(self) -> list[Agency | Mailbox | Request]:
        """All entries, kind by kind."""
        return [*self.agencies, *self.mailboxes, *self.requests]

    def add(self, entries: Iterable[Agency | Mailbox | Request]) -> None:
        """Add entries of any kind."""
        for entry in entries:
            match entry:
                case Agency():
                    self.agencies.append(entry)
                case Mailbox():
                    self.mailboxes.append(entry)
                case Request():
                    self.requests.append(entry)


def read_agency_file(text: str, file: str, regulation: Regulation, found: Found) -> None:
    """Add the agency and the mailboxes of one file to `found`."""
    fields = document(text, file, found.problems)
    if fields is None:
        return
    agency = fields.entry("agency", partial(_agency, regulation=regulation))
    if agency is not None:
        found.agencies.append(agency)

    def read(entry: Fields) -> Mailbox | None:
        mailbox = _mailbox(entry, agency, regulation)
        if mailbox is None:
            found.unread.add(entry.text("id", required=False))
        return mailbox

    mailboxes = fields.entries("mailboxes", read, empty=agency is None or agency.merged_into is not None)
    found.mailboxes.extend(mailbox for mailbox in mailboxes if mailbox is not None)
    fields.finish()


def read_request_file(text: str, file: str, found: Found) -> None:
    """Add the requests of one year's register to `found`."""
    fields = document(text, file, found.problems)
    if fields is None:
        return
    if not fields.names():
        fields.note("", "tệp không có đề nghị nào")
    for name in fields.names():
        if re.fullmatch(REQUEST_ID_PATTERN, name) is None:
            fields.note(name, REQUEST_ID_HINT)
        request = fields.entry(name, partial(_request, identity=name))
        if request is None:
            found.unread.add(name)
        else:
            found.requests.append(request)


def new_id(taken: Container[str]) -> str:
    """A random id for a new agency or mailbox that is not in `taken`.

    Random, so that two merge requests made at the same time do not take the same.
    """
    while True:
        identity = "".join(secrets.choice(ID_LETTERS) + secrets.choice(string.digits) for _ in range(ID_PAIRS))
        if identity not in taken:
            return identity


def _agency(fields: Fields, regulation: Regulation) -> Agency | None:
    identity = fields.text("id", pattern=ID_PATTERN, hint=ID_HINT)
    name = fields.name("name")
    kind = _choice(fields, "kind", AgencyKind)
    code = fields.text("code", pattern=CODE_PATTERN, hint=CODE_HINT)
    suffix = fields.text("suffix", pattern=SUFFIX_PATTERN, hint=SUFFIX_HINT)
    document_system, withheld = fields.flag("document_system"), _withheld(fields)
    history: tuple[AgencyEvent, ...] | None = read_events(fields, AGENCY_EVENTS, regulation)
    if kind is None:
        return None
    return Agency(identity, name, kind, code, suffix, document_system, history or (), fields.source, withheld)


def _withheld(fields: Fields) -> str:
    """The law and the document by which something is not published."""
    ground = fields.text("withheld", required=False)
    if not sound_post(ground):
        fields.note("withheld", f"“{ground}” không hợp lệ: {POST_HINT}", "Đ11.5")
    return ground


def _phone(fields: Fields, kind: MailboxKind | None) -> str:
    """The number that stands in signatures, as the office writes it."""
    phone = fields.text("phone", required=False)
    if not sound_phone(phone):
        fields.note("phone", f"“{phone}” không hợp lệ: {PHONE_HINT}")
    if phone and kind is MailboxKind.GUEST:
        fields.note("phone", "không ghi cho hộp thư bên ngoài")
    return phone


def _mailbox(fields: Fields, agency: Agency | None, regulation: Regulation) -> Mailbox | None:
    identity = fields.text("id", pattern=ID_PATTERN, hint=ID_HINT)
    kind = _choice(fields, "kind", MailboxKind)
    named_by_agency = kind is MailboxKind.AGENCY
    name = fields.name("name", required=not named_by_agency)
    if name and named_by_agency:
        fields.note("name", "hộp thư cơ quan mang tên cơ quan, không ghi tên riêng")
    exact_name, post = fields.flag("exact_name"), fields.text("post", required=False)
    if not sound_post(post):
        fields.note("post", f"“{post}” không hợp lệ: {POST_HINT}", "Đ11.5")
    if kind is not None and kind is not MailboxKind.PERSON:
        for field, given in (("exact_name", exact_name), ("post", post)):
            if given:
                fields.note(field, "chỉ ghi cho hộp thư cá nhân")
    phone, withheld = _phone(fields, kind), _withheld(fields)
    if withheld and kind is MailboxKind.GUEST:
        fields.note("withheld", "hộp thư bên ngoài vốn không công khai, không cần ghi", "Đ11.5")
    address = _address(fields)
    aliases = fields.entries("aliases", _alias, required=False)
    clerks = fields.texts("clerks")
    history: tuple[Event, ...] | None = read_events(fields, MAILBOX_EVENTS, regulation)
    if history and not isinstance(history[0], Issue):
        fields.note("history", "phải bắt đầu bằng sự kiện issue (cấp mới)", "Đ6.2a")
    if kind is None or agency is None:
        return None
    return Mailbox(
        id=identity,
        kind=kind,
        agency=agency.id,
        name=agency.name if named_by_agency else name,
        address=address,
        aliases=tuple(aliases),
        clerks=clerks,
        history=history or (),
        source=fields.source,
        post=post,
        phone=phone,
        exact_name=exact_name,
        withheld=withheld,
    )


def _alias(fields: Fields) -> Alias:
    begin, until = fields.date("from", required=False), fields.date("until", required=False)
    return Alias(_address(fields), begin, until, fields.source)


def _address(fields: Fields) -> str:
    address = fields.text("address")
    if address and not is_local_part(address):
        fields.note("address", f"“{address}” phải là chữ thường không dấu, chữ số, dấu chấm ở giữa", "Đ5")
        # Still compared with the others: an address in capitals may be somebody's already.
        return address.casefold()
    return address


def _request(fields: Fields, identity: str) -> Request | None:
    number = fields.text("document")
    dated, received = fields.date("dated"), fields.date("received")
    agency = fields.text("agency", pattern=ID_PATTERN, hint=ID_HINT)
    asks = _asks(fields)
    ground = fields.text("ground")
    result = _choice(fields, "result", Result)
    reply = fields.entry("reply", _reply, required=result not in (Result.PENDING, None))
    if dated is None or received is None or result is None:
        return None
    return Request(identity, number, dated, received, agency, asks, ground, result, reply, fields.source)


def _asks(fields: Fields) -> tuple[RequestKind, ...]:
    texts = fields.texts("asks", required=True)
    for text in texts:
        if text not in RequestKind:
            fields.note("asks", f"không có giá trị “{text}”; có: {', '.join(RequestKind)}", "Đ6.1")
    if len(set(texts)) < len(texts):
        fields.note("asks", "ghi hai lần cùng một việc")
    return tuple(RequestKind(text) for text in texts if text in RequestKind)


def _reply(fields: Fields) -> Reply | None:
    number, day = fields.text("document", required=False), fields.date("date")
    return Reply(number, day) if day is not None else None


def _choice[K: StrEnum](fields: Fields, name: str, kinds: type[K]) -> K | None:
    text = fields.text(name)
    if text and text not in kinds:
        fields.note(name, f"không có giá trị “{text}”; có: {', '.join(kinds)}")
    return kinds(text) if text in kinds else None
