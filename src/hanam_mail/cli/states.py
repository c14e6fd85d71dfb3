"""Commands that change neither name nor agency of a mailbox: lock, restore, revoke, absence, quota, clerks."""

from typing import TYPE_CHECKING

import click

from hanam_mail.cli import candidates
from hanam_mail.cli.base import Day, Size, command
from hanam_mail.cli.document import DocumentOptions, document_options
from hanam_mail.cli.writing import Target, writing_options

if TYPE_CHECKING:
    from datetime import date

    from hanam_mail.editing import WorkingCopy


def code_of(draft: "WorkingCopy", who: str) -> str:
    """The code of the agency that a mailbox belongs to."""
    return draft.agency_of(who).code


@command()
@click.argument("address", shell_complete=candidates.addresses)
@click.option(
    "--reason",
    required=True,
    shell_complete=candidates.reasons,
    help="Lý do theo Đ7.2 / Reason: idle, compromised, forbidden_use, default_password.",
)
@document_options
@writing_options
def lock(address: str, reason: str, document: DocumentOptions, target: Target) -> None:
    """Tạm khóa hộp thư theo quyết định (Đ7.2) / Lock a mailbox by decision.

    Không bắt buộc có văn bản. Việc khẩn cấp: dùng ngay hanam-mail-db lock trên máy chủ tài khoản.

    A document is not needed. In an emergency use hanam-mail-db lock on the accounts host.
    """
    with target.editing() as edit:
        draft = edit.draft
        request = document.enter(draft, "lock", code_of(draft, address)) if document.given else None
        draft.lock(address, reason, done=document.done, request=request)


@command()
@click.argument("address", shell_complete=candidates.addresses)
@click.option("--verified", required=True, help="Ai đã xác minh đề nghị (Đ7.3b). / Who verified the request.")
@document_options
@writing_options
def restore(address: str, verified: str, document: DocumentOptions, target: Target) -> None:
    """Khôi phục hộp thư bị tạm khóa (Đ7.3) / Lift a lock at the agency's request."""
    with target.editing() as edit:
        draft = edit.draft
        request = document.enter(draft, "restore", code_of(draft, address))
        draft.restore(address, request=request, done=document.done, verified=verified)


@command()
@click.argument("address", shell_complete=candidates.addresses)
@document_options
@writing_options
def revoke(address: str, document: DocumentOptions, target: Target) -> None:
    """Thu hồi hộp thư; địa chỉ không bao giờ cấp lại (Đ6.2c) / Close a mailbox for good."""
    with target.editing() as edit:
        draft = edit.draft
        draft.revoke(address, request=document.enter(draft, "revoke", code_of(draft, address)), done=document.done)


@command()
@click.argument("address", shell_complete=candidates.addresses)
@click.option("--from", "begin", type=Day(), required=True, help="Ngày đầu. / First day.")
@click.option("--to", "end", type=Day(), required=True, help="Ngày cuối, tính cả ngày đó. / Last day, included.")
@document_options
@writing_options
def absence(address: str, begin: "date", end: "date", document: DocumentOptions, target: Target) -> None:
    """Ghi lý do không dùng hộp thư (Đ6.2c, Đ7.2a) / Note why a mailbox is idle for a while."""
    with target.editing() as edit:
        draft = edit.draft
        request = document.enter(draft, "absence", code_of(draft, address))
        draft.absence(address, begin, end, request=request, done=document.done)


@command()
@click.argument("address", shell_complete=candidates.addresses)
@click.argument("size", type=Size())
@click.option("--shrink", is_flag=True, help="Cho phép nhỏ hơn trước. / Allow less than before.")
@document_options
@writing_options
def quota(address: str, size: int, shrink: bool, document: DocumentOptions, target: Target) -> None:
    """Đổi dung lượng hộp thư, ví dụ 4GB (Đ8.1) / Change a mailbox's quota, for instance 4GB."""
    with target.editing() as edit:
        draft = edit.draft
        request = document.enter(draft, "change", code_of(draft, address))
        draft.quota(address, size, request=request, done=document.done, shrink=shrink)


@command()
@click.argument("address", shell_complete=candidates.addresses)
@click.argument("people", nargs=-1, shell_complete=candidates.addresses)
@document_options
@writing_options
def clerks(address: str, people: tuple[str, ...], document: DocumentOptions, target: Target) -> None:
    """Đặt văn thư mở hộp thư cơ quan, thay những người trước (Đ9.2) / Set an agency mailbox's clerks."""
    with target.editing() as edit:
        draft = edit.draft
        request = document.enter(draft, "change", code_of(draft, address))
        draft.clerks(address, people, request=request, done=document.done)
