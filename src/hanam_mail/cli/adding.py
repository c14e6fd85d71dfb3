"""`hanam-mail add`: one new person, office or agency."""

import click

from hanam_mail.cli import candidates
from hanam_mail.cli.base import Command, Group, Size
from hanam_mail.cli.changes import counter_option, details_option
from hanam_mail.cli.document import DocumentOptions, document_options
from hanam_mail.cli.writing import Editing, Target, convert_option, exact_name_option, writing_options

_agency = click.option(
    "--agency", shell_complete=candidates.codes, required=True, help="Mã cơ quan. / The agency's code."
)
_quota = click.option("--quota", "quota_bytes", type=Size(), help="Dung lượng riêng, ví dụ 4GB. / Own quota.")
_phone = click.option("--phone", default="", help="Điện thoại trong chữ ký. / Telephone in the signature.")
_address = click.option("--address", help="Địa chỉ do người vận hành chọn. / Address chosen by the operator.")


@click.group(cls=Group)
def add() -> None:
    """Cấp mới một hộp thư / Issue one new mailbox."""


@add.command("person", cls=Command)
@click.argument("name")
@_agency
@_quota
@_address
@details_option
@counter_option
@click.option("--namesake", is_flag=True, help="Đúng là người khác cùng tên. / Really another one of that name.")
@click.option("--guest", is_flag=True, help="Tổ chức, cá nhân ngoài cơ quan (Đ14.1). / One from outside.")
@click.option("--post", default="", help="Chức vụ (công khai, Đ11.5). / The person's post.")
@_phone
@exact_name_option
@convert_option
@document_options
@writing_options
def person(
    name: str,
    agency: str,
    quota_bytes: int | None,
    address: str | None,
    details: tuple[str, ...],
    counter: bool,
    namesake: bool,
    guest: bool,
    post: str,
    phone: str,
    exact_name: bool,
    convert_legacy: bool,
    document: DocumentOptions,
    target: Target,
) -> None:
    """Cấp hộp thư cho một người (Đ5.2, Đ6.2a) / Issue a person's mailbox."""
    if guest and (post or phone or exact_name):
        raise click.UsageError("--post, --phone, --exact-name không dùng với --guest.")
    with target.editing() as edit:
        if guest:
            name = edit.name(name, convert_legacy=convert_legacy)
        else:
            name = edit.person_name(name, convert_legacy=convert_legacy, exact=exact_name)
        if not namesake:
            edit.draft.refuse_namesake(name, agency)
        request = document.enter(edit.draft, "issue", agency)
        mailbox = edit.draft.issue(
            kind="guest" if guest else "person",
            agency=agency,
            name=name,
            request=request,
            done=document.done,
            quota_bytes=quota_bytes,
            address=address,
            details=details,
            counter=counter,
            exact_name=exact_name,
            post=post,
            phone=phone,
        )
        _tell(edit, mailbox.id, mailbox.address)


@add.command("office", cls=Command)
@click.argument("name")
@_agency
@_quota
@_address
@_phone
@convert_option
@document_options
@writing_options
def office(
    name: str,
    agency: str,
    quota_bytes: int | None,
    address: str | None,
    phone: str,
    convert_legacy: bool,
    document: DocumentOptions,
    target: Target,
) -> None:
    """Cấp hộp thư cho phòng, đơn vị của cơ quan (Đ5.1d, đ) / Issue an office's mailbox."""
    with target.editing() as edit:
        name = edit.name(name, convert_legacy=convert_legacy)
        request = document.enter(edit.draft, "issue", agency)
        mailbox = edit.draft.issue(
            kind="office",
            agency=agency,
            name=name,
            request=request,
            done=document.done,
            quota_bytes=quota_bytes,
            address=address,
            phone=phone,
        )
        _tell(edit, mailbox.id, mailbox.address)


@add.command("agency", cls=Command)
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(["department", "district", "commune", "unit"]),
    required=True,
    help="Loại cơ quan; tên xã ghi kèm huyện sau dấu phẩy. / Kind of agency.",
)
@click.option("--code", help="Mã được duyệt (mặc định: theo Điều 5). / Approved code.")
@click.option("--suffix", help="Hậu tố được duyệt (Đ5.2b). / Approved suffix.")
@click.option("--document-system", is_flag=True, help="Có phần mềm quản lý văn bản (Đ11.2). / Has such software.")
@_phone
@convert_option
@document_options
@writing_options
def agency(
    name: str,
    kind: str,
    code: str | None,
    suffix: str | None,
    document_system: bool,
    phone: str,
    convert_legacy: bool,
    document: DocumentOptions,
    target: Target,
) -> None:
    """Thêm cơ quan và hộp thư của nó (Đ5.1); --sender là cơ quan đề nghị / Add an agency with its mailbox."""
    if document.document and not document.sender:
        text = "--document cần --sender: mã cơ quan đề nghị."
        raise click.UsageError(text)
    with target.editing() as edit:
        name = edit.name(name, convert_legacy=convert_legacy)
        request = document.enter(edit.draft, "issue", document.sender or "")
        made = edit.draft.add_agency(
            kind=kind,
            name=name,
            request=request,
            done=document.done,
            code=code,
            suffix=suffix,
            document_system=document_system,
            phone=phone,
        )
        mailbox = edit.draft.members(made.code)[0]
        _tell(edit, mailbox.id, mailbox.address)


def _tell(edit: Editing, identity: str, address: str) -> None:
    edit.result |= {"id": identity, "address": address}
