"""What Tab offers for an address or an agency's code: read off the files, since parsing them would be felt."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
from click.shell_completion import CompletionItem

_MOST = 200  # what a screen of offers can hold


def addresses(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The addresses of mailboxes, aliases left out."""
    return _items(_fields(ctx, r"^ {4}address: (\S+)$"), incomplete)


def codes(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The codes of agencies."""
    return _items(_fields(ctx, r"^ {2}code: (\S+)$"), incomplete)


def requests(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The numbers of requests that wait for an answer."""
    pattern = r"^(\d{4}-\d{4}):\n(?: .*\n)*?  result: pending$"
    return _items(_fields(ctx, pattern, folder="requests"), incomplete)


def reasons(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The reasons of a lock (Đ7.2), each with its clause."""
    from hanam_mail.errors import InputError
    from hanam_mail.registry import loading
    from hanam_mail.regulation import provisions

    try:
        known = provisions.load(loading.regulation_beside(ctx.params.get("path") or Path("mailboxes"))).lock_reasons
    except InputError:
        return []
    return [CompletionItem(name, help=clause) for name, clause in known.items() if name.startswith(incomplete)]


def _fields(ctx: click.Context, pattern: str, folder: str = "") -> Iterator[str]:
    path = ctx.params.get("path") or Path("mailboxes")
    for file in sorted((path / folder).glob("[!.]*.yml")):
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue  # the command itself says what is wrong; a shell that completes a word is no place for it
        yield from (found.strip('"') for found in re.findall(pattern, text, flags=re.MULTILINE))


def _items(values: Iterator[str], incomplete: str) -> list[CompletionItem]:
    found = sorted(value for value in values if value.startswith(incomplete.casefold()))
    return [CompletionItem(value) for value in found[:_MOST]]
