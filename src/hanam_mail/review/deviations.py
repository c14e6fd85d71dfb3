"""New addresses and codes that Điều 5 would have proposed otherwise, for a reviewer to look at twice.

What the operator chose may be right - a code that reads better, a namesake who asked for the year of birth - but nobody
should have to find it among a hundred others.
"""

from collections.abc import Iterator

from hanam_mail.registry.model import Agency, AgencyKind, Mailbox, MailboxKind, Registry
from hanam_mail.regulation import naming
from hanam_mail.regulation.naming.grammar import NamingRules


def found(before: Registry, after: Registry) -> Iterator[str]:
    """A sentence for every agency, mailbox or address new in `after` that the rule would have made otherwise."""
    for identity, agency in after.agencies.items():
        if identity not in before.agencies:
            yield from _agency(agency, after.regulation.naming)
    changed = [box for key, box in after.mailboxes.items() if _address(before, key) != box.address]
    if not changed:
        return
    # In the order of issue, each as if those after it did not exist yet.
    places = {identity: place for place, identity in enumerate(after.mailboxes)}
    changed.sort(key=lambda box: (box.stays[-1].begin, places[box.id]) if box.stays else (box.history[0].done, 0))
    taken = {address for box in before.mailboxes.values() for address in box.addresses}
    members: dict[str, list[str]] = {}
    for box in after.mailboxes.values():
        if _address(before, box.id) == box.address:
            members.setdefault(box.agency, []).append(box.address)
    for box in changed:
        taken.difference_update(box.addresses)  # its own former ones are free to it
        proposed = _proposal(box, after, taken, members.get(box.agency, []))
        if proposed and box.address != proposed:
            yield f"{box.address} của {box.name}: Điều 5 đề xuất {proposed}"
        elif _is_counted(box, after.regulation.naming):
            yield f"{box.address} của {box.name}: chỉ có số thứ tự phân biệt với người trùng tên"
        taken.update(box.addresses)
        members.setdefault(box.agency, []).append(box.address)


def _address(registry: Registry, identity: str) -> str | None:
    mailbox = registry.mailboxes.get(identity)
    return mailbox.address if mailbox else None


def _agency(agency: Agency, rules: NamingRules) -> Iterator[str]:
    if agency.kind is AgencyKind.UNIT:
        return  # no form, always approved
    try:
        code, suffix = naming.propose_agency(agency.kind, agency.name, rules, district=agency.parent_code or "")
    except naming.NamingError:
        return  # the name makes none, the operator had to choose
    if agency.code != code:
        yield f"Mã {agency.code} của {agency.name}: Điều 5 đề xuất {code}"
    if agency.suffix != suffix:
        yield f"Hậu tố {agency.suffix} của {agency.name}: Điều 5 đề xuất {suffix}"


def _proposal(box: Mailbox, registry: Registry, taken: set[str], colleagues: list[str]) -> str:
    """What the rule gives whoever has the details that the address shows; "" where it gives nothing."""
    rules, agency = registry.regulation.naming, registry.agencies[box.agency]
    try:
        match box.kind:
            case MailboxKind.OFFICE:
                return next(form for form in naming.office_addresses(box.name, agency.code, rules) if form not in taken)
            case MailboxKind.PERSON | MailboxKind.GUEST:
                details = [_detail(form.part, value) for form, value in _namesake_forms(box, rules)]
                return naming.propose_person(
                    box.name, agency.suffix, taken, rules, colleagues=colleagues, details=details
                )
    except naming.NamingError:
        return "một dạng ngắn được duyệt" if box.kind is not MailboxKind.OFFICE else ""
    return ""


def _namesake_forms(box: Mailbox, rules: NamingRules) -> Iterator[tuple[naming.Namesake, str]]:
    for form, value in naming.person_forms(box.address, box.name, rules):
        if form is not None and form.part in ("home", "birth_year", "birth_date"):
            yield form, value


def _detail(part: str, value: str) -> str:
    return f"{value[:2]}/{value[2:4]}/{value[4:]}" if part == "birth_date" else value


def _is_counted(box: Mailbox, rules: NamingRules) -> bool:
    persons = (MailboxKind.PERSON, MailboxKind.GUEST)
    return box.kind in persons and naming.is_counted(box.address, box.name, rules)
