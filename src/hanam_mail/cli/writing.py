"""How every command that changes the registry does it: edit a draft, check all of it, write it whole, show it."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hanam_mail.cli.base import console, json_option, load, print_json, registry_option
from hanam_mail.errors import InputError, Problem

if TYPE_CHECKING:
    from rich.table import Table

    from hanam_mail.editing import WorkingCopy
    from hanam_mail.registry.model import Agency, Mailbox, Registry
    from hanam_mail.registry.requests import Request

dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Chỉ cho xem sẽ ghi gì, không ghi. / Only show what would be written."
)


convert_option = click.option(
    "--convert-legacy",
    is_flag=True,
    help="Đã xem và đồng ý đổi tên gõ bằng TCVN3, VNI sang Unicode. / Convert a name typed in TCVN3 or VNI.",
)


exact_name_option = click.option(
    "--exact-name",
    is_flag=True,
    help="Đã đối chiếu: giấy tờ ghi đúng họ tên này, dù lạ. / The papers have this unusual name so.",
)


@dataclass(slots=True)
class Editing:
    """An edit under way. What a command puts into `result` stands in the JSON, into `notes` under the change, the
    `table` below all. `files` are put in place once the registry is written, and dropped when it is not."""

    draft: "WorkingCopy"
    result: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    table: "Table | None" = None
    files: ExitStack = field(default_factory=ExitStack)

    def name(self, typed: str, *, convert_legacy: bool) -> str:
        """The name that was meant, what was changed in it told in the notes; what is not sure is refused."""
        from hanam_mail.editing import refusing
        from hanam_mail.regulation import naming

        with refusing("Đ5"):
            read = naming.read(typed, convert_legacy=convert_legacy)
        self.notes.extend(read.notes)
        return read.text

    def person_name(self, typed: str, *, convert_legacy: bool, exact: bool) -> str:
        """The same for the name of a person, which must be one; `exact`: the operator confirmed it."""
        from hanam_mail.editing import refusing
        from hanam_mail.regulation import naming

        words = self.draft.regulation.naming
        with refusing("Đ5.2"):
            read = naming.read_person(typed, words, convert_legacy=convert_legacy, exact=exact)
        self.notes.extend(read.notes)
        return read.text


@dataclass(frozen=True, slots=True)
class Target:
    """The registry that a command changes (the folder `path`), and how: --dry-run, --json."""

    path: Path
    dry_run: bool
    as_json: bool

    @contextmanager
    def editing(self) -> Iterator[Editing]:
        """A draft of the registry; when the block ends it is checked and, unless `dry_run`, written, then shown.

        Other writers wait from the reading to the writing. Raises InputError, and writes nothing, when an edit is
        impossible or the result breaks a rule.
        """
        from hanam_mail.editing import WorkingCopy, refusing
        from hanam_mail.registry.writing import store
        from hanam_mail.review import revisions

        with ExitStack() as files:
            with store.exclusive(self.path):
                before = load(self.path)
                edit = Editing(WorkingCopy(before, domain=revisions.domain_beside(self.path)), files=files)
                with refusing("Đ5"):
                    yield edit
                after = edit.draft.registry()
                found = problems(self.path, after)
                if found:
                    # What was typed wrong comes first: the other faults may follow from it.
                    raise InputError([*filter(None, map(_as_typed, found))] or found)
                change = _change(self.path, before, after, edit)
                if not self.dry_run:
                    store.write(self.path, after)
            failed = _put_in_place(files)
        self._show(change, edit, failed)

    def _show(self, change: "_Change", edit: Editing, failed: Sequence[Problem]) -> None:
        """Say what was done, once it is; `failed` is what could not be put in place beside the registry."""
        try:
            if self.as_json:
                shown = {"written": not self.dry_run, **edit.result, **change.facts}
                print_json({**shown, "problems": [each.as_dict() for each in failed]} if failed else shown)
            else:
                for line in change.lines:
                    click.echo(line)
                written = "Đã ghi sổ đăng ký." if change.changed else "Không có gì thay đổi."
                click.echo("Chưa ghi gì (--dry-run)." if self.dry_run else written)
                if edit.table is not None:
                    console().print(edit.table)
        except OSError as error:
            if self.dry_run:
                raise
            text = f"đã ghi sổ đăng ký, nhưng không in được kết quả: {error.strerror}; đừng nhập lại"
            raise InputError([Problem(str(self.path), 0, "", text), *failed]) from error
        if failed and self.as_json:
            sys.exit(1)
        if failed:
            raise InputError(failed)


@dataclass(frozen=True, slots=True)
class _Change:
    """What an edit comes to, in words and for programs."""

    changed: bool
    lines: Sequence[str]
    facts: Mapping[str, Any]


def writing_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add --registry, --dry-run, --json; the command gets them as one argument `target`."""

    @wraps(function)
    def command(*arguments: Any, path: Path, dry_run: bool, as_json: bool, **options: Any) -> None:
        function(*arguments, target=Target(path, dry_run, as_json), **options)

    for option in (json_option, dry_run_option, registry_option):
        command = option(command)
    return command


def _as_typed(problem: Problem) -> Problem | None:
    """The problem at the option or argument that gave the field its value, if one did; nothing is in a file yet."""
    context = click.get_current_context()
    for parameter in context.command.params:
        name = parameter.opts[0].removeprefix("--")
        source = context.get_parameter_source(parameter.name or "")
        if name == problem.field and source is click.core.ParameterSource.COMMANDLINE:
            typed = parameter.opts[0] if isinstance(parameter, click.Option) else name.upper()
            return Problem("", 0, typed, problem.text, problem.clause)
    return None


def problems(path: Path, edited: "Registry") -> list[Problem]:
    """Everything that `hanam-mail check` would find once the edited registry were written to `path`."""
    from hanam_mail.registry import folder, loading, rules
    from hanam_mail.registry.entries import Found, read_agency_file, read_request_file
    from hanam_mail.registry.writing import canonical

    # The files that change, read back: what a field may hold is judged as it will stand there.
    probe, have = Found(), folder.texts(path, [])
    for file, text in canonical.texts(edited, path).items():
        if have.get(file) == text:
            continue
        if file.parent == path:
            read_agency_file(text, str(file), edited.regulation, probe)
        else:
            read_request_file(text, str(file), probe)
    if probe.problems:
        return sorted(probe.problems)
    whole = Found(
        _placed(edited.agencies, probe.agencies),
        _placed(edited.mailboxes, probe.mailboxes),
        _placed(edited.requests, probe.requests),
    )
    return sorted(rules.check(whole, edited.regulation, loading.today(), edited.settings))


def _placed[E: Agency | Mailbox | Request](edited: Mapping[str, E], read: Sequence[E]) -> list[E]:
    """The entries, those that were read back with the lines where they will stand."""
    places = {entry.id: entry for entry in read}
    return [places.get(identity, entry) for identity, entry in edited.items()]


def _change(path: Path, before: "Registry", after: "Registry", edit: Editing) -> _Change:
    from hanam_mail.plan import wording
    from hanam_mail.registry import loading
    from hanam_mail.review import deviations, revisions
    from hanam_mail.review.register import RESULTS

    found = revisions.assess(
        before, after, loading.today(), revisions.domain_beside(path), revisions.limit_beside(path)
    )
    plan, reasons = found.plan, (*found.never, *found.stops, *deviations.found(before, after))
    papers = [entry for key, entry in after.requests.items() if before.requests.get(key) != entry]
    lines = [
        f"Đề nghị {entry.id}: {entry.document} của {after.agencies[entry.agency].name}, kết quả {RESULTS[entry.result]}"
        for entry in papers
    ]
    notes = [*reasons, *edit.notes]
    lines += [*(wording.lines(plan) if plan.changed else ()), *(f"Lưu ý: {note}" for note in notes)]
    facts = {"requests": [entry.id for entry in papers], "plan": plan.as_dict(), "warnings": notes}
    return _Change(plan.changed or bool(papers) or before != after, lines, facts)


def _put_in_place(files: ExitStack) -> Sequence[Problem]:
    """What could not be. The registry is written by now, which this does not undo."""
    try:
        files.close()
    except InputError as error:
        return error.problems
    return ()
