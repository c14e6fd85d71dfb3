"""Commands that change names and agencies: rename, transfer, rename-agency, merge-agency."""

import click

from hanam_mail.cli import candidates
from hanam_mail.cli.base import command
from hanam_mail.cli.document import DocumentOptions, document_options
from hanam_mail.cli.states import code_of
from hanam_mail.cli.writing import Target, convert_option, exact_name_option, writing_options

details_option = click.option(
    "--detail",
    "details",
    multiple=True,
    help="Phân biệt người trùng tên cùng cơ quan: quê quán trước, rồi năm sinh (Đ5.2c). / Home place, then birth year.",
)

counter_option = click.option(
    "--counter",
    is_flag=True,
    help="Xác nhận chỉ phân biệt bằng số thứ tự (Đ5.2c). / Confirm that only a number tells namesakes apart.",
)


new_address_option = click.option(
    "--new-address", is_flag=True, help="Thay địa chỉ có hậu tố cơ quan cũ. / Replace a suffixed address."
)


@command()
@click.argument("address", shell_complete=candidates.addresses)
@click.argument("name")
@click.option("--address", "chosen", help="Địa chỉ mới do người vận hành chọn. / New address chosen by the operator.")
@new_address_option
@details_option
@counter_option
@exact_name_option
@convert_option
@document_options
@writing_options
def rename(
    address: str,
    name: str,
    chosen: str | None,
    new_address: bool,
    details: tuple[str, ...],
    counter: bool,
    exact_name: bool,
    convert_legacy: bool,
    document: DocumentOptions,
    target: Target,
) -> None:
    """Đổi tên người hoặc phòng, địa chỉ mới theo Điều 5, giữ địa chỉ cũ / Rename a person or office."""
    from hanam_mail.registry.model import MailboxKind

    with target.editing() as edit:
        draft = edit.draft
        if draft.mailbox(address).kind is MailboxKind.PERSON:
            name = edit.person_name(name, convert_legacy=convert_legacy, exact=exact_name)
        else:
            name = edit.name(name, convert_legacy=convert_legacy)
        request = document.enter(draft, "change", code_of(draft, address))
        mailbox = draft.rename(
            address,
            name,
            request=request,
            done=document.done,
            address=chosen,
            details=details,
            counter=counter,
            new_address=new_address,
            exact_name=exact_name,
        )
        edit.result["address"] = mailbox.address


@command()
@click.argument("address", shell_complete=candidates.addresses)
@click.argument("agency", shell_complete=candidates.codes)
@new_address_option
@details_option
@counter_option
@click.option("--post", default="", help="Chức vụ ở cơ quan mới (công khai, Đ11.5). / The post there.")
@click.option("--phone", default="", help="Điện thoại trong chữ ký ở cơ quan mới. / The telephone there.")
@document_options
@writing_options
def transfer(
    address: str,
    agency: str,
    new_address: bool,
    details: tuple[str, ...],
    counter: bool,
    post: str,
    phone: str,
    document: DocumentOptions,
    target: Target,
) -> None:
    """Chuyển người sang cơ quan mã AGENCY, giữ nguyên hộp thư / Move a person's mailbox to another agency."""
    with target.editing() as edit:
        draft = edit.draft
        request = document.enter(draft, "change", code_of(draft, address))
        mailbox = draft.transfer(
            address,
            agency=agency,
            request=request,
            done=document.done,
            new_address=new_address,
            details=details,
            counter=counter,
            post=post,
            phone=phone,
        )
        edit.result["address"] = mailbox.address


@command("rename-agency")
@click.argument("code", shell_complete=candidates.codes)
@click.option("--name", help="Tên mới. / New name.")
@click.option("--new-code", help="Mã mới: đổi địa chỉ cơ quan, phòng, xã; giữ địa chỉ cũ. / New code.")
@click.option("--suffix", help="Hậu tố mới cho địa chỉ cấp sau này (Đ5.2b). / New suffix for later addresses.")
@click.option(
    "--document-system/--no-document-system",
    default=None,
    help="Có hay không còn phần mềm quản lý văn bản (Đ11.2). / Has document software, or no longer.",
)
@document_options
@writing_options
def rename_agency(
    code: str,
    name: str | None,
    new_code: str | None,
    suffix: str | None,
    document_system: bool | None,
    document: DocumentOptions,
    target: Target,
) -> None:
    """Đổi tên, mã, hậu tố, phần mềm văn bản của cơ quan mã CODE / Change an agency's name, code, suffix or software."""
    if not (name or new_code or suffix) and document_system is None:
        raise click.UsageError("cần --name, --new-code, --suffix hoặc --document-system.")
    with target.editing() as edit:
        request = document.enter(edit.draft, "change", code)
        edit.draft.rename_agency(
            code,
            name=name,
            new_code=new_code,
            suffix=suffix,
            document_system=document_system,
            request=request,
            done=document.done,
        )


@command("merge-agency")
@click.argument("code", shell_complete=candidates.codes)
@click.argument("into", shell_complete=candidates.codes)
@click.option(
    "--office",
    "offices",
    multiple=True,
    metavar="CŨ=MỚI",
    help="Địa chỉ mới do người vận hành chọn cho một phòng. / Chosen new address of an office.",
)
@document_options
@writing_options
def merge_agency(code: str, into: str, offices: tuple[str, ...], document: DocumentOptions, target: Target) -> None:
    """Sáp nhập cơ quan mã CODE vào cơ quan mã INTO; không mất gì / Merge one agency into another."""
    chosen = dict(_pair(office) for office in offices)
    with target.editing() as edit:
        request = document.enter(edit.draft, "change", code)
        former = edit.draft.agency(code)
        edit.draft.merge_agency(code, into=into, request=request, done=document.done, offices=chosen)
        if former.id == edit.draft.operator:
            edit.notes.append(
                "đơn vị quản lý vận hành vừa sáp nhập: sửa registry_operator trong registry.yml (group_vars)"
            )


def _pair(office: str) -> tuple[str, str]:
    old, mark, new = office.partition("=")
    if not (old and mark and new):
        raise click.UsageError(f"--office “{office}” phải có dạng CŨ=MỚI.")
    return old, new
