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

    from hanam_mail.model import Registry


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
        if ctx.params.get("as_json"):
            print_json({"problems": [problem.as_dict() for problem in problems]})
        else:
            print_problems(problems)
        sys.exit(1)


class Group(click.Group):
    """Tells in its list of commands the whole first line of each, both languages."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, each.get_short_help_str(limit=200)) for name, each in sorted(self.commands.items())]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


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
    """A date, as officials write it (25/11/2026) or as the registry does (2026-11-25)."""

    name = "ngày"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "date":
        from datetime import date, datetime

        if isinstance(value, date):
            return value
        for form in ("%Y-%m-%d", "%d/%m/%Y"):
            try:
                return datetime.strptime(str(value).strip(), form).date()
            except ValueError:
                continue
        self.fail(f"“{value}” không phải ngày (viết 25/11/2026 hoặc 2026-11-25). / Not a date.", param, ctx)


class Size(click.ParamType["int"]):
    """A quota in octets, written as the registry does: 4GB, 512MB."""

    name = "dung lượng"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        import re

        from hanam_mail.quota import QUOTA_HINT, QUOTA_PATTERN, quota_bytes

        if isinstance(value, int):
            return value
        text = str(value).upper().replace(" ", "")
        if re.fullmatch(QUOTA_PATTERN, text) is None:
            self.fail(f"“{value}”: {QUOTA_HINT}. / Not a size.", param, ctx)
        return quota_bytes(text)


def load(path: Path) -> "Registry":
    """The registry in the folder `path`, whole and checked, read while nobody writes.

    Raises InputError with all its problems.
    """
    from hanam_mail import cache, registry, store

    with store.reading(path), working("Đang đọc sổ đăng ký"):
        return registry.load(path, cache=cache.cache_folder())


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
