"""Fills hosts of the earlier release with what must outlive the upgrade, by the doors that people and operators have:
`python -m tests.upgrade.content`. Then it writes down what is there (state.py).
"""

import re
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

from hanam_mail import atomic_file
from hanam_mail.controller import vault_file
from tests import delegation
from tests.lab import Lab, Sample, message, wait_for
from tests.mail import http_doors, managesieve
from tests.upgrade import state

# "Công văn đến" as IMAP writes it (RFC 3501, 5.1.3).
FOLDER = '"C&APQ-ng v&AQM-n &AREevw-n"'
SCRIPT = 'require ["fileinto", "mailbox"];\nif header :contains "subject" "bao cao" { fileinto :create "Bao cao"; }\n'
SUBJECTS = tuple(f"truoc nang cap {number}" for number in range(4))
CHOSEN = "Sen@Tram2025Ha"
"""The password that somebody changes to on the earlier release's page."""
DOCUMENT = "12/STTTT-VP"
NOTE = "truoc khi nang cap"
PAGE_SIZE = 37
"""How many messages a page of somebody's webmail shows."""


@dataclass
class Owners:
    """Who has what on the hosts, before and after."""

    lab: Lab

    @property
    def sender(self) -> Sample:
        return self.lab.samples[0]

    @property
    def reader(self) -> Sample:
        """Has mail in folders, a script, a page of settings."""
        return self.lab.samples[1]

    @cached_property
    def agency(self) -> delegation.Delegation:
        return delegation.registered(self.lab)

    @property
    def others(self) -> list[Sample]:
        taken = {self.sender.mailbox, self.reader.mailbox, self.agency.clerk.mailbox}
        return [person for person in self.lab.samples if person.mailbox not in taken]

    @property
    def changed(self) -> Sample:
        """Changes the password."""
        return self.others[0]

    @property
    def locked(self) -> Sample:
        return self.others[1]


def fill(lab: Lab) -> dict[str, Any]:
    """What is known besides of the state."""
    owners = Owners(lab)
    _mail(lab, owners)
    _script(lab, owners)
    _settings(lab, owners.reader)
    former = owners.changed.password
    _password(lab, owners.changed)
    lock = f"hanam-mail-db lock {owners.locked.address} --reason compromised --note '{NOTE}' --document {DOCUMENT}"
    lab.run("accounts", lock)
    lab.settle()
    lab.run("mailstore", "hanam-mail-backup")
    # Last of all: it ends by itself when nobody clicks for half an hour (right_after.py).
    session = http_doors.Browser(lab)
    assert session.log_in(owners.reader.address, owners.reader.password).status == 302
    return {"former_password": former, "session": session.cookies}


def _mail(lab: Lab, owners: Owners) -> None:
    reader, sender, agency = owners.reader, owners.sender, owners.agency
    with lab.submission(sender.address, sender.password) as client:
        for subject in SUBJECTS:
            client.send_message(message(sender.address, reader.address, subject=subject))
            # Postfix delivers side by side, and the messages are named by their numbers below.
            lab.wait_for_message(reader, subject)
        for receiver in (agency.agency, owners.changed.address, owners.locked.address):
            client.send_message(message(sender.address, receiver, subject=SUBJECTS[0]))
    lab.wait_for_message(owners.changed, SUBJECTS[0])
    lab.wait_for_message(owners.locked, SUBJECTS[0])
    of_agency = Sample(agency.login, agency.clerk.password, agency.mailbox, "")
    lab.wait_for_message(of_agency, SUBJECTS[0])
    with lab.imap(reader.address, reader.password) as imap:
        imap.create(FOLDER)
        imap.subscribe(FOLDER)
        imap.select()
        imap.store("1", "+FLAGS", "(\\Seen \\Flagged $Khan)")
        imap.store("2", "+FLAGS", "(\\Answered \\Seen)")
        imap.copy("2:3", FOLDER)
        # A gap between UIDs.
        imap.store("3", "+FLAGS", "\\Deleted")
        imap.expunge()


def _script(lab: Lab, owners: Owners) -> None:
    with managesieve.signed_in(lab, owners.reader) as session:
        assert session.put("loc", SCRIPT).startswith("OK")
        assert session.ask(b'SETACTIVE "loc"\r\n').startswith("OK")
    with lab.submission(owners.sender.address, owners.sender.password) as client:
        client.send_message(message(owners.sender.address, owners.reader.address, subject="bao cao truoc"))
    lab.wait_for_message(owners.reader, "bao cao truoc", folder='"Bao cao"')


def _settings(lab: Lab, reader: Sample) -> None:
    browser = http_doors.Browser(lab)
    assert browser.log_in(reader.address, reader.password).status == 302
    page = browser.ask("/?_task=settings&_action=edit-prefs&_section=mailbox").body
    found = re.search(r'name="_token" value="(\w+)"', page)
    assert found, page[:500]
    fields: dict[str, str | bytes] = {
        "_token": found.group(1),
        "_task": "settings",
        "_action": "save-prefs",
        "_section": "mailbox",
        "_mail_pagesize": str(PAGE_SIZE),
    }
    assert browser.ask("/?_task=settings&_action=save-prefs", fields).status == 200
    wait_for(lambda: any(f"i:{PAGE_SIZE};" in line for line in state.webmail(lab)), "the page of settings")


def _password(lab: Lab, person: Sample) -> None:
    http_doors.Browser(lab).change(person.address, person.password, CHOSEN)
    with lab.imap(person.address, CHOSEN):
        pass
    # The lab gives its samples the passwords of its vault at every converge; this one is his own from now on.
    vault = lab.driver.secrets
    assert vault
    secrets = yaml.safe_load(vault.read_text())
    secrets["vault_sample_passwords"][person.address.partition("@")[0]] = CHOSEN
    atomic_file.write(vault, vault_file.dump(secrets).encode(), mode=0o600)


def main() -> int:
    lab = Lab.from_environment()
    lab.wait_for_agents()
    known = fill(lab)
    state.write(state.read(lab) | known, state.BEFORE)
    state.AFTER.unlink(missing_ok=True)
    lab.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
