"""One pass of the backup: what moved meanwhile is seen, and what could not be saved is no silent loss (Đ10.7)."""

import json
import os
from dataclasses import replace
from pathlib import Path, PurePath
from types import SimpleNamespace
from typing import Any

import pytest

from hanam_mail.host.backup import backup, restic, settings
from hanam_mail.host.backup.settings import BackupError, Config

pytestmark = pytest.mark.dieu10

CONFIG = {
    "host": "store",
    "repository": "https://backup.example:8000/hosts/store/",
    "ca": "/etc/ca.pem",
    "mail_root": "/srv/mail",
    "mail_uid": 5000,
    "databases": [],
    "database_role": "mail_backup",
    "dumps": "/var/lib/hanam-backup/dumps",
    "memory": "400MiB",
    "late_after_hours": 9,
    "paths": ["/var/spool/postfix/deferred"],
    "journal_days": 8,
    "ask_above": 20,
    "audit_command": ["true"],
}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """As the role writes it, but for a folder of dumps that is there."""
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    monkeypatch.setattr(settings, "FOLDER", tmp_path)
    return replace(settings.load_config(), dumps=str(tmp_path / "dumps"))


def test_the_settings_are_what_the_role_wrote(config: Config) -> None:
    assert config.audit_command == ("true",) and config.paths == ("/var/spool/postfix/deferred",)
    assert config.mail == Path("/srv/mail")
    assert replace(config, mail_root="").mail is None


def test_passwords_come_as_credentials_to_the_unit_and_from_roots_folder_otherwise(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings.secret("password") == tmp_path / "password"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/hanam-backup.service")
    assert settings.secret("password") == Path("/run/credentials/hanam-backup.service/password")


def test_a_home_is_taken_again_when_a_message_came_went_or_was_renamed(tmp_path: Path) -> None:
    folders = {
        "aa/aa11bb/sdbox/mailboxes": ("INBOX/dbox-Mails", "Lưu/Năm 2026/dbox-Mails", "cur/dbox-Mails"),
        "cc/cc22dd/sdbox/mailboxes": ("INBOX/dbox-Mails", "Lưu/Năm 2026/dbox-Mails"),
        "dd/dd22dd/sdbox/mailboxes": ("INBOX/dbox-Mails", "cur/dbox-Mails"),
        # Not converted yet.
        "ee/ee33ff/Maildir": ("cur", "new", ".Sent/cur"),
        "ee/ee44ff/Maildir": ("cur", "new", ".Sent/cur"),
        ".restore/aa11bb/sdbox/mailboxes": ("INBOX/dbox-Mails",),
    }
    for home, parts in folders.items():
        for part in parts:
            (tmp_path / home / part).mkdir(parents=True)
            os.utime(tmp_path / home / part, (1000, 1000))
    for folder in (tmp_path / "aa/aa11bb/sdbox/mailboxes/cur", tmp_path / "dd/dd22dd/sdbox/mailboxes/cur"):
        os.utime(folder, (1000, 1000))
    moved = [
        "cc/cc22dd/sdbox/mailboxes/Lưu/Năm 2026/dbox-Mails",
        "dd/dd22dd/sdbox/mailboxes/cur/dbox-Mails",
        "ee/ee44ff/Maildir/.Sent/cur",
        ".restore/aa11bb/sdbox/mailboxes/INBOX/dbox-Mails",
    ]
    for place in moved:
        os.utime(tmp_path / place, (2000, 2000))
    (tmp_path / "ff/ff44ee").mkdir(parents=True)
    homes = [tmp_path / home for home in ("cc/cc22dd", "dd/dd22dd", "ee/ee44ff")]
    assert backup.touched(tmp_path, 1500) == homes


def answer(*lines: dict[str, Any], status: int) -> SimpleNamespace:
    summary = {"message_type": "summary", "snapshot_id": "4f4f4f4f"}
    said = "\n".join(json.dumps(line, ensure_ascii=False) for line in [*lines, summary])
    return SimpleNamespace(returncode=status, stdout=said, stderr="")


@pytest.mark.parametrize(
    ("item", "reason", "whole"),
    [
        ("/srv/mail/aa/aa11bb/sdbox/mailboxes/INBOX/dbox-Mails/u.1", "lstat: no such file or directory", True),
        ("/var/spool/postfix/deferred/A", "open: no such file or directory", True),
        # Its owner called the folder so; restic leaves U+0085 as it is.
        ("/srv/mail/aa/aa11bb/sdbox/mailboxes/a\x85b/dbox-Mails/u.1", "lstat: no such file or directory", True),
        ("/srv/mail/aa/aa11bb/sdbox/mailboxes/INBOX/dbox-Mails/u.1", "read: input/output error", False),
        ("/var/lib/hanam-backup/dumps/mail.dump", "open: no such file or directory", False),
    ],
)
def test_only_what_vanished_of_mail_and_queue_is_no_fault(
    config: Config, monkeypatch: pytest.MonkeyPatch, item: str, reason: str, whole: bool
) -> None:
    error = {"message_type": "error", "item": item, "error": {"message": reason}}
    monkeypatch.setattr(backup, "restic", lambda *words, **options: answer(error, status=3))
    if whole:
        assert backup.back_up(config, restic.FULL, ["/srv/mail"])["snapshot_id"] == "4f4f4f4f"
        return
    with pytest.raises(BackupError, match="could not be backed up") as told:
        backup.back_up(config, restic.FULL, ["/srv/mail"])
    assert item in told.value.vietnamese and told.value.status == 1


def left_out(place: str) -> bool:
    """Whether a pattern takes a place in a home, or a folder above it, as restic reads them."""
    path = PurePath(place)
    return any(
        above.full_match(pattern.removeprefix("??/*/"))
        for above in (path, *path.parents)
        for pattern in backup.NOT_MAIL
        if pattern.startswith("??/*/")
    )


@pytest.mark.parametrize(
    "name", ["Hop dong.lock", "x.newlock", "dovecot.index.cacheful", "dovecot.list.index", "sdbox.new"]
)
def test_a_folder_is_in_the_backup_whatever_its_owner_calls_it(name: str) -> None:
    for folder in (name, f"A/{name}", f"{name}/B"):
        assert not left_out(f"sdbox/mailboxes/{folder}/dbox-Mails/u.1")
        assert not left_out(f"deleted/mailboxes/{folder}/dbox-Mails/u.1")
    assert not left_out(f"sieve/{name}.sieve")


@pytest.mark.parametrize(
    "place",
    [
        "sdbox/mailboxes/INBOX/dbox-Mails/dovecot.index.cache",
        "sdbox/mailboxes/A/B/dbox-Mails/dovecot.index.log.newlock",
        "sdbox/mailboxes/A/dbox-Mails/.vsize.lock",
        "sdbox/dovecot.list.index.log",
        "deleted/mailboxes/INBOX/dbox-Mails/dovecot.index.cache",
        "deleted/dovecot.list.index",
        "Maildir/dovecot-uidlist.lock",
        "Maildir/.A%2eB/dovecot.index.cache",
        "Maildir.converted/cur/1.M1",
        "sdbox.new/mailboxes/INBOX/dbox-Mails/u.1",
    ],
)
def test_what_dovecot_makes_again_and_what_is_out_of_use_is_in_no_backup(place: str) -> None:
    assert left_out(place)
    assert not left_out("sdbox/mailboxes/INBOX/dbox-Mails/dovecot.index.log")
