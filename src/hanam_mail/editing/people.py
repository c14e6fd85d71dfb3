"""Edits of names and agencies of one mailbox: another name, another agency, other clerks."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from hanam_mail.editing.addresses import Addresses, legible, months_later
from hanam_mail.editing.records import EditError, refusing
from hanam_mail.errors import Source
from hanam_mail.registry.model import Agency, Cause, Clerks, Mailbox, MailboxKind, Move, Rename
from hanam_mail.registry.requests import RequestKind
from hanam_mail.regulation import naming

_NEW = Source("", 0)


class People(Addresses):
    """Names, agencies and clerks of one mailbox."""

    def rename(
        self,
        who: str,
        name: str,
        *,
        request: str,
        done: date,
        address: str | None = None,
        details: Sequence[str] = (),
        counter: bool = False,
        new_address: bool = False,
        exact_name: bool = False,
    ) -> Mailbox:
        """Another name of a person or office (Đ6.1); where its letters differ, another address by Điều 5.

        The old address stays: a person's for `registry_alias_months`, an office's without end. `new_address`: one
        with the suffix of an agency that the person left earlier is replaced, the name may be the same.
        """
        self.granted(request, RequestKind.CHANGE)
        old = self.mailbox(who)
        if old.kind is MailboxKind.PERSON:
            name = self._person_name(name, exact=exact_name)
            old = replace(old, exact_name=exact_name)
        else:
            name = legible(name)
        return self._renamed(old, name, address, details, request, done, counter=counter, new_address=new_address)

    def transfer(
        self,
        who: str,
        *,
        agency: str,
        request: str,
        done: date,
        new_address: bool = False,
        details: Sequence[str] = (),
        counter: bool = False,
        post: str = "",
        phone: str = "",
    ) -> Mailbox:
        """A person goes to another agency with the mailbox (Đ6.1): id, mail and a plain address stay.

        `new_address`: one that bears the former agency's suffix is replaced by the new agency's form and
        stays for `registry_alias_months`.
        """
        self.granted(request, RequestKind.CHANGE)
        old, owner = self.mailbox(who), self.agency(agency)
        # The former agency's post and telephone stay there.
        old = replace(old, post=naming.normal(post), phone=naming.normal(phone))
        return self._transferred(old, owner, new_address, details, request, done, counter=counter)

    def post(self, who: str, post: str) -> Mailbox:
        """What a person is in the agency, as its list says (Đ11.4)."""
        return self.put(replace(self.mailbox(who), post=naming.normal(post)))

    def phone(self, who: str, phone: str) -> Mailbox:
        """The number in a mailbox's signature, as its agency's list says (Đ11.4)."""
        return self.put(replace(self.mailbox(who), phone=naming.normal(phone)))

    def clerks(self, who: str, persons: Iterable[str], *, request: str, done: date) -> Mailbox:
        """Who opens the mailbox of an agency or office, each by the own login (Đ9.2); replaces the former."""
        self.granted(request, RequestKind.CHANGE)
        mailbox = self.mailbox(who)
        if not mailbox.kind.is_agency:
            raise EditError(f"“{mailbox.address}” là hộp thư cá nhân, không dùng chung, không có văn thư", "Đ12.3")
        clerks: dict[str, None] = {}
        for person in map(self.mailbox, persons):
            if person.kind is not MailboxKind.PERSON or person.agency != mailbox.agency or person.revoked:
                text = f"“{person.address}” phải là hộp thư cá nhân đang dùng của cùng cơ quan"
                raise EditError(text, "Đ9.2")
            clerks[person.id] = None
        if tuple(clerks) == mailbox.clerks:
            raise EditError(f"văn thư của “{mailbox.address}” đã đúng như vậy", "Đ9.2")
        event = Clerks(request, done, mailbox.clerks, _NEW)
        return self.put(replace(self.record(mailbox, event), clerks=tuple(clerks)))

    def _renamed(
        self,
        old: Mailbox,
        name: str,
        address: str | None,
        details: Sequence[str],
        request: str,
        done: date,
        *,
        counter: bool = False,
        new_address: bool = False,
    ) -> Mailbox:
        """A person or office under another name, and under another address where its letters differ.

        `new_address`: a person came from another agency before, and its suffix goes now (see `transferred`).
        """
        if old.kind is MailboxKind.AGENCY:
            raise EditError(f"“{old.address}” mang tên cơ quan: đổi bằng rename-agency", "Đ6.1")
        if new_address and address is None:
            address = self._of_this_agency(old, name, self.agencies[old.agency], details, counter)
        if name == old.name and address in (None, old.address):
            raise EditError(f"hộp thư “{old.address}” đã mang tên và địa chỉ ấy", "Đ6.1")
        new = self._address_of_new_name(old, name, address, details, counter)
        changed = new != old.address
        event = Rename(request, done, old.address if changed else None, old.name if name != old.name else None, _NEW)
        mailbox = replace(self.record(old, event), name=name)
        if changed:
            until = None if old.kind.is_agency else self._alias_end(done)
            mailbox = self.readdress(mailbox, new, done, until)
        return self.put(mailbox)

    def _transferred(
        self,
        old: Mailbox,
        owner: Agency,
        new_address: bool,
        details: Sequence[str],
        request: str,
        done: date,
        *,
        counter: bool = False,
    ) -> Mailbox:
        """A person's mailbox in another agency, which it serves as a clerk no longer in the former."""
        if old.kind.is_agency:
            raise EditError(f"“{old.address}” là hộp thư của cơ quan: chỉ hộp thư cá nhân chuyển theo người", "Đ6.1")
        if owner.id == old.agency:
            raise EditError(f"“{old.address}” đã thuộc {owner.name}", "Đ6.1")
        new = self._of_this_agency(old, old.name, owner, details, counter) if new_address else old.address
        changed = new != old.address
        event = Move(request, done, Cause.TRANSFER, old.agency, old.address if changed else None, _NEW)
        mailbox = replace(self.record(old, event), agency=owner.id, source=owner.source)
        if changed:
            mailbox = self.readdress(mailbox, new, done, self._alias_end(done))
        self.drop_clerk(old, request, done)
        return self.put(mailbox)

    def refuse_namesake(self, name: str, agency: str) -> None:
        """Refuse a person whom the agency of that code has already: most often it is the same one."""
        for mailbox in self.members_of(self.agency(agency)):
            if mailbox.kind is MailboxKind.PERSON and mailbox.name == name and not mailbox.revoked:
                text = f"cơ quan đã có “{name}” <{mailbox.address}>; nếu là người khác cùng tên, ghi --namesake"
                raise EditError(text, "Đ5.2c")

    def _of_this_agency(self, old: Mailbox, name: str, agency: Agency, details: Sequence[str], counter: bool) -> str:
        """The address of a person who is in that agency now, in place of one with the former agency's suffix."""
        if old.kind.is_agency:
            raise EditError(f"“{old.address}” là hộp thư của cơ quan, không có hậu tố cơ quan", "Đ5.2b")
        if self._is_plain(old):
            raise EditError(f"“{old.address}” ở dạng gốc, giữ nguyên khi chuyển cơ quan", "Đ5.2")
        return self._person_address(name, agency, details, old, counter=counter)

    def _address_of_new_name(
        self, old: Mailbox, name: str, address: str | None, details: Sequence[str], counter: bool
    ) -> str:
        owner, words = self.agencies[old.agency], self.regulation.naming
        if address is not None:
            return address if address in old.addresses else self._chosen_address(address)
        if old.kind is MailboxKind.OFFICE:
            return self._office_address(name, owner, of=old)
        with refusing("Đ5.2"):
            same = naming.person_address(name, words) == naming.person_address(old.name, words)
        return old.address if same else self._person_address(name, owner, details, old, counter=counter)

    def _alias_end(self, done: date) -> date | None:
        """The last day of a person's former address that became an alias on `done`."""
        months = self.settings.alias_months
        return None if months is None else months_later(done, months)
