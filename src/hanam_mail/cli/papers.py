"""`hanam-mail paper`: papers that the office signs, drafted in the form of administrative documents."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hanam_mail.cli import candidates
from hanam_mail.cli.base import Command, Day, Group, json_option, load, print_json, registry_option
from hanam_mail.errors import InputError, Problem

if TYPE_CHECKING:
    from datetime import date

    from hanam_mail.controller.papers.drafts import DraftFacts
    from hanam_mail.controller.papers.paper import Office, Paper

_output = click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="Tệp PDF ghi ra. / PDF to write.",
)
_day = click.option("--day", type=Day(), help="Ngày ghi trên văn bản. / Date on the paper.")


@click.group(cls=Group)
def paper() -> None:
    """Dự thảo văn bản theo Nghị định 30/2020/NĐ-CP / Draft papers for signature."""


@paper.command("reply", cls=Command)
@click.argument("request_id", shell_complete=candidates.requests)
@click.option("--refused", default="", help="Lý do từ chối một đề nghị đang chờ. / Why a pending request is refused.")
@_day
@_output
@registry_option
@json_option
def reply(request_id: str, refused: str, day: "date | None", output: Path, path: Path, as_json: bool) -> None:
    """Công văn trả lời đề nghị REQUEST_ID (Đ6.2b) / The reply to a request."""
    from hanam_mail.controller.papers import drafts
    from hanam_mail.controller.papers import paper as forms
    from hanam_mail.registry.requests import Result

    registry = load(path)
    request = registry.requests.get(request_id)
    if request is None:
        raise InputError([Problem(str(path), 0, "REQUEST_ID", f"không có đề nghị {request_id} trong sổ")])
    if request.result is Result.PENDING and not refused:
        text = "đề nghị đang chờ: ghi việc đã làm trước (--reply-later khi chưa có số trả lời), hoặc thêm --refused"
        raise InputError([request.source.problem("result", text, "Đ6.2b")])
    if request.result is Result.DONE and refused:
        text = f"sổ ghi đề nghị {request_id} đã được giải quyết, không từ chối được"
        raise InputError([Problem(str(path), 0, "--refused", text, "Đ6.2b")])
    folder, site = _site(path)
    office = forms.load(folder / "papers.yml")
    _write(drafts.reply(request, registry, office, site, refused=refused, day=day), office, output, as_json)


@paper.command("notice", cls=Command)
@_output
@registry_option
@json_option
def notice(output: Path, path: Path, as_json: bool) -> None:
    """Thông báo tạm ngừng dịch vụ, mục đầu của maintenance.yml (Đ10.5) / Notice of the first stop declared.

    Từ chối khi báo chưa đủ ngày làm việc hoặc ngừng vào ngày làm việc, trừ trường hợp khẩn cấp có ghi lý do.
    """
    from hanam_mail.controller.papers import drafts, stops
    from hanam_mail.controller.papers import paper as forms
    from hanam_mail.regulation import group_vars, workdays

    folder, site = _site(path)
    declared = folder / "maintenance.yml"
    found = stops.load(declared)
    if not found:
        raise InputError([Problem(str(declared), 0, "maintenance_stops", "chưa khai báo lần tạm ngừng nào")])
    calendar = workdays.load(workdays.calendar_beside(path))
    term = group_vars.read(folder / "regulation.yml")["regulation_maintenance_notice_working_days"]
    if faults := stops.faults(found[0], term, calendar):
        raise InputError([Problem(str(declared), 0, "maintenance_stops", text, "Đ10.5") for text in faults])
    office = forms.load(folder / "papers.yml")
    _write(drafts.notice(found[0], office, site), office, output, as_json)


def _site(registry: Path) -> tuple[Path, "DraftFacts"]:
    """The province's folder of group_vars beside the registry, and what drafts name of it."""
    from hanam_mail.controller.handover import sheets
    from hanam_mail.controller.papers import drafts
    from hanam_mail.regulation import group_vars

    folder = group_vars.province_folder(registry.resolve().parent)
    numbers = group_vars.read(folder / "regulation.yml")
    support = group_vars.read(folder / "support.yml")
    domain = str(group_vars.read(folder / "names.yml")["mail_domain"])
    email = str(support["support_email"]).replace("{{ mail_domain }}", domain)
    text = f"{support['support_name']}, điện thoại {support['support_phone']}, thư {email}"
    return folder, drafts.DraftFacts(
        sheets.ground(numbers), text, domain, numbers["regulation_default_password_months"]
    )


def _write(draft: "Paper", office: "Office", output: Path, as_json: bool) -> None:
    from hanam_mail import atomic_file
    from hanam_mail.controller.papers import drafts

    output.parent.mkdir(parents=True, exist_ok=True)
    atomic_file.write(output, drafts.pdf(draft, office))
    if as_json:
        print_json({"title": draft.title, "file": str(output)})
    else:
        click.echo(f"{output}: {draft.title}")
