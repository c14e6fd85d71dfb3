"""hanam-mail-restore: khôi phục một hộp thư từ bản sao lưu, trên máy lưu hộp thư.

Messages are restored beside the store, checked against the repository, and only then put in place. By
default what is missing comes back and what is there stays untouched; --replace puts the whole mailbox back
as it was and keeps the present state aside. With --database it restores one database into a new one.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hanam_mail.host import mail_home
from hanam_mail.host.backup.one_at_a_time import only_one
from hanam_mail.host.backup.restic import FULL, Snapshot, require_repository, snapshots
from hanam_mail.host.backup.restore_all import restore_all
from hanam_mail.host.backup.restore_arguments import RECORDED, Arguments, parse_arguments
from hanam_mail.host.backup.restore_choice import TRASH, list_unreadable, selected, show, tell_unreadable
from hanam_mail.host.backup.restore_copy import Copy, lost, messages_in, no_more_a_maildir
from hanam_mail.host.backup.restore_database import restore_database
from hanam_mail.host.backup.restore_files import (
    RestoredFiles,
    Unreadable,
    as_owner,
    beside_the_store,
    fetch,
    put_whole,
    replace,
    stage,
)
from hanam_mail.host.backup.restore_mail import beside
from hanam_mail.host.backup.restore_which import (
    INCOMPLETE,
    MailboxHome,
    agreed,
    candidates,
    containing,
    doveadm,
    find_mailbox,
    left_alone,
    log,
    record,
    snapshots_of_mail,
)
from hanam_mail.host.backup.settings import BackupError, Config, load_config
from hanam_mail.host.backup.times import now, shown
from hanam_mail.host.convert_mailbox import dovecot_runs, reload_dovecot, shut_out
from hanam_mail.host.mail_format import MailFormatState, add_former, asked, former, leave_former
from hanam_mail.host.mail_home import MAILDIR, SDBOX

# --- the whole of it ------------------------------------------------------------------------------


def count_again(login: str) -> None:
    """Let Dovecot count what came into a mailbox against its quota."""
    done = doveadm("quota", "recalc", "-u", login)
    if done.returncode != 0:
        words = done.stderr.strip()
        raise BackupError(
            f"thư đã được khôi phục, nhưng doveadm quota báo lỗi: {words}",
            f"the messages are restored, but doveadm quota failed: {words}",
        )


def snapshot_with(config: Config, arguments: Arguments, full: list[Snapshot], mailbox: MailboxHome) -> Snapshot:
    tried = candidates(full, arguments.snapshot, arguments.at)
    snapshot = containing(config, tried, mailbox.home)
    if snapshot is None:
        raise BackupError(
            f"bản sao lưu {tried[0]} và các bản trước đó không có hộp thư {mailbox.id}"
            if arguments.snapshot == "latest"
            else f"bản sao lưu {tried[0]} không có hộp thư {mailbox.id}",
            f"mailbox {mailbox.id} is not in snapshot {tried[0]}"
            + (" nor in any before it" if arguments.snapshot == "latest" else ""),
            4 if mailbox.known else 3,
        )
    if snapshot != tried[0]:
        print(
            f"Bản sao lưu {tried[0]} không có hộp thư này; dùng bản {snapshot}.\n"
            f"Snapshot {tried[0]} lacks this mailbox; {snapshot} is used.",
            file=sys.stderr,
        )
    return snapshot


def restore_mailbox(config: Config, arguments: Arguments) -> int:
    full = snapshots_of_mail(config)
    mailbox = find_mailbox(config, arguments.mailbox)
    snapshot = snapshot_with(config, arguments, full, mailbox)
    asked = {name: value for name, value in vars(arguments).items() if value and name in RECORDED}
    record(config, arguments, mailbox.id, {"snapshot": snapshot.id, **asked})
    narrowed = bool(arguments.folder or arguments.message)
    with beside_the_store(config) as area:
        staged = area / mailbox.id
        unreadable = stage(config, snapshot, full, mailbox.home, staged)
        # Root's until here, so that nobody meddled with it.
        os.chown(area, config.mail_uid, config.mail_uid)
        faulty = Copy(mailbox.id, staged).make_ready()
        unreadable += [Unreadable(mailbox.home / place, reason) for place, reason in faulty.items()]
        result = None
        if not arguments.to_folder and not narrowed:
            if not arguments.dry_run:
                result = whole(config, arguments, mailbox, staged)
            elif lost(Copy(mailbox.id, mailbox.home), saved := Copy(mailbox.id, staged).folders()):
                print(f"{mailbox.id}: cả hộp thư / whole, {messages_in(saved)} thư / messages")
                list_unreadable(unreadable)
                return INCOMPLETE if unreadable else 0
        if result is None:
            result = put_back(config, arguments, mailbox, staged)
            if arguments.dry_run:
                list_unreadable(unreadable)
                return INCOMPLETE if unreadable else 0
        elif mailbox.known:
            # Sessions hold the old state in memory.
            doveadm("kick", mailbox.id)
            result.added += came_meanwhile(mailbox, staged)
            count_again(mailbox.id)
    log(arguments, f"mailbox {mailbox.id} from {snapshot}: {result.added} added, {result.present} present")
    print(
        f"Đã khôi phục hộp thư {arguments.mailbox} ({mailbox.id}) từ bản sao lưu {snapshot}: "
        f"{result.folders} thư mục, đưa lại {result.added} thư, {result.present} thư vẫn còn nên giữ nguyên."
    )
    if result.aside:
        print(f"Trạng thái trước đó được giữ tại {result.aside}.")
    print(
        f"Restored mailbox {mailbox.id} from snapshot {snapshot.short}: {result.folders} folders, "
        f"{result.added} messages brought back, {result.present} already present."
        + (f" Former state: {result.aside}" if result.aside else "")
    )
    if unreadable:
        tell_unreadable(unreadable, snapshot)
    return INCOMPLETE if unreadable else 0


def whole(config: Config, arguments: Arguments, mailbox: MailboxHome, staged: Path) -> RestoredFiles | None:
    """The home as it was, where it is asked for or where it is lost; None when what is there stays."""
    live, copy = Copy(mailbox.id, mailbox.home), Copy(mailbox.id, staged)
    saved = copy.folders()
    anew = lost(live, saved)
    if not anew and not arguments.replace:
        return None
    copy.move_uids_on(saved, {} if anew else live.folders())
    result = RestoredFiles(folders=len(saved), added=messages_in(saved))
    if not result.added:
        print(
            "Chú ý: trong bản sao lưu này hộp thư không có thư nào. Nếu máy đã được cài lại sau khi mất thư, hãy chọn "
            "bản trước đó: xem --list, rồi --snapshot hoặc --at.\n"
            "Note: the mailbox has no message in this snapshot. After hosts were made anew choose one of before.",
            file=sys.stderr,
        )
    alone = not mailbox.home.exists() or left_alone(mailbox.id)
    if arguments.replace:
        aside = Path(config.mail_root) / ".replaced" / f"{mailbox.id}.{now():%Y%m%dT%H%M%S}"
        with shut_while_its_format_changes(mailbox), as_owner(config.mail_uid):
            result.aside = replace(staged, mailbox.home, config.mail_uid, aside)
        return result
    if not alone:
        return None
    listed = no_more_a_maildir([mailbox.id])
    with as_owner(config.mail_uid):
        there = put_whole(staged, mailbox.home, config.mail_uid)
    if there:
        return result
    # Mail has arrived since, and its delivery made the home.
    if listed and (mailbox.home / MAILDIR).is_dir():
        add_former(listed)
    return None


def came_meanwhile(mailbox: MailboxHome, staged: Path) -> int:
    """Bring back what came to an empty home as it was exchanged for the copy, and lies where that was; how much."""
    if not mail_home.has_messages(staged, SDBOX):
        return 0
    with beside(mailbox.id, staged) as copy:
        lack = copy.lack()
        copy.put_back(lack.messages, lambda folder: folder)
    return len(lack.messages)


@contextmanager
def shut_while_its_format_changes(mailbox: MailboxHome) -> Iterator[None]:
    """Keep everybody out of one that lies in a Maildir still: what came in meanwhile would be seen no more."""
    if mailbox.id not in former():
        yield
    elif not dovecot_runs():
        yield
        leave_former(mailbox.id)
    else:
        with (
            asked(reload=reload_dovecot),
            shut_out(mailbox.id, mailbox.home, MailFormatState.MAILDIR_SHUT, becomes=SDBOX),
        ):
            yield


def put_back(config: Config, arguments: Arguments, mailbox: MailboxHome, staged: Path) -> RestoredFiles:
    """What is missing, or what is asked for, through Dovecot; many messages only with consent."""
    name = arguments.to_folder
    with beside(mailbox.id, staged) as copy:
        found, present, thrown = selected(copy, arguments, whole=bool(name))
        if name and any(
            message.folder == name or message.folder.startswith(f"{name}/") for message in copy.messages()[1]
        ):
            raise BackupError(f"thư mục {name} đã có, hãy chọn tên khác", f"folder {name} exists, choose another name")
        if arguments.dry_run:
            show(copy, found, most=None)
            print(f"{len(found)} thư sẽ được đưa về, {len(present)} thư vẫn còn; chưa thay đổi gì.")
            print(f"{len(found)} messages would be brought back, {len(present)} are present; nothing is changed.")
        elif found:
            show(copy, found, most=config.ask_above)
            if len(found) > config.ask_above:
                agreed(
                    arguments,
                    f"{len(found)} thư sẽ được đưa về, cả những thư chủ hộp thư đã xóa sau khi sao lưu "
                    "(xem từng thư bằng --dry-run, chọn bằng --folder và --message)",
                    f"{len(found)} messages would be brought back, also what was deleted on purpose",
                )
            copy.put_back(
                found,
                lambda folder: folder if not name else name if folder == "INBOX" else f"{name}/{folder}",
                subscribe=bool(name),
            )
    if thrown:
        print(
            f"{thrown} thư từng nằm trong {TRASH} không được đưa về; nếu cần: --folder {TRASH}.\n"
            f"{thrown} messages that were in {TRASH} stay out; --folder {TRASH} brings them back."
        )
    return RestoredFiles(
        folders=len({message.folder for message in (*found, *present)}), added=len(found), present=len(present)
    )


def restore_files(config: Config, arguments: Arguments) -> int:
    """A folder of this host as it was, into a new one: the queue, sealed files, what the filter had learnt."""
    target = Path(arguments.into)
    if not target.is_absolute() or target.exists():
        raise BackupError("cần --into THƯ_MỤC_MỚI (đường dẫn đầy đủ, chưa có)", "--into NEW_FOLDER is needed", 2)
    require_repository(config)
    snapshot = candidates(snapshots(config, "--tag", FULL), arguments.snapshot, arguments.at)[0]
    record(config, arguments, f"files {arguments.files}", {"snapshot": snapshot.id, "into": str(target)})
    target.mkdir(mode=0o700)
    try:
        unreadable = fetch(config, snapshot, Path(arguments.files or ""), target)
    except BaseException:
        # It would stand in the way of the next try.
        shutil.rmtree(target)
        raise
    log(arguments, f"files {arguments.files} from {snapshot} into {target}")
    print(
        f"Đã khôi phục {arguments.files} từ bản sao lưu {snapshot} vào {target}.\n"
        f"Restored {arguments.files} from snapshot {snapshot.short} into {target}."
    )
    if unreadable:
        tell_unreadable(unreadable, snapshot)
    return INCOMPLETE if unreadable else 0


def show_list(config: Config) -> int:
    require_repository(config)
    for snapshot in snapshots(config, "--tag", FULL):
        print(f"{snapshot.short}  {shown(snapshot.time)}  {' '.join(snapshot.paths)}")
    return 0


def main() -> int:
    arguments = parse_arguments()
    if os.geteuid() != 0:
        return BackupError("cần quyền root", "root is needed").tell()
    try:
        config = load_config()
        if arguments.list:
            return show_list(config)
        with only_one():
            if arguments.database:
                return restore_database(config, arguments)
            if arguments.files:
                return restore_files(config, arguments)
            return restore_all(config, arguments) if arguments.all else restore_mailbox(config, arguments)
    except BackupError as error:
        return error.tell()
    except OSError as error:
        return BackupError(f"lỗi hệ thống: {error}", f"system error: {error}").tell()
