"""The mail that whoever logs in to the lab finds."""

import time
from datetime import UTC, datetime

from tests import office_day
from tests.lab import Lab, message


def test_the_letters_of_the_day_are_sent_once_and_the_proofs_mail_goes(lab: Lab) -> None:
    now = datetime.now(UTC)
    sender, reader = lab.samples[1], lab.samples[0]
    with office_day.kept(lab):
        proof = message(sender.address, reader.address)
        with lab.submission(sender.address, sender.password) as client:
            client.send_message(proof)
        lab.wait_for_message(reader, proof["Subject"])
    office_day.lay(lab, now)
    for letter in office_day.LETTERS:
        identity = office_day.compose(lab.samples, letter, now)["Message-ID"]
        for place in letter.recipients:
            found = _wait(lab, place, identity)
            assert found == 1, letter.subject
    assert office_day.lay(lab, now) == 0
    with lab.imap(reader.address, reader.password) as client:
        client.select("INBOX", readonly=True)
        assert client.search(None, "HEADER", "Subject", f'"{proof["Subject"]}"')[1] == [b""]


def _wait(lab: Lab, place: int, identity: str) -> int:
    """How often the message is in the inbox, once it is there."""
    person, deadline = lab.samples[place], time.monotonic() + 60
    while True:
        with lab.imap(person.address, person.password) as client:
            client.select("INBOX", readonly=True)
            found = client.search(None, "HEADER", "Message-ID", identity)[1][0].split()
        if found or time.monotonic() > deadline:
            return len(found)
        time.sleep(0.5)
