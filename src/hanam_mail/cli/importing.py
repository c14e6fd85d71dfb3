"""`hanam-mail import`: an agency's list, XLSX or CSV, into the registry (Đ11.4)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from hanam_mail.cli import candidates
from hanam_mail.cli.base import Day, command, load, print_json, table
from hanam_mail.cli.writing import Target, convert_option, writing_options
from hanam_mail.errors import InputError, Problem

if TYPE_CHECKING:
    from rich.table import Table

    from hanam_mail.importing.document import Document
    from hanam_mail.importing.lists import ListContents
    from hanam_mail.importing.planning import RowOutcome
    from hanam_mail.registry.model import Registry
    from hanam_mail.regulation.naming.grammar import NamingRules

_ACTIONS = ("issue", "change", "revoke")


@command("import")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--template",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Ghi biểu mẫu trống ra tệp .xlsx rồi dừng. / Write a blank template and stop.",
)
@click.option("--sheet", "titles", multiple=True, help="Chỉ đọc trang tính này. / Read this sheet only.")
@click.option("--ask", type=click.Choice(_ACTIONS), help="Việc đề nghị khi danh sách không ghi. / What rows ask for.")
@convert_option
@click.option(
    "--request",
    "request_id",
    shell_complete=candidates.requests,
    help="Số trong sổ đề nghị nếu đã vào sổ. / Number in the register.",
)
@click.option(
    "--agency",
    shell_complete=candidates.codes,
    help="Mã cơ quan gửi (mặc định: theo danh sách). / Code of the sender.",
)
@click.option("--document", help="Số văn bản (mặc định: theo danh sách). / The document's number.")
@click.option("--dated", type=Day(), help="Ngày văn bản (mặc định: theo danh sách). / The document's date.")
@click.option("--received", type=Day(), help="Ngày nhận (mặc định: hôm nay). / Date received (today).")
@click.option("--ground", help="Căn cứ (mặc định: theo danh sách). / What it is based on.")
@click.option("--reply", help="Số văn bản trả lời. / Number of the reply.")
@click.option(
    "--reply-later",
    is_flag=True,
    help="Chưa có số văn bản trả lời, ghi sau bằng request answer. / The reply's number follows.",
)
@click.option("--replied", type=Day(), help="Ngày trả lời (mặc định: --done). / Date of the reply.")
@click.option("--done", type=Day(), help="Ngày thực hiện (mặc định: hôm nay). / Date of the change (today).")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Ghi bảng địa chỉ đã cấp ra tệp CSV. / Write the addresses given to a CSV file.",
)
@writing_options
def import_(
    file: Path | None,
    template: Path | None,
    titles: tuple[str, ...],
    output: Path | None,
    target: Target,
    **options: Any,
) -> None:
    """Nhập danh sách của cơ quan (XLSX, CSV): cấp mới, thay đổi, thu hồi (Đ11.4) / Import an agency's list.

    Một dòng sai thì không ghi gì; mọi dòng sai đều được báo kèm số dòng, cột và lý do. Cách lập danh sách:
    docs/handbook/import.vi.md.

    One bad row, and nothing is written; every bad row is reported with its number, column and reason.
    """
    if template is not None:
        _refuse_what_stands_beside_a_template(template)
        from hanam_mail.importing import template as blank

        blank.write(template, load(target.path))
        if target.as_json:
            print_json({"template": str(template)})
        else:
            click.echo(f"Đã ghi biểu mẫu ra {template}.")
        return
    if file is None:
        raise click.UsageError("cần tệp danh sách, hoặc --template.")
    if output is not None and output.exists() and output.samefile(file):
        raise click.UsageError("--output trùng với tệp danh sách: bảng địa chỉ phải ghi ra tệp khác.")
    with target.editing() as edit:
        from hanam_mail import atomic_file
        from hanam_mail.importing import planning
        from hanam_mail.registry import loading
        from hanam_mail.review import revisions

        before = edit.draft.registry()
        found = _read(file, titles, before.regulation.naming, options)
        paper, problems = _document(file, found, before, options)
        problems += found.problems
        if not paper.agency:
            raise InputError(problems)  # nothing can be said of rows without knowing whose they are
        done = options["done"] or loading.today()
        domain = revisions.domain_beside(target.path)
        plan = planning.plan(edit.draft, found.entries, paper, done=done, domain=domain, spoiled=found.spoiled)
        if problems or plan.problems:
            raise InputError([*problems, *plan.problems])
        edit.notes += [*found.notes, *(f"dòng {row.row}: {note}" for row in plan.outcomes for note in row.notes)]
        edit.result |= {"request": plan.request, "rows": [_as_dict(row) for row in plan.outcomes]}
        edit.table = _table(plan.outcomes)
        if output is not None and not target.dry_run:
            # Its draft stands before the registry is written.
            edit.files.enter_context(atomic_file.placed(output, _csv(plan.outcomes)))


def _refuse_what_stands_beside_a_template(template: Path) -> None:
    """A template takes no list and no option of one; a list that was filled in is not to be lost to a blank one."""
    context = click.get_current_context()
    typed = {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    if typed - {"template", "path", "as_json"}:
        raise click.UsageError("--template chỉ ghi biểu mẫu trống: không dùng cùng tệp danh sách và tùy chọn khác.")
    if template.exists():
        raise InputError([Problem(str(template), 0, "--template", "tệp đã có, không ghi đè: chọn tên khác")])


def _read(file: Path, titles: Sequence[str], rules: "NamingRules", options: dict[str, Any]) -> "ListContents":
    from hanam_mail.importing import encoding, lists, reading
    from hanam_mail.importing.actions import Action
    from hanam_mail.registry import loading

    sheets = reading.read(file)
    unknown = [title for title in titles if title not in {sheet.title for sheet in sheets}]
    if unknown:
        shown = ", ".join(f"“{sheet.title}”" for sheet in sheets)
        raise InputError([Problem(str(file), 0, "", f"không có trang tính “{unknown[0]}”; có: {shown}")])
    sheets, converted = encoding.convert([sheet for sheet in sheets if not titles or sheet.title in titles])
    ask = Action(options["ask"]) if options["ask"] else None
    found = lists.read(sheets, options["received"] or loading.today(), rules, ask)
    found.notes.extend(note for legacy in converted for note in legacy.notes())
    if not options["convert_legacy"]:
        found.problems.extend(legacy.problem() for legacy in converted)
    if not found.entries and not found.spoiled:
        raise InputError(found.problems)
    return found


def _document(
    file: Path, found: "ListContents", before: "Registry", options: dict[str, Any]
) -> "tuple[Document, list[Problem]]":
    """The document of the list, what the options give or else what stands above it, and what is missing."""
    from hanam_mail.importing import document
    from hanam_mail.importing.agencies import Directory
    from hanam_mail.importing.document import Document
    from hanam_mail.registry import loading
    from hanam_mail.registry.requests import Result

    problems: list[Problem] = []
    known = before.requests.get(options["request_id"] or "")
    unknown = bool(options["request_id"]) and known is None
    if unknown:
        text = f"sổ đề nghị không có số {options['request_id']}"
        problems.append(Problem(str(file), 0, "--request", text, "Đ6.2"))
    stated = document.read(found.preface, Directory(before), found.head)
    sender = before.agencies[known.agency] if known else stated.agency
    paper = Document(
        agency=options["agency"] or (sender.code if sender else ""),
        document=options["document"] or stated.document,
        dated=options["dated"] or stated.dated,
        received=options["received"] or loading.today(),
        ground=options["ground"] or stated.ground,
        request=known.id if known else "",
        reply=options["reply"] or "",
        replied=options["replied"],
        reply_later=options["reply_later"],
    )
    needed: dict[str, object] = {"--agency": paper.agency or stated.unknown}
    if unknown:
        needed = {}  # the right number brings the rest
    elif known is None:
        needed |= {"--document": paper.document, "--dated": paper.dated}
        needed["--ground"] = paper.ground or any(entry.ground for entry in found.entries)
    if not unknown and (known is None or known.result is Result.PENDING):
        needed["--reply"] = paper.reply or paper.reply_later
    text = "danh sách không ghi, cần thêm trên dòng lệnh"
    problems += [Problem(str(file), 0, option, text, "Đ6.2") for option, value in needed.items() if not value]
    if stated.unknown and not paper.agency and not unknown:
        text = (
            f"“{stated.unknown}” ở đầu danh sách không phải cơ quan nào trong sổ, hoặc có thể là nhiều cơ quan: ghi "
            "--agency và mã của cơ quan gửi văn bản, cơ quan mới thì thêm trước bằng hanam-mail add agency"
        )
        problems.append(Problem(str(file), 0, "--agency", text, "Đ6.2a"))
    if stated.unit and sender is not None:
        chosen = before.agencies[known.agency].code if known else options["agency"]
        if chosen or document.belongs_to_agency(stated.unit):
            found.notes.append(f"danh sách của “{stated.unit}”: văn bản được tính của cơ quan mã {paper.agency}")
        else:
            text = (
                f"“{stated.unit}” dưới tên “{sender.name}” không phải cơ quan nào trong sổ: người trong danh sách "
                f"thuộc {sender.name} thì thêm --agency {sender.code}; không thì thêm cơ quan trước bằng "
                "hanam-mail add agency"
            )
            problems.append(Problem(str(file), 0, "--agency", text, "Đ6.2a"))
    return paper, problems


def _table(outcomes: "Sequence[RowOutcome]") -> "Table":
    from hanam_mail import vietnamese
    from hanam_mail.importing.actions import WORDS

    columns = {
        "Dòng": [str(outcome.row) for outcome in outcomes],
        "Việc": [WORDS[outcome.ask] for outcome in outcomes],
        "Tên": [outcome.mailbox.name for outcome in outcomes],
        "Địa chỉ": [outcome.mailbox.address for outcome in outcomes],
        "Địa chỉ cũ": [outcome.was for outcome in outcomes],
        "Cơ quan": [outcome.agency.name for outcome in outcomes],
        "Dung lượng": [vietnamese.size(size) if (size := _quota(outcome)) else "" for outcome in outcomes],
    }
    shown = {heading: cells for heading, cells in columns.items() if any(cells)}
    rows = table(*shown)
    for cells in zip(*shown.values(), strict=True):
        rows.add_row(*cells)
    return rows


def _quota(outcome: "RowOutcome") -> int | None:
    """The size that the row itself set."""
    return getattr(outcome.mailbox.history[-1], "quota_bytes", None)


def _as_dict(outcome: "RowOutcome") -> dict[str, Any]:
    return {
        "sheet": outcome.sheet,
        "row": outcome.row,
        "ask": outcome.ask,
        "id": outcome.mailbox.id,
        "kind": outcome.mailbox.kind,
        "name": outcome.mailbox.name,
        "address": outcome.mailbox.address,
        "was": outcome.was or None,
        "agency": outcome.agency.code,
        "quota_bytes": _quota(outcome),
        "notes": list(outcome.notes),
    }


def _csv(outcomes: "Sequence[RowOutcome]") -> bytes:
    """The table that goes back to the agency: UTF-8 with a mark, which Excel needs to see the accents."""
    import csv
    import io

    from hanam_mail.importing.actions import WORDS

    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["Dòng", "Việc", "Tên", "Địa chỉ", "Địa chỉ cũ", "Cơ quan"])
    for row in outcomes:
        cells = (row.row, WORDS[row.ask], row.mailbox.name, row.mailbox.address, row.was, row.agency.name)
        writer.writerow(cells)
    return text.getvalue().encode("utf-8-sig")
