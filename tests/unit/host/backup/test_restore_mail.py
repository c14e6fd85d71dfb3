"""Which messages a restore brings back: identity is the GUID, over the whole mailbox (Đ10.7)."""

from types import SimpleNamespace
from typing import Any

import pytest

from hanam_mail.host.backup import restore_copy, restore_mail
from hanam_mail.host.backup.restore_mail import MailboxWithCopy, Message

pytestmark = pytest.mark.dieu10


def messages(text: str) -> list[Message]:
    """`INBOX:a INBOX:b` are two messages in that folder, with those GUIDs."""
    return [
        Message(word.split(":")[0], word.split(":")[0].lower(), number, word.split(":")[1])
        for number, word in enumerate(text.split(), 1)
    ]


@pytest.mark.parametrize(
    ("saved", "present", "comes_back"),
    [
        ("INBOX:a INBOX:b", "INBOX:a INBOX:b", ""),
        ("INBOX:a INBOX:b", "INBOX:a", "INBOX:b"),
        # Filed, thrown away, renamed folder: it is still there.
        ("INBOX:a INBOX:b", "Archive:a Trash:b", ""),
        ("Cu:a", "Moi:a", ""),
        # A copy is a message of its own.
        ("INBOX:a Archive:a", "Archive:a", "INBOX:a"),
        ("INBOX:a Archive:a", "Archive:a Trash:a", ""),
        ("INBOX:a INBOX:a", "INBOX:a", "INBOX:a"),
        # What came since is nobody's copy.
        ("INBOX:a", "INBOX:c INBOX:d", "INBOX:a"),
        ("", "INBOX:c", ""),
    ],
)
def test_only_what_no_folder_has_comes_back(saved: str, present: str, comes_back: str) -> None:
    found = restore_mail.missing(messages(saved), messages(present))
    assert " ".join(f"{message.folder}:{message.guid}" for message in found) == comes_back


def test_uids_are_written_short() -> None:
    assert restore_mail.uid_set([7, 1, 3, 2, 9, 10]) == "1:3,7,9:10"


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ("=?utf-8?B?Q8O0bmcgdsSDbg==?= 12", "Công văn 12"),
        ("=?utf-8?Q?C=C3=B4ng?=\r\n =?utf-8?Q?_v=C4=83n?=", "Công văn"),
        ("=?no-such-charset?B?AAAA?=", "=?no-such-charset?B?AAAA?="),
        ("red \x1b[31m and\tthin", "red  [31m and thin"),
    ],
)
def test_a_header_is_shown_as_people_read_it(header: str, shown: str) -> None:
    assert restore_mail.decoded(header) == shown


def test_tabs_and_line_ends_in_a_header_are_no_columns() -> None:
    assert restore_copy.columns("INBOX\ta\001tb\001nc\0011d") == ["INBOX", "a\tb\nc\001d"]


def test_folders_without_mail_come_back_subscribed_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    there = "INBOX Trash Vẫn-còn #hanam-restore/INBOX #hanam-restore/Trash #hanam-restore/Vẫn-còn "
    there += "#hanam-restore/Có-thư #hanam-restore/Trống #hanam-restore/Ẩn"
    subscribed = "INBOX Trash #hanam-restore/Trống"
    done: list[tuple[str, ...]] = []

    def doveadm(self: Any, command: str, *words: str, accept: Any = (0,)) -> SimpleNamespace:
        if command in ("mailbox status", "mailbox list"):
            names = there if command == "mailbox status" else subscribed
            return SimpleNamespace(stdout="mailbox\n" + "\n".join(names.split()))
        if command == "fetch":
            return SimpleNamespace(stdout="mailbox\tmailbox-guid\tuid\tguid\n#hanam-restore/Có-thư\tb1\t1\tg1\n")
        done.append((command, *words))
        return SimpleNamespace(returncode=0, stdout="")

    monkeypatch.setattr(MailboxWithCopy, "doveadm", doveadm)
    mailbox = MailboxWithCopy("aa11bb", "/dev/null")
    lack = mailbox.lack()
    assert ([message.guid for message in lack.messages], lack.present) == (["g1"], 0)
    assert set(lack.folders) == {"Trống", "Ẩn"}
    # A copy without mail: the folder that else comes with its message is one without a message then.
    assert set(mailbox.lack(messages=False).folders) == {"Trống", "Ẩn", "Có-thư"}
    mailbox.make_folders(lack.folders)
    assert sorted(done) == [("mailbox create", "Trống"), ("mailbox create", "Ẩn"), ("mailbox subscribe", "Trống")]
