"""Every mailbox of one backup at once, for a store that was lost."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hanam_mail.host.backup.restore_arguments import Arguments
from hanam_mail.host.backup.restore_choice import list_unreadable, tell_unreadable
from hanam_mail.host.backup.restore_copy import Copy, lost, messages_in, no_more_a_maildir
from hanam_mail.host.backup.restore_files import (
    RestoredFiles,
    Unreadable,
    as_owner,
    beside_the_mail,
    beside_the_store,
    put_beside_the_mail,
    put_whole,
    stage_all,
)
from hanam_mail.host.backup.restore_mail import Lack, beside
from hanam_mail.host.backup.restore_which import (
    INCOMPLETE,
    agreed,
    candidates,
    doveadm,
    known_mailboxes,
    left_alone,
    log,
    record,
    snapshots_of_mail,
)
from hanam_mail.host.backup.settings import BackupError, Config
from hanam_mail.host.mail_format import add_former
from hanam_mail.host.mail_home import MAILDIR, untouched


def restore_all(config: Config, arguments: Arguments) -> int:
    """Every mailbox of one backup, for a store that was lost: what is missing comes back, what is there stays.

    What was purged after the backup stays gone (Đ6.2c); whoever needs it restores that one by its id.
    """
    full = snapshots_of_mail(config)
    snapshot = candidates(full, arguments.snapshot, arguments.at)[0]
    known = known_mailboxes()
    record(config, arguments, "all", {"snapshot": snapshot.id, "dry_run": arguments.dry_run})
    root = Path(config.mail_root)
    total = RestoredFiles()
    failed: dict[Path, BackupError] = {}
    gone: list[Path] = []
    with beside_the_store(config) as area:
        staged = stage_all(config, snapshot, full, area / "all")
        homes = [home for home in staged.homes if home.name in known]
        # Root's until here, so that nobody meddled with it.
        os.chown(area, config.mail_uid, config.mail_uid)
        copies = {home: Copy(home.name, area / "all" / home) for home in homes}

        def make_ready(home: Path) -> int:
            """Messages that the copy holds; a broken one keeps no other from coming back."""
            try:
                for place, reason in copies[home].make_ready().items():
                    staged.unreadable.append(Unreadable(root / home / place, reason))
                saved = copies[home].folders()
                if lost(Copy(home.name, root / home), saved):
                    gone.append(home)
                    if not arguments.dry_run:
                        copies[home].move_uids_on(saved, {})
                return messages_in(saved)
            except Exception as error:
                failed[home] = _told(home, error)
                return 0

        def compare(home: Path) -> tuple[Path, Lack]:
            """What a mailbox that is there lacks."""
            try:
                with beside(home.name, area / "all" / home) as copy:
                    return home, copy.lack(messages=numbers[home] > 0)
            except Exception as error:
                failed[home] = _told(home, error)
                return home, Lack()

        with ThreadPoolExecutor(os.cpu_count()) as several:
            numbers = dict(zip(homes, several.map(make_ready, homes), strict=True))
            gone = sorted({*gone} - failed.keys())
            there = [home for home in homes if home not in {*gone, *failed}]
            compared = list(several.map(compare, there))
        if arguments.dry_run:
            for home in gone:
                print(f"{home.name}: cả hộp thư / whole, {numbers[home]} thư / messages")
            for home, lack in compared:
                show_lack(home.name, lack, beside_the_mail(area / "all" / home, root / home))
            list_unreadable(staged.unreadable)
            return INCOMPLETE if tell(failed) or staged.unreadable else 0
        number = sum(len(lack.messages) for _, lack in compared)
        if number > config.ask_above:
            agreed(
                arguments,
                f"{number} thư sẽ được đưa về các hộp thư đang có trên máy, cả những thư chủ hộp thư đã xóa",
                f"{number} messages would come back into mailboxes that are there, also what was deleted on purpose",
            )
        if homes and not any(numbers.values()):
            agreed(
                arguments,
                f"bản sao lưu {snapshot} không có thư nào: có lẽ được lập sau khi máy được cài lại; xem --list, chọn "
                "bản trước đó bằng --snapshot hoặc --at",
                f"snapshot {snapshot.short} has no message; it may be of after the hosts were made anew",
            )
        listed = no_more_a_maildir(home.name for home in gone)
        exchanged: list[Path] = []
        for home in gone:
            empty = (root / home).exists()
            try:
                whole = not empty or left_alone(home.name)
                if whole:
                    with as_owner(config.mail_uid):
                        whole = put_whole(area / "all" / home, root / home, config.mail_uid)
            except Exception as error:
                failed[home] = _told(home, error)
                continue
            if not whole:
                # Somebody is there, or mail has arrived since and its delivery made the home.
                there.append(home)
                continue
            total.added += numbers[home]
            if empty:
                # Who came at this moment holds the empty mailbox in memory.
                doveadm("kick", home.name)
                exchanged.append(home)
        # What came to an empty home as it was exchanged lies where the copy was.
        there += [home for home in exchanged if not untouched(area / "all" / home)]
        if again := [home.name for home in there if home.name in listed and (root / home / MAILDIR).is_dir()]:
            add_former(again)
        compared += map(compare, there[len(compared) :])
        files = 0
        for home, lack in compared:
            total.present += lack.present
            try:
                with as_owner(config.mail_uid):
                    files += put_beside_the_mail(area / "all" / home, root / home)
                if lack.messages or lack.folders:
                    with beside(home.name, area / "all" / home) as copy:
                        copy.put_back(lack.messages, lambda folder: folder)
                        total.added += len(lack.messages)
                        copy.make_folders(lack.folders)
                        total.folders += len(lack.folders)
            except Exception as error:
                failed[home] = _told(home, error)
    left_out = len(staged.homes) - len(homes)
    log(
        arguments,
        f"all {len(homes)} mailboxes from {snapshot}: {total.added} added, {total.present} present, "
        f"{total.folders} empty folders, {files} filter files; {left_out} purged left out, "
        f"{len(staged.unreadable)} unreadable, {len(failed)} failed",
    )
    print(
        f"Đã khôi phục {len(homes) - len(failed)} hộp thư từ bản sao lưu {snapshot}: đưa lại {total.added} thư, "
        f"{total.present} thư vẫn còn nên giữ nguyên.\n"
        f"Restored {len(homes) - len(failed)} mailboxes from snapshot {snapshot.short}: "
        f"{total.added} messages brought back, {total.present} already present."
    )
    if left_out:
        print(
            f"Đã bỏ qua {left_out} hộp thư không còn trong cơ sở dữ liệu tài khoản hoặc đã xóa dữ liệu.\n"
            f"{left_out} left out: their data were purged, or the accounts database does not know them."
        )
    if total.folders or files:
        print(
            f"Trong các hộp thư đang có trên máy: tạo lại {total.folders} thư mục trống, đưa lại {files} tệp bộ lọc.\n"
            f"In mailboxes that were there: {total.folders} empty folders made, {files} filter files brought back."
        )
    if staged.unreadable:
        tell_unreadable(staged.unreadable, snapshot)
    return INCOMPLETE if tell(failed) or staged.unreadable else 0


def _told(home: Path, error: Exception) -> BackupError:
    """Why one mailbox could not be restored, whatever it was: the others are not kept from it."""
    if isinstance(error, BackupError):
        return error
    return BackupError(f"hộp thư {home.name}: {error!r}", f"mailbox {home.name}: {error!r}")


def show_lack(mailbox: str, lack: Lack, files: Sequence[Path]) -> None:
    numbers = {
        "thư / messages": len(lack.messages),
        "thư mục trống / empty folders": len(lack.folders),
        "tệp bộ lọc / filter files": len(files),
    }
    if any(numbers.values()):
        print(f"{mailbox}: {', '.join(f'{number} {words}' for words, number in numbers.items() if number)}")


def tell(failed: Mapping[Path, BackupError]) -> int:
    """Name the mailboxes that could not be restored; how many they are."""
    for error in failed.values():
        error.tell()
    return len(failed)
