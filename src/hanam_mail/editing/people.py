"""Edits of names and agencies of one mailbox: another name, another agency, other clerks."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from hanam_mail.editing import addresses
from hanam_mail.editing.working_copy import Book, DraftError
from hanam_mail.errors import Source
from hanam_mail.registry.model import Agency, Cause, Clerks, Mailbox, MailboxKind, Move, Rename
from hanam_mail.regulation import naming

_NEW = Source("", 0)


def renamed(
    book: Book,
    old: Mailbox,
    name: str,
    address: str | None,
    details: Sequence[str],
    request: str,
    done: date,
    *,
    counter: bool = False,
    new_address: bool = False,
) -> Mailbox:
    """A person or office under another name, and under another address where its letters differ.

    `new_address`: a person came from another agency before, and its suffix goes now (see `transferred`).
    """
    if old.kind is MailboxKind.AGENCY:
        raise DraftError(f"“{old.address}” mang tên cơ quan: đổi bằng rename-agency", "Đ6.1")
    if new_address and address is None:
        address = _of_this_agency(book, old, name, book.agencies[old.agency], details, counter)
    if name == old.name and address in (None, old.address):
        raise DraftError(f"hộp thư “{old.address}” đã mang tên và địa chỉ ấy", "Đ6.1")
    new = _address_of_new_name(book, old, name, address, details, counter)
    changed = new != old.address
    event = Rename(request, done, old.address if changed else None, old.name if name != old.name else None, _NEW)
    mailbox = replace(book.record(old, event), name=name)
    if changed:
        until = None if old.kind.is_agency else _alias_end(book, done)
        mailbox = book.readdress(mailbox, new, done, until)
    return book.put(mailbox)


def transferred(
    book: Book,
    old: Mailbox,
    owner: Agency,
    new_address: bool,
    details: Sequence[str],
    request: str,
    done: date,
    *,
    counter: bool = False,
) -> Mailbox:
    """A person's mailbox in another agency, which it serves as a clerk no longer in the former."""
    if old.kind.is_agency:
        raise DraftError(f"“{old.address}” là hộp thư của cơ quan: chỉ hộp thư cá nhân chuyển theo người", "Đ6.1")
    if owner.id == old.agency:
        raise DraftError(f"“{old.address}” đã thuộc {owner.name}", "Đ6.1")
    new = _of_this_agency(book, old, old.name, owner, details, counter) if new_address else old.address
    changed = new != old.address
    event = Move(request, done, Cause.TRANSFER, old.agency, old.address if changed else None, _NEW)
    mailbox = replace(book.record(old, event), agency=owner.id, source=owner.source)
    if changed:
        mailbox = book.readdress(mailbox, new, done, _alias_end(book, done))
    book.drop_clerk(old, request, done)
    return book.put(mailbox)


def with_clerks(book: Book, mailbox: Mailbox, persons: Iterable[Mailbox], request: str, done: date) -> Mailbox:
    """An agency's or office's mailbox with these clerks, persons of that agency."""
    if not mailbox.kind.is_agency:
        raise DraftError(f"“{mailbox.address}” là hộp thư cá nhân, không dùng chung, không có văn thư", "Đ12.3")
    clerks: dict[str, None] = {}
    for person in persons:
        if person.kind is not MailboxKind.PERSON or person.agency != mailbox.agency or person.revoked:
            text = f"“{person.address}” phải là hộp thư cá nhân đang dùng của cùng cơ quan"
            raise DraftError(text, "Đ9.2")
        clerks[person.id] = None
    if tuple(clerks) == mailbox.clerks:
        raise DraftError(f"văn thư của “{mailbox.address}” đã đúng như vậy", "Đ9.2")
    event = Clerks(request, done, mailbox.clerks, _NEW)
    return book.put(replace(book.record(mailbox, event), clerks=tuple(clerks)))


def refuse_namesake(book: Book, name: str, agency: Agency) -> None:
    """Refuse a person whom the agency has already: most often it is the same one."""
    for mailbox in book.members(agency):
        if mailbox.kind is MailboxKind.PERSON and mailbox.name == name and not mailbox.revoked:
            text = f"cơ quan đã có “{name}” <{mailbox.address}>; nếu là người khác cùng tên, ghi --namesake"
            raise DraftError(text, "Đ5.2c")


def _of_this_agency(book: Book, old: Mailbox, name: str, agency: Agency, details: Sequence[str], counter: bool) -> str:
    """The address of a person who is in that agency now, in place of one with the former agency's suffix."""
    if old.kind.is_agency:
        raise DraftError(f"“{old.address}” là hộp thư của cơ quan, không có hậu tố cơ quan", "Đ5.2b")
    if addresses.is_plain(book, old):
        raise DraftError(f"“{old.address}” ở dạng gốc, giữ nguyên khi chuyển cơ quan", "Đ5.2")
    return addresses.person(book, name, agency, details, old, counter=counter)


def _address_of_new_name(
    book: Book, old: Mailbox, name: str, address: str | None, details: Sequence[str], counter: bool
) -> str:
    owner, words = book.agencies[old.agency], book.regulation.naming
    if address is not None:
        return address if address in old.addresses else addresses.chosen(book, address)
    if old.kind is MailboxKind.OFFICE:
        return addresses.office(book, name, owner, of=old)
    try:
        same = naming.person_address(name, words) == naming.person_address(old.name, words)
    except naming.NamingError as error:
        raise DraftError(str(error), "Đ5.2") from error
    return old.address if same else addresses.person(book, name, owner, details, old, counter=counter)


def _alias_end(book: Book, done: date) -> date | None:
    """The last day of a person's former address that became an alias on `done`."""
    months = book.settings.alias_months
    return None if months is None else addresses.months_later(done, months)
