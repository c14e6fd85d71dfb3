"""The command line of hanam-mail-restore."""

import argparse
import datetime as dt
from dataclasses import dataclass

from hanam_mail.host.backup.times import moment

# What of it the audit keeps.
RECORDED = ("folder", "message", "dry_run", "to_folder", "replace")


@dataclass(frozen=True)
class Arguments:
    """What is asked for."""

    mailbox: str
    """Id or address; empty where no single mailbox is meant."""
    snapshot: str
    at: dt.datetime | None
    folder: list[str]
    message: list[tuple[str, str]]
    dry_run: bool
    yes: bool
    to_folder: str | None
    replace: bool
    document: str
    all: bool
    list: bool
    database: str | None
    files: str | None
    into: str


def criterion(text: str) -> tuple[str, str]:
    """KEY=VALUE of --message."""
    key, _, value = text.partition("=")
    if key not in ("id", "subject", "sender", "day") or not value.strip():
        raise argparse.ArgumentTypeError(
            f"{text!r}: cần id=..., subject=..., sender=... hoặc day=... / id, subject, sender or day is needed"
        )
    if key == "day":
        moment(value)
    return key, value


def parse_arguments() -> Arguments:
    parser = argparse.ArgumentParser(
        prog="hanam-mail-restore",
        description="Khôi phục hộp thư từ bản sao lưu: thư bị mất được đưa lại, thư đang có giữ nguyên. / "
        "Restore a mailbox: what is missing comes back, what is there stays.",
    )
    parser.add_argument(
        "mailbox", nargs="?", default="", metavar="MAILBOX", help="mã hoặc địa chỉ hộp thư / id or address"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--snapshot", default="latest", metavar="ID", help="mã bản sao lưu, hoặc latest / snapshot or latest"
    )
    which.add_argument(
        "--at", type=moment, metavar="TIME", help="bản mới nhất trước thời điểm này / newest before that time"
    )
    parser.add_argument(
        "--folder",
        action="append",
        default=[],
        metavar="NAME",
        help="chỉ thư mục này (nhiều lần được) / only this folder",
    )
    parser.add_argument(
        "--message",
        action="append",
        default=[],
        type=criterion,
        metavar="KEY=VALUE",
        help="chỉ thư có id=, subject=, sender= hoặc day= (ngày nhận); nhiều điều kiện thì phải đúng cả "
        "/ only such messages",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="chỉ liệt kê những thư sẽ được đưa về / only list what would come back"
    )
    parser.add_argument("--yes", action="store_true", help="không hỏi lại / do not ask")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--to-folder", metavar="NAME", help="đưa tất cả vào một thư mục mới / put all below a new folder")
    how.add_argument(
        "--replace",
        action="store_true",
        help="trả hộp thư về đúng bản sao lưu, giữ riêng trạng thái hiện tại / go back whole",
    )
    parser.add_argument(
        "--document",
        default="",
        metavar="NUMBER",
        help="số văn bản đề nghị, bắt buộc, ghi vào nhật ký (Đ4.6) / document, needed",
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="mọi hộp thư chưa xóa dữ liệu, sau khi mất máy / every mailbox but purged ones",
    )
    parser.add_argument("--list", action="store_true", help="liệt kê các bản sao lưu / list the snapshots")
    parser.add_argument("--database", metavar="NAME", help="khôi phục một cơ sở dữ liệu / restore a database")
    parser.add_argument(
        "--files", metavar="FOLDER", help="khôi phục một thư mục của máy này vào chỗ khác / a folder of this host"
    )
    parser.add_argument(
        "--into", default="", metavar="NEW", help="tên cơ sở dữ liệu mới hoặc thư mục mới / the new database or folder"
    )
    arguments = parser.parse_args()
    if not (arguments.list or arguments.database or arguments.files or arguments.all) and not arguments.mailbox:
        parser.error("cần mã hoặc địa chỉ hộp thư / a mailbox is needed")
    narrowed = arguments.folder or arguments.message
    if arguments.all and (
        arguments.mailbox
        or arguments.replace
        or arguments.to_folder
        or arguments.database
        or arguments.files
        or narrowed
    ):
        parser.error(
            "--all không đi cùng hộp thư, --replace, --to-folder, --folder, --message hay --database "
            "/ --all stands alone"
        )
    if arguments.replace and (narrowed or arguments.dry_run):
        parser.error("--replace không đi cùng --folder, --message, --dry-run / --replace puts back the whole mailbox")
    if not arguments.list and not arguments.document.strip():
        # Somebody's mail comes before an operator's eyes, or comes back: somebody asked for it on paper (Đ4.6).
        parser.error("cần --document SỐ_VĂN_BẢN / needs a document")
    name = arguments.to_folder
    if name is not None and (
        not name.strip("/") or name.startswith(("/", "~")) or "//" in name or "\t" in name or "\n" in name
    ):
        parser.error(f"{name!r} không phải là tên thư mục / is no folder name")
    return Arguments(**vars(arguments))
