"""What the commands share that count something by agency, or by mailbox of one agency, over the last days."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hanam_mail.host import frame
from hanam_mail.host.database.errors import DatabaseError
from hanam_mail.host.database.session import one

DAYS = 30


@dataclass(frozen=True)
class AgencyTable:
    """A question, its columns by name, and a row in words. Asked with the days, then the code of the one agency."""

    query: str
    names: tuple[str, ...]
    line: Callable[..., str]


def agency(code: str | None, name: str | None) -> str:
    """An agency in words; NULL: a mailbox that belongs to none."""
    return f"{name or 'không thuộc cơ quan nào'} ({code or '-'})"


def add_command(commands: frame.Commands, name: str, text: str, run: Callable[[argparse.Namespace], int]) -> None:
    """Add a command with --days and --agency, as answer() takes them."""
    command = commands.add_parser(name, help=text, description=text)
    command.add_argument("--days", type=int, default=DAYS, metavar="SỐ", help=f"trong số ngày gần đây, mặc định {DAYS}")
    command.add_argument("--agency", metavar="MÃ", help="mã cơ quan: nêu từng hộp thư của cơ quan đó")
    frame.add_session_options(command)
    command.set_defaults(run=run)


def answer(options: argparse.Namespace, all_agencies: AgencyTable, one_agency: AgencyTable, nothing: str) -> int:
    """Ask and print; the command's exit code. `nothing`: what was not seen, in words."""
    if options.days < 1:
        raise DatabaseError("--days phải là số ngày, ít nhất 1")
    with frame.session(options) as connection:
        table, parameters = all_agencies, [options.days]
        if options.agency is not None:
            if not one(connection, "SELECT count(*) FROM mail.agency a WHERE a.code = %s", [options.agency])[0]:
                raise DatabaseError(f"không có cơ quan nào mang mã {options.agency}")
            table, parameters = one_agency, [options.days, options.agency]
        rows: list[tuple[Any, ...]] = connection.execute(table.query, parameters).fetchall()
    lines = "\n".join(table.line(*row) for row in rows)
    found = [dict(zip(table.names, row, strict=True)) for row in rows]
    words = f"trong {options.days} ngày qua {nothing}"
    return frame.answer(options, False, lines or words, days=options.days, found=found)
