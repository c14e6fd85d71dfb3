"""The list of mailboxes that lie in a Maildir, and when a copy counts as the same."""

import os
from pathlib import Path

import pytest

from hanam_mail.host import mail_format
from hanam_mail.host.mail_format import Contents, FormatError, MailFormatState
from hanam_mail.host.output import rows


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(mail_format, "FOLDER", tmp_path / "store")
    return tmp_path / "store"


def test_without_a_list_nobody_lies_in_a_maildir() -> None:
    assert mail_format.former() == frozenset()
    assert mail_format.reopen(Path) == []


def test_who_is_added_is_there_until_he_leaves() -> None:
    mail_format.add_former(["aa11bb", "cc22dd"])
    mail_format.add_former(["ee33ff"])
    mail_format.leave_former("cc22dd")
    mail_format.leave_former("nobody")
    assert mail_format.former() == {"aa11bb", "ee33ff"}


def test_an_empty_list_is_a_list(folder: Path) -> None:
    mail_format.add_former([])
    assert (folder / "former").read_text() == ""


def test_a_name_that_would_break_the_file_is_refused() -> None:
    for name in ("a:b", "a b", "a\nb", "", "người"):
        with pytest.raises(FormatError):
            mail_format.add_former([name])


def test_every_line_has_what_dovecot_needs_to_take_it(folder: Path) -> None:
    """Fewer colons, and a user of a passwd-file is unknown."""
    mail_format.add_former(["aa11bb"])
    mail_format.put("cc22dd", MailFormatState.MAILDIR_SHUT)
    mail_format.put("ee33ff", MailFormatState.SDBOX_SHUT)
    lines = (folder / "former").read_text().splitlines()
    assert [line.split(":::::::")[0] for line in lines] == ["aa11bb", "cc22dd", "ee33ff"]
    for line in lines:
        assert all(field.startswith("userdb_") for field in line.split(":::::::")[1].split(" "))
    assert ["tempfail" in line for line in lines] == [False, True, True]
    assert ["mail_path=~/Maildir" in line for line in lines] == [True, True, False]


@pytest.mark.parametrize(
    ("state", "there", "after", "kind"),
    [
        # Ended before, while and after the copies' names were changed.
        (MailFormatState.MAILDIR_SHUT, "Maildir sdbox.new", "Maildir sdbox.new", "Maildir"),
        (MailFormatState.MAILDIR_SHUT, "Maildir sdbox", "Maildir sdbox.new", "Maildir"),
        (MailFormatState.MAILDIR_SHUT, "Maildir sdbox sdbox.new", "Maildir sdbox.new", "Maildir"),
        (MailFormatState.MAILDIR_SHUT, "Maildir.converted sdbox", "Maildir sdbox.new", "Maildir"),
        (MailFormatState.MAILDIR_SHUT, "Maildir.converted Maildir sdbox", "Maildir sdbox.new", "Maildir"),
        (
            MailFormatState.SDBOX_SHUT,
            "sdbox Maildir.new Maildir.converted",
            "sdbox Maildir.new Maildir.converted",
            "sdbox",
        ),
        (MailFormatState.SDBOX_SHUT, "sdbox Maildir Maildir.converted", "sdbox Maildir.new Maildir.converted", "sdbox"),
        (MailFormatState.SDBOX_SHUT, "sdbox.old Maildir", "sdbox Maildir.new", "sdbox"),
        # A restore has put a whole home there.
        (MailFormatState.MAILDIR_SHUT, "sdbox", "sdbox", "sdbox"),
        (MailFormatState.MAILDIR_SHUT, "", "", "Maildir"),
    ],
)
def test_what_was_left_shut_opens_in_the_format_that_it_had(
    tmp_path: Path, state: MailFormatState, there: str, after: str, kind: str
) -> None:
    mail_format.add_former(["aa11bb"])
    mail_format.put("cc22dd", state)
    home = tmp_path / "cc22dd"
    home.mkdir()
    for name in there.split():
        (home / name).mkdir()
        (home / name / "as-of").write_text(name)
    assert mail_format.reopen(lambda identity: tmp_path / identity) == ["cc22dd"]
    assert mail_format.former() == {"aa11bb"} | ({"cc22dd"} if kind == "Maildir" else set())
    assert sorted(path.name for path in home.iterdir()) == sorted(after.split())
    if there:
        kept = {"Maildir": "Maildir.converted", "sdbox": "sdbox.old"}[kind]
        was = kept if kept in there.split() else kind
        assert (home / kind / "as-of").read_text() == was


def test_dovecot_sees_every_write_also_two_of_one_second(folder: Path) -> None:
    """It compares the second of the last change and the size."""
    seen = set()
    for identity in ("aa11bb", "cc22dd", "ee33ff"):
        mail_format.add_former([identity])
        status = (folder / "former").stat()
        seen.add(int(status.st_mtime))
        mail_format.leave_former(identity)
        seen.add(int((folder / "former").stat().st_mtime))
    assert len(seen) == 6


def test_dovecots_user_reads_the_list_whatever_the_operators_umask_is(folder: Path) -> None:
    before = os.umask(0o077)
    try:
        folder.mkdir(mode=0o755)
        mail_format.add_former(["aa11bb"])
    finally:
        os.umask(before)
    assert (folder / "former").stat().st_mode & 0o777 == 0o644


def test_a_line_that_nobody_wrote_is_not_passed_over(folder: Path) -> None:
    mail_format.add_former(["aa11bb"])
    with (folder / "former").open("a") as file:
        file.write("cc22dd:::::::userdb_mail_driver=mdbox\n")
    with pytest.raises(FormatError, match="unknown line"):
        mail_format.leave_former("aa11bb")


MESSAGE = ("INBOX", "b0x", "7", "guid", "2026-11-28 07:42:49", "39", "$Khan \\Seen")
FOLDER = {"guid": "b0x", "uidvalidity": "1795826545", "messages": "1", "uidnext": "8"}


def contents(message: tuple[str, ...] = MESSAGE, subscribed: str = "Công văn đến", **folder: str) -> Contents:
    return Contents(frozenset({message}), {"INBOX": FOLDER | folder}, frozenset({subscribed}))


def test_a_copy_with_the_same_is_the_same() -> None:
    assert contents().difference(contents()) == ""
    # The copy has seen a message that was deleted since.
    assert contents().difference(contents(uidnext="9")) == ""


@pytest.mark.parametrize("field", range(len(MESSAGE)))
def test_no_field_of_a_message_may_differ(field: int) -> None:
    other = (*MESSAGE[:field], "x", *MESSAGE[field + 1 :])
    assert contents().difference(contents(other)).startswith("message ")


@pytest.mark.parametrize(
    "copy",
    [
        contents(uidvalidity="1"),
        contents(guid="1"),
        contents(messages="2"),
        contents(uidnext="7"),
        Contents(frozenset({MESSAGE}), {}, frozenset({"Công văn đến"})),
        Contents(frozenset({MESSAGE}), {"INBOX": FOLDER, "Extra": FOLDER}, frozenset({"Công văn đến"})),
    ],
)
def test_no_folder_may_differ(copy: Contents) -> None:
    assert contents().difference(copy).startswith("folder ")


def test_in_a_maildir_a_folder_that_only_holds_others_may_be_one() -> None:
    """Dovecot makes it, when it is the parent of one with messages: else nothing would lead back to a Maildir."""
    parent = {"Công văn": {**FOLDER, "messages": "0"}}
    folders = {"INBOX": FOLDER, "Công văn/Đến": FOLDER}
    here = Contents(frozenset({MESSAGE}), folders, frozenset())
    assert here.difference(Contents(here.messages, folders | parent, frozenset())) == ""
    full = {"Công văn": FOLDER}
    assert here.difference(Contents(here.messages, folders | full, frozenset())).startswith("folder ")
    other = {"Công": {**FOLDER, "messages": "0"}}
    assert here.difference(Contents(here.messages, folders | other, frozenset())).startswith("folder ")


def test_a_name_with_an_end_of_line_of_unicode_is_one_name() -> None:
    assert rows("a\u2028b\nc\u0085d\n") == ["a\u2028b", "c\u0085d"]
    assert rows("") == []


def test_no_subscription_may_differ() -> None:
    assert contents().difference(contents(subscribed="Khác")).startswith("subscription ")
