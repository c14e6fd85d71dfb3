"""An agency's mailbox and its clerk, for the tests of agency*person."""

from dataclasses import dataclass

import yaml

from hanam_lab.paths import REPOSITORY
from tests.lab import Lab, Sample


@dataclass(frozen=True)
class Delegation:
    """An agency's mailbox, and the official who is its clerk."""

    agency: str
    mailbox: str
    clerk: Sample

    @property
    def login(self) -> str:
        return f"{self.agency.partition('@')[0]}*{self.clerk.address.partition('@')[0]}"


def registered(lab: Lab) -> Delegation:
    """The first one of the registry whose clerk is a sample official."""
    people = {person.mailbox: person for person in lab.samples}
    for path in sorted((REPOSITORY / "mailboxes").glob("*.yml")):
        for entry in yaml.safe_load(path.read_text()).get("mailboxes", []):
            for clerk in entry.get("clerks", []):
                if clerk in people and entry["kind"] == "agency":
                    address = f"{entry['address']}@{lab.variables['mail_domain']}"
                    return Delegation(address, entry["id"], people[clerk])
    raise AssertionError("no sample official is a clerk")
