"""Entries of a list as edits of the registry: who they mean, what address they get, and all that stands against it.

A list is one document of one agency. Its rows are applied in their order (the order of issue decides who has the plain
form, Đ5.2) to a working copy; one bad row, and nothing of it is used.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from hanam_mail.editing import EditError, OnlyCounter, Taken, WorkingCopy
from hanam_mail.errors import Problem
from hanam_mail.importing import actions
from hanam_mail.importing.actions import Action
from hanam_mail.importing.document import Document
from hanam_mail.importing.headings import Column
from hanam_mail.importing.plain_text import plain
from hanam_mail.importing.row_agencies import RefusedRow, RowAgencies
from hanam_mail.importing.rows import ListEntry
from hanam_mail.registry.model import Agency, Mailbox, MailboxKind
from hanam_mail.registry.requests import Result
from hanam_mail.regulation.naming.gate import read_person
from hanam_mail.regulation.naming.text import NamingError, key, read

_STAND_IN = "?"  # for a document that cannot be registered, so that its rows can be judged
_NAMESAKE_ADVICE = "nếu là người khác cùng tên, ghi “trùng tên” ở cột Ghi chú và ghi quê quán hoặc ngày sinh"


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of a row: the mailbox, and its former address where it has another now."""

    sheet: str
    row: int
    ask: Action
    mailbox: Mailbox
    agency: Agency
    was: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """The number of the request, what each row came to, and all that stands against rows."""

    request: str
    outcomes: tuple[RowOutcome, ...]
    problems: tuple[Problem, ...]


def plan(
    draft: WorkingCopy,
    entries: Sequence[ListEntry],
    document: Document,
    *,
    done: date,
    domain: str = "",
    spoiled: Sequence[ListEntry] = (),
) -> ImportPlan:
    """Do in the draft what the list asks for, on the day `done`. `domain` is what may stand behind the @.

    `spoiled` are rows that cannot be done: only what the registry says against them is told. Where the document itself
    cannot be registered or answered, that is one of the problems, and the rows are tried all the same.
    """
    problems: list[Problem] = []
    try:
        request = document.request or _register(draft, entries, document)
        if document.reply or document.reply_later:
            draft.answer(request, Result.DONE, document.reply, document.replied or done)
    except EditError as error:
        problems += error.problems
        request = _register(draft, entries, replace(document, document=_STAND_IN))
    planner = _Planner(draft, draft.agency(document.agency), request, done, domain)
    for entry in entries:
        planner.add(entry)
    for entry in spoiled:
        planner.examine(entry)
    return ImportPlan(request, tuple(planner.outcomes), (*problems, *planner.problems))


def _register(draft: WorkingCopy, entries: Sequence[ListEntry], document: Document) -> str:
    received = document.received or document.dated or date.max
    grounds = dict.fromkeys(filter(None, (document.ground, *(entry.ground for entry in entries))))
    return draft.request(
        document=document.document,
        dated=document.dated or received,
        received=received,
        agency=document.agency,
        asks=tuple(dict.fromkeys(entry.ask.kind for entry in entries)),
        ground=document.ground or "; ".join(grounds),
    ).id


class _Planner:
    def __init__(self, draft: WorkingCopy, sender: Agency, request: str, done: date, domain: str) -> None:
        registry = draft.registry()
        self._draft, self._sender = draft, sender
        self._operator = sender.id == registry.settings.operator
        self._agencies = RowAgencies(draft, sender)
        self._by_name: dict[str, dict[str, None]] = {}  # ids of mailboxes by the key of their names
        for mailbox in registry.mailboxes.values():
            self._by_name.setdefault(key(mailbox.name), {})[mailbox.id] = None
        self._request, self._done, self._domain = request, done, domain
        self._rows: dict[str, int] = {}  # mailbox id -> the row of this list that concerns it
        self._asked: dict[tuple[str, Action], int] = {}  # the same for each thing that rows ask for
        self.problems: list[Problem] = []
        self.outcomes: list[RowOutcome] = []

    def add(self, entry: ListEntry) -> None:
        """Apply one row, or note why not."""
        try:
            agency = self._agencies.of_row(entry)
            outcome = self._issue(entry, agency) if entry.ask is Action.ISSUE else self._change(entry, agency)
        except RefusedRow as error:
            self.problems.append(entry.place.problem(error.column, error.sentence, error.clause))
        except OnlyCounter:
            # The regulation wants something that tells the person apart; a number needs the operator's own command.
            sentence = "trùng địa chỉ với người đã cấp: ghi quê quán hoặc ngày sinh để có địa chỉ riêng"
            column = Column.HOME if Column.HOME in entry.place.layout else Column.BIRTH
            self.problems.append(entry.place.problem(column, sentence, "Đ5.2c"))
        except EditError as error:
            row = self._rows.get(error.holder) if isinstance(error, Taken) else None
            where = f" (dòng {row} của danh sách)" if row else ""
            self.problems.append(entry.place.problem(None, error.text + where, error.clause))
        except NamingError as error:
            self.problems.append(entry.place.problem(Column.NAME, str(error), "Đ5"))
        else:
            self._rows[outcome.mailbox.id] = self._asked[outcome.mailbox.id, entry.ask] = entry.place.row
            self._by_name.setdefault(key(outcome.mailbox.name), {})[outcome.mailbox.id] = None
            self.outcomes.append(outcome)

    def examine(self, entry: ListEntry) -> None:
        """Note what the registry says against a row that is wrong already."""
        try:
            self._agencies.of_row(entry)
            if entry.mailbox and entry.ask is not Action.ISSUE:
                self._mailbox_of_address(entry)
        except RefusedRow as error:
            self.problems.append(entry.place.problem(error.column, error.sentence, error.clause))

    # --- issue ---

    def _issue(self, entry: ListEntry, agency: Agency) -> RowOutcome:
        named = self._agencies.find(Column.NAME, entry.name)
        if entry.mailbox:
            self._refuse_other_mailbox(entry)
        if named is not None:
            if named.id != agency.id and not self._operator:
                sentence = f"“{named.name}” là một cơ quan khác: cơ quan đó gửi văn bản riêng"
                raise RefusedRow(Column.NAME, sentence, "Đ6.2a")
            return self._issued(entry, named, MailboxKind.AGENCY, "")
        if entry.kind is MailboxKind.AGENCY:
            sentence = (
                f"“{entry.name}” không phải cơ quan nào trong sổ đăng ký: cơ quan mới thì thêm trước bằng hanam-mail "
                "add agency; phòng hoặc cá nhân thì sửa Loại hộp thư"
            )
            raise RefusedRow(Column.NAME, sentence, "Đ5.1")
        if entry.kind is MailboxKind.PERSON:
            name = read_person(entry.name, self._draft.regulation.naming, exact=entry.exact_name)
        else:
            name = read(entry.name)
        notes = (*entry.notes, *name.notes, *self._namesakes(entry, name.text, agency))
        return self._issued(entry, agency, entry.kind, name.text, notes)

    def _issued(
        self, entry: ListEntry, agency: Agency, kind: MailboxKind, name: str, notes: tuple[str, ...] = ()
    ) -> RowOutcome:
        details = entry.details if kind is MailboxKind.PERSON else ()
        mailbox = self._draft.issue(
            kind=kind,
            agency=agency.code,
            name=name,
            request=self._request,
            done=self._done,
            quota_bytes=entry.quota_bytes,
            details=details,
            exact_name=entry.exact_name and kind is MailboxKind.PERSON,
            post=entry.post if kind is MailboxKind.PERSON else "",
            phone=entry.phone,
        )
        return self._outcome(entry, mailbox, agency, notes=notes)

    def _refuse_other_mailbox(self, entry: ListEntry) -> None:
        try:
            held = self._mailbox_of_address(entry)
        except RefusedRow:
            return  # no such mailbox: the column holds a wish, which Điều 5 decides
        if held.id not in self._rows:
            sentence = f"đề nghị cấp mới mà đã có hộp thư “{held.address}” ({held.name})"
            raise RefusedRow(Column.MAILBOX, sentence, "Đ6.2a")

    def _namesakes(self, entry: ListEntry, name: str, agency: Agency) -> tuple[str, ...]:
        """Refuse a person who has a mailbox in the agency already, unless the list says it is another (Đ5.2c)."""
        if entry.kind is not MailboxKind.PERSON:
            return ()
        named = [mailbox for mailbox in self._named(name) if mailbox.kind is MailboxKind.PERSON]
        same = [mailbox for mailbox in named if mailbox.agency == agency.id]
        if same and not actions.says_namesake(entry.said):
            former = same[-1]
            row = self._rows.get(former.id)
            where = f"dòng {row} của danh sách" if row else "đã thu hồi" if former.revoked else "đang dùng"
            sentence = f"“{name}” của {agency.name} đã có hộp thư “{former.address}” ({where}); {_NAMESAKE_ADVICE}"
            raise RefusedRow(Column.NAME, sentence, "Đ5.2c")
        if same and not entry.details:
            sentence = f"người cùng tên với “{same[-1].address}”: ghi quê quán hoặc ngày sinh để có địa chỉ riêng"
            raise RefusedRow(Column.HOME if Column.HOME in entry.place.layout else Column.BIRTH, sentence, "Đ5.2c")
        return tuple(
            f"cùng tên với “{mailbox.address}” ở cơ quan khác: nếu là một người, dùng Chuyển cơ quan thay cho Cấp mới"
            for mailbox in named
            if mailbox.agency != agency.id and not mailbox.revoked
        )

    def _named(self, name: str) -> list[Mailbox]:
        """The mailboxes of that name, accents and all, in every agency."""
        wanted = key(name)
        found = map(self._draft.mailbox, self._by_name.get(wanted, ()))
        return [mailbox for mailbox in found if key(mailbox.name) == wanted]

    # --- change and revoke ---

    def _change(self, entry: ListEntry, agency: Agency) -> RowOutcome:
        mailbox = self._mailbox_of_address(entry) if entry.mailbox else self._mailbox_of_name(entry, agency)
        incoming = entry.ask is Action.TRANSFER and mailbox.agency != self._sender.id
        if mailbox.agency != self._sender.id and not self._operator and not incoming:
            owner = self._draft.registry().agencies[mailbox.agency]
            sentence = f"“{mailbox.address}” là hộp thư của “{owner.name}”: cơ quan đó gửi văn bản riêng"
            raise RefusedRow(Column.MAILBOX, sentence, "Đ6.2a")
        if entry.ask is Action.REVOKE and (goes_to := self._agencies.find(Column.TARGET, entry.target)):
            sentence = (
                f"đề nghị thu hồi mà chuyển đến “{goes_to.name}”: chuyển trong tỉnh thì đề nghị Chuyển cơ quan; "
                "vẫn đề nghị thu hồi thì để trống ô này"
            )
            raise RefusedRow(Column.TARGET, sentence, "Đ6.2a")
        row = self._rows.get(mailbox.id) if entry.ask is Action.REVOKE else self._asked.get((mailbox.id, entry.ask))
        if row is not None:
            raise RefusedRow(Column.NAME, f"“{mailbox.address}” đã có ở dòng {row} của danh sách", "Đ6.2a")
        match entry.ask:
            case Action.REVOKE:
                changed = self._draft.revoke(mailbox.id, request=self._request, done=self._done)
            case Action.QUOTA:
                changed = self._quota(entry, mailbox)
            case Action.RENAME:
                changed = self._rename(entry, mailbox)
            case _:
                changed = self._transfer(entry, mailbox)
        if entry.post and entry.ask is not Action.REVOKE and changed.kind is MailboxKind.PERSON:
            changed = self._draft.post(changed.id, entry.post)
        if entry.phone and entry.ask is not Action.REVOKE and changed.kind is not MailboxKind.GUEST:
            changed = self._draft.phone(changed.id, entry.phone)
        owner = self._draft.registry().agencies[changed.agency]
        was = mailbox.address if changed.address != mailbox.address else ""
        return self._outcome(entry, changed, owner, was=was, notes=entry.notes)

    def _quota(self, entry: ListEntry, mailbox: Mailbox) -> Mailbox:
        if entry.quota_bytes is None:
            raise RefusedRow(Column.QUOTA, "thiếu dung lượng mới, ví dụ 4GB", "Đ8.1a")
        return self._draft.quota(mailbox.id, entry.quota_bytes, request=self._request, done=self._done)

    def _rename(self, entry: ListEntry, mailbox: Mailbox) -> Mailbox:
        # Without a column of its own the new name stands in the column of names, beside the old address.
        new = entry.new_name or (entry.name if entry.mailbox else "")
        if not new or key(new) == key(mailbox.name):
            raise RefusedRow(Column.NEW_NAME, "thiếu tên mới: ghi ở cột Họ và tên mới", "Đ6.1")
        return self._draft.rename(
            mailbox.id,
            read(new).text,
            request=self._request,
            done=self._done,
            details=entry.details,
            exact_name=entry.exact_name,
        )

    def _transfer(self, entry: ListEntry, mailbox: Mailbox) -> Mailbox:
        column = Column.TARGET if Column.TARGET in entry.place.layout else Column.ASK
        try:
            target = self._agencies.destination(entry, self._draft.registry().agencies[mailbox.agency])
        except ValueError as error:
            raise RefusedRow(column, str(error), "Đ6.1") from error
        if target is None:
            raise RefusedRow(column, "thiếu cơ quan mới: ghi ở cột Cơ quan mới", "Đ6.1")
        return self._draft.transfer(
            mailbox.id,
            agency=target.code,
            request=self._request,
            done=self._done,
            new_address="dia chi moi" in plain(entry.said),
            details=entry.details,
        )

    def _mailbox_of_address(self, entry: ListEntry) -> Mailbox:
        local, _, domain = entry.mailbox.strip().partition("@")
        if domain and self._domain and domain.casefold() != self._domain:
            raise RefusedRow(Column.MAILBOX, f"“{entry.mailbox}” không phải hộp thư công vụ @{self._domain}", "Đ5")
        try:
            mailbox = self._draft.mailbox(local)
        except EditError as error:
            raise RefusedRow(Column.MAILBOX, error.text, error.clause) from error
        renaming = entry.ask is Action.RENAME and not entry.new_name
        if entry.name and entry.ask is not Action.ISSUE and not renaming and plain(entry.name) != plain(mailbox.name):
            sentence = f"“{mailbox.address}” là hộp thư của “{mailbox.name}”, không phải “{entry.name}”"
            raise RefusedRow(Column.MAILBOX, sentence, "Đ5.2")
        return mailbox

    def _mailbox_of_name(self, entry: ListEntry, agency: Agency) -> Mailbox:
        same = [mailbox for mailbox in self._named(entry.name) if mailbox.agency == agency.id and not mailbox.revoked]
        if not same:
            name, members = plain(entry.name), self._draft.members(agency.code)
            same = [mailbox for mailbox in members if not mailbox.revoked and plain(mailbox.name) == name]
        if not same:
            sentence = f"{agency.name} không có hộp thư đang dùng nào của “{entry.name}”: ghi Hộp thư hiện có"
            raise RefusedRow(Column.NAME, sentence, "Đ6.2a")
        if len(same) > 1:
            addresses = ", ".join(mailbox.address for mailbox in same)
            raise RefusedRow(Column.NAME, f"“{entry.name}” có {len(same)} hộp thư ({addresses}): ghi Hộp thư hiện có")
        return same[0]

    def _outcome(
        self, entry: ListEntry, mailbox: Mailbox, agency: Agency, *, was: str = "", notes: tuple[str, ...] = ()
    ) -> RowOutcome:
        return RowOutcome(entry.place.sheet.place, entry.place.row, entry.ask, mailbox, agency, was, notes)
