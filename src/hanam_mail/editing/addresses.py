"""The address that Điều 5 gives an entry of a working copy, as what the copy holds demands it."""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date

from hanam_mail.editing.records import EditError, OnlyCounter, Records, Taken, refusing
from hanam_mail.registry.model import Agency, Mailbox, MailboxKind
from hanam_mail.regulation import naming


def legible(name: str) -> str:
    """The name as the registry keeps it; letters nobody can be sure of are refused (see naming.read)."""
    with refusing("Đ5"):
        return naming.read(name).text


def months_later(day: date, months: int) -> date:
    """The same day so many calendar months later; a day that month has not is its last (Bộ luật Dân sự, Đ148)."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


class Addresses(Records):
    """The addresses that Điều 5 gives entries of a working copy, as what it holds demands."""

    def _person_name(self, name: str, *, exact: bool) -> str:
        """The name of a person as the registry keeps it, which must pass the one gate (see naming.read_person)."""
        with refusing("Đ5.2"):
            return naming.read_person(name, self.regulation.naming, exact=exact).text

    def _chosen_address(self, address: str) -> str:
        """An address the operator chose, if it may be given to anybody."""
        if not naming.is_local_part(address):
            raise EditError(f"“{address}” phải là chữ thường không dấu, chữ số, dấu chấm ở giữa", "Đ5")
        return self._free_address(address)

    def _free_address(self, address: str) -> str:
        """The address, if nobody ever had it and the system does not need it itself."""
        if address in self.regulation.naming.reserved_local_parts:
            raise EditError(f"“{address}” dành riêng cho hệ thống (RFC 2142)", "Đ5")
        if address in self.taken:
            holder = self.mailbox(address)
            text = f"địa chỉ “{address}” đã được cấp cho {self.named(holder)}, không cấp lại cho hộp thư khác"
            raise Taken(text, "Đ5.2", holder.id)
        return address

    def _person_address(
        self, name: str, agency: Agency, details: Sequence[str], of: Mailbox | None = None, *, counter: bool = False
    ) -> str:
        """The first form for a person (or a guest, Đ14.1) that is free or was that of the mailbox `of` before (Đ5.2).

        One that only a counter tells apart needs the operator's word (`counter`): raises OnlyCounter.
        """
        colleagues = [mailbox.address for mailbox in self.members_of(agency) if of is None or mailbox.id != of.id]
        taken = self.taken.difference(of.addresses) if of is not None else self.taken
        words = self.regulation.naming
        with refusing("Đ5.2"):
            address = naming.propose_person(name, agency.suffix, taken, words, colleagues=colleagues, details=details)
            counted = naming.is_counted(address, name, words)
        if counted and not counter and (of is None or address not in of.addresses):
            text = (
                f"“{name}” trùng địa chỉ với người đã cấp, chỉ còn số thứ tự để phân biệt ({address}): ghi quê quán "
                "hoặc năm sinh (--detail), hoặc xác nhận số thứ tự bằng --counter"
            )
            raise OnlyCounter(text, "Đ5.2c")
        return address

    def _office_address(self, name: str, agency: Agency, *, of: Mailbox | None = None, numbered: bool = False) -> str:
        """The form for an office (Đ5.1d, Đ5.1đ), which the mailbox `of` may have or have had already.

        `numbered`: where it is taken, it goes on with a counter (vp2.snv).
        """
        with refusing("Đ5.1d"):
            forms = naming.office_addresses(name, agency.code, self.regulation.naming)
            address = next(forms)
        if of is not None and address in of.addresses:
            return address
        if numbered and address in self.taken:
            return next(form for form in forms if form not in self.taken)
        if of is None:
            self._refuse_other_spelling(name, agency)
        return self._free_address(address)

    def _refuse_other_spelling(self, name: str, agency: Agency) -> None:
        """Refuse an office that the agency has already, most often under another spelling of its name."""
        words = self.regulation.naming
        for mailbox in self.members_of(agency):
            if mailbox.kind is not MailboxKind.OFFICE or mailbox.revoked:
                continue
            if naming.office_key(mailbox.name, agency.code, words) == naming.office_key(name, agency.code, words):
                text = f"“{name}” và {self.named(mailbox)} là một đơn vị, đã có hộp thư “{mailbox.address}”"
                raise Taken(text, "Đ5.1d", mailbox.id)

    def _is_plain(self, mailbox: Mailbox) -> bool:
        """Whether it is a person's plain form (Đ5.2a), which says nothing of an agency."""
        persons = (MailboxKind.PERSON, MailboxKind.GUEST)
        return mailbox.kind in persons and naming.is_plain(mailbox.address, self.regulation.naming)
