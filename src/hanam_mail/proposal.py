"""The address that Điều 5 gives to a new agency, office or person, seen what the registry holds already."""

from hanam_mail import naming
from hanam_mail.model import Agency, AgencyKind, MailboxKind, Registry


class ProposalError(ValueError):
    """Nothing can be proposed; the message says why, in Vietnamese."""


def propose(registry: Registry, kind: str, name: str, agency_code: str | None) -> str:
    """The local part for `name`, whose `kind` is that of an agency, or "office" or "person" in the agency
    of that code.

    Raises ProposalError when the address is somebody's or the agency unknown, NamingError when no address
    follows.
    """
    rules = registry.regulation.naming
    match kind:
        case AgencyKind.DEPARTMENT | AgencyKind.DISTRICT | AgencyKind.COMMUNE:
            code, _ = naming.propose_agency(kind, name, rules)
            address = naming.agency_address(kind, code, rules)
        case MailboxKind.OFFICE:
            address = naming.office_address(name, _agency(registry, agency_code).code, rules)
        case _:
            return _person(registry, name, _agency(registry, agency_code))
    if address in _taken(registry):
        raise ProposalError(f"địa chỉ “{address}” đã được cấp")
    return address


def _person(registry: Registry, name: str, agency: Agency) -> str:
    colleagues = [box.address for box in registry.mailboxes.values() if box.agency == agency.id]
    return naming.propose_person(
        name, agency.suffix, _taken(registry), registry.regulation.naming, colleagues=colleagues
    )


def _agency(registry: Registry, code: str | None) -> Agency:
    for agency in registry.agencies.values():
        if agency.code == code:
            return agency
    raise ProposalError(f"không có cơ quan nào mã “{code}”")


def _taken(registry: Registry) -> set[str]:
    """All addresses ever issued, closed mailboxes and aliases too, and those nobody may have."""
    issued = {address for mailbox in registry.mailboxes.values() for address in mailbox.addresses}
    return issued | registry.regulation.naming.reserved_local_parts
