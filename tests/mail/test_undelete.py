"""What was deleted for good can be had back for some days: by its folder, hidden, without room (Đ8.1, Đ12.4)."""

import imaplib
import uuid
from collections.abc import Sequence

import pytest

from tests.lab import Lab, Sample, wait_for

pytestmark = [pytest.mark.dieu8, pytest.mark.dieu12]

# Delivers one message to several over the mail store's own LMTP socket, as Postfix does.
_LMTP = "import smtplib,sys;smtplib.LMTP('/run/dovecot/lmtp').sendmail('',sys.argv[1:],sys.stdin.buffer.read())"
NEST = "C&APQ-ng v&AQM-n/&ARAA4w- x&Hu0- l&AP0-"
""""Công văn/Đã xử lý", in IMAP's letters."""


@pytest.fixture
def deleted(lab: Lab) -> str:
    prefix: str = lab.variables["undelete_prefix"]
    return prefix


def _fill(client: imaplib.IMAP4, folder: str, number: int) -> list[str]:
    """So many messages in a folder; their subjects, in order."""
    subjects = [f"thu {uuid.uuid4().hex[:12]}" for _ in range(number)]
    for subject in subjects:
        assert client.append(folder, "", "", f"Subject: {subject}\r\n\r\nx\r\n".encode())[0] == "OK"
    return subjects


def _expunge(client: imaplib.IMAP4, folder: str, numbers: str = "1:*") -> None:
    client.select(folder)
    assert client.store(numbers, "+FLAGS.SILENT", "(\\Deleted)")[0] == "OK"
    assert client.expunge()[0] == "OK"


def _kept(lab: Lab, person: Sample, folder: str = "*") -> list[str]:
    prefix = lab.variables["undelete_prefix"]
    command = f"doveadm -f tab fetch -u {person.mailbox} 'mailbox hdr.subject' mailbox '{prefix}{folder}' all"
    lines = lab.run("mailstore", command).splitlines()[1:]
    return sorted(line.removeprefix(prefix).replace("\t", ": ") for line in lines)


def _of(folder: str, subjects: Sequence[str]) -> list[str]:
    return sorted(f"{folder}: {subject}" for subject in subjects)


@pytest.mark.proof("Thư đã xóa hẳn được giữ thêm một thời gian / deleted mail is kept for some days")
def test_all_that_one_command_expunges_is_kept_by_its_folder(lab: Lab, person: Sample) -> None:
    """Several at once: where the plugin's place is not said in its own namespace every second one is lost."""
    with lab.imap(person.address, person.password) as client:
        assert client.create(f'"{NEST}"')[0] == "OK"
        here, there = _fill(client, "INBOX", 5), _fill(client, f'"{NEST}"', 2)
        _expunge(client, "INBOX")
        _expunge(client, f'"{NEST}"')
    assert _kept(lab, person) == sorted(_of("INBOX", here) + _of("Công văn/Đã xử lý", there))


def test_a_deleted_folder_leaves_its_messages(lab: Lab, person: Sample) -> None:
    with lab.imap(person.address, person.password) as client:
        client.create("Tam")
        subjects = _fill(client, "Tam", 3)
        assert client.delete("Tam")[0] == "OK"
    assert _kept(lab, person) == _of("Tam", subjects)


@pytest.mark.parametrize("way", ["move", "copy"])
def test_what_is_moved_is_kept_once_and_only_when_the_trash_is_emptied(lab: Lab, person: Sample, way: str) -> None:
    with lab.imap(person.address, person.password) as client:
        subjects = _fill(client, "INBOX", 3)
        client.select("INBOX")
        if way == "move":
            assert client._simple_command("MOVE", "1:*", "Trash")[0] == "OK"  # type: ignore[attr-defined]
        else:
            assert client.copy("1:*", "Trash")[0] == "OK"
            _expunge(client, "INBOX")
        assert _kept(lab, person) == []
        _expunge(client, "Trash")
    assert _kept(lab, person) == _of("Trash", subjects)


def test_a_message_to_several_stays_with_each_who_deletes_it(lab: Lab, person: Sample, colleague: Sample) -> None:
    """By the links of its file Dovecot tells whether it is the last copy, so no two mailboxes may share one."""
    subject = f"thu {uuid.uuid4().hex[:12]}"
    lab.run(
        "mailstore",
        f"printf 'Subject: {subject}\\n\\nx\\n' | python3 -c \"{_LMTP}\" {person.address} {colleague.address}",
    )
    for each in (person, colleague):
        with lab.imap(each.address, each.password) as client:
            _expunge(client, "INBOX")
        assert _kept(lab, each) == _of("INBOX", [subject])


@pytest.mark.parametrize("folder", ["Junk", "Drafts"])
def test_spam_and_drafts_are_gone_at_once(lab: Lab, person: Sample, folder: str) -> None:
    with lab.imap(person.address, person.password) as client:
        _fill(client, folder, 2)
        _expunge(client, folder)
    assert _kept(lab, person) == []


def test_clients_and_searches_do_not_meet_it(lab: Lab, person: Sample, deleted: str) -> None:
    with lab.imap(person.address, person.password) as client:
        (subject,) = _fill(client, "INBOX", 1)
        _expunge(client, "INBOX")
        for listed in (client.list()[1], client.lsub()[1], client.namespace()[1]):
            assert deleted.rstrip("/") not in str(listed)
        client.select("INBOX")
        assert client.search(None, "SUBJECT", f'"{subject}"')[1] == [b""]
    assert not lab.run("mailstore", f"doveadm search -u {person.mailbox} subject '{subject}'").strip()


def test_deleting_gives_the_room_back_and_a_full_mailbox_gets_nothing_back(
    lab: Lab, person: Sample, deleted: str
) -> None:
    quota = 4 * 2**20
    lab.sql(f"UPDATE mail.mailbox SET quota_bytes = {quota} WHERE id = '{person.mailbox}'")
    lab.run("mailstore", "doveadm auth cache flush")
    mail = b"Subject: x\r\n\r\n" + (b"x" * 70 + b"\r\n") * (3 * 2**20 // 72)
    with lab.imap(person.address, person.password) as client:
        assert client.append("INBOX", "", "", mail)[0] == "OK"
        assert client.append("INBOX", "", "", mail)[0] == "NO"
        _expunge(client, "INBOX")
        _, (_, (usage,)) = client.getquotaroot("INBOX")
        assert int(usage.decode().split("STORAGE ")[1].split()[0]) < 100
        assert client.append("INBOX", "", "", mail)[0] == "OK"
        client.select(f'"{deleted}INBOX"')
        code, (said,) = client.copy("1", "INBOX")
        assert (code, said.startswith(b"[OVERQUOTA]")) == ("NO", True)


def test_it_comes_back_with_its_flags(lab: Lab, person: Sample, deleted: str) -> None:
    with lab.imap(person.address, person.password) as client:
        _fill(client, "INBOX", 1)
        client.select("INBOX")
        client.store("1", "+FLAGS.SILENT", "(\\Seen \\Flagged)")
        _expunge(client, "INBOX")
        client.select(f'"{deleted}INBOX"')
        assert client.copy("1", "INBOX")[0] == "OK"
        _expunge(client, f'"{deleted}INBOX"')
        client.select("INBOX")
        flags = client.fetch("1", "(FLAGS)")[1][0]
    assert b"\\Seen" in flags and b"\\Flagged" in flags and b"\\Deleted" not in flags  # type: ignore[operator]
    assert _kept(lab, person) == [], "what is taken from there is not kept there once more"


def test_of_more_than_its_share_a_mailbox_loses_the_oldest(lab: Lab, person: Sample, colleague: Sample) -> None:
    """As the unit does each hour, with one quota for a share and no least one: 6 MiB of a quota of 4 are too much."""
    quota = 4 * 2**20
    lab.sql(f"UPDATE mail.mailbox SET quota_bytes = {quota} WHERE id = '{person.mailbox}'")
    lab.run("mailstore", "doveadm auth cache flush")
    subjects = [f"thu {uuid.uuid4().hex[:12]}" for _ in range(2)]
    for subject in subjects:
        mail = f"Subject: {subject}\r\n\r\n".encode() + (b"x" * 70 + b"\r\n") * (3 * 2**20 // 72)
        with lab.imap(person.address, person.password) as client:
            assert client.append("INBOX", "", "", mail)[0] == "OK"
            _expunge(client, "INBOX")
        # What goes within one second stays or goes together.
        lab.run("mailstore", "sleep 1.1")
    with lab.imap(colleague.address, colleague.password) as client:
        others = _fill(client, "INBOX", 1)
        _expunge(client, "INBOX")
    lab.start_anew("mailstore", "hanam-bound-deleted.service")
    assert _kept(lab, person) == _of("INBOX", subjects), "the smallest quota of all is the least share"
    unit = lab.run("mailstore", "sed -n s/^ExecStart=//p /etc/systemd/system/hanam-bound-deleted.service").strip()
    command, _, _ = unit.rsplit(" ", 2)
    lab.run("mailstore", f"{command} 1 1")
    assert _kept(lab, person) == _of("INBOX", subjects[1:])
    assert _kept(lab, colleague) == _of("INBOX", others)


def test_the_night_removes_what_is_older_and_nothing_else(lab: Lab, person: Sample) -> None:
    with lab.imap(person.address, person.password) as client:
        subjects = _fill(client, "INBOX", 2)
        _expunge(client, "INBOX")
    lab.start_anew("mailstore", "hanam-forget-deleted.service")
    assert _kept(lab, person) == _of("INBOX", subjects)
    unit = lab.run("mailstore", "sed -n s/^ExecStart=//p /etc/systemd/system/hanam-forget-deleted.service").strip()
    days = f"{lab.variables['undelete_days']}d"
    assert unit.endswith(f" savedbefore {days}")
    command = f"{unit.removesuffix(days).replace(' -A ', f' -u {person.mailbox} ')}1s"

    def gone() -> bool:
        lab.run("mailstore", command)
        return not _kept(lab, person)

    wait_for(gone, "what is older than a second to go")
