"""`hanam-mail-db private-services`: to which agencies social networks and shops write (Đ4.4, Đ12.5).

hanam-mail-db private-services                   messages and mailboxes by agency, of the last 30 days
hanam-mail-db private-services --agency CODE     of one agency: which mailboxes, which services
"""

import argparse

from hanam_mail.host import frame
from hanam_mail.host.database.errors import DatabaseError
from hanam_mail.host.database.session import one

DAYS = 30

_BY_AGENCY = """
    SELECT a.code, a.name, count(DISTINCT p.mailbox_id), sum(p.messages), string_agg(DISTINCT p.service, ', ')
    FROM mail.private_service_mail p
    JOIN mail.mailbox m ON m.id = p.mailbox_id LEFT JOIN mail.agency a ON a.id = m.agency_id
    WHERE p.day > current_date - %s::int
    GROUP BY a.id, a.code, a.name ORDER BY sum(p.messages) DESC, a.code
"""
_OF_AGENCY = """
    SELECT d.local_part, m.name, p.service, sum(p.messages), max(p.day)
    FROM mail.private_service_mail p
    JOIN mail.mailbox m ON m.id = p.mailbox_id JOIN mail.agency a ON a.id = m.agency_id
    LEFT JOIN mail.address d ON d.mailbox_id = m.id AND d.kind = 'primary'
    WHERE p.day > current_date - %s::int AND a.code = %s
    GROUP BY m.id, m.name, d.local_part, p.service ORDER BY d.local_part, sum(p.messages) DESC
"""


def add_commands(commands: frame.Commands) -> None:
    """Add this module's command to those of command_line.py."""
    text = "thư của mạng xã hội, trang mua bán gửi tới hộp thư công vụ, theo cơ quan (Đ4.4, Đ12.5)"
    command = commands.add_parser("private-services", help=text, description=text)
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
            names = ("agency", "name", "mailboxes", "messages", "services")
            lines = [
                f"{name or 'không thuộc cơ quan nào'} ({code or '-'}):"
                f" {messages} thư tới {mailboxes} hộp thư: {services}"
                for code, name, mailboxes, messages, services in rows
            ]
        else:
            if not one(connection, "SELECT count(*) FROM mail.agency a WHERE a.code = %s", [options.agency])[0]:
                raise DatabaseError(f"không có cơ quan nào mang mã {options.agency}")
            rows = connection.execute(_OF_AGENCY, [options.days, options.agency]).fetchall()
            names = ("address", "name", "service", "messages", "last")
            lines = [
                f"{address or '-'} ({name}): {messages} thư của {service}, lần cuối {last:%d/%m/%Y}"
                for address, name, service, messages, last in rows
            ]
    nothing = f"trong {options.days} ngày qua không có thư nào của mạng xã hội, trang mua bán"
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return frame.answer(options, False, "\n".join(lines) or nothing, days=options.days, found=found)
