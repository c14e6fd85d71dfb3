"""Names are written as the gates of naming.py let them in, in YAML typed by hand too (Đ3.4, Đ5)."""

from collections.abc import Iterator

from hanam_mail.errors import Problem
from hanam_mail.registry.model import Agency, Mailbox, MailboxKind
from hanam_mail.registry.rules.view import View
from hanam_mail.regulation import naming


def problems(view: View) -> Iterator[Problem]:
    """Every name that no command would have written so. What a closed mailbox is called is not judged any more."""
    for agency in view.found.agencies:
        yield from _unit(agency, "Đ5.1")
    for mailbox in view.found.mailboxes:
        if not mailbox.name or mailbox.revoked:
            continue
        match mailbox.kind:
            case MailboxKind.PERSON:
                yield from _person(mailbox, view)
            case MailboxKind.OFFICE | MailboxKind.GUEST:
                yield from _unit(mailbox, "Đ5")


def _person(mailbox: Mailbox, view: View) -> Iterator[Problem]:
    try:
        read = naming.read_person(mailbox.name, view.regulation.naming, exact=mailbox.exact_name)
    except naming.NamingDoubt as doubt:
        yield mailbox.source.problem("name", f"{doubt}; đúng như giấy tờ thì ghi thêm exact_name: true", "Đ5.2")
    except naming.NamingError as error:
        yield mailbox.source.problem("name", str(error), "Đ5.2")
    else:
        yield from _difference(mailbox, read, "Đ5.2")


def _unit(entry: Agency | Mailbox, clause: str) -> Iterator[Problem]:
    try:
        read = naming.read(entry.name)
    except naming.NamingError as error:
        yield entry.source.problem("name", str(error), clause)
    else:
        yield from _difference(entry, read, clause)


def _difference(entry: Agency | Mailbox, read: naming.Name, clause: str) -> Iterator[Problem]:
    if read.text != entry.name:
        yield entry.source.problem("name", "; ".join((f"phải ghi là “{read.text}”", *read.notes)), clause)
