"""Warnings before a mailbox is full, and more room at once when it is given (Đ8.1, Đ12.4)."""

import base64
from collections.abc import Iterator

import pytest

from hanam_lab.paths import REPOSITORY
from hanam_mail.controller import accounts_host
from tests.lab import Lab, Sample, message, wait_for
from tests.people import People

pytestmark = [pytest.mark.dieu8, pytest.mark.dieu12, pytest.mark.neighbours]

MEBIBYTE = 2**20
SMALL = 20 * MEBIBYTE


@pytest.fixture
def small(lab: Lab, person: Sample) -> Sample:
    """A person's mailbox with room for 20 MiB."""
    return shrunk(lab, person)


def shrunk(lab: Lab, person: Sample) -> Sample:
    lab.run("mailstore", f"doveadm mailbox create -u {person.mailbox} Thu")
    lab.sql(f"UPDATE mail.mailbox SET quota_bytes = {SMALL} WHERE id = '{person.mailbox}'")
    # The agent makes Dovecot forget what it had cached.
    wait_for(lambda: room(lab, person) == SMALL, "the small quota on the mail store")
    return person


@pytest.fixture
def registered(lab: Lab, people: People) -> Iterator[Sample]:
    """The same for somebody whom the registry knows, and knows nobody else; his folder goes afterwards."""
    people.retire()
    person = shrunk(lab, lab.samples[1])
    yield person
    lab.run("mailstore", f"doveadm mailbox delete -u {person.mailbox} -s Thu")


def room(lab: Lab, person: Sample) -> int:
    """The quota that Dovecot holds the person to, in octets."""
    shown = lab.run("mailstore", f"doveadm -f tab quota get -u {person.mailbox}").splitlines()
    return next(int(line.split("\t")[3]) for line in shown if "STORAGE" in line) * 1024


def fill(lab: Lab, person: Sample, mebibytes: float) -> None:
    """Add a message of about that size; each compresses to nothing, and counts in full."""
    body = f"head -c {int(mebibytes * MEBIBYTE)} /dev/zero | tr '\\0' x | fold -w 76"
    lab.run("mailstore", f"(printf 'Subject: day\\n\\n'; {body}) | doveadm save -u {person.mailbox} -m Thu")


def noted(lab: Lab, person: Sample) -> list[int]:
    """The percentages of which a notice exists."""
    rows = lab.sql(
        f"SELECT payload ->> 'percent' FROM mail.notice WHERE mailbox_id = '{person.mailbox}' AND kind = 'quota'"
    )
    return sorted(int(row) for row in rows.splitlines())


def told(lab: Lab, person: Sample, percent: int) -> int:
    """How many warnings of a percentage lie in the mailbox."""
    query = f"header Subject 'trên {percent}% dung lượng'"
    return len(lab.run("mailstore", f"doveadm search -u {person.mailbox} mailbox INBOX {query}").splitlines())


@pytest.mark.proof("Báo khi hộp thư vượt 80, 90, 95 % / warnings before a mailbox is full")
def test_dieu_8_1_each_limit_that_is_passed_is_told_once_and_going_back_is_not(lab: Lab, small: Sample) -> None:
    fill(lab, small, 15.0)
    assert noted(lab, small) == []
    fill(lab, small, 1.5)
    wait_for(lambda: noted(lab, small) == [80], "the note of 80 %")
    fill(lab, small, 2.0)
    wait_for(lambda: noted(lab, small) == [80, 90], "the note of 90 %")
    fill(lab, small, 0.5)
    wait_for(lambda: noted(lab, small) == [80, 90, 95], "the note of 95 %")
    lab.send_notices()
    for percent in (80, 90, 95):
        wait_for(lambda percent=percent: told(lab, small, percent) == 1, f"the warning of {percent} %")  # type: ignore[misc]
    lab.run("mailstore", f"doveadm expunge -u {small.mailbox} mailbox Thu all")
    fill(lab, small, 16.5)
    lab.send_notices()
    # Twice over the same limit on one day: told already.
    assert noted(lab, small) == [80, 90, 95]
    assert told(lab, small, 80) == 1


def test_a_warning_concerns_the_owner_alone(lab: Lab, small: Sample) -> None:
    fill(lab, small, 16.5)
    wait_for(lambda: noted(lab, small) == [80], "the note of 80 %")
    lab.send_notices()
    given = lab.sql(
        f"SELECT payload -> 'given' FROM mail.notice WHERE mailbox_id = '{small.mailbox}' AND kind = 'quota'"
    )
    assert given == f'["{small.address}"]'


@pytest.mark.bound
def test_dieu_8_1_more_room_by_the_registry_lets_the_refused_message_in_within_5_s(
    lab: Lab, registered: Sample
) -> None:
    sender, small = lab.samples[0], registered
    fill(lab, small, 19.0)
    mail = message(sender.address, small.address)
    # More than the grace that the last message of a full mailbox has.
    mail.add_attachment(b"x" * (12 * MEBIBYTE), maintype="application", subtype="octet-stream", filename="to.bin")

    def answer() -> int:
        """What the server says to the recipient, once it knows the size."""
        with lab.submission(sender.address, sender.password) as client:
            client.mail(sender.address, [f"SIZE={len(mail.as_bytes())}"])
            return client.rcpt(small.address)[0]

    assert answer() == 552
    # The registry never knew of the small quota: applying it is giving more room.
    desired, problems = accounts_host.desired(REPOSITORY / "mailboxes")
    assert problems == []
    packed = base64.b64encode(accounts_host.pack(desired)).decode()
    command = "hanam-mail-db apply - --actor kiem-thu --limit-percent 5 --limit-count 50"
    lab.run("accounts", f"echo {packed} | base64 -d | {command}")
    wait_for(lambda: answer() == 250, "room for the message", 5.0)
    with lab.submission(sender.address, sender.password) as client:
        client.send_message(mail)
    lab.wait_for_message(small, mail["Subject"])
