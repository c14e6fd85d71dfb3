"""Commands about the registry's form: fmt, propose, generate."""

from pathlib import Path

import click

from hanam_mail.cli import candidates
from hanam_mail.cli.base import command, json_option, load, print_json, registry_option
from hanam_mail.cli.writing import exact_name_option
from hanam_mail.errors import InputError, Problem


@command()
@registry_option
@json_option
def fmt(path: Path, as_json: bool) -> None:
    """Viết lại sổ đăng ký theo dạng chuẩn, giữ chú thích / Rewrite the registry in its canonical form."""
    from hanam_mail import registry, store

    with store.exclusive(path):
        changed = store.write(path, registry.load(path))
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
@exact_name_option
@registry_option
@json_option
def propose(name: str, kind: str, agency: str | None, exact_name: bool, path: Path, as_json: bool) -> None:
    """Đề xuất địa chỉ theo Điều 5 cho NAME / Propose the address that Điều 5 gives NAME."""
    from hanam_mail import naming, proposal

    if kind in ("office", "person") and agency is None:
        raise click.UsageError(f"--kind {kind} cần --agency.")
    registry, notes = load(path), list[str]()
    try:
        if kind == "person":
            read = naming.read_person(name, registry.regulation.naming, exact=exact_name)
            name, notes = read.text, list(read.notes)
        address = proposal.propose(registry, kind, name, agency)
    except naming.NamingDoubt as doubt:
        text = f"{doubt}; đúng như giấy tờ thì thêm --exact-name"
        raise InputError([Problem("", 0, "", text, "Đ5.2")]) from doubt
    except (naming.NamingError, proposal.ProposalError) as error:
        raise InputError([Problem("", 0, "", str(error), "Đ5")]) from error
    if as_json:
        print_json({"address": address, "warnings": notes})
    else:
        click.echo(address)
        for note in notes:
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
    from hanam_mail import canonical, generate, registry, regulation, store

    rule_book = regulation.load(registry.regulation_beside(output))
    initial = generate.initial_registry(data, rule_book)
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
        click.echo(f"Đã ghi {len(texts)} tệp vào {output}.")
