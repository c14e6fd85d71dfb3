"""Commands about the registry's form: fmt, propose, generate."""

from pathlib import Path

import click

from hanam_mail.cli import candidates
from hanam_mail.cli.base import command, json_option, load, print_json, registry_option
from hanam_mail.cli.changes import counter_option, details_option
from hanam_mail.cli.writing import Editing, convert_option, exact_name_option
from hanam_mail.errors import InputError, Problem


@command()
@registry_option
@json_option
def fmt(path: Path, as_json: bool) -> None:
    """Viết lại sổ đăng ký theo dạng chuẩn, giữ chú thích / Rewrite the registry in its canonical form."""
    from hanam_mail.registry import loading
    from hanam_mail.registry.writing import store

    with store.exclusive(path):
        changed = store.write(path, loading.load(path))
    if as_json:
        print_json({"files": changed})
    for file in () if as_json else changed:
        click.echo(f"Đã viết lại {file}")


@command()
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(["department", "district", "commune", "office", "person"]),
    required=True,
    help="Loại hộp thư; xã ghi kèm huyện sau dấu phẩy. / Kind of mailbox; a commune with its district.",
)
@click.option(
    "--agency",
    shell_complete=candidates.codes,
    help="Mã cơ quan (phòng, cá nhân). / Code of the agency (office, person).",
)
@details_option
@counter_option
@exact_name_option
@convert_option
@registry_option
@json_option
def propose(
    name: str,
    kind: str,
    agency: str | None,
    details: tuple[str, ...],
    counter: bool,
    exact_name: bool,
    convert_legacy: bool,
    path: Path,
    as_json: bool,
) -> None:
    """Đề xuất địa chỉ theo Điều 5 cho NAME, như khi cấp / Propose the address that NAME would be given."""
    from hanam_mail.editing import WorkingCopy
    from hanam_mail.review import revisions

    if kind in ("office", "person") and agency is None:
        raise click.UsageError(f"--kind {kind} cần --agency.")
    edit = Editing(WorkingCopy(load(path), domain=revisions.domain_beside(path)))
    if kind == "person":
        name = edit.person_name(name, convert_legacy=convert_legacy, exact=exact_name)
    else:
        name = edit.name(name, convert_legacy=convert_legacy)
    address = edit.draft.proposed(kind, name, agency=agency or "", details=details, counter=counter)
    if as_json:
        print_json({"address": address, "warnings": edit.notes})
    else:
        click.echo(address)
        for note in edit.notes:
            click.echo(f"Lưu ý: {note}", err=True)


@command()
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("data"),
    show_default=True,
    help="Thư mục danh sách đơn vị. / Folder of the lists of units.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("mailboxes"),
    show_default=True,
    help="Thư mục sổ đăng ký sẽ ghi. / The registry's folder to write.",
)
@json_option
def generate(data: Path, output: Path, as_json: bool) -> None:
    """Lập sổ đăng ký ban đầu, không ghi đè tệp đã khác / Make the first registry; overwrite nothing."""
    from hanam_mail.editing import first_registry
    from hanam_mail.registry import loading
    from hanam_mail.registry.writing import canonical, store
    from hanam_mail.regulation import provisions

    rule_book = provisions.load(loading.regulation_beside(output))
    initial = first_registry.initial_registry(data, rule_book)
    output.mkdir(parents=True, exist_ok=True)
    with store.exclusive(output):
        texts = canonical.texts(initial, output)
        others = [file for file in store.files(output) if file.read_bytes() != texts.get(file, "").encode()]
        if others:
            text = "tệp đã có nội dung khác, không ghi đè"
            raise InputError([Problem(str(file), 0, "", text) for file in others])
        changed = store.write(output, initial)
    if as_json:
        print_json({"files": changed})
    else:
        click.echo(f"Đã ghi {len(changed)} tệp vào {output}." if changed else "Không có gì thay đổi.")
