"""Which messages of a backup are meant, and how they are shown to the operator."""

import sys
from collections import Counter
from collections.abc import Callable, Sequence

from hanam_mail.host.backup.restic import Snapshot
from hanam_mail.host.backup.restore_arguments import Arguments
from hanam_mail.host.backup.restore_files import Unreadable
from hanam_mail.host.backup.restore_mail import MailboxWithCopy, Message, missing
from hanam_mail.host.backup.settings import BackupError
from hanam_mail.host.backup.times import moment

TRASH = "Trash"


def terms(arguments: Arguments) -> list[str]:
    """Dovecot's search for the messages that are meant; empty for all."""
    keys: dict[str, Callable[[str], list[str]]] = {
        "id": lambda value: ["header", "message-id", value],
        "subject": lambda value: ["subject", value],
        "sender": lambda value: ["from", value],
        "day": lambda value: ["on", f"{moment(value):%Y-%m-%d}"],
    }
    return [word for key, value in arguments.message for word in keys[key](value)]


def selected(copy: MailboxWithCopy, arguments: Arguments, *, whole: bool) -> tuple[list[Message], list[Message], int]:
    """What would come back, what of it is there already, and how much of the backup's trash is left where it is."""
    saved, present = copy.messages()
    gone = saved if arguments.to_folder else missing(saved, present)
    wanted = saved
    if arguments.folder:
        known = {message.folder for message in saved} | copy.folders()[0]
        for name in arguments.folder:
            if name not in known:
                raise BackupError(
                    f"bản sao lưu không có thư mục {name}; có: {', '.join(sorted(known))}",
                    f"the backup has no folder {name}",
                    3,
                )
        wanted = [message for message in wanted if message.folder in arguments.folder]
    if search := terms(arguments):
        matching = set(copy.messages(*search)[0])
        wanted = [message for message in wanted if message in matching]
    left = set(wanted)
    found = [message for message in gone if message in left]
    thrown = 0
    if not (whole or arguments.folder or arguments.message):
        # What had been thrown away was deleted on purpose.
        thrown = sum(message.folder == TRASH for message in found)
        found = [message for message in found if message.folder != TRASH]
    gone_set = set(gone)
    return found, [message for message in wanted if message not in gone_set], thrown


def show(copy: MailboxWithCopy, found: Sequence[Message], *, most: int | None) -> None:
    """What would come back, message by message, or by folder when that is too long to read."""
    if most is None or len(found) <= most:
        for one in copy.describe(found):
            print(one)
        return
    for folder, number in sorted(Counter(message.folder for message in found).items()):
        print(f"{folder}: {number} thư / messages")


def list_unreadable(unreadable: Sequence[Unreadable]) -> None:
    for one in unreadable:
        print(f"Không đọc được / unreadable: {one.path}: {one.reason}", file=sys.stderr)


def tell_unreadable(unreadable: Sequence[Unreadable], snapshot: Snapshot) -> None:
    list_unreadable(unreadable)
    print(
        f"Đã khôi phục mọi thứ còn đọc được của bản sao lưu {snapshot}; {len(unreadable)} tệp hoặc thư mục "
        "nêu trên thì không. Thử bản sao lưu cũ hơn bằng --snapshot; sửa kho theo mục “Kho sao lưu bị hỏng” "
        "của sổ tay vận hành.\n"
        f"Restored what can be read of snapshot {snapshot.short}; "
        f"the {len(unreadable)} files or folders above could not.",
        file=sys.stderr,
    )
