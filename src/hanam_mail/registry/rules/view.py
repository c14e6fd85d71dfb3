"""What the rules look at: all entries that could be read, found by their ids, and what they are judged by."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

from hanam_mail.registry.entries import Found
from hanam_mail.registry.model import Agency, AgencyKind, Mailbox, Settings
from hanam_mail.registry.requests import Request
from hanam_mail.regulation.provisions import Regulation


@dataclass(frozen=True)
class View:
    """The entries found, the regulation and settings they are judged by, and the last day a date may have."""

    found: Found
    regulation: Regulation
    settings: Settings
    today: date

    @cached_property
    def agencies(self) -> dict[str, Agency]:
        return {agency.id: agency for agency in self.found.agencies}

    @cached_property
    def mailboxes(self) -> dict[str, Mailbox]:
        return {mailbox.id: mailbox for mailbox in self.found.mailboxes}

    @cached_property
    def requests(self) -> dict[str, Request]:
        return {request.id: request for request in self.found.requests}

    @cached_property
    def places(self) -> dict[str, int]:
        """The place of each mailbox among all: in one file the order of issue (Đ5.2)."""
        return {mailbox.id: place for place, mailbox in enumerate(self.found.mailboxes)}

    @cached_property
    def district_ids(self) -> dict[str, str]:
        """The id of each district by every code it ever had."""
        districts = [agency for agency in self.found.agencies if agency.kind is AgencyKind.DISTRICT]
        return {code: agency.id for agency in districts for code in agency.codes}

    def is_unread(self, identity: str) -> bool:
        """Whether an entry of that id is there, but too faulty to judge what refers to it."""
        return not identity or identity in self.found.unread

    def successors(self, identity: str) -> tuple[str, ...]:
        """The ids of the agencies that an agency went up in, one after the other (Đ6.2a: sáp nhập)."""
        chain: list[str] = []
        agency = self.agencies.get(identity)
        while agency is not None and agency.merged_into is not None and agency.merged_into not in chain:
            chain.append(agency.merged_into)
            agency = self.agencies.get(agency.merged_into)
        return tuple(chain)
