"""An agency's mailbox and its clerk, for the tests of agency*person."""

from dataclasses import dataclass

from tests.lab import Sample


@dataclass(frozen=True)
class Delegation:
    """An agency's mailbox, and the official who is its clerk."""

    agency: str
    mailbox: str
    clerk: Sample

    @property
    def login(self) -> str:
        return f"{self.agency.partition('@')[0]}*{self.clerk.address.partition('@')[0]}"
