"""The command that makes sealed sheets of first passwords out of a handover file."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hanam_mail.cli.base import Day, command, json_option, print_json
from hanam_mail.errors import InputError, Problem

if TYPE_CHECKING:
    from datetime import date

_CLEAR = (
    "Ghi PDF không niêm phong để in ngay, chỉ vào bộ nhớ (--output trên tmpfs). "
    "/ Plain PDF, to be printed at once, on a tmpfs only."
)
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@command()
@click.argument("file", type=_file)
@click.option("--key", "key_file", type=_file, required=True, help="Khóa bí mật của người vận hành. / Secret key.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/handover"),
    show_default=True,
    help="Thư mục ghi phiếu, mỗi cơ quan một tệp. / Folder of the sheets, one file an agency.",
)
@click.option("--clear", is_flag=True, help=_CLEAR)
@click.option("--recipient", multiple=True, help="Khóa công khai niêm phong phiếu. / Public key that seals the sheets.")
@click.option("--url", help="Địa chỉ trang thư ghi trên phiếu. / Address of the webmail, as the slips name it.")
@click.option("--day", type=Day(), help="Ngày ghi trên biên bản (mặc định: để trống). / Date on the record (blank).")
@click.option(
    "--regulation",
    type=_file,
    help="Các con số của quy chế; mặc định: của dự án này. / Numbers of the regulation; default: this project's.",
)
@json_option
def handover(
    file: Path,
    key_file: Path,
    output: Path,
    clear: bool,
    recipient: tuple[str, ...],
    url: str | None,
    day: "date | None",
    regulation: Path | None,
    as_json: bool,
) -> None:
    """Mở tệp bàn giao mật khẩu FILE, lập biên bản và phiếu PDF từng cơ quan / Sheets of first passwords per agency.

    Mật khẩu không hiện trên màn hình. / No password is shown on the screen.
    """
    from hanam_mail import atomic_file
    from hanam_mail.controller.handover import opening, sheets
    from hanam_mail.controller.papers import paper
    from hanam_mail.regulation import group_vars
    from hanam_mail.regulation import provisions as rule_book

    key = opening.OperatorKey(key_file, lambda: str(click.prompt("Mật khẩu của tệp khóa", hide_input=True, err=True)))
    opened = key.open(file)
    recipients = [opening.recipient(text) for text in recipient] or key.recipients
    if not recipients and not clear:
        text = "khóa ssh không cho biết khóa công khai của nó: cần --recipient, hoặc --clear để in ngay"
        raise InputError([Problem(str(key_file), 0, "", text)])
    if clear and not opening.in_memory(output):
        text = (
            "--clear chỉ ghi vào bộ nhớ, vì tệp đã xóa vẫn còn trên đĩa: thêm --output /dev/shm/phieu (tmpfs), hoặc bỏ "
            "--clear để có PDF niêm phong"
        )
        raise InputError([Problem(str(output), 0, "", text)])
    regulation = regulation or group_vars.province_folder(Path.cwd()) / "regulation.yml"
    rule_book.load(regulation)
    passwords = regulation.with_name("passwords.yml")
    rules = sheets.Rules.of({**group_vars.read(regulation), **group_vars.read(passwords)})
    office = paper.load(regulation.with_name("papers.yml"))
    output.mkdir(parents=True, exist_ok=True, mode=0o700)
    written = []
    with ExitStack() as drafts:  # all sheets or none: whoever reads of an error looks for none
        for code, slips in sheets.by_agency(opened.slips).items():
            data = sheets.pdf(opened, slips, rules, url or f"https://mail.{opened.domain}", office, day)
            path = output / (f"{file.stem}-{code}.pdf" + ("" if clear else ".age"))
            data = data if clear else opening.seal(data, recipients)
            drafts.enter_context(atomic_file.placed(path, data, mode=0o600))
            written.append({"agency": code, "slips": len(slips), "file": str(path)})
    if as_json:
        print_json({"sheets": written})
        return
    for sheet in written:
        click.echo(f"{sheet['agency']}: {sheet['slips']} phiếu, {sheet['file']}")
    if clear:
        click.echo("Phiếu không niêm phong: in xong thì xóa các tệp PDF trên.", err=True)
