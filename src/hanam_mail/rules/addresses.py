"""The forms of Điều 5: what the address of a mailbox may look like, by its kind and the approved code.

An address is frozen at issue: the code of an agency, the name of a person may have been another then, and a
mailbox may have come from another agency with it.
"""

from collections.abc import Iterator

from hanam_mail import naming
from hanam_mail.errors import Problem
from hanam_mail.model import Agency, AgencyKind, Alias, Mailbox, MailboxKind, Rename
from hanam_mail.regulation import Regulation
from hanam_mail.rules.view import View

_CLAUSES = {
    AgencyKind.DEPARTMENT: "Đ5.1a",
    AgencyKind.DISTRICT: "Đ5.1b",
    AgencyKind.COMMUNE: "Đ5.1c",
    AgencyKind.UNIT: "Đ5.1",
}


def agency_address(agency: Agency, regulation: Regulation, *, code: str = "") -> str:
    """The address of the agency's own mailbox by its approved code (Đ5.1a-c), or by a former `code` of it."""
    return naming.agency_address(agency.kind, code or agency.code, regulation.naming)


def problems(view: View) -> Iterator[Problem]:
    """Every address that has not the form of its kind, every reserved one, every impossible alias."""
    reserved = view.regulation.naming.reserved_local_parts
    for mailbox in view.found.mailboxes:
        if mailbox.address in reserved:
            yield mailbox.source.problem("address", _reserved(mailbox.address))
        for alias in mailbox.aliases:
            if alias.address in reserved:
                yield alias.source.problem("address", _reserved(alias.address))
            yield from _span(alias)
        if not mailbox.address:
            continue
        match mailbox.kind:
            case MailboxKind.AGENCY:
                yield from _agency(mailbox, view)
            case MailboxKind.OFFICE:
                yield from _office(mailbox, view)
            case MailboxKind.PERSON:
                yield from _person(mailbox, view)


def _reserved(address: str) -> str:
    return f"“{address}” dành riêng cho hệ thống (RFC 2142)"


def _span(alias: Alias) -> Iterator[Problem]:
    if alias.begin and alias.until and alias.until < alias.begin:
        yield alias.source.problem("until", f"ngày {alias.until} trước ngày bắt đầu {alias.begin}")


def _homes(mailbox: Mailbox, view: View) -> tuple[Agency, ...]:
    """The agency of the mailbox and those it came from."""
    ids = (mailbox.agency, *mailbox.origins)
    return tuple(view.agencies[identity] for identity in ids if identity in view.agencies)


def _agency(mailbox: Mailbox, view: View) -> Iterator[Problem]:
    home, *origins = _homes(mailbox, view)
    if not home.code:
        return
    expected = agency_address(home, view.regulation)
    if mailbox.revoked:
        origins.append(home)  # it was closed under the code of then
    former = (agency_address(agency, view.regulation, code=code) for agency in origins for code in agency.codes)
    if mailbox.address != expected and mailbox.address not in former:
        text = f"phải là “{expected}” theo mã cơ quan"
        yield mailbox.source.problem("address", text, _CLAUSES[home.kind])


def _office(mailbox: Mailbox, view: View) -> Iterator[Problem]:
    homes = _homes(mailbox, view)
    codes = [code for agency in homes for code in agency.codes if code]
    if homes[0].code and not any(naming.fits_office(mailbox.address, code, view.regulation.naming) for code in codes):
        clause = "Đ5.1đ" if homes[0].kind is AgencyKind.DISTRICT else "Đ5.1d"
        text = f"phải có dạng <viết tắt của phòng>.{homes[0].code}"
        yield mailbox.source.problem("address", text, clause)


def _person(mailbox: Mailbox, view: View) -> Iterator[Problem]:
    if not mailbox.name:
        return
    rules = view.regulation.naming
    try:
        if naming.fits_person(mailbox.address, mailbox.name, rules):
            return
        former = (event.was_name for event in mailbox.history if isinstance(event, Rename) and event.was_name)
        if any(naming.fits_person(mailbox.address, name, rules) for name in former):
            return
        plain = naming.person_address(mailbox.name, rules)
    except naming.NamingError as error:
        yield mailbox.source.problem("name", str(error), "Đ5.2a")
        return
    text = f"phải là “{plain}”, hoặc “{plain}.” kèm phần phân biệt người trùng tên"
    yield mailbox.source.problem("address", text, "Đ5.2")
