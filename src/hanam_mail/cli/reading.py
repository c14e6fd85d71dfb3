"""Commands that only read the registry: check, show, search, export."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hanam_mail import vietnamese
from hanam_mail.cli import candidates
from hanam_mail.cli.base import command, console, json_option, load, print_json, print_problems, registry_option, table
from hanam_mail.errors import InputError, Problem

if TYPE_CHECKING:
    from hanam_mail.registry.model import Mailbox, Registry


@command()
@registry_option
@json_option
def check(path: Path, as_json: bool) -> None:
    """Kiểm tra sổ đăng ký, báo mọi lỗi / Check the registry and report every error."""
    from hanam_mail.registry.writing import canonical

    found: Sequence[Problem] = ()
    agencies = mailboxes = 0
    notes: list[str] = []
    try:
        checked = load(path)
        agencies, mailboxes = len(checked.agencies), len(checked.mailboxes)
        found = sorted(canonical.problems(checked, path))
        notes = _without_clerks(checked)
    except InputError as error:
        found = error.problems
    if as_json:
        result = {"agencies": agencies, "mailboxes": mailboxes, "problems": [p.as_dict() for p in found]}
        print_json(result | {"warnings": notes})
    elif found:
        print_problems(found)
    else:
        click.echo(f"Sổ đăng ký đúng: {agencies} cơ quan, {mailboxes} hộp thư.")
        for note in notes:
            click.echo(f"Lưu ý: {note}", err=True)
    sys.exit(1 if found else 0)


@command()
@click.argument("address", shell_complete=candidates.addresses)
@registry_option
@json_option
def show(address: str, path: Path, as_json: bool) -> None:
    """Cho xem một hộp thư và lịch sử của nó theo địa chỉ, bí danh hoặc mã / Show one mailbox and its history."""
    from dataclasses import replace

    from hanam_mail.cli import words
    from hanam_mail.editing import WorkingCopy
    from hanam_mail.registry import loading
    from hanam_mail.review import revisions

    whole = load(path)
    mailbox = WorkingCopy(whole, domain=revisions.domain_beside(path)).mailbox(address)
    if as_json:
        alone = loading.desired_state(replace(whole, mailboxes={mailbox.id: mailbox}))
        print_json(alone["mailboxes"][0])
        return
    facts = table()
    for label, value in _facts(mailbox, whole).items():
        facts.add_row(label, value)
    history = table("Ngày", "Việc", "Văn bản")
    for event in mailbox.history:
        history.add_row(f"{event.done:%d/%m/%Y}", words.event(event, whole), words.document(event, whole))
    screen = console()
    screen.print(facts)
    screen.print()
    screen.print(history)


@command()
@click.argument("words", nargs=-1, required=True)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    help="Số dòng tối đa, 0 là tất cả. / Most rows, 0 for all.",
)
@registry_option
@json_option
def search(words: tuple[str, ...], limit: int, path: Path, as_json: bool) -> None:
    """Tìm không cần dấu: tên, tên cũ, địa chỉ, bí danh, cơ quan / Search names, addresses, agencies.

    Mọi từ đều phải có trong một hộp thư, thứ tự tùy ý. Mã thoát 1 khi không tìm thấy.

    Every word must be found, in any order. Exit code 1 when nothing is found.
    """
    from hanam_mail.cli import words as terms
    from hanam_mail.registry import history, search

    registry = load(path)
    found = list(search.mailboxes(registry, " ".join(words)))
    shown = found[: limit or None]
    if as_json:
        print_json([_brief(mailbox, registry) for mailbox in shown])
    elif found:
        rows = table("Địa chỉ", "Tên", "Loại", "Cơ quan", "Tình trạng")
        for mailbox in shown:
            state = history.standing(mailbox.history, mailbox.kind, registry.regulation).state
            agency = registry.agencies[mailbox.agency].name
            rows.add_row(mailbox.address, mailbox.name, terms.KINDS[mailbox.kind], agency, vietnamese.STATES[state])
        console().print(rows)
        more = f", hiện {len(shown)}" if len(shown) < len(found) else ""
        click.echo(f"{len(found)} hộp thư{more}.")
    else:
        click.echo("Không tìm thấy hộp thư nào.", err=True)
    sys.exit(0 if found else 1)


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

    from hanam_mail import atomic_file
    from hanam_mail.registry import loading

    text = json.dumps(loading.desired_state(load(path)), ensure_ascii=False, indent=1) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        atomic_file.write(output, text.encode(), mode=0o600)


def _without_clerks(registry: "Registry") -> list[str]:
    """On the mailboxes of agencies and offices that nobody opens (Đ9.2): each that lost its clerks, the others counted.

    A clerk who was struck out of the file by hand left no event; the plan of that change said so.
    """
    left = [box for box in registry.mailboxes.values() if box.kind.is_agency and not box.clerks and not box.revoked]
    lost = {box.id: told for box in left if (told := _lost_clerks(box, registry))}
    never = [box.address for box in left if box.id not in lost]
    named = ", ".join(never[:3]) + (", …" if never[3:] else "")
    count = f"{vietnamese.number(len(never))} hộp thư cơ quan, phòng chưa từng ghi văn thư (Đ9.2): {named}"
    return [*lost.values(), *([count] if never else [])]


def _lost_clerks(mailbox: "Mailbox", registry: "Registry") -> str:
    """Since when and by which document a mailbox without clerks has none; "" where none is known to have been."""
    from hanam_mail.cli import words
    from hanam_mail.registry.model import Clerks

    last = next((event for event in reversed(mailbox.history) if isinstance(event, Clerks)), None)
    if last is None or not last.was:
        return ""
    names = ", ".join(registry.mailboxes[who].name if who in registry.mailboxes else who for who in last.was)
    paper = words.document(last, registry)
    return (
        f"{mailbox.address} không còn văn thư từ {vietnamese.day(last.done)} theo văn bản {paper} (trước đó: {names}): "
        "chỉ định bằng hanam-mail clerks (Đ9.2)"
    )


def _facts(mailbox: "Mailbox", registry: "Registry") -> dict[str, str]:
    from hanam_mail.cli import words
    from hanam_mail.registry import history

    agency = registry.agencies[mailbox.agency]
    now = history.standing(mailbox.history, mailbox.kind, registry.regulation)
    aliases = (
        alias.address + (f" (nhận thư đến hết {vietnamese.day(alias.until)})" if alias.until else "")
        for alias in mailbox.aliases
    )
    clerks = (f"{registry.mailboxes[clerk].name} ({registry.mailboxes[clerk].address})" for clerk in mailbox.clerks)
    return {
        "Mã": mailbox.id,
        "Địa chỉ": mailbox.address,
        "Bí danh": ", ".join(aliases) or "không có",
        "Tên": mailbox.name,
        **({"Chức vụ": mailbox.post} if mailbox.post else {}),
        **({"Điện thoại": mailbox.phone} if mailbox.phone else {}),
        "Cơ quan": f"{agency.name} ({agency.code})",
        **({"Không công khai": hidden} if (hidden := mailbox.withheld or agency.withheld) else {}),
        "Loại": words.KINDS[mailbox.kind],
        "Tình trạng": vietnamese.STATES[now.state],
        "Dung lượng": vietnamese.size(now.quota_bytes),
        "Văn thư": ", ".join(clerks) or "không có",
    }


def _brief(mailbox: "Mailbox", registry: "Registry") -> dict[str, str]:
    from hanam_mail.registry import history

    return {
        "id": mailbox.id,
        "address": mailbox.address,
        "name": mailbox.name,
        "kind": mailbox.kind,
        "agency": registry.agencies[mailbox.agency].name,
        "state": history.standing(mailbox.history, mailbox.kind, registry.regulation).state,
    }
