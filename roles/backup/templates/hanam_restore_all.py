# {{ ansible_managed }}
"""Every mailbox of one backup at once, for a store that was lost."""

from __future__ import annotations

import argparse
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hanam_backup import BackupError, Config
from hanam_restore_choice import list_unreadable, tell_unreadable
from hanam_restore_files import Result, as_owner, beside_the_store, put_whole, stage_all
from hanam_restore_files import count as count_of
from hanam_restore_mail import Message, beside, missing
from hanam_restore_which import INCOMPLETE, agreed, candidates, known_mailboxes, log, record, snapshots_of_mail


def restore_all(config: Config, arguments: argparse.Namespace) -> int:
    """Every mailbox of one backup, for a store that was lost: what is missing comes back, what is there stays.

    What was purged after the backup stays gone (Đ6.2c); whoever needs it restores that one by its id.
    """
    full = snapshots_of_mail(config)
    snapshot = candidates(full, arguments.snapshot, arguments.at)[0]
    known = known_mailboxes()
    record(config, arguments, "all", {"snapshot": snapshot.id, "dry_run": arguments.dry_run})
    root = Path(config.mail_root)
    total = Result()
    failed: list[BackupError] = []
    with beside_the_store(config) as area:
        staged = stage_all(config, snapshot, full, area / "all")
        homes = [home for home in staged.homes if home.name in known]
        # Root's until here, so that nobody meddled with it.
        os.chown(area, config.mail_uid, config.mail_uid)
        lost = [home for home in homes if not (root / home).exists()]
        there = [home for home in homes if home not in set(lost)]

        def compare(home: Path) -> tuple[Path, list[Message], int]:
            """What a mailbox that is there lacks; a broken one keeps no other from coming back."""
            try:
                with beside(home.name, area / "all" / home) as copy:
                    saved, present = copy.messages()
                found = missing(saved, present)
                return home, found, len(saved) - len(found)
            except BackupError as error:
                failed.append(error)
                return home, [], 0

        with ThreadPoolExecutor(os.cpu_count()) as several:
            compared = list(several.map(compare, there))
        number = sum(len(found) for _, found, _ in compared)
        total.present = sum(present for _, _, present in compared)
        if arguments.dry_run:
            for home in lost:
                print(f"{home.name}: cả hộp thư / whole, {count_of(area / 'all' / home / 'Maildir')} thư / messages")
            for home, found, _ in compared:
                if found:
                    print(f"{home.name}: {len(found)} thư / messages")
            list_unreadable(staged.unreadable)
            return INCOMPLETE if staged.unreadable else 0
        if number > config.ask_above:
            agreed(
                arguments,
                f"{number} thư sẽ được đưa về các hộp thư đang có trên máy, cả những thư chủ hộp thư đã xóa",
                f"{number} messages would come back into mailboxes that are there, also what was deleted on purpose",
            )
        with as_owner(config.mail_uid):
            for home in lost:
                total.added += count_of(area / "all" / home / "Maildir")
                put_whole(area / "all" / home, root / home, config.mail_uid)
        for home, found, _ in compared:
            try:
                with beside(home.name, area / "all" / home) as copy:
                    copy.put_back(found, lambda folder: folder)
                total.added += len(found)
            except BackupError as error:
                failed.append(error)
    left_out = len(staged.homes) - len(homes)
    log(
        arguments,
        f"all {len(homes)} mailboxes from {snapshot}: {total.added} added, {total.present} present; "
        f"{left_out} purged left out, {len(staged.unreadable)} unreadable, {len(failed)} failed",
    )
    print(
        f"Đã khôi phục {len(homes)} hộp thư từ bản sao lưu {snapshot}: đưa lại {total.added} thư, "
        f"{total.present} thư vẫn còn nên giữ nguyên.\n"
        f"Restored {len(homes)} mailboxes from snapshot {snapshot.short}: "
        f"{total.added} messages brought back, {total.present} already present."
    )
    if left_out:
        print(
            f"Đã bỏ qua {left_out} hộp thư không còn trong cơ sở dữ liệu tài khoản hoặc đã xóa dữ liệu.\n"
            f"{left_out} left out: their data were purged, or the accounts database does not know them."
        )
    for error in failed:
        error.tell()
    if staged.unreadable:
        tell_unreadable(staged.unreadable, snapshot)
    return INCOMPLETE if staged.unreadable or failed else 0
