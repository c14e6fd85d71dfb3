"""The forms of Điều 5: what the address of a mailbox may look like, by its kind and the approved code.

An address is frozen at issue: the code of an agency, the name of a person may have been another then, and a
mailbox may have come from another agency with it.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from hanam_mail.errors import Problem
from hanam_mail.registry.model import Agency, AgencyKind, Alias, Mailbox, MailboxKind
from hanam_mail.registry.rules.view import View
from hanam_mail.regulation import naming
from hanam_mail.regulation.provisions import Regulation

_CLAUSES = {
    AgencyKind.DEPARTMENT: "Đ5.1a",
    AgencyKind.DISTRICT: "Đ5.1b",
    AgencyKind.COMMUNE: "Đ5.1c",
    AgencyKind.UNIT: "Đ5.1",
}
# What tells namesakes apart, as an operator calls it.
_PARTS = {
    "suffix": "hậu tố của cơ quan (người trùng tên ở cơ quan khác)",
    "home": "quê quán",
    "birth_year": "năm sinh",
    "birth_date": "ngày sinh ddmmyyyy",
    "counter": "số thứ tự từ 2",
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
    yield from _persons(view)


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


def _persons(view: View) -> Iterator[Problem]:
    """Every person's address that the rule could not have given: the wrong letters, the wrong way to tell namesakes
    apart, the suffix where Đ5.2c rules it out."""
    rules = view.regulation.naming
    # By plain form and agency: a common name has hundreds in the province, few in one agency.
    namesakes: dict[tuple[str, str], list[Mailbox]] = {}
    suffixed: list[tuple[Mailbox, str]] = []
    for mailbox in view.found.mailboxes:
        if mailbox.kind is not MailboxKind.PERSON or not mailbox.address or not mailbox.name:
            continue
        try:
            plains = {name: naming.plain_form(name, rules) for name in mailbox.names}
            is_plain = mailbox.address in plains.values()
            readings = (
                []
                if is_plain
                else [
                    (plains[name], form, value)
                    for name in mailbox.names
                    for form, value in naming.person_forms(mailbox.address, name, rules)
                ]
            )
            plain = "" if is_plain or readings else naming.person_address(mailbox.name, rules)
        except naming.NamingError as error:
            yield mailbox.source.problem("name", str(error), "Đ5.2a")
            continue
        for each in itertools.product(set(plains.values()), {mailbox.agency, *mailbox.origins}):
            namesakes.setdefault(each, []).append(mailbox)
        if is_plain or any(form is None or form.part != "suffix" for _, form, _ in readings):
            continue
        suffixes = {suffix for agency in _homes(mailbox, view) for suffix in agency.suffixes}
        mine = [(own, form) for own, form, value in readings if form is not None and value in suffixes]
        if not mine:
            yield mailbox.source.problem("address", _unfit(plain or readings[0][0], view), "Đ5.2")
        elif not mine[0][1].same_agency:
            suffixed.append((mailbox, mine[0][0]))
    for mailbox, plain in suffixed:
        first = _namesake(mailbox, plain, namesakes, view)
        if first is not None:
            text = (
                f"“{mailbox.address}” mang hậu tố cơ quan, nhưng cơ quan đã có “{first.address}” trùng tên: phân biệt "
                "bằng quê quán, năm sinh"
            )
            yield mailbox.source.problem("address", text, "Đ5.2c")


def _unfit(plain: str, view: View) -> str:
    parts = ", ".join(_PARTS[form.part] for form in view.regulation.naming.namesakes)
    return f"phải là “{plain}”, hoặc dạng đó kèm phần phân biệt người trùng tên: {parts}"


def _namesake(
    mailbox: Mailbox, plain: str, namesakes: Mapping[tuple[str, str], Sequence[Mailbox]], view: View
) -> Mailbox | None:
    """A namesake who was in the agency when the mailbox got its address there (Đ5.2c), None if there was none."""
    stay = next((stay for stay in mailbox.stays if stay.address == mailbox.address), None)
    if stay is None:
        return None
    for other in namesakes[plain, stay.agency]:
        for before in other.stays:
            if other is mailbox or before.agency != stay.agency:
                continue
            if not before.begin <= stay.begin < (before.end or date.max):
                continue
            if before.begin == stay.begin:
                # Those issued on one day came in the order of the file; changes of one day have no order.
                issued = stay == mailbox.stays[0] and before == other.stays[0]
                if not issued or view.places[other.id] > view.places[mailbox.id]:
                    continue
            if naming.is_of(before.address, plain, view.regulation.naming):
                return other
    return None
