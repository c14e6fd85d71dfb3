"""What of a home counts: a mailbox that nobody has used yet is told from one with mail, deleted mail included."""

from pathlib import Path

import pytest

from hanam_mail.host import mail_home
from hanam_mail.host.mail_home import DELETED, SDBOX


def _folder(home: Path, kind: str, *messages: str) -> None:
    place = home / kind / "mailboxes" / "INBOX" / "dbox-Mails"
    place.mkdir(parents=True)
    for name in messages:
        (place / name).touch()


@pytest.mark.parametrize("folders", [(), (SDBOX,), (SDBOX, DELETED)])
def test_folders_without_a_message_are_those_of_a_new_mailbox(tmp_path: Path, folders: tuple[str, ...]) -> None:
    for kind in folders:
        _folder(tmp_path, kind, "dovecot.index.log")
    assert mail_home.untouched(tmp_path)


@pytest.mark.parametrize("kind", [SDBOX, DELETED])
def test_a_message_is_somebodys_though_he_has_deleted_it(tmp_path: Path, kind: str) -> None:
    _folder(tmp_path, SDBOX)
    if kind != SDBOX:
        _folder(tmp_path, kind)
    (tmp_path / kind / "mailboxes" / "INBOX" / "dbox-Mails" / "u.1").touch()
    assert not mail_home.untouched(tmp_path)


def test_a_filter_is_somebodys(tmp_path: Path) -> None:
    _folder(tmp_path, SDBOX)
    (tmp_path / "sieve").mkdir()
    assert not mail_home.untouched(tmp_path)
