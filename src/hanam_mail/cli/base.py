"""What all commands share: how they are declared, refused input, options that mean the same everywhere.

A command is a function under `@command(...)` in a module of this package, listed in `hanam_mail.cli`. It
parses options, calls the package and prints; imports that only it needs stand in it, since `--help` and
completion should not wait for them. Help is Vietnamese first, English after.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
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

type Decorator = Callable[[Callable[..., None]], Callable[..., None]]


class Command(click.Command):
    """Turns refused input into exit code 1: lines on stderr, or JSON on stdout for `--json`."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            if ctx.params.get("as_json"):
                print_json({"problems": [problem.as_dict() for problem in error.problems]})
            else:
                print_problems(error.problems)
            sys.exit(1)


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


def cache_folder() -> Path:
    """Where parsed files are kept between runs (XDG base directories)."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "hanam-mail"


def load(path: Path) -> "Registry":
    """The registry in the folder `path`, whole and checked, read while nobody writes.

    Raises InputError with all its problems.
    """
    from hanam_mail import registry, store

    with store.reading(path):
        return registry.load(path)


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
