"""`hanam-mail-db collectors`: which private providers fetch official mailboxes, by agency (Đ4.5).

hanam-mail-db collectors                   mailboxes, providers and refusals by agency, of the last 30 days
hanam-mail-db collectors --agency CODE     of one agency: which mailboxes, which providers, from where
"""

import argparse

from hanam_mail.host import frame
from hanam_mail.host.database.errors import DatabaseError
from hanam_mail.host.database.session import one

DAYS = 30

_BY_AGENCY = """
    SELECT a.code, a.name, count(DISTINCT u.mailbox_id), sum(u.refused), string_agg(DISTINCT u.name, ', ')
    FROM mail.collector_use u
    JOIN mail.mailbox m ON m.id = u.mailbox_id LEFT JOIN mail.agency a ON a.id = m.agency_id
    WHERE u.day > current_date - %s::int
    GROUP BY a.id, a.code, a.name ORDER BY count(DISTINCT u.mailbox_id) DESC, a.code
"""
_OF_AGENCY = """
    SELECT d.local_part, m.name, u.name,
           (SELECT string_agg(DISTINCT p, ', ')
            FROM regexp_split_to_table(string_agg(array_to_string(u.protocols, ','), ','), ',') p),
           string_agg(DISTINCT host(u.address), ', '), sum(u.refused), max(u.day)
    FROM mail.collector_use u
    JOIN mail.mailbox m ON m.id = u.mailbox_id JOIN mail.agency a ON a.id = m.agency_id
    LEFT JOIN mail.address d ON d.mailbox_id = m.id AND d.kind = 'primary'
    WHERE u.day > current_date - %s::int AND a.code = %s
    GROUP BY m.id, m.name, d.local_part, u.name ORDER BY d.local_part, u.name
"""


def add_commands(commands: frame.Commands) -> None:
    """Add this module's command to those of command_line.py."""
    text = "nhà cung cấp thư riêng lấy thư của hộp thư công vụ, theo cơ quan (Đ4.5)"
    command = commands.add_parser("collectors", help=text, description=text)
    command.add_argument("--days", type=int, default=DAYS, metavar="SỐ", help=f"trong số ngày gần đây, mặc định {DAYS}")
    command.add_argument("--agency", metavar="MÃ", help="mã cơ quan: nêu từng hộp thư của cơ quan đó")
    frame.add_session_options(command)
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if options.days < 1:
        raise DatabaseError("--days phải là số ngày, ít nhất 1")
    with frame.session(options) as connection:
        if options.agency is None:
            rows = connection.execute(_BY_AGENCY, [options.days]).fetchall()
            names: tuple[str, ...] = ("agency", "name", "mailboxes", "refused", "providers")
            lines = [
                f"{name or 'không thuộc cơ quan nào'} ({code or '-'}): {mailboxes} hộp thư, {refused} lần từ chối:"
                f" {providers}"
                for code, name, mailboxes, refused, providers in rows
            ]
        else:
            if not one(connection, "SELECT count(*) FROM mail.agency a WHERE a.code = %s", [options.agency])[0]:
                raise DatabaseError(f"không có cơ quan nào mang mã {options.agency}")
            rows = connection.execute(_OF_AGENCY, [options.days, options.agency]).fetchall()
            names = ("address", "name", "provider", "protocols", "sources", "refused", "last")
            lines = [
                f"{address or '-'} ({name}): {provider}, bằng {protocols}, từ {sources}; {refused} lần từ chối,"
                f" lần cuối {last:%d/%m/%Y}"
                for address, name, provider, protocols, sources, refused, last in rows
            ]
    nothing = f"trong {options.days} ngày qua không thấy nhà cung cấp thư riêng nào lấy thư công vụ"
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return frame.answer(options, False, "\n".join(lines) or nothing, days=options.days, found=found)
