"""The operator's command `hanam-mail`. Exit codes: 0 all is well, 1 the input has errors, 2 the command was
used wrongly.

Help is Vietnamese first, English after. Commands only parse options, call the package and print; imports
that only one command needs stand in it, since `--help` and completion should not wait for them.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hanam_mail import __version__
from hanam_mail.errors import InputError, Problem

if TYPE_CHECKING:
    pass

_registry_option = click.option(
    "--registry",
    "path",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("mailboxes"),
    show_default=True,
    help="Thư mục sổ đăng ký hộp thư. / The registry's folder.",
)


class _Group(click.Group):
    """Turns refused input into lines on stderr and exit code 1, for every command."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            _print_problems(error.problems)
            sys.exit(1)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, message="%(version)s")
def main() -> None:
    """Hệ thống thư điện tử công vụ tỉnh Hà Nam: sổ đăng ký hộp thư.

    The official mail service of Hà Nam province: its registry of mailboxes.
    """


@main.command()
@_registry_option
@click.option("--json", "as_json", is_flag=True, help="In kết quả dạng JSON. / Print the result as JSON.")
def check(path: Path, as_json: bool) -> None:
    """Kiểm tra sổ đăng ký, báo mọi lỗi / Check the registry and report every error."""
    from hanam_mail import canonical, registry

    found: Sequence[Problem] = ()
    agencies = mailboxes = 0
    try:
        checked = registry.load(path)
        agencies, mailboxes = len(checked.agencies), len(checked.mailboxes)
        found = sorted(canonical.problems(checked, path))
    except InputError as error:
        found = error.problems
    if as_json:
        summary = {"agencies": agencies, "mailboxes": mailboxes, "problems": [p.as_dict() for p in found]}
        click.echo(json.dumps(summary, ensure_ascii=False, indent=2))
    elif found:
        _print_problems(found)
    else:
        click.echo(f"Sổ đăng ký đúng: {agencies} cơ quan, {mailboxes} hộp thư.")
    sys.exit(1 if found else 0)


@main.command("format")
@_registry_option
def format_(path: Path) -> None:
    """Viết lại sổ đăng ký theo dạng chuẩn / Rewrite the registry in its canonical form."""
    from hanam_mail import canonical, registry

    for file, text in canonical.texts(registry.load(path), path).items():
        if file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            click.echo(f"Đã viết lại {file}")


@main.command()
@click.argument("address")
@_registry_option
def show(address: str, path: Path) -> None:
    """Cho xem một hộp thư theo địa chỉ hoặc mã / Show one mailbox by address, alias or id."""
    from rich.console import Console
    from rich.table import Table

    from hanam_mail import registry

    wanted = address.partition("@")[0].casefold()
    document = registry.desired_state(registry.load(path))
    agencies = {agency["id"]: agency for agency in document["agencies"]}
    mailbox = next((box for box in document["mailboxes"] if wanted in _names(box)), None)
    if mailbox is None:
        raise InputError([Problem(str(path), 0, "", f"không có hộp thư nào mang địa chỉ “{address}”")])
    table = Table(show_header=False, box=None)
    for label, value in _description(mailbox, agencies[mailbox["agency"]]).items():
        table.add_row(label, value)
    Console(markup=False, emoji=False, highlight=False).print(table)


@main.command()
@_registry_option
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Ghi ra tệp chỉ chủ nhân đọc được (0600). / Write to a file of mode 0600.",
)
def export(path: Path, output: Path | None) -> None:
    """Xuất trạng thái mong muốn dạng JSON / Export the desired state as JSON."""
    from hanam_mail import registry

    text = json.dumps(registry.desired_state(registry.load(path)), ensure_ascii=False, indent=1) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        _write_private(output, text)


@main.command()
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(["department", "district", "commune", "office", "person"]),
    required=True,
    help="Loại hộp thư; xã ghi kèm huyện sau dấu phẩy. / Kind of mailbox; a commune with its district.",
)
@click.option("--agency", help="Mã cơ quan (phòng, cá nhân). / Code of the agency (office, person).")
@_registry_option
def propose(name: str, kind: str, agency: str | None, path: Path) -> None:
    """Đề xuất địa chỉ theo Điều 5 cho NAME / Propose the address that Điều 5 gives NAME."""
    from hanam_mail import naming, proposal, registry

    if kind in ("office", "person") and agency is None:
        raise click.UsageError(f"--kind {kind} cần --agency. / --kind {kind} needs --agency.")
    try:
        click.echo(proposal.propose(registry.load(path), kind, name, agency))
    except (naming.NamingError, proposal.ProposalError) as error:
        raise click.ClickException(str(error)) from error


@main.command()
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
def generate(data: Path, output: Path) -> None:
    """Lập sổ đăng ký ban đầu, không ghi đè tệp đã khác / Make the first registry; overwrite nothing."""
    from hanam_mail import canonical, generate, registry, regulation

    rule_book = regulation.load(registry.regulation_beside(output))
    files = canonical.texts(generate.initial_registry(data, rule_book), output)
    changed = [file for file, text in files.items() if file.exists() and file.read_text("utf-8") != text]
    if changed:
        text = "tệp đã có nội dung khác, không ghi đè"
        raise InputError([Problem(str(file), 0, "", text) for file in changed])
    (output / "requests").mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        file.write_text(text, encoding="utf-8")
    click.echo(f"Đã ghi {len(files)} tệp vào {output}.")


def _print_problems(problems: Sequence[Problem]) -> None:
    for problem in problems:
        click.echo(str(problem), err=True)
    click.echo(f"{len(problems)} lỗi.", err=True)


def _names(mailbox: dict[str, Any]) -> set[str]:
    return {mailbox["id"], mailbox["address"], *(alias["address"] for alias in mailbox["aliases"])}


def _description(mailbox: dict[str, Any], agency: dict[str, Any]) -> dict[str, str]:
    from hanam_mail.entries import quota_text

    document = mailbox["document"]
    return {
        "Mã": mailbox["id"],
        "Địa chỉ": mailbox["address"],
        "Bí danh": ", ".join(alias["address"] for alias in mailbox["aliases"]) or "không có",
        "Tên": mailbox["name"],
        "Cơ quan": f"{agency['name']} ({agency['code']})",
        "Loại": mailbox["kind"],
        "Trạng thái": mailbox["state"],
        "Dung lượng": quota_text(mailbox["quota_bytes"]),
        "Văn thư": ", ".join(mailbox["clerks"]) or "không có",
        "Căn cứ": f"{document['event']} {document['done']}, {document['number'] or 'không có văn bản'}",
    }


def _write_private(path: Path, text: str) -> None:
    """Write the file whole or not at all, readable by its owner only from the first octet on."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        draft.replace(path)
    except BaseException:
        draft.unlink()
        raise
