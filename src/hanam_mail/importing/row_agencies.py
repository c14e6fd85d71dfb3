"""Which agencies a row of a list means: whose mailbox it is about, and where a transfer goes to."""

from hanam_mail.editing import WorkingCopy
from hanam_mail.importing import destinations
from hanam_mail.importing.actions import Action
from hanam_mail.importing.agencies import Directory, reads_as_agency, reads_as_inner_office
from hanam_mail.importing.headings import Column
from hanam_mail.importing.plain_text import plain
from hanam_mail.importing.rows import ListEntry
from hanam_mail.registry.model import Agency, MailboxKind


class RefusedRow(Exception):
    """A row that cannot be done: the column, a sentence, the clause."""

    def __init__(self, column: Column | None, sentence: str, clause: str = "") -> None:
        super().__init__(sentence)
        self.column, self.sentence, self.clause = column, sentence, clause


class RowAgencies:
    """The agencies that rows of one document name; `sender` is whose document it is."""

    def __init__(self, draft: WorkingCopy, sender: Agency) -> None:
        registry = draft.registry()
        self._draft, self._directory, self._sender = draft, Directory(registry), sender
        self._operator = sender.id == registry.settings.operator

    def of_row(self, entry: ListEntry) -> Agency:
        """The agency that the row is about: the sender, and for the operator any."""
        column = Column.OFFICE if entry.by_office else Column.AGENCY
        named = self.find(column, entry.agency)
        if named is None and (self._operator or column is Column.AGENCY):
            named = self._find_within(column, entry.agency)
        if named is None:
            unknown = column is Column.AGENCY and not self._is_own_office(entry.agency)
            if entry.agency and (unknown or reads_as_agency(entry.agency)):
                raise RefusedRow(column, f"không có cơ quan “{entry.agency}” trong sổ đăng ký", "Đ5.1")
            return self._sender
        # The receiving agency may ask for a person who still is where the row says.
        if named.id != self._sender.id and not self._operator and entry.ask is not Action.TRANSFER:
            sentence = f"dòng của “{named.name}”, mà văn bản là của “{self._sender.name}”: cơ quan đó gửi văn bản riêng"
            raise RefusedRow(column, sentence, "Đ6.2a")
        return named

    def find(self, column: Column, text: str) -> Agency | None:
        try:
            return self._directory.find(text) if text else None
        except ValueError as error:
            raise RefusedRow(column, str(error)) from error

    def _find_within(self, column: Column, text: str) -> Agency | None:
        """The agency in a text such as "Phòng Tổ chức, Sở Nội vụ"."""
        try:
            found = {agency.id: agency for _, agency in self._directory.named(text)}
        except ValueError as error:
            raise RefusedRow(column, str(error)) from error
        if len(found) > 1:
            raise RefusedRow(column, f"“{text}” nêu nhiều cơ quan: ghi một cơ quan", "Đ5.1")
        return next(iter(found.values()), None)

    def _is_own_office(self, text: str) -> bool:
        """Whether a text in the column of agencies is a part of the sender; the operator writes of others too."""
        members = self._draft.members(self._sender.code)
        offices = (mailbox.name for mailbox in members if mailbox.kind is MailboxKind.OFFICE)
        return plain(text) in map(plain, offices) or (not self._operator and reads_as_inner_office(text))

    def destination(self, entry: ListEntry, holder: Agency) -> Agency | None:
        """Where the row moves a mailbox of `holder` to; the sender where no row says, since it may ask for its own."""
        ask, _, note = entry.said.partition(" ; ")
        stated = self.find(Column.TARGET, entry.target) or self._directory.owner(entry.target)
        if stated is None and entry.target:
            raise RefusedRow(Column.TARGET, f"không có cơ quan “{entry.target}” trong sổ đăng ký", "Đ5.1")
        asked, origin = destinations.in_ask(ask, self._directory)
        if origin is not None and origin.id != holder.id:
            raise ValueError(f"“{ask}”: hộp thư là của “{holder.name}”, không phải “{origin.name}”")
        if stated is not None and asked is not None and asked.id not in (stated.id, holder.id):
            raise ValueError(f"nội dung ghi “{asked.name}”, cột Cơ quan mới ghi “{stated.name}”: ghi một cơ quan")
        incoming = holder.id != self._sender.id and not self._operator
        if stated or asked:
            return stated or asked
        return destinations.in_note(note, self._directory, holder) or (self._sender if incoming else None)
