"""One unit is one entry, however its name is spelt: "Phòng CNTT" is "Phòng Công nghệ thông tin" (Đ5.1)."""

from collections.abc import Iterator

from hanam_mail.errors import Problem
from hanam_mail.registry.model import Agency, AgencyKind, Mailbox, MailboxKind
from hanam_mail.registry.rules.view import View
from hanam_mail.regulation import naming


def problems(view: View) -> Iterator[Problem]:
    """Every unit that stands twice under two spellings, and every name of a unit that nobody can read."""
    agencies: dict[tuple[AgencyKind, str], Agency] = {}
    for agency in view.found.agencies:
        if not agency.name or agency.merged_into is not None:
            continue
        try:
            name = naming.unit_key(agency.name, view.regulation.naming)
        except naming.NamingError as error:
            yield agency.source.problem("name", str(error), "Đ5.1")
            continue
        first = agencies.setdefault((agency.kind, name), agency)
        if first is not agency:
            yield _twice(agency, first)
    offices: dict[tuple[str, str], Mailbox] = {}
    for mailbox in view.found.mailboxes:
        if mailbox.kind is not MailboxKind.OFFICE or not mailbox.name or mailbox.revoked:
            continue
        try:
            name = naming.office_key(mailbox.name, view.agencies[mailbox.agency].code, view.regulation.naming)
        except naming.NamingError as error:
            yield mailbox.source.problem("name", str(error), "Đ5.1d")
            continue
        other = offices.setdefault((mailbox.agency, name), mailbox)
        # Offices of agencies that were merged may have one name; the same address is told by unique.py.
        if other is not mailbox and not (mailbox.origins or other.origins) and mailbox.address != other.address:
            yield _twice(mailbox, other)


def _twice(entry: Agency | Mailbox, first: Agency | Mailbox) -> Problem:
    place = f"{first.source.file}:{first.source.fields.get('name', first.source.line)}"
    text = f"“{entry.name}” và “{first.name}” ({place}) là một đơn vị"
    if entry.kind is AgencyKind.UNIT:  # whose district nothing but its name tells
        text += "; nếu là hai đơn vị, ghi kèm tên huyện vào tên"
    return entry.source.problem("name", text, "Đ5.1")
