"""`hanam-mail dns`: the mail domain's records, as a registrar's form asks for them and as the world answers them."""

import sys
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hanam_mail.cli.base import Command, Group, json_option, print_json, working
from hanam_mail.errors import InputError, Problem

if TYPE_CHECKING:
    from hanam_mail.dns_check import WantedRecords

_WRITE = "chưa có tệp vùng DNS nào; ghi ra bằng: ansible-playbook -i inventory/production.yml playbooks/dns.yml"
_FIELDS = {
    "MX": ("Ưu tiên", "Máy chủ"),
    "SRV": ("Ưu tiên", "Trọng số", "Cổng", "Máy chủ"),
    "CAA": ("Cờ", "Thẻ", "Giá trị"),
    "TLSA": ("Cách dùng", "Bộ chọn", "Kiểu khớp", "Dữ liệu"),
}
"""The fields of a form, by type; all other records have one, the value."""


class ServerAddress(click.ParamType["str"]):
    """An address of a server: whoever asks for names cannot begin with one."""

    name = "địa chỉ"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return str(ip_address(value))
        except ValueError:
            self.fail(f"“{value}” không phải địa chỉ IP", param, ctx)


_files = click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group(cls=Group)
def dns() -> None:
    """Bản ghi DNS của tên miền thư: kê ra, đối chiếu / The mail domain's DNS records."""


@dns.command("list", cls=Command)
@_files
@json_option
def list_(files: tuple[Path, ...], as_json: bool) -> None:
    """Kê các bản ghi theo từng ô của biểu mẫu nhà đăng ký / The records as a registrar's form asks for them.

    FILES là tệp vùng do playbooks/dns.yml ghi; mặc định: build/*.zone. / Zone files; default: build/*.zone.
    """
    records = _read(files)
    if as_json:
        print_json([{"name": each.name, "type": each.type, "data": list(each.data)} for each in records])
        return
    for each in records:
        for data in each.data:
            click.echo(f"Tên: {each.name.rstrip('.')}\nLoại: {each.type}")
            for name, value in _form(each.type, data):
                click.echo(f"{name}: {value}")
            click.echo()


@dns.command(cls=Command)
@_files
@click.option(
    "--server", type=ServerAddress(), multiple=True, help="Hỏi từng máy chủ này. / Ask this server; each of several."
)
@json_option
def check(files: tuple[Path, ...], server: tuple[str, ...], as_json: bool) -> None:
    """Đối chiếu bản ghi đã công bố với bản ghi phải có / Compare what the world answers with what it should.

    FILES là tệp vùng do playbooks/dns.yml ghi; mặc định: build/*.zone. Mã thoát: 0 đúng cả, 1 có chỗ phải sửa.

    Zone files; default: build/*.zone. Exit codes: 0 all is right, 1 something has to be mended.
    """
    from hanam_mail import dns_check

    records = _read(files)
    # Servers that are named are each to have it right; of this machine's own one is asked when another is silent.
    groups = [dns_check.Servers([each]) for each in server] or [dns_check.Servers()]
    with working("Đang hỏi DNS"):
        found = [(group, each) for group in groups for each in dns_check.differences(records, group.ask)]
    asked = [address for group in groups for address in group.addresses]
    if as_json:
        told = [each.as_dict() | {"servers": group.addresses, "mend": dns_check.mend(each)} for group, each in found]
        print_json({"servers": asked, "records": len(records), "differences": told})
    else:
        for group, each in found:
            whose = f"{', '.join(group.addresses)}: " if len(groups) > 1 else ""
            click.echo(f"{whose}{each.name.rstrip('.')} {each.type}: {dns_check.mend(each)}")
        click.echo(f"{len(records)} bản ghi, {len(found)} chỗ phải sửa (hỏi {', '.join(asked)}).")
    sys.exit(1 if found else 0)


def _read(files: Sequence[Path]) -> list["WantedRecords"]:
    from hanam_mail import dns_check

    chosen = files or sorted(Path("build").glob("*.zone"))
    if not chosen:
        raise InputError([Problem("build", 0, "", _WRITE)])
    return [each for file in chosen for each in dns_check.read(file)]


def _form(kind: str, data: str) -> list[tuple[str, str]]:
    """The fields of a form with what is to be typed into each."""
    from hanam_mail import dns_check

    if kind == "TXT":
        return [("Giá trị", dns_check.text_of(data))]
    names = _FIELDS.get(kind, ("Giá trị",))
    values = data.split(maxsplit=len(names) - 1)
    return [(name, value.strip('"').rstrip(".") or ".") for name, value in zip(names, values, strict=True)]
