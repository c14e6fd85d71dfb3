"""Edits of whole agencies: a new one, another name or code, and the merger of one with another (sáp nhập)."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from hanam_mail.editing.addresses import Addresses, legible
from hanam_mail.editing.records import EditError, refusing
from hanam_mail.errors import Source
from hanam_mail.registry import rules
from hanam_mail.registry.entries import new_id
from hanam_mail.registry.events import CODE_HINT, CODE_PATTERN
from hanam_mail.registry.model import (
    Agency,
    AgencyKind,
    AgencyMerge,
    AgencyRename,
    Cause,
    Mailbox,
    MailboxKind,
    Move,
    Rename,
)
from hanam_mail.registry.requests import RequestKind
from hanam_mail.regulation import naming

_NEW = Source("", 0)


class Agencies(Addresses):
    """Whole agencies."""

    def rename_agency(
        self,
        code: str,
        *,
        request: str,
        done: date,
        name: str | None = None,
        new_code: str | None = None,
        suffix: str | None = None,
        document_system: bool | None = None,
    ) -> Agency:
        """Another name, code or suffix of an agency, or document software (Đ11.2).

        A new code gives its own mailbox and its offices new addresses, the communes of a district theirs; the old ones
        stay as aliases without end.
        """
        self.granted(request, RequestKind.CHANGE)
        with self.whole(), refusing("Đ5.1"):  # an office's address grows with the code, or by a number
            old = self.agency(code)
            return self._renamed_agency(old, name, new_code, suffix, request, done, document_system=document_system)

    def merge_agency(
        self,
        code: str,
        *,
        into: str,
        request: str,
        done: date,
        offices: Mapping[str, str] | None = None,
    ) -> Agency:
        """All mailboxes of an agency go to another (sáp nhập): ids, mail and old addresses stay, clerks too.

        Its offices get addresses with the other agency's code: those of `offices` (old to new), else by
        Điều 5, with a counter where that one is taken. Returns the agency they went to.
        """
        self.granted(request, RequestKind.CHANGE)
        with self.whole(), refusing("Đ5.1"):  # an office's address grows with the code, or by a number
            former, heir = self.agency(code), self.agency(into)
            return self._merged_agency(former, heir, offices or {}, request, done)

    def _added_agency(
        self, kind: AgencyKind, name: str, code: str | None, suffix: str | None, document_system: bool
    ) -> Agency:
        """A new agency without a mailbox yet. A commune's name bears its district after a comma."""
        return self.put_agency(self._made_agency(kind, name, code, suffix, document_system))

    def _made_agency(
        self, kind: AgencyKind, name: str, code: str | None, suffix: str | None, document_system: bool
    ) -> Agency:
        """The same agency, not yet in the working copy."""
        if code is None or suffix is None:
            proposed_code, proposed_suffix = self._proposal(kind, name, code)
            code, suffix = code or proposed_code, suffix or proposed_suffix
        self._check_code(kind, code)
        self._check_name(kind, name)
        return Agency(new_id(self.ids), name, kind, code, suffix, document_system, (), _NEW)

    def _check_name(self, kind: AgencyKind, name: str, of: str = "") -> None:
        """Refuse the name of an agency that stands already, in whatever spelling (Đ5.1)."""
        rules_of_names = self.regulation.naming
        with refusing("Đ5.1"):
            key = naming.unit_key(name, rules_of_names)
        for other in self.agencies.values():
            stands = other.kind is kind and other.id != of and other.merged_into is None
            if stands and naming.unit_key(other.name, rules_of_names) == key:
                raise EditError(f"“{name}” và “{other.name}” ({other.code}) là một đơn vị", "Đ5.1")

    def _renamed_agency(
        self,
        old: Agency,
        name: str | None,
        code: str | None,
        suffix: str | None,
        request: str,
        done: date,
        *,
        document_system: bool | None = None,
    ) -> Agency:
        """The agency under another name, code or suffix, with all that follows for its mailboxes and communes."""
        name = legible(name) if name else old.name
        code, suffix = code or old.code, suffix or old.suffix
        software = old.document_system if document_system is None else document_system
        if (name, code, suffix, software) == (old.name, old.code, old.suffix, old.document_system):
            raise EditError(f"cơ quan “{old.name}” đã đúng như vậy", "Đ6.1")
        event = AgencyRename(
            request,
            done,
            was_name=old.name if name != old.name else None,
            was_code=old.code if code != old.code else None,
            was_suffix=old.suffix if suffix != old.suffix else None,
            was_document_system=old.document_system if software is not old.document_system else None,
            source=_NEW,
        )
        if code != old.code:
            self._check_code(old.kind, code, old.id)
        if name != old.name:
            self._check_name(old.kind, name, old.id)
        follows = old.kind is AgencyKind.DISTRICT and (code, suffix) != (old.code, old.suffix)
        communes = list(self.communes(old)) if follows else []
        agency = replace(
            old, name=name, code=code, suffix=suffix, document_system=software, history=(*old.history, event)
        )
        agency = self.put_agency(agency)
        own = rules.agency_address(old, self.regulation)
        for mailbox in self.members_of(agency):
            if mailbox.kind is MailboxKind.AGENCY:
                mailbox = replace(mailbox, name=name)
            address = mailbox.address
            if mailbox.kind is MailboxKind.OFFICE:
                address = naming.recoded_office(address, old.code, code, self.regulation.naming)
            if mailbox.kind is MailboxKind.AGENCY and mailbox.address == own:
                address = rules.agency_address(agency, self.regulation)
            mailbox = replace(mailbox, source=agency.source)
            if address != mailbox.address and not mailbox.revoked:
                mailbox = self._readdressed(mailbox, address, Rename(request, done, mailbox.address, None, _NEW))
            self.put(mailbox)
        for commune in communes:
            self._follow(commune, old, agency, request, done)
        return agency

    def _merged_agency(self, old: Agency, heir: Agency, offices: Mapping[str, str], request: str, done: date) -> Agency:
        """Everything of one agency under another; the former's file stays and tells where it went."""
        if old.id == heir.id:
            raise EditError(f"cơ quan “{old.name}” không sáp nhập vào chính nó", "Đ6.1")
        chosen = {self.mailbox(who).id: address for who, address in offices.items()}
        if old.kind is heir.kind is AgencyKind.DISTRICT:
            self._move_communes(old, heir, request, done)
        for mailbox in self.members_of(old):
            if mailbox.revoked:
                continue
            address = mailbox.address
            if mailbox.id in chosen:
                address = self._chosen_address(chosen.pop(mailbox.id))
            elif mailbox.kind is MailboxKind.OFFICE:
                address = self._office_address(mailbox.name, heir, numbered=True)
            was = mailbox.address if address != mailbox.address else None
            event = Move(request, done, Cause.MERGE, old.id, was, _NEW)
            name = heir.name if mailbox.kind is MailboxKind.AGENCY else mailbox.name
            moved = replace(mailbox, agency=heir.id, name=name, source=heir.source)
            self.put(self._readdressed(moved, address, event) if was else self.record(moved, event))
        if chosen:
            others = ", ".join(self.mailboxes[identity].address for identity in chosen)
            raise EditError(f"không phải hộp thư của “{old.name}”: {others}", "Đ6.1")
        merger = AgencyMerge(request, done, heir.id, _NEW)
        self.put_agency(replace(old, history=(*old.history, merger)))
        return heir

    def _move_communes(self, old: Agency, heir: Agency, request: str, done: date) -> None:
        """The communes of a district that goes up in another district bear that one's code (Đ5.1c)."""
        for commune in self.communes(old):
            self._follow(commune, old, heir, request, done)

    def _follow(self, commune: Agency, old: Agency, new: Agency, request: str, done: date) -> None:
        """A commune under its district's new code, and suffix if it had the district's (Đ5.2b), not an approved own."""
        head = commune.code.rpartition(".")[0]
        suffix = new.suffix if commune.suffix == old.suffix else commune.suffix
        code = f"{head}.{new.code}"
        if (code, suffix) != (commune.code, commune.suffix):
            self._renamed_agency(commune, None, code, suffix, request, done)

    def _readdressed(self, mailbox: Mailbox, address: str, event: Rename | Move) -> Mailbox:
        """The mailbox of an agency or office under a new address, the old one kept without end."""
        if address not in mailbox.addresses:
            self._free_address(address)
        return self.readdress(self.record(mailbox, event), address, event.done, None)

    def _check_code(self, kind: AgencyKind, code: str, own: str = "") -> None:
        """Refuse a code that is or was that of another agency than `own`, or has not the form of its kind (Đ5.1)."""
        if re.fullmatch(CODE_PATTERN, code) is None:
            raise EditError(f"mã “{code}” phải là {CODE_HINT}", "Đ5.1")
        districts = {one for each in self.agencies.values() if each.kind is AgencyKind.DISTRICT for one in each.codes}
        tail = code.partition(".")[2]
        if kind is AgencyKind.COMMUNE and tail not in districts:
            raise EditError(f"mã “{code}” phải có dạng <tên xã>.<mã của một huyện có trong sổ>", "Đ5.1c")
        if kind in (AgencyKind.DEPARTMENT, AgencyKind.DISTRICT) and tail:
            raise EditError(f"mã “{code}”: chỉ mã của xã và của đơn vị khác có dấu chấm", "Đ5.1")
        for agency in self.agencies.values():
            if code in agency.codes and agency.id != own:
                raise EditError(f"mã “{code}” đã của cơ quan “{agency.name}”", "Đ5.1")

    def _proposal(self, kind: AgencyKind, name: str, code: str | None) -> tuple[str, str]:
        """Code and suffix that Điều 5 proposes."""
        district = code.rpartition(".")[2] if code and kind is AgencyKind.COMMUNE else ""
        with refusing("Đ5.1"):
            return naming.propose_agency(kind, name, self.regulation.naming, district=district)
