"""What exists once: ids, codes, addresses. What was issued once stays taken for ever, in any case of letters."""

from collections.abc import Iterable, Iterator

from hanam_mail.errors import Problem, Source
from hanam_mail.registry.model import Agency, AgencyRename, Alias, Mailbox
from hanam_mail.registry.rules.view import View

# Value, where it stands, its field, what it is, the clause, and whose it is ("" where that says nothing).
type _Entry = tuple[str, Source, str, str, str, str]


def problems(view: View) -> Iterator[Problem]:
    """Every id, request number, code and address that stands twice."""
    yield from keys(view)
    yield from _repeated(_addresses(view.found.mailboxes))


def keys(view: View) -> Iterator[Problem]:
    """Every id, request number and code that stands twice: what a registry cannot be read without."""
    entries: list[Agency | Mailbox] = [*view.found.agencies, *view.found.mailboxes]
    yield from _repeated((entry.id, entry.source, "id", "mã", "", "") for entry in entries)
    requests = view.found.requests
    yield from _repeated((request.id, request.source, request.id, "số đề nghị", "Đ6.2", "") for request in requests)
    yield from _repeated(_codes(view.found.agencies))


def _codes(agencies: Iterable[Agency]) -> Iterator[_Entry]:
    """Codes of today and of before, each once for its agency, which may take a former one back."""
    for agency in agencies:
        yield agency.code, agency.source, "code", "mã cơ quan", "Đ5.1", agency.name
        former: dict[str, Source] = {}
        for event in agency.history:
            if isinstance(event, AgencyRename) and event.was_code and event.was_code != agency.code:
                former.setdefault(event.was_code, event.source)
        for code, source in former.items():
            yield code, source, "was_code", "mã cơ quan", "Đ5.1", agency.name


def _addresses(mailboxes: Iterable[Mailbox]) -> Iterator[_Entry]:
    """An address belongs to one mailbox for ever: closed ones and aliases count (Đ5.2)."""
    for mailbox in mailboxes:
        holders: tuple[Mailbox | Alias, ...] = (mailbox, *mailbox.aliases)
        for holder in holders:
            yield holder.address, holder.source, "address", "địa chỉ", "Đ5", mailbox.name


def _repeated(entries: Iterable[_Entry]) -> Iterator[Problem]:
    """A problem for every (value, source, field, what, clause) whose value, in any case, stood before."""
    first: dict[str, tuple[Source, str, str]] = {}
    for value, source, field, what, clause, whose in entries:
        key = value.casefold()
        if not key:
            continue  # a fault of the field itself, noted where it was read
        if key in first:
            before, there, holder = first[key]
            of = f", của “{holder}”" if holder else ""
            text = f"{what} “{value}” đã có ở {before.file}:{before.fields.get(there, before.line)}{of}"
            yield source.problem(field, text, clause)
        else:
            first[key] = source, field, whose
