"""A store of the earlier release, in Maildirs, works on as it is and is rewritten to sdbox one mailbox at a time."""

import re
import smtplib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests import journal
from tests.lab import Lab, Sample, message, wait_for
from tests.upgrade import state
from tests.upgrade.content import DOCUMENT, SUBJECTS, Owners

pytestmark = pytest.mark.provokes(journal.CONVERTING)


@dataclass
class Conversion:
    """What was seen while all mailboxes were converted."""

    before: dict[str, Any]
    listed: set[str]
    """Who was in the list before."""
    said: str
    after: dict[str, Any]
    sent: list[str] = field(default_factory=list)
    """Subjects of what was sent meanwhile."""
    cut_off: int = 0
    """Sign-ins that were under way as Dovecot reloaded: as it begins to ask the list, and as it no longer does."""


def listed(lab: Lab) -> set[str]:
    lines = lab.look_at("mailstore").file("/var/lib/hanam-mail-store/former").content_string.split("\n")
    return {line.split(":")[0] for line in lines} - {""}


def place(lab: Lab, mailbox: str) -> str:
    """Where Dovecot looks for its mail."""
    return lab.run("mailstore", f"doveadm user -f mail_path {mailbox}").strip().rpartition("/")[2]


def agency_of(owners: Owners) -> Sample:
    """A mailbox of which no other test counts the messages."""
    return Sample(owners.agency.agency, owners.agency.clerk.password, owners.agency.mailbox, "")


def send(lab: Lab, sender: Sample, receiver: Sample) -> str:
    """By a person's program, which is not told to come again: a shut mailbox has room, and so it is during a reload."""
    mail = message(sender.address, receiver.address)
    with lab.submission(sender.address, sender.password) as client:
        client.send_message(mail)
    return str(mail["Subject"])


def in_inbox(lab: Lab, person: Sample, subject: str) -> None:
    """There, once; what waits in the queue is asked for."""

    def there() -> bool:
        for group in ("mx", "submission"):
            lab.run(group, "postqueue -f")
        search = f"doveadm search -u {person.mailbox} mailbox INBOX header subject '{subject}'"
        return len(lab.run("mailstore", search).split()) == 2

    wait_for(there, f"{subject} once in the inbox")


@pytest.fixture(scope="module")
def conversion(lab: Lab, owners: Owners) -> Conversion:
    sender, receiver = owners.sender, agency_of(owners)
    in_list = listed(lab)
    before = {mailbox: state.mail(lab, mailbox) for mailbox in sorted(in_list)}
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(lab.run, "mailstore", "hanam-mail-convert --all --jobs 2")
        sent, cut_off = list[str](), 0
        while not running.done():
            try:
                sent.append(send(lab, sender, receiver))
            except smtplib.SMTPAuthenticationError as error:
                assert error.smtp_code == 454
                cut_off += 1
        said = running.result()
    after = {mailbox: state.mail(lab, mailbox) for mailbox in before}
    return Conversion(before, in_list, said, after, sent, cut_off)


def test_before_it_every_mailbox_with_mail_is_in_the_list(conversion: Conversion, before: dict[str, Any]) -> None:
    assert conversion.listed == before["mail"].keys()


def test_after_it_every_mailbox_lies_in_sdbox(lab: Lab, conversion: Conversion) -> None:
    assert listed(lab) == set()
    assert re.search(rf"^{len(conversion.listed)} hộp thư xong, 0 chưa", conversion.said, re.MULTILINE), conversion.said
    homes = "find /srv/mail -mindepth 3 -maxdepth 3 -name sdbox | wc -l"
    assert int(lab.run("mailstore", homes)) >= len(conversion.listed)
    # A link that is no more: Dovecot asks the list no longer.
    assert not lab.look_at("mailstore").file("/var/lib/hanam-mail-store/former.conf").exists
    assert "former" not in lab.run("mailstore", "doveconf -n")


@pytest.mark.parametrize("what", ["messages", "content", "folders", "subscribed", "scripts", "script", "limits"])
def test_no_mailbox_has_changed_in_anything(conversion: Conversion, owners: Owners, what: str) -> None:
    """UIDs and UIDVALIDITY, GUIDs, flags, keywords, dates, octets, folders, filters, quota."""
    assert any(found[what] for found in conversion.before.values())
    for mailbox, old in conversion.before.items():
        if mailbox == owners.agency.mailbox:
            continue  # gets mail meanwhile
        assert conversion.after[mailbox][what] == old[what], mailbox


def test_who_got_mail_meanwhile_has_what_he_had(conversion: Conversion, owners: Owners) -> None:
    mailbox = owners.agency.mailbox
    old, new = conversion.before[mailbox], conversion.after[mailbox]
    assert old["messages"]
    assert set(old["messages"]) <= set(new["messages"])
    assert old["subscribed"] == new["subscribed"]


def test_mail_that_was_sent_meanwhile_arrives_once(lab: Lab, owners: Owners, conversion: Conversion) -> None:
    assert conversion.sent
    assert conversion.cut_off <= 2
    for subject in conversion.sent:
        in_inbox(lab, agency_of(owners), subject)


def test_people_read_and_write_as_before(lab: Lab, owners: Owners, conversion: Conversion) -> None:
    reader = owners.reader
    assert place(lab, reader.mailbox) == "sdbox"
    subject = send(lab, owners.sender, reader)
    in_inbox(lab, reader, subject)
    with lab.imap(reader.address, reader.password) as imap:
        imap.select()
        assert imap.search(None, "SUBJECT", f'"{SUBJECTS[0]}"')[1][0]
        number = imap.search(None, "SUBJECT", f'"{subject}"')[1][0].decode()
        assert imap.store(number, "+FLAGS", "(\\Deleted)")[0] == "OK"
        assert imap.expunge()[0] == "OK"


def test_one_goes_back_with_what_has_come_since_and_is_converted_again(
    lab: Lab, owners: Owners, conversion: Conversion
) -> None:
    person = agency_of(owners)
    in_inbox(lab, person, send(lab, owners.sender, person))
    was = state.mail(lab, person.mailbox)
    for words, kind in ((f"--back {person.address}", "Maildir"), (person.address, "sdbox")):
        lab.run("mailstore", f"hanam-mail-convert {words}")
        assert place(lab, person.mailbox) == kind
        assert state.mail(lab, person.mailbox) == was
        in_inbox(lab, person, subject := send(lab, owners.sender, person))
        lab.run("mailstore", f"doveadm expunge -u {person.mailbox} mailbox INBOX header subject '{subject}'")
        was = state.mail(lab, person.mailbox)


def test_a_run_that_is_killed_leaves_nobody_shut_out_for_good(lab: Lab, owners: Owners, conversion: Conversion) -> None:
    person = agency_of(owners)
    was = state.mail(lab, person.mailbox)
    for seconds in ("1", "2", "3"):
        lab.run("mailstore", f"hanam-mail-convert --back {person.mailbox}")
        lab.run("mailstore", f"timeout -s KILL {seconds} hanam-mail-convert {person.mailbox}", check=False)
        lab.run("mailstore", "hanam-mail-convert --open")
        in_inbox(lab, person, subject := send(lab, owners.sender, person))
        lab.run("mailstore", f"doveadm expunge -u {person.mailbox} mailbox INBOX header subject '{subject}'")
        lab.run("mailstore", f"hanam-mail-convert {person.mailbox}")
        now = state.mail(lab, person.mailbox)
        assert {what: now[what] for what in ("messages", "content", "subscribed")} == {
            what: was[what] for what in ("messages", "content", "subscribed")
        }


def test_an_old_maildir_is_deleted_and_its_mailbox_is_whole(lab: Lab, owners: Owners, conversion: Conversion) -> None:
    person = owners.locked
    was = state.mail(lab, person.mailbox)
    home = f"/srv/mail/{person.mailbox[:2]}/{person.mailbox}"
    old = f"{home}/Maildir.converted"
    lab.run("mailstore", f"test -d {old} && test ! -e {home}/Maildir")
    assert "1 old Maildirs" in lab.run("mailstore", f"hanam-mail-convert --drop --yes {person.mailbox}")
    assert not lab.look_at("mailstore").file(old).exists
    assert state.mail(lab, person.mailbox) == was


@pytest.mark.dieu10
def test_a_mailbox_that_lies_in_a_maildir_is_replaced_whole_and_lies_in_sdbox_then(
    lab: Lab, owners: Owners, conversion: Conversion
) -> None:
    person = owners.others[2]
    in_inbox(lab, person, send(lab, owners.sender, person))
    lab.run("mailstore", f"hanam-mail-convert --back {person.address} && hanam-mail-backup")
    assert (place(lab, person.mailbox), listed(lab)) == ("Maildir", {person.mailbox})
    was = state.mail(lab, person.mailbox)["messages"]
    lab.run("mailstore", f"doveadm expunge -u {person.mailbox} mailbox INBOX all")
    lab.run("mailstore", f"hanam-mail-restore {person.address} --replace --document {DOCUMENT} --yes")
    assert (place(lab, person.mailbox), listed(lab)) == ("sdbox", set())
    assert state.mail(lab, person.mailbox)["messages"] == was
    in_inbox(lab, person, send(lab, owners.sender, person))


@pytest.mark.provokes(journal.DOVECOT_AWAY)
def test_what_a_power_cut_left_shut_opens_as_dovecot_starts(lab: Lab, owners: Owners, conversion: Conversion) -> None:
    person = agency_of(owners)
    line = f"{person.mailbox}:::::::userdb_userdb_import=%{{protocol|if('eq','quota-status','','tempfail')}}"
    lab.run("mailstore", f"cat >> /var/lib/hanam-mail-store/former <<'END'\n{line}\nEND\n")
    assert listed(lab) == {person.mailbox}
    lab.run("mailstore", "systemctl restart dovecot")
    lab.wait_for_agents()
    assert listed(lab) == set()
    in_inbox(lab, person, send(lab, owners.sender, person))


def test_a_name_of_a_folder_keeps_no_mailbox_from_going_back(lab: Lab, owners: Owners, conversion: Conversion) -> None:
    """Ends of lines of Unicode, and a folder that only holds others, which a Maildir does not know."""
    person = agency_of(owners)
    names = ("cha\u2028con", "Chỉ chứa/Công văn")
    for name in names:
        lab.run("mailstore", f"doveadm mailbox create -u {person.mailbox} '{name}'")
        lab.run("mailstore", f"printf 'Subject: x\\n\\nx\\n' | doveadm save -u {person.mailbox} -m '{name}'")

    def messages() -> list[str]:
        return sorted(lab.run("mailstore", f"doveadm fetch -u {person.mailbox} 'mailbox uid guid' all").split("\n"))

    was = messages()
    assert all(f"mailbox: {name}" in was for name in names)
    for words, kind in ((f"--back {person.address}", "Maildir"), (person.address, "sdbox")):
        lab.run("mailstore", f"hanam-mail-convert {words}")
        assert place(lab, person.mailbox) == kind
        assert messages() == was
