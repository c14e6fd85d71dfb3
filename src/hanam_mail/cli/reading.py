"""Commands that only read the registry: check, show, export."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from hanam_mail.cli.base import command, console, json_option, load, print_json, print_problems, registry_option, table
from hanam_mail.errors import InputError, Problem


@command()
@registry_option
@json_option
def check(path: Path, as_json: bool) -> None:
    """Kiểm tra sổ đăng ký, báo mọi lỗi / Check the registry and report every error."""
    from hanam_mail import canonical

    found: Sequence[Problem] = ()
    agencies = mailboxes = 0
    try:
        checked = load(path)
        agencies, mailboxes = len(checked.agencies), len(checked.mailboxes)
        found = sorted(canonical.problems(checked, path))
    except InputError as error:
        found = error.problems
    if as_json:
        print_json({"agencies": agencies, "mailboxes": mailboxes, "problems": [p.as_dict() for p in found]})
    elif found:
        print_problems(found)
    else:
        click.echo(f"Sổ đăng ký đúng: {agencies} cơ quan, {mailboxes} hộp thư.")
    sys.exit(1 if found else 0)


@command()
@click.argument("address")
@registry_option
@json_option
def show(address: str, path: Path, as_json: bool) -> None:
    """Cho xem một hộp thư theo địa chỉ hoặc mã / Show one mailbox by address, alias or id."""
    from hanam_mail import registry

    wanted = address.partition("@")[0].casefold()
    document = registry.desired_state(load(path))
    agencies = {agency["id"]: agency for agency in document["agencies"]}
    mailbox = next((box for box in document["mailboxes"] if wanted in _names(box)), None)
    if mailbox is None:
        raise InputError([Problem(str(path), 0, "", f"không có hộp thư nào mang địa chỉ “{address}”")])
    if as_json:
        print_json(mailbox)
        return
    rows = table()
    for label, value in _description(mailbox, agencies[mailbox["agency"]]).items():
        rows.add_row(label, value)
    console().print(rows)


@command()
@registry_option
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Ghi ra tệp chỉ chủ nhân đọc được (0600). / Write to a file of mode 0600.",
)
def export(path: Path, output: Path | None) -> None:
    """Xuất trạng thái mong muốn dạng JSON / Export the desired state as JSON."""
    import json

    from hanam_mail import registry

    text = json.dumps(registry.desired_state(load(path)), ensure_ascii=False, indent=1) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        _write_private(output, text)


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
