"""What all commands share: how they are declared, refused input, options that mean the same everywhere.

A command is a function under `@command(...)` in a module of this package, listed in `hanam_mail.cli`. It
parses options, calls the package and prints; imports that only it needs stand in it, since `--help` and
completion should not wait for them. Help is Vietnamese first, English after.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hanam_mail.errors import InputError, Problem

if TYPE_CHECKING:
    from datetime import date

    from rich.console import Console
    from rich.table import Table

    from hanam_mail.registry.model import Registry


class Command(click.Command):
    """Turns refused input into exit code 1: lines on stderr, or JSON on stdout for `--json`."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            problems = error.problems
        except BrokenPipeError:
            raise  # whoever read the output has left; click ends quietly
        except OSError as error:
            # A file or folder that an option named, a disk without room.
            problems = (Problem(str(error.filename or ""), 0, "", error.strerror or str(error)),)
        try:
            if ctx.params.get("as_json"):
                print_json({"problems": [problem.as_dict() for problem in problems]})
            else:
                print_problems(problems)
        except OSError:  # stdout takes nothing: a full disk, a reader who has left
            print_problems(problems)
        sys.exit(1)


class Group(click.Group):
    """Tells in its list of commands the whole first line of each, both languages."""

    heading = "Commands"

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, each.get_short_help_str(limit=200)) for name, each in sorted(self.commands.items())]
        with formatter.section(self.heading):
            formatter.write_dl(rows)


class Main(Group):
    """The command itself: to a person whose system speaks Vietnamese it says everything in Vietnamese."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        from hanam_mail import option_texts

        if option_texts.vietnamese_locale():
            from hanam_mail.cli import click_texts

            click_texts.give()
            _leave_out_english(self)
        return super().main(*arguments, **options)


_METAVARS = {
    click.types.StringParamType: "CHỮ",
    click.types.IntParamType: "SỐ",
    click.IntRange: "SỐ",
    click.Path: "ĐƯỜNG-DẪN",
}


def _leave_out_english(command: click.Command) -> None:
    """Keep of each bilingual text ("Kiểm tra / Check") what stands first."""
    command.options_metavar = "[TÙY CHỌN]"
    if command.help:
        # A paragraph in both languages, or one for each: the English one has no Vietnamese letter.
        paragraphs = (paragraph.split(" / ")[0] for paragraph in command.help.split("\n\n"))
        command.help = "\n\n".join(paragraph for paragraph in paragraphs if not paragraph.isascii())
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            parameter.help = (parameter.help or "").split(" / ")[0]
            parameter.metavar = parameter.metavar or _METAVARS.get(type(parameter.type))
    if isinstance(command, Group):
        command.heading = "Lệnh"
        command.subcommand_metavar = "LỆNH [THAM SỐ]..."
        for each in command.commands.values():
            _leave_out_english(each)


command = partial(click.command, cls=Command)

registry_option = click.option(
    "--registry",
    "path",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("mailboxes"),
    show_default=True,
    help="Thư mục sổ đăng ký hộp thư. / The registry's folder.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="In kết quả dạng JSON. / Print the result as JSON.")


class Day(click.ParamType["date"]):
    """A date as officials write it (25/11/2026, 5-1-2026, ngày 25 tháng 11 năm 2026) or as the registry does."""

    name = "ngày"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "date":
        from datetime import date

        from hanam_mail.importing import values

        if isinstance(value, date):
            return value
        try:
            return values.day(str(value))
        except ValueError as error:
            self.fail(f"“{value}”: {error}", param, ctx)


class Size(click.ParamType["int"]):
    """A quota in octets, written as people do: 4GB, 4 GB, 4,5 GB, 512MB; a bare number means GB."""

    name = "dung lượng"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from hanam_mail.importing import values

        if isinstance(value, int):
            return value
        try:
            return values.quota(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def load(path: Path) -> "Registry":
    """The registry in the folder `path`, whole and checked, read while nobody writes.

    Raises InputError with all its problems.
    """
    from hanam_mail.registry import cache, loading
    from hanam_mail.registry.writing import store

    with store.reading(path), working("Đang đọc sổ đăng ký"):
        return loading.load(path, cache=cache.cache_folder())


@contextmanager
def working(text: str) -> Iterator[None]:
    """Show that work which may take seconds goes on, to a person at a terminal only."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{text}…"):
        yield


def print_json(value: Mapping[str, Any] | Sequence[Any]) -> None:
    """One JSON document on stdout, letters as they are."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_problems(problems: Sequence[Problem]) -> None:
    """A line for each problem on stderr, and their number."""
    for problem in problems:
        click.echo(str(problem), err=True)
    click.echo(f"{len(problems)} lỗi.", err=True)


def console() -> "Console":
    """A console that prints texts as they are: no markup, no colours of its own."""
    from rich.console import Console

    return Console(markup=False, emoji=False, highlight=False)


def table(*columns: str) -> "Table":
    """An empty table with those headings; its texts wrap, none is cut."""
    from rich.table import Table
    from rich.text import Text

    result = Table(box=None, pad_edge=False, show_header=bool(columns))
    for column in columns:
        result.add_column(Text(column), overflow="fold")
    return result
